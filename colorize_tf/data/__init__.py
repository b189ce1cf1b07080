"""Data sets: find, audit, prepare and load photographs as `(lightness, ab)`."""
