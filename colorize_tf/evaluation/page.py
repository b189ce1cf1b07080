"""Write one self-contained HTML page: no network, no other file."""

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
.large figure { max-width: 900px; margin-bottom: .5rem; }
figcaption { font-size: .875rem; color: #444; }
"""


class Chart(NamedTuple):
    """A chart as PNG file contents, and its caption."""

    caption: str
    png: bytes


class Tile(NamedTuple):
    """A picture, uint8 `(height, width, 3)`, and its caption."""

    caption: str
    image: np.ndarray


class Row(NamedTuple):
    """Pictures of one photograph: thumbnails side by side, then large ones below each other."""

    heading: str
    tiles: Sequence[Tile] = ()
    large: Sequence[Tile] = ()


class Section(NamedTuple):
    """A section of the page; its parts come in this order, and empty ones are left out.

    Attributes:
        title: the heading.
        text: one paragraph.
        table: rows of cells, the headings first.
        charts: charts side by side.
        rows: pictures, one row for each photograph.
    """

    title: str
    text: str = ""
    table: Sequence[Sequence[str]] = ()
    charts: Sequence[Chart] = ()
    rows: Sequence[Row] = ()


def check_free(folder: str | Path) -> None:
    """Check that a report can be written to a new folder.

    Raises:
        ValueError: it exists already, or its parent does not.
    """
    folder = Path(folder)
    if folder.exists() or folder.is_symlink():
        raise ValueError(f"{folder} exists already; choose another --report")
    if not folder.absolute().parent.is_dir():
        raise ValueError(f"no folder {folder.parent} to write {folder} to; make it first")


def write_page(folder: str | Path, title: str, sections: Iterable[Section]) -> Path:
    """Write the page to a new folder, atomically, and return its path; all texts are escaped.

    Raises:
        ValueError: the folder exists already, or its parent does not.
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
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        (temporary / PAGE).write_text(page, encoding="utf-8")
    return Path(folder) / PAGE


def _section(section: Section) -> str:
    parts = [f"<section>\n<h2>{html.escape(section.title)}</h2>"]
    if section.text:
        parts.append(f"<p>{html.escape(section.text)}</p>")
    if section.table:
        parts.append(_table(section.table))
    if section.charts:
        charts = (_figure(one.caption, "image/png", one.png) for one in section.charts)
        parts.append(f'<div class="charts">\n{"".join(charts)}</div>')
    for row in section.rows:
        parts.append(f"<h3>{html.escape(row.heading)}</h3>")
        for layout, tiles in (("tiles", row.tiles), ("large", row.large)):
            pictures = (_figure(one.caption, "image/jpeg", _jpeg(one.image)) for one in tiles)
            if tiles:
                parts.append(f'<div class="{layout}">\n{"".join(pictures)}</div>')
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
