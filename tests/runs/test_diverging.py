"""A run whose numbers are no longer finite stops in that step, says where it began, and saves none of them."""

import json
from typing import ClassVar

import numpy as np
import pytest
from helpers import Watched, sampled

import specnet
from specnet import RandomTransform
from specnet.errors import DivergenceError
from specnet.optimizers.sgd import Sgd
from specnet.runs.experiment import Experiment
from specnet.training.loop import train

LINEAR = {"type": "linear", "units": 1}
STEEP = {"type": "sgd", "learning_rate": 5.0}


def growing(**changes):
    """A spec whose loss grows until float32 cannot hold it."""
    return {
        "dataset": {"type": "spiral", "n_samples": 40},
        "layers": [LINEAR],
        "loss": "mse",
        "optimizer": STEEP,
        "training": {"epochs": 500, "batch_size": 20},
        "checkpoint": {"every": 1, "monitor": "train/loss"},
        "plots": [],
        **changes,
    }


def finite(path):
    with np.load(path) as file:
        return all(np.isfinite(file[name]).all() for name in file.files if file[name].dtype.kind == "f")


@pytest.mark.parametrize("policy", ["stop", "restore_best"])
def test_no_checkpoint_holds_a_number_that_is_not_finite(policy, tmp_path):
    spec = growing(
        training={"epochs": 500, "batch_size": 20, "on_divergence": policy},
        checkpoint={"every_steps": 1, "monitor": "train/loss"},
    )
    if policy == "stop":
        with pytest.raises(DivergenceError):
            specnet.run(spec, tmp_path / "run")
    else:
        specnet.run(spec, tmp_path / "run")
    run = specnet.load_run(tmp_path / "run", "latest")
    paths = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert len(paths) >= 2
    assert all(map(finite, paths))
    assert run.status == "diverged"
    assert run.warnings == []
    assert np.isfinite(run.history["train/loss"]).all()


def test_by_default_the_latest_state_is_the_last_one_that_was_saved(tmp_path):
    observer = Watched()
    with pytest.raises(DivergenceError) as error:
        specnet.run(growing(), tmp_path / "run", observer)
    assert error.value.exit_code == 4
    assert error.value.__notes__ == [
        f"earlier states are in {tmp_path / 'run'}",
        f"the page shows how: {tmp_path / 'run' / 'report.html'}",
    ]
    run = specnet.load_run(tmp_path / "run", "latest")
    assert run.progress["epoch"] == observer.lines[-1]["epoch"] == len(run.history["epoch"])
    assert run.manifest["error"] == error.value.message


def test_the_best_state_can_be_restored_and_the_run_is_there_to_look_at(tmp_path):
    observer = Watched()
    training = {"epochs": 500, "batch_size": 20, "on_divergence": "restore_best"}
    run = specnet.run(growing(training=training, plots=["curves"]), tmp_path / "run", observer)
    best = min(observer.lines, key=lambda line: line["train_after/loss"])
    assert run.status == "diverged"
    assert run.best["epoch"] == best["epoch"]
    latest = specnet.load_run(run.directory, "latest")
    assert latest.checkpoint == run.checkpoint
    assert latest.evaluate("train") == run.evaluate("train")
    assert (run.directory / "plots" / "curves.png").is_file()
    (warning,) = observer.warnings
    assert warning.endswith("; the best state so far is restored")
    assert f", in epoch {observer.lines[-1]['epoch'] + 1}" in warning


def test_a_first_step_that_diverges_leaves_the_initial_state(tmp_path):
    training = {"epochs": 3, "batch_size": 20, "on_divergence": "restore_best"}
    run = specnet.run(growing(optimizer={"type": "sgd", "learning_rate": 3e38}, training=training), tmp_path / "run")
    assert run.checkpoint.name == "step-00000000.npz"
    assert len(run.history) == 0


SHRINK = {"type": "linear", "units": 1, "weight_init": {"type": "constant", "value": 1e25}}
GROW = {"type": "linear", "units": 3, "weight_init": {"type": "constant", "value": 1e25}}
WHERE = {
    "outputs": ([GROW, SHRINK], ("layers", 1), "in its outputs", "loss"),
    "the loss": ([{**GROW, "units": 1}], ("loss",), "(Mse)", "loss"),
    "outputs inside": (
        ["tanh", {"type": "residual", "layers": [GROW, {**SHRINK, "units": 2}]}, LINEAR],
        ("layers", 1, "layers", 1),
        "in its outputs",
        "loss",
    ),
}


@pytest.mark.parametrize(("layers", "pointer", "part", "what"), WHERE.values(), ids=WHERE)
def test_the_layer_where_it_begins_is_told_with_its_place(layers, pointer, part, what, tmp_path):
    with pytest.raises(DivergenceError) as error:
        specnet.run(growing(layers=layers), tmp_path / "run")
    (found,) = error.value.diagnostics
    assert found.pointer == pointer
    assert f"the {what} is " in found.message
    assert "in step 1, in epoch 1: it begins in " in found.message
    assert found.message.endswith(part)


WRONG = """
import numpy as np
from specnet import Layer

class Wrong(Layer):
    '''Right until its fifth step, and then nan in one place.'''
    place_of_nan: str

    def build(self, input_shape):
        self.declare("gain", input_shape, "zeros")
        self.declare_state("count", (1,))
        return input_shape

    def fault(self, place):
        return np.nan if place == self.place_of_nan and self.count[0] >= 5 else 0.0

    def forward(self, x, training):
        if training:
            self.count += 1
        return x + x.dtype.type(self.fault("outputs"))

    def backward(self, dy):
        self.grad.gain[...] = self.fault("parameter")
        return dy + dy.dtype.type(self.fault("input"))
"""


ONCE = """
from specnet import Layer

class Once(Layer):
    count: int = 0

    def forward(self, x, training):
        return x

    def backward(self, dy):
        type(self).calls += 1
        return dy * float("nan") if type(self).calls == 300 else dy

Once.calls = 0
"""


@pytest.mark.parametrize("number", sampled([1, 2, 3], 3))
def test_a_layer_of_a_plugin_that_spoils_a_gradient_once_is_named(number, install, tmp_path):
    """Nothing is wrong when the step is computed again; the layer between finite gradients and others is."""
    install("specnet-once", "once = once_plugin:Once", once_plugin=ONCE)
    layers = [{"type": "linear", "units": 2}, {"type": "linear", "units": 2}, "tanh", LINEAR]
    layers.insert(number, "once")
    with pytest.raises(DivergenceError) as error:
        specnet.run(growing(layers=layers, optimizer="adam"), tmp_path / "run")
    assert error.value.pointer == ("layers", number)
    assert f"it begins in layers.{number} (Once), in its backward, though not when" in error.value.message


@pytest.mark.parametrize(
    ("place", "what", "part"),
    [
        ("outputs", "the loss is nan", "its outputs"),
        ("parameter", "a gradient is not finite", "the gradient of its gain"),
        ("input", "a gradient is not finite", "the gradient of its inputs"),
    ],
)
def test_it_is_told_in_the_step_in_which_it_happens(place, what, part, install, tmp_path):
    install("specnet-wrong", "wrong = wrong_plugin:Wrong", wrong_plugin=WRONG)
    layers = [{"type": "linear", "units": 2}, {"type": "wrong", "place_of_nan": place}, "tanh", LINEAR]
    with pytest.raises(DivergenceError) as error:
        specnet.run(growing(layers=layers, optimizer="adam"), tmp_path / "run")
    told = f"{what} in step 5, in epoch 3: it begins in layers.1 (Wrong), in {part}"
    assert error.value.message == told
    run = specnet.load_run(tmp_path / "run", "latest")
    assert run.progress["step"] == 4
    assert told in run.manifest["error"]


def test_a_slot_that_is_no_longer_finite_is_not_saved(tmp_path):
    # The square of a gradient of 1e25 is infinite as float32, and Adam then stands still.
    dataset = {"type": "spiral", "n_samples": 40}
    transforms = {"targets": [], "inputs": [{"type": "scale", "factor": 1e25}]}
    spec = growing(dataset=dataset, transforms=transforms, layers=[LINEAR], loss="bce_with_logits", optimizer="adam")
    with pytest.raises(
        DivergenceError,
        match=r"a slot of the optimizer is not finite by step 2: it begins in layers\.0 \(Linear\), in its w",
    ):
        specnet.run(spec, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000000.npz"]


def test_a_loss_after_the_epoch_is_told_with_its_name(tmp_path):
    inputs = np.ones((8, 1))
    arrays = {"inputs": inputs, "targets": inputs, "validation_inputs": inputs * 1e30, "validation_targets": inputs}
    np.savez(tmp_path / "data.npz", **arrays)
    layers = [{**LINEAR, "weight_init": {"type": "constant", "value": 1e15}}]
    spec = growing(dataset={"type": "npz", "path": str(tmp_path / "data.npz")}, layers=layers, optimizer="adam")
    told = r"validation/loss is inf after step 1, in epoch 1: it begins in layers\.0 \(Linear\), in its outputs"
    with pytest.raises(DivergenceError, match=told):
        specnet.run(spec, tmp_path / "run")


def test_the_spec_file_is_shown_where_it_begins(tmp_path):
    path = tmp_path / "growing.json"
    path.write_text(json.dumps(growing(layers=[GROW, SHRINK]), indent=2))
    with pytest.raises(DivergenceError) as error:
        specnet.run(path, tmp_path / "run")
    assert f"--> {path}:" in str(error.value)
    assert " at layers.1" in str(error.value)


class Burst(RandomTransform):
    """Leaves batches as they are, but for one."""

    calls: ClassVar[list] = []

    def apply(self, x, rng):
        self.calls.append(x)
        return x * np.float32(1e30 if len(self.calls) == 4 else 1.0)


class Distant(Sgd):
    """Descends as usual, and wants other weights measured."""

    def weights_for_evaluation(self, w, state):
        return np.full_like(w, 3e38)


def linear(units, value):
    return {"type": "linear", "units": units, "weight_init": {"type": "constant", "value": value}}


REPEATED = {
    "the loss": ([linear(1, 1e10)], "mse", ("layers", 0), "in its outputs"),
    "a gradient": ([linear(2, 1e-30), linear(1, 1e10)], "mae", ("layers", 0), "in the gradient of its weight"),
}


@pytest.mark.parametrize(("layers", "loss", "pointer", "part"), REPEATED.values(), ids=REPEATED)
def test_a_step_is_repeated_with_the_random_transforms_that_it_had(layers, loss, pointer, part, local):
    specnet.register("transforms", "burst")(Burst)
    Burst.calls.clear()
    still = {"type": "sgd", "learning_rate": 1e-38}
    transforms = {"inputs": ["burst"]}
    spec = specnet.load_spec(growing(layers=layers, loss=loss, optimizer=still, transforms=transforms))
    with pytest.raises(DivergenceError, match="step 3") as error:
        train(Experiment(spec).trainer)
    assert (error.value.pointer, error.value.message.rpartition(", ")[2]) == (pointer, part)


@pytest.mark.parametrize("metrics", [[], ["mse"]])
def test_what_is_measured_is_repeated_with_the_weights_that_were_measured(metrics, local):
    specnet.register("optimizers", "distant")(Distant)
    optimizer = {"type": "distant", "learning_rate": 0.01}
    spec = growing(optimizer=optimizer, split={"validation": 0.2}, metrics=metrics)
    with pytest.raises(DivergenceError, match=r"validation/loss is (nan|inf).*in its outputs") as error:
        train(Experiment(specnet.load_spec(spec)).trainer)
    assert error.value.pointer == ("layers", 0)


def test_restoring_the_best_state_needs_a_value_that_says_which_it_is(tmp_path):
    training = {"epochs": 3, "on_divergence": "restore_best"}
    with pytest.raises(specnet.SpecnetError, match="there is no best state to restore") as caught:
        specnet.run(growing(training=training, checkpoint={}), tmp_path / "run")
    assert caught.value.diagnostics[0].pointer == ("training", "on_divergence")
    assert not (tmp_path / "run").exists()
