"""TFLite files of a generator: conversion, comparison with it, reports, and running them.

`convert` leads; only `convert`, `compare` and `report` import TensorFlow.
"""
