"""Checks of optimizers: what `specnet.optimizers.base.Optimizer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Shape
from specnet.optimizers.base import Optimizer, State, all_needs, all_state_names, named_state, wrapped
from specnet.schedules.base import scheduled
from specnet.schedules.scheduled import ScheduledFields
from specnet.testing.checks import Checks, Problems, checker, outcomes
from specnet.testing.comparison import AGREEMENT, DTYPES, SINGLE, DType, differing, unequal, written
from specnet.testing.memory import grown
from specnet.testing.outcome import Outcome

SHAPE: Shape = (4, 6)
"""Shape of the parameter to optimize."""


def take_steps(optimizer: Optimizer, w: np.ndarray, gradients: Iterable[np.ndarray]) -> tuple[np.ndarray, State]:
    """Return parameters and state after a step with each gradient, starting at the flat vector w, which stays."""
    training = Training(optimizer, shape=w.shape, w=w)
    for g in gradients:
        training.apply(g)
    return training.w, training.state


class Training:
    """A parameter in training, drawn or given as w, with the optimizer's state; all numbers are exact in float32.

    It is also the objective: a parabola around w in each step, with the step's gradient there.
    """

    def __init__(
        self, optimizer: Optimizer, dtype: DType = "float64", shape: Shape = SHAPE, w: np.ndarray | None = None
    ) -> None:
        drawn = np.random.default_rng(3).normal(size=np.prod(shape)).astype(np.float32).astype(dtype)
        self.shape, self.w = shape, drawn if w is None else w.copy()
        self.rows = np.zeros((len(all_state_names(optimizer)), self.w.size), self.w.dtype)
        self.step = 0
        self.use(optimizer)

    def use(self, optimizer: Optimizer) -> None:
        """Use another optimizer for the next steps."""
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
        """Return value and slope of the step's parabola at w."""
        away, slope = w - self.start, self.gradient()
        return float(slope @ away + 0.5 * away @ away), slope + away

    def jacobian(self) -> np.ndarray:
        """Return the derivatives of outputs, which are the parameters themselves."""
        return np.eye(self.w.size, dtype=self.w.dtype)

    def apply(self, g: np.ndarray) -> None:
        """Take a step with a gradient."""
        self.start = self.w.copy()
        self.scheduled.set(self.step)
        self.optimizer.apply(self.w, g, self.state, self.step)
        self.step += 1

    def take(self, count: int) -> dict[str, np.ndarray]:
        """Take some steps, and return parameter and state by name."""
        for _ in range(count):
            self.apply(self.gradient())
        return {"w": self.w, **dict(zip(all_state_names(self.optimizer), self.rows, strict=True))}


class Parabola(Training):
    """The sum of c (w - 1)^2 / 2 as the objective."""

    def gradient(self) -> np.ndarray:
        return self.evaluate(self.w)[1]

    def evaluate(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        curvature = np.linspace(0.2, 1.0, w.size)
        return float(np.sum(0.5 * curvature * np.square(w - 1.0))), curvature * (w - 1.0)


@dataclass(frozen=True)
class OptimizerChecks(Checks[Optimizer]):
    """An optimizer of a parameter."""

    first = 3

    @property
    def has_rate(self) -> bool:
        """Whether the optimizer has its own learning rate."""
        return "learning_rate" in type(self.component).model_fields

    def with_rate(self, rate: float) -> Optimizer:
        """Return an unused optimizer, with this learning rate if it has one."""
        return self.fresh(**({"learning_rate": rate} if self.has_rate else {}))

    def applies(self, check: str) -> bool:
        rule = self.component
        whole = rule.whole_tensors or rule.whole_vector or rule.needs or any(wrapped(rule))
        return {
            "the_rule_is_elementwise": not whole,
            "its_kernel_agrees_with_the_definition": self.kernels is not Textbook,
        }.get(check, True)

    def a_step_changes_the_parameter_in_place(self) -> Problems:
        """Update writes to w in place: a returned or rebound array is lost."""
        names = self.component.state_names
        if not all(isinstance(name, str) and name.isidentifier() for name in names) or len({*names}) < len(names):
            yield f"state_names is {names!r}, not a name for each array"
        for dtype in DTYPES:
            for shape in (SHAPE, (5,), (1,)) if self.component.whole_tensors else ((24,),):
                training = Training(self.with_rate(0.05), dtype, shape)
                before, after = training.w.copy(), training.take(3)
                where = f"({dtype}, shape {shape})"
                if np.array_equal(training.w, before):
                    yield f"after 3 steps w is as before: write to it, `w -= …` or `w[...] = …` {where}"
                if not all(np.isfinite(array).all() for array in after.values()):
                    yield f"after 3 steps w or the state is not finite {where}"

    def gradients_are_left_alone(self) -> Problems:
        """Update does not write to g."""
        training = Training(self.fresh())
        for _ in range(2):
            g = training.gradient()
            yield from written("update", {"g": g}, lambda: training.apply(g))  # noqa: B023

    def all_its_memory_is_in_its_state(self) -> Problems:
        """A run resumed with the same w and state continues as an uninterrupted one."""
        used, resumed = Training(self.fresh()), Training(self.fresh())
        resumed.take(3)
        resumed.use(self.fresh())
        for problem in differing("is another after a stop", resumed.take(3), used.take(6)):
            yield f"{problem}; state_names lists what a rule remembers, and `step` counts steps"
        yield from self.changed_fields(used.optimizer)

    def float32_agrees_with_float64(self) -> Problems:
        """Both dtypes take the same steps, except for rounding."""
        double, single = (Training(self.fresh(), dtype).take(5)["w"] for dtype in DTYPES)
        if text := unequal(single, double, SINGLE):
            yield f"parameters after 5 steps in float32 against float64: {text}"

    def the_rule_is_elementwise(self) -> Problems:
        """Pieces of the vectors, in any order, give the same as the whole, or the class declares otherwise."""
        pieces = Training(self.fresh())
        for step in range(3):
            pieces.step = step
            g = pieces.gradient()
            pieces.scheduled.set(step)
            for part in (slice(1, None), slice(0, 1)):
                w = pieces.w[part]
                pieces.optimizer.update(w, g[part], pieces.state.cut(part, w.shape), step)
        for problem in differing("in pieces against the whole", pieces.take(0), Training(self.fresh()).take(3)):
            yield f"{problem}; a rule that needs whole tensors sets whole_tensors"

    def each_array_of_its_state_is_used(self) -> Problems:
        """An array that no step changes wastes memory."""
        for name, array in Training(self.fresh()).take(3).items():
            if name != "w" and not array.any():
                yield f"state.{name} is all 0 after 3 steps"

    def optimizers_share_nothing(self) -> Problems:
        """An optimizer does not affect another of the same class and fields."""
        alone, one, other = (Training(self.fresh()) for _ in range(3))
        expected = alone.take(4)
        for _ in range(4):
            one.take(1)
            other.w *= 3
            other.take(2)
        yield from differing("is another if another optimizer takes some in between", one.take(0), expected)

    def its_scheduled_fields_are_read_in_each_step(self) -> Problems:
        """A field that takes a schedule is read in update: its value before the step does not matter."""
        for name, field in type(self.component).model_fields.items():
            if any(isinstance(each, scheduled) for each in field.metadata):
                steady, changed = (Training(self.fresh(**{name: value})) for value in (0.05, 0.025))
                setattr(changed.optimizer, name, 0.05)
                told = f"with {name} set before the first step against that {name} from the start"
                yield from differing(told, changed.take(3), steady.take(3))

    def the_learning_rate_matters(self) -> Problems:
        """Half the learning rate gives other steps."""
        if self.has_rate:
            full, half = (Training(self.with_rate(rate)).take(3)["w"] for rate in (0.05, 0.025))
            if np.array_equal(half, full):
                yield "half the learning rate takes the same steps"

    def the_first_step_goes_downhill(self) -> Problems:
        """From 0, where nothing decays, the first step goes against the gradient."""
        training = Training(self.with_rate(0.01))
        training.w[...] = 0.0
        g = training.gradient()
        if not (downhill := float(np.sum(g * training.take(1)["w"]))) < 0:
            yield f"the sum of gradient times step is {downhill:.6g}: it should be negative"

    def it_descends_a_parabola(self) -> Problems:
        """With a learning rate of 0.01, 200 steps reduce the sum of c (w - 1)^2."""
        training = Parabola(self.with_rate(0.01))
        before, _ = training.evaluate(training.w)
        after, _ = training.evaluate(training.take(200)["w"])
        if not after < before:
            yield f"from {before:.6g} it goes to {after:.6g}"

    def its_kernel_agrees_with_the_definition(self) -> Problems:
        """Parameters and state differ only in last bits."""
        for dtype in DTYPES:
            found, expected = (
                Training(each.with_rate(0.05), dtype).take(20) for each in (self, replace(self, kernels=Textbook))
            )
            told = f"after 20 steps by the kernel against the definition ({dtype})"
            yield from differing(told, found, expected, AGREEMENT[dtype])

    def memory_does_not_grow(self) -> Problems:
        """A step only keeps what the next one replaces."""
        training = Training(self.fresh())
        yield from grown(lambda: training.take(1))


@checker("optimizers")
def check_optimizer(optimizer: Optimizer, kernels: type[KernelSet] = Textbook) -> Iterator[Outcome]:
    """Check an optimizer, computed by a set of kernels."""
    yield from outcomes([OptimizerChecks(optimizer, "", kernels=kernels)])
