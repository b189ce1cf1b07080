"""An archive of small photographs: with and without Ray, and the cost of each stage."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_gray_photograph, write_gray_photographs
from colorize_tf.benchmarks.measuring import TIME_LIMIT, Part, Row, Stopwatch
from colorize_tf.inference.batch.tasks import Task

_LARGE_ARCHIVE = 10_000_000
_STAGE_ROUNDS = 5


class ProgressRecorder:
    """A progress display that records when photographs are done, and raises on any message.

    Attributes:
        moments: seconds since the start, and the number of photographs done by then.
    """

    def __init__(self) -> None:
        self.moments: list[tuple[float, int]] = []
        self._started = time.perf_counter()

    def __call__(self, total: int | None, unit: str) -> AbstractContextManager["ProgressRecorder"]:
        """Return itself as the display of a command's work."""
        return contextlib.nullcontext(self)

    def advance(self, done: int, total: int | None = None) -> None:
        """Record how many are done by now."""
        self.moments.append((time.perf_counter() - self._started, done))

    def line(self, text: str) -> None:
        """Raise `ValueError`, since a figure with failures would be wrong."""
        raise ValueError(text)

    def first(self) -> float:
        """Return when the first photographs were done, in seconds."""
        return self.moments[0][0]

    def rate(self) -> float:
        """Return photographs per second from the first done to the last."""
        (start, before), (end, done) = self.moments[0], self.moments[-1]
        return (done - before) / (end - start)


def measure_archive(
    watch: Stopwatch,
    *,
    count: int = 1000,
    processes: Sequence[int] = (1, 2),
    height: int = 480,
    width: int = 640,
    stage_sizes: Sequence[tuple[int, int]] = ((3000, 4000), (866, 1155)),
) -> Iterator[Part]:
    """Measure a folder of JPEG files colored by the model that comes with the package.

    Args:
        watch: reports, and limits the time.
        count: of the photographs.
        processes: numbers of Ray processes that do the same work, one after the other.
        height: of a photograph, in pixels.
        width: of a photograph, in pixels.
        stage_sizes: height and width of photographs whose stages are measured singly.
    """
    for stage_height, stage_width in stage_sizes:
        yield measure_stages(watch, height=stage_height, width=stage_width)
    yield from _measure_folder(watch, count, processes, height, width)


def _measure_folder(
    watch: Stopwatch, count: int, processes: Sequence[int], height: int, width: int
) -> Iterator[Part]:
    from colorize_tf.inference.batch.tasks import list_tasks

    title = f"{count} JPEG files of {width} x {height} into others, first batch to last"
    rates: list[Row] = []
    starts: list[Row] = []
    missing: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        write_gray_photographs(Path(folder, "in"), count, height, width)

        def tasks(name: str) -> Sequence[Task]:
            return list_tasks([f"{folder}/in"], Path(folder, name), recursive=True).tasks

        jobs = max(processes)
        watch.report(title, "without Ray")
        recorder = _color_locally(tasks("local"), jobs=jobs)
        rates.append(Row(f"without Ray, {jobs} jobs", recorder.rate(), "pictures/s"))
        for number in processes:
            name = f"Ray, processes: {number}"
            if not watch.remaining():
                missing.append(f"{name}: {TIME_LIMIT}")
                continue
            watch.report(title, name)
            try:
                recorder = _color_by_ray(tasks(f"ray-{number}"), jobs=number)
            except ValueError as error:
                missing.append(f"Ray: {error}")
                break
            rates.append(Row(name, recorder.rate(), "pictures/s"))
            starts.append(Row(name, recorder.first(), "s"))
    if len(starts) > 1:
        rates.append(Row("last over first with Ray", rates[-1].value / rates[1].value, "times"))
    yield Part(title, rates, missing)
    if starts:
        yield Part("start of Ray and of the model, to the first batch", starts)


def _color_locally(tasks: Sequence[Task], jobs: int) -> ProgressRecorder:
    from colorize_tf.inference.batch.local_engine import colorize_locally
    from colorize_tf.inference.batch.processor import load_processor
    from colorize_tf.inference.batch.summary import Summary

    processor, recorder = load_processor(None), ProgressRecorder()
    colorize_locally(tasks, processor, Summary(), jobs=jobs, progress=recorder)
    return recorder


def _color_by_ray(tasks: Sequence[Task], jobs: int) -> ProgressRecorder:
    from colorize_tf import cli
    from colorize_tf.inference.batch.ray_engine import colorize_with_ray
    from colorize_tf.inference.batch.summary import Summary

    recorder = ProgressRecorder()
    with cli.native_logs_hidden():
        colorize_with_ray(tasks, {"model": None}, Summary(), jobs=jobs, progress=recorder)
    return recorder


def measure_stages(watch: Stopwatch, *, height: int, width: int) -> Part:
    """Measure decoding, network, joining and encoding of one gray JPEG file.

    The unit is processor time of all threads, which an archive costs on any number of cores.

    Args:
        watch: reports the stage in progress.
        height: of the photograph, in pixels.
        width: of the photograph, in pixels.
    """
    from colorize_tf.imagefiles import encode_photograph, open_image
    from colorize_tf.inference.batch.processor import load_processor

    processor = load_processor(None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gray.jpg")
        write_gray_photograph(path, height, width)
        data = path.read_bytes()
    photograph = processor.decode_file(open_image(data, path))
    [[ab]] = processor.predict([photograph])
    colored = processor.render(photograph, ab)

    def encode() -> bytes:
        return encode_photograph(colored, ".jpg", quality=processor.quality)

    stages: dict[str, Callable[[], object]] = {
        "decode": lambda: processor.decode_file(open_image(data, path)),
        "network": lambda: processor.predict([photograph]),
        "join": lambda: processor.render(photograph, ab),
        "encode": encode,
    }
    title = f"a JPEG of {height * width / 1e6:.3g} megapixels into color, processor time and bytes"
    seconds = {}
    for name, act in stages.items():
        watch.report(title, name)
        seconds[name] = _processor_seconds(act)
    sizes = {"bytes in": len(data), "bytes out": len(encode())}
    return Part(
        title,
        [
            *(Row(name, 1000 * value, "ms of a core") for name, value in seconds.items()),
            *(Row(name, value / 1e6, "MB") for name, value in sizes.items()),
            Row("ten million", _LARGE_ARCHIVE * sum(seconds.values()) / 3600, "core hours"),
            Row("ten million, in and out", _LARGE_ARCHIVE * sum(sizes.values()) / 1e12, "TB"),
        ],
    )


def _processor_seconds(act: Callable[[], object]) -> float:
    act()
    spent = []
    for _ in range(_STAGE_ROUNDS):
        started = time.process_time()
        act()
        spent.append(time.process_time() - started)
    return statistics.median(spent)
