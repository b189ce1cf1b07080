"""Write MODEL_CARD.md, the description of an export for people."""

import hashlib
import textwrap
from pathlib import Path

MODEL_CARD = "MODEL_CARD.md"

_UNKNOWN = "not known"
_TEXT = """\
# {name}

Colors black-and-white landscape photographs: it keeps the lightness and predicts the colors.

| | |
|---|---|
| version | colorize_tf {version}, export {export} |
| recipe | {recipe} |
| network | {generator}, {parameters:,} parameters, {input_size} x {input_size} pixels |
| learned from | {photographs} |
| license of the weights | {licence} |
| license of the photographs | {photographs_license} |
| SHA-256 of the weights | {weights_sha256} |

`python -m colorize_tf.export --describe FILE` prints this for each file, with its inputs and
outputs.

## Training

{training_commands}

## Figures

{figures}

## Limits

Colors are guesses, and no evidence of how a place looked. The network is made for landscapes:
people, interiors and other subjects get wrong colors. Colors tend to be paler than the true ones.

## Files

| file | MB | SHA-256 |
|---|---:|---|
{files}
"""


def model_card(card: dict, folder: Path) -> str:
    """Write the model card of an export.

    Args:
        card: from `card.make_card`, with `export`, the number of the SavedModel, and, where they
            were measured, `figures`: `pictures`, which they are means over; `size`, of the compared
            squares in pixels; `command` that printed them, or None; and `scores` by name and
            measure.
        folder: contains the files of the export and nothing else.

    Returns:
        Markdown.
    """
    data = card["data"] or {}
    return _TEXT.format(
        **{key: _UNKNOWN if value is None else value for key, value in card.items()}
        | {
            "photographs": _photographs(data),
            "photographs_license": _cell(data.get("licence", _UNKNOWN)),
            "training_commands": textwrap.indent(card["training_command"] or _UNKNOWN, "    "),
            "figures": _figures(card["figures"]) if "figures" in card else "None were measured.",
            "files": "\n".join(_files(folder)),
        }
    )


def _photographs(data: dict) -> str:
    if not data:
        return _UNKNOWN
    counts = f"{data['train']:,} pictures ({data['validation']:,} more held out)"
    return f"{counts} of: {_cell(data['origin'])}"


def _cell(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|")


def _figures(figures: dict) -> str:
    scores = figures["scores"]
    measures = list(dict.fromkeys(measure for one in scores.values() for measure in one))
    rows = [
        ["", *(measure.replace("_", " ") for measure in measures)],
        ["---", *("---:" for _ in measures)],
        *([name, *(f"{one[measure]:.3f}" for measure in measures)] for name, one in scores.items()),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text = (
        f"Means over {figures['pictures']}, at {figures['size']} px,\n"
        f"beside those of gray (ab = 0):\n\n{table}"
    )
    return f"{text}\n\nPrinted by\n\n    {figures['command']}" if figures["command"] else text


def _files(folder: Path) -> list[str]:
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"| {name} | {len(content) / 1e6:.2f} | `{digest}` |")
    return lines
