"""Checks of optimizers: what `specnet.optimizers.base.Optimizer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.optimizers.base import Optimizer, State, all_needs, all_state_names, named_state, wrapped
from specnet.schedules.base import scheduled
from specnet.schedules.scheduled import ScheduledFields
from specnet.testing.memory import grown
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes
from specnet.testing.trial import AGREEMENT, DTYPES, SINGLE, DType, unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

SHAPE = (4, 6)
"""Shape of the parameter that is optimized."""


def check_optimizer(optimizer: Optimizer | str | dict[str, object]) -> None:
    """Check that an optimizer keeps its contract.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("optimizers", optimizer, examine_optimizer)


def take_steps(optimizer: Optimizer, w: np.ndarray, gradients: Iterable[np.ndarray]) -> tuple[np.ndarray, State]:
    """Return parameters and state after a step with each gradient; it begins at w, a flat vector, which stays."""
    w = w.copy()
    state = named_state(optimizer, np.zeros((len(all_state_names(optimizer)), w.size), w.dtype))
    optimizer.bind({"w": w.shape})
    fields = ScheduledFields({"optimizer": optimizer})
    for step, g in enumerate(gradients):
        fields.set(step)
        optimizer.apply(w, g, state, step)
    return w, state


@dataclass(frozen=True)
class OptimizerSubject:
    """An optimizer."""

    component: Optimizer
    situation: str = ""
    kernels: type[KernelSet] = Textbook

    def fresh(self, **changes: object) -> Optimizer:
        """Return an optimizer that has taken no step yet, with some fields changed."""
        optimizer = self.kernels.exchange(self.component.model_copy(update=changes, deep=True))
        optimizer.model_post_init(None)
        return optimizer

    def with_rate(self, rate: float) -> Optimizer:
        """Return an optimizer that has taken no step yet, with this learning rate where it has one."""
        return self.fresh(**({"learning_rate": rate} if has_rate(self.component) else {}))


def has_rate(optimizer: Optimizer) -> bool:
    """Whether an optimizer has a learning rate of its own."""
    return "learning_rate" in type(optimizer).model_fields


class Training:
    """A parameter under way, with the optimizer's state; all numbers are those of float32.

    It is the objective, too: a parabola around w in each step, with the step's gradient there.
    """

    def __init__(self, optimizer: Optimizer, dtype: DType = "float64", shape: tuple[int, ...] = SHAPE) -> None:
        rng = np.random.default_rng(3)
        self.shape = shape
        self.w = rng.normal(size=np.prod(shape)).astype(np.float32).astype(dtype)
        self.rows = np.zeros((len(all_state_names(optimizer)), self.w.size), dtype)
        self.step = 0
        self.use(optimizer)

    def use(self, optimizer: Optimizer) -> None:
        """Let another optimizer take the next steps."""
        self.optimizer = optimizer
        self.scheduled = ScheduledFields({"optimizer": optimizer})
        self.scheduled.bind(10, 100)
        self.state = named_state(optimizer, self.rows)
        optimizer.bind({"w": self.shape}, self if all_needs(optimizer) else None)

    def gradient(self) -> np.ndarray:
        """Return the gradient of the next step, all of whose numbers are far from 0."""
        rng = np.random.default_rng(self.step)
        size = rng.choice([-1.0, 1.0], self.w.shape) * rng.uniform(0.1, 2.0, self.w.shape)
        return size.astype(np.float32).astype(self.w.dtype)

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return height and slope of the step's parabola at w."""
        away, slope = w - self.start, self.gradient()
        return float(slope @ away + 0.5 * away @ away), slope + away

    def jacobian(self) -> np.ndarray:
        """Return the derivatives of outputs that are the parameters themselves."""
        return np.eye(self.w.size, dtype=self.w.dtype)

    def apply(self, g: np.ndarray) -> None:
        """Take a step with a gradient."""
        self.start = self.w.copy()
        self.scheduled.set(self.step)
        self.optimizer.apply(self.w, g, self.state, self.step)
        self.step += 1

    def take(self, count: int) -> None:
        """Take some steps."""
        for _ in range(count):
            self.apply(self.gradient())

    def numbers(self) -> np.ndarray:
        """Return parameter and state."""
        return np.stack([self.w, *self.rows])


def examine_optimizer(optimizer: Optimizer, kernels: type[KernelSet] = Textbook) -> Iterator[Outcome]:
    """Give the outcome of each check of an optimizer, computed by a set of kernels."""
    elementwise = not (optimizer.whole_tensors or optimizer.whole_vector or optimizer.needs or any(wrapped(optimizer)))
    wanted = [check for check in CHECKS if check is not the_rule_is_elementwise or elementwise]
    further = [] if kernels is Textbook else [its_kernel_agrees_with_the_definition]
    yield from outcomes(FIRST, [*wanted, *further], [OptimizerSubject(optimizer, kernels=kernels)])


def a_step_changes_the_parameter_in_place(subject: OptimizerSubject) -> Problems:
    """Update writes to w: what it returns, or binds to that name, is lost."""
    names = subject.component.state_names
    if not all(isinstance(name, str) and name.isidentifier() for name in names) or len({*names}) < len(names):
        yield f"state_names is {names!r}, not a name for each array"
        return
    for dtype in ("float64", "float32"):
        for shape in (SHAPE, (5,), (1,)) if subject.component.whole_tensors else ((24,),):
            training = Training(subject.with_rate(0.05), dtype, shape)
            before = training.w.copy()
            training.take(3)
            if np.array_equal(training.w, before):
                yield f"after 3 steps w is as before: write to it, `w -= …` or `w[...] = …` ({dtype}, shape {shape})"
                return
            if not np.isfinite(training.numbers()).all():
                yield f"after 3 steps w or the state is not finite ({dtype}, shape {shape})"
                return


def gradients_are_left_alone(subject: OptimizerSubject) -> Problems:
    """Update reads g."""
    training = Training(subject.fresh())
    for _ in range(2):
        g = training.gradient()
        before = g.copy()
        training.apply(g)
        if text := unequal(g, before, 0.0):
            yield f"update writes to g: now {text} before"
            return


def float32_agrees_with_float64(subject: OptimizerSubject) -> Problems:
    """Both dtypes take the same steps, but for rounding."""
    single, double = Training(subject.fresh(), "float32"), Training(subject.fresh(), "float64")
    single.take(5)
    double.take(5)
    if text := unequal(single.w, double.w, SINGLE):
        yield f"parameters after 5 steps in float32 against float64: {text}"


def the_rule_is_elementwise(subject: OptimizerSubject) -> Problems:
    """Pieces of the vectors, in any order, give what the whole gives; else the class says so."""
    whole, pieces = Training(subject.fresh()), Training(subject.fresh())
    for _ in range(3):
        g = pieces.gradient()
        pieces.scheduled.set(pieces.step)
        for part in (slice(1, None), slice(0, 1)):
            w = pieces.w[part]
            pieces.optimizer.update(w, g[part], pieces.state.cut(part, w.shape), pieces.step)
        pieces.step += 1
    whole.take(3)
    if text := unequal(pieces.numbers(), whole.numbers()):
        yield f"pieces against the whole: {text}; a rule that needs whole tensors sets whole_tensors"


def each_array_of_its_state_is_used(subject: OptimizerSubject) -> Problems:
    """An array that no step changes takes memory for nothing."""
    training = Training(subject.fresh())
    training.take(3)
    for name, row in zip(all_state_names(subject.component), training.rows, strict=True):
        if not row.any():
            yield f"state.{name} is all 0 after 3 steps"


def all_its_memory_is_in_its_state(subject: OptimizerSubject) -> Problems:
    """A run that is resumed, with w and state as they were, continues as one that nothing interrupted."""
    used, resumed = Training(subject.fresh()), Training(subject.fresh())
    used.take(6)
    resumed.take(3)
    resumed.use(subject.fresh())
    resumed.take(3)
    if text := unequal(resumed.numbers(), used.numbers()):
        yield f"after a stop: {text} without one; state_names lists what a rule remembers, and `step` counts steps"
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


def its_scheduled_fields_are_read_in_each_step(subject: OptimizerSubject) -> Problems:
    """A field that takes a schedule is read in update: what its value was before the step does not matter."""
    for name, field in type(subject.component).model_fields.items():
        if any(isinstance(each, scheduled) for each in field.metadata):
            steady, changed = Training(subject.fresh(**{name: 0.05})), Training(subject.fresh(**{name: 0.025}))
            steady.take(3)
            setattr(changed.optimizer, name, 0.05)
            changed.take(3)
            if text := unequal(changed.numbers(), steady.numbers()):
                yield f"{name} set before the first step: {text} with that {name} from the start"


def the_learning_rate_matters(subject: OptimizerSubject) -> Problems:
    """Half the learning rate takes other steps."""
    if has_rate(subject.component):
        full, half = Training(subject.with_rate(0.05)), Training(subject.with_rate(0.025))
        full.take(3)
        half.take(3)
        if np.array_equal(half.w, full.w):
            yield "half the learning rate takes the same steps"


def the_first_step_goes_downhill(subject: OptimizerSubject) -> Problems:
    """From 0, where nothing decays, the first step goes against the gradient."""
    training = Training(subject.with_rate(0.01))
    training.w[...] = 0.0
    g = training.gradient()
    training.take(1)
    if not (downhill := float(np.sum(g * training.w))) < 0:
        yield f"the sum of gradient times step is {downhill:.6g}: it should be negative"


def its_kernel_agrees_with_the_definition(subject: OptimizerSubject) -> Problems:
    """Parameters and state differ in last bits alone."""
    for dtype in DTYPES:
        kernel, definition = (
            Training(each.with_rate(0.05), dtype) for each in (subject, OptimizerSubject(subject.component))
        )
        for each in (kernel, definition):
            each.take(20)
        for name, one, other in zip(
            ("w", *all_state_names(subject.component)), kernel.numbers(), definition.numbers(), strict=True
        ):
            if text := unequal(one, other, AGREEMENT[dtype]):
                yield f"{dtype}, {name} after 20 steps: {text} by the definition"
                return


class Parabola(Training):
    """The sum of c (w - 1)^2 / 2 as the objective."""

    def gradient(self) -> np.ndarray:
        return self.evaluate(self.w)[1]

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        curvature = np.linspace(0.2, 1.0, w.size)
        return float(np.sum(0.5 * curvature * np.square(w - 1.0))), curvature * (w - 1.0)


def it_descends_a_parabola(subject: OptimizerSubject) -> Problems:
    """With a learning rate of 0.01, 200 steps bring the sum of c (w - 1)^2 down."""
    training = Parabola(subject.with_rate(0.01))
    before, _ = training.evaluate(training.w)
    training.take(200)
    after, _ = training.evaluate(training.w)
    if not after < before:
        yield f"from {before:.6g} it goes to {after:.6g}"


def memory_does_not_grow(subject: OptimizerSubject) -> Problems:
    """A step keeps nothing but what the next one replaces."""
    training = Training(subject.fresh())
    yield from grown(lambda: training.take(1))


FIRST: tuple[Check[OptimizerSubject], ...] = (
    a_step_changes_the_parameter_in_place,
    gradients_are_left_alone,
    all_its_memory_is_in_its_state,
)
CHECKS: tuple[Check[OptimizerSubject], ...] = (
    float32_agrees_with_float64,
    the_rule_is_elementwise,
    each_array_of_its_state_is_used,
    optimizers_share_nothing,
    its_scheduled_fields_are_read_in_each_step,
    the_learning_rate_matters,
    the_first_step_goes_downhill,
    it_descends_a_parabola,
    memory_does_not_grow,
    its_JSON_describes_it_in_full,
)
