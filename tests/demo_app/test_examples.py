import numpy as np

from colorize_tf import imagefiles
from colorize_tf.color.toning import describe_color
from colorize_tf.demo_app.examples import render_examples


def test_examples_are_distinct_gray_landscapes(tmp_path):
    paths = render_examples(tmp_path / "examples")
    pictures = [imagefiles.read_image(path) for path in paths]
    assert len(paths) == 4 and {path.suffix for path in paths} == {".jpg"}
    for picture in pictures:
        assert describe_color(picture) == "gray"
        assert np.ptp(picture) > 120
    means = {round(float(picture.mean())) for picture in pictures}
    assert len(means) == len(pictures)
