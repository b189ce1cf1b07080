"""Colorize films."""
