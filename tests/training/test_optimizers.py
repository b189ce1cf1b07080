import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.training.optimizers import FusedAdam

OPTIONS = {
    "plain": {},
    "as GANs take it": {"learning_rate": 2e-4, "beta_1": 0.5},
    "with decay and clipping": {"weight_decay": 0.1, "clipnorm": 0.5},
    "on a schedule": {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 5)},
}


def _trained(optimizer, steps=7):
    random = np.random.default_rng(0)
    shapes = [(3, 4), (5,)]
    variables = [keras.Variable(random.normal(size=shape), dtype="float32") for shape in shapes]
    optimizer.build(variables)
    gradients = [tf.constant(random.normal(size=(steps, *s)), tf.float32) for s in shapes]
    apply = tf.function(lambda now: optimizer.apply(now, variables))
    for step in range(steps):
        apply([gradient[step] for gradient in gradients])
    return [*variables, *optimizer.variables]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_it_goes_where_keras_goes(options):
    ours, theirs = _trained(FusedAdam(**options)), _trained(keras.optimizers.Adam(**options))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our.numpy(), their.numpy(), rtol=1e-5, atol=1e-7)


def test_a_gradient_without_end_is_skipped_under_a_loss_scale():
    variable = keras.Variable(np.ones(3), dtype="float32")
    optimizer = keras.optimizers.LossScaleOptimizer(FusedAdam(0.1))
    optimizer.build([variable])
    apply = tf.function(lambda scaled: optimizer.apply([scaled], [variable]))
    apply(tf.constant([1.0, np.inf, 1.0]))
    np.testing.assert_array_equal(variable.numpy(), 1.0)
    apply(optimizer.dynamic_scale * [1.0, -1.0, 1.0])
    np.testing.assert_allclose(variable.numpy(), [0.9, 1.1, 0.9], rtol=1e-5)


def test_amsgrad_is_not_passed_over():
    with pytest.raises(ValueError, match="no amsgrad; use keras.optimizers.Adam"):
        FusedAdam(amsgrad=True)


def test_the_variables_are_those_that_a_run_with_keras_stored():
    ours, theirs = FusedAdam(), keras.optimizers.Adam()
    for optimizer in (ours, theirs):
        optimizer.build([keras.Variable(np.ones((3, 4)), dtype="float32", name="kernel")])
    shapes = [
        [(variable.name, variable.shape) for variable in optimizer.variables]
        for optimizer in (ours, theirs)
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_it_moves_variables_in_a_compiled_step(jit_compile):
    variable = keras.Variable(np.ones(3), dtype="float32")
    optimizer = FusedAdam(0.1)
    optimizer.build([variable])
    apply = tf.function(
        lambda gradient: optimizer.apply([gradient], [variable]), jit_compile=jit_compile
    )
    apply(tf.constant([1.0, -1.0, 0.0]))
    np.testing.assert_allclose(variable.numpy(), [0.9, 1.1, 1.0], rtol=1e-5)
