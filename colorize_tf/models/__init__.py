"""Networks: plain functions that return named functional models of built-in Keras layers."""

from colorize_tf.models.cnn import plain_cnn, zhang_classes_cnn, zhang_cnn
from colorize_tf.models.efficientnet_unet import efficientnet_unet
from colorize_tf.models.resnet_unet import resnet18_unet
from colorize_tf.models.unet import compact_unet, pix2pix_unet, tiny_unet

GENERATORS = {
    "compact_unet": compact_unet,
    "efficientnet_unet": efficientnet_unet,
    "pix2pix_unet": pix2pix_unet,
    "plain_cnn": plain_cnn,
    "resnet18_unet": resnet18_unet,
    "tiny_unet": tiny_unet,
    "zhang_classes_cnn": zhang_classes_cnn,
    "zhang_cnn": zhang_cnn,
}
"""Name in a config to function of the image size; what else a network takes are keywords."""
