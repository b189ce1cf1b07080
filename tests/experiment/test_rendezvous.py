import json

import pytest

from colorize_tf.experiment import rendezvous
from colorize_tf.training.runtime_options import RuntimeOptions


def begin():
    return {"is_new": True}


@pytest.mark.parametrize("strategy", ["none", "mirrored"])
def test_a_strategy_for_one_process_does_not_ask_who_takes_part(monkeypatch, strategy):
    monkeypatch.setenv("TF_CONFIG", "{")
    assert rendezvous.gather(RuntimeOptions(strategy=strategy), {}, begin) == (
        None,
        {"is_new": True},
    )
    with pytest.raises(ValueError, match="TF_CONFIG is malformed"):
        rendezvous.gather(RuntimeOptions(), {}, begin)


def test_workers_meet_with_their_flags_and_as_long_as_asked_for(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    seen = {}

    def meet(workers, facts, *, answer, seconds):
        seen.update(facts, index=workers.index, seconds=seconds)
        return answer()

    monkeypatch.setattr(rendezvous, "meet", meet)
    workers, begun = rendezvous.gather(RuntimeOptions(worker_timeout=7.0), {"batch_size": 8}, begin)
    assert (workers.index, begun) == (1, {"is_new": True})
    assert seen["seconds"] == 7.0 and seen["--batch-size"] == 8
    assert {"the code", "tensorflow", "keras", "the number of GPUs"} <= seen.keys()


def test_other_code_is_noticed(tmp_path, monkeypatch):
    def hash_of(name, content):
        folder = tmp_path / name
        (folder / "training").mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "training/gan.py").write_text(content)
        monkeypatch.setattr("colorize_tf.__file__", str(folder / "__init__.py"))
        return rendezvous._code_hash()

    first = hash_of("a", "x = 1")
    assert first == hash_of("b", "x = 1")
    assert first != hash_of("c", "x = 2")
