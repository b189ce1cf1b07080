"""What `python -m colorize_tf.benchmark` measures: each part of the package beside its peer."""
