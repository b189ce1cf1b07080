"""Version folders, `NAME/1/`, `NAME/2/` and so on, as TensorFlow Serving expects them."""

from pathlib import Path


def next_version(base: str | Path) -> int:
    """Return the number after the highest version in a model's base folder, 1 if there is none."""
    return max((int(path.name) for path in _versions(Path(base))), default=0) + 1


def version_folder(folder: str | Path) -> Path:
    """Find a SavedModel.

    Args:
        folder: version folder, or a base folder, whose highest version is used.

    Returns:
        The version folder.

    Raises:
        ValueError: no SavedModel there.
    """
    folder = Path(folder)
    if not (folder / "saved_model.pb").is_file():
        folder = max(_versions(folder), key=lambda path: int(path.name), default=folder)
    if not (folder / "saved_model.pb").is_file():
        raise ValueError(f"no SavedModel in {folder}: expected saved_model.pb or version folders")
    return folder


def _versions(base: Path) -> list[Path]:
    return [path for path in base.glob("*") if path.name.isdecimal()]
