"""A step of each optimizer, side by side with its formula on the whole flat vector, one line of NumPy after the other.

Before anything is timed, both take the same steps and are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

import specnet
from benchmarks.measure import Comparison, clocked, take_turns
from specnet.kernels.numpy import Numpy
from specnet.optimizers.base import Optimizer, all_state_names, named_state

SIZE = 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
"""Parameters of 784-256-128-10."""
CHECKED = 3
"""Steps that are compared."""

Form = Callable[[Any, Any, dict[str, Any], int], None]
"""Changes parameters w by gradients g in step t, counted from 1, and its state, whose arrays begin with zeros."""


def sgd(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Gradient descent."""
    w -= 0.01 * g


def momentum(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """With momentum."""
    s["v"] *= 0.9
    s["v"] += g
    w -= 0.01 * s["v"]


def nesterov(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """With Nesterov's momentum."""
    s["v"] *= 0.9
    s["v"] += g
    w -= 0.01 * (g + 0.9 * s["v"])


def moments(g: Any, s: dict[str, Any]) -> tuple[Any, Any]:
    """Return the running means of Adam."""
    s["m"] *= 0.9
    s["m"] += 0.1 * g
    s["v"] *= 0.999
    s["v"] += 0.001 * g * g
    return s["m"], s["v"]


def adam(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Adam."""
    m, v = moments(g, s)
    w -= 0.001 / (1 - 0.9**t) * m / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def amsgrad(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Adam with the largest second moment."""
    m, v = moments(g, s)
    np.maximum(s["top"], v, out=s["top"])
    w -= 0.001 / (1 - 0.9**t) * m / (np.sqrt(s["top"] / (1 - 0.999**t)) + 1e-8)


def nadam(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Adam with Nesterov's momentum."""
    m, v = moments(g, s)
    now, following = (0.9 * (1 - 0.5 * 0.96 ** (n * 0.004)) for n in (t, t + 1))
    p = s["p"] = s.get("p", 1.0) * now
    mean = following / (1 - p * following) * m + (1 - now) / (1 - p) * g
    w -= 0.001 * mean / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def radam(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Rectified Adam."""
    m, v = moments(g, s)
    limit, left = 1999, 0.999**t
    r = limit - 2 * t * left / (1 - left)
    if r <= 5:
        w -= 0.001 / (1 - 0.9**t) * m
    else:
        c = sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r) * (1 - left))
        w -= 0.001 / (1 - 0.9**t) * c * m / (np.sqrt(v) + 1e-8)


def adamax(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Adam with the largest gradient."""
    s["m"] *= 0.9
    s["m"] += 0.1 * g
    s["u"] *= 0.999
    np.maximum(s["u"], np.abs(g) + 1e-8, out=s["u"])
    w -= 0.001 / (1 - 0.9**t) * s["m"] / s["u"]


def adagrad(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Adagrad."""
    s["s"] += g * g
    w -= 0.01 * g / (np.sqrt(s["s"]) + 1e-10)


def rmsprop(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """RMSprop."""
    s["v"] *= 0.9
    s["v"] += 0.1 * g * g
    w -= 0.001 * g / (np.sqrt(s["v"]) + 1e-8)


def adadelta(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Adadelta."""
    s["v"] *= 0.95
    s["v"] += 0.05 * g * g
    change = np.sqrt((s["u"] + 1e-6) / (s["v"] + 1e-6)) * g
    s["u"] *= 0.95
    s["u"] += 0.05 * change * change
    w -= change


def lion(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Lion."""
    w -= 0.001 * np.sign(0.9 * s["m"] + 0.1 * g)
    s["m"] *= 0.99
    s["m"] += 0.01 * g


def rprop(w: Any, g: Any, s: dict[str, Any], t: int) -> None:
    """Rprop."""
    size = s["size"] if t > 1 else s["size"] + 0.01
    sign = np.sign(g)
    same = s["last"] * sign
    size = np.clip(size * np.where(same > 0, 1.2, np.where(same < 0, 0.5, 1)).astype(g.dtype), 1e-6, 50)
    s["size"], s["last"] = size, sign * (same >= 0)
    w -= size * s["last"]


FORMS: dict[str, tuple[dict[str, Any], Form]] = {
    "sgd": ({"type": "sgd"}, sgd),
    "sgd, momentum": ({"type": "sgd", "momentum": 0.9}, momentum),
    "sgd, nesterov": ({"type": "sgd", "momentum": 0.9, "nesterov": True}, nesterov),
    "adam": ({"type": "adam"}, adam),
    "adam, amsgrad": ({"type": "adam", "amsgrad": True}, amsgrad),
    "nadam": ({"type": "nadam"}, nadam),
    "radam": ({"type": "radam"}, radam),
    "adamax": ({"type": "adamax"}, adamax),
    "adagrad": ({"type": "adagrad"}, adagrad),
    "rmsprop": ({"type": "rmsprop"}, rmsprop),
    "adadelta": ({"type": "adadelta"}, adadelta),
    "lion": ({"type": "lion", "learning_rate": 0.001}, lion),
    "rprop": ({"type": "rprop"}, rprop),
}


class Zeros(dict[str, Any]):
    """State that begins with zeros."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __missing__(self, name: str) -> np.ndarray:
        self[name] = np.zeros(self.size, np.float32)
        return self[name]


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of a step."""
    size, found = 1000 if short else SIZE, []
    rng = np.random.default_rng(0)
    start, gradients = (rng.standard_normal(shape, np.float32) for shape in (size, (CHECKED, size)))
    for name, (description, form) in FORMS.items():
        optimizer = Numpy.instantiate(specnet.build("optimizers", description))
        w, g, straight, state = start.copy(), gradients[0].copy(), start.copy(), Zeros(size)
        step = stepper(optimizer, w, g)
        for t, each in enumerate(gradients):
            g[...] = each
            step(t)
            form(straight, each, state, t + 1)
        np.testing.assert_allclose(w, straight, rtol=1e-4, atol=1e-5, err_msg=name)

        def ours(step: Callable[[int], None] = step) -> None:
            for t in range(CHECKED, CHECKED + 20):
                step(t)

        def theirs(form: Form = form, w: Any = straight, g: Any = g, state: Any = state) -> None:
            for t in range(CHECKED, CHECKED + 20):
                form(w, g, state, t + 1)

        calls = {"specnet": clocked(ours), "straight line": clocked(theirs)}
        take_turns(calls, 1)
        found.append(Comparison("optimizers", name, take_turns(calls, rounds), per="20 steps"))
    return found


def stepper(optimizer: Optimizer, w: np.ndarray, g: np.ndarray) -> Callable[[int], None]:
    """Return what takes a step of an optimizer."""
    state = named_state(optimizer, np.zeros((len(all_state_names(optimizer)), w.size), w.dtype))
    optimizer.bind({"w": w.shape})
    steps = optimizer.steps(w, g, state)

    def step(t: int) -> None:
        for each in steps:
            each(t)

    return step
