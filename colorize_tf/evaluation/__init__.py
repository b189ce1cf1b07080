"""How good the colors are, always beside the gray answer."""
