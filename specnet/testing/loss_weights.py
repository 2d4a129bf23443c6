"""Checks of how losses use weights and `divisor`; they hold for a loss whose `forward` takes no weights, too."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from specnet.testing.gradient import find_mismatch
from specnet.testing.loss_subject import REDUCTIONS, LossSubject, computed
from specnet.testing.outcome import Check, Problems
from specnet.testing.trial import unequal
from specnet.weights import takes_weight

COUNTS = np.array([2.0, 0.0, 3.0, 1.0, 1.0, 4.0])
"""Weights of the rows of a batch."""


def parts_of_a_batch_add_up_with_its_divisor(subject: LossSubject) -> Problems:
    """Losses and gradients of two parts, each with the divisor of the whole batch, are those of the whole."""
    y, target = subject.prepared()
    counts = np.resize(COUNTS, len(y)) if takes_weight(subject.component, "forward") else None
    for reduction, weight in product(REDUCTIONS, [None] if counts is None else [None, counts]):
        whole = computed(subject.fresh(reduction), y, target, weight)
        parts = []
        for rows in (slice(None, 1), slice(1, None)) if len(y) > 1 else [slice(None)]:
            part = subject.fresh(reduction)
            part.divisor = part.total_weight(y.shape, weight)
            parts.append(computed(part, y[rows], target[rows], None if weight is None else weight[rows]))
        value, gradient = sum(value for value, _ in parts), np.concatenate([dy for _, dy in parts])
        told = f'with "{reduction}"{" and weights" if weight is not None else ""}'
        if not math.isclose(value, whole[0], rel_tol=1e-9, abs_tol=1e-12):
            yield f"{told} the parts have {value:.6g} in all, the whole batch {whole[0]:.6g}"
        elif text := unequal(gradient, whole[1]):
            yield f"{told} the gradient of the parts against that of the whole batch: {text}"


def weights_count_as_repetitions(subject: LossSubject) -> Problems:
    """A sample of weight 2 counts as two equal samples, and its gradient is twice that of one of them."""
    if not takes_weight(subject.component, "forward"):
        return
    y, target = subject.prepared()
    weight = np.resize(COUNTS, len(y))
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    for reduction in REDUCTIONS:
        value, dy = computed(subject.fresh(reduction), y, target, weight)
        loss = subject.fresh(reduction)
        expected, each = computed(loss, y[repeated], target[repeated])
        gradient = np.zeros_like(y)
        np.add.at(gradient, repeated, each)
        if not math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12):
            yield f'with "{reduction}" and weights the loss is {value:.6g}, with rows repeated instead {expected:.6g}'
        elif text := unequal(dy, gradient):
            yield f'with "{reduction}" the gradient with weights against that with rows repeated: {text}'


def a_weight_of_0_leaves_a_sample_out(subject: LossSubject) -> Problems:
    """What has weight 0 has no gradient and changes nothing, however large its outputs are."""
    if not takes_weight(subject.component, "forward") or len(subject.y) < 2:
        return
    y, target = subject.prepared()
    weight = np.ones(len(y))
    weight[0] = 0.0
    expected, rest = computed(subject.fresh(), y[1:], target[1:])
    for size in (1.0, 1e300):
        y[0] *= size
        value, dy = computed(subject.fresh(), y, target, weight)
        if not math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12):
            yield f"the loss is {value:.6g}, without the sample {expected:.6g}"
        elif text := unequal(dy, np.concatenate([np.zeros_like(y[:1]), rest])):
            yield f"the gradient against that without the sample: {text}"
        else:
            continue
        return


def the_gradient_with_weights_agrees_with_central_differences(subject: LossSubject) -> Problems:
    """Backward returns the gradient of the weighted loss, whatever the weights are."""
    if not takes_weight(subject.component, "forward"):
        return
    for reduction in REDUCTIONS:
        loss = subject.fresh(reduction)
        y, target = subject.prepared()
        weight = np.random.default_rng(3).uniform(0.1, 3.0, len(y))
        value, dy = computed(loss, y, target, weight)
        rng = np.random.default_rng(2)
        if dy.shape == y.shape and (
            found := find_mismatch(lambda: loss.forward(y, target, weight), y, dy, max(abs(value), 1.0), rng)  # noqa: B023
        ):
            yield f'with "{reduction}", {found.show("y", len(y))}'


WEIGHT_CHECKS: tuple[Check[LossSubject], ...] = (
    parts_of_a_batch_add_up_with_its_divisor,
    weights_count_as_repetitions,
    a_weight_of_0_leaves_a_sample_out,
    the_gradient_with_weights_agrees_with_central_differences,
)
