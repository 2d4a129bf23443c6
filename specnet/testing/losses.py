"""Checks of losses: what `specnet.losses.base.Loss` promises of every one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any, Literal

import numpy as np

from specnet.errors import ShapeError
from specnet.kernels.base import KernelSet, Textbook
from specnet.losses.base import Loss
from specnet.testing.checks import Checks, Problems, checker, outcomes, sift
from specnet.testing.comparison import AGREEMENT, DTYPES, SINGLE, DType, differing, unequal, written
from specnet.testing.gradient import find_mismatch
from specnet.testing.memory import grown
from specnet.testing.outcome import Outcome
from specnet.testing.pairs import pairs
from specnet.weights import takes_weight

COUNTS = np.array([2.0, 0.0, 3.0, 1.0, 1.0, 4.0])
"""Weights of the rows of a batch."""
REDUCTIONS: tuple[Literal["mean", "sum"], ...] = ("mean", "sum")
LOSS, GRADIENT = "the loss", "the gradient"


@dataclass(frozen=True)
class LossChecks(Checks[Loss]):
    """A loss of outputs and targets of one kind; `raw` are the targets before they are prepared."""

    y: np.ndarray
    raw: np.ndarray
    first = 2

    @property
    def weighs(self) -> bool:
        """Whether the loss takes weights."""
        return takes_weight(self.component, "forward")

    def batch(self, dtype: DType = "float64") -> tuple[np.ndarray, np.ndarray]:
        """Return outputs in a dtype, and targets as `forward` takes them."""
        return self.y.astype(dtype), self.fresh().prepare(self.raw, self.y.shape[1:], np.dtype(dtype))

    def weighted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a batch with weights."""
        return *self.batch(), np.resize(COUNTS, len(self.y))

    def mismatches(self, *weight: np.ndarray) -> Iterator[str]:
        """Yield where a gradient is not that of the loss, if it has the shape of the outputs."""
        for reduction in REDUCTIONS:
            loss = self.fresh(reduction=reduction)
            batch = y, *_ = *self.batch(), *weight
            value, dy = computed(loss, *batch).values()
            if dy.shape == y.shape:
                terms, rng = max(abs(value), 1.0), np.random.default_rng(2)
                if found := find_mismatch(lambda: loss.forward(*batch), y, dy, terms, rng):  # noqa: B023
                    yield f'with "{reduction}", {found.show("y", len(y))}'

    def applies(self, check: str) -> bool:
        if check == "its_kernel_agrees_with_the_definition":
            return self.kernels is not Textbook
        return self.weighs or "weight" not in check

    def the_loss_is_a_finite_number(self) -> Problems:
        """Forward returns a finite float, backward an array of finite numbers."""
        loss = self.fresh()
        value: Any = loss.forward(*self.batch())
        if not isinstance(value, float):
            yield f"forward returns {type(value).__name__}, not a float"
        elif not math.isfinite(value):
            yield f"forward returns {value}: if the loss takes other outputs, its example_outputs should give them"
        dy: Any = loss.backward()
        if not isinstance(dy, np.ndarray):
            yield f"backward returns {type(dy).__name__}, not an array"
        elif not np.isfinite(dy).all():
            yield f"backward returns {dy[~np.isfinite(dy)][0]}"

    def outputs_and_targets_are_left_alone(self) -> Problems:
        """Forward, backward, predictions and prepare do not write to their arguments."""
        loss, (y, target) = self.fresh(), self.batch()
        arrays = {"outputs": y, "targets": target}
        yield from written("forward", arrays, lambda: loss.forward(y, target))
        yield from written("backward", arrays, lambda: loss.backward().fill(np.nan))  # as the caller may do
        yield from written("predictions", arrays, lambda: loss.predictions(y))
        yield from written("prepare", {"the split's targets": self.raw}, self.batch)

    def the_gradient_agrees_with_central_differences(self) -> Problems:
        """Backward returns the gradient of exactly the number that forward returns, with "mean" and with "sum"."""
        yield from self.mismatches()

    def the_gradient_has_shape_and_dtype_of_the_outputs(self) -> Problems:
        """float32 stays float32, and float64 stays float64."""
        for dtype in DTYPES:
            loss, (y, target) = self.fresh(), self.batch(dtype)
            loss.forward(y, target)
            dy = loss.backward()
            if (dy.shape, dy.dtype) != (y.shape, y.dtype):
                yield f"for outputs of {y.dtype} and shape {y.shape} backward returns {dy.dtype} of shape {dy.shape}"

    def float32_agrees_with_float64(self) -> Problems:
        """Both dtypes give the same numbers, except for rounding."""
        double, single = (computed(self.fresh(), *self.batch(dtype)) for dtype in DTYPES)
        yield from differing("of float32 against float64", single, double, SINGLE, least={LOSS: 1.0})

    def mean_and_sum_are_those_over_the_batch(self) -> Problems:
        """A batch repeated twice has the same mean, and twice the sum."""
        for reduction, factor in zip(REDUCTIONS, (1.0, 2.0), strict=True):
            loss, (y, target) = self.fresh(reduction=reduction), self.batch()
            once = loss.forward(y, target)
            twice = loss.forward(np.concatenate([y, y]), np.concatenate([target, target]))
            if unequal(twice, factor * once):
                yield f'with "{reduction}" the loss of a batch is {once:.6g}, that of the batch twice over {twice:.6g}'

    def the_sum_is_that_of_all_elements(self) -> Problems:
        """It is the mean times the number of elements by `element_shape`."""
        mean, total = (self.fresh(reduction=reduction).forward(*self.batch()) for reduction in REDUCTIONS)
        count = self.fresh().total_weight(self.y.shape)
        if unequal(total, count * mean):
            times = f"{total / mean if mean else math.inf:.6g} times as much"
            yield f"the mean is {mean:.6g} and the sum {total:.6g}, {times}, but elements are {count:g}"

    def parts_of_a_batch_add_up_with_its_divisor(self) -> Problems:
        """Losses and gradients of two parts, each with the divisor of the whole batch, are those of the whole."""
        batches: list[tuple[np.ndarray, ...]] = [self.batch(), *([self.weighted()] if self.weighs else [])]
        for reduction, (y, target, *weight) in product(REDUCTIONS, batches):
            whole, parts = computed(self.fresh(reduction=reduction), y, target, *weight), []
            for rows in (slice(1), slice(1, None))[: len(y)]:
                part = self.fresh(reduction=reduction)
                part.divisor = part.total_weight(y.shape, *weight)
                parts.append(computed(part, y[rows], target[rows], *(each[rows] for each in weight)))
            added = {LOSS: sum(part[LOSS] for part in parts), GRADIENT: np.concatenate([p[GRADIENT] for p in parts])}
            told = f'of the parts against that of the whole batch, with "{reduction}"{" and weights" if weight else ""}'
            yield from differing(told, added, whole)

    def weights_count_as_repetitions(self) -> Problems:
        """A sample of weight 2 counts as two equal samples, and its gradient is twice that of one of them."""
        y, target, weight = self.weighted()
        rows = np.repeat(np.arange(len(y)), weight.astype(int))
        for reduction in REDUCTIONS:
            found = computed(self.fresh(reduction=reduction), y, target, weight)
            repeated = computed(self.fresh(reduction=reduction), y[rows], target[rows])
            gradient = np.zeros_like(y)
            np.add.at(gradient, rows, repeated[GRADIENT])
            told = f'with "{reduction}" and weights against that with rows repeated instead'
            yield from differing(told, found, repeated | {GRADIENT: gradient})

    def a_weight_of_0_leaves_a_sample_out(self) -> Problems:
        """A sample of weight 0 has no gradient and changes nothing, however large its outputs are."""
        y, target, weight = self.weighted()
        if len(y) > 1:
            weight = np.array([0.0, *np.ones(len(y) - 1)])
            rest = computed(self.fresh(), y[1:], target[1:])
            rest[GRADIENT] = np.concatenate([np.zeros_like(y[:1]), rest[GRADIENT]])
            for size in (1.0, 1e300):
                y[0] *= size
                found = computed(self.fresh(), y, target, weight)
                yield from differing("with weight 0 against that without the sample", found, rest)

    def the_gradient_with_weights_agrees_with_central_differences(self) -> Problems:
        """Backward returns the gradient of the weighted loss, for any weights."""
        yield from self.mismatches(np.random.default_rng(3).uniform(0.1, 3.0, len(self.y)))

    def saturated_outputs_have_a_finite_loss_and_gradient(self) -> Problems:
        """Probabilities of exactly 0 and 1, and numbers of ±1000, as float32 may produce, do not end a run."""
        if type(self.component).example_outputs is not Loss.example_outputs:  # it takes others
            return
        y, target = self.batch("float32")
        low, high = (0.0, 1.0) if self.component.takes == "probabilities" else (-1000.0, 1000.0)
        for start in (0, 1):
            y.reshape(-1)[start::2], y.reshape(-1)[1 - start :: 2] = low, high
            for what, found in computed(self.fresh(), y, target).items():
                if not np.isfinite(found).all():
                    wrong = np.extract(~np.isfinite(found), found)[0]
                    why = "if the loss takes no such outputs, its example_outputs should give those that it takes"
                    yield f"for outputs of {low:g} and {high:g} in float32 {what} is {wrong}: {why}"

    def a_batch_is_computed_as_by_a_fresh_loss(self) -> Problems:
        """Earlier batches, of any size, change nothing."""
        used, (y, target) = self.fresh(), self.batch()
        for before, rows in pairwise([rows for rows in (len(y), 2, 1, len(y)) if rows <= len(y)]):
            computed(used, y[:before], target[:before])
            found, expected = (computed(loss, y[:rows], target[:rows]) for loss in (used, self.fresh()))
            told = f"of {rows} samples after a batch of {before} against that by a fresh loss"
            yield from differing(told, found, expected)
        yield from self.changed_fields(used)

    def losses_share_nothing(self) -> Problems:
        """A loss does not affect another of the same class and fields."""
        one, (y, target) = self.fresh(), self.batch()
        alone = computed(one, y, target)
        one.forward(y, target)
        computed(self.fresh(), y[::-1].copy(), target)
        if text := unequal(one.backward(), alone[GRADIENT]):
            yield f"the gradient changes if another loss computes in between: {text}"

    def predictions_are_what_outputs_mean(self) -> Problems:
        """There is a prediction for each sample; for logits it is a probability."""
        y, _ = self.batch()
        found = self.fresh().predictions(y)
        if len(found) != len(y):
            yield f"predictions of {len(y)} samples have length {len(found)}"
        elif self.component.takes != "numbers" and not ((found >= 0) & (found <= 1)).all():
            yield f"outputs are {self.component.takes}, but a prediction is not from 0 to 1: {found.min():.6g}"

    def check_shapes_takes_what_prepare_takes(self) -> Problems:
        """`check_shapes` refuses, before data are loaded, the same shapes as `prepare`."""
        try:
            self.fresh().check_shapes(self.y.shape[1:], self.raw.shape[1:])
        except ShapeError as error:
            yield f"prepare takes targets of shape {self.raw.shape[1:]}, check_shapes does not: {error.message}"

    def its_kernel_agrees_with_the_definition(self) -> Problems:
        """Loss and gradient differ only in last bits, with weights and without."""
        for dtype, reduction, weighs, divisor in product(DTYPES, REDUCTIONS, (False, True), (None, 7.0)):
            y, target = self.batch(dtype)
            shape = self.fresh().element_shape(y.shape)
            weight = [np.arange(math.prod(shape), dtype=dtype).reshape(shape) % 3] if weighs else []
            results = []
            for each in (self, replace(self, kernels=Textbook)):
                loss = each.fresh(reduction=reduction)
                loss.divisor = divisor
                results.append(computed(loss, y, target, *weight))
            told = f'by the kernel against the definition ({dtype}, "{reduction}"{", weights" if weighs else ""})'
            yield from differing(told, results[0], results[1], AGREEMENT[dtype])

    def memory_does_not_grow(self) -> Problems:
        """A step only keeps what the next one replaces."""
        loss, batch = self.fresh(), self.batch()
        yield from grown(lambda: computed(loss, *batch))


def computed(loss: Loss, *batch: np.ndarray) -> dict[str, Any]:
    """Return loss and gradient for outputs, targets and, if given, weights."""
    return {LOSS: loss.forward(*batch), GRADIENT: loss.backward().copy()}


@checker("losses")
def check_loss(
    loss: Loss,
    outputs: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    kernels: type[KernelSet] = Textbook,
) -> Iterator[Outcome]:
    """Check a loss, for outputs (n, ...) of a network and targets (n, ...) of a split.

    Without them several kinds are tried, except those that its `prepare` refuses. `kernels` is the set to compute with.
    """
    if outputs is not None and targets is not None:
        tried = [LossChecks(loss, "", outputs.astype(np.float32).astype(np.float64), targets, kernels=kernels)]
    else:
        tried = [
            LossChecks(loss, f"{kind}, outputs {y.shape}", y, target, kernels=kernels)
            for kind, y, target, _ in pairs(loss.example_outputs)
        ]
    yield from outcomes(
        (yield from sift("it takes targets, and refuses others by a SpecnetError", tried, LossChecks.batch))
    )
