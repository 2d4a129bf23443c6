"""Checks of the optimizer of a spec against the rest of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet import registry
from specnet.errors import Diagnostic
from specnet.faults import guarded
from specnet.optimizers.base import Optimizer, all_needs
from specnet.parts import parts
from specnet.schedules.base import Schedule
from specnet.spec.model import Spec
from specnet.spec.plan import Plan
from specnet.words import Pointer, show_pointer


def check_learning_rate(spec: Spec) -> Iterator[Diagnostic]:
    """Check that the learning rate is neither too small nor too large for the network's dtype."""
    if spec.optimizer:
        rate = getattr(spec.optimizer, "learning_rate", None)
        if isinstance(rate, Schedule):
            with guarded(rate, ("optimizer", "learning_rate"), "__call__"):
                rate = rate(0)
        if not isinstance(rate, (int, float)):  # it has none, or one for each part of the network
            return
        with np.errstate(over="ignore"):
            rounded = np.dtype(spec.dtype).type(rate)
        if rounded == 0 or np.isinf(rounded):
            message = f"the learning rate {rate:g} is {'infinite' if rounded else 0} as {spec.dtype}"
            yield Diagnostic("out-of-range", message, ("optimizer", "learning_rate"))


def check_updates(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that an optimizer gets the batches and the loss that it needs, and that its groups name layers."""
    optimizer, size = spec.optimizer, spec.training.step_size
    name = registry.name_of("optimizers", type(optimizer))
    all_in_one = size is None or bool(plan.rows and size >= plan.rows and not spec.training.varies)
    for place, each in parts(optimizer, ("optimizer",)):
        if isinstance(each, Optimizer) and each.full_batch and not all_in_one:
            own = registry.name_of("optimizers", type(each))
            message = f"{own} needs the gradient of all samples, and a step has {size} of them"
            yield Diagnostic("batch-size", message, place, "--set training.batch_size=full")
        if isinstance(each, Optimizer):
            yield from _check_groups(each, place, len(spec.layers))
    for limit in ("clip_value", "clip_norm", "clip_norm_per_weight"):
        if all_needs(optimizer) and getattr(spec.training, limit) is not None:
            message = f"{name} takes gradients at further points, which {limit} does not change"
            yield Diagnostic("wrong-value", message, ("training", limit), "leave it out")
    if "jacobian" in all_needs(optimizer) and spec.loss and not spec.loss.quadratic:
        message = f"{name} minimizes squared errors, and the loss is {registry.name_of('losses', type(spec.loss))}"
        yield Diagnostic("loss-optimizer", message, ("optimizer",), 'use the loss mse, or the optimizer "lbfgs"')
    layers: list[Any] = [part for _, part in parts(spec.layers)]
    active = [each for each in layers if getattr(each, "activity_l1", 0) or getattr(each, "activity_l2", 0)]
    if "jacobian" in all_needs(optimizer) and active:
        message = f"{name} minimizes squared errors, without penalties of outputs"
        yield Diagnostic("loss-optimizer", message, ("optimizer",), 'use the optimizer "lbfgs"')


def _check_groups(optimizer: Optimizer, place: Pointer, count: int) -> Iterator[Diagnostic]:
    """Check that each group of an optimizer has layers, and no layer is in two groups."""
    seen: dict[int, int] = {}
    for position, group in enumerate(getattr(optimizer, "groups", [])):
        numbers, where = group.numbers(count), (*place, "groups", position, "layers")
        if missing := [number for number in numbers if number >= count]:
            message = f"there is no layer {missing[0]}: layers are numbered from 0 to {count - 1}"
            yield Diagnostic("unknown-layer", message, where)
        elif not numbers:
            yield Diagnostic("unknown-layer", "this group has no layer", where, '"0:3" is 0, 1 and 2')
        for number in numbers:
            if seen.setdefault(number, position) != position:
                message = f"layers.{number} is also in {show_pointer((*place, 'groups', seen[number]))}"
                yield Diagnostic("unknown-layer", message, where, "a layer can be in one group only")
                break
