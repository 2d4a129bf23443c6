"""Checks of a spec that need no data, across its fields.

Each takes the valid parts of a spec: an invalid component is None, and is skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from typing import Any

from specnet import registry
from specnet.component import Component, fresh_copy
from specnet.datasets.split import SPLITS, Split
from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, ShapeError, SpecError
from specnet.faults import guarded
from specnet.improvement import Mode
from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.names import suggest, to_monitor
from specnet.parts import parts
from specnet.schedules.base import Schedule, WatchingSchedule, lengths_in_steps
from specnet.schedules.scheduled import ScheduledField
from specnet.spec.memory import check_memory
from specnet.spec.metrics import check_known_task, check_names, check_predictions
from specnet.spec.model import Spec
from specnet.spec.optimizing import check_learning_rate, check_updates
from specnet.spec.plan import Plan, collecting, make_plan
from specnet.spec.units import check_units
from specnet.task import Shape
from specnet.transforms.base import RandomTransform, Transform
from specnet.transforms.pipeline import Transforms
from specnet.words import Pointer, quote, shorten, show_pointer

_BATCH_SIZE = ("training", "batch_size")


def check_spec(spec: Spec, flawed: Set[str]) -> list[Diagnostic]:
    """Return every mistake found in a spec; `flawed` are its keys with other mistakes."""
    plan = make_plan(spec)
    checks = [check_units(spec), _check_transforms(spec.transforms), check_names(spec.metrics)]
    checks += [check_predictions(spec, plan)]
    checks += [check_learning_rate(spec)] if "dtype" not in flawed else []
    checks += [check_updates(spec, plan)] if spec.optimizer and not flawed & {"layers", "training"} else []
    checks += [_check_split(spec, plan), _check_folds(spec.split, plan)] if "split" not in flawed else []
    checks += [_check_monitors(spec, plan, flawed), _check_modes(spec), _check_loss(spec.loss, spec.layers, plan)]
    checks += [_check_steps(spec, plan)] if not flawed & {"dataset", "split", "training"} else []
    checks += [_check_changing_batches(spec)] if "training" not in flawed else []
    checks += [check_known_task(spec, plan)] if not flawed & {"dataset", "transforms"} else []
    mistakes = [*plan.mistakes]
    for check in [*checks, check_memory(spec, plan)]:
        with collecting(mistakes):  # a component that fails does not keep other checks from running
            mistakes.extend(check)
    return mistakes


def check_network(spec: Spec, inputs: Shape, rows: int) -> Plan:
    """Check, given the input shape from the data, that layers accept it and memory suffices; return the plan.

    Raises:
        SpecError: with every mistake.
    """
    plan = make_plan(spec, inputs, rows)
    if mistakes := [*plan.mistakes, *check_memory(spec, plan)]:
        raise SpecError(mistakes)
    return plan


def missing_split(monitor: str, pointer: Pointer) -> Diagnostic:
    """Return the mistake of a monitored value whose split has no samples."""
    split, _, value = monitor.partition("/")
    message = f'"{monitor}" will not exist: there are no {split} samples'
    help = f'add a {split} share to "split", or monitor "train/{value}"'
    return Diagnostic("unknown-monitor", message, pointer, help)


def check_history_splits(spec: Spec, splits: Collection[str]) -> Iterator[Diagnostic]:
    """Check that there are the splits that the history should have."""
    for number, split in enumerate(spec.training.history):
        if split not in splits:
            help = f'add a {split} share to "split", or leave this out'
            yield Diagnostic("split", f"there are no {split} samples to measure", ("training", "history", number), help)


def unknown_value(monitor: str, pointer: Pointer, splits: Iterable[str], values: Collection[str]) -> Diagnostic:
    """Return the mistake of a monitored value that is not among those of the splits."""
    message, meant = f"there will be no value {quote(monitor)}", to_monitor(monitor)
    known = [f"{split}/{value}" for split in splits for value in values]
    help = f'did you mean "{meant}"?' if meant.partition("/")[2] in values else suggest(monitor, known)
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
            yield Diagnostic("transform-target", "a random transform changes only inputs", place, "leave it out")
        elif each and not each.inverts():
            message = "predictions are returned in the units of the data, but this transform cannot be undone"
            yield Diagnostic("transform-target", message, place, "leave it out")


def _check_split(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that fields fit `by`, and that shares do not replace own splits and leave samples to train on."""
    split = spec.split
    if split.by in ("group", "column") and split.column is None:
        message = f'"by": "{split.by}" needs the name of a column'
        yield Diagnostic("split", message, ("split", "by"), "--set split.column=NAME")
    if split.by in ("random", "order") and split.column is not None:
        message = f'no column is used to split by "{split.by}"'
        yield Diagnostic("split", message, ("split", "column"), 'set "by" to "group" or "column", or leave this out')
    if split.by != "random" and split.stratify:
        message = f'samples are stratified where they are drawn at random, not by "{split.by}"'
        yield Diagnostic("split", message, ("split", "stratify"), "leave it out")
    for name in SPLITS[1:] if split.by == "column" else ():
        if getattr(split, name):
            message = f"the column says which samples are for {name}"
            yield Diagnostic("split", message, ("split", name), "leave this share out")
    for name in plan.outline.splits or ():
        if getattr(spec.split, name):
            message = f"the dataset has its own {name} samples"
            yield Diagnostic("split", message, ("split", name), "leave this share out")
    if spec.split.validation + spec.split.test >= 1:
        message = "validation and test leave no sample to train on"
        yield Diagnostic("split", message, ("split",), "choose smaller shares")
    elif (rows := plan.outline.rows) and not split.folds:
        for name, count in spec.split.counts(rows).items():
            if count == 0 and name not in (plan.outline.splits or ()):
                message = f"a share of {getattr(spec.split, name):g} of {rows} samples is empty"
                yield Diagnostic("split", message, ("split", name), "choose a larger share")
        if plan.rows == 0:
            yield Diagnostic("split", f"no sample of {rows} is left to train on", ("split",), "choose smaller shares")


def _check_folds(split: Split, plan: Plan) -> Iterator[Diagnostic]:
    """Check that a split into folds is complete, and that they are the test split."""
    if not (split.folds or split.fold):
        return
    if not split.folds or not split.fold or split.fold > split.folds:
        message = f'"fold": {show_value(split.fold)} is not one of "folds": {show_value(split.folds)}'
        yield Diagnostic("split", message, ("split", "fold"), "folds are numbered from 1")
    if split.test:
        help = "leave this share out"
        yield Diagnostic("split", "the test split is one of the folds", ("split", "test"), help)
    if split.by == "column":
        help = 'set it to "random", "order" or "group"'
        yield Diagnostic("split", "a column that names the splits cannot be combined with folds", ("split", "by"), help)
    if "test" in (plan.outline.splits or ()):
        help = "leave them out of the dataset, or use no folds"
        yield Diagnostic("split", "the dataset has its own test samples", ("split", "folds"), help)


def _watching(spec: Spec) -> Iterator[tuple[Pointer, str, Mode | None]]:
    """Yield the place, the monitored value and the mode of everything that monitors a value."""
    if spec.checkpoint.monitor is not None:
        yield ("checkpoint",), spec.checkpoint.monitor, spec.checkpoint.mode
    if stopping := spec.training.early_stopping:
        yield ("training", "early_stopping"), stopping.monitor, stopping.mode
    if target := spec.training.stop_at:
        yield ("training", "stop_at"), target.monitor, target.mode
    for place, schedule in _schedules(spec):
        if isinstance(schedule, WatchingSchedule):
            yield place, schedule.monitor, schedule.mode


def _check_monitors(spec: Spec, plan: Plan, flawed: Set[str]) -> Iterator[Diagnostic]:
    """Check that monitored values will exist, and warn if one decides what is best and another when to stop."""
    metrics: Sequence[Metric | None] = spec.metrics
    heads = [f"loss/{name}" for name in spec.loss.head_sums] if spec.loss else []
    values = ["loss", *heads, *(metric.label for metric in metrics if metric)]
    unknown = bool(flawed & {"split", "dataset"})
    for place, monitor, _ in _watching(spec):
        pointer = (*place, "monitor")
        split, _, value = monitor.partition("/")
        known = value in values or value.partition("/")[0] in values[1:]  # other names of its parts depend on data
        if split not in SPLITS or not (known or "metrics" in flawed):
            yield unknown_value(monitor, pointer, SPLITS if split in SPLITS else plan.splits, values)
            unknown = True
        elif split not in plan.splits and not flawed & {"split", "dataset"}:
            yield missing_split(monitor, pointer)
            unknown = True
    if not flawed & {"split", "dataset"}:
        yield from check_history_splits(spec, plan.splits)
    stopping, best = spec.training.early_stopping, spec.checkpoint.monitor
    if stopping and best not in (None, stopping.monitor) and not unknown:
        message = f'"{best}" decides which state is best, but early stopping monitors "{stopping.monitor}"'
        help = f"to use one value for both: --set checkpoint.monitor={stopping.monitor}"
        yield Diagnostic("monitors-differ", message, ("checkpoint", "monitor"), help, severity="warning")


def _check_modes(spec: Spec) -> Iterator[Diagnostic]:
    """Warn of a mode that calls the worse values of a loss or metric better."""
    metrics: Sequence[Metric | None] = spec.metrics
    higher = {"loss": False} | {metric.label: metric.higher_is_better for metric in metrics if metric}
    for place, monitor, mode in _watching(spec):
        value = monitor.partition("/")[2].partition("/")[0]
        if mode is not None and value in higher and mode != ("max" if higher[value] else "min"):
            right, better = ("max", "larger") if higher[value] else ("min", "smaller")
            message = f'mode "{mode}" does not fit "{monitor}": {better} values are better'
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
                names = plan.outline.class_names
                named = f"; the classes are {show_value(names)}" if names and plan.classes else ""
                yield Diagnostic(error.code, error.message + named, place, error.help)
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
    given, rows = spec.training.largest_batch, plan.rows
    if given and rows and given > rows and "batch_size" in spec.training.model_fields_set:
        yield Diagnostic(
            "batch-size",
            f"a batch of {shorten(str(given))} is more than the {rows} training samples: each step uses all of them",
            ("training", "batch_size"),
            severity="warning",
        )
    for section, name in (("weight_averaging", "start_epoch"), ("early_stopping", "min_epochs")):
        start, last = getattr(getattr(spec.training, section), name, None), spec.training.epochs
        if start and start > last:
            message = f"training ends before, with epoch {shorten(f'{last:,}')}"
            help = "make it smaller, or training.epochs larger"
            yield Diagnostic("long-schedule", message, ("training", section, name), help, severity="warning")
    if not (found := plan.length(spec)):
        return
    for pointer, schedule in _schedules(spec):
        epoch, total, unit = (1, spec.training.epochs, "epochs") if pointer[:2] == _BATCH_SIZE else found
        bound = fresh_copy(schedule)
        with guarded(schedule, pointer, "bind"):
            bound.bind(epoch, total)
        with guarded(schedule, pointer, "length"):
            length = bound.length()
        if length and length > total:
            message = f"this schedule needs {shorten(f'{length:,}')} {unit}, the training ends after {total:,}"
            help = "make it shorter, or training.epochs larger"
            yield Diagnostic("long-schedule", message, pointer, help, severity="warning")


def _check_changing_batches(spec: Spec) -> Iterator[Diagnostic]:
    """Check a schedule of the batch size, and that then no other schedule counts steps."""
    if not spec.training.varies:
        return
    for pointer, schedule in _schedules(spec):
        if pointer[:2] == _BATCH_SIZE and isinstance(schedule, WatchingSchedule):
            help = "use a schedule over epochs, such as piecewise"
            yield Diagnostic("wrong-value", "the batch size cannot depend on a value of the history", pointer, help)
        for name in lengths_in_steps(schedule):
            message = f"{name} has no meaning where training.batch_size changes from epoch to epoch"
            help = "give the length in epochs, or as a share of the run"
            yield Diagnostic("wrong-value", message, (*pointer, name), help)
    bound: Any = fresh_copy(spec.training.batch_size)
    bound.bind(1, spec.training.epochs)
    ScheduledField(spec.training, "batch_size", bound, {_BATCH_SIZE: bound}).check(spec.training.epochs, "epoch")


def _schedules(spec: Spec) -> Iterator[tuple[Pointer, Schedule]]:
    """Yield the schedules of everything that trains, with their places."""
    for key in ("layers", "loss", "optimizer", "training"):
        for pointer, part in parts(getattr(spec, key), (key,)):
            if isinstance(part, Schedule):
                yield pointer, part


def _name(component: Component) -> str:
    return registry.name_of(component.group, type(component))
