import tensorflow as tf

from colorize_tf.assembly.networks import start
from colorize_tf.training.placement import Placement


def test_a_run_is_computed_where_its_placement_says():
    mirrored = start(Placement(strategy="mirrored"), None).strategy
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert start(Placement(), None).strategy is tf.distribute.get_strategy()
