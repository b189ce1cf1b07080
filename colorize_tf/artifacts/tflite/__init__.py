"""TFLite files of a generator: conversion, comparison with it, reports, and running them.

Only `convert`, which calls most other modules, `compare` and `report` import TensorFlow.
"""

QUANTIZATIONS = ("float32", "float16", "dynamic", "int8")
"""How the network's weights are stored and computed; see `convert.convert_to_tflite`."""
