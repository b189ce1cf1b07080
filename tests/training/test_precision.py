import keras
import pytest
import tensorflow as tf

from colorize_tf.training import processor
from colorize_tf.training.precision import choose_precision, precision_policy


@pytest.fixture
def machine(monkeypatch):
    """Sets which GPUs and which processor flags the machine seems to have."""

    def set_up(*, gpus=(), vendor="AuthenticAMD", flags=""):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(gpus))
        monkeypatch.setattr(
            processor.Path,
            "read_text",
            lambda path: f"vendor_id\t: {vendor}\nflags\t: fpu {flags}\n",
        )

    return set_up


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ({"gpus": ["GPU:0"]}, "mixed_float16"),
        ({"flags": "avx512f avx512_bf16"}, "mixed_bfloat16"),
        ({"vendor": "GenuineIntel", "flags": "avx512_bf16 amx_bf16"}, "mixed_bfloat16"),
        ({"vendor": "GenuineIntel", "flags": "avx512_bf16"}, "float32"),
        ({"flags": "avx2"}, "float32"),
    ],
)
def test_auto_is_the_fastest_safe_policy(machine, setting, policy):
    machine(**setting)
    assert choose_precision("auto") == policy


def test_auto_is_float32_where_processor_flags_are_unknown(machine, monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    machine()
    monkeypatch.setattr(processor.Path, "read_text", missing)
    assert choose_precision("auto") == "float32"


def test_float16_on_a_cpu_warns(machine):
    machine()
    with pytest.warns(UserWarning, match="mixed_float16 on a CPU is about a hundred times slower"):
        assert choose_precision("mixed_float16") == "mixed_float16"


def test_emulated_bfloat16_warns(machine):
    machine(flags="avx2")
    with pytest.warns(UserWarning, match="mixed_bfloat16 is emulated on this processor"):
        assert choose_precision("mixed_bfloat16") == "mixed_bfloat16"


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16"])
def test_an_explicit_choice_is_kept(machine, name):
    machine(gpus=["GPU:0"])
    assert choose_precision(name) == name


def test_networks_compute_in_it_within_the_context_alone():
    with pytest.warns(UserWarning), precision_policy("mixed_float16") as policy:
        assert keras.layers.Dense(1).compute_dtype == "float16"
    assert policy == "mixed_float16"
    assert keras.layers.Dense(1).compute_dtype == "float32"
