"""Whose album is which: one for each page that is open in a browser."""

import secrets
import threading
from pathlib import Path

from colorize_tf.demo_app.upload_session import UploadSession


class Sessions:
    """Albums by the name of a session.

    Args:
        folder: where the albums have their folders.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._albums: dict[str, UploadSession] = {}
        self._lock = threading.Lock()

    def album(self, session: str) -> UploadSession:
        """Return the album of a session; it is empty where the session is new."""
        with self._lock:
            if session not in self._albums:
                # A name that no visitor chooses, nor can guess of another.
                self._albums[session] = UploadSession(self._folder / secrets.token_urlsafe())
            return self._albums[session]

    def close(self, session: str) -> None:
        """Remove the album of a session that has ended."""
        with self._lock:
            album = self._albums.pop(session, None)
        if album is not None:
            album.close()

    def close_all(self) -> None:
        """Remove all albums."""
        for session in list(self._albums):
            self.close(session)
