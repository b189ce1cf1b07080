import functools
import urllib.error

import keras
import numpy as np
import pytest

from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.evaluation.features import load_features


def images():
    return np.stack([render_landscape(seed, 40, 40) for seed in range(2)])


def test_squeezenet_is_loaded_from_a_file(tmp_path, squeezenet):
    features = load_features(str(squeezenet.write(tmp_path / "weights.h5")))
    assert "SqueezeNet 1.1 (weights.h5), layer fire9" in features.source
    assert features.describe(images()).shape == (2, 512)


def test_networks_of_keras_applications_are_loaded_by_name(monkeypatch):
    network = functools.partial(keras.applications.MobileNetV2, weights=None)
    monkeypatch.setattr(keras.applications, "MobileNetV2", network)
    keras.utils.set_random_seed(0)
    features = load_features("MobileNetV2")
    assert features.source == "MobileNetV2 of keras.applications, layer out_relu averaged, 224 px"
    described = features.describe(images())
    assert features.family == "mobilenet" and described.shape == (2, 1280)
    assert not np.allclose(*described, atol=0)


def test_unknown_features_list_the_known_ones():
    with pytest.raises(ValueError, match=r"'AlexNet'; expected an .h5 file .* InceptionV3, Mobile"):
        load_features("AlexNet")


def test_missing_weights_are_one_line(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise urllib.error.URLError("no network")

    # Keras caches weights below its home folder, which it read at import.
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    with pytest.raises(ValueError, match="weights of VGG16 are not cached .*no network; connect"):
        load_features("VGG16")
