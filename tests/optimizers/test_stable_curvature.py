"""The curvature above which steps on a parabola grow."""

import numpy as np
import pytest

import specnet
from specnet.optimizers.base import State


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


def test_optimizers_that_scale_each_parameter_have_none():
    assert specnet.build("optimizers", "adam").stable_curvature() is None


def test_a_momentum_that_changes_has_none():
    momentum = {"type": "linear", "initial": 0.5, "final": 0.9, "steps": 10}
    assert specnet.build("optimizers", {"type": "sgd", "momentum": momentum}).stable_curvature_at(0.1) is None
