import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from colorize_tf.training.rendezvous import rendezvous
from colorize_tf.training.workers import Workers


@pytest.fixture
def addresses():
    """Three addresses of this machine; of the first, the port is free."""
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    return (f"localhost:{port}", "localhost:1", "localhost:2")


def connect(addresses, facts, *, settle=dict, seconds=5.0, before=None, known=None):
    """Return what each worker gets, or its error; a worker whose facts are None is missing."""
    known = known or [addresses] * len(facts)
    results = [None] * len(facts)

    def run(index):
        try:
            workers = Workers(known[index], index)
            results[index] = rendezvous(workers, facts[index], settle=settle, seconds=seconds)
        except ValueError as error:
            results[index] = str(error)

    threads = [
        threading.Thread(target=run, args=(index,))
        for index, fact in enumerate(facts)
        if fact is not None
    ]
    for thread in threads:
        thread.start()
        if before:
            before()
    for thread in threads:
        thread.join()
    return results


def test_all_workers_get_what_the_chief_settled(addresses):
    results = connect(addresses, [{"a": (1,)}] * 3, settle=lambda: {"epochs": 4})
    assert results == [{"epochs": 4}] * 3


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"code": "y", "--seed": 1}, "code is y, the chief has x"),
        ({"code": "x", "--seed": 2}, "--seed is 2, the chief has 1"),
        ({"code": "x"}, "--seed is not given, the chief has 1"),
        ({"code": "x", "--seed": 1, "--ema": 0.9}, "--ema is 0.9, the chief has not given"),
    ],
)
def test_a_worker_that_differs_is_named_with_what_differs(addresses, other, words):
    facts = {"code": "x", "--seed": 1}
    results = connect(addresses, [facts, facts, other])
    said = f"worker 2 (localhost:2) differs from worker 0 ({addresses[0]}): {words}"
    assert all(said in result for result in results)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (["localhost:1", "localhost:3"], "worker 2 is localhost:3, the chief has localhost:2"),
        (["localhost:1"], "worker 2 is not given, the chief has localhost:2"),
        (["localhost:1", "localhost:2", "localhost:3"], "worker 3 is localhost:3, the chief has"),
    ],
)
def test_a_worker_that_knows_of_others_is_named(addresses, others, words):
    chief, *_ = addresses
    known = [addresses, (chief, *others), addresses]
    results = connect(addresses, [{}] * 3, known=known)
    assert all(
        f"differs from worker 0 ({chief}): the address of {words}" in result for result in results
    )


def test_a_worker_that_is_missing_is_named_by_all(addresses):
    results = connect(addresses, [{}, {}, None], seconds=0.5)
    assert "worker 2 (localhost:2) did not connect within 0.5 s" in results[0]
    assert results[1] == f"worker 0 ({addresses[0]}) says: {results[0]}"


def test_a_chief_that_is_missing_is_named(addresses):
    _, result, _ = connect(addresses, [None, {}, None], seconds=0.5)
    assert f"worker 0 ({addresses[0]}) did not answer within 0.5 s" in result


def test_an_error_of_the_chief_is_reported_by_all(addresses):
    def refuse():
        raise ValueError("no run in runs/a")

    results = connect(addresses, [{}, {}, {}], settle=refuse)
    assert results[0] == "no run in runs/a"
    assert results[1] == results[2] == f"worker 0 ({addresses[0]}) says: no run in runs/a"


def test_an_interrupted_chief_is_reported_by_all(addresses):
    def end():
        raise KeyboardInterrupt

    with ThreadPoolExecutor() as pool:
        others = [
            pool.submit(rendezvous, Workers(addresses, index), {}, settle=dict, seconds=5.0)
            for index in (1, 2)
        ]
        with pytest.raises(KeyboardInterrupt):
            rendezvous(Workers(addresses, 0), {}, settle=end, seconds=5.0)
    said = f"worker 0 ({addresses[0]}) says: it was ended"
    assert [str(other.exception()) for other in others] == [said, said]


def test_connections_of_other_programs_are_ignored(addresses):
    host, port = addresses[0].split(":")

    def intrude():
        for words in (b"GET / HTTP/1.1\r\n\r\n", b'{"index": 9}\n', b"[]\n"):
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(words)

    def intrude_when_open():
        for _ in range(100):
            try:
                return intrude()
            except OSError:
                threading.Event().wait(0.02)

    done = []
    results = connect(
        addresses, [{}, {}, {}], before=lambda: done or (intrude_when_open(), done.append(True))
    )
    assert results == [{}, {}, {}]


def test_an_occupied_port_is_reported(addresses):
    port = int(addresses[0].split(":")[1])
    with socket.create_server(("", port)):
        result, *_ = connect(addresses, [{}, None, None])
    assert f"worker 0 ({addresses[0]}) cannot listen there" in result
