"""A network in the layers that LiteRT computes fastest, with the same answers."""

import keras
import numpy as np
import tensorflow as tf


def with_plain_convolutions(generator: keras.Model) -> keras.Model:
    """Return an equal network whose upsampling is done by ordinary convolutions.

    A transposed 4 x 4 convolution of stride 2 makes each block of 2 x 2 from 2 x 2 pixels. So it is
    a 2 x 2 convolution to four times the channels, shuffled in space: the sub-pixel convolution of
    Shi et al. 2016 (arXiv 1609.05158), with no multiply-add more. XNNPACK takes half the time for
    it, and a tenth where a transposed one has but two channels. Batch normalization and ReLU that
    follow become part of it.

    Args:
        generator: functional, float32. Transposed convolutions of another kind stay as they are.

    Returns:
        A network to be traced, not to be trained or saved.
    """
    followers = {
        layer.name: _absorbable(layer, generator)
        for layer in generator.layers
        if _is_doubling(layer)
    }
    absorbed = {layer.name for layers in followers.values() for layer in layers}

    def replace(layer):
        if layer.name in followers:
            return _SubPixelConvolution(layer, followers[layer.name])
        if layer.name in absorbed:
            return _Absorbed(name=layer.name, dtype="float32")
        return layer.__class__.from_config(layer.get_config())

    faster = keras.models.clone_model(generator, clone_function=replace)
    for layer in faster.layers:
        if layer.weights:
            layer.set_weights(generator.get_layer(layer.name).get_weights())
    return faster


def _is_doubling(layer: keras.Layer) -> bool:
    return (
        type(layer) is keras.layers.Conv2DTranspose
        and layer.kernel_size == (4, 4)
        and layer.strides == (2, 2)
        and layer.dilation_rate == (1, 1)
        and layer.padding == "same"
        and layer.output_padding is None
        and layer.data_format == "channels_last"
        and len(layer._inbound_nodes) == 1
    )


def _absorbable(layer: keras.layers.Conv2DTranspose, generator: keras.Model) -> list[keras.Layer]:
    """What follows a convolution and can be computed with it, in this order, as far as it goes."""
    kinds = [keras.layers.BatchNormalization, keras.layers.Dropout, keras.layers.ReLU]
    chain = []
    if layer.activation is not keras.activations.linear:
        return chain
    while len((chain or [layer])[-1]._outbound_nodes) == 1:
        (node,) = (chain or [layer])[-1]._outbound_nodes
        follower = node.operation
        if type(follower) not in kinds or len(follower._inbound_nodes) != 1:
            break
        # What others have built upon the generator is none of it.
        if follower not in generator.layers or getattr(follower, "axis", -1) not in (-1, 3):
            break
        del kinds[: kinds.index(type(follower)) + 1]
        chain.append(follower)
    return chain


class _SubPixelConvolution(keras.layers.Layer):
    """Computes a transposed convolution and what follows it."""

    def __init__(self, layer: keras.layers.Conv2DTranspose, followers: list[keras.Layer]):
        super().__init__(name=layer.name, dtype="float32")
        kernel, bias = layer.kernel.numpy(), 0.0
        if layer.use_bias:
            bias = layer.bias.numpy()
        rectified = layer.activation is keras.activations.relu
        self.rectify = layer.activation if rectified else keras.activations.linear
        self.activation = keras.activations.linear if rectified else layer.activation
        for follower in followers:
            if isinstance(follower, keras.layers.BatchNormalization):
                scale, shift = _affine(follower)
                kernel, bias = kernel * scale[:, np.newaxis], bias * scale + shift
            elif isinstance(follower, keras.layers.ReLU):
                self.rectify = follower.__class__.from_config(follower.get_config())
        height, width, filters, channels = kernel.shape
        # Rows 2p - 1 and 2p of the result come from rows p - 1 and p: by the kernel's rows 2 and 3
        # from the upper, by its rows 0 and 1 from the lower one. So with columns.
        blocks = kernel.reshape(height // 2, 2, width // 2, 2, filters, channels)[::-1, :, ::-1]
        blocks = blocks.transpose(0, 2, 5, 1, 3, 4)
        self.kernel = np.float32(blocks.reshape(*blocks.shape[:3], 4 * filters))
        self.bias = np.float32(np.broadcast_to(bias, (4, filters)).ravel())

    def call(self, features, mask=None):
        """Convolve, shuffle, cut off the half blocks along the borders, and activate."""
        padded = tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]])
        blocks = tf.nn.conv2d(padded, self.kernel, strides=1, padding="VALID") + self.bias
        # A ReLU comes early: int8 spends none of its levels on what it takes away. A tanh comes
        # last: it is computed in float, and whatever follows would count it in 256 levels.
        shuffled = tf.nn.depth_to_space(self.rectify(blocks), 2)
        return self.activation(shuffled[:, 1:-1, 1:-1])


class _Absorbed(keras.layers.Layer):
    """Stands where a layer stood that the convolution before it computes."""

    def call(self, features, training=None, mask=None):
        """Leave them as they are."""
        return features


def _affine(normalization: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What batch normalization multiplies each channel by at inference, and what it adds."""
    scale = 1 / np.sqrt(normalization.moving_variance.numpy() + normalization.epsilon)
    if normalization.scale:
        scale = scale * normalization.gamma.numpy()
    shift = -normalization.moving_mean.numpy() * scale
    if normalization.center:
        shift = shift + normalization.beta.numpy()
    return scale, shift
