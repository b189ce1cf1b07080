"""Photographs and a prepared set that several tests share."""

import os
import shutil

import cv2
import numpy as np
import pytest

from colorize_tf.data.records.conversion import convert
from colorize_tf.data.records.preparation import PreparationConfig, prepare

CONFIG = PreparationConfig(
    short_side=40, shard_size=8, origin="photographs of mine", license="CC BY 4.0"
)


def convert_unless_bomb(location, **options):
    """Defined here, as worker processes import it, without TensorFlow."""
    if location.endswith("bomb.png"):
        os._exit(1)
    return convert(location, **options)


def photograph(seed=0, height=64, width=80):
    corners = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)


def take(dataset, count):
    return [tuple(part.numpy() for part in batch) for batch in dataset.take(count)]


def same(batches, others):
    return all(
        np.array_equal(part, other)
        for batch, other_batch in zip(batches, others, strict=True)
        for part, other in zip(batch, other_batch, strict=True)
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A folder of forty photographs, one of them twice, and a gray one."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "below").mkdir()
    for seed in range(40):
        assert cv2.imwrite(str(folder / f"{seed:02}.png"), photograph(seed))
    shutil.copy(folder / "00.png", folder / "below" / "again.png")
    assert cv2.imwrite(str(folder / "gray.png"), np.full((80, 80, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="session")
def prepared_once(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "set"
    prepare(source, folder, CONFIG)
    return folder


@pytest.fixture
def prepared(prepared_once, tmp_path):
    """A prepared set that a test may damage."""
    return shutil.copytree(prepared_once, tmp_path / "set")
