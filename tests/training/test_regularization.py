"""Penalties, limits of weights and gradients, accumulation, and averages of weights."""

import numpy as np
import pytest

import specnet
from specnet.training.batches import Batch
from specnet.training.loop import run_epoch
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.training.trainer import Trainer
from specnet.transforms.pipeline import Pipeline

RNG = np.random.default_rng(6)
X, TARGET, WEIGHT = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2)), RNG.random(10)
SGD = {"type": "sgd", "learning_rate": 0.1}


def make(first=None, last=None, optimizer=SGD, weight=None, loss="mse", **training):
    """Return a trainer of two linear layers with these fields."""
    layers = [{"type": "linear", "units": 4, **(first or {})}, "tanh", {"type": "linear", "units": 2, **(last or {})}]
    network = specnet.build_network(layers, (3,), "float64", seed=4)
    model = Model(network, specnet.build("losses", loss), Pipeline([], ()), Pipeline([], ()))
    settings = Training.model_validate({"batch_size": None, "shuffle": False} | training)
    split = Batch(X, TARGET, TARGET, weight)
    return Trainer(model, specnet.build("optimizers", optimizer), settings, {"train": split, "validation": split}, 4)


def parameters(trainer):
    return {name: values.copy() for name, values in trainer.model.network.params.items()}


@pytest.mark.parametrize("loss", ["mse", {"type": "mse", "reduction": "sum"}], ids=["mean", "sum"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_gradients_are_those_of_the_loss_with_all_penalties(weight, loss):
    first = {"l1": 0.3, "activity_l1": 0.2, "activity_l2": 0.1}
    gradients = []
    for parts in (1, 3):
        trainer = make(first, {"l2": 0.5}, "lbfgs", weight, loss, l2=0.05, gradient_accumulation_steps=parts)
        trainer.prepare_step(trainer.splits["train"])
        network = trainer.model.network
        w, start = network.params.flat.copy(), trainer.objective.evaluate(network.params.flat)
        numeric = []
        for place in range(w.size):
            moved = np.zeros_like(w)
            moved[place] = 1e-6
            rise = trainer.objective.evaluate(w + moved)[0] - trainer.objective.evaluate(w - moved)[0]
            numeric.append(rise / 2e-6)
        np.testing.assert_allclose(start[1], numeric, rtol=1e-5, atol=1e-7)
        gradients.append(start[1])
        p, mean = network.params, loss == "mse"
        counts = (np.ones(10) if weight is None else weight).sum() if mean else 1.0
        y = X @ p["layers.0.weight"] + p["layers.0.bias"]
        output = np.tanh(y) @ p["layers.2.weight"] + p["layers.2.bias"]
        errors = np.sum((output - TARGET) ** 2 * (1 if weight is None else weight[:, None])) / (
            2 * counts if mean else 1
        )
        penalty = 0.3 * np.abs(p["layers.0.weight"]).sum() + 0.05 * np.sum(p["layers.0.weight"] ** 2)
        penalty += 0.5 * np.sum(p["layers.2.weight"] ** 2)
        penalty += (0.2 * np.abs(y).sum() + 0.1 * np.sum(y * y)) / counts
        assert start[0] == pytest.approx(errors + penalty, rel=1e-12)
    np.testing.assert_allclose(*gradients, rtol=1e-10)


def test_the_history_has_penalties_apart_from_the_loss_and_from_each_other():
    plain, penalized = make(), make({"l1": 0.3}, l2=0.05)
    before = parameters(plain)
    lines = [run_epoch(trainer) for trainer in (plain, penalized)]
    assert not {"train/l1", "train/l2"} & lines[0].keys()
    assert lines[0]["train/loss"] == lines[1]["train/loss"]
    weights = before["layers.0.weight"], before["layers.2.weight"]
    assert lines[1]["train/l1"] == pytest.approx(0.3 * np.abs(weights[0]).sum())
    assert lines[1]["train/l2"] == pytest.approx(0.05 * sum(np.sum(w * w) for w in weights))
    after = parameters(penalized)
    for name, values in parameters(plain).items():
        w = before[name]
        slope = 0.0 if name.endswith("bias") else 0.1 * w + (0.3 * np.sign(w) if "0" in name else 0)
        np.testing.assert_allclose(after[name], values - 0.1 * slope, rtol=1e-12)


def test_the_penalties_of_outputs_have_columns_of_their_own_also_in_accumulated_batches():
    found = []
    for size, parts in ((None, 1), (5, 2)):
        trainer = make({"activity_l2": 0.1}, {"activity_l1": 0.2}, batch_size=size, gradient_accumulation_steps=parts)
        p = parameters(trainer)
        line = run_epoch(trainer)
        y = X @ p["layers.0.weight"] + p["layers.0.bias"]
        output = np.tanh(y) @ p["layers.2.weight"] + p["layers.2.bias"]
        assert line["train/activity_l1"] == pytest.approx(0.2 * np.abs(output).sum() / 10)
        assert line["train/activity_l2"] == pytest.approx(0.1 * np.sum(y * y) / 10)
        assert not {"train/l1", "train/l2"} & line.keys()
        found.append(trainer.model.network.params.flat)
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_weights_stay_within_the_limits_of_their_layer_and_biases_are_left_alone():
    free = make(optimizer={"type": "sgd", "learning_rate": 2.0})
    limited = make({"max_norm": 0.5, "non_negative": True}, {"unit_norm": True}, free.optimizer.to_spec())
    for trainer in (free, limited):
        run_epoch(trainer)
    free, limited = parameters(free), parameters(limited)
    cut = np.maximum(free["layers.0.weight"], 0)
    norms = np.linalg.norm(cut, axis=0)
    assert norms.min() < 0.5 < norms.max()
    np.testing.assert_allclose(limited["layers.0.weight"], cut * 0.5 / np.maximum(norms, 0.5))
    np.testing.assert_allclose(np.linalg.norm(limited["layers.2.weight"], axis=0), 1)
    for name in ("layers.0.bias", "layers.2.bias"):
        np.testing.assert_array_equal(limited[name], free[name])


def test_a_layer_that_is_not_trainable_keeps_its_parameters():
    for name, rule in (("0", "adamw"), ("2", "lbfgs")):
        trainer = make(*({"trainable": name != number} for number in "02"), optimizer=rule, l2=0.1)
        before = parameters(trainer)
        run_epoch(trainer)
        for parameter, values in parameters(trainer).items():
            assert np.array_equal(values, before[parameter]) is (parameter.split(".")[1] == name), parameter
        assert trainer.model.network.stack.lowest == (2 if name == "0" else 0)


def test_gradients_are_limited_by_value_then_by_parameter_then_together():
    gradient = make()
    run_epoch(gradient)
    g = gradient.model.network.grads
    clipped = {name: np.clip(values, -0.2, 0.2) for name, values in g.items()}
    clipped = {name: values * min(1, 0.25 / np.linalg.norm(values)) for name, values in clipped.items()}
    total = np.sqrt(sum(np.sum(values**2) for values in clipped.values()))
    assert total > 0.4
    assert max(np.abs(values).max() for values in g.values()) > 0.2
    trainer = make(clip_value=0.2, clip_norm_per_weight=0.25, clip_norm=0.4)
    run_epoch(trainer)
    for name, values in trainer.model.network.grads.items():
        np.testing.assert_allclose(values, clipped[name] * 0.4 / total, rtol=1e-12)


def test_accumulated_batches_are_a_step_with_the_gradient_of_all_of_them():
    for size, parts, steps in ((2, 4, 2), (None, 3, 1)):
        whole, accumulated = (
            make(batch_size=size and size * parts),
            make(batch_size=size, gradient_accumulation_steps=parts),
        )
        for _ in range(2):
            expected, found = run_epoch(whole), run_epoch(accumulated)
        assert found["step"] == expected["step"] == 2 * steps
        assert found["train/loss"] == pytest.approx(expected["train/loss"], rel=1e-12)
        for name, values in parameters(accumulated).items():
            np.testing.assert_allclose(values, whole.model.network.params[name], rtol=1e-10)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_an_average_of_the_weights_is_evaluated_and_the_weights_go_on(kind):
    averaging = {"type": kind, "momentum": 0.8, "start_epoch": 2}
    plain, averaged = make(batch_size=4), make(batch_size=4, weight_averaging=averaging)
    seen, after_epochs = [], []
    update = plain.update
    plain.update = lambda: (update(), seen.append(plain.model.network.params.flat.copy()))
    for _ in range(4):
        line = run_epoch(averaged)
        run_epoch(plain)
        after_epochs.append(seen[-1])
    np.testing.assert_array_equal(averaged.model.network.params.flat, seen[-1])
    expected = np.mean(after_epochs[1:], axis=0)
    if kind == "ema":
        expected = seen[3]  # the first step of the second epoch
        for w in seen[4:]:
            expected = 0.8 * expected + 0.2 * w
    weights = averaged.state().take("evaluation")["params"]
    np.testing.assert_allclose(weights, expected, rtol=1e-12)
    plain.model.network.params.flat[...] = expected
    assert line["validation/loss"] == pytest.approx(plain.model.score(plain.splits["validation"])["loss"])
