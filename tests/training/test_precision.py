import keras
import pytest
import tensorflow as tf

from colorize_tf.training import precision
from colorize_tf.training.precision import choose_precision, set_precision


@pytest.fixture
def machine(monkeypatch):
    """Sets which GPUs and which processor flags the machine seems to have."""

    def set_up(*, gpus=(), flags=""):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(gpus))
        monkeypatch.setattr(precision.Path, "read_text", lambda path: f"flags : fpu {flags}\n")

    return set_up


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ({"gpus": ["GPU:0"]}, "mixed_float16"),
        ({"flags": "avx512f avx512_bf16"}, "mixed_bfloat16"),
        ({"flags": "amx_bf16"}, "mixed_bfloat16"),
        ({"flags": "avx2"}, "float32"),
    ],
)
def test_auto_takes_what_is_fastest_and_safe(machine, setting, policy):
    machine(**setting)
    assert choose_precision("auto") == policy


def test_auto_is_float32_where_the_processor_tells_nothing(machine, monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    machine()
    monkeypatch.setattr(precision.Path, "read_text", missing)
    assert choose_precision("auto") == "float32"


def test_float16_on_a_cpu_warns(machine):
    machine()
    with pytest.warns(UserWarning, match="mixed_float16 on a CPU is about a hundred times slower"):
        assert choose_precision("mixed_float16") == "mixed_float16"


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16"])
def test_what_was_chosen_is_taken(machine, name):
    machine(gpus=["GPU:0"])
    assert choose_precision(name) == name


def test_networks_built_afterwards_compute_in_it():
    try:
        set_precision("mixed_bfloat16")
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    finally:
        set_precision("float32")
