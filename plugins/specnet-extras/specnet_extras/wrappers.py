"""Optimizers that wrap another."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from specnet.optimizers.base import Optimizer, State
from specnet.schedules.base import scheduled


class Lookahead(Optimizer):
    """Wraps an optimizer, with slow weights that follow its weights.

    After every `sync_period` steps of the other, slow <- slow + slow_step_size (w - slow), and w <- slow. Zhang et al.,
    "Lookahead optimizer: k steps forward, 1 step back", 2019.
    """

    state_names = ("slow",)
    examples = ({"sync_period": 2, "optimizer": {"type": "sgd", "momentum": 0.5}},)
    optimizer: Optimizer = Field(default="adam", description="the optimizer that is followed")  # type: ignore[assignment]
    sync_period: PositiveInt = Field(default=6, description="steps of the other optimizer between two of slow weights")
    slow_step_size: Annotated[float, scheduled(gt=0, le=1)] = Field(
        default=0.5, description="share of the way that slow weights go: a number or a schedule"
    )

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        if step == 0:
            state.slow[...] = w
        self.optimizer.apply(w, g, state.optimizer, step)
        if (step + 1) % self.sync_period == 0:
            state.slow += self.slow_step_size * (w - state.slow)
            w[...] = state.slow


class Sam(Optimizer):
    """Wraps an optimizer, and passes it the gradient at the worst point nearby.

    g' is the gradient of the same batch at w + rho g / |g|; the other optimizer takes its step with g'. This costs a
    second forward and backward pass. Foret et al., "Sharpness-aware minimization", 2021.
    """

    needs = ("evaluate",)
    examples = ({"rho": 0.5, "optimizer": {"type": "sgd", "momentum": 0.5}},)
    optimizer: Optimizer = Field(default="adam", description="the optimizer that takes the step")  # type: ignore[assignment]
    rho: Annotated[float, scheduled(gt=0)] = Field(
        default=0.05, description="distance to the worst point: a number or a schedule"
    )

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        norm = float(np.linalg.norm(g))
        _, worst = self.objective.evaluate(w + self.rho / norm * g) if norm else (0.0, g)
        self.optimizer.apply(w, worst, state.optimizer, step)


class ScheduleFree(Optimizer):
    """Wraps an optimizer, and averages its weights instead of a learning rate schedule.

    The other optimizer moves z by gradients at w, then x <- x + c (z - x) and w <- (1 - momentum) z + momentum x. In
    step t without warmup c = 1 / t: x is the mean of all z. In warmup, steps of z and their weights grow. Loss and
    metrics of other splits, the best state and exports are those of x. Defazio et al., "The road less scheduled", 2024.
    `momentum` takes the place of that of the other optimizer, which should have none.
    """

    state_names = ("z", "x")
    examples = ({"warmup_steps": 3, "optimizer": "sgd"},)
    optimizer: Optimizer = Field(  # type: ignore[assignment]
        default={"type": "adamw", "beta_1": 0.0}, description="the optimizer that takes the steps"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="weight of the average where gradients are taken")
    warmup_steps: NonNegativeInt = Field(default=0, description="steps in which those of the other optimizer grow")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        z, x = state.z, state.x
        if step == 0:
            z[...] = x[...] = w
        before, t, warmup = z.copy(), step + 1, max(self.warmup_steps, 1)
        self.optimizer.apply(z, g, state.optimizer, step)
        share = min(1.0, t / warmup)
        z[...] = before + share * (z - before)
        n = min(t, warmup)
        weights = n * (n + 1) * (2 * n + 1) / (6 * warmup**2) + t - n  # sum of the squared shares so far
        x += share**2 / weights * (z - x)
        w[...] = (1 - self.momentum) * z + self.momentum * x

    def weights_for_evaluation(self, w: np.ndarray, state: State) -> np.ndarray | None:
        return state.x if state.x.any() else None
