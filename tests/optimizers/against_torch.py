"""Compare 40 steps of each optimizer with those of PyTorch: python tests/optimizers/against_torch.py."""

from __future__ import annotations

import numpy as np
import torch

import specnet
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


def main() -> None:
    """Print the largest difference for each optimizer, relative to the largest parameter; fail above 1e-10."""
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=15), rng.normal(size=(40, 15))
    worst = 0.0
    for spec, kind, arguments in CASES:
        optimizer = specnet.build("optimizers", spec)
        found, _ = take_steps(optimizer, start, gradients)
        expected = torch_steps(kind, start, gradients, lr=optimizer.learning_rate, **arguments)
        difference = float(np.abs(found - expected).max() / np.abs(expected).max())
        print(f"{difference:.1e}  {spec}")  # noqa: T201
        worst = max(worst, difference)
    if worst > 1e-10:  # PyTorch has a factor of nadam in float32
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
