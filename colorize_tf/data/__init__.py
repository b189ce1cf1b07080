"""Files become `(lightness, ab)`."""
