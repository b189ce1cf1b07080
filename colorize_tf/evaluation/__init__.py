"""How good the colours are, always beside the grey answer."""
