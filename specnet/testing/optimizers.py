"""Checks of optimizers: what `specnet.optimizers.base.Optimizer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import PrivateAttr

from specnet.optimizers.base import Optimizer
from specnet.schedules.base import Schedule, value_at
from specnet.testing.memory import grown
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes
from specnet.testing.trial import SINGLE, DType, unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

SHAPE = (4, 6)
"""Shape of the parameter that is optimized."""


def check_optimizer(optimizer: Optimizer | str | dict[str, object]) -> None:
    """Check that an optimizer keeps its contract.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("optimizers", optimizer, examine_optimizer)


@dataclass(frozen=True)
class OptimizerSubject:
    """An optimizer."""

    component: Optimizer
    situation: str = ""

    def fresh(self, **changes: object) -> Optimizer:
        """Return an optimizer that has taken no step yet, with some fields changed."""
        optimizer = self.component.model_copy(update=changes, deep=True)
        optimizer.model_post_init(None)
        return optimizer


class Training:
    """A parameter under way, with its slots; all numbers are those of float32."""

    def __init__(self, optimizer: Optimizer, dtype: DType = "float64", shape: tuple[int, ...] = SHAPE) -> None:
        rng = np.random.default_rng(3)
        self.optimizer = optimizer
        self.w = rng.normal(size=shape).astype(np.float32).astype(dtype)
        self.slots = [np.zeros_like(self.w) for _ in optimizer.slot_names]
        self.step = 0

    def gradient(self) -> np.ndarray:
        """Return the gradient of the next step, all of whose numbers are far from 0."""
        rng = np.random.default_rng(self.step)
        size = rng.choice([-1.0, 1.0], self.w.shape) * rng.uniform(0.1, 2.0, self.w.shape)
        return size.astype(np.float32).astype(self.w.dtype)

    def take(self, count: int, optimizer: Optimizer | None = None) -> None:
        """Take some steps, if given with another optimizer."""
        for _ in range(count):
            (optimizer or self.optimizer).update(self.w, self.gradient(), *self.slots, step=self.step)
            self.step += 1

    def numbers(self) -> np.ndarray:
        """Return parameter and slots."""
        return np.stack([self.w, *self.slots])


def examine_optimizer(optimizer: Optimizer) -> Iterator[Outcome]:
    """Give the outcome of each check of an optimizer."""
    wanted = [check for check in CHECKS if check is not the_rule_is_elementwise or not optimizer.whole_tensors]
    yield from outcomes(FIRST, wanted, [OptimizerSubject(optimizer)])


def a_step_changes_the_parameter_in_place(subject: OptimizerSubject) -> Problems:
    """Update writes to w: what it returns, or binds to that name, is lost."""
    names = subject.component.slot_names
    if not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        yield f"slot_names is {names!r}, not a name for each slot"
    for dtype in ("float64", "float32"):
        for shape in (SHAPE, (5,), (1,)) if subject.component.whole_tensors else ((24,),):
            training = Training(subject.fresh(learning_rate=0.05), dtype, shape)
            before = training.w.copy()
            training.take(3)
            if np.array_equal(training.w, before):
                yield f"after 3 steps w is as before: write to it, `w -= …` or `w[...] = …` ({dtype}, shape {shape})"
                return
            if not np.isfinite(training.numbers()).all():
                yield f"after 3 steps w or a slot is not finite ({dtype}, shape {shape})"
                return


def gradients_are_left_alone(subject: OptimizerSubject) -> Problems:
    """Update reads g."""
    training = Training(subject.fresh())
    for _ in range(2):
        g = training.gradient()
        training.optimizer.update(training.w, g, *training.slots, step=training.step)
        if text := unequal(g, training.gradient(), 0.0):
            yield f"update writes to g: now {text} before"
            return
        training.step += 1


def float32_agrees_with_float64(subject: OptimizerSubject) -> Problems:
    """Both dtypes take the same steps, but for rounding."""
    single, double = Training(subject.fresh(), "float32"), Training(subject.fresh(), "float64")
    single.take(5)
    double.take(5)
    if text := unequal(single.w, double.w, SINGLE):
        yield f"parameters after 5 steps in float32 against float64: {text}"


def the_rule_is_elementwise(subject: OptimizerSubject) -> Problems:
    """Pieces of the vectors, in any order, give what the whole gives; else the class says `whole_tensors`."""
    whole, pieces = Training(subject.fresh()), Training(subject.fresh())
    optimizer = subject.fresh()
    for _ in range(3):
        g = pieces.gradient()
        for part in (slice(1, None), slice(0, 1)):
            optimizer.update(pieces.w[part], g[part], *(slot[part] for slot in pieces.slots), step=pieces.step)
        pieces.step += 1
    whole.take(3)
    if text := unequal(pieces.numbers(), whole.numbers()):
        yield f"pieces against the whole: {text}; a rule that needs whole tensors sets whole_tensors"


def each_slot_is_used(subject: OptimizerSubject) -> Problems:
    """A slot that no step changes takes memory for nothing."""
    training = Training(subject.fresh())
    training.take(3)
    for name, slot in zip(subject.component.slot_names, training.slots, strict=True):
        if not slot.any():
            yield f"the slot {name} is all 0 after 3 steps"


def all_its_memory_is_in_the_slots(subject: OptimizerSubject) -> Problems:
    """A run that is resumed, with w and slots as they were, goes on as one that nothing interrupted."""
    used, resumed = Training(subject.fresh()), Training(subject.fresh())
    used.take(6)
    resumed.take(3)
    resumed.take(3, subject.fresh())
    if text := unequal(resumed.numbers(), used.numbers()):
        yield f"after a stop: {text} without one; what a rule remembers belongs into slots, and `step` counts steps"
    yield from changed_fields(subject.component, used.optimizer)


def optimizers_share_nothing(subject: OptimizerSubject) -> Problems:
    """What one optimizer computes leaves another of the same class and fields alone."""
    alone, one, other = (Training(subject.fresh()) for _ in range(3))
    alone.take(4)
    for _ in range(4):
        one.take(1)
        other.w *= 3
        other.take(2)
    if text := unequal(one.numbers(), alone.numbers()):
        yield f"steps change if another optimizer takes some in between: {text}"


class Asked(Schedule):
    """A constant that remembers for which steps it was asked."""

    value: float
    _steps: list[int] = PrivateAttr(default_factory=list)

    def __call__(self, step: int) -> float:
        self._steps.append(step)
        return self.value


def the_learning_rate_may_be_a_schedule(subject: OptimizerSubject) -> Problems:
    """A schedule is asked for the step under way, `value_at(self.learning_rate, step)`, and its value is used."""
    number = Training(subject.fresh(learning_rate=0.05))
    schedule = Asked(value=0.05)
    scheduled = Training(subject.fresh(learning_rate=schedule))
    number.take(3)
    scheduled.take(3)
    found = scheduled.optimizer.learning_rate
    assert isinstance(found, Asked)
    if {*found._steps} != {0, 1, 2}:
        yield f"in the steps 0, 1 and 2 the schedule is asked for {sorted({*found._steps}) or 'none'}"
    elif text := unequal(scheduled.numbers(), number.numbers()):
        yield f"a constant schedule against its value: {text}"
    half = Training(subject.fresh(learning_rate=Asked(value=0.025)))
    half.take(3)
    if np.array_equal(half.w, scheduled.w):
        yield "half the learning rate takes the same steps"


def the_first_step_goes_downhill(subject: OptimizerSubject) -> Problems:
    """From 0, where nothing decays, the first step goes against the gradient."""
    training = Training(subject.fresh())
    training.w[...] = 0.0
    g = training.gradient()
    training.take(1)
    if value_at(subject.component.learning_rate, 0) > 0 and not (downhill := float(np.sum(g * training.w))) < 0:
        yield f"the sum of gradient times step is {downhill:.6g}: it should be negative"


def it_descends_a_parabola(subject: OptimizerSubject) -> Problems:
    """With a learning rate of 0.01, 200 steps bring the sum of c (w - 1)^2 down."""
    training = Training(subject.fresh(learning_rate=0.01))
    curvature = np.linspace(0.2, 1.0, training.w.size).reshape(training.w.shape)

    def height() -> float:
        return float(np.sum(0.5 * curvature * np.square(training.w - 1.0)))

    before = height()
    for step in range(200):
        training.optimizer.update(training.w, curvature * (training.w - 1.0), *training.slots, step=step)
    if not (after := height()) < before:
        yield f"from {before:.6g} it goes to {after:.6g}"


def memory_does_not_grow_over_100_steps(subject: OptimizerSubject) -> Problems:
    """A step keeps nothing but what the next one replaces."""
    training = Training(subject.fresh())
    yield from grown(lambda: training.take(1))


FIRST: tuple[Check[OptimizerSubject], ...] = (
    a_step_changes_the_parameter_in_place,
    gradients_are_left_alone,
    all_its_memory_is_in_the_slots,
)
CHECKS: tuple[Check[OptimizerSubject], ...] = (
    float32_agrees_with_float64,
    the_rule_is_elementwise,
    each_slot_is_used,
    optimizers_share_nothing,
    the_learning_rate_may_be_a_schedule,
    the_first_step_goes_downhill,
    it_descends_a_parabola,
    memory_does_not_grow_over_100_steps,
    its_JSON_describes_it_in_full,
)
