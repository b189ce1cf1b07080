"""Download the landscapes data set from Kaggle."""

import contextlib
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

KAGGLE_HANDLE = "theblackmamba31/landscape-image-colorization"
KAGGLE_PAGE = f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}"

_PROBE_SECONDS = 8.0


def earlier_downloads() -> Iterator[Path]:
    """Yield complete downloads that kagglehub made for other programs, newest first."""
    try:
        base = Path(os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub").expanduser()
        folder = base / "datasets" / KAGGLE_HANDLE
        versions = sorted(folder.glob("versions/[0-9]*"), key=lambda path: (len(path.name), path))
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder.
        return
    for version in reversed(versions):
        if (folder / f"{version.name}.complete").exists():  # kagglehub makes this marker last.
            yield version


def is_reachable(timeout: float = _PROBE_SECONDS) -> bool:
    """Return whether Kaggle, or the proxy, accepts a connection within `timeout` seconds."""
    reached = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError, ValueError):
            proxy = urlsplit(getproxies().get("https", ""))
            through_proxy = (proxy.hostname, proxy.port or 80)
            address = through_proxy if proxy.hostname else ("www.kaggle.com", 443)
            socket.create_connection(address, timeout=timeout).close()
            reached.set()

    # In a daemon thread, since a DNS lookup has no timeout.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    return reached.is_set()


def download(folder: Path) -> Path:
    """Download the data set into a folder atomically; errors are those of kagglehub."""
    import kagglehub  # Its import is slow and configures logging.

    # Renamed when complete, so that a broken download never looks complete.
    staging = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}.part")
    try:
        kagglehub.dataset_download(KAGGLE_HANDLE, output_dir=str(staging))
        if not folder.is_dir():  # Otherwise another run was faster.
            os.replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder
