"""Odd image files of every format: read right, refused for the right reason, or wrong."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from colorize_tf.benchmarks.measuring import Part, Row, Stopwatch
from colorize_tf.benchmarks.odd_files import make_odd_files
from colorize_tf.benchmarks.odd_files.base import OddFile
from colorize_tf.imagefiles import ImageFileError, decode_photograph

RIGHT, REFUSED, WRONG = "read right", "refused", "wrong"


def measure_formats(watch: Stopwatch) -> Iterator[Part]:
    """Read every file of the corpus, and count what becomes of them."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for file in make_odd_files():
        watch.report("odd image files", file.format)
        outcome, words = judge(file)
        counts[file.format, outcome] += 1
        if outcome == WRONG:
            wrong.append(f"{file.format}, {file.name}: {words}")
    names = dict.fromkeys(name for name, _ in counts)
    rows = [
        Row(f"{name}, {outcome}", counts[name, outcome], "files")
        for name in names
        for outcome in (RIGHT, REFUSED, WRONG)
    ]
    yield Part(f"odd image files: {counts.total()} made here, {len(wrong)} wrong", rows, wrong)


def judge(file: OddFile) -> tuple[str, str]:
    """Read a file, and return what becomes of it, and in words what is wrong."""
    try:
        photograph = decode_photograph(file.data)
    except ImageFileError as error:
        return (REFUSED if error.reason in file.refusals else WRONG), str(error)
    except Exception as error:  # What nobody expects is what is looked for.
        return WRONG, repr(error)
    if file.pixels is None:
        return WRONG, "it should be refused"
    white = np.iinfo(photograph.images.dtype).max
    channels = [photograph.images]
    if photograph.alpha is not None:
        channels.append(photograph.alpha[..., None])
    pixels = np.concatenate(channels, axis=2) / white
    if pixels.shape != file.pixels.shape:
        return WRONG, f"shape {pixels.shape}, expected {file.pixels.shape}"
    off = np.abs(pixels - file.pixels) * 255
    if file.pixels.shape[2] == 4:  # The color of what is transparent is nobody's business.
        off[..., :3] *= np.sqrt(file.pixels[..., 3:])
    measured = off.mean() if file.tolerance > 1 else off.max()
    return (RIGHT, "") if measured <= file.tolerance else (WRONG, f"{measured:.2f} levels off")
