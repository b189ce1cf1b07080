"""One HTML page that needs nothing beside it: no network, no other file."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from colorize_tf.files import atomic_write

PAGE = "index.html"

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: #fff; color: #1a1a1a;
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
p { max-width: 45rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid #ddd; text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 8rem; }
.charts, .tiles { display: grid; gap: 1rem; }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.tiles { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem; }
figure { margin: 0; } img { width: 100%; height: auto; display: block; }
figcaption { font-size: .875rem; color: #444; }
"""


class Chart(NamedTuple):
    """A drawing as PNG file contents, and what it shows."""

    caption: str
    png: bytes


class Tile(NamedTuple):
    """A picture, uint8 `(height, width, 3)`, and what stands below it."""

    caption: str
    image: np.ndarray


class Section(NamedTuple):
    """A part of the page, in this order; what is empty is left out.

    Attributes:
        title: its heading.
        text: one paragraph.
        table: rows of cells, the first one the headings.
        charts: drawings.
        rows: pictures of one photograph side by side, each row under a heading.
    """

    title: str
    text: str = ""
    table: Sequence[Sequence[str]] = ()
    charts: Sequence[Chart] = ()
    rows: Sequence[tuple[str, Sequence[Tile]]] = ()


def check_free(folder: str | Path) -> None:
    """Raise `ValueError` unless a report can be written to `folder`, which must not exist yet."""
    folder = Path(folder)
    if folder.exists() or folder.is_symlink():
        raise ValueError(f"{folder} exists already; choose another --report")
    if not folder.absolute().parent.is_dir():
        raise ValueError(f"no folder {folder.parent} to write {folder} to; make it first")


def write_page(folder: str | Path, title: str, sections: Iterable[Section]) -> Path:
    """Write the page to a new folder, whole or not at all.

    Args:
        folder: where nothing stands yet.
        title: heading of the page.
        sections: what it holds; every text is escaped.

    Returns:
        The page's path.

    Raises:
        ValueError: something stands there, or its folder does not exist.
    """
    check_free(folder)
    page = "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{html.escape(title)}</h1>",
            *(_section(section) for section in sections),
            "</body>\n</html>\n",
        ]
    )
    with atomic_write(folder) as aside:
        aside.mkdir()
        (aside / PAGE).write_text(page, encoding="utf-8")
    return Path(folder) / PAGE


def _section(section: Section) -> str:
    parts = [f"<section>\n<h2>{html.escape(section.title)}</h2>"]
    if section.text:
        parts.append(f"<p>{html.escape(section.text)}</p>")
    if section.table:
        parts.append(_table(section.table))
    if section.charts:
        drawings = (_figure(one.caption, "image/png", one.png) for one in section.charts)
        parts.append(f'<div class="charts">\n{"".join(drawings)}</div>')
    for heading, tiles in section.rows:
        pictures = (_figure(one.caption, "image/jpeg", _jpeg(one.image)) for one in tiles)
        parts.append(f'<h3>{html.escape(heading)}</h3>\n<div class="tiles">\n')
        parts.append(f"{''.join(pictures)}</div>")
    return "\n".join([*parts, "</section>"])


def _table(rows: Sequence[Sequence[str]]) -> str:
    heading, *lines = rows
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heading)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in lines
    )
    return f'<div class="scroll"><table>\n<tr>{head}</tr>\n{body}\n</table></div>'


def _figure(caption: str, kind: str, contents: bytes) -> str:
    caption = html.escape(caption)
    data = base64.b64encode(contents).decode()
    return (
        f'<figure><img alt="{caption}" src="data:{kind};base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )


def _jpeg(image: np.ndarray) -> bytes:
    encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90]
    )
    return encoded[1].tobytes()
