"""What a component changes outside itself, and a step that fails late, are found in every group."""

import os
import random
import re
from pathlib import Path

import numpy as np
import pytest

from specnet import (
    Callback,
    Data,
    Dataset,
    Initializer,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Plot,
    RandomTransform,
    Samples,
    Schedule,
    Transform,
)
from specnet.testing import examine

CALLS = []
"""What each component calls at each step, with itself."""


def call(component):
    for each in CALLS:
        each(component)


class AnyLayer(Layer):
    """y = 2 x."""

    def forward(self, x, training):
        call(self)
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class AnyLoss(Loss):
    """Mean of (y - t)^2."""

    def forward(self, y, target, weight=None):
        call(self)
        self.error = y - target
        return self.reduce(np.square(self.error), weight)

    def backward(self):
        return self.scale(2 * self.error)


class AnyMetric(Metric):
    """The number of samples."""

    def reset(self):
        self.keep(count=0)

    def update(self, prediction, target):
        call(self)
        self.count += len(target)

    def compute(self):
        return float(self.count)


class AnyOptimizer(Optimizer):
    """w <- w - a g."""

    learning_rate: float = 0.01

    def update(self, w, g, state, step):
        call(self)
        w -= self.learning_rate * g


class AnySchedule(Schedule):
    """1 / (1 + step)."""

    def __call__(self, step):
        call(self)
        return 1.0 / (1 + step)


class AnyInitializer(Initializer):
    """Numbers from 0 to 1."""

    def sample(self, rng, shape, fan_in, fan_out):
        call(self)
        return rng.random(shape)


class AnyDataset(Dataset):
    """Points of a line."""

    def load(self, rng):
        call(self)
        x = rng.normal(size=(20, 1))
        return Data(Samples(x, 2 * x))


class AnyTransform(Transform):
    """2 x."""

    def apply(self, x):
        call(self)
        return 2.0 * x.astype(np.float64)


class AnyRandomTransform(RandomTransform):
    """y = x or -x."""

    def apply(self, x, rng):
        call(self)
        return x * rng.choice([-1, 1], 1).astype(x.dtype)


class AnyPlot(Plot):
    """An empty picture."""

    def check(self, run):
        call(self)

    def draw(self, run):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(1, 1))
        figure.add_subplot()
        return figure


class AnyCallback(Callback):
    """Does nothing."""

    def step(self, training):
        call(self)


GROUPS = [
    AnyLayer, AnyLoss, AnyMetric, AnyOptimizer, AnySchedule, AnyInitializer, AnyDataset, AnyTransform,
    AnyRandomTransform, AnyPlot, AnyCallback,
]  # fmt: skip
CHANGES = {
    "the working directory changes from .* to /$": lambda component: os.chdir("/"),
    "the umask changes from .* to 077": lambda component: os.umask(0o77),
    r"np.geterr\(\) changes: under": lambda component: np.seterr(under="raise"),
    "the generator of random changes": lambda component: random.random(),
    "the generator of np.random changes": lambda component: np.random.random(),  # noqa: NPY002
    "the list of pyplot's figures changes": lambda component: pytest.importorskip("matplotlib.pyplot").figure(),
}


def failed(cls, *calls):
    CALLS[:] = calls
    try:
        return {outcome.check: outcome.reason for outcome in examine(cls()) if not outcome.passed}
    finally:
        CALLS.clear()


@pytest.mark.parametrize("cls", GROUPS, ids=lambda cls: cls.group)
def test_a_component_that_changes_its_surroundings_is_found_and_the_change_undone(cls):
    def surroundings():
        return Path.cwd(), np.geterr(), random.getstate(), repr(np.random.get_state())  # noqa: NPY002

    before = surroundings()
    found = failed(cls, *[CHANGES[each] for each in CHANGES if "pyplot" not in each])
    assert [*found] == ["its surroundings are not changed"]
    assert "more problems" in found["its surroundings are not changed"]
    assert surroundings() == before


@pytest.mark.parametrize("words", CHANGES)
def test_each_change_is_named(words):
    found = failed(AnyInitializer, CHANGES[words])
    assert re.search(words, found["its surroundings are not changed"])


@pytest.mark.parametrize("cls", GROUPS, ids=lambda cls: cls.group)
def test_a_component_that_fails_at_its_hundredth_step_is_found(cls):
    def fail(component):
        vars(component)["calls"] = vars(component).get("calls", 0) + 1
        if component.calls >= 100:
            raise OSError("too many open files")

    assert "too many open files" in "".join(failed(cls, fail).values())
