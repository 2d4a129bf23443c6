"""Compare 40 steps of each optimizer with those of PyTorch: python tests/optimizers/against_torch.py.

PyTorch has all first-order rules of the core but `lion`, L-BFGS, and `muon` of specnet-extras.
"""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

import numpy as np
import torch

import specnet
from specnet.optimizers.base import Optimizer, State, all_state_names, decaying, named_state
from specnet.testing import take_steps

DECAY = {"weight_decay": 0.1}
DECOUPLED = {**DECAY, "decoupled_weight_decay": True}
CASES = [  # the optimizer here, and its class and arguments there
    ({"type": "sgd", "momentum": 0.9, "dampening": 0.5}, torch.optim.SGD, {"momentum": 0.9, "dampening": 0.5}),
    ({"type": "sgd", "momentum": 0.9, "nesterov": True}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    ({"type": "adam"}, torch.optim.Adam, {}),
    ({"type": "adam", "amsgrad": True}, torch.optim.Adam, {"amsgrad": True}),
    ({"type": "adamw"}, torch.optim.AdamW, {}),
    ({"type": "adamw", "amsgrad": True, **DECAY}, torch.optim.AdamW, {"amsgrad": True, **DECAY}),
    ({"type": "nadam"}, torch.optim.NAdam, {}),
    ({"type": "nadam", **DECAY}, torch.optim.NAdam, DECOUPLED),
    ({"type": "radam", **DECAY}, torch.optim.RAdam, DECOUPLED),
    ({"type": "adamax"}, torch.optim.Adamax, {}),
    ({"type": "adagrad"}, torch.optim.Adagrad, {}),
    ({"type": "adagrad", "initial_accumulator_value": 0.5}, torch.optim.Adagrad, {"initial_accumulator_value": 0.5}),
    ({"type": "adadelta"}, torch.optim.Adadelta, {"rho": 0.95}),
    ({"type": "rmsprop", "rho": 0.99}, torch.optim.RMSprop, {}),
    (
        {"type": "rmsprop", "centered": True, "momentum": 0.5},
        torch.optim.RMSprop,
        {"alpha": 0.9, "centered": True, "momentum": 0.5},
    ),
    ({"type": "rprop"}, torch.optim.Rprop, {}),
]


def torch_steps(kind: type, start: np.ndarray, gradients: np.ndarray, **arguments: object) -> np.ndarray:
    """Return parameters after a step of PyTorch with each gradient."""
    w = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = kind([w], **arguments)
    for g in gradients:
        w.grad = torch.from_numpy(g.copy())
        optimizer.step()
    return w.detach().numpy()


def start_of(optimizer: Optimizer, shape: tuple[int, ...], objective: Any = None) -> State:
    """Return the state of an optimizer before its first step; all of it decays."""
    optimizer.bind({"layers.0.weight": shape}, objective)
    state = named_state(optimizer, np.zeros((len(all_state_names(optimizer)), math.prod(shape))))
    for each in decaying(optimizer, state):
        each.decay = np.ones(math.prod(shape))
    return state


def muon(rng: np.random.Generator, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix after 40 steps of Muon here and there, where it is transposed and steps are in bfloat16."""
    start, gradients = rng.normal(size=(5, 3)), rng.normal(size=(40, 5, 3))
    optimizer = specnet.build("optimizers", {"type": "muon", **options})
    state, w = start_of(optimizer, start.shape), start.ravel().copy()
    for step, g in enumerate(gradients):
        optimizer.apply(w, g.ravel(), state, step)
    same = {"lr": optimizer.learning_rate, "weight_decay": optimizer.weight_decay, "nesterov": optimizer.nesterov}
    with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
        expected = torch_steps(torch.optim.Muon, start.T, gradients.transpose(0, 2, 1), **same)
    return w, expected.T.ravel()


class LogCosh:
    """The sum of log(cosh(a w)), a convex function with its gradient."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.a = np.eye(15) + rng.normal(0, 0.1, (15, 15))

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient at w."""
        r = self.a @ w
        return float(np.log(np.cosh(r)).sum()), np.tanh(r) @ self.a


def lbfgs(rng: np.random.Generator, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return parameters after each of 40 steps of L-BFGS here and there.

    Function and step size are such that line searches accept the first point: they differ where they look for others.
    """
    objective, w = LogCosh(rng), rng.normal(0, 0.06, 15)
    same = {"max_iter": 1, "history_size": 10, "tolerance_grad": 0, "tolerance_change": 0, **options}
    optimizer = specnet.build("optimizers", {"type": "lbfgs", "learning_rate": 0.15, **same})
    state, there = start_of(optimizer, w.shape, objective), torch.nn.Parameter(torch.from_numpy(w.copy()))
    other = torch.optim.LBFGS([there], lr=0.15, line_search_fn="strong_wolfe", **same)

    def closure() -> torch.Tensor:
        loss, g = objective.evaluate(there.detach().numpy())
        there.grad = torch.from_numpy(g)
        return torch.tensor(loss)

    paths = [], []
    for step in range(40):
        optimizer.apply(w, objective.evaluate(w)[1], state, step)
        other.step(closure)
        for path, point in zip(paths, (w, there.detach().numpy()), strict=True):
            path.append(point.copy())
    return np.array(paths[0]), np.array(paths[1])


def main() -> None:
    """Print the largest difference for each optimizer, relative to the largest parameter; fail above 1e-10."""
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=15), rng.normal(size=(40, 15))
    found = []
    for spec, kind, arguments in CASES:
        optimizer = specnet.build("optimizers", spec)
        ours, _ = take_steps(optimizer, start, gradients)
        found.append((spec, ours, torch_steps(kind, start, gradients, lr=optimizer.learning_rate, **arguments)))
    found += [({"type": "muon", **each}, *muon(rng, **each)) for each in ({}, {"nesterov": False}, DECAY)]
    found += [({"type": "lbfgs", **each}, *lbfgs(rng, **each)) for each in ({}, {"history_size": 3})]
    worst = 0.0
    for spec, ours, theirs in found:
        difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        print(f"{difference:.1e}  {spec}")  # noqa: T201
        worst = max(worst, difference)
    if worst > 1e-10:  # PyTorch has a factor of nadam in float32
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
