"""Checks of a spec that need no data, across its fields.

Each takes the valid parts of a spec: an invalid component is None, and is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import numpy as np

from specnet import registry
from specnet.component import Component, fresh_copy, parts
from specnet.errors import Diagnostic, ShapeError, SpecError
from specnet.faults import guarded
from specnet.improvement import Mode
from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.names import suggest, to_monitor
from specnet.schedules.base import Schedule, WatchingSchedule
from specnet.spec.memory import check_memory
from specnet.spec.model import Spec
from specnet.spec.plan import SPLITS, Plan, collecting, make_plan
from specnet.spec.units import check_units
from specnet.task import Shape
from specnet.transforms.base import RandomTransform, Transform
from specnet.transforms.pipeline import Transforms
from specnet.words import Pointer, quote, shorten, show_pointer


def check_spec(spec: Spec, flawed: Set[str]) -> list[Diagnostic]:
    """Return every mistake found in a spec; `flawed` are its keys with other mistakes."""
    plan = make_plan(spec)
    checks = [check_units(spec), _check_transforms(spec.transforms), _check_metrics(spec.metrics)]
    checks += [_check_learning_rate(spec)] if "dtype" not in flawed else []
    checks += [_check_split(spec, plan)] if "split" not in flawed else []
    checks += [_check_monitors(spec, plan, flawed), _check_modes(spec), _check_loss(spec.loss, spec.layers, plan)]
    checks += [_check_steps(spec, plan)] if not flawed & {"dataset", "split", "training"} else []
    mistakes = [*plan.mistakes]
    for check in [*checks, _check_memory(spec, plan)]:
        with collecting(mistakes):  # a component that fails does not keep other checks from running
            mistakes.extend(check)
    return mistakes


def check_network(spec: Spec, inputs: Shape, rows: int) -> Plan:
    """Check, given the input shape from the data, that layers accept it and memory suffices; return the plan.

    Raises:
        SpecError: with every mistake.
    """
    plan = make_plan(spec, inputs, rows)
    if mistakes := [*plan.mistakes, *_check_memory(spec, plan)]:
        raise SpecError(mistakes)
    return plan


def missing_split(monitor: str, pointer: Pointer) -> Diagnostic:
    """Return the mistake of a monitored value whose split has no samples."""
    split, _, value = monitor.partition("/")
    message = f'"{monitor}" will not exist: there are no {split} samples'
    help = f'add a {split} share to "split", or monitor "train/{value}"'
    return Diagnostic("unknown-monitor", message, pointer, help)


def _check_transforms(transforms: Transforms) -> Iterator[Diagnostic]:
    """Check that random transforms come last, only for inputs, and that transforms of targets can be undone."""
    fitted = [number for number, each in enumerate(transforms.inputs) if isinstance(each, Transform)]
    for number, each in enumerate(transforms.inputs):
        if isinstance(each, RandomTransform) and fitted and number < fitted[-1]:
            message = "a random transform changes batches after all others are applied"
            help = f"move it after transforms.inputs.{fitted[-1]}"
            yield Diagnostic("transform-order", message, ("transforms", "inputs", number), help)
    for number, each in enumerate(transforms.targets):
        place = ("transforms", "targets", number)
        if isinstance(each, RandomTransform):
            yield Diagnostic("transform-target", "a random transform changes inputs only", place, "leave it out")
        elif each and not each.inverts():
            message = "predictions are returned in the units of the data, but this transform cannot be undone"
            yield Diagnostic("transform-target", message, place, "leave it out")


def _check_metrics(metrics: Sequence[Metric | None]) -> Iterator[Diagnostic]:
    """Check that no metric appears twice: its name is its column in the history."""
    names: list[str] = []
    for number, metric in enumerate(metrics):
        if metric:
            name = _name(metric)
            if name in names:
                message = f'the metric "{name}" already appears at metrics.{names.index(name)}'
                yield Diagnostic("duplicate-metric", message, ("metrics", number), "leave it out")
            names.append(name)


def _check_learning_rate(spec: Spec) -> Iterator[Diagnostic]:
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


def _check_split(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that shares do not replace the dataset's own splits, and leave samples to train on."""
    for name in plan.outline.splits or ():
        if getattr(spec.split, name):
            message = f"the dataset has its own {name} samples"
            yield Diagnostic("split", message, ("split", name), "leave this share out")
    if spec.split.validation + spec.split.test >= 1:
        message = "validation and test leave no sample to train on"
        yield Diagnostic("split", message, ("split",), "choose smaller shares")
    elif rows := plan.outline.rows:
        for name, count in spec.split.counts(rows).items():
            if count == 0:
                message = f"a share of {getattr(spec.split, name):g} of {rows} samples is empty"
                yield Diagnostic("split", message, ("split", name), "choose a larger share")
        if plan.rows == 0:
            yield Diagnostic("split", f"no sample of {rows} is left to train on", ("split",), "choose smaller shares")


def _watching(spec: Spec) -> Iterator[tuple[Pointer, str, Mode | None]]:
    """Yield the place, the monitored value and the mode of everything that monitors a value."""
    if spec.checkpoint.monitor is not None:
        yield ("checkpoint",), spec.checkpoint.monitor, spec.checkpoint.mode
    if stopping := spec.training.early_stopping:
        yield ("training", "early_stopping"), stopping.monitor, stopping.mode
    for place, schedule in _schedules(spec):
        if isinstance(schedule, WatchingSchedule):
            yield place, schedule.monitor, schedule.mode


def _check_monitors(spec: Spec, plan: Plan, flawed: Set[str]) -> Iterator[Diagnostic]:
    """Check that monitored values will exist, and warn if one decides what is best and another when to stop."""
    metrics: Sequence[Metric | None] = spec.metrics
    values = ["loss", *(_name(metric) for metric in metrics if metric)]
    unknown = bool(flawed & {"split", "dataset"})
    for place, monitor, _ in _watching(spec):
        pointer = (*place, "monitor")
        split, _, value = monitor.partition("/")
        if split not in SPLITS or (value not in values and "metrics" not in flawed):
            message, meant = f"there will be no value {quote(monitor)}", to_monitor(monitor)
            known = [f"{name}/{each}" for name in (SPLITS if split in SPLITS else plan.splits) for each in values]
            there = meant.partition("/")[2] in values
            help = f'did you mean "{meant}"?' if there else suggest(monitor, known)
            yield Diagnostic("unknown-monitor", message, pointer, help)
            unknown = True
        elif split not in plan.splits and not flawed & {"split", "dataset"}:
            yield missing_split(monitor, pointer)
            unknown = True
    stopping, best = spec.training.early_stopping, spec.checkpoint.monitor
    if stopping and best not in (None, stopping.monitor) and not unknown:
        message = f'"{best}" decides which state is best, but training stops by "{stopping.monitor}"'
        help = f"to use one value for both: --set checkpoint.monitor={stopping.monitor}"
        yield Diagnostic("monitors-differ", message, ("checkpoint", "monitor"), help, severity="warning")


def _check_modes(spec: Spec) -> Iterator[Diagnostic]:
    """Warn of a mode that calls the worse values of a loss or metric better."""
    metrics: Sequence[Metric | None] = spec.metrics
    higher = {"loss": False} | {_name(metric): metric.higher_is_better for metric in metrics if metric}
    for place, monitor, mode in _watching(spec):
        value = monitor.partition("/")[2]
        if mode is not None and value in higher and mode != ("max" if higher[value] else "min"):
            right, better = ("max", "larger") if higher[value] else ("min", "smaller")
            message = f'mode "{mode}" does not fit "{monitor}", of which {better} values are better'
            help = f"--set {show_pointer((*place, 'mode'))}={right}, or leave it out"
            yield Diagnostic("wrong-mode", message, (*place, "mode"), help, severity="warning")


def _check_loss(loss: Loss | None, layers: Sequence[Layer | None], plan: Plan) -> Iterator[Diagnostic]:
    """Check that the last layer returns what the loss expects, in the shape of the targets."""
    last = layers[-1]
    if loss is None or last is None:
        return
    place = ("layers", len(layers) - 1)
    kind = type(loss)
    # A plugin's loss that overrides `prepare` may take other shapes than the base class.
    tells = kind.prepare is Loss.prepare or kind.check_shapes is not Loss.check_shapes
    if tells and plan.output_shape is not None and plan.targets is not None:
        with guarded(loss, ("loss",), "check_shapes"):
            try:
                loss.check_shapes(plan.output_shape, plan.targets, plan.classes)
            except ShapeError as error:
                yield Diagnostic(error.code, error.message, place, error.help)
    returns = f"{show_pointer(place)} ({_name(last)}) returns"
    if loss.takes == "probabilities" and plan.output_kind == "numbers":
        message = f"{_name(loss)} expects probabilities, but {returns} numbers of any size"
        help = "end with the layer sigmoid, or use a loss on logits, such as bce_with_logits"
        yield Diagnostic("loss-output", message, ("loss",), help)
    if loss.takes == "logits" and plan.output_kind == "probabilities":
        message = f"{_name(loss)} expects logits, {returns} probabilities"
        yield Diagnostic("loss-output", message, ("loss",), "leave that layer out: the loss includes it")


def _check_steps(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that batches are not larger than the data, and that schedules end within the training."""
    given, rows = spec.training.batch_size, plan.rows
    if given and rows and given > rows and "batch_size" in spec.training.model_fields_set:
        yield Diagnostic(
            "batch-size",
            f"a batch of {shorten(str(given))} is more than the {rows} training samples: each step uses all of them",
            ("training", "batch_size"),
            severity="warning",
        )
    if not (steps := plan.steps(spec)):
        return
    for pointer, schedule in _schedules(spec):
        bound = fresh_copy(schedule)
        with guarded(schedule, pointer, "bind"):
            bound.bind(steps // spec.training.epochs, steps)
        with guarded(schedule, pointer, "length"):
            length = bound.length()
        if length and length > steps:
            message = f"this schedule needs {shorten(f'{length:,}')} steps, the training ends after {steps:,}"
            help = "make it shorter, or training.epochs larger"
            yield Diagnostic("long-schedule", message, pointer, help, severity="warning")


def _schedules(spec: Spec) -> Iterator[tuple[Pointer, Schedule]]:
    """Yield the schedules of everything that trains, with their places."""
    for key in ("layers", "loss", "optimizer"):
        for pointer, part in parts(getattr(spec, key), (key,)):
            if isinstance(part, Schedule):
                yield pointer, part


def _check_memory(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that training fits into the memory budget."""
    if plan.inputs is not None:
        yield from check_memory(spec, plan)


def _name(component: Component) -> str:
    return registry.name_of(component.group, type(component))
