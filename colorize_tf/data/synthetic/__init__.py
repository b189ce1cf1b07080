"""Render landscapes: a data set that needs no photographs."""
