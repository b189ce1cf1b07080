import tensorflow as tf

from colorize_tf.experiment.networks import start
from colorize_tf.training.runtime_options import RuntimeOptions


def test_a_run_is_computed_where_its_placement_says():
    mirrored = start(RuntimeOptions(strategy="mirrored"), None).strategy
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert start(RuntimeOptions(), None).strategy is tf.distribute.get_strategy()
