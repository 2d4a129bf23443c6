"""Rules beyond the elementwise: they wrap another, evaluate again, want a Jacobian, or are measured elsewhere."""

from types import SimpleNamespace
from typing import Annotated

import numpy as np
import pytest

import specnet
from specnet import Layer, Optimizer
from specnet.component import fresh_copy
from specnet.optimizers.base import all_needs, all_state_names, named_state
from specnet.optimizers.sgd import Sgd
from specnet.schedules.base import scheduled
from specnet.schedules.scheduled import ScheduledFields
from specnet.training.batches import Batch
from specnet.training.loop import run_epoch
from specnet.training.model import Model
from specnet.training.objective import BatchObjective
from specnet.training.settings import Training
from specnet.training.trainer import Trainer
from specnet.training.update import Updater
from specnet.transforms.pipeline import Pipeline

SHAPES = {"layers.0.weight": (2, 3), "layers.0.bias": (3,), "layers.2.weight": (3, 1)}
SIZE = 12


def training(optimizer):
    """Return parameters, rows of state and the named state of an optimizer that is ready."""
    w = np.random.default_rng(0).normal(size=SIZE)
    rows = np.zeros((len(all_state_names(optimizer)), SIZE))
    optimizer.bind(SHAPES)
    return w, rows, named_state(optimizer, rows)


class Shapes(Optimizer):
    """Remembers what it is given."""

    whole_tensors = True

    @property
    def state_names(self):
        return ("last",)

    def update(self, w, g, state, step):
        self.seen = [*getattr(self, "seen", []), w.shape]
        state.last[...] = g
        w -= g


class Normalized(Optimizer):
    whole_vector = True

    def update(self, w, g, state, step):
        w -= g / np.linalg.norm(g)


class Lookahead(Optimizer):
    """Every `sync_period` steps, w goes halfway back to where it was."""

    optimizer: Optimizer
    sync_period: int = 2
    slow_step_size: Annotated[float, scheduled(gt=0)] = 0.5

    @property
    def state_names(self):
        return ("slow",)

    def update(self, w, g, state, step):
        if step == 0:
            state.slow[...] = w
        self.optimizer.apply(w, g, state.optimizer, step)
        if (step + 1) % self.sync_period == 0:
            state.slow += self.slow_step_size * (w - state.slow)
            w[...] = state.slow


class Sharp(Optimizer):
    needs = ("evaluate",)
    optimizer: Optimizer

    def update(self, w, g, state, step):
        self.loss, slope = self.objective.evaluate(w + 0.1 * g)
        self.optimizer.apply(w, slope, state.optimizer, step)


class GaussNewton(Optimizer):
    needs = ("jacobian",)

    def update(self, w, g, state, step):
        j = self.objective.jacobian()
        w -= np.linalg.lstsq(j.T @ j, g, rcond=None)[0]


class Averaged(Sgd):
    @property
    def state_names(self):
        return ("average", *super().state_names)

    def update(self, w, g, state, step):
        super().update(w, g, state, step)
        state.average += (w - state.average) / (step + 1)

    def weights_for_evaluation(self, w, state):
        return state.average


def test_whole_tensors_come_one_by_one_in_their_shapes():
    optimizer = Shapes()
    w, rows, state = training(optimizer)
    before, g = w.copy(), np.arange(12.0)
    optimizer.apply(w, g, state, 0)
    assert optimizer.seen == [*SHAPES.values()]
    np.testing.assert_array_equal(rows[0], g)
    np.testing.assert_array_equal(w, before - g)


def test_the_whole_vector_comes_at_once(monkeypatch):
    monkeypatch.setattr("specnet.optimizers.base.PIECE", 5)
    optimizer = Normalized()
    w, _, state = training(optimizer)
    before = w.copy()
    optimizer.apply(w, np.ones(SIZE), state, 0)
    np.testing.assert_allclose(w, before - 1 / np.sqrt(SIZE))


def test_state_that_is_not_declared_is_named():
    with pytest.raises(AttributeError, match="the optimizer has no state 'm'; state_names should contain it"):
        _ = named_state(Normalized(), np.zeros((0, 3))).m


@pytest.mark.parametrize("inner", [specnet.build("optimizers", "adam"), Shapes()], ids=["pieces", "tensors"])
def test_a_wrapped_rule_takes_the_steps_that_it_takes_alone(inner, monkeypatch):
    monkeypatch.setattr("specnet.optimizers.base.PIECE", 5)
    optimizer, alone = Lookahead(optimizer=inner, sync_period=1000), inner.model_copy(deep=True)
    (w, _, state), (expected, _, own) = training(optimizer), training(alone)
    for step in range(3):
        g = np.random.default_rng(step).normal(size=SIZE)
        optimizer.apply(w, g, state, step)
        alone.apply(expected, g, own, step)
    np.testing.assert_array_equal(w, expected)


def test_the_state_of_a_wrapped_rule_is_named_by_its_place():
    optimizer = Lookahead(optimizer=Lookahead(optimizer="adam"))
    assert all_state_names(optimizer) == ("slow", "optimizer.slow", "optimizer.optimizer.m", "optimizer.optimizer.v")
    _, rows, state = training(optimizer)
    state.optimizer.optimizer.v[...] = 7
    assert rows[3].tolist() == [7] * SIZE


def test_a_rule_that_wraps_another_averages_its_steps():
    optimizer = Lookahead(optimizer={"type": "sgd", "learning_rate": 1.0})
    w, _, state = training(optimizer)
    start = w.copy()
    for step in range(2):
        optimizer.apply(w, np.ones(SIZE), state, step)
    np.testing.assert_allclose(w, start - 1)


def test_schedules_of_a_wrapped_rule_are_set_and_named_by_place():
    rate = {"type": "exponential", "initial": 1.0, "every_steps": 1}
    described = Lookahead(
        optimizer={"type": "sgd", "learning_rate": rate}, slow_step_size={"type": "cosine", "initial": 1}
    )
    written, optimizer = described.model_dump(), fresh_copy(described)
    fields = ScheduledFields({"optimizer": optimizer})
    fields.bind(1, 4)
    fields.set(2)
    assert (optimizer.slow_step_size, optimizer.optimizer.learning_rate) == (pytest.approx(0.5), 0.25)
    assert fields.values(2) == {
        "optimizer.optimizer.learning_rate": 0.25,
        "optimizer.slow_step_size": pytest.approx(0.5),
    }
    assert described.model_dump() == written


@pytest.fixture
def objective():
    """The objective of a batch in a network with dropout, whose squares are the loss."""
    layers = [{"type": "linear", "units": 3}, {"type": "dropout", "rate": 0.4}, {"type": "linear", "units": 1}]
    network = specnet.build_network(layers, (2,), "float64", 1)
    x = np.random.default_rng(1).normal(size=(5, 2))

    def outputs():
        return network.propagate(x, training=True)

    def gradient():
        y = outputs()
        found.dy = 2 * y
        network.backpropagate(2 * y)
        return float(np.sum(y * y))

    generators = [layer.rng for layer in network.named.values()]
    found = SimpleNamespace(network=network, objective=BatchObjective(network, generators, gradient, outputs))
    found.objective.begin()
    outputs()
    return found


def test_evaluating_again_has_the_same_random_numbers_and_leaves_all_as_it_was(objective):
    network = objective.network
    w, draws = network.params.flat.copy(), [layer.rng.bit_generator.state for layer in network.named.values()]
    network.grads.flat[...] = 7.0
    losses = [objective.objective.evaluate(w + move)[0] for move in (0.0, 0.1, 0.0)]
    assert losses[0] == losses[2] != losses[1]
    np.testing.assert_array_equal(network.params.flat, w)
    assert set(network.grads.flat) == {7.0}
    assert [layer.rng.bit_generator.state for layer in network.named.values()] == draws


def test_the_gradient_is_that_of_the_loss_and_a_new_array(objective):
    w = objective.network.params.flat.copy()
    _, g = objective.objective.evaluate(w)
    g_kept = g.copy()
    for place in range(w.size):
        moved = np.zeros_like(w)
        moved[place] = 1e-6
        difference = objective.objective.evaluate(w + moved)[0] - objective.objective.evaluate(w - moved)[0]
        assert g[place] == pytest.approx(difference / 2e-6, rel=1e-6, abs=1e-8)
    np.testing.assert_array_equal(g, g_kept)


def test_the_jacobian_brings_the_gradient_of_outputs_to_that_of_parameters(objective):
    network = objective.network
    w = network.params.flat.copy()
    j, g = objective.objective.jacobian(), objective.objective.evaluate(w)[1]
    np.testing.assert_array_equal(network.params.flat, w)
    assert j.shape == (5, w.size)
    np.testing.assert_allclose(j.T @ objective.dy.ravel(), g, rtol=1e-12)


def test_rules_evaluate_the_objective_they_are_bound_to(objective):
    optimizer = Sharp(optimizer="sgd")
    assert all_needs(Lookahead(optimizer=optimizer)) == {"evaluate"}
    w = objective.network.params.flat
    before, g = w.copy(), objective.objective.evaluate(w)[1]
    optimizer.bind({name: array.shape for name, array in objective.network.params.items()}, objective.objective)
    optimizer.apply(w, g, named_state(optimizer, np.zeros((0, w.size))), 0)
    loss, slope = objective.objective.evaluate(before + 0.1 * g)
    assert optimizer.loss == loss
    np.testing.assert_array_equal(w, before - 0.01 * slope)


def test_least_squares_are_solved_in_one_step_with_a_jacobian():
    network = specnet.build_network([{"type": "linear", "units": 1}], (2,), "float64", 1)
    rng = np.random.default_rng(2)
    x, target = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))

    def outputs():
        return network.propagate(x, training=True)

    def gradient():
        y = outputs()
        network.backpropagate(y - target)
        return float(np.sum((y - target) ** 2)) / 2

    objective = BatchObjective(network, [], gradient, outputs)
    objective.begin()
    optimizer = GaussNewton()
    w = network.params.flat
    optimizer.bind({name: array.shape for name, array in network.params.items()}, objective)
    optimizer.apply(w, objective.evaluate(w)[1], named_state(optimizer, np.zeros((0, w.size))), 0)
    assert np.linalg.norm(objective.evaluate(w)[1]) < 1e-12


@pytest.mark.parametrize("wrap", [lambda inner: inner, lambda inner: Lookahead(optimizer=inner)])
def test_a_rule_may_be_measured_at_other_weights_also_inside_another(wrap):
    optimizer = wrap(Averaged(momentum=0.5))
    w, rows, state = training(optimizer)
    optimizer.apply(w, np.ones(SIZE), state, 0)
    average = rows[list(all_state_names(optimizer)).index("optimizer.average" if len(rows) > 2 else "average")]
    np.testing.assert_array_equal(optimizer.weights_for_evaluation(w, state), average)
    plain = specnet.build("optimizers", "adam")
    assert plain.weights_for_evaluation(w, named_state(plain, np.zeros((2, SIZE)))) is None


def test_parameters_decay_as_their_layers_declare():
    class Scaled(Layer):
        axes = (..., "features")

        def build(self, input_shape):
            self.declare("matrix", (2, 2), "zeros", decay=False)
            self.declare("scale", (3,), "zeros", decay=True)
            return input_shape

        def forward(self, x, training):
            return x

        def backward(self, dy):
            return dy

    class Decay(Optimizer):
        decays = True
        inner: Optimizer | None = None

        def update(self, w, g, state, step):
            w -= 0.25 * state.decay * w
            if self.inner:
                self.inner.apply(w, g, state.inner, step)

    network = specnet.build_network([{"type": "linear", "units": 3}, Scaled()], (2,))
    decayed = np.array([1] * 6 + [0] * 3 + [0] * 4 + [1] * 3)
    for optimizer, steps in ((Decay(), 1), (Decay(inner=Decay()), 2)):
        network.params.flat[...] = 1.0
        Updater(network, optimizer, np.zeros((0, decayed.size)))(0)
        np.testing.assert_array_equal(network.params.flat, np.where(decayed, 0.75**steps, 1.0))


def train(layers, optimizer, steps, x, target):
    """Return a network and the lines of its history after some steps on a full batch."""
    network = specnet.build_network(layers, x.shape[1:], "float64", 1)
    model = Model(network, specnet.build("losses", "mse"), Pipeline([], ()), Pipeline([], ()))
    trained = Training(epochs=max(steps, 1), batch_size=None)
    trainer = Trainer(model, specnet.build("optimizers", optimizer), trained, {"train": Batch(x, target, target)}, 0)
    return network, [run_epoch(trainer) for _ in range(steps)]


def test_groups_of_layers_have_their_own_rate_and_decay_or_none_at_all(monkeypatch):
    monkeypatch.setattr("specnet.optimizers.base.PIECE", 4)
    layers = [{"type": "linear", "units": 3}, "tanh", {"type": "linear", "units": 3}, {"type": "linear", "units": 1}]
    rng = np.random.default_rng(0)
    data = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    rule = {"type": "adamw", "learning_rate": 0.1, "weight_decay": 0.2}
    halving = {"type": "exponential", "initial": 0.5, "every_steps": 1}
    groups = [
        {"layers": ":1", "trainable": False},
        {"layers": [2], "learning_rate": halving, "weight_decay": 0.0},
    ]
    network, lines = train(layers, rule | {"groups": groups}, 1, *data)
    expected = {
        "0": train(layers, rule, 0, *data)[0].params,
        "2": train(layers, rule | {"learning_rate": 0.5, "weight_decay": 0.0}, 1, *data)[0].params,
        "3": train(layers, rule, 1, *data)[0].params,
    }
    for name, values in network.params.items():
        np.testing.assert_allclose(values, expected[name.split(".")[1]][name], rtol=1e-12, err_msg=name)
    assert lines[0]["optimizer.groups.1.learning_rate"] == 0.5
    assert network.stack.lowest == 2  # nothing is computed for what is not trained
    assert train(layers, rule | {"groups": groups}, 3, *data)[1][2]["optimizer.groups.1.learning_rate"] == 0.125


def test_optimizers_of_full_batches_fit_a_sine_in_a_few_steps():
    x = np.linspace(-1.5, 1.5, 25)[:, None]
    layers = [{"type": "linear", "units": 5}, "tanh", {"type": "linear", "units": 1}]
    for name, least in (("levenberg_marquardt", 1e-4), ("lbfgs", 1e-5), ("conjugate_gradient", 1e-3)):
        losses = [line["train/loss"] for line in train(layers, name, 40, x, np.sin(x))[1]]
        assert losses == sorted(losses, reverse=True), name
        assert losses[-1] < least, name
