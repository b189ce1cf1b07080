import pytest

from colorize_tf.training.selection import best_index, is_exhausted

RULE = {"monitor": "val_ab_rmse", "mode": "min"}


def pretrain(*errors):
    return [{"stage": "pretrain", "val_ab_rmse": error} for error in errors]


def adversarial(*figures):
    names = "val_ciede2000", "val_colorfulness_ratio", "val_color_distance"
    return [{"stage": "adversarial", **dict(zip(names, row, strict=True))} for row in figures]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ((5, 3, 4), 1),
        ((5, 3, 3), 1),
        ((5, "2.5", 3), 1),
        ((1,), 0),
        ((3, 0.0, 2), 1),
        # of an epoch that has none of its own
        (("", 3, None), 1),
    ],
)
def test_of_pretraining_the_first_epoch_with_the_least_figure_is_best(errors, expected):
    assert best_index(pretrain(*errors), **RULE) == expected


def test_of_some_figures_the_greatest_is_best():
    rows = [{"stage": "pretrain", "val_psnr": value} for value in (20, 22, 21)]
    assert best_index(rows, monitor="val_psnr", mode="max") == 1


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        # the least distance among those with color enough
        ([(12.0, 0.9, 2.0), (12.0, 0.9, 1.0), (12.0, 0.9, 1.5)], 1),
        # too gray to count, however small the error: a collapsed epoch has the least
        ([(13.0, 0.9, 1.0), (12.4, 0.9, 1.05), (12.1, 0.3, 3.0)], 1),
        ([(11.5, 0.55, 2.0), (12.0, 0.85, 1.2), (12.0, 0.95, 1.0)], 2),
        # too much error for however good a distance
        ([(12.0, 0.9, 2.0), (12.4, 0.9, 1.0)], 0),
        ([(12.0, 0.9, 2.0), (12.3, 0.9, 1.0)], 1),
        # too gray and too gaudy
        ([(12.0, 0.9, 2.0), (12.0, 0.7, 1.0), (12.0, 1.2, 1.0)], 0),
        # none has color enough: the nearest
        ([(12.0, 0.3, 1.0), (12.0, 0.6, 2.0), (12.0, 0.5, 0.1)], 1),
        # an epoch with far less error than all before it pushes the earlier best out
        ([(14.0, 0.9, 1.0), (12.0, 0.9, 2.0)], 1),
        # of equals the first
        ([(12.0, 0.9, 1.0), (12.0, 0.9, 1.0)], 0),
    ],
)
def test_of_an_adversarial_stage_the_stated_rule_chooses(figures, expected):
    assert best_index(adversarial(*figures), **RULE) == expected


def test_the_rule_finds_the_peak_that_the_prototype_had():
    """Issue text: CIEDE2000 and colorfulness of a run whose losses stood still."""
    figures = [
        (12.3, 0.82, 1.4),
        (12.3, 0.97, 1.1),
        (12.3, 1.02, 1.2),
        (13.3, 0.93, 1.0),
        (12.9, 0.80, 1.3),
        (13.3, 1.22, 1.1),
        (14.6, 1.22, 1.5),
    ]
    assert best_index(adversarial(*figures), **RULE) == 1


@pytest.mark.parametrize(
    ("errors", "patience", "expected"),
    [
        ((5, 4, 6, 7), 2, True),
        ((5, 4, 6), 2, False),
        ((5, 4, 6, 3), 2, False),
        ((5, 4, 6, 7), None, False),
        ((), 1, False),
    ],
)
def test_a_stage_is_exhausted_after_so_many_epochs_without_a_better_one(errors, patience, expected):
    assert is_exhausted(pretrain(*errors), patience, **RULE) is expected
