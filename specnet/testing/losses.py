"""Checks of losses: what `specnet.losses.base.Loss` promises of every one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from specnet.errors import ShapeError
from specnet.kernels.base import KernelSet, Textbook
from specnet.losses.base import Loss
from specnet.testing.gradient import find_mismatch
from specnet.testing.loss_subject import REDUCTIONS, LossSubject, computed
from specnet.testing.loss_weights import WEIGHT_CHECKS
from specnet.testing.memory import grown
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes, sift
from specnet.testing.pairs import pairs
from specnet.testing.trial import AGREEMENT, SINGLE, unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full


def check_loss(
    loss: Loss | str | dict[str, object], outputs: np.ndarray | None = None, targets: np.ndarray | None = None
) -> None:
    """Check that a loss keeps its contract, for outputs (n, ...) of a network and the targets (n, ...) of a split.

    Without them several kinds are tried, and those passed over that its `prepare` refuses.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("losses", loss, lambda built: examine_loss(built, outputs, targets))


def examine_loss(
    loss: Loss,
    outputs: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    kernels: type[KernelSet] = Textbook,
) -> Iterator[Outcome]:
    """Give the outcome of each check of a loss; arguments as in `check_loss`, and the set of kernels that computes."""
    if outputs is not None and targets is not None:
        tried = [LossSubject(loss, "", outputs.astype(np.float32).astype(np.float64), targets, kernels)]
    else:
        found = pairs(loss.example_outputs)
        tried = [LossSubject(loss, f"{kind}, outputs {y.shape}", y, target, kernels) for kind, y, target, _ in found]
    what = "it takes targets, and refuses others by a SpecnetError"
    subjects, outcome = sift(what, tried, lambda subject: subject.prepared())
    yield outcome
    if subjects:
        further = [] if kernels is Textbook else [its_kernel_agrees_with_the_definition]
        yield from outcomes(FIRST, [*CHECKS, *further], subjects, [memory_does_not_grow])


def the_loss_is_a_finite_number(subject: LossSubject) -> Problems:
    """Forward returns a float, backward an array of numbers that are finite as well."""
    loss = subject.fresh()
    value: Any = loss.forward(*subject.prepared())
    if not isinstance(value, float):
        yield f"forward returns {type(value).__name__}, not a float"
    elif not math.isfinite(value):
        yield f"forward returns {value}: if the loss takes other outputs, its example_outputs should give them"
    dy: Any = loss.backward()
    if not isinstance(dy, np.ndarray):
        yield f"backward returns {type(dy).__name__}, not an array"
    elif not np.isfinite(dy).all():
        yield f"backward returns {dy[~np.isfinite(dy)][0]}"


def the_gradient_agrees_with_central_differences(subject: LossSubject) -> Problems:
    """Backward returns the gradient of exactly the number that forward returns, with "mean" and with "sum"."""
    for reduction in REDUCTIONS:
        loss = subject.fresh(reduction)
        y, target = subject.prepared()
        value = loss.forward(y, target)
        dy = loss.backward().copy()
        if dy.shape == y.shape:
            rng = np.random.default_rng(2)
            terms = max(abs(value), 1.0)
            if found := find_mismatch(lambda: loss.forward(y, target), y, dy, terms, rng):  # noqa: B023
                yield f'with "{reduction}", {found.show("y", len(y))}'


def the_gradient_has_shape_and_dtype_of_the_outputs(subject: LossSubject) -> Problems:
    """What is float32 stays float32, and what is float64 stays float64."""
    for dtype in (np.dtype("float64"), np.dtype("float32")):
        loss = subject.fresh()
        y, target = subject.prepared(dtype)
        loss.forward(y, target)
        dy = loss.backward()
        if (dy.shape, dy.dtype) != (y.shape, y.dtype):
            yield f"for outputs of {y.dtype} and shape {y.shape} backward returns {dy.dtype} of shape {dy.shape}"
            return


def float32_agrees_with_float64(subject: LossSubject) -> Problems:
    """Both dtypes give the same numbers, but for rounding."""
    values, gradients = [], []
    for dtype in (np.dtype("float32"), np.dtype("float64")):
        loss = subject.fresh()
        values.append(loss.forward(*subject.prepared(dtype)))
        gradients.append(loss.backward().copy())
    if not math.isclose(*values, rel_tol=SINGLE, abs_tol=SINGLE):
        yield f"the loss is {values[0]:.6g} in float32 and {values[1]:.6g} in float64"
    elif text := unequal(gradients[0], gradients[1], SINGLE):
        yield f"the gradient of float32 against float64: {text}"


def mean_and_sum_are_those_over_the_batch(subject: LossSubject) -> Problems:
    """A batch twice over has the same mean, and twice the sum."""
    for reduction, factor in zip(REDUCTIONS, (1.0, 2.0), strict=True):
        loss = subject.fresh(reduction)
        y, target = subject.prepared()
        once = loss.forward(y, target)
        twice = loss.forward(np.concatenate([y, y]), np.concatenate([target, target]))
        if not math.isclose(twice, factor * once, rel_tol=1e-9, abs_tol=1e-12):
            yield f'with "{reduction}" the loss of a batch is {once:.6g}, that of the batch twice over {twice:.6g}'


def the_sum_is_that_of_all_elements(subject: LossSubject) -> Problems:
    """It is the mean times the number of elements that `element_shape` says."""
    y, target = subject.prepared()
    mean, total = (subject.fresh(reduction).forward(y, target) for reduction in REDUCTIONS)
    count = subject.fresh().total_weight(y.shape)
    if not math.isclose(total, count * mean, rel_tol=1e-9, abs_tol=1e-12):
        ratio = total / mean if mean else math.inf
        yield f"the mean is {mean:.6g} and the sum {total:.6g}, {ratio:.6g} times as much, but elements are {count:g}"


def saturated_outputs_have_a_finite_loss_and_gradient(subject: LossSubject) -> Problems:
    """Probabilities of exactly 0 and 1, and numbers of ±1000, which float32 leads to, end no run."""
    if type(subject.component).example_outputs is not Loss.example_outputs:  # it takes others
        return
    y, target = subject.prepared(np.dtype("float32"))
    low, high = (0.0, 1.0) if subject.component.takes == "probabilities" else (-1000.0, 1000.0)
    for start in (0, 1):
        y.reshape(-1)[start::2], y.reshape(-1)[1 - start :: 2] = low, high
        loss = subject.fresh()
        found = {"loss": np.asarray(loss.forward(y.copy(), target)), "gradient": loss.backward()}
        for what, array in found.items():
            if not (finite := np.isfinite(array)).all():
                why = "if the loss takes no such outputs, its example_outputs should give those that it takes"
                yield f"for outputs of {low:g} and {high:g} in float32 the {what} is {array[~finite][0]}: {why}"
                return


def outputs_and_targets_are_left_alone(subject: LossSubject) -> Problems:
    """Forward, backward, predictions and prepare read what they get."""
    loss, raw = subject.fresh(), subject.raw.copy()
    y, target = subject.prepared()
    arrays = {"outputs": (y, y.copy()), "targets": (target, target.copy()), "the split's targets": (subject.raw, raw)}
    loss.forward(y, target)
    loss.backward()[...] = np.nan  # which the caller may do
    loss.predictions(y)
    for name, (array, kept) in arrays.items():
        if text := unequal(array, kept, 0.0):
            yield f"{name} are written to: now {text} before"


def a_batch_is_computed_as_by_a_fresh_loss(subject: LossSubject) -> Problems:
    """What came before shows in nothing, however large batches are."""
    used = subject.fresh()
    y, target = subject.prepared()
    order = [rows for rows in (len(y), 2, 1, len(y)) if rows <= len(y)]
    for before, rows in pairwise(order):
        used.forward(y[:before], target[:before])
        used.backward()
        fresh, found = subject.fresh(), []
        for loss in (used, fresh):
            value = loss.forward(y[:rows], target[:rows])
            found.append(np.concatenate([[value], loss.backward().reshape(-1)]))
        if text := unequal(found[0], found[1]):
            yield f"loss and gradient of {rows} samples after a batch of {before}: {text} by a fresh loss"
            return
    yield from changed_fields(subject.component, used)


def losses_share_nothing(subject: LossSubject) -> Problems:
    """What one loss computes leaves another of the same class and fields alone."""
    y, target = subject.prepared()
    one, other = subject.fresh(), subject.fresh()
    one.forward(y, target)
    alone = one.backward().copy()
    one.forward(y, target)
    other.forward(y[::-1].copy(), target)
    other.backward()
    if text := unequal(one.backward(), alone):
        yield f"the gradient changes if another loss computes in between: {text}"


def predictions_are_what_outputs_mean(subject: LossSubject) -> Problems:
    """There is a prediction for each sample; of logits it is a probability."""
    y, _ = subject.prepared()
    found = subject.fresh().predictions(y)
    if len(found) != len(y):
        yield f"predictions of {len(y)} samples have length {len(found)}"
    elif subject.component.takes != "numbers" and not ((found >= 0) & (found <= 1)).all():
        yield f"outputs are {subject.component.takes}, but a prediction is not from 0 to 1: {found.min():.6g}"


def check_shapes_takes_what_prepare_takes(subject: LossSubject) -> Problems:
    """Shapes that are refused are refused before data are loaded, and no others."""
    try:
        subject.fresh().check_shapes(subject.y.shape[1:], subject.raw.shape[1:])
    except ShapeError as error:
        yield f"prepare takes targets of shape {subject.raw.shape[1:]}, check_shapes does not: {error.message}"


def its_kernel_agrees_with_the_definition(subject: LossSubject) -> Problems:
    """Loss and gradient differ in last bits alone, with weights and without."""
    definition = replace(subject, kernels=Textbook)
    for dtype, tolerance in AGREEMENT.items():
        y, target = subject.prepared(np.dtype(dtype))
        shape = subject.fresh().element_shape(y.shape)
        weights = [None, np.arange(math.prod(shape), dtype=dtype).reshape(shape) % 3]
        for reduction, weight, divisor in itertools.product(REDUCTIONS, weights, (None, 7.0)):
            found = []
            for each in (subject, definition):
                loss = each.fresh(reduction)
                loss.divisor = divisor
                value, dy = computed(loss, y, target, weight)
                found.append((np.asarray(value), dy))
            for what, one, other in zip(("loss", "gradient"), *found, strict=True):
                if text := unequal(one, other, tolerance):
                    how = f'{dtype}, "{reduction}"{"" if weight is None else ", weights"}'
                    yield f"{how}, {what}: {text} by the definition"
                    return


def memory_does_not_grow(subject: LossSubject) -> Problems:
    """A step keeps nothing but what the next one replaces."""
    loss = subject.fresh()
    y, target = subject.prepared()

    def step() -> None:
        loss.forward(y, target)
        loss.backward()

    yield from grown(step)


FIRST: tuple[Check[LossSubject], ...] = (
    the_loss_is_a_finite_number,
    outputs_and_targets_are_left_alone,
)
CHECKS: tuple[Check[LossSubject], ...] = (
    the_gradient_agrees_with_central_differences,
    the_gradient_has_shape_and_dtype_of_the_outputs,
    float32_agrees_with_float64,
    mean_and_sum_are_those_over_the_batch,
    the_sum_is_that_of_all_elements,
    *WEIGHT_CHECKS,
    saturated_outputs_have_a_finite_loss_and_gradient,
    a_batch_is_computed_as_by_a_fresh_loss,
    losses_share_nothing,
    predictions_are_what_outputs_mean,
    check_shapes_takes_what_prepare_takes,
    its_JSON_describes_it_in_full,
)
