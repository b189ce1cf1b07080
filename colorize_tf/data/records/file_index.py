"""The files of a large set in the order of the work, and what is known of all; kept on disk."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

# Validation comes first: of two equal files the first is kept, and losing one of thousands in
# training costs less than changing what is measured.
VALIDATION, TRAIN, OUTSIDE = 0, 1, 2


class FileIndex:
    """A scratch database, so that memory does not grow with the number of files.

    The order follows from hashes of the names, so that neighbors in a folder come apart.

    Args:
        path: of the database, where nothing stands yet.
    """

    def __init__(self, path: Path):
        self._database = sqlite3.connect(path, isolation_level=None)
        # Nobody needs it after a power failure.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE files (side INTEGER, hash BLOB, name BLOB, "
            "PRIMARY KEY (side, hash, name)) WITHOUT ROWID"
        )
        self._database.execute(
            "CREATE TABLE seen (digest BLOB PRIMARY KEY, name BLOB) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def add(self, side: int, names: Iterable[str]) -> None:
        """List files of one side, `VALIDATION` or `TRAIN`, or of neither, `OUTSIDE`."""
        encoded = map(os.fsencode, names)
        rows = ((side, hashlib.sha256(name).digest()[:8], name) for name in encoded)
        self._database.executemany("INSERT OR IGNORE INTO files VALUES (?, ?, ?)", rows)

    def __len__(self) -> int:
        return self._database.execute("SELECT count(*) FROM files").fetchone()[0]

    def sha256(self) -> str:
        """Hexadecimal digest of all names in their order."""
        digest = hashlib.sha256()
        for _, name in self._files():
            digest.update(name + b"\0")
        return digest.hexdigest()

    def units(self, size: int) -> Iterator[list[tuple[int, str]]]:
        """Yield side and name of the files, so many at a time."""
        rows = self._files()
        while files := rows.fetchmany(size):
            yield [(side, os.fsdecode(name)) for side, name in files]

    def _files(self) -> sqlite3.Cursor:
        return self._database.execute("SELECT side, name FROM files ORDER BY side, hash, name")

    def first_with(self, digest: str) -> str | None:
        """Return the kept file with a hexadecimal digest, if there is one."""
        rows = self._database.execute(
            "SELECT name FROM seen WHERE digest = ?", (bytes.fromhex(digest),)
        )
        found = rows.fetchone()
        return found and os.fsdecode(found[0])

    def keep(self, name: str, *digests: str) -> None:
        """Note a file that is kept, under its hexadecimal digests."""
        rows = [(bytes.fromhex(digest), os.fsencode(name)) for digest in digests]
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
