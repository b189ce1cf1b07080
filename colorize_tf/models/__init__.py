"""Networks: plain functions that return named functional models of built-in Keras layers."""

from colorize_tf.models.unet import compact_unet, pix2pix_unet, tiny_unet

GENERATORS = {
    "compact_unet": compact_unet,
    "pix2pix_unet": pix2pix_unet,
    "tiny_unet": tiny_unet,
}
"""Name in a config to function of the image size."""
