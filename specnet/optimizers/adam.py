"""Adam and its relatives: steps scaled by running moments of the gradient."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from specnet.optimizers.base import State
from specnet.optimizers.first_order import Beta, Epsilon, FirstOrder, WeightDecay


def stable_with_mean(learning_rate: float, beta: float) -> float:
    """Return the curvature above which steps along m <- beta m + (1 - beta) g grow.

    Cohen et al., "Adaptive gradient methods at the edge of stability", 2022.
    """
    return 2 * (1 + beta) / (learning_rate * (1 - beta))


class RunningMoments(FirstOrder):
    """A rule with running means of gradients, m, and of their squares, v."""

    state_names: ClassVar[Any] = ("m", "v")
    beta_1: Beta = Field(default=0.9, description="decay of the mean of gradients: a number or a schedule")
    beta_2: Beta = Field(default=0.999, description="decay of the mean of squared gradients: a number or a schedule")
    epsilon: Epsilon = 1e-8

    def average(self, g: np.ndarray, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Add a gradient to both means, and return them: m <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2."""
        m, v = state.m, state.v
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        v *= self.beta_2
        v += (1 - self.beta_2) * g * g
        return m, v


class Adam(RunningMoments):
    """Steps scaled by running moments of the gradient.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, and in step t = 1, 2, ...
    w <- w - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon). Kingma & Ba, "Adam", 2015. With `amsgrad`, the
    largest v so far takes the place of v in the step. Reddi et al., "On the convergence of Adam and beyond", 2018.

    As suggested at the end of section 2 of the first paper, the bias corrections are applied to step size and epsilon.
    """

    adaptive = True
    examples = (
        {"beta_1": 0.0, "beta_2": 0.5, "epsilon": 0.1},
        {"amsgrad": True, "weight_decay": 0.1, "beta_1": {"type": "linear", "initial": 0.5, "final": 0.9, "steps": 10}},
    )
    amsgrad: bool = Field(default=False, description="whether the largest mean of squares so far scales the step")

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("m", "v", "v_max") if self.amsgrad else ("m", "v")

    def preconditioner(self, state: State, step: int) -> np.ndarray:
        v = state.v_max if self.amsgrad else state.v
        return (1 - self.beta_1**step) * (np.sqrt(v / (1 - self.beta_2**step)) + self.epsilon)

    def stable_curvature(self) -> float:
        return stable_with_mean(self.learning_rate, self.beta_1)

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        (m, v), t = self.average(g, state), step + 1
        if self.amsgrad:
            v = np.maximum(state.v_max, v, out=state.v_max)
        root = math.sqrt(1 - self.beta_2**t)
        rate = self.learning_rate * root / (1 - self.beta_1**t)
        w -= rate * m / (np.sqrt(v) + self.epsilon * root)


class AdamW(Adam):
    """Adam with weight decay: w <- w - a d w, then a step of `adam`. The weight decay d is not 0 by default.

    Loshchilov & Hutter, "Decoupled weight decay regularization", 2019.
    """

    weight_decay: WeightDecay = 0.01


class Nadam(RunningMoments):
    """Adam with Nesterov's momentum.

    With m and v as in Adam, b1_t = b1 (1 - 0.96^(t d) / 2), where d is the momentum decay, and p_t the product
    of b1_1, ..., b1_t, the mean is m_hat = b1_(t+1) m / (1 - p_(t+1)) + (1 - b1_t) g / (1 - p_t), and
    w <- w - a m_hat / (sqrt(v / (1 - b2^t)) + epsilon). Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """

    examples = ({"momentum_decay": 1.0, "weight_decay": 0.1},)
    beta_1: float = Field(  # without a schedule, as p_t is a product over all steps
        default=0.9, ge=0, lt=1, description="decay of the mean of gradients, which grows towards it"
    )
    momentum_decay: float = Field(default=0.004, ge=0, description="rate at which beta_1 approaches its full value")

    def beta(self, t: int) -> float:
        """Return b1_t."""
        return self.beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def product(self, t: int) -> float:
        """Return p_t, from that of the last call if possible."""
        known, p = vars(self).get("known", (0, 1.0))
        if known > t:
            known, p = 0, 1.0
        for each in range(known + 1, t + 1):
            p *= self.beta(each)
        self.known = t, p
        return p

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        (m, v), t = self.average(g, state), step + 1
        p, now, following = self.product(t), self.beta(t), self.beta(t + 1)
        mean = following / (1 - p * following) * m + (1 - now) / (1 - p) * g
        w -= self.learning_rate * mean / (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)


class Radam(RunningMoments):
    """Adam whose steps are rectified while few gradients are known.

    With m and v as in Adam, m_hat = m / (1 - b1^t). With r_inf = 2 / (1 - b2) - 1 and
    r = r_inf - 2 t b2^t / (1 - b2^t), the step is w <- w - a m_hat while r <= 5, then
    w <- w - a c m_hat sqrt(1 - b2^t) / (sqrt(v) + epsilon) with
    c^2 = (r - 4) (r - 2) r_inf / ((r_inf - 4) (r_inf - 2) r). Liu et al., "On the variance of the adaptive learning
    rate and beyond", 2020; the bound is 5 as in the authors' code, 4 in the paper.
    """

    adaptive = True
    examples = ({"beta_2": 0.9, "weight_decay": 0.1},)

    def preconditioner(self, state: State, step: int) -> np.ndarray:
        rate, rectified = self.rate(step)
        return self.learning_rate / rate * (np.sqrt(state.v) + self.epsilon if rectified else np.ones_like(state.v))

    def stable_curvature(self) -> float:
        return stable_with_mean(self.learning_rate, self.beta_1)

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, v = self.average(g, state)
        rate, rectified = self.rate(step + 1)
        w -= rate * (m / (np.sqrt(v) + self.epsilon) if rectified else m)

    def rate(self, t: int) -> tuple[float, bool]:
        """Return the factor of step t, and whether the step is rectified, that is divided by sqrt(v) + epsilon."""
        rate, left = self.learning_rate / (1 - self.beta_1**t), self.beta_2**t
        limit = 2 / (1 - self.beta_2) - 1
        r = limit - 2 * t * left / (1 - left)
        if r <= 5:
            return rate, False
        c = math.sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r))
        return rate * c * math.sqrt(1 - left), True


class Adamax(FirstOrder):
    """Adam with the largest gradient instead of the mean square.

    m <- b1 m + (1 - b1) g, u <- max(b2 u, |g| + epsilon), w <- w - a m / ((1 - b1^t) u). Kingma & Ba, "Adam", 2015,
    section 7.1.
    """

    adaptive = True
    state_names = ("m", "u")
    examples = ({"beta_2": 0.5, "weight_decay": 0.1},)
    beta_1: Beta = Field(default=0.9, description="decay of the mean of gradients: a number or a schedule")
    beta_2: Beta = Field(default=0.999, description="decay of the largest gradient: a number or a schedule")
    epsilon: Epsilon = 1e-8

    def preconditioner(self, state: State, step: int) -> np.ndarray:
        return (1 - self.beta_1**step) * state.u

    def stable_curvature(self) -> float:
        return stable_with_mean(self.learning_rate, self.beta_1)

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, u = state.m, state.u
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        u *= self.beta_2
        np.maximum(u, np.abs(g) + self.epsilon, out=u)
        w -= self.learning_rate / (1 - self.beta_1 ** (step + 1)) * m / u
