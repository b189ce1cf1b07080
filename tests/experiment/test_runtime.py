import json

import pytest
import tensorflow as tf

from colorize_tf.experiment import runtime
from colorize_tf.training.runtime_options import RuntimeOptions


def begin():
    return {"is_new": True}


@pytest.mark.parametrize("strategy", ["none", "mirrored"])
def test_a_strategy_for_one_process_does_not_ask_who_takes_part(monkeypatch, strategy):
    monkeypatch.setenv("TF_CONFIG", "{")
    assert runtime.agree(RuntimeOptions(strategy=strategy), {}, begin) == (
        None,
        {"is_new": True},
    )
    with pytest.raises(ValueError, match="TF_CONFIG is malformed"):
        runtime.agree(RuntimeOptions(), {}, begin)


def test_workers_meet_with_their_flags_and_as_long_as_asked_for(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    seen = {}

    def rendezvous(workers, facts, *, settle, seconds):
        seen.update(facts, index=workers.index, seconds=seconds)
        return settle()

    monkeypatch.setattr(runtime, "rendezvous", rendezvous)
    workers, begun = runtime.agree(RuntimeOptions(worker_timeout=7.0), {"batch_size": 8}, begin)
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
        return runtime._code_hash()

    first = hash_of("a", "x = 1")
    assert first == hash_of("b", "x = 1")
    assert first != hash_of("c", "x = 2")


def test_runtime_options_choose_the_strategy():
    mirrored = runtime.start(RuntimeOptions(strategy="mirrored"), None).strategy
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert runtime.start(RuntimeOptions(), None).strategy is tf.distribute.get_strategy()
