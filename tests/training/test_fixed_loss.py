"""The loss of fixed samples as a function of all parameters, and its Hessian."""

import numpy as np
import pytest

import specnet
from specnet.network.curvature import largest_curvatures
from specnet.training.batches import Batch
from specnet.training.fixed_loss import FixedLoss
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.transforms.pipeline import Pipeline

RNG = np.random.default_rng(6)
X, TARGET, WEIGHT = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 2)), RNG.random(30)
HIDDEN = {"type": "linear", "units": 5}
LAST = {"type": "linear", "units": 2}


def make(layers, loss="mse", weight=None, dtype="float64", **training):
    """Return a model of these layers and its loss on fixed samples."""
    network = specnet.build_network(layers, (4,), dtype, seed=4)
    model = Model(network, specnet.build("losses", loss), Pipeline([], ()), Pipeline([], ()))
    return model, FixedLoss(model, Training.model_validate(training), Batch(X, TARGET, TARGET, weight))


def dense(fixed, w):
    """Return the Hessian at w by central differences of the loss's gradient, one parameter at a time."""
    step = 1e-5
    rows = [(fixed.gradient(w + step * e) - fixed.gradient(w - step * e)) / (2 * step) for e in np.eye(len(w))]
    return (np.stack(rows) + np.stack(rows).T) / 2


@pytest.mark.parametrize(("loss", "scale"), [("mse", 1 / 60), ({"type": "mse", "reduction": "sum"}, 32 / 30)])
def test_linear_regression_has_the_hessian_of_least_squares(loss, scale):
    model, fixed = make([{**LAST, "use_bias": False}], loss)
    found = largest_curvatures(fixed.gradient, model.network.params.flat, 4, fixed.trained)
    expected = np.repeat(np.linalg.eigvalsh(2 * scale * X.T @ X)[::-1], 2)[:4]  # of two outputs
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("layers", "settings"),
    [
        ([HIDDEN, "tanh", LAST], {}),
        ([HIDDEN, "tanh", LAST], {"weight": WEIGHT, "l2": 0.1}),
        ([{**HIDDEN, "activity_l2": 0.1, "l1": 0.1}, "sigmoid", LAST], {}),
        ([HIDDEN, "batch_norm", "tanh", "dropout", LAST], {}),
        ([{**HIDDEN, "trainable": False}, "gelu", HIDDEN, "tanh", LAST], {}),
        ([{"type": "residual", "layers": [{"type": "linear", "units": 4}, "tanh"]}, LAST], {}),
        ([{**HIDDEN, "units": 4, "name": "a"}, "tanh", {**HIDDEN, "units": 4, "share": "a"}, "tanh", LAST], {}),
    ],
    ids=["plain", "weighted and penalized", "activity", "batch norm and dropout", "frozen", "residual", "shared"],
)
def test_curvatures_are_those_of_the_dense_hessian(layers, settings):
    model, fixed = make(layers, **settings)
    w = model.network.params.flat
    hessian = dense(fixed, w)[np.ix_(fixed.trained, fixed.trained)]
    found = largest_curvatures(fixed.gradient, w, 3, fixed.trained)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(hessian)[::-1][:3], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_model_does_not_change(dtype):
    model, fixed = make([HIDDEN, "batch_norm", "dropout", LAST], dtype=dtype)
    network = model.network
    before = [vector.flat.tobytes() for vector in (network.params, network.grads, network.state)]
    streams = [layer.rng.bit_generator.state for layer in network.named.values()]
    first = fixed.evaluate(network.params.flat)
    again = fixed.evaluate(network.params.flat)
    assert first[0] == again[0]
    assert first[1].tobytes() == again[1].tobytes()
    assert [vector.flat.tobytes() for vector in (network.params, network.grads, network.state)] == before
    assert [layer.rng.bit_generator.state for layer in network.named.values()] == streams
