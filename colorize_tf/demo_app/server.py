"""Starts Gradio's server without telemetry or requests to other hosts.

Gradio is imported only by `serve`, since it reads its settings on import.
"""

import importlib.util
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

# Browsers that enforce this send no request to another host, whatever Gradio's pages contain.
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
    """Set the environment variables that Gradio reads: no telemetry, one folder of uploads.

    Args:
        folder: of uploads.
        host: address of the server.

    Raises:
        ValueError: Gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ValueError(
            "the demo needs gradio, which is not installed; "
            'install it with: pip install "colorize_tf[demo]"'
        )
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # Gradio requests its own page once to check it, which a proxy would break.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "localhost", host]))


def check_address(host: str, port: int) -> None:
    """Raise `ValueError` if no server can listen at this address."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            # As servers do, to use a port right after its last owner has closed it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise ValueError(
            f"cannot serve at {host}, port {port}: {error.strerror}; choose another --port"
        ) from error


def serve(page: Any, *, host: str, port: int, max_megabytes: float, share: bool) -> str:
    """Start the server in threads of its own; return the URL of the page.

    Args:
        page: a `gradio.Blocks`.
        host: address to listen at.
        port: port to listen at.
        max_megabytes: of one upload; the server aborts the transfer of larger ones.
        share: whether to ask Gradio's servers for a public link.
    """
    from starlette.middleware import Middleware

    from colorize_tf.demo_app import theme

    _, local, public = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        max_file_size=round(max_megabytes * 1e6),
        app_kwargs={"middleware": [Middleware(_SecurityHeaders)]},
        theme=theme.THEME,
        css=theme.CSS,
        footer_links=[],
        # Gradio would store runs in the Hugging Face account that is logged in.
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        quiet=True,
        prevent_thread_lock=True,
    )
    return public or local


class _SecurityHeaders:
    """ASGI middleware that adds the content security policy to each response."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self._app = app

    async def __call__(
        self, scope: dict, receive: Callable, send: Callable[[dict], Awaitable[None]]
    ) -> None:
        async def send_with_headers(message: dict) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (b"content-security-policy", _POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                ]
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
