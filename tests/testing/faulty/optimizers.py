"""Optimizers without a mistake, and with one each."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr
from testing.faulty.base import ARGUMENTS, ENDURES, PRECISION, SAME, fault, good

from specnet import Optimizer
from specnet.schedules.base import scheduled


class Plain(Optimizer):
    """w <- w - a g."""

    learning_rate: Annotated[float, scheduled(gt=0)] = 0.01

    def update(self, w, g, state, step):
        w -= self.learning_rate * g


@good
class Descent(Plain):
    """w <- w - a v, v <- 0.9 v + g."""

    @property
    def state_names(self):
        return ("velocity",)

    def update(self, w, g, state, step):
        state.velocity *= 0.9
        state.velocity += g
        w -= self.learning_rate * state.velocity


@fault("the first step goes downhill", "it should be negative", "it descends a parabola")
class Ascent(Descent):
    def update(self, w, g, state, step):
        super().update(w, -g, state, step)


@fault("a step changes the parameter in place", "after 3 steps w is unchanged")
class Lost(Descent):
    def update(self, w, g, state, step):
        w = w - self.learning_rate * g


@fault(ARGUMENTS, "update writes to g")
class WritingToGradient(Descent):
    def update(self, w, g, state, step):
        super().update(w, g, state, step)
        g *= 0.5


@fault("the rule is elementwise", "a rule that needs whole tensors sets whole_tensors")
class Normalized(Plain):
    def update(self, w, g, state, step):
        w -= self.learning_rate * g / np.linalg.norm(g)


@good
class Whole(Normalized):
    whole_tensors = True


@fault("each array of its state is used", "state.square is all 0 after 12 steps")
class Wasteful(Descent):
    @property
    def state_names(self):
        return ("velocity", "square")

    def update(self, w, g, state, step):
        super().update(w, g, state, step)


@fault(SAME, "w in a second step: ")
class Counting(Plain):
    _step: int = PrivateAttr(0)

    def model_post_init(self, context):
        super().model_post_init(context)
        self.taken = 0

    def update(self, w, g, state, step):
        self.taken += 1
        w -= self.learning_rate * g / self.taken


@fault("optimizers share nothing", "w if another optimizer computes in between: ", "the rule is elementwise")
class SharingOptimizer(Plain):
    kept: ClassVar[dict] = {}

    def update(self, w, g, state, step):
        if step == 0:
            self.kept["largest"] = float(np.abs(w).max())
        w -= self.learning_rate * g / self.kept["largest"]


@fault("its scheduled fields are read in each step", "learning_rate set before the first step")
class FirstRate(Plain):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.rate = self.learning_rate

    def update(self, w, g, state, step):
        w -= self.rate * g


@fault("the learning rate matters", "half the learning rate takes the same steps")
class IgnoringRate(Plain):
    def update(self, w, g, state, step):
        w -= 0.01 * g


@good
class Paced(Optimizer):
    """A rule without a learning rate whose scheduled field has another name."""

    pace: Annotated[float, scheduled(gt=0)] = 0.1

    def update(self, w, g, state, step):
        w -= self.pace * g


@good
class Slow(Optimizer):
    """Every third step of another optimizer is taken back halfway. Zhang et al., "Lookahead optimizer", 2019."""

    optimizer: Optimizer = Field(default={"type": "adam"})

    @property
    def state_names(self):
        return ("slow",)

    def update(self, w, g, state, step):
        if step == 0:
            state.slow[...] = w
        self.optimizer.apply(w, g, state.optimizer, step)
        if step % 3 == 2:
            state.slow += 0.5 * (w - state.slow)
            w[...] = state.slow


@good
class Sharp(Plain):
    """Descends along the gradient uphill of here. Foret et al., "Sharpness-aware minimization", 2021."""

    needs = ("evaluate",)

    def update(self, w, g, state, step):
        _, slope = self.objective.evaluate(w + 0.05 * g / np.linalg.norm(g))
        super().update(w, slope, state, step)


@good
class GaussNewton(Plain):
    needs = ("jacobian",)

    def update(self, w, g, state, step):
        j = self.objective.jacobian()
        w -= self.learning_rate * np.linalg.solve(j.T @ j + 0.1 * np.eye(w.size, dtype=w.dtype), g)


@fault(ARGUMENTS, "weights_for_evaluation writes to state")
class Evaluating(Slow):
    def weights_for_evaluation(self, w, state):
        state.slow += 1
        return state.slow


@fault(PRECISION, "w after 5 steps of float32 against float64")
class CoarseOptimizer(Plain):
    def update(self, w, g, state, step):
        w -= (self.learning_rate * g) * (1.05 if w.dtype == np.float32 else 1)


@fault(ENDURES, "each step adds .* bytes or more")
class LeakingOptimizer(Descent):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.passed = []

    def update(self, w, g, state, step):
        self.passed.append(g.copy())
        super().update(w, g, state, step)


@fault("it descends a parabola", "the sum changes from .* to")
class Overshooting(Plain):
    def update(self, w, g, state, step):
        w -= 1e4 * self.learning_rate * g
