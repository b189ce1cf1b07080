"""An archive of small photographs, on one and on two processes of Ray; what each costs."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_folders
from colorize_tf.benchmarks.measuring import Part, Row
from colorize_tf.benchmarks.stages import measure_stages


def measure_archive(
    *,
    count: int = 1000,
    processes: Sequence[int] = (1, 2),
    height: int = 480,
    width: int = 640,
    stages_at: Sequence[tuple[int, int]] = ((3000, 4000), (866, 1155)),
) -> list[Part]:
    """Measure a folder of JPEG files colored by the model that comes with the package.

    Args:
        count: of the photographs.
        processes: how many are given the same work, one after the other.
        height: of a photograph, in pixels.
        width: of a photograph, in pixels.
        stages_at: height and width of photographs whose stages are measured one by one.
    """
    stages = [measure_stages(height=height, width=width) for height, width in stages_at]
    return [*_measure_folder(count, processes, height, width), *stages]


def _measure_folder(count: int, processes: Sequence[int], height: int, width: int) -> list[Part]:
    from colorize_tf.inference.batch.tasks import list_tasks

    title = f"{count} JPEG files of {width} x {height} into others"
    rates, starts = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_folders(Path(folder, "in"), count, height, width)

        def tasks(name):
            return list_tasks([f"{folder}/in"], Path(folder, name), recursive=True).tasks

        clock = _color_here(tasks("here"), jobs=max(processes))
        name = f"without Ray, {max(processes)} jobs"
        rates.append(Row(name, clock.rate(), "pictures/s"))
        for number in processes:
            try:
                clock = _color_by_ray(tasks(f"ray-{number}"), jobs=number)
            except ValueError as error:
                return [Part(title, rates, [f"Ray: {error}"])]
            name = f"Ray, processes: {number}"
            rates.append(Row(name, clock.rate(), "pictures/s"))
            starts.append(Row(name, clock.first(), "s"))
    rates.append(Row("last over first with Ray", rates[-1].value / rates[1].value, "times"))
    return [
        Part(f"{title}, from the first batch to the last", rates),
        Part("start of Ray and of the model, to the first batch", starts),
    ]


class _Clock:
    """A display that keeps the time.

    Attributes:
        moments: seconds since the start, and how many were done then.
    """

    def __init__(self):
        self.moments = []
        self._started = time.perf_counter()

    def advance(self, done: int, total: int | None = None) -> None:
        """Note how many are done by now."""
        self.moments.append((time.perf_counter() - self._started, done))

    def line(self, text: str) -> None:
        """Fail, as nothing is to go wrong.

        Raises:
            ValueError: always.
        """
        raise ValueError(text)

    def first(self) -> float:
        """Return when the first were done."""
        return self.moments[0][0]

    def rate(self) -> float:
        """Return how many were done in a second, after the first."""
        (start, before), (end, done) = self.moments[0], self.moments[-1]
        return (done - before) / (end - start)


def _color_here(tasks, jobs):
    from colorize_tf.inference.batch.processor import load_processor
    from colorize_tf.inference.batch.session import colorize_tasks
    from colorize_tf.inference.batch.summary import Tally

    processor, clock = load_processor(None), _Clock()
    colorize_tasks(tasks, processor, Tally(), jobs=jobs, progress=lambda *_: _shown(clock))
    return clock


def _color_by_ray(tasks, jobs):
    from colorize_tf import cli
    from colorize_tf.inference.batch.archive import colorize_archive
    from colorize_tf.inference.batch.summary import Tally

    clock = _Clock()
    with cli.native_logs_hidden():
        colorize_archive(
            tasks, {"model": None}, Tally(), jobs=jobs, progress=lambda *_: _shown(clock)
        )
    return clock


@contextlib.contextmanager
def _shown(clock: _Clock) -> Iterator[_Clock]:
    yield clock
