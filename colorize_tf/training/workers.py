"""The processes that train together: which there are, and their meeting before a run begins.

Needs no TensorFlow: who stays away, or comes with other code, is found out before it starts.
"""

import contextlib
import itertools
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)
_PORTS = range(1, 2**16)
# Jobs of Slurm that share a node get ports of their own.
_SLURM_PORTS = range(12000, 22000)
_MOST_BYTES = 2**20
_RETRY_SECONDS = 0.2
# A worker that has reached the chief speaks at once; something else on the network may not.
_GREETING_SECONDS = 5.0


@dataclass(frozen=True)
class Workers:
    """All processes of a run, and which of them this one is.

    Attributes:
        addresses: `host:port` of each; the first is the chief, which writes.
        index: of this process.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the run leaves behind."""
        return self.index == 0

    def name(self, index: int) -> str:
        """Return how a worker is told to people: `worker 1 (host1:2222)`."""
        return f"worker {index} ({self.addresses[index]})"

    def named_in(self, message: str) -> str:
        """Return which other workers TensorFlow complains of, or that it does not say so."""
        found = sorted({int(number) for number in re.findall(r"/task:(\d+)", message)})
        others = [index for index in found if index != self.index]
        return ", ".join(self.name(index) for index in others) or "another worker"


def find_workers(environment: Mapping[str, str]) -> Workers | None:
    """Read who takes part from `TF_CONFIG`, or where there is none from Slurm's variables.

    Args:
        environment: such as `os.environ`.

    Returns:
        The workers, or None where this process is alone.

    Raises:
        ValueError: the variables are malformed.
    """
    if environment.get("TF_CONFIG", "").strip():
        workers = _of_tf_config(environment["TF_CONFIG"])
    elif environment.get("SLURM_STEP_NUM_TASKS", "1") != "1":
        workers = _of_slurm(environment)
    else:
        return None
    return workers if len(workers.addresses) > 1 else None


def _of_tf_config(text: str) -> Workers:
    try:
        content = json.loads(text)
        cluster, task = content["cluster"], content["task"]
        jobs = {job: tuple(addresses) for job, addresses in cluster.items() if addresses}
        kind, index = str(task["type"]), int(str(task["index"]))
    except KeyError as error:
        raise _malformed(f"no {error} in it") from error
    except (TypeError, AttributeError) as error:
        raise _malformed("something in it is of another type") from error
    except (ValueError, RecursionError) as error:
        raise _malformed(str(error)) from error
    others = jobs.keys() - {"chief", "worker", "evaluator"}
    if others:
        raise _malformed(f"there is no place here for {', '.join(sorted(others))}")
    jobs = {job: jobs[job] for job in ("chief", "worker") if job in jobs}
    addresses = tuple(itertools.chain.from_iterable(jobs.values()))
    for address in addresses:
        found = isinstance(address, str) and re.fullmatch(r".+:(\d{1,5})", address)
        if not found or int(found[1]) not in _PORTS:
            raise _malformed(f"{address!r} is no host:port")
    if len(set(addresses)) < len(addresses):
        raise _malformed("an address is there twice")
    if kind not in jobs or not 0 <= index < len(jobs[kind]):
        raise _malformed(f"its task, {kind} {index}, is not in its cluster")
    before = len(jobs.get("chief", ())) if kind == "worker" else 0
    return Workers(addresses, before + index)


def _malformed(what: str) -> ValueError:
    return ValueError(f"TF_CONFIG is malformed: {what}; expected such as {_EXAMPLE}")


def _of_slurm(environment: Mapping[str, str]) -> Workers:
    """Not `SlurmClusterResolver`: it sorts hosts by name, node10 before node9, unlike the ranks."""
    try:
        hosts = expand_hosts(environment["SLURM_STEP_NODELIST"])
        counts = expand_counts(environment["SLURM_STEP_TASKS_PER_NODE"])
        index = int(environment["SLURM_PROCID"])
        job = int(environment.get("SLURM_JOB_ID", "0"))
        tasks = zip(hosts, counts, strict=True)
        places = [(host, place) for host, count in tasks for place in range(count)]
        if not 0 <= index < len(places):
            raise ValueError(f"SLURM_PROCID is {index}, of {len(places)} tasks")
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"Slurm's variables do not tell who takes part ({error}); start with srun, or set "
            "TF_CONFIG"
        ) from error
    most = max(counts)
    first = _SLURM_PORTS[job * most % (len(_SLURM_PORTS) - most)]
    return Workers(tuple(f"{host}:{first + place}" for host, place in places), index)


def expand_hosts(text: str) -> list[str]:
    """Return the hosts of a Slurm list: `node[08-10],gpu` is node08, node09, node10 and gpu.

    Raises:
        ValueError: it is no such list.
    """
    hosts = []
    for part in re.split(r",(?![^\[]*\])", text):  # at commas outside of brackets
        found = re.fullmatch(r"([^\[\]]+)(?:\[([\d,-]+)\])?([^\[\]]*)", part)
        if not found:
            raise ValueError(f"no hosts in {part!r}")
        prefix, ranges, suffix = found.groups()
        if not ranges:
            hosts.append(part)
            continue
        for one in ranges.split(","):
            first, _, last = one.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            hosts += [f"{prefix}{number:0{len(first)}}{suffix}" for number in numbers]
    return hosts


def expand_counts(text: str) -> list[int]:
    """Return how many tasks each host has: `2(x3),1` is 2, 2, 2 and 1.

    Raises:
        ValueError: it is no such list.
    """
    counts = []
    for one in text.split(","):
        found = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", one)
        if not found:
            raise ValueError(f"no counts in {text!r}")
        count, times = found.groups()
        counts += [int(count)] * int(times or 1)
    return counts


def meet(
    workers: Workers,
    facts: Mapping[str, object],
    *,
    answer: Callable[[], dict],
    seconds: float,
) -> dict:
    """Wait until all workers have come, with the same facts; all return the chief's answer.

    The chief listens where TensorFlow will, which has not started yet. Addresses are among the
    facts: where they differ, TensorFlow would tell of workers that died.

    Args:
        workers: who takes part.
        facts: what must be the same everywhere, by name; of what JSON can hold.
        answer: called by the chief when all are there.
        seconds: how long to wait.

    Returns:
        What the chief's `answer` returned.

    Raises:
        ValueError: one has not come, or differs from the chief, or the chief's `answer` raised it.
    """
    places = {f"the address of worker {i}": address for i, address in enumerate(workers.addresses)}
    facts = json.loads(json.dumps({**places, **facts}))
    if workers.is_chief:
        return _receive_all(workers, facts, answer, seconds)
    return _visit(workers, facts, seconds)


def _receive_all(workers, facts, answer, seconds):
    with contextlib.ExitStack() as connections:
        guests = {}
        word = {"error": "it was ended"}
        try:
            for guest in _arrivals(workers, seconds, connections):
                guests[guest["index"]] = guest
                if len(guests) == len(workers.addresses) - 1:
                    break
            missing = [i for i in range(1, len(workers.addresses)) if i not in guests]
            if missing:
                names = ", ".join(workers.name(index) for index in missing)
                raise ValueError(
                    f"{names} did not come within {seconds:g} s; see what it prints, or wait "
                    "longer with --worker-timeout"
                )
            for index, guest in sorted(guests.items()):
                _compare(workers, index, guest["facts"], facts)
            word = {"answer": answer()}
        except Exception as error:
            word = {"error": " ".join(str(error).split())}
            raise
        finally:
            for guest in guests.values():
                with contextlib.suppress(OSError):
                    _send(guest["connection"], word)
        return word["answer"]


def _arrivals(workers: Workers, seconds: float, connections) -> Iterator[dict]:
    """Yield who comes, until the time is over."""
    deadline = time.monotonic() + seconds
    port = int(workers.addresses[0].rpartition(":")[2])
    try:
        server = socket.create_server(("", port), backlog=len(workers.addresses))
    except OSError as error:
        raise ValueError(
            f"{workers.name(0)} cannot listen there: {error.strerror}; choose another port"
        ) from error
    with server:
        while (left := deadline - time.monotonic()) > 0:
            server.settimeout(left)
            try:
                connection, _ = server.accept()
                connections.enter_context(connection)
                connection.settimeout(_GREETING_SECONDS)
                guest = _receive(connection)
            except (OSError, ValueError):
                continue  # the time is over, or it was somebody else
            if guest.get("index") in range(1, len(workers.addresses)):
                yield {**guest, "connection": connection}


def _visit(workers, facts, seconds):
    host, _, port = workers.addresses[0].rpartition(":")
    deadline = time.monotonic() + seconds
    reason = "no word"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, int(port)), _GREETING_SECONDS) as connection:
                _send(connection, {"index": workers.index, "facts": facts})
                # The chief waits for others as long, and then says so.
                connection.settimeout(seconds + _GREETING_SECONDS)
                word = _receive(connection)
        except (OSError, ValueError) as error:
            reason = str(error)
            time.sleep(_RETRY_SECONDS)
            continue
        if "error" in word:
            raise ValueError(f"{workers.name(0)} says: {word['error']}")
        return word["answer"]
    raise ValueError(
        f"{workers.name(0)} did not answer within {seconds:g} s ({reason}); see what it prints, "
        "or wait longer with --worker-timeout"
    )


def _compare(workers: Workers, index: int, came: Mapping, expected: Mapping) -> None:
    for name in dict.fromkeys((*expected, *came)):
        if came.get(name) != expected.get(name):
            raise ValueError(
                f"{workers.name(index)} differs from {workers.name(0)}: {name} is "
                f"{came.get(name, 'not given')}, there {expected.get(name, 'not given')}; start "
                "all with the same code, flags and addresses"
            )


def _send(connection: socket.socket, content: dict) -> None:
    connection.sendall(json.dumps(content).encode() + b"\n")


def _receive(connection: socket.socket) -> dict:
    with connection.makefile("rb") as file:
        content = json.loads(file.readline(_MOST_BYTES) or b"null")
    if not isinstance(content, dict):
        raise ValueError("no word")
    return content
