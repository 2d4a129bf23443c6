"""The recorded curvatures are those of the training loss, and leave training as it is."""

import numpy as np
import pytest

import specnet
from specnet.errors import DataError, SpecnetError
from specnet.recording.curvature import CURVED_PARAMETERS

SPEC = {
    "seed": 3,
    "dataset": {"type": "waves", "n_samples": 50},
    "split": {"validation": 0},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "mse",
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
    "training": {"epochs": 6, "batch_size": 20},
    "record": {"every": 2, "curvature": True},
    "plots": [],
}


@pytest.fixture
def train(tmp_path):
    def call(out="run", **changes):
        run = specnet.run(specnet.load_spec({**SPEC, **changes}), out=tmp_path / out, report=False)
        return run, dict(run.record)

    return call


def hessian(run, w, l2=0.0):
    """The Hessian of the mean squared error over the training samples, by differences of differences of the loss."""
    network = specnet.build_network(run.spec.layers, run.model.network.input_shape, "float64", kernels="textbook")
    x, t = run.data.train.inputs.astype(float), run.data.train.targets.reshape(-1, 1).astype(float)
    weights = np.concatenate([np.full(view.size, view.ndim > 1) for view in network.params.values()])

    def gradient(at):
        network.params.flat[...] = at
        y = network.forward(x, training=True)
        network.backward(2 * (y - t) / t.size)
        return network.grads.flat + 2 * l2 * weights * at

    rows = []
    for e in np.eye(len(w)) * 1e-5:
        ahead = gradient(w + e).copy()
        rows.append((ahead - gradient(w - e)) / 2e-5)
    return (np.stack(rows) + np.stack(rows).T) / 2


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_each_frame_has_the_largest_eigenvalues_of_the_hessian(train, l2):
    run, record = train(training={**SPEC["training"], "l2": l2}, dtype="float64")
    assert record["epochs"].tolist() == [0, 2, 4, 6]
    assert record["parameters"].shape == (4, run.model.network.params.flat.size)
    for step, curvature in zip((0, 6, 12, 18), record["curvature"], strict=True):
        if step in run.steps:
            w = run.state(step).arrays["params"]
            expected = np.linalg.eigvalsh(hessian(run, w, l2))[::-1][:3]
            np.testing.assert_allclose(curvature, expected, rtol=1e-6)


def test_training_has_the_same_bytes_with_and_without(train):
    layers = [{"type": "linear", "units": 4}, "batch_norm", {"type": "dropout", "rate": 0.2}, SPEC["layers"][-1]]
    states = []
    for number, record in enumerate((SPEC["record"], {"every": 2}, None)):
        run, _ = train(f"run-{number}", layers=layers, record=record)
        arrays = run.state(max(run.steps)).arrays
        states.append({name: arrays[name].tobytes() for name in ("params", "slots", "state")})
    assert states[0] == states[1] == states[2]


def test_frozen_parameters_have_no_curvature(train):
    layers = [{**SPEC["layers"][0], "trainable": False}, "tanh", SPEC["layers"][-1]]
    run, record = train(layers=layers, dtype="float64")
    trained = np.array([name.startswith("layers.2") for name, v in run.params.items() for _ in range(v.size)])
    matrix = hessian(run, run.state(0).arrays["params"])
    expected = np.linalg.eigvalsh(matrix[np.ix_(trained, trained)])[::-1][:3]
    np.testing.assert_allclose(record["curvature"][0], expected, rtol=1e-6)


def test_a_network_with_too_many_parameters_is_refused_at_its_place():
    wide = {"type": "linear", "units": CURVED_PARAMETERS}
    with pytest.raises(SpecnetError, match="curvatures are recorded of at most 250,000") as error:
        specnet.run(specnet.load_spec({**SPEC, "layers": [wide, SPEC["layers"][-1]]}))
    assert isinstance(error.value, DataError)
    assert error.value.diagnostics[0].pointer == ("record", "curvature")
