"""Checks of losses: the contract of `specnet.losses.base.Loss`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, ClassVar, Literal

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.losses.base import Loss
from specnet.task import Task, TaskPart
from specnet.testing.base import MethodCall, Problems
from specnet.testing.comparison import CLOSE, DTYPES, LEAST, DType, Results, unequal
from specnet.testing.examination import checker, examine_all
from specnet.testing.gradient import find_mismatch
from specnet.testing.outcomes import Outcome, show_error
from specnet.testing.predictions import PairSetup, Weighing, pairs
from specnet.testing.surroundings import attempt

REDUCTIONS: tuple[Literal["mean", "sum"], ...] = ("mean", "sum")
LOSS, GRADIENT = "the loss", "the gradient"


class LossSetup(PairSetup[Loss]):
    """A loss with outputs and targets."""

    def compute(self, rows: np.ndarray, between: Callable[[], object], *batch: np.ndarray) -> Results:
        value = self.component.forward(*batch)
        between()
        dy = self.component.backward()
        gradient = np.zeros((self.rows, *dy.shape[1:]), dy.dtype)  # 0 for outputs that are not in the batch
        np.add.at(gradient, rows, dy)
        return {LOSS: value, GRADIENT: gradient}

    def divisor(self, weight: np.ndarray | None = None) -> float:
        """Return the number by which a mean divides: the sum of the weights, which targets may change."""
        return self.component.total_weight(self.y.shape, self.component.weigh(self.target, weight))


@dataclass(frozen=True)
class LossChecks(Weighing[Loss]):
    """A loss of outputs and targets of one kind, as they are before `prepare`."""

    accepted = "it takes targets, and refuses others by a SpecnetError"
    first = 1
    method = "forward"
    cases: ClassVar = {f', with "{reduction}"': {"reduction": reduction} for reduction in REDUCTIONS}
    rounding = CLOSE

    def accept(self) -> object:
        return self.arrays()

    def arrays(self, dtype: DType = "float64") -> tuple[np.ndarray, np.ndarray]:
        return self.y.astype(dtype), self.fresh().prepare(self.target, self.y.shape[1:], np.dtype(dtype))

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> LossSetup:
        return LossSetup(self, dtype, **fields)

    def least(self, name: str) -> float:
        return 1.0 if name == LOSS else LEAST

    def all_results(self) -> Iterator[tuple[str, DType, Results]]:
        for dtype, reduction, weighs, divisor in product(DTYPES, REDUCTIONS, (False, True), (None, 7.0)):
            setup = self.setup(dtype, reduction=reduction)
            setup.component.divisor = divisor
            shape = setup.component.element_shape(setup.y.shape)
            weight = np.arange(math.prod(shape), dtype=dtype).reshape(shape) % 3 if weighs else None
            yield f'{dtype}, "{reduction}"{", weights" if weighs else ""}', dtype, setup.step(weight=weight)

    def calls(self) -> Iterator[MethodCall]:
        loss, (y, target) = self.fresh(), self.arrays()
        arrays = {"outputs": y, "targets": target}
        yield "forward", arrays, lambda: loss.forward(y, target)
        yield "backward", arrays, lambda: loss.backward().fill(np.nan)  # the caller may overwrite it
        yield "predictions", arrays, lambda: loss.predictions(y)
        yield "prepare", {"the split's targets": self.target}, self.arrays

    def the_loss_is_a_finite_number(self) -> Problems:
        """Forward returns a float, backward an array of finite numbers."""
        setup = self.setup()
        value: Any = setup.component.forward(*setup.batch())
        if not isinstance(value, float):
            yield f"forward returns {type(value).__name__}, not a float"
        elif not math.isfinite(value):
            yield f"forward returns {value}: if the loss takes other outputs, its example_outputs should return them"
        dy: Any = setup.component.backward()
        if not isinstance(dy, np.ndarray):
            yield f"backward returns {type(dy).__name__}, not an array"
        elif not np.isfinite(dy).all():
            yield f"backward returns {dy[~np.isfinite(dy)][0]}"

    def the_gradient_has_shape_and_dtype_of_the_outputs(self) -> Problems:
        """float32 stays float32, and float64 stays float64."""
        for dtype in DTYPES:
            setup = self.setup(dtype)
            setup.component.forward(*setup.batch())
            y, dy = setup.y, setup.component.backward()
            if (dy.shape, dy.dtype) != (y.shape, y.dtype):
                yield f"for outputs of {y.dtype} and shape {y.shape} backward returns {dy.dtype} of shape {dy.shape}"

    def the_gradient_agrees_with_central_differences(self) -> Problems:
        """Backward returns the gradient of exactly the number that forward returns, with "mean" and with "sum"."""
        yield from self._mismatches()

    def the_gradient_with_weights_agrees_with_central_differences(self) -> Problems:
        """Backward returns the gradient of the weighted loss, for any weights."""
        yield from self._mismatches(np.random.default_rng(3).uniform(0.1, 3.0, len(self.y)))

    def _mismatches(self, weight: np.ndarray | None = None) -> Iterator[str]:
        for case, fields in self.cases.items():
            setup = self.setup(**fields)
            value, dy = setup.step(weight=weight).values()
            terms, rng = max(abs(value), 1.0), np.random.default_rng(2)
            forward = partial(setup.component.forward, *setup.batch(weight))
            if found := find_mismatch(forward, setup.y, dy, terms, rng):
                yield f"{found.show('y', setup.rows)}{case}"

    def mean_and_sum_are_those_over_the_batch(self) -> Problems:
        """A batch twice over has the same mean, and twice the sum."""
        for (case, fields), factor in zip(self.cases.items(), (1.0, 2.0), strict=True):
            setup = self.setup(**fields)
            rows = np.arange(len(self.y))
            once, twice = (setup.step(each)[LOSS] for each in (rows, np.concatenate([rows, rows])))
            if unequal(twice, factor * once):
                yield f"the loss of a batch is {once:.6g}, that of the batch twice over {twice:.6g}{case}"

    def the_sum_is_that_of_all_elements(self) -> Problems:
        """The sum is the mean times the number of elements in `element_shape` that the targets let count."""
        mean, total = (self.setup(**fields).step()[LOSS] for fields in self.cases.values())
        count = self.setup().divisor()
        if unequal(total, count * mean):
            times = f"{total / mean if mean else math.inf:.6g} times as much"
            yield f"the mean is {mean:.6g} and the sum {total:.6g}, {times}, but there are {count:g} elements"

    def parts_of_a_batch_add_up_with_its_divisor(self) -> Problems:
        """Losses and gradients of two parts, with the divisor of the whole batch, add up to those of the batch."""
        rows = np.arange(len(self.y))
        for (case, fields), weight in product(self.cases.items(), (None, np.resize([2.0, 0.0, 3.0, 1.0], len(rows)))):
            if weight is None or self.weighs:
                setup, parts = self.setup(**fields), []
                whole, divisor = setup.step(weight=weight), setup.divisor(weight)
                for part in (rows[:1], rows[1:])[: len(rows)]:
                    setup = self.setup(**fields)
                    setup.component.divisor = divisor
                    parts.append(setup.step(part, weight=weight))
                added = {name: sum(part[name] for part in parts) for name in whole}
                how = f"of the parts against the whole batch{case}{'' if weight is None else ' and weights'}"
                yield from self.compare(how, added, whole)

    def saturated_outputs_have_a_finite_loss_and_gradient(self) -> Problems:
        """Probabilities of exactly 0 and 1, and numbers of ±1000, occur in float32 and must not end a run."""
        if type(self.component).example_outputs is not Loss.example_outputs:  # it takes others
            return
        setup = self.setup("float32")
        low, high = (0.0, 1.0) if self.component.takes == "probabilities" else (-1000.0, 1000.0)
        for start in (0, 1):
            setup.y.reshape(-1)[start::2], setup.y.reshape(-1)[1 - start :: 2] = low, high
            for name, found in setup.step().items():
                if not np.isfinite(found).all():
                    wrong = np.extract(~np.isfinite(found), found)[0]
                    why = "if the loss takes no such outputs, its example_outputs should return those that it takes"
                    yield f"for outputs of {low:g} and {high:g} in float32 {name} is {wrong}: {why}"

    def predictions_match_the_outputs(self) -> Problems:
        """There is a prediction for each sample; of logits it is a probability."""
        found = self.fresh().predictions(self.y.copy())
        if len(found) != len(self.y):
            yield f"predictions of {len(self.y)} samples have length {len(found)}"
        elif self.component.takes != "numbers" and not ((found >= 0) & (found <= 1)).all():
            yield f"outputs are {self.component.takes}, but a prediction is not from 0 to 1: {found.min():.6g}"

    def check_shapes_takes_what_prepare_takes(self) -> Problems:
        """The same shapes are refused before data are loaded."""
        shape = self.target.shape[1:]
        error = attempt(lambda: self.fresh().check_shapes(self.y.shape[1:], shape))
        if isinstance(error, BaseException):
            yield f"prepare takes targets of shape {shape}, check_shapes does not: it {show_error(error)}"


def _others(loss: Loss) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield outputs and targets for losses with special targets or another number of outputs than others."""
    rng = np.random.default_rng(0)

    def outputs(count: int) -> np.ndarray:
        return loss.example_outputs(rng, (6, count)).astype(np.float32).astype(np.float64)

    numbers, classes = np.abs(rng.normal(size=(6, 2))), rng.integers(4, size=6)
    yield "negative numbers", outputs(2), -numbers
    yield "labels", loss.example_outputs(rng, (6, 5, 4)).astype(np.float32).astype(np.float64), classes[:, None] % 3 + 1
    if (count := loss.units(Task((TaskPart("regression"),)), 2)) not in (None, 2):
        yield f"numbers, {count} outputs for 2", outputs(count), numbers
    if (count := loss.units(Task((TaskPart("multiclass", classes=tuple("abcd")),)), 1)) not in (None, 1, 4):
        yield f"4 classes, {count} outputs", outputs(count), classes


@checker("losses")
def check_loss(
    loss: Loss,
    outputs: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    kernels: type[KernelSet] = Textbook,
) -> Iterator[Outcome]:
    """Check a loss, for outputs (n, ...) of a network and targets (n, ...) of a split.

    Without them several kinds are tried, and those skipped that its `prepare` refuses. `kernels` is the set to run.
    """
    if outputs is not None and targets is not None:
        tried = [LossChecks(loss, "", outputs.astype(np.float32).astype(np.float64), targets, kernels=kernels)]
    else:
        tried = [
            LossChecks(loss, f"{kind}, outputs {y.shape}", y, target, kernels=kernels)
            for kind, y, target in (*(pair[:3] for pair in pairs(loss.example_outputs)), *_others(loss))
        ]
    yield from examine_all(tried)
