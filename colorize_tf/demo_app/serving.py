"""Starting gradio so that it keeps to itself. Imports it no sooner than that."""

import importlib.util
import os
import socket
from pathlib import Path
from typing import Any

# A browser that holds to this asks no other host for anything, whatever gradio's pages say.
_POLICY = "; ".join(
    (
        "default-src 'self' data: blob:",
        "script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "form-action 'self'",
        "base-uri 'self'",
    )
)


def prepare_gradio(folder: Path, host: str) -> None:
    """Set what gradio reads when it is imported: no reports to anybody, files in one folder.

    Args:
        folder: where what is uploaded goes.
        host: the address that the page will have.

    Raises:
        ValueError: gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ValueError(
            "the demo needs gradio, which is not installed; "
            'install it with: pip install "colorize_tf[demo]"'
        )
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # It asks itself whether it is there, which no proxy can tell.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "localhost", host]))


def check_address(host: str, port: int) -> None:
    """Raise `ValueError` if no server can be started there."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as one:
            # As servers do: a port is free as soon as the one before has gone.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
    except OSError as error:
        raise ValueError(
            f"cannot serve at {host}, port {port}: {error.strerror}; choose another --port"
        ) from error


def serve(page: Any, *, host: str, port: int, max_megabytes: float, share: bool) -> str:
    """Start the server, which goes on in threads of its own.

    Args:
        page: a `gradio.Blocks`.
        host: the address to listen at.
        port: the port.
        max_megabytes: of one uploaded file; a larger one is refused while it arrives.
        share: whether gradio's servers are asked for a public link to this one.

    Returns:
        The address of the page.
    """
    from starlette.middleware import Middleware

    from colorize_tf.demo_app import theme

    _, local, public = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        max_file_size=round(max_megabytes * 1e6),
        app_kwargs={"middleware": [Middleware(_Guard)]},
        theme=theme.THEME,
        css=theme.CSS,
        footer_links=[],
        # It would keep what visitors did in the account of whoever is logged in at Hugging Face.
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        quiet=True,
        prevent_thread_lock=True,
    )
    return public or local


class _Guard:
    """ASGI middleware that sends the policy with every answer."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        async def guarded(message):
            if message["type"] == "http.response.start":
                headers = [
                    (b"content-security-policy", _POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                ]
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self._app(scope, receive, guarded)
