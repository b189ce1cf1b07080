"""The rendezvous of workers before a run: all must be connected, and agree on code and options.

Needs no TensorFlow: a worker that is missing, or has other code, is found before it starts.
"""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from colorize_tf.training.workers import Workers

_MOST_BYTES = 2**20
_RETRY_SECONDS = 0.2
# A worker sends its facts at once; another program on the network may not.
_HANDSHAKE_SECONDS = 5.0


def rendezvous(
    workers: Workers,
    facts: Mapping[str, Any],
    *,
    settle: Callable[[], dict[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    """Wait until all workers are connected and agree on the facts; return what the chief settled.

    The chief listens on the port that TensorFlow uses later. Addresses are among the facts: where
    they differ, TensorFlow would report workers that died.

    Args:
        workers: all processes.
        facts: values that must be the same everywhere, by name; as JSON can hold them.
        settle: called by the chief once all are connected.
        seconds: timeout.

    Returns:
        What the chief's `settle` returned.

    Raises:
        ValueError: a worker is missing, or differs from the chief, or `settle` raised it.
    """
    addresses = {f"the address of worker {i}": name for i, name in enumerate(workers.addresses)}
    facts = json.loads(json.dumps({**addresses, **facts}))
    if workers.is_chief:
        return _serve(workers, facts, settle, seconds)
    return _connect(workers, facts, seconds)


def _serve(
    workers: Workers,
    facts: Mapping[str, Any],
    settle: Callable[[], dict[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    with contextlib.ExitStack() as connections:
        clients: dict[int, dict[str, Any]] = {}
        reply: dict[str, Any] = {"error": "it was ended"}
        try:
            for client in _clients(workers, seconds, connections):
                clients[client["index"]] = client
                if len(clients) == len(workers.addresses) - 1:
                    break
            missing = [i for i in range(1, len(workers.addresses)) if i not in clients]
            if missing:
                names = ", ".join(workers.name(index) for index in missing)
                raise ValueError(
                    f"{names} did not connect within {seconds:g} s; see what it prints, or wait "
                    "longer with --worker-timeout"
                )
            for index, client in sorted(clients.items()):
                _compare(workers, index, client["facts"], facts)
            reply = {"settled": settle()}
        except Exception as error:
            reply = {"error": " ".join(str(error).split())}
            raise
        finally:
            for client in clients.values():
                with contextlib.suppress(OSError):
                    _send(client["connection"], reply)
        return reply["settled"]


def _clients(
    workers: Workers, seconds: float, connections: contextlib.ExitStack
) -> Iterator[dict[str, Any]]:
    """Yield workers as they connect, until the timeout."""
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
                connection.settimeout(_HANDSHAKE_SECONDS)
                client = _receive(connection)
            except (OSError, ValueError):
                continue  # timeout, or another program
            if client.get("index") in range(1, len(workers.addresses)):
                yield {**client, "connection": connection}


def _connect(workers: Workers, facts: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    host, _, port = workers.addresses[0].rpartition(":")
    deadline = time.monotonic() + seconds
    reason = "no reply"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, int(port)), _HANDSHAKE_SECONDS) as connection:
                _send(connection, {"index": workers.index, "facts": facts})
                # The chief waits that long for others, and then replies.
                connection.settimeout(seconds + _HANDSHAKE_SECONDS)
                reply = _receive(connection)
        except (OSError, ValueError) as error:
            reason = str(error)
            time.sleep(_RETRY_SECONDS)
            continue
        if "error" in reply:
            raise ValueError(f"{workers.name(0)} says: {reply['error']}")
        return reply["settled"]
    raise ValueError(
        f"{workers.name(0)} did not answer within {seconds:g} s ({reason}); see what it prints, "
        "or wait longer with --worker-timeout"
    )


def _compare(
    workers: Workers, index: int, received: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    for name in dict.fromkeys((*expected, *received)):
        if received.get(name) != expected.get(name):
            raise ValueError(
                f"{workers.name(index)} differs from {workers.name(0)}: {name} is "
                f"{received.get(name, 'not given')}, the chief has "
                f"{expected.get(name, 'not given')}; start all with the same code, flags and "
                "addresses"
            )


def _send(connection: socket.socket, content: dict[str, Any]) -> None:
    connection.sendall(json.dumps(content).encode() + b"\n")


def _receive(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as file:
        content = json.loads(file.readline(_MOST_BYTES) or b"null")
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content
