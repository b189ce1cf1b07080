"""Rendered landscapes: the data set that the package makes itself."""
