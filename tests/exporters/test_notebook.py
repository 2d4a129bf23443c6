"""A notebook trains as the run did, in NumPy alone."""

import json
import math

import numpy as np
import pytest
from exported import SHAPES, model, train_towns
from helpers import built_in
from losses.test_contract import CASES

from specnet import ShapeError, SpecnetError
from specnet.component import find_class
from specnet.exporters.base import export
from specnet.exporters.notebook import run_cells
from specnet.exporters.source import NumpySource
from specnet.exporters.tracing import traced_input
from specnet.exporters.training import follow_training
from specnet.randomness import stream
from specnet.testing.examples import examples

REFUSED = {"embedding"}
"""Layers whose backward pass cannot be followed: a notebook refuses them."""


def assert_same_gradients(made, x, target, name):
    """The loss and the gradients that the written step computes are those of the model."""
    network, loss = made.network, made.loss
    program = follow_training(made, traced_input(x), traced_input(target, "target"))
    source = NumpySource(program.arrays)
    output = source.write(program)
    text = "\n".join(source.lines)
    rng = {place: stream(1, place) for place in network.named}
    space = {
        "np": np,
        "g": {},
        "rng": rng,
        "w": {**source.arrays, **network.params, **network.state},
        "x": x,
        "target": target,
    }
    exec(text, space)
    expected = loss.forward(network.propagate(x, True), target)
    network.backpropagate(loss.backward())
    assert eval(output, space) == pytest.approx(expected, rel=1e-12), f"{name}\n{text}"
    for place, gradient in network.grads.items():
        np.testing.assert_allclose(space["g"][place], gradient, 1e-11, 1e-13, err_msg=f"{name} {place}\n{text}")


def test_gradients_of_every_built_in_layer_are_those_of_its_backward():
    rng = np.random.default_rng(4)
    for name in set(built_in("layers")) - REFUSED:
        for layer in examples(find_class("layers", name)):
            for shape in SHAPES:
                try:
                    inside = {
                        "type": "sequential",
                        "layers": [layer.to_spec()],
                    }  # its names are not those of the layer before
                    made = model([{"type": "linear", "units": shape[-1]}, inside], shape, "mse")
                except ShapeError:
                    continue
                x = rng.normal(size=(7, *shape))
                assert_same_gradients(made, x, rng.normal(size=(7, *made.network.output_shape)), f"{name} {layer}")
                break


def test_gradients_of_every_built_in_loss_are_those_of_its_backward():
    for name, cases in CASES.items():
        for config, make, shapes in cases:
            shape = next(each for each in shapes if each[0] > 2 and len(each) == 2)
            rng = np.random.default_rng(5)
            y, target = make(rng, shape)
            end = {"probabilities": ["sigmoid"], "positive": ["softplus"]}.get(make.__name__, [])
            layers = [{"type": "linear", "units": shape[-1]}, *end]
            for reduction in ("mean", "sum"):
                made = model(layers, shape[1:], {"type": name, "reduction": reduction, **config})
                targets = made.loss.prepare(target, shape[1:], y.dtype)
                assert_same_gradients(made, rng.normal(size=shape), targets, f"{name} {config} {make.__name__}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with whatever a notebook has."""
    layers = [{"type": "linear", "units": 6}, "gelu", {"type": "dropout", "rate": 0.2}, "linear"]
    inputs = [
        "impute",
        {"type": "date_parts", "columns": ["day"]},
        "standardize",
        {"type": "gaussian_noise", "std": 0.1},
    ]
    return train_towns(
        tmp_path_factory.mktemp("towns"),
        dtype="float64",
        layers=layers,
        transforms={"inputs": inputs},
        optimizer={"type": "adam", "learning_rate": {"type": "cosine", "initial": 0.02}},
        training={"epochs": 25, "batch_size": 16, "clip_norm": 0.5},
    )


def test_a_notebook_ends_in_the_loss_of_the_run(trained, tmp_path):
    lines = export(trained, "notebook", tmp_path / "towns.ipynb")
    assert lines[0] == f"notebook: {tmp_path}/towns.ipynb, {tmp_path}/towns.npz"
    made = json.loads((tmp_path / "towns.ipynb").read_text(encoding="utf-8"))
    assert made["nbformat"] == 4
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in made["cells"]]
    script = "\n".join(f"# %%{' [markdown]' * (kind == 'markdown')}\n{text}" for kind, text in found if kind == "code")
    assert "specnet" not in [line.split()[1] for line in script.splitlines() if line.startswith(("import", "from"))]
    space = run_cells(script, tmp_path / "towns.npz")
    assert len(space["losses"]) == 25
    np.testing.assert_allclose(space["losses"], trained.history["train/loss"], rtol=1e-9)
    rows = trained.data.train.inputs
    latest = type(trained)(trained.directory, "latest")
    np.testing.assert_allclose(space["predict"](rows), latest.predict(rows), rtol=1e-9)


def test_what_a_notebook_does_not_have_is_refused_by_its_place(tmp_path):
    run = train_towns(tmp_path, loss={"type": "bce_with_logits", "class_weight": "balanced"})
    with pytest.raises(SpecnetError, match=r"loss \(BceWithLogits\) cannot be exported to notebook") as caught:
        export(run, "notebook", tmp_path / "m.ipynb")
    assert caught.value.pointer == ("loss",)
    assert not math.isnan(run.history["train/loss"][-1])
    linear = {"type": "linear", "units": 2}
    for message, changes in {
        "a notebook has no trainable of layers": {"layers": [linear | {"trainable": False}, "linear"]},
        "a notebook has no max_norm of layers": {"layers": ["relu", linear | {"max_norm": 1.0}, "linear"]},
        "a notebook has no groups": {"optimizer": {"type": "sgd", "groups": [{"layers": "0:1", "trainable": False}]}},
    }.items():
        (folder := tmp_path / message).mkdir()
        other = train_towns(folder, training={"epochs": 1, "batch_size": "full"}, **changes)
        with pytest.raises(SpecnetError, match=message):
            export(other, "notebook", tmp_path / "m.ipynb")
