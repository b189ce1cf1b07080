import re

import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.evaluation.comparison import evaluate_colorizers
from colorize_tf.evaluation.report import (
    choose_by_rank,
    error_map,
    large_pictures,
    thumbnails,
    write_evaluation_report,
)
from colorize_tf.evaluation.scores import gray, mean_color


def test_best_median_and_worst_are_chosen():
    errors = np.random.default_rng(0).permutation(21.0 * np.arange(21))
    chosen = choose_by_rank(errors)
    assert list(chosen) == ["best", "median", "worst"]
    assert [errors[index] / 21 for index in chosen["best"]] == [0, 1, 2]
    assert sorted(errors[index] / 21 for index in chosen["median"]) == [9, 10, 11]
    assert [errors[index] / 21 for index in chosen["worst"]] == [20, 19, 18]


@pytest.mark.parametrize("count", range(1, 10))
def test_few_pictures_are_chosen_once_each(count):
    chosen = sum(choose_by_rank(np.arange(float(count))).values(), [])
    assert sorted(chosen) == list(range(count))


def test_thumbnails_show_gray_predictions_error_maps_and_truth(measured):
    tiles = thumbnails(measured[0], ["cool"])
    error = measured[0].figures["ciede2000"][1]
    captions = ["gray", f"cool, CIEDE2000 {error:.1f}", "error of cool", "true"]
    assert [tile.caption for tile in tiles] == captions
    for tile, image in zip(tiles, measured[0].images[[1, 2, 2, 0]], strict=True):
        assert np.array_equal(tile.image, image) == (tile.caption != "error of cool")


@pytest.mark.parametrize(("width", "shown"), [(1200, 900), (96, 96)])
def test_large_pictures_are_reduced_to_900_pixels(tmp_path, width, shown):
    imagefiles.write_image(tmp_path / "a.png", np.zeros((width * 2 // 3, width, 3), np.uint8))
    tiles = large_pictures(tmp_path / "a.png", {"gray": gray})
    assert [tile.caption for tile in tiles] == ["gray", "true"]
    assert {tile.image.shape for tile in tiles} == {(shown * 2 // 3, shown, 3)}


def test_error_map_is_lighter_for_larger_errors():
    drawn = error_map(np.float32([[0, 10, 20, 30, 60]]))
    lightness = drawn.astype(int).sum(axis=-1)[0]
    assert drawn.dtype == np.uint8 and drawn.shape == (1, 5, 3)
    assert np.all(np.diff(lightness[:4]) > 100) and lightness[3] == lightness[4]


def test_report_has_every_part(landscapes, tmp_path):
    models = {"vivid": mean_color([0.1, 0.1]), "pale": mean_color([0.05, 0.02])}
    evaluation = evaluate_colorizers(
        {"vivid": models["vivid"]}, landscapes[:4], size=48, against=models["pale"]
    )
    text = write_evaluation_report(evaluation, tmp_path / "report").read_text()
    for words in ("4 photographs in", "vivid less colorizer", "best: ", "worst: ", "mottling"):
        assert words in text, words
    for caption in (
        "error of colorizer",
        "error by hue",
        "error by lightness",
        "chroma by lightness",
        "ab of the photographs",
        "ab of vivid",
    ):
        assert f'<img alt="{caption}"' in text, caption
    # Of each photograph six thumbnails, then two predictions and the truth, large.
    assert len(re.findall("data:image/jpeg", text)) == 4 * (6 + 3)
