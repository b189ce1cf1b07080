"""PatchGAN: a discriminator that classifies patches as real or generated, given the lightness."""

import keras
from keras import layers
from keras.initializers import RandomNormal

from colorize_tf.models.blocks import INITIALIZER_STDDEV, downsample


def patchgan(*, base_width: int = 64, pooling: int = 1, name: str = "patchgan") -> keras.Model:
    """Build the 70 x 70 PatchGAN of Isola et al. 2017, section 6.1.2.

    It is fully convolutional: each logit sees a patch of 70 x 70 pixels of an image of any size
    from 32 x 32 up. With `base_width` 64 it is the paper's (2.8 M parameters).

    With `pooling` 2 it averages squares of 2 x 2 pixels first: patches are twice as wide, and finer
    detail of chroma, which JPEG and video with 4:2:0 do not store either, is ignored. Use it with a
    generator that predicts no such detail, such as `efficientnet_unet`: the discriminator does
    not see noise in it.

    Args:
        base_width: channels of the first layer; the next have 2, 4 and 8 times as many.
        pooling: side in pixels of the squares that are averaged first; sizes below are after it.
        name: name of the model.

    Returns:
        A model of two inputs, `lightness` float32 `(batch, height, width, 1)` and `ab`
        float32 `(batch, height, width, 2)`, both in [-1, 1], to `logits` float32
        `(batch, height / 8 - 2, width / 8 - 2, 1)`: one per patch, no activation, real > 0.

    Example:
        >>> discriminator = patchgan(base_width=8)
        >>> [one.shape[-1] for one in discriminator.inputs], discriminator.output_shape[-1]
        ([1, 2], 1)
    """
    lightness = keras.Input((None, None, 1), name="lightness")
    ab = keras.Input((None, None, 2), name="ab")
    features = layers.Concatenate()([lightness, ab])
    if pooling > 1:
        features = layers.AveragePooling2D(pooling)(features)
    features = downsample(features, base_width, normalize=False)
    features = downsample(features, base_width * 2)
    features = downsample(features, base_width * 4)
    features = layers.ZeroPadding2D()(features)
    features = downsample(features, base_width * 8, strides=1, padding="valid")
    features = layers.ZeroPadding2D()(features)
    logits = layers.Conv2D(
        1,
        4,
        kernel_initializer=RandomNormal(stddev=INITIALIZER_STDDEV),
        dtype="float32",
        name="logits",
    )(features)
    return keras.Model([lightness, ab], logits, name=name)
