"""Encoders of the U-Nets.

An encoder is a function of `lightness` `(batch, size, size, 1)` in [-1, 1]. It returns a pyramid:
features at 1/2, 1/4, ... of the size, finest first. Preprocessing for pretrained weights is part of
the encoder.
"""

BACKBONE_PREFIX = "backbone_"
"""Prefix of the names of all pretrained layers, by which training freezes them; no other layer has
it."""
