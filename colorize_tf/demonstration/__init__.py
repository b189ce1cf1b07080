"""The page of the demo: photographs and films in a browser, coloured as `colorize` does it."""
