import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.color.lab_tf import encode
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.checkpoint import load_state, save_state
from colorize_tf.training.gan import ColorizationGAN


def make_gan(*, widths=(4, 8), seed=0, ema=0.9):
    keras.utils.set_random_seed(seed)
    generator = unet(32, widths=widths, dropouts=(0.5,))
    gan = ColorizationGAN(generator, patchgan(base_width=4), ema=ema)
    gan.compile(*(keras.optimizers.Adam(1e-3) for _ in range(2)))
    return gan


@pytest.fixture
def batch():
    return encode(tf.random.stateless_uniform((2, 32, 32, 3), (1, 2)))


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def test_a_restored_run_takes_the_same_next_step(batch, tmp_path):
    gan = make_gan()
    for _ in range(2):
        gan.train_step(batch)
    gan.counters["epochs_done"].assign(7)
    save_state(gan, tmp_path / "state.npz")
    other = make_gan(seed=1)
    load_state(other, tmp_path / "state.npz")
    assert int(other.counters["epochs_done"]) == 7
    assert int(other.counters["steps_done"]) == 2
    gan.train_step(batch)
    other.train_step(batch)
    for network, expected in (
        (other.generator, gan.generator),
        (other.ema_generator, gan.ema_generator),
        (other.discriminator, gan.discriminator),
    ):
        for weight, weight_expected in zip(network.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(weight.numpy(), weight_expected.numpy(), weight.path)


def test_a_loss_scale_is_restored(policy, tmp_path):
    policy("mixed_float16")
    gan = make_gan()
    gan.generator_optimizer.dynamic_scale.assign(64.0)
    save_state(gan, tmp_path / "state.npz")
    other = make_gan()
    load_state(other, tmp_path / "state.npz")
    assert float(other.generator_optimizer.dynamic_scale) == 64.0


def test_a_state_of_another_network_is_refused_and_nothing_changes(tmp_path):
    save_state(make_gan(), tmp_path / "state.npz")
    other = make_gan(widths=(4, 4))
    before = other.generator.get_weights()
    with pytest.raises(ValueError, match="another configuration: generator.* expected"):
        load_state(other, tmp_path / "state.npz")
    for weight, expected in zip(other.generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_state_of_another_precision_is_refused(policy, tmp_path):
    save_state(make_gan(), tmp_path / "state.npz")
    policy("mixed_float16")
    with pytest.raises(ValueError, match="another configuration: generator_optimizer"):
        load_state(make_gan(), tmp_path / "state.npz")


@pytest.mark.parametrize("content", [b"", b"no archive", "half"])
def test_a_damaged_file_is_named(tmp_path, content):
    if content == "half":
        save_state(make_gan(), tmp_path / "state.npz")
        content = (tmp_path / "state.npz").read_bytes()[:20_000]
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.npz cannot be read"):
        load_state(make_gan(), tmp_path / "state.npz")


def test_a_full_disk_leaves_the_earlier_state(tmp_path, monkeypatch):
    gan = make_gan()
    save_state(gan, tmp_path / "state.npz")
    before = (tmp_path / "state.npz").read_bytes()

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_state(gan, tmp_path / "state.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]
    assert (tmp_path / "state.npz").read_bytes() == before
