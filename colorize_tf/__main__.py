"""python -m colorize_tf COMMAND: the same as colorize-tf COMMAND."""

import sys

from colorize_tf.cli import main

sys.exit(main())
