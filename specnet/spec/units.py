"""The task of a spec, and the units of a last layer without `units`."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.component import parts
from specnet.datasets.base import AnySamples, Data
from specnet.diagnostics import show_value
from specnet.errors import AmbiguousTaskError, DataError, Diagnostic, SpecError
from specnet.faults import guarded
from specnet.layers.base import walk
from specnet.spec.model import Spec
from specnet.spec.plan import is_open, make_plan
from specnet.task import Shape, Targets, Task, TaskPart, decide_task
from specnet.transforms.base import Transform
from specnet.words import Pointer


def task_of(spec: Spec, targets: Targets, outputs: Shape | None = None) -> Task | None:
    """Return the task of a spec's network for these targets; arguments and errors as in `decide_task`."""
    transforms = [each for each in spec.transforms.targets if isinstance(each, Transform)]
    categorical = any(each.categorical for each in transforms)
    return decide_task(targets, spec.loss.learns, outputs, categorical)


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
    units = _needed(spec, targets, task, target_shape[-1] if target_shape else 1)
    if units is None:
        return spec
    resolved = with_units(spec, number, units)
    following = make_plan(resolved, input_shape).layers[number + 1 :]
    if any(inner.parameters or inner.shared for layer in following for _, inner in walk(layer, "")):
        raise SpecError([missing_units(("layers", number))])
    return resolved


def resolve_early(spec: Spec) -> Spec:
    """Return a spec as `resolve_units` does, as far as the dataset's outline is known."""
    if last_open(spec) is None:
        return spec
    plan = make_plan(spec)
    return resolve_units(spec, plan.outline.about_targets, plan.targets, plan.inputs)


def resolve_loaded(spec: Spec, data: Data, transformed: AnySamples) -> Spec:
    """Return a spec as `resolve_units` does, given the data and the transformed training samples.

    Raises:
        SpecnetError: as `resolve_units` does, or if the loss does not say how many units it needs.
    """
    number = last_open(spec)
    if number is None:
        return spec
    shapes = transformed.targets.shape[1:], transformed.inputs.shape[1:]
    resolved = resolve_units(spec, data.about_targets, *shapes)
    if is_open(resolved.layers[number]):
        raise SpecError([missing_units(("layers", number))])
    return resolved


def adopt_units(spec: Spec, before: Spec) -> Spec:
    """Return a spec with the units that its last linear layer had in a run, if they are left out."""
    number = last_open(spec)
    if number is None or len(spec.layers) != len(before.layers):
        return spec
    return with_units(spec, number, getattr(before.layers[number], "units", None))


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
