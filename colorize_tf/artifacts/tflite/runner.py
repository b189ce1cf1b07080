"""Run TFLite files with LiteRT, without TensorFlow."""

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, SignatureRunner


def load_tflite(path: str | Path, *, threads: int | None = None) -> dict[str, SignatureRunner]:
    """Load a file that `convert_to_tflite` made.

    Args:
        path: a `.tflite` file.
        threads: the number of threads; LiteRT's choice by default.

    Returns:
        By signature, a callable from named NumPy arrays to named NumPy arrays.

    Raises:
        ValueError: no such file, or not one of this package.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no model at {path}; expected a .tflite file")
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
        names = list(interpreter.get_signature_list())
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path} cannot be loaded as a TFLite model: {error}") from error
    if "predict_ab" not in names:
        raise ValueError(
            f"{path} is not a colorize_tf model: it has no signature predict_ab, "
            f"only {', '.join(names) or 'none'}"
        )
    return {name: interpreter.get_signature_runner(name) for name in names}


def input_size(runner: SignatureRunner, name: str = "lightness") -> int:
    """Return height and width in pixels, or the length, of a signature's input."""
    return int(runner.get_input_details()[name]["shape"][1])
