"""python -m colorize_tf.demo: photographs and films in color, in a browser."""

import contextlib
import signal
import sys
import threading
from collections.abc import Sequence

from colorize_tf import cli

_DETAILS = """\
The page is for this machine alone, and nothing leaves it: no statistics, no
fonts or scripts from elsewhere. What is uploaded and made lies in a temporary
folder; a page's part of it goes when the page is closed, all of it with the
demo. Ctrl-C ends it."""


def _parser():
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
    where = parser.add_argument_group("where")
    where.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; 0.0.0.0 lets the whole network in [127.0.0.1]",
    )
    where.add_argument(
        "--port",
        type=cli.number(int, 1, 65535),
        default=7860,
        metavar="N",
        help="port to listen at [7860]",
    )
    where.add_argument(
        "--share",
        action="store_true",
        help="ask gradio's servers for a public link, through which all photographs then go",
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
        help="photographs at once [20]",
    )
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C; return the exit code."""
    chosen = _parser().parse_args(arguments)
    from colorize_tf.demo_app.model_registry import ModelRegistry, load_colorizers
    from colorize_tf.demo_app.serving import check_address, prepare_gradio
    from colorize_tf.demo_app.workspace import open_workspace

    check_address(chosen.host, chosen.port)
    with contextlib.suppress(KeyboardInterrupt), open_workspace() as folder:
        with cli.native_logs_hidden():
            colorizers = load_colorizers(chosen.model)
        prepare_gradio(folder, chosen.host)
        registry = ModelRegistry(colorizers, chosen.max_megapixels, chosen.max_files)
        _serve(chosen, registry, folder)
    return 0


def _serve(chosen, registry, folder):
    from colorize_tf.demo_app.examples import render_examples
    from colorize_tf.demo_app.page import build_page
    from colorize_tf.demo_app.serving import serve
    from colorize_tf.demo_app.sessions import Sessions

    visits = Sessions(folder)
    page = build_page(registry, visits, render_examples(folder / "examples"), folder)
    # What ends services ends the demo as Ctrl-C does, so that its files go.
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
        visits.close_all()
        page.close(verbose=False)


if __name__ == "__main__":
    sys.exit(main())
