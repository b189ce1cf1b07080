import dataclasses

import pytest

from colorize_tf.training.runtime_options import RuntimeOptions


@pytest.mark.parametrize("name", ["strategy", "jit"])
def test_an_unknown_choice_lists_the_known(name):
    with pytest.raises(ValueError, match=f"--{name} must be one of auto, .*, got 'other'"):
        RuntimeOptions(**{name: "other"})


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_waiting_takes_time_and_has_an_end(seconds):
    with pytest.raises(ValueError, match="--worker-timeout must be above 0 and at most 1,000,000"):
        RuntimeOptions(worker_timeout=seconds)


@pytest.mark.parametrize("field", dataclasses.fields(RuntimeOptions), ids=lambda field: field.name)
def test_every_field_has_a_group_and_a_help(field):
    assert field.metadata["group"] == "machines" and field.metadata["help"].strip()
