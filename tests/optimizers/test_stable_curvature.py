"""The curvature above which steps on a parabola grow."""

import numpy as np
import pytest

import specnet
from specnet import registry
from specnet.optimizers.base import Optimizer, State


def distance(optimizer, curvature):
    """How far from the minimum of a parabola many steps lead, beginning at 1."""
    w, state = np.ones(1), State(**{name: np.zeros(1) for name in optimizer.state_names})
    for step in range(3000):
        optimizer.update(w, curvature * w, state, step)
        if abs(w[0]) > 1e6:
            break
    return abs(w[0])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.5},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.5, "dampening": 0.3},
    ],
    ids=str,
)
def test_steps_shrink_below_it_and_grow_above_it(settings):
    optimizer = specnet.build("optimizers", {"type": "sgd", "learning_rate": 0.1, **settings})
    limit = optimizer.stable_curvature()
    assert distance(optimizer, 0.98 * limit) < 1e-3
    assert distance(optimizer, 1.02 * limit) > 1e3


ADAPTIVE = [
    {"type": "adam"},
    {"type": "adam", "beta_1": 0.5, "amsgrad": True},
    {"type": "adamw", "weight_decay": 0.0},
    {"type": "adamax"},
    {"type": "radam"},
    {"type": "rmsprop", "rho": 0.999},
    {"type": "rmsprop", "rho": 0.999, "momentum": 0.9},
    {"type": "rmsprop", "rho": 0.999, "centered": True},
    {"type": "adagrad"},
]


@pytest.mark.parametrize("settings", ADAPTIVE, ids=str)
def test_steps_divided_by_a_preconditioner_do_so_as_well(settings):
    optimizer = specnet.build("optimizers", {"learning_rate": 0.1, **settings})
    size, limit = np.array([0.5, 3.0]), optimizer.stable_curvature()
    for share, grows in ((0.97, False), (1.03, True)):
        state = State(**{name: np.zeros(2) for name in optimizer.state_names})
        w = np.full(2, 1e-9)
        for step in range(100, 1000):
            for name in {"v", "v_max", "u", "s"} & {*optimizer.state_names}:  # as large gradients have left them
                getattr(state, name)[...] = size if name == "u" else size**2
            p = optimizer.preconditioner(state, step)
            optimizer.update(w, share * limit * p * w, state, step)
        assert ((np.abs(w) > 1e-6) == grows).all()


def test_an_optimizer_is_adaptive_if_it_says_by_what_it_divides():
    for name, (entry, *_) in registry.claims("optimizers").items():
        kind = entry.load()
        assert kind.adaptive == (kind.preconditioner is not Optimizer.preconditioner), name


def test_layers_with_rates_of_their_own_have_none():
    groups = [{"layers": [0], "learning_rate": 0.5}]
    for kind in ("sgd", "adam"):
        assert specnet.build("optimizers", {"type": kind, "groups": groups}).stable_curvature_at(0.1) is None


def test_a_momentum_that_changes_has_none():
    momentum = {"type": "linear", "initial": 0.5, "final": 0.9, "steps": 10}
    assert specnet.build("optimizers", {"type": "sgd", "momentum": momentum}).stable_curvature_at(0.1) is None
