"""Ray: started on this machine or found where it runs, quiet, and gone without a trace."""

import contextlib
import logging
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

# Ray reserves a third of the memory for data in transit; here that is names.
_STORE_BYTES = 128 * 2**20
# Of a machine that does not answer, and of one that answers as no cluster does.
_SECONDS_TO_CONNECT = 5.0
_SECONDS_TO_JOIN = 45.0
# Ray's processes end a moment after it says so.
_SECONDS_TO_END = 15.0

_QUIET = {
    # No statistics of ours go anywhere.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

_JOIN = """
import sys, ray
ray.init(sys.argv[1], log_to_driver=False)
"""


class Share(NamedTuple):
    """How a cluster is shared out.

    Attributes:
        processes: how many work.
        jobs: photographs that each reads, and writes, at the same time, on as many processors.
        gpus: how many each has.
    """

    processes: int
    jobs: int
    gpus: int


class Coordinator:
    """What all processes of a cluster can ask, wherever they are.

    Args:
        actor: handle of an actor of `_Notes`.
    """

    def __init__(self, actor: Any):
        self._actor = actor

    def begin(self, batch: int) -> int:
        """Note that a batch is begun; return how often it was before, by processes that died."""
        import ray

        return ray.get(self._actor.begin.remote(batch))

    def is_stopping(self) -> bool:
        """Return whether what is left is to be left, or whoever could say so is gone."""
        import ray

        try:
            return ray.get(self._actor.is_stopping.remote())
        except ray.exceptions.RayError:
            return True

    def stop(self) -> None:
        """Have what is left be left."""
        self._actor.stop.remote()


class _Notes:
    def __init__(self):
        self._begun = Counter()
        self._is_stopping = False

    def begin(self, batch: int) -> int:
        self._begun[batch] += 1
        return self._begun[batch] - 1

    def is_stopping(self) -> bool:
        return self._is_stopping

    def stop(self) -> None:
        self._is_stopping = True


def import_ray() -> ModuleType:
    """Import Ray and Ray Data, told to be quiet.

    Raises:
        ValueError: they are not installed.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ValueError(
            "--engine ray needs Ray Data, which is not installed: pip install colorize_tf[batch]"
        ) from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    return ray


@contextlib.contextmanager
def running_cluster(address: str | None, jobs: int | None) -> Iterator[Coordinator]:
    """Start Ray on this machine, or join a cluster; end it, or leave it, afterwards.

    Where this process has joined a cluster already, that one is taken, and stays.

    Args:
        address: `HOST:PORT`, or `auto` for the cluster that this machine is part of; None for one
            of its own.
        jobs: how many processors Ray may share out, where it is started; by default all.

    Yields:
        Whom the processes there can ask.

    Raises:
        ValueError: Ray is not installed or does not start, or no cluster answers at `address`.
    """
    ray = import_ray()
    with contextlib.ExitStack() as leaving:
        if not ray.is_initialized():
            leaving.enter_context(_joined(address) if address else _started(jobs))
        notes = ray.remote(num_cpus=0)(_Notes).remote()
        leaving.callback(ray.kill, notes)
        yield Coordinator(notes)


def share_out(jobs: int | None, *, uses_gpus: bool) -> Share:
    """Share out the cluster that runs.

    Args:
        jobs: photographs to be read, and written, at the same time; by default one per processor.
        uses_gpus: whether the network gains by GPUs; where there are any, each gets a process.
    """
    import ray

    resources = ray.cluster_resources()
    processors = max(1, int(resources.get("CPU", 1)))
    gpus = int(resources.get("GPU", 0)) if uses_gpus else 0
    jobs = jobs or processors
    if not gpus:
        return Share(jobs, 1, 0)
    processes = min(gpus, jobs)
    # All that a process asks for has to be on one machine.
    return Share(processes, max(1, min(jobs, processors) // processes), 1)


@contextlib.contextmanager
def _started(jobs: int | None) -> Iterator[None]:
    # Ray's own default is a folder in /tmp, too: names of sockets must be short.
    above = "/tmp" if os.name == "posix" else tempfile.gettempdir()
    _sweep(Path(above))
    folder = tempfile.mkdtemp(prefix=f"{_our_folders()}{os.getpid()}-", dir=above)
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        # Else Ray makes one, and leaves it in the user's home.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex())
    try:
        with _initialized(
            address="local",
            num_cpus=jobs,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _temp_dir=folder,
        ):
            yield
    finally:
        _remove(folder)


@contextlib.contextmanager
def _joined(address: str) -> Iterator[None]:
    _check_address(address)
    with _initialized(address=address):
        yield


@contextlib.contextmanager
def _initialized(**where: Any) -> Iterator[None]:
    import ray

    try:
        try:
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **where)
        except Exception as error:
            text = " ".join(str(error).split())
            raise ValueError(f"Ray does not start at {where['address']}: {text}") from error
        yield
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raise `ValueError` unless a cluster answers; Ray itself would ask for minutes, then exit."""
    match = re.fullmatch(r"([\w.-]+):(\d+)", address)
    if not match and address != "auto":
        raise ValueError(
            f"--ray-address must be HOST:PORT, or auto for the cluster of this machine, got "
            f"{address!r}"
        )
    nobody = f"no Ray cluster answers at {address}"
    if match:
        try:
            place = match[1], int(match[2])
            socket.create_connection(place, timeout=_SECONDS_TO_CONNECT).close()
        except (OSError, OverflowError) as error:
            raise ValueError(f"{nobody}: {error}; check it by: ray status") from error
    # What answers may be anything, and in this process Ray could not be stopped from trying.
    command = [sys.executable, "-c", _JOIN, address]
    try:
        joined = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_JOIN)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{nobody} within {_SECONDS_TO_JOIN:.0f} s") from error
    if "AuthenticationError" in joined.stderr:
        raise ValueError(f"{address} asks for a token; let Ray send yours: RAY_AUTH_MODE=token")
    if joined.returncode:
        lines = joined.stderr.strip().splitlines() or ["it closes the connection"]
        raise ValueError(f"{nobody}: {lines[-1]}")


def _our_folders() -> str:
    """How the names of such folders begin, which processes of other machines may see, too."""
    return f"ray-{zlib.crc32(socket.gethostname().encode()):08x}-"


def _sweep(above: Path) -> None:
    """Remove what processes left behind that were killed and could not."""
    for folder in above.glob(f"{_our_folders()}*-*"):
        process = folder.name.removeprefix(_our_folders()).partition("-")[0]
        if process.isdigit() and not _lives(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _remove(folder: str) -> None:
    """Remove a folder that processes which are about to end may write to still."""
    until = time.monotonic() + _SECONDS_TO_END
    while os.path.isdir(folder) and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.isdir(folder):
            time.sleep(0.1)
