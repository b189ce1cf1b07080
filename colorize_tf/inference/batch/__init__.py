"""Colorize many files: one machine, standard input, or a Ray cluster."""
