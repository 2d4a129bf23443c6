"""The loss of a network with several heads, each of which learns some of the targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from specnet.component import NameOrNumber, Section, reference
from specnet.errors import ShapeError, SpecnetError
from specnet.losses.base import Invert, Loss
from specnet.names import suggest
from specnet.task import Shape, Targets, Task, TaskPart
from specnet.words import quote


class Head(Section):
    """A loss in a sum, with the targets that it learns and the outputs that it takes."""

    loss: Annotated[Loss, reference("losses")] = Field(description="loss of these targets")
    targets: list[NameOrNumber] = Field(
        min_length=1, max_length=10_000, description="target columns that it learns, by name or number"
    )
    units: PositiveInt | None = Field(
        default=None, description="outputs that it takes, after those of the loss before; null: what the loss needs"
    )
    weight: NonNegativeFloat = Field(default=1.0, description="factor of this loss in the sum")

    @property
    def name(self) -> str:
        """What the history calls the head: its targets."""
        return "+".join(self.targets)


class SumLoss(Loss):
    r"""The weighted sum of several losses, for a network with several heads: L = sum_i w_i L_i, dy = [w_i dy_i].

    Each loss takes the next outputs, those of the branches of a last `parallel` layer for instance, and learns some
    columns of the targets. L_i is the mean over samples and over the elements of each; weights of classes multiply
    elements, ignored ones are 0, and neither changes what it is divided by. With the reduction "sum", L is the sum over
    samples. A metric measures each head that it can, as `accuracy/species`; the history has L_i, without its weight, as
    `loss/species`. Caruana, "Multitask learning", 1997.
    """

    examples = ({"losses": [{"loss": "mse", "targets": [0]}, {"loss": "mae", "targets": [1], "weight": 0.5}]},)
    losses: list[Head] = Field(
        min_length=1,
        max_length=100,
        description="losses, in the order of the outputs",
        examples=[[{"loss": "cross_entropy", "targets": ["class"]}, {"loss": "mse", "targets": ["number"]}]],
    )

    @model_validator(mode="after")
    def _means(self) -> Self:
        for head in self.losses:
            if getattr(head.loss, "reduction", "mean") != "mean":
                raise ValueError('set "reduction" of the sum, not of a loss inside it')
        return self

    @property
    def heads(self) -> list[Loss]:
        return [head.loss for head in self.losses]

    def with_heads(self, losses: Sequence[Loss]) -> Loss:
        heads = [head.model_copy(update={"loss": loss}) for head, loss in zip(self.losses, losses, strict=True)]
        return self.model_copy(update={"losses": heads})

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self._bound: Task | None = None
        self._bind(None)
        names = [head.name for head in self.losses]  # a number tells apart heads that learn the same targets
        unique = (name if names.count(name) == 1 else f"{name} {place}" for place, name in enumerate(names))
        self.head_sums = dict.fromkeys(unique, 0.0)

    def _bind(self, task: Task | None) -> None:
        """Find which targets and outputs each loss has; without a task, columns follow each other."""
        self._bound = task
        ends = [*accumulate((len(head.targets) for head in self.losses), initial=0)]
        self._columns = [list(range(*ends)) for ends in pairwise(ends)]
        if task:
            self._columns = [list(part.targets) for part in task.parts]
            for head, part in zip(self.losses, task.parts, strict=True):
                head.loss.task = Task((replace(part, columns=None, targets=()),))

    def widths(self, task: Task | None) -> list[int | None]:
        """Return the number of outputs of each loss, None where that depends on the task."""
        parts = [TaskPart("regression")] * len(self.losses) if task is None else task.parts
        found = []
        for head, part in zip(self.losses, parts, strict=True):
            known = task is not None or "regression" in head.loss.learns
            needed = head.loss.units(Task((part,)), len(head.targets)) if known else None
            found.append(head.units or needed)
        return found

    def _heads(self, y: np.ndarray) -> Iterator[tuple[Head, list[int], np.ndarray]]:
        """Yield each head with its target columns and its outputs."""
        if self._bound is not self.task:
            self._bind(self.task)
        widths = self.widths(self.task)
        rest = y.shape[-1] - sum(width or 0 for width in widths)
        ends = [*accumulate((rest if width is None else width for width in widths), initial=0)]
        for head, columns, (start, stop) in zip(self.losses, self._columns, pairwise(ends), strict=True):
            yield head, columns, y[..., start:stop]

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        total, self._outputs = 0.0, [*self._heads(y)]
        self.counted = self.total_weight(y.shape, weight)
        samples = self.counted if self.divisor is None else self.divisor
        for name, (head, columns, part) in zip(self.head_sums, self._outputs, strict=True):
            elements = head.loss.total_weight((1, *part.shape[1:])) / self.total_weight((1, *part.shape[1:]))
            divisor = samples if self.reduction == "mean" else 1.0
            head.loss.divisor = elements * divisor
            learned = target[..., columns]
            learned = learned[..., 0].astype(np.int64) if _takes_classes(head.loss, part) else learned
            value = head.loss.forward(part, learned, weight)
            self.head_sums[name] = value * divisor
            total += head.weight * value
        return total

    def backward(self) -> np.ndarray:
        return np.concatenate([head.weight * head.loss.backward() for head, _, _ in self._outputs], axis=-1)

    def interpret(self, y: np.ndarray, invert: Invert) -> np.ndarray:
        count = 1 + max(number for columns in self._columns for number in columns)

        def inverted(columns: list[int], values: np.ndarray) -> np.ndarray:
            if values.shape[-1] != len(columns):  # scores of classes
                return values
            places = {column: slice(n, n + 1) for n, column in enumerate(columns)}
            empty = 0 * values[..., :1]
            rows = [values[..., places[each]] if each in places else empty for each in range(count)]
            found = invert(np.concatenate(rows, axis=-1))
            return np.concatenate([found[..., each : each + 1] for each in columns], axis=-1)

        parts = []
        for head, columns, part in self._heads(y):
            parts.append(head.loss.interpret(part, partial(inverted, columns)))
        return np.concatenate(parts, axis=-1)

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return np.concatenate([head.loss.predictions(part) for head, _, part in self._heads(y)], axis=-1)

    def element_shape(self, output_shape: Shape) -> Shape:
        return output_shape[:-1]

    def units(self, task: Task, columns: int) -> int | None:
        widths = self.widths(task if len(task.parts) == len(self.losses) and task.parts[0].targets else None)
        return None if None in widths else sum(width or 0 for width in widths)

    def decide(self, targets: Targets, outputs: Shape | None = None, categorical: bool = False) -> Task | None:
        if targets.shape is None:
            return None
        parts, start = [], 0
        for number, head in enumerate(self.losses):
            with _of_head(number):
                columns = tuple(_find(name, place, targets) for place, name in enumerate(head.targets))
                if -1 in columns:
                    return None
                task = head.loss.decide(targets.select(columns), (head.units,) if head.units else None)
                width = task and (head.units or head.loss.units(task, len(columns)))
                if not task or not width:
                    return None
            predicted = head.loss.predictions(np.zeros((1, width))).shape[-1]
            found = replace(task.only, targets=columns, columns=(start, start + predicted))
            parts.append(replace(found, names=found.names or (head.name,)))
            start += predicted
        if unused := {*range(targets.shape[-1] if targets.shape else 1)} - {n for part in parts for n in part.targets}:
            names = targets.names or [*map(str, range(max(unused) + 1))]
            message = f"no loss of the sum learns the target {quote(names[min(unused)])}"
            raise ShapeError(message, pointer=("losses",), help="add one, or leave this target out of the dataset")
        return Task(tuple(parts))

    def check_task(self, task: Task) -> None:
        for number, (head, part) in enumerate(zip(self.losses, task.parts, strict=True)):
            with _of_head(number):
                if part.kind not in head.loss.learns:
                    name = quote(head.name)
                    raise ShapeError(f"the targets {name} are {part.kind}, which this loss cannot learn")
                head.loss.check_task(Task((replace(part, targets=(), columns=None),)))

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        widths, known = self.widths(self.task), [width for head in self.losses if (width := head.units)]
        outputs = output_shape[-1] if output_shape else 0
        if None in widths:
            widths, enough = known, sum(known) <= outputs  # type: ignore[assignment]
        else:
            enough = sum(width or 0 for width in widths) == outputs
        count = target_shape[-1] if target_shape else 1
        if (needed := 1 + max(number for columns in self._columns for number in columns)) > count:
            raise ShapeError(f"the losses of the sum learn {needed} targets, there are {count}", pointer=("loss",))
        if not enough:
            wanted = " + ".join(map(str, widths))
            raise ShapeError(
                f"the last layer returns {outputs} outputs, but the losses of the sum take {wanted}",
                pointer=("layers",),
                help="give the branches of the last layer as many units, in the order of the losses",
            )

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        target = target.reshape(len(target), *output_shape[:-1], -1)
        prepared = target.astype(dtype)
        for head, columns, part in self._heads(np.empty((1, *output_shape), dtype)):
            found = head.loss.prepare(target[..., columns], part.shape[1:], dtype)
            prepared[..., columns] = found.reshape(*target.shape[:-1], len(columns))
        return prepared


def _takes_classes(loss: Loss, y: np.ndarray) -> bool:
    """Return whether a loss of these outputs takes class numbers."""
    try:
        return loss.prepare(np.zeros((1, *y.shape[1:-1], 1)), y.shape[1:], y.dtype).dtype.kind == "i"
    except SpecnetError:
        return False


def _find(name: str, place: int, targets: Targets) -> int:
    """Return the index of a target column; -1 if it is not known yet.

    Raises:
        ShapeError: if there is no such column.
    """
    count = targets.shape[-1] if targets.shape else 1
    if name in targets.names:
        return targets.names.index(name)
    if name.isdecimal() and int(name) < count:
        return int(name)
    if not targets.names and not name.isdecimal():
        return -1
    known = targets.names or tuple(map(str, range(count)))
    raise ShapeError(f"there is no target {quote(name)}", pointer=("targets", place), help=suggest(name, known))


@contextmanager
def _of_head(number: int) -> Iterator[None]:
    """Add the place of a head to errors from inside."""
    try:
        yield
    except ShapeError as error:
        raise error.at("losses", number) from None
