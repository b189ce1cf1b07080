"""Renders the public API as web pages: python docs/render.py FOLDER."""

import sys
from pathlib import Path

import pdoc

import colorize_tf

# pdoc reads what is there, and the package resolves its names on first use only.
vars(colorize_tf).update({name: getattr(colorize_tf, name) for name in colorize_tf.__all__})
pdoc.render.configure(docformat="google")
# Where it is, not its name, which a checkout beside an installed package would have as well.
pdoc.pdoc(Path(colorize_tf.__file__).parent, output_directory=Path(sys.argv[1]))
