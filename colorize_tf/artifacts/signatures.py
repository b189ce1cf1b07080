"""Describe the signatures of each kind of artifact: names, dtypes, shapes, ranges, meanings."""

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE


def keras_signatures(size: int, z_size: int) -> dict:
    """Describe a `.keras` file.

    Args:
        size: height and width in pixels that the network takes.
        z_size: length of the noise vector it takes; 0 if it takes none.

    Returns:
        By signature, `inputs` and `outputs`; of these by name the dtype, shape and meaning, and the
        range if there is one. JSON can hold it.
    """
    inputs = _lightness("batch", size) | _noise("batch", z_size)
    return {"model": _signature(inputs, _ab("batch", size))}


def saved_model_signatures(size: int, z_size: int) -> dict:
    """Describe a SavedModel; see `keras_signatures`."""
    file = {"dtype": "string", "shape": ["batch"]}
    photo = {**file, "meaning": "JPEG, PNG, BMP or GIF file contents"}
    colorized = {**file, "meaning": "PNG file contents, same height and width"}
    shape = ["batch", "height", "width", 3]
    return {
        "serving_default": _signature({"image_bytes": photo}, {"colorized_bytes": colorized}),
        "colorize": _signature(
            {"images": _picture("photographs, sRGB", shape, "uint8")},
            {"colorized": _picture("the same in color", shape, "uint8")},
        ),
        **_network("batch", size, z_size),
    }


def tflite_signatures(size: int, z_size: int, image_dtype: str) -> dict:
    """Describe a TFLite file; see `keras_signatures`."""
    shape = [1, size, size, 3]
    return {
        "serving_default": _signature(
            {"image": _picture("photograph, sRGB", shape, image_dtype)},
            {"colorized": _picture("the same in color", shape, image_dtype)},
        ),
        **_network(1, size, z_size),
    }


def _network(batch: int | str, size: int, z_size: int) -> dict:
    """Describe the signatures of the network alone."""
    lightness, ab = _lightness(batch, size), _ab(batch, size)
    signatures = {"predict_ab": _signature(lightness, ab)}
    if z_size:
        signatures["sample_ab"] = _signature(lightness | _noise(batch, z_size), ab)
    return signatures


def _signature(inputs: dict, outputs: dict) -> dict:
    return {"inputs": inputs, "outputs": outputs}


def _picture(meaning: str, shape: list, dtype: str) -> dict:
    ends = [0, 255] if dtype == "uint8" else [0.0, 1.0]
    return {"dtype": dtype, "shape": shape, "range": ends, "meaning": meaning}


def _lightness(batch: int | str, size: int) -> dict:
    return {
        "lightness": {
            "dtype": "float32",
            "shape": [batch, size, size, 1],
            "range": [-1.0, 1.0],
            "meaning": f"L / {LIGHTNESS_SCALE:g} - 1, L of CIE L*a*b* (D65) of the photograph",
        }
    }


def _ab(batch: int | str, size: int) -> dict:
    return {
        "ab": {
            "dtype": "float32",
            "shape": [batch, size, size, 2],
            "range": [-1.0, 1.0],
            "meaning": f"(a, b) / {AB_SCALE:g}, a and b of CIE L*a*b* (D65) as predicted",
        }
    }


def _noise(batch: int | str, z_size: int) -> dict:
    if not z_size:
        return {}
    meaning = "drawn from N(0, 1), chooses among the colorings; zeros are the model's own choice"
    return {"z": {"dtype": "float32", "shape": [batch, z_size], "meaning": meaning}}
