import math

import numpy as np
import pytest
from helpers import in_one_test

import specnet
from specnet import registry


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


# name: (y as Python's math has it, the limits of dy/dx for x to minus and to plus infinity)
REFERENCE = {
    "sigmoid": (sigmoid, (0.0, 0.0)),
    "tanh": (math.tanh, (0.0, 0.0)),
    "relu": (lambda x: max(x, 0.0), (0.0, 1.0)),
    "leaky_relu": (lambda x: x if x > 0 else 0.01 * x, (0.01, 1.0)),
    "elu": (lambda x: x if x > 0 else math.expm1(x), (0.0, 1.0)),
    "gelu": (lambda x: 0.5 * x * math.erfc(-x / math.sqrt(2)), (0.0, 1.0)),
    "silu": (lambda x: x * sigmoid(x), (0.0, 1.0)),
    "softplus": (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), (0.0, 1.0)),
    "relu6": (lambda x: min(max(x, 0.0), 6.0), (0.0, 0.0)),
    "selu": (
        lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
        (0.0, 1.0507009873554805),
    ),
    "mish": (lambda x: x * math.tanh(max(x, 0.0) + math.log1p(math.exp(-abs(x)))), (0.0, 1.0)),
    "hard_sigmoid": (lambda x: min(max(x / 6 + 0.5, 0.0), 1.0), (0.0, 0.0)),
    "hard_silu": (lambda x: x * min(max(x / 6 + 0.5, 0.0), 1.0), (0.0, 1.0)),
    "softsign": (lambda x: x / (1 + abs(x)), None),  # slowly
    "gaussian": (lambda x: math.exp(-x * x) if abs(x) < 20 else 0.0, (0.0, 0.0)),
    "sine": (math.sin, None),
    "square": (lambda x: x * x, None),
}
limited = pytest.mark.parametrize("name", [name for name, (_, limits) in REFERENCE.items() if limits])
every_activation = pytest.mark.parametrize("name", REFERENCE)


def elementwise(f, x):
    return np.array([f(float(value)) for value in x.flat]).reshape(x.shape)


def test_every_activation_is_in_the_table():
    module = "specnet.layers.activation:"
    found = {name for name, (entry, *_) in registry.claims("layers").items() if entry.target.startswith(module)}
    assert found == {*REFERENCE}


@in_one_test
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("shape", [(1, 7), (5, 1), (2, 3, 5)])
@every_activation
def test_values_are_those_of_the_formula(name, shape, dtype, tolerance):
    x = np.random.default_rng(3).normal(scale=4.0, size=shape).astype(dtype)
    y = specnet.build("layers", name).forward(x, training=True)
    np.testing.assert_allclose(y, elementwise(REFERENCE[name][0], x), rtol=tolerance, atol=tolerance)


@in_one_test
@pytest.mark.parametrize(
    ("dtype", "size"), [("float64", 1e4), ("float64", 1e30), ("float64", 1e300), ("float32", 1e4), ("float32", 1e30)]
)
@limited
def test_extreme_inputs_reach_the_limits(name, dtype, size):
    layer = specnet.build("layers", name)
    x = np.array([[-size, size]], dtype)
    y = layer.forward(x, training=True)
    dx = layer.backward(np.ones_like(y))
    assert y.dtype == dx.dtype == dtype
    bounded = elementwise(REFERENCE[name][0], np.clip(x, -1e4, 1e4))
    grows = np.abs(bounded) > 10  # in proportion to x
    np.testing.assert_allclose(y, bounded * np.where(grows, size / 1e4, 1.0), rtol=1e-6)
    np.testing.assert_allclose(dx, [REFERENCE[name][1]], rtol=1e-6)


@in_one_test
@every_activation
def test_zero_is_no_special_case(name):
    layer = specnet.build("layers", name)
    x = np.zeros((1, 3))
    assert layer.forward(x, training=True).tolist() == [[REFERENCE[name][0](0.0)] * 3]
    assert np.isfinite(layer.backward(np.ones((1, 3)))).all()


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_leaky_relu_has_its_negative_slope(slope):
    layer = specnet.build("layers", {"type": "leaky_relu", "negative_slope": slope})
    np.testing.assert_allclose(layer.forward(np.array([[-3.0, 4.0]]), True), [[-3 * slope, 4.0]], atol=0)
    np.testing.assert_allclose(layer.backward(np.array([[5.0, 7.0]])), [[5 * slope, 7.0]], atol=0)


def test_elu_falls_to_minus_alpha():
    layer = specnet.build("layers", {"type": "elu", "alpha": 2.5})
    x = np.array([[-1000.0, -0.3, 0.8]])
    np.testing.assert_allclose(layer.forward(x, True), [[-2.5, 2.5 * math.expm1(-0.3), 0.8]], rtol=1e-14)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1.5e-7), ("float64", 5e-16)])
def test_gelu_is_exact_to_the_precision_of_the_dtype(dtype, tolerance):
    x = np.linspace(-12, 12, 5001).astype(dtype)[np.newaxis]
    exact, _ = REFERENCE["gelu"]
    found = specnet.build("layers", "gelu").forward(x, False)
    np.testing.assert_allclose(found, elementwise(exact, x), rtol=tolerance, atol=tolerance)


def test_approximate_gelu_is_the_form_with_tanh_close_to_the_exact_one():
    def formula(x):
        return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    x = np.linspace(-6, 6, 501)[np.newaxis]
    found = specnet.build("layers", {"type": "gelu", "approximate": True}).forward(x, False)
    np.testing.assert_allclose(found, elementwise(formula, x), rtol=1e-14, atol=1e-15)
    assert np.abs(found - elementwise(REFERENCE["gelu"][0], x)).max() < 5e-4


def test_approximate_gelu_of_extreme_inputs_reaches_the_limits():
    layer = specnet.build("layers", {"type": "gelu", "approximate": True})
    x = np.array([[-1e300, 1e300]])
    np.testing.assert_allclose(layer.forward(x, True), [[0, 1e300]])
    np.testing.assert_allclose(layer.backward(np.ones((1, 2))), [[0, 1]])


def test_a_sigmoid_of_extreme_inputs_warns_of_nothing_and_is_exact_to_the_last_digit():
    x = np.concatenate([np.linspace(-700, 30, 2001), [-1e300, -1000.0, 1000.0]])
    np.testing.assert_allclose(
        specnet.build("layers", "sigmoid").forward(x, False), elementwise(sigmoid, x), rtol=4e-16
    )
