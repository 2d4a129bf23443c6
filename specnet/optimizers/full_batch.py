"""Optimizers for full batches: they evaluate the loss several times in each step."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from specnet.optimizers.base import Optimizer, State
from specnet.optimizers.line_search import Point, strong_wolfe
from specnet.schedules.base import scheduled


class Lbfgs(Optimizer):
    """Quasi-Newton steps from the last few changes of parameters and gradients.

    Each step has up to `max_iter` iterations w <- w + t d with d = -H g. H is the inverse Hessian that follows from
    the last pairs s = change of w, y = change of g, by the two-loop recursion; t fulfils the strong Wolfe conditions,
    the learning rate is the first one tried. It needs `"batch_size": "full"`, and suits networks whose data fit into
    one batch. Liu & Nocedal, "On the limited memory BFGS method", 1989.
    """

    needs = ("evaluate",)
    full_batch = True
    examples = ({"history_size": 3, "max_iter": 2},)
    learning_rate: Annotated[float, scheduled(gt=0)] = Field(
        default=1.0, description="step size that the line search tries first: a number or a schedule"
    )
    history_size: Annotated[int, Field(ge=1, le=100)] = Field(default=10, description="number of changes that are kept")
    max_iter: PositiveInt = Field(default=20, description="iterations in a step")
    line_search: Literal["strong_wolfe"] = Field(default="strong_wolfe", description="how the step size is found")
    tolerance_grad: NonNegativeFloat = Field(
        default=1e-7, description="largest component of the gradient at which a step ends"
    )
    tolerance_change: NonNegativeFloat = Field(
        default=1e-9, description="change of the loss and of every parameter at which a step ends"
    )

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(f"{name}{number}" for number in range(self.history_size) for name in "sy")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        loss, g = self.objective.evaluate(w)
        for _ in range(self.max_iter):
            if np.max(np.abs(g), initial=0) <= self.tolerance_grad:
                break
            pairs = self._pairs(state)
            d = _direction(g, pairs)
            if not (slope := float(g @ d)) < 0:
                d, pairs, slope = -g, [], -float(g @ g)
            first = self.learning_rate * (1.0 if pairs else min(1.0, 1 / float(np.abs(g).sum())))
            found = strong_wolfe(partial(self._point, w, d), Point(0.0, loss, slope, g), first)
            if found.t == 0:
                break
            s, y = found.t * d, found.g - g
            if float(s @ y) > 1e-10 * float(y @ y):
                self._keep(state, s, y)
            w += s
            change, loss, g = abs(found.loss - loss), found.loss, found.g
            if change <= self.tolerance_change or np.abs(s).max() <= self.tolerance_change:
                break

    def _point(self, w: np.ndarray, d: np.ndarray, t: float) -> Point:
        loss, g = self.objective.evaluate(w + t * d)
        return Point(t, loss, float(g @ d), g)

    def _pairs(self, state: State) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the changes that are kept, newest first."""
        pairs = [(getattr(state, f"s{number}"), getattr(state, f"y{number}")) for number in range(self.history_size)]
        return [(s, y) for s, y in pairs if y.any()]

    def _keep(self, state: State, s: np.ndarray, y: np.ndarray) -> None:
        """Keep a change as the newest, and forget the oldest."""
        for name, newest in (("s", s), ("y", y)):
            for number in range(self.history_size - 1, 0, -1):
                getattr(state, f"{name}{number}")[...] = getattr(state, f"{name}{number - 1}")
            getattr(state, f"{name}0")[...] = newest


def _direction(g: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return -H g. Nocedal & Wright, "Numerical optimization", 2006, algorithm 7.4."""
    q, alphas = -g, []
    for s, y in pairs:
        alphas.append(float(s @ q) / float(s @ y))
        q = q - alphas[-1] * y
    if pairs:
        s, y = pairs[0]
        q *= float(s @ y) / float(y @ y)
    for (s, y), alpha in zip(reversed(pairs), reversed(alphas), strict=True):
        q = q + (alpha - float(y @ q) / float(s @ y)) * s
    return q


class ConjugateGradient(Optimizer):
    """Scaled conjugate gradients: steps along conjugate directions whose length follows from the curvature.

    With the direction p, r = -g, mu = p r and the curvature d = p (g(w + sigma p) - g(w)) / sigma + damping p p, the
    step is w <- w + (mu / d) p. Damping grows until the loss falls, and shrinks where it is nearly a parabola. Then
    p <- r' + beta p with beta = (r' r' - r' r) / mu for the new r'. There is no learning rate. It needs
    `"batch_size": "full"`. Møller, "A scaled conjugate gradient algorithm for fast supervised learning", 1993.
    """

    needs = ("evaluate",)
    full_batch = True
    state_names = ("direction", "damping")
    examples = ({"restart": 2},)
    SIGMA: ClassVar[float] = 1e-4
    FIRST: ClassVar[float] = 1e-6
    restart: PositiveInt | None = Field(
        default=None, description="steps after which the direction is that of the gradient; null: as many as parameters"
    )

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        loss, g = self.objective.evaluate(w)
        p, damping, begins = state.direction, float(state.damping[0]) if step else self.FIRST, self.restart or w.size
        if step % begins == 0 or not float(p @ -g) > 0:
            p[...] = -g
        size, mu = float(p @ p), float(p @ -g)
        if not mu > 0:
            return
        sigma = max(self.SIGMA, float(np.cbrt(np.finfo(w.dtype).eps))) / math.sqrt(size)  # larger in float32
        curvature = float(p @ (self.objective.evaluate(w + sigma * p)[1] - g)) / sigma
        for _ in range(30):
            d = curvature + damping * size
            if d <= 0:
                damping = 2 * (damping - d / size)
                d = curvature + damping * size
            found, slope = self.objective.evaluate(w + mu / d * p)
            ratio = 2 * d * (loss - found) / mu**2  # of the change of the loss to that of a parabola
            if ratio >= 0:
                break
            damping += d * (1 - ratio) / size if math.isfinite(ratio) else 4 * d / size
        else:  # no progress along p: the next step begins anew
            p[...] = 0
            return
        w += mu / d * p
        p *= float(slope @ slope - slope @ g) / mu
        p -= slope
        damping += d * (1 - ratio) / size * (ratio < 0.25) - 0.75 * damping * (ratio >= 0.75)
        state.damping[...] = min(max(damping, 1e-15), 1e15)


class LevenbergMarquardt(Optimizer):
    """Gauss-Newton steps for least squares, damped until the loss falls.

    With the Jacobian J of all outputs, and the second derivative c of the loss by each output, w <- w - d where
    (J^T c J + damping I) d = g. Damping is divided by `damping_factor` after a step, and multiplied by it while the
    loss does not fall. There is no learning rate. It needs the loss `mse` and `"batch_size": "full"`, one backward
    pass for each output of each sample, and memory for J, (outputs, parameters): it suits small networks. Marquardt,
    1963; Hagan & Menhaj, "Training feedforward networks with the Marquardt algorithm", 1994.
    """

    needs = ("evaluate", "jacobian")
    full_batch = True
    state_names = ("damping",)
    examples = ({"damping": 0.1, "damping_factor": 3.0},)
    damping: float = Field(default=1e-3, gt=0, description="initial damping")
    damping_factor: float = Field(default=10.0, gt=1, description="factor by which damping changes")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        damping = float(state.damping[0]) if step else self.damping
        loss, g = self.objective.evaluate(w)
        j = self.objective.jacobian().astype(np.float64)
        h = (j.T * self.objective.curvature()) @ j
        diagonal, change = h.diagonal().copy(), np.zeros_like(w)
        for _ in range(20):
            np.fill_diagonal(h, diagonal + damping)
            change = np.linalg.solve(h, g.astype(np.float64)).astype(w.dtype)
            if self.objective.evaluate(w - change)[0] < loss:
                w -= change
                damping /= self.damping_factor
                break
            damping *= self.damping_factor
        state.damping[...] = min(max(damping, 1e-15), 1e15)
