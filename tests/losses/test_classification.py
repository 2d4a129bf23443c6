import math

import numpy as np
import pytest
from helpers import gradient_error, numeric_gradient

import specnet
from specnet.errors import DataError, ShapeError

PRECISIONS = [("float32", 1e-5), ("float64", 1e-13)]
precisions = pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
shapes = pytest.mark.parametrize("shape", [(1, 1), (7,), (5, 3), (2, 3, 5)])


def entropy(p, t):
    return -(t * math.log(p) + (1 - t) * math.log(1 - p))


@precisions
@shapes
def test_bce_is_the_binary_cross_entropy(shape, dtype, tolerance):
    rng = np.random.default_rng(1)
    y, target = rng.uniform(0.01, 0.99, shape).astype(dtype), rng.choice([0.0, 1.0, 0.4], shape).astype(dtype)
    value = specnet.build("losses", "bce").forward(y, target)
    elements = [entropy(float(p), float(t)) for p, t in zip(y.flat, target.flat, strict=True)]
    assert value == pytest.approx(math.fsum(elements) / y.size, rel=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("epsilon", [1e-12, 1e-7, 1e-30])
def test_bce_at_exact_0_and_1_is_finite_and_0_where_right(dtype, epsilon):
    loss = specnet.build("losses", {"type": "bce", "epsilon": epsilon, "reduction": "sum"})
    for y, target in ((0, 0), (1, 1), (0, 1), (1, 0)):
        value = loss.forward(np.array([[y]], dtype), np.array([[target]], dtype))
        (gradient,) = loss.backward().flat
        # One tangent's length below epsilon the logarithm has fallen by 1; a right answer still pulls with slope 1.
        assert value == pytest.approx(0 if y == target else 1 - math.log(epsilon), rel=1e-6)
        assert gradient == pytest.approx(
            (1 if y == target else 1 / epsilon) * (1 if y > target or y + target == 0 else -1)
        )


@pytest.mark.parametrize("y", [0.0, 1.0, 3e-5, 1 - 3e-5, -2e-5, 1 + 2e-5])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_the_gradient_of_bce_at_and_around_0_and_1_is_that_of_its_value(y, target):
    """epsilon is 1e-4, so that a central difference of 1e-8 stays on the tangent."""
    loss = specnet.build("losses", {"type": "bce", "epsilon": 1e-4})
    y, target = np.array([[y]]), np.array([[target]])
    loss.forward(y, target)
    dy = loss.backward().copy()
    assert gradient_error(dy, numeric_gradient(lambda: loss.forward(y, target), y, step=1e-8)) < 1e-6


def test_the_tangent_of_bce_meets_its_logarithm():
    loss = specnet.build("losses", {"type": "bce", "epsilon": 0.01})
    below, above = (loss.forward(np.array([[0.01 + shift]]), np.array([[1.0]])) for shift in (-1e-9, 1e-9))
    assert below == pytest.approx(above, abs=1e-6)
    assert above == pytest.approx(-math.log(0.01), abs=1e-6)


@pytest.mark.parametrize("epsilon", [0, 0.5, -1e-3, 1e-50])
def test_an_epsilon_that_float32_cannot_divide_by_is_refused(epsilon):
    with pytest.raises(specnet.SpecnetError, match="epsilon"):
        specnet.build("losses", {"type": "bce", "epsilon": epsilon})


@precisions
@shapes
def test_bce_with_logits_is_the_bce_of_a_sigmoid(shape, dtype, tolerance):
    rng = np.random.default_rng(1)
    y, target = rng.normal(scale=3, size=shape).astype(dtype), rng.choice([0.0, 1.0, 0.4], shape).astype(dtype)
    loss = specnet.build("losses", "bce_with_logits")
    p = [1 / (1 + math.exp(-float(z))) for z in y.flat]
    elements = [entropy(q, float(t)) for q, t in zip(p, target.flat, strict=True)]
    assert loss.forward(y, target) == pytest.approx(math.fsum(elements) / y.size, rel=tolerance * 10)
    np.testing.assert_allclose(loss.predictions(y).ravel(), p, rtol=tolerance * 10)


@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e4), ("float64", 1e30), ("float32", 1e4), ("float32", 1e30)])
def test_extreme_logits_are_finite(dtype, size):
    y = np.array([[-size], [size], [-size], [size]], dtype)
    loss = specnet.build("losses", {"type": "bce_with_logits", "reduction": "sum"})
    assert loss.forward(y, np.array([[0], [1], [1], [0]], dtype)) == pytest.approx(2 * size, rel=1e-6)
    assert loss.backward().ravel().tolist() == [0, 0, -1, 1]
    z, loss = np.array([[-size, size, 0]] * 2, dtype), specnet.build("losses", "cross_entropy")
    assert loss.forward(z, np.array([1, 0])) == pytest.approx(size, rel=1e-6)
    assert loss.backward().tolist() == [[0, 0, 0], [-0.5, 0.5, 0]]
    assert loss.forward(z, np.array([[0, 1, 0], [1, 0, 0]], dtype)) == pytest.approx(size, rel=1e-6)


@precisions
@pytest.mark.parametrize("shape", [(1, 2), (7, 3), (2, 3, 5)])
def test_cross_entropy_is_that_of_softmax(shape, dtype, tolerance):
    rng = np.random.default_rng(1)
    y, numbers = rng.normal(scale=3, size=shape).astype(dtype), rng.integers(shape[-1], size=shape[:-1])
    soft = rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(dtype)
    one_hot = np.eye(shape[-1], dtype=dtype)[numbers]
    rows = [[math.exp(float(z)) for z in row] for row in y.reshape(-1, shape[-1])]
    loss = specnet.build("losses", "cross_entropy")
    for target, weights in ((numbers, one_hot), (one_hot, one_hot), (soft, soft)):
        total = -math.fsum(
            float(t) * math.log(z / sum(row))
            for row, weight in zip(rows, weights.reshape(-1, shape[-1]), strict=True)
            for z, t in zip(row, weight, strict=True)
        )
        assert loss.forward(y, target) == pytest.approx(total / len(rows), rel=tolerance * 10)
    expected = [[z / sum(row) for z in row] for row in rows]
    np.testing.assert_allclose(loss.predictions(y).reshape(-1, shape[-1]), expected, rtol=tolerance * 10)


@pytest.mark.parametrize(
    "target",
    [np.array([0, 2, 1]), np.array([[0.0], [2.0], [1.0]]), np.array([0, 2, 1], np.uint8), np.eye(3)[[0, 2, 1]]],
)
def test_cross_entropy_takes_class_numbers_and_one_hot(target):
    ready = specnet.build("losses", "cross_entropy").prepare(target, (3,), np.dtype("float32"))
    assert (ready if ready.ndim == 1 else ready.argmax(1)).tolist() == [0, 2, 1]


@pytest.mark.parametrize("target", [np.array([False, True, True]), np.array([[0], [1], [1]], bool)])
def test_cross_entropy_takes_truth_values_as_class_numbers(target):
    assert specnet.build("losses", "cross_entropy").prepare(target, (2,), np.dtype("float32")).tolist() == [0, 1, 1]


@pytest.mark.parametrize("wrong", [3, -1, 0.5, 1e30, -1e300])
def test_targets_that_are_no_class_are_refused_by_row(wrong):
    with pytest.raises(DataError, match=r"in row 2 is not one of the classes 0 to 2"):
        specnet.build("losses", "cross_entropy").prepare(np.array([0, 1, wrong]), (3,), np.dtype("float32"))


@pytest.mark.parametrize(("shape", "output_shape"), [((4,), (1,)), ((4,), ()), ((4, 2), (3,)), ((4, 3), (5, 3))])
def test_cross_entropy_refuses_outputs_that_are_no_classes(shape, output_shape):
    with pytest.raises(ShapeError) as caught:
        specnet.build("losses", "cross_entropy").prepare(np.zeros(shape), output_shape, np.dtype("float32"))
    assert caught.value.pointer == ("layers",)
