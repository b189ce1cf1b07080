"""A config and its photographs become networks, examples, losses, stages and callbacks.

The only room beside the verbs that reads a config: everything below takes plain arguments.
TensorFlow is imported by the functions, after `cli.start_tensorflow` has silenced it.
"""

from colorize_tf.experiment.description import describe_run, training_command, write_down
from colorize_tf.experiment.losses import color_distance, mean_color
from colorize_tf.experiment.networks import RESTART, build_gan, start
from colorize_tf.experiment.rendezvous import gather
from colorize_tf.experiment.resuming import prolonged_config, resume_config
from colorize_tf.experiment.training import check, make_log, plan, train

__all__ = [
    "RESTART",
    "build_gan",
    "check",
    "color_distance",
    "describe_run",
    "gather",
    "make_log",
    "mean_color",
    "plan",
    "prolonged_config",
    "resume_config",
    "start",
    "train",
    "training_command",
    "write_down",
]
