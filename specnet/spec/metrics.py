"""Checks of a spec's metrics: their names, their task, and the predictions that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specnet import registry
from specnet.component import fresh_copy
from specnet.errors import AmbiguousTaskError, Diagnostic, ShapeError
from specnet.faults import guarded
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.spec.model import Spec
from specnet.spec.plan import Plan
from specnet.spec.units import task_of
from specnet.task import Task
from specnet.training.heads import measurable
from specnet.training.regularization import PENALTIES


def check_names(metrics: Sequence[Metric | None]) -> Iterator[Diagnostic]:
    """Check that no two metrics have one name: it is their column in the history."""
    places = {"loss": "at loss"} | dict.fromkeys(PENALTIES, "as that of a penalty")
    for number, metric in enumerate(metrics):
        if metric and metric.label in places:
            message = f'the name "{metric.label}" already appears {places[metric.label]}'
            help = 'leave it out, or give it another "name"'
            yield Diagnostic("duplicate-metric", message, ("metrics", number), help)
        elif metric:
            places[metric.label] = f"at metrics.{number}"


def check_predictions(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that predictions are probabilities where a metric needs them."""
    if spec.loss is None or plan.output_kind != "numbers" or spec.loss.takes == "logits":
        return
    if type(spec.loss).predictions is Loss.predictions:
        metrics: Sequence[Metric | None] = spec.metrics
        for number, metric in enumerate(metrics):
            if metric and metric.needs_probabilities:
                name = registry.name_of("metrics", type(metric))
                message = f"{name} needs probabilities, but the predictions are numbers of any size"
                help = "end with the layer sigmoid or softmax, or use a loss on logits, such as cross_entropy"
                yield Diagnostic("metric-output", message, ("metrics", number), help)


def check_task(loss: Loss, metrics: Sequence[Metric | None], task: Task) -> Iterator[Diagnostic]:
    """Check that the loss fits the task, and that every metric can measure it."""
    with guarded(loss, ("loss",), "check_task"):
        try:
            loss.check_task(task)
        except ShapeError as error:
            yield Diagnostic("loss-task", error.message, ("loss", *error.pointer), error.help)
    for number, metric in enumerate(metrics):
        if metric:
            with guarded(metric, ("metrics", number), "check_task"):
                if isinstance(found := measurable(metric, task), ShapeError):
                    yield Diagnostic("metric-task", found.message, ("metrics", number, *found.pointer), found.help)


def check_known_task(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Check that loss and metrics fit the task, if it and the names of its classes are known without data."""
    if spec.loss is None or None in (*spec.transforms.targets, *spec.layers):
        return
    try:
        task = task_of(spec, plan.outline.about_targets, plan.output_shape)
    except AmbiguousTaskError:  # reported by the check of the layers
        return
    except ShapeError as error:
        yield from error.diagnostics
        return
    if task is None or (task.has_classes and not plan.outline.class_names):
        return
    yield from check_task(spec.loss, spec.metrics, task)
    if len(task.parts) > 1 and plan.output_shape is not None and plan.targets is not None:
        loss = fresh_copy(spec.loss)
        loss.task = task
        try:
            loss.check_shapes(plan.output_shape, plan.targets)
        except ShapeError as error:
            yield from error.diagnostics
