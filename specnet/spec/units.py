"""The task of a spec, and what only data decide: units left out, sizes of vocabularies, balanced class weights."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from specnet.component import fresh_copy
from specnet.datasets.base import AnySamples, Data
from specnet.datasets.rows import pieces
from specnet.diagnostics import show_value
from specnet.errors import AmbiguousTaskError, DataError, Diagnostic, ShapeError, SpecError
from specnet.faults import guarded
from specnet.layers.base import walk
from specnet.parts import parts
from specnet.spec.model import Spec
from specnet.spec.plan import is_open, lacks_vocabulary, make_plan
from specnet.task import MAX_CLASSES, Shape, Targets, Task, TaskPart, class_numbers
from specnet.transforms.base import Transform
from specnet.words import Pointer

BALANCED = "balanced"
"""Value of a loss's `class_weight` that stands for weights found from the training samples."""


def task_of(spec: Spec, targets: Targets, outputs: Shape | None = None) -> Task | None:
    """Return the task of a spec's network for these targets; arguments and errors as in `Loss.decide`."""
    transforms = [each for each in spec.transforms.targets if isinstance(each, Transform)]
    categorical = any(each.categorical for each in transforms)
    try:
        return spec.loss.decide(targets, outputs, categorical)
    except ShapeError as error:
        raise error.at("loss") from None


def loaded_task(spec: Spec, data: Data, outputs: Shape) -> Task:
    """Return what a spec's network with outputs of a shape learns of these data.

    Raises:
        DataError: if classes with names would be learned as the numbers that stand for them.
    """
    task = task_of(spec, data.about_targets, outputs)
    assert task is not None
    if task.only.kind == "regression" and any(name != str(number) for number, name in enumerate(data.classes)):
        raise DataError(
            f"the targets are text, {len(data.classes)} classes {show_value(data.classes)}: this loss would learn the "
            "positions of their names in the alphabet",
            pointer=("loss",),
            help="for classes use cross_entropy with one unit for each; write numbers as digits with a decimal point",
        )
    return task


def resolve_units(spec: Spec, targets: Targets, target_shape: Shape | None, input_shape: Shape | None) -> Spec:
    """Return a spec whose last linear layer has the units that the task needs, if they are left out.

    Shapes are those of transformed samples. If they or the task are not known yet, the spec is returned unchanged.

    Raises:
        SpecnetError: if two tasks are possible, or a layer with parameters follows.
    """
    number = last_open(spec)
    if number is None or target_shape is None or input_shape is None or spec.loss is None:
        return spec
    try:
        task = task_of(spec, targets)
    except AmbiguousTaskError as error:
        raise error.at("layers", number) from None
    numbered = targets.kind == "classes" and not spec.transforms.targets
    units = _needed(spec, targets, task, target_shape[-1] if target_shape and not numbered else 1)
    if units is None:
        return spec
    resolved = with_units(spec, number, units)
    following = make_plan(resolved, input_shape).layers[number + 1 :]
    if any(inner.parameters or inner.shared for layer in following for _, inner in walk(layer, "")):
        raise SpecError([missing_units(("layers", number))])
    return resolved


def resolve_dataset(spec: Spec, early: bool = False) -> tuple[Spec, list[Diagnostic]]:
    """Return a spec whose dataset has written out what it finds in its file, and warnings; arguments as there.

    Raises:
        SpecnetError: if the file cannot be read, or is not what the spec says.
    """
    if not spec.dataset:  # in a spec with mistakes
        return spec, []
    classes = bool(spec.loss) and "regression" not in spec.loss.learns
    reserved = [spec.split.column] if spec.split.column else []
    with guarded(spec.dataset, ("dataset",), "resolve"):
        dataset, found = spec.dataset.resolve(classes=classes, reserved=reserved, early=early)
    warnings = [Diagnostic("data", message, ("dataset",), severity="warning") for message in found]
    return spec.model_copy(update={"dataset": dataset}), warnings


def resolve_early(spec: Spec) -> Spec:
    """Return a spec as `resolve_units` does, as far as the dataset's outline is known."""
    lacking = [*_lacking(spec)]
    if last_open(spec) is None and not lacking:
        return spec
    plan = make_plan(spec)
    if plan.outline.vocabulary is not None:
        spec = _with_vocabulary(spec, plan.outline.vocabulary)
    return resolve_units(spec, plan.outline.about_targets, plan.targets, plan.inputs)


def resolve_loaded(spec: Spec, data: Data, transformed: AnySamples) -> Spec:
    """Return a spec as `resolve_units` does, given the data and the transformed training samples.

    Balanced weights of classes are replaced by numbers.

    Raises:
        SpecnetError: as `resolve_units` does, or if the loss does not say how many units it needs.
    """
    spec = _with_vocabulary(_balance(spec, data), data.vocabulary)
    number = last_open(spec)
    if number is None:
        return spec
    shapes = transformed.targets.shape[1:], transformed.inputs.shape[1:]
    resolved = resolve_units(spec, data.about_targets, *shapes)
    if is_open(resolved.layers[number]):
        if "regression" not in spec.loss.learns and math.prod(shapes[0]) == 1:
            _check_class_numbers(data, transformed, getattr(spec.loss, "ignore_index", None))
        raise SpecError([missing_units(("layers", number))])
    return resolved


def _check_class_numbers(data: Data, transformed: AnySamples, ignored: int | None) -> None:
    """Check that the targets of the training samples, one number each, are class numbers or the ignored one.

    Raises:
        DataError: naming the first one that cannot.
    """
    targets = np.concatenate([*pieces(transformed.targets)]).ravel()
    wrong = (targets < 0) | (targets != np.rint(targets)) | (targets >= MAX_CLASSES)
    wrong &= targets != ignored
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"target {targets[row]:g} in {data.place('train', row)} is not a class: class numbers are whole numbers "
            f"from 0 to {MAX_CLASSES - 1}",
            pointer=("loss",),
            help="number the classes from 0, or let targets be their names; for numbers use the loss mse",
        )


def _balance(spec: Spec, data: Data) -> Spec:
    """Return a spec with the numbers that balanced weights of classes stand for."""
    losses = [*spec.loss.heads]
    task = spec.loss.decide(data.about_targets) if len(losses) > 1 else None
    for place in _balanced(spec):
        weights = _balanced_weights(data, task, task.parts[place] if task else None)
        losses[place] = losses[place].model_copy(update={"class_weight": weights})
        spec = spec.model_copy(update={"loss": spec.loss.with_heads(losses)})
    return spec


def _balanced(spec: Spec) -> list[int]:
    """Return which of the losses of a spec's heads have balanced weights."""
    return [n for n, loss in enumerate(spec.loss.heads) if getattr(loss, "class_weight", None) == BALANCED]


def _balanced_weights(data: Data, task: Task | None, part: TaskPart | None) -> dict[str, float]:
    """Return the weight of each class, so that all count the same in total; of a part of a task, or of the only one."""
    counts: Counter[int] = Counter()
    for piece, mask in _masked_targets(data.train):
        numbers = class_numbers(task.targets_of(part, piece) if task and part else piece)
        if numbers is not None and mask is not None and numbers.shape == mask.shape:
            numbers = numbers[mask]
        if numbers is None or (numbers < 0).any():
            message = "balanced weights need targets that are classes"
            raise SpecError([Diagnostic("loss-task", message, ("loss", "class_weight"))])
        counts.update(numbers.ravel().tolist())
    one_hot = data.train.targets.shape[1:] == (len(data.target_names),) and len(data.target_names) > 1
    names = part.classes if part else data.classes or (data.target_names if one_hot else ())
    names = names or tuple(map(str, range(max(counts) + 1)))
    return {names[k]: counts.total() / (len(counts) * counts[k]) for k in sorted(counts)}


def _masked_targets(samples: AnySamples) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield all targets, and the mask (n, time) of their samples; piece by piece if they are streamed."""
    if samples.mask is None:  # then inputs need not be read
        return ((piece, None) for piece in pieces(samples.targets))
    return ((piece.targets, piece.mask) for piece in samples.pieces())


def adopt_resolved(spec: Spec, before: Spec) -> Spec:
    """Return a spec with what a run has found for it: units that are left out, and balanced weights of classes."""
    losses, found = [*spec.loss.heads], before.loss.heads
    for place in _balanced(spec) if len(losses) == len(found) else ():
        weights = getattr(found[place], "class_weight", None)
        losses[place] = losses[place].model_copy(update={"class_weight": weights})
        spec = spec.model_copy(update={"loss": spec.loss.with_heads(losses)})
    known = dict(parts(before.layers))
    for size in (getattr(known.get(pointer), "input_dim", None) for pointer in _lacking(spec)):
        spec = _with_vocabulary(spec, size) if size else spec
    number = last_open(spec)
    if number is None or len(spec.layers) != len(before.layers):
        return spec
    return with_units(spec, number, getattr(before.layers[number], "units", None))


def _lacking(spec: Spec) -> Iterator[Pointer]:
    """Yield the place in `layers` of each embedding without the size of its vocabulary."""
    return (pointer for pointer, part in parts(spec.layers) if lacks_vocabulary(part))


def _with_vocabulary(spec: Spec, size: int) -> Spec:
    """Return a spec with the size of the dataset's vocabulary in all embeddings that leave it out.

    Raises:
        SpecError: if the inputs have none.
    """
    lacking = [*_lacking(spec)]
    if not lacking:
        return spec
    if not size or spec.transforms.inputs:
        message = "the dataset has no vocabulary" if not size else "transforms replace the dataset's vocabulary"
        help = "set input_dim: numbers are less than it"
        raise SpecError([Diagnostic("missing-key", message, ("layers", *place), help) for place in lacking])
    layers = fresh_copy(spec.layers)
    for _, part in parts(layers):
        if lacks_vocabulary(part):
            part.input_dim = size
    return spec.model_copy(update={"layers": layers})


def with_units(spec: Spec, number: int, units: int | None) -> Spec:
    """Return a spec with other units of a layer in the top list."""
    layers = [*spec.layers]
    layers[number] = layers[number].model_copy(update={"units": units})
    return spec.model_copy(update={"layers": layers})


def _needed(spec: Spec, targets: Targets, task: Task | None, columns: int) -> int | None:
    """Return the units that every possible task needs; None if they differ or are unknown."""
    if task is None and targets.kind != "numbers" and "regression" in spec.loss.learns:
        return None  # there may be more than two classes
    possible = [task] if task else [Task((TaskPart(kind),)) for kind in spec.loss.learns]
    with guarded(spec.loss, ("loss",), "units"):
        found = {spec.loss.units(each, columns) for each in possible}
    return found.pop() if len(found) == 1 else None


def last_open(spec: Spec) -> int | None:
    """Return the index of the last linear layer in the top list, if it has no units."""
    linear = [number for number, layer in enumerate(spec.layers) if layer and hasattr(layer, "units")]
    return linear[-1] if linear and is_open(spec.layers[linear[-1]]) else None


def check_units(spec: Spec) -> Iterator[Diagnostic]:
    """Check that only the last linear layer leaves its units out."""
    allowed = ("layers", last_open(spec))
    for pointer, part in parts(spec.layers, ("layers",)):
        if is_open(part) and pointer != allowed:
            yield missing_units(pointer)


def missing_units(pointer: Pointer) -> Diagnostic:
    """Return the mistake for a linear layer whose units cannot be left out."""
    message = 'this linear layer has no "units"'
    help = "add them; only the last linear layer may leave them out, if no layer with parameters follows"
    return Diagnostic("missing-key", message, pointer, help)
