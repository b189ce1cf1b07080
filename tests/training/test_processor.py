import pytest

from colorize_tf.training import processor
from colorize_tf.training.processor import ONEDNN, choose_onednn, has_bfloat16, processor_flags


@pytest.fixture
def cpuinfo(monkeypatch):
    """Sets the content of /proc/cpuinfo."""
    return lambda text: monkeypatch.setattr(processor.Path, "read_text", lambda path: text)


def test_flags_are_those_of_the_first_processor(cpuinfo):
    cpuinfo("model name\t: x\nflags\t\t: fpu avx2\n\nflags\t\t: fpu\n")
    assert processor_flags() == {"fpu", "avx2"}
    assert not has_bfloat16()


@pytest.mark.parametrize("text", ["", "Features\t: fp asimd\n"])
def test_other_processors_have_no_flags(cpuinfo, text):
    cpuinfo(text)
    assert processor_flags() == frozenset()


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [("sse4_2 avx2 fma", "1"), ("avx2 avx512f avx512_vnni", None), ("sse4_2", None), ("", None)],
)
def test_onednn_is_switched_on_where_tensorflow_does_not(cpuinfo, flags, chosen):
    cpuinfo(f"flags\t\t: {flags}\n")
    environment = {}
    assert choose_onednn(environment).startswith("oneDNN")
    assert environment.get(ONEDNN) == chosen


def test_the_users_choice_stays(cpuinfo):
    cpuinfo("flags\t\t: avx2\n")
    environment = {ONEDNN: "0"}
    assert choose_onednn(environment) == f"oneDNN as {ONEDNN}=0 says"
    assert environment == {ONEDNN: "0"}
