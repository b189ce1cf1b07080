"""Replace transposed convolutions by layers that LiteRT computes faster."""

import keras
import numpy as np
import tensorflow as tf


def with_plain_convolutions(generator: keras.Model) -> keras.Model:
    """Return an equivalent network that upsamples with ordinary convolutions.

    A transposed 4 x 4 convolution of stride 2 computes each block of 2 x 2 pixels from 2 x 2
    pixels. It therefore equals a 2 x 2 convolution to four times the channels, followed by
    depth-to-space: the sub-pixel convolution of Shi et al. 2016 (arXiv 1609.05158), with the same
    number of multiply-adds. XNNPACK computes it in half the time, and in a tenth if a transposed
    one has only two channels. Batch normalization and ReLU that follow are folded into it.

    Args:
        generator: functional, float32. Other transposed convolutions are left unchanged.

    Returns:
        A network for tracing, not for training or saving.
    """
    followers = {
        layer.name: _foldable_followers(layer, generator)
        for layer in generator.layers
        if _is_doubling(layer)
    }
    folded = {layer.name for layers in followers.values() for layer in layers}

    def replace(layer: keras.Layer) -> keras.Layer:
        if layer.name in followers:
            return _SubPixelConvolution(layer, followers[layer.name])
        if layer.name in folded:
            return _Folded(name=layer.name, dtype="float32")
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


def _foldable_followers(
    layer: keras.layers.Conv2DTranspose, generator: keras.Model
) -> list[keras.Layer]:
    """List the normalization, dropout and ReLU that follow a convolution and have no other use."""
    kinds = [keras.layers.BatchNormalization, keras.layers.Dropout, keras.layers.ReLU]
    chain: list[keras.Layer] = []
    if layer.activation is not keras.activations.linear:
        return chain
    while len((chain or [layer])[-1]._outbound_nodes) == 1:
        (node,) = (chain or [layer])[-1]._outbound_nodes
        follower = node.operation
        if type(follower) not in kinds or len(follower._inbound_nodes) != 1:
            break
        # Other models may share layers with the generator.
        if follower not in generator.layers or getattr(follower, "axis", -1) not in (-1, 3):
            break
        del kinds[: kinds.index(type(follower)) + 1]
        chain.append(follower)
    return chain


class _SubPixelConvolution(keras.layers.Layer):
    """A transposed convolution with what is folded into it."""

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
        # Rows 2p - 1 and 2p of the result come from rows p - 1 and p: with the kernel's rows 2 and
        # 3 from the upper one, with its rows 0 and 1 from the lower one. Columns likewise.
        blocks = kernel.reshape(height // 2, 2, width // 2, 2, filters, channels)[::-1, :, ::-1]
        blocks = blocks.transpose(0, 2, 5, 1, 3, 4)
        self.kernel = np.float32(blocks.reshape(*blocks.shape[:3], 4 * filters))
        self.bias = np.float32(np.broadcast_to(bias, (4, filters)).ravel())

    def call(self, features: tf.Tensor, mask: None = None) -> tf.Tensor:
        """Convolve, shuffle, crop the half blocks along the borders, and activate."""
        padded = tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]])
        blocks = tf.nn.conv2d(padded, self.kernel, strides=1, padding="VALID") + self.bias
        # A ReLU comes first, so that int8 spends none of its levels on negative values. A tanh
        # comes last, as it is computed in float, and int8 would round it to 256 levels.
        shuffled = tf.nn.depth_to_space(self.rectify(blocks), 2)
        return self.activation(shuffled[:, 1:-1, 1:-1])


class _Folded(keras.layers.Layer):
    """Replaces a layer that is folded into the convolution before it."""

    def call(
        self, features: tf.Tensor, training: bool | None = None, mask: None = None
    ) -> tf.Tensor:
        """Return the features unchanged."""
        return features


def _affine(normalization: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Return the factor and the offset of batch normalization at inference, by channel."""
    scale = 1 / np.sqrt(normalization.moving_variance.numpy() + normalization.epsilon)
    if normalization.scale:
        scale = scale * normalization.gamma.numpy()
    shift = -normalization.moving_mean.numpy() * scale
    if normalization.center:
        shift = shift + normalization.beta.numpy()
    return scale, shift
