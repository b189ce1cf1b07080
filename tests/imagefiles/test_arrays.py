import cv2
import numpy as np
import pytest

from colorize_tf.imagefiles.arrays import resize_to_short_side, scale_samples, to_eight_bits


def picture(height, width):
    corners = np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)


def test_sixteen_bits_are_rounded_to_eight():
    deep = np.random.default_rng(0).integers(0, 65536, (48, 64, 3), dtype=np.uint16)
    np.testing.assert_array_equal(to_eight_bits(deep), np.round(deep / 257))


@pytest.mark.parametrize(
    ("samples", "bits", "expected"),
    [
        (np.array([False, True]), 1, np.array([0, 255], np.uint8)),
        (np.array([0, 7, 15], np.uint8), 4, np.array([0, 119, 255], np.uint8)),
        (np.array([0, 4095], np.uint16), 12, np.array([0, 65535], np.uint16)),
        (np.array([0, 0.5, 1], np.float32), 32, np.array([0, 32768, 65535], np.uint16)),
        (np.array([-1, 0, 3], np.int16), 16, np.array([0, 16384, 65535], np.uint16)),
        (np.array([2, 3, 4], np.uint32), 32, np.array([0, 32768, 65535], np.uint16)),
        (np.array([0, np.nan, 2, np.inf]), 64, np.array([0, 0, 65535, 0], np.uint16)),
        (np.array([7, 7], np.int32), 32, np.array([0, 0], np.uint16)),
    ],
)
def test_samples_are_scaled_by_the_stated_rules(samples, bits, expected):
    scaled = scale_samples(samples.reshape(1, -1, 1), bits)
    assert scaled.dtype == expected.dtype
    np.testing.assert_array_equal(scaled.reshape(-1), expected)


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [((48, 64), 24, (24, 32)), ((64, 48), 96, (128, 96)), ((300, 2), 1, (150, 1))],
)
def test_resize_keeps_the_aspect(size, short_side, expected):
    assert resize_to_short_side(picture(*size), short_side).shape == (*expected, 3)


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (resize_to_short_side(stripes, 32) == 100).all()


def test_resize_to_nothing_is_refused():
    with pytest.raises(ValueError, match="short_side is 0, expected at least 1"):
        resize_to_short_side(picture(8, 9), 0)
