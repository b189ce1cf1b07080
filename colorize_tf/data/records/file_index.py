"""The files of a large set in the order of the work, and digests of those kept; on disk."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

# Validation comes first: of two equal files the first is kept, and losing one of thousands in
# training costs less than changing what is measured.
VALIDATION, TRAIN, OUTSIDE = 0, 1, 2


class FileIndex:
    """A temporary SQLite database, so that memory does not grow with the number of files.

    The order follows hashes of the names, so that neighbors in a folder are separated.

    Args:
        path: of the database, which must not exist yet.

    Attributes:
        kept: number of files that were registered by `keep`.
    """

    def __init__(self, path: Path):
        self.kept = 0
        self._database = sqlite3.connect(path, isolation_level=None)
        # The database is temporary: it need not survive a power failure.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE files (split INTEGER, hash BLOB, name BLOB, "
            "PRIMARY KEY (split, hash, name)) WITHOUT ROWID"
        )
        self._database.execute(
            "CREATE TABLE seen (digest BLOB PRIMARY KEY, name BLOB) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def add(self, split: int, names: Iterable[str]) -> None:
        """Add the files of a split: `VALIDATION`, `TRAIN`, or `OUTSIDE` for neither."""
        encoded = map(os.fsencode, names)
        rows = ((split, hashlib.sha256(name).digest()[:8], name) for name in encoded)
        self._database.executemany("INSERT OR IGNORE INTO files VALUES (?, ?, ?)", rows)

    def __len__(self) -> int:
        return self._database.execute("SELECT count(*) FROM files").fetchone()[0]

    def sha256(self) -> str:
        """Return the hexadecimal digest of all names in order."""
        digest = hashlib.sha256()
        for _, name in self._files():
            digest.update(name + b"\0")
        return digest.hexdigest()

    def chunks(self, size: int) -> Iterator[list[tuple[int, str]]]:
        """Yield split and name of the files, in chunks of `size` files."""
        rows = self._files()
        while files := rows.fetchmany(size):
            yield [(split, os.fsdecode(name)) for split, name in files]

    def _files(self) -> sqlite3.Cursor:
        return self._database.execute("SELECT split, name FROM files ORDER BY split, hash, name")

    def first_with(self, digest: str) -> str | None:
        """Return the kept file with a hexadecimal digest, if there is one."""
        rows = self._database.execute(
            "SELECT name FROM seen WHERE digest = ?", (bytes.fromhex(digest),)
        )
        found = rows.fetchone()
        return found and os.fsdecode(found[0])

    def keep(self, name: str, *digests: str) -> None:
        """Register a file that is kept, under its hexadecimal digests."""
        self.kept += 1
        rows = [(bytes.fromhex(digest), os.fsencode(name)) for digest in digests]
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
