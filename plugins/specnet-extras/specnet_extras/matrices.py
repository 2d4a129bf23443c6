"""Optimizers of matrices."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveInt

from specnet.optimizers.base import Optimizer, State
from specnet.optimizers.first_order import Beta, LearningRate
from specnet.schedules.base import scheduled


class Muon(Optimizer):
    """Steps of each matrix with all singular values near 1.

    m <- momentum m + (1 - momentum) g, u = m or, with Nesterov's form, momentum m + (1 - momentum) g, and
    w <- w - a sqrt(max(1, columns / rows)) orthogonal(u). The orthogonal matrix near u, U V^T of its singular value
    decomposition, is approached by Newton-Schulz steps. All axes of a parameter but the last count as rows. `fallback`
    takes parameters of one axis. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    """

    state_names = ("m",)
    examples = ({"nesterov": False, "weight_decay": 0.1, "ns_steps": 3},)
    learning_rate: LearningRate = 0.02
    weight_decay: Annotated[float, scheduled(ge=0)] = Field(
        default=0.0, description="share of each weight that is subtracted in each step, times the learning rate"
    )
    momentum: Beta = Field(default=0.95, description="share of the last mean that is kept: a number or a schedule")
    nesterov: bool = Field(default=True, description="whether momentum looks ahead")
    ns_steps: PositiveInt = Field(default=5, description="Newton-Schulz steps")
    fallback: Optimizer = Field(default="adamw", description="optimizer for all other parameters")  # type: ignore[assignment]

    @property
    def decays(self) -> bool:
        return self.weight_decay != 0

    def bind(self, shapes, objective=None):  # type: ignore[no-untyped-def]
        super().bind(shapes, objective)
        sizes = np.cumsum([0, *map(math.prod, shapes.values())])
        cuts = zip(sizes, sizes[1:], shapes.values(), strict=False)
        self.matrices = [(slice(start, end), (-1, shape[-1])) for start, end, shape in cuts if len(shape) > 1]

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        before = w.copy()
        self.fallback.apply(w, g, state.fallback, step)
        m = state.m
        m *= self.momentum
        m += (1 - self.momentum) * g
        u = self.momentum * m + (1 - self.momentum) * g if self.nesterov else m
        for part, shape in self.matrices:
            matrix = u[part].reshape(shape)
            scale = self.learning_rate * math.sqrt(max(1.0, matrix.shape[1] / matrix.shape[0]))
            w[part] = before[part] - scale * orthogonal(matrix, self.ns_steps).ravel()
            if self.weight_decay:
                w[part] -= self.learning_rate * self.weight_decay * state.decay[part] * before[part]


def orthogonal(x: np.ndarray, steps: int) -> np.ndarray:
    """Return a matrix near U V^T of the singular value decomposition x = U S V^T; 0 for 0.

    X <- a X + (b X X^T + c (X X^T)^2) X from x / |x|, with the a, b, c that make small singular values grow fastest.
    They end between 0.7 and 1.2.
    """
    y = x.T if x.shape[0] > x.shape[1] else x
    y = y / max(np.linalg.norm(y), 1e-7)
    for _ in range(steps):
        square = y @ y.T
        y = 3.4445 * y + (-4.775 * square + 2.0315 * square @ square) @ y
    return y.T if x.shape[0] > x.shape[1] else y
