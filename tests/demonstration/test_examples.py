import numpy as np

from colorize_tf import media
from colorize_tf.demonstration.examples import render_examples
from colorize_tf.toning import describe_color


def test_the_examples_are_different_landscapes_in_black_and_white(tmp_path):
    paths = render_examples(tmp_path / "examples")
    pictures = [media.read_image(path) for path in paths]
    assert len(paths) == 4 and {path.suffix for path in paths} == {".jpg"}
    for picture in pictures:
        assert describe_color(picture) == "grey"
        assert np.ptp(picture) > 120
    means = {round(float(picture.mean())) for picture in pictures}
    assert len(means) == len(pictures)
