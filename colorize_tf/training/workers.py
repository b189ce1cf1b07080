"""The processes that train together, as `TF_CONFIG` or Slurm names them."""

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)
_PORTS = range(1, 2**16)
# Jobs of Slurm that share a node get ports of their own.
_SLURM_PORTS = range(12000, 22000)


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
        """Whether this process writes the run folder."""
        return self.index == 0

    def name(self, index: int) -> str:
        """Return the name of a worker in messages: `worker 1 (host1:2222)`."""
        return f"worker {index} ({self.addresses[index]})"

    def named_in(self, message: str) -> str:
        """Return the other workers that an error message of TensorFlow names."""
        found = sorted({int(number) for number in re.findall(r"/task:(\d+)", message)})
        others = [index for index in found if index != self.index]
        return ", ".join(self.name(index) for index in others) or "another worker"


def find_workers(environment: Mapping[str, str]) -> Workers | None:
    """Read the processes of a run from `TF_CONFIG`, or without it from Slurm's variables.

    Args:
        environment: such as `os.environ`.

    Returns:
        The workers, or None where this process is alone.

    Raises:
        ValueError: the variables are malformed.
    """
    if environment.get("TF_CONFIG", "").strip():
        workers = _from_tf_config(environment["TF_CONFIG"])
    elif environment.get("SLURM_STEP_NUM_TASKS", "1") != "1":
        workers = _from_slurm(environment)
    else:
        return None
    return workers if len(workers.addresses) > 1 else None


def _from_tf_config(text: str) -> Workers:
    try:
        content = json.loads(text)
        cluster, task = content["cluster"], content["task"]
        jobs = {job: tuple(addresses) for job, addresses in cluster.items() if addresses}
        kind, index = str(task["type"]), int(str(task["index"]))
    except KeyError as error:
        raise _malformed(f"no {error} in it") from error
    except (TypeError, AttributeError) as error:
        raise _malformed("a value has the wrong type") from error
    except (ValueError, RecursionError) as error:
        raise _malformed(str(error)) from error
    others = jobs.keys() - {"chief", "worker", "evaluator"}
    if others:
        raise _malformed(f"there is no support for {', '.join(sorted(others))}")
    jobs = {job: jobs[job] for job in ("chief", "worker") if job in jobs}
    addresses = tuple(itertools.chain.from_iterable(jobs.values()))
    for address in addresses:
        found = isinstance(address, str) and re.fullmatch(r".+:(\d{1,5})", address)
        if not found or int(found[1]) not in _PORTS:
            raise _malformed(f"{address!r} is not host:port")
    if len(set(addresses)) < len(addresses):
        raise _malformed("an address occurs twice")
    if kind not in jobs or not 0 <= index < len(jobs[kind]):
        raise _malformed(f"its task, {kind} {index}, is not in its cluster")
    before = len(jobs.get("chief", ())) if kind == "worker" else 0
    return Workers(addresses, before + index)


def _malformed(what: str) -> ValueError:
    return ValueError(f"TF_CONFIG is malformed: {what}; expected such as {_EXAMPLE}")


def _from_slurm(environment: Mapping[str, str]) -> Workers:
    """Read Slurm's variables.

    `SlurmClusterResolver` sorts hosts by name, node10 before node9, unlike the ranks.
    """
    try:
        hosts = expand_hosts(environment["SLURM_STEP_NODELIST"])
        counts = expand_counts(environment["SLURM_STEP_TASKS_PER_NODE"])
        index = int(environment["SLURM_PROCID"])
        job = int(environment.get("SLURM_JOB_ID", "0"))
        tasks = zip(hosts, counts, strict=True)
        tasks_of_hosts = [(host, task) for host, count in tasks for task in range(count)]
        if not 0 <= index < len(tasks_of_hosts):
            raise ValueError(f"SLURM_PROCID is {index}, of {len(tasks_of_hosts)} tasks")
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"Slurm's variables do not name the processes ({error}); start with srun, or set "
            "TF_CONFIG"
        ) from error
    most = max(counts)
    first = _SLURM_PORTS[job * most % (len(_SLURM_PORTS) - most)]
    return Workers(tuple(f"{host}:{first + task}" for host, task in tasks_of_hosts), index)


def expand_hosts(text: str) -> list[str]:
    """Return the hosts of a Slurm list: `node[08-10],gpu` is node08, node09, node10 and gpu.

    Raises:
        ValueError: it is not such a list.
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
        ValueError: it is not such a list.
    """
    counts = []
    for one in text.split(","):
        found = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", one)
        if not found:
            raise ValueError(f"no counts in {text!r}")
        count, times = found.groups()
        counts += [int(count)] * int(times or 1)
    return counts
