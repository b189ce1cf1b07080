"""The page of the demo: photographs and films in a browser, colored as `colorize` does it."""
