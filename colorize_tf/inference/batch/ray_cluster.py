"""The life of a Ray cluster: start or join it quietly, share its processors, shut it down."""

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

# By default Ray reserves a third of the memory for data in transit; here that is file names.
_STORE_BYTES = 128 * 2**20
# Time limits for a machine that does not respond, and for one that is no Ray cluster.
_SECONDS_TO_CONNECT = 5.0
_SECONDS_TO_JOIN = 45.0
# Ray's processes end some time after `ray.shutdown` returns.
_SECONDS_TO_END = 15.0

_QUIET = {
    # Send no usage statistics.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

_JOIN = """
import sys, ray
ray.init(sys.argv[1], log_to_driver=False)
"""


class Share(NamedTuple):
    """How workers share a cluster.

    Attributes:
        processes: number of workers.
        jobs: photographs that each reads, and writes, at the same time, on as many processors.
        gpus: number of GPUs of each.
    """

    processes: int
    jobs: int
    gpus: int


class Coordinator:
    """State that all processes of a run share: tries of each batch, and whether to stop.

    Args:
        actor: handle of an actor of `_State`.
    """

    def __init__(self, actor: Any):
        self._actor = actor

    def begin(self, batch: int) -> int:
        """Count a try of a batch; return the number of earlier tries, by processes that died."""
        import ray

        return ray.get(self._actor.begin.remote(batch))

    def is_stopping(self) -> bool:
        """Return whether the run is to stop, or the process that controls it is gone."""
        import ray

        try:
            return ray.get(self._actor.is_stopping.remote())
        except ray.exceptions.RayError:
            return True

    def stop(self) -> None:
        """Stop the run: workers begin no further task."""
        self._actor.stop.remote()


class _State:
    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()
        self._is_stopping = False

    def begin(self, batch: int) -> int:
        self._begun[batch] += 1
        return self._begun[batch] - 1

    def is_stopping(self) -> bool:
        return self._is_stopping

    def stop(self) -> None:
        self._is_stopping = True


def import_ray() -> ModuleType:
    """Import Ray and Ray Data without their logs and progress bars.

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
    """Start Ray on this machine, or join a cluster; shut it down, or leave it, afterwards.

    A cluster that this process has joined before is used, and stays joined.

    Args:
        address: `HOST:PORT`, or `auto` for the cluster that this machine is part of; None to start
            one on this machine.
        jobs: number of processors that a new cluster has; by default all.

    Yields:
        The coordinator of the workers.

    Raises:
        ValueError: Ray is not installed or does not start, or no cluster responds at `address`.
    """
    ray = import_ray()
    with contextlib.ExitStack() as stack:
        if not ray.is_initialized():
            stack.enter_context(_joined(address) if address else _started(jobs))
        state = ray.remote(num_cpus=0)(_State).remote()
        stack.callback(ray.kill, state)
        yield Coordinator(state)


def share_out(jobs: int | None, *, uses_gpus: bool) -> Share:
    """Divide the processors and GPUs of the running cluster among workers.

    Args:
        jobs: photographs to read, and to write, at the same time; by default one per processor.
        uses_gpus: whether the model runs on GPUs; if there are any, each gets one worker.
    """
    import ray

    resources = ray.cluster_resources()
    processors = max(1, int(resources.get("CPU", 1)))
    gpus = int(resources.get("GPU", 0)) if uses_gpus else 0
    jobs = jobs or processors
    if not gpus:
        return Share(jobs, 1, 0)
    processes = min(gpus, jobs)
    # The processors of one worker have to be on one machine.
    return Share(processes, max(1, min(jobs, processors) // processes), 1)


@contextlib.contextmanager
def _started(jobs: int | None) -> Iterator[None]:
    # Names of sockets must be short; Ray's own default is a folder in /tmp, too.
    above = "/tmp" if os.name == "posix" else tempfile.gettempdir()
    _remove_stale_folders(Path(above))
    folder = tempfile.mkdtemp(prefix=f"{_folder_prefix()}{os.getpid()}-", dir=above)
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        # Otherwise Ray writes a token to the user's home folder.
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
    """Raise `ValueError` unless a cluster responds; Ray itself would try for minutes, then exit."""
    match = re.fullmatch(r"([\w.-]+):(\d+)", address)
    if not match and address != "auto":
        raise ValueError(
            f"--ray-address must be HOST:PORT, or auto for the cluster of this machine, got "
            f"{address!r}"
        )
    failure = f"no Ray cluster responds at {address}"
    if match:
        try:
            location = match[1], int(match[2])
            socket.create_connection(location, timeout=_SECONDS_TO_CONNECT).close()
        except (OSError, OverflowError) as error:
            raise ValueError(f"{failure}: {error}; check it with: ray status") from error
    # Try in a process of its own, because a call of `ray.init` cannot be cancelled.
    command = [sys.executable, "-c", _JOIN, address]
    try:
        joined = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_JOIN)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{failure} within {_SECONDS_TO_JOIN:.0f} s") from error
    if "AuthenticationError" in joined.stderr:
        raise ValueError(f"{address} requires a token; set RAY_AUTH_MODE=token to send yours")
    if joined.returncode:
        lines = joined.stderr.strip().splitlines() or ["it closed the connection"]
        raise ValueError(f"{failure}: {lines[-1]}")


def _folder_prefix() -> str:
    """Return the prefix of this machine's folders; other machines may share the parent folder."""
    return f"ray-{zlib.crc32(socket.gethostname().encode()):08x}-"


def _remove_stale_folders(above: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in above.glob(f"{_folder_prefix()}*-*"):
        process = folder.name.removeprefix(_folder_prefix()).partition("-")[0]
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # It belongs to another user.
        pass
    return True


def _remove(folder: str) -> None:
    """Remove a folder, and retry while processes that are about to end still write to it."""
    until = time.monotonic() + _SECONDS_TO_END
    while os.path.isdir(folder) and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.isdir(folder):
            time.sleep(0.1)
