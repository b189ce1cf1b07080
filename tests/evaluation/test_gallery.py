import numpy as np

from colorize_tf.evaluation.gallery import choose, error_map, tiles


def test_the_best_the_median_and_the_worst_are_chosen():
    errors = np.random.default_rng(0).permutation(21.0 * np.arange(21))
    chosen = choose(errors)
    assert list(chosen) == ["best", "median", "worst"]
    assert [errors[place] / 21 for place in chosen["best"]] == [0, 1, 2]
    assert sorted(errors[place] / 21 for place in chosen["median"]) == [9, 10, 11]
    assert [errors[place] / 21 for place in chosen["worst"]] == [20, 19, 18]


def test_few_pictures_are_shown_once_each():
    for count in range(1, 10):
        chosen = sum(choose(np.arange(float(count))).values(), [])
        assert sorted(chosen) == list(range(count))


def test_a_photograph_is_laid_out_in_gray_as_predicted_and_as_it_is(measured):
    laid = tiles(measured[0], ["cool"], "gray")
    error = measured[0].figures["ciede2000"][1]
    captions = ["gray", f"cool, CIEDE2000 {error:.1f}", "error of cool", "true"]
    assert [tile.caption for tile in laid] == captions
    for tile, image in zip(laid, measured[0].images[[1, 2, 2, 0]], strict=True):
        assert np.array_equal(tile.image, image) == (tile.caption != "error of cool")


def test_an_error_map_is_lighter_where_the_error_is_larger():
    drawn = error_map(np.float32([[0, 10, 20, 30, 60]]))
    lightness = drawn.astype(int).sum(axis=-1)[0]
    assert drawn.dtype == np.uint8 and drawn.shape == (1, 5, 3)
    assert np.all(np.diff(lightness[:4]) > 100) and lightness[3] == lightness[4]
