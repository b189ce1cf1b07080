"""Prepared data sets: photographs in sharded TFRecord files."""
