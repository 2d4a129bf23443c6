"""Checks of optimizers: the contract of `specnet.optimizers.base.Optimizer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from specnet.component import fresh_copy
from specnet.kernels.base import KernelSet, Textbook
from specnet.optimizers.base import (
    Optimizer,
    State,
    all_needs,
    all_state_names,
    decaying,
    inner_optimizers,
    named_state,
)
from specnet.schedules.base import scheduled
from specnet.schedules.scheduled import ScheduledFields
from specnet.task import Shape
from specnet.testing.base import Checks, MethodCall, Problems, Setup, nothing
from specnet.testing.comparison import CLOSE, DTYPES, DType, Results, differing
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome

SHAPE: Shape = (4, 6)
"""Shape of the parameter that is optimized."""


def take_steps(optimizer: Optimizer, w: np.ndarray, gradients: Iterable[np.ndarray]) -> tuple[np.ndarray, State]:
    """Return parameters and state after a step with each gradient, starting at w, a flat vector.

    The optimizer is copied, and so is w.
    """
    training = TrainedParameter(fresh_copy(optimizer), shape=w.shape, w=w)
    for g in gradients:
        training.apply(g)
    return training.w, training.state


class TrainedParameter(Setup[Optimizer]):
    """A parameter, drawn or given as w, with the optimizer's state; all numbers are exact in float32.

    It is also the objective: in each step a parabola around w, with the step's gradient there.
    """

    def __init__(
        self, optimizer: Optimizer, dtype: DType = "float64", shape: Shape = SHAPE, w: np.ndarray | None = None
    ) -> None:
        drawn = np.random.default_rng(3).normal(size=np.prod(shape)).astype(np.float32).astype(dtype)
        self.component, self.shape, self.w = optimizer, shape, drawn if w is None else w.copy()
        self.slots = np.zeros((len(all_state_names(optimizer)), self.w.size), self.w.dtype)
        self.count = 0
        self.scheduled = ScheduledFields({"optimizer": optimizer})
        self.scheduled.bind(10, 100)
        self.state = named_state(optimizer, self.slots)
        for state in decaying(optimizer, self.state):
            state.decay = np.ones_like(self.w)
        optimizer.bind({"layers.0.w": self.shape}, self if all_needs(optimizer) else None)
        self._beginning = self.save()

    def save(self) -> dict[str, Any]:
        return {"w": self.w.copy(), "slots": self.slots.copy(), "count": self.count}

    def restore(self, saved: dict[str, Any]) -> None:
        self.w[...], self.slots[...], self.count = saved["w"], saved["slots"], saved["count"]

    def gradient(self) -> np.ndarray:
        """Return the gradient of the next step; all its numbers are far from 0."""
        rng = np.random.default_rng(self.count)
        size = rng.choice([-1.0, 1.0], self.w.shape) * rng.uniform(0.1, 2.0, self.w.shape)
        return size.astype(np.float32).astype(self.w.dtype)

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient of the step's parabola at w."""
        away, slope = w - self.start, self.gradient()
        return float(slope @ away + 0.5 * away @ away), slope + away

    def jacobian(self) -> np.ndarray:
        """Return the derivatives of outputs that are the parameters themselves."""
        return np.eye(self.w.size, dtype=self.w.dtype)

    def curvature(self) -> np.ndarray:
        """Return the second derivatives of the parabola by these outputs."""
        return np.ones_like(self.w)

    def apply(self, g: np.ndarray) -> None:
        """Take a step with a gradient."""
        self.start = self.w.copy()
        self.scheduled.set(self.count)
        self.component.apply(self.w, g, self.state, self.count)
        self.count += 1

    def take(self, count: int) -> dict[str, np.ndarray]:
        """Take some steps, and return copies of parameter and state by name."""
        for _ in range(count):
            self.apply(self.gradient())
        names = ("w", *all_state_names(self.component))
        return {name: array.copy() for name, array in zip(names, (self.w, *self.slots), strict=True)}

    def proceed(self) -> Results:
        return self.take(1)

    def step(self, rows: np.ndarray | None = None, between: Callable[[], object] = nothing) -> Results:
        """Take two steps from the beginning, and call a function after each."""
        self.restore(self._beginning)
        for _ in range(2):
            self.take(1)
            between()
        return self.take(0)

    def other(self) -> None:
        """Take steps with other parameters."""
        self.w *= 3
        self.take(2)


class Parabola(TrainedParameter):
    """The sum of c (w - 1)^2 / 2 as the objective, the same in each step."""

    def gradient(self) -> np.ndarray:
        return self.evaluate(self.w)[1]

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        c, away = self.curvature(), w - 1
        return float(np.sum(c * away * away)) / 2, c * away

    def curvature(self) -> np.ndarray:
        return np.linspace(0.2, 1.0, self.w.size).astype(self.w.dtype)


@dataclass(frozen=True)
class OptimizerChecks(Checks[Optimizer]):
    """An optimizer of a parameter."""

    dtypes = True
    saved_after = (1, 3)
    until = 6
    rounding = CLOSE

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> TrainedParameter:
        made = Parabola if self.component.full_batch else TrainedParameter
        return made(self.fresh(**fields), dtype)

    def calls(self) -> Iterator[MethodCall]:
        training = self.setup()
        for _ in range(2):
            g = training.gradient()
            yield "update", {"g": g}, partial(training.apply, g)
        w, state = training.w, training.state
        call = partial(training.component.weights_for_evaluation, w, state)
        yield "weights_for_evaluation", {"w": w, "state": training.slots}, call

    def results(self, dtype: DType) -> Results:
        return {"w after 5 steps": self.setup(dtype).take(5)["w"]}

    def all_results(self) -> Iterator[tuple[str, DType, Results]]:
        yield from ((f"{dtype}, 20 steps", dtype, self.setup(dtype, **self.rate(0.05)).take(20)) for dtype in DTYPES)

    def rate(self, rate: float) -> dict[str, Any]:
        """Return the fields that set the learning rate; none if the optimizer has no learning rate of its own."""
        return {"learning_rate": rate} if "learning_rate" in type(self.component).model_fields else {}

    def applies(self, claim: str) -> bool:
        rule = self.component
        if claim == "the_rule_is_elementwise":
            return not (rule.whole_tensors or rule.whole_vector or rule.needs or any(inner_optimizers(rule)))
        return super().applies(claim)

    def a_step_changes_the_parameter_in_place(self) -> Problems:
        """`update` writes to w: what it returns, or assigns to the name w, is lost."""
        names = self.component.state_names
        if not all(isinstance(name, str) and name.isidentifier() for name in names) or len({*names}) < len(names):
            yield f"state_names is {names!r}, not a different name for each array"
        for dtype in DTYPES:
            for shape in (SHAPE, (5,), (1,)) if self.component.whole_tensors else ((24,),):
                training = TrainedParameter(self.fresh(**self.rate(0.05)), dtype, shape)
                before, after = training.w.copy(), training.take(3)
                where = f"({dtype}, shape {shape})"
                if np.array_equal(training.w, before):
                    yield f"after 3 steps w is unchanged: write to it, `w -= …` or `w[...] = …` {where}"
                if not all(np.isfinite(array).all() for array in after.values()):
                    yield f"after 3 steps w or the state is not finite {where}"

    def the_rule_is_elementwise(self) -> Problems:
        """Updating pieces of the vectors, in any order, is the same as updating the whole."""
        pieces = self.setup()
        for step in range(3):
            pieces.count = step
            g = pieces.gradient()
            pieces.scheduled.set(step)
            for part in (slice(1, None), slice(0, 1)):
                w = pieces.w[part]
                pieces.component.update(w, g[part], pieces.state.cut(part, w.shape), step)
        for problem in differing("in pieces against the whole", pieces.take(0), self.setup().take(3)):
            yield f"{problem}; a rule that needs whole tensors sets whole_tensors"

    def each_array_of_its_state_is_used(self) -> Problems:
        """An array that no step changes only takes memory."""
        for name, array in self.setup().take(12).items():
            if name != "w" and not array.any():
                yield f"state.{name} is all 0 after 12 steps"

    def its_scheduled_fields_are_read_in_each_step(self) -> Problems:
        """`update` reads a field that may have a schedule: its value before the step does not matter."""
        for name, field in type(self.component).model_fields.items():
            if any(isinstance(each, scheduled) for each in field.metadata):
                steady, changed = (TrainedParameter(self.fresh(**{name: value})) for value in (0.05, 0.025))
                setattr(changed.component, name, 0.05)
                how = f"with {name} set before the first step against that {name} from the start"
                yield from differing(how, changed.take(3), steady.take(3))

    def the_learning_rate_matters(self) -> Problems:
        """Steps with half the learning rate are different."""
        if self.rate(0.05):
            full, half = (self.setup(learning_rate=rate).take(3)["w"] for rate in (0.05, 0.025))
            if np.array_equal(half, full):
                yield "half the learning rate takes the same steps"

    def the_first_step_goes_downhill(self) -> Problems:
        """From 0, where nothing decays, the first step goes against the gradient."""
        training = self.setup(**self.rate(0.01))
        training.w[...] = 0.0
        g = training.gradient()
        if not (downhill := float(np.sum(g * training.take(1)["w"]))) < 0:
            yield f"the sum of gradient times step is {downhill:.6g}: it should be negative"

    def it_descends_a_parabola(self) -> Problems:
        """200 steps with a learning rate of 0.01 reduce the sum of c (w - 1)^2."""
        training = Parabola(self.fresh(**self.rate(0.01)))
        before, _ = training.evaluate(training.w)
        after, _ = training.evaluate(training.take(200)["w"])
        if not after < before:
            yield f"the sum changes from {before:.6g} to {after:.6g}"


@checker("optimizers")
def check_optimizer(optimizer: Optimizer, kernels: type[KernelSet] = Textbook) -> Iterator[Outcome]:
    """Check an optimizer, run by a set of kernels."""
    yield from examine_all([OptimizerChecks(optimizer, "", kernels=kernels)])
