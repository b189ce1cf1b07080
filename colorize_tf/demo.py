"""python -m colorize_tf.demo: color photographs and films in a browser."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf import cli

if TYPE_CHECKING:
    from colorize_tf.demo_app.model_registry import ModelRegistry

_DETAILS = """\
Only this machine can open the page, and the page sends nothing to other hosts:
no statistics, no fonts or scripts from elsewhere. Uploads and results are kept
in a temporary folder. Closing a page removes its files, Ctrl-C ends the demo
and removes the folder."""


def _parser() -> cli.ArgumentParser:
    parser = cli.make_parser(
        "demo",
        usage="[flags]",
        description="Color photographs and films in a browser.",
        example="python -m colorize_tf.demo --model runs/mine --port 8000",
        details=_DETAILS,
    )
    parser.add_argument_group("color").add_argument(
        "--model",
        action="append",
        default=[],
        help="run folder, .keras file, SavedModel folder, .tflite file or URL of TensorFlow "
        "Serving; several to choose from: --model A --model B [the one that comes with the "
        "package]",
    )
    address = parser.add_argument_group("address")
    address.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; 0.0.0.0 opens the page to the whole network [127.0.0.1]",
    )
    address.add_argument(
        "--port",
        type=cli.number(int, 1, 65535),
        default=7860,
        metavar="N",
        help="port to listen at [7860]",
    )
    address.add_argument(
        "--share",
        action="store_true",
        help="ask Gradio's servers for a public link; photographs then pass through them",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-megapixels",
        type=cli.number(float, 0.001),
        default=50.0,
        metavar="X",
        help="larger photographs are refused before they are decoded [50]",
    )
    limits.add_argument(
        "--max-megabytes",
        type=cli.number(float, 0.001),
        default=200.0,
        metavar="X",
        help="larger files are refused while they are uploaded [200]",
    )
    limits.add_argument(
        "--max-files",
        type=cli.number(int, 1),
        default=20,
        metavar="N",
        help="photographs in one upload [20]",
    )
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C; return the exit code."""
    chosen = _parser().parse_args(arguments)
    from colorize_tf.demo_app.model_registry import ModelRegistry, load_colorizers
    from colorize_tf.demo_app.server import check_address, prepare_gradio
    from colorize_tf.demo_app.workspace import open_workspace

    check_address(chosen.host, chosen.port)
    with contextlib.suppress(KeyboardInterrupt), open_workspace() as folder:
        with cli.native_logs_hidden():
            colorizers = load_colorizers(chosen.model)
        prepare_gradio(folder, chosen.host)
        registry = ModelRegistry(colorizers, chosen.max_megapixels, chosen.max_files)
        _serve(chosen, registry, folder)
    return 0


def _serve(chosen: argparse.Namespace, registry: ModelRegistry, folder: Path) -> None:
    from colorize_tf.demo_app.examples import render_examples
    from colorize_tf.demo_app.page import build_page
    from colorize_tf.demo_app.server import serve
    from colorize_tf.demo_app.upload_session import Sessions

    sessions = Sessions(folder)
    page = build_page(registry, sessions, render_examples(folder / "examples"), folder)
    # Service managers send SIGTERM; end as Ctrl-C does, so that the files are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        address = serve(
            page,
            host=chosen.host,
            port=chosen.port,
            max_megabytes=chosen.max_megabytes,
            share=chosen.share,
        )
        print(f"the demo is at {address} until Ctrl-C", flush=True)
        threading.Event().wait()
    finally:
        sessions.close_all()
        page.close(verbose=False)


if __name__ == "__main__":
    sys.exit(main())
