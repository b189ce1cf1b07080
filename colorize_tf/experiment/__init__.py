"""From a config and its data to a run folder: what the command `train` and the Python API share.

Only this package and the commands read a config; everything below takes keyword arguments.
"""
