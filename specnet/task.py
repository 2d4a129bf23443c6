"""`Task`: what a network learns, decided once from dataset and loss; and how to read arrays as classes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from specnet.errors import AmbiguousTaskError

Shape = tuple[int, ...]
TaskKind = Literal["regression", "binary", "multiclass", "multilabel"]
"""Numbers, yes or no, one of k classes, or several labels, each yes or no."""
TargetKind = Literal["numbers", "classes"]
"""Numbers of any kind, or class numbers: whole numbers from 0, as integers or with names."""

MAX_CLASSES = 65_536
"""Whole numbers from here on are measurements, not classes, unless the dataset has that many names."""
MAX_CLASS_NUMBER = 2**31
"""Whole numbers from here on are never classes."""


@dataclass(frozen=True)
class TaskPart:
    """The meaning of some columns of the outputs.

    `columns` is a range of columns of the predictions, start and end; None means all of them. `classes` are the
    names of the classes or labels, empty in a regression; `names` are those of the target columns, and `targets` their
    numbers; () means all.
    """

    kind: TaskKind
    columns: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    targets: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What the history calls the part, in a task with several."""
        return "+".join(self.names)

    @property
    def has_classes(self) -> bool:
        """Whether each sample belongs to one of the classes."""
        return self.kind in ("binary", "multiclass")


@dataclass(frozen=True)
class Task:
    """What a network learns: usually one part, or one for each head of a network with several."""

    parts: tuple[TaskPart, ...]

    @property
    def only(self) -> TaskPart:
        """The part of a task with one part; of one with several, numbers without names."""
        return self.parts[0] if len(self.parts) == 1 else TaskPart("regression")

    @property
    def has_classes(self) -> bool:
        """Whether the only part says to which class a sample belongs."""
        return self.only.has_classes

    def select(self, part: TaskPart, prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the predictions and the targets of a part, given those of all; a single target without its axis."""
        return self.predictions_of(part, prediction), self.targets_of(part, target)

    def predictions_of(self, part: TaskPart, prediction: np.ndarray) -> np.ndarray:
        """Return the predictions of a part, given those of all."""
        return prediction if len(self.parts) == 1 else prediction[..., slice(*(part.columns or (None,)))]

    def targets_of(self, part: TaskPart, target: np.ndarray) -> np.ndarray:
        """Return the targets of a part, given those of all; a single one without its axis."""
        if len(self.parts) == 1:
            return target
        first, *others = part.targets
        return target[..., part.targets] if others else target[..., first]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the parts as a JSON value."""
        return json.loads(json.dumps([asdict(part) for part in self.parts]))

    @classmethod
    def from_json(cls, told: Sequence[Mapping[str, Any]]) -> Task:
        """Return the task whose parts `to_json` returned."""
        tuples = ("columns", "classes", "names", "targets")
        parts = ({name: tuple(part[name]) for name in tuples if part.get(name) is not None} for part in told)
        return cls(tuple(TaskPart(each["kind"], **part) for each, part in zip(told, parts, strict=True)))


class Values(NamedTuple):
    """Whether all targets are whole numbers from 0, 0 or 1, or rows with a single 1; and the largest of them."""

    whole: bool
    binary: bool
    one_hot: bool
    largest: float


@dataclass(frozen=True)
class Targets:
    """What is known about a dataset's targets; None means unknown.

    `shape` is that of one sample. `count` classes have the names `classes`, or none. `pieces` returns all targets in
    pieces, once they are loaded.
    """

    shape: Shape | None = None
    kind: TargetKind | None = None
    count: int | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    pieces: Callable[[], Iterable[np.ndarray]] | None = None
    column_classes: tuple[tuple[str, ...], ...] = ()
    """Of several columns the classes of each, () if it has numbers."""

    def select(self, columns: Sequence[int]) -> Targets:
        """Return what is known about some columns."""
        if self.shape in ((), (1,)):
            return self
        assert self.shape
        names = tuple(self.names[number] for number in columns) if self.names else ()
        own = self.column_classes[columns[0]] if self.column_classes and len(columns) == 1 else ()
        pieces = self.pieces
        return Targets(
            (*self.shape[:-1], len(columns)) if len(columns) > 1 else self.shape[:-1],
            "classes" if own else self.kind,
            len(own) or None,
            own,
            names,
            pieces and (lambda: (piece[..., [*columns]].reshape(len(piece), -1) for piece in pieces())),
        )

    def look(self) -> Values | None:
        """Return the properties of all targets, or None before they are loaded."""
        if self.pieces is None:
            return None
        found = Values(whole=True, binary=True, one_hot=True, largest=0.0)
        for piece in self.pieces():
            binary = found.binary and bool(((piece == 0) | (piece == 1)).all())
            found = Values(
                found.whole and bool((piece >= 0).all()) and np.array_equal(piece, np.rint(piece)),
                binary,
                binary and found.one_hot and piece.ndim > 1 and bool((piece.sum(axis=-1) == 1).all()),
                max(found.largest, float(piece.max())),
            )
            if not found.whole:
                break
        return found


def decide_task(
    targets: Targets, learns: Collection[TaskKind], outputs: Shape | None = None, categorical: bool = False
) -> Task | None:
    """Return the task of a network, or None if it depends on targets that are not loaded yet.

    Class numbers are binary with one output and multiclass with several. Whole numbers are class numbers only if the
    dataset says so, if the loss does not learn regression, or after a `categorical` transform of the targets. Rows with
    a single 1 are multiclass, other rows of 0 and 1 multilabel. Anything else is regression. `outputs` is the shape of
    the network's outputs, None if the number of units is still open.

    Raises:
        AmbiguousTaskError: if more than two classes could also be numbers, and the units are open.
    """
    if targets.shape is None:
        return None
    if _is_number(targets.shape, outputs) or (outputs is None and targets.kind == "classes"):
        return _of_numbers(targets, learns, outputs, categorical)
    if (values := targets.look()) is None:
        return None
    labels = targets.names if len(targets.names) == targets.shape[-1] else tuple(map(str, range(targets.shape[-1])))
    if values.one_hot and (len(targets.shape) == 1 or "multilabel" not in learns):
        return _task("multiclass", targets, targets.classes or labels)
    if values.binary and "multilabel" in learns:
        return _task("multilabel", targets, labels)
    return _task("regression", targets)


def _is_number(shape: Shape, outputs: Shape | None) -> bool:
    """Return whether targets of a shape are one number for each sample, or for each position of the outputs."""
    if shape in ((), (1,)) or outputs is None:
        return shape in ((), (1,))
    return shape != outputs and shape in (outputs[:-1], (*outputs[:-1], 1))


def _of_numbers(
    targets: Targets, learns: Collection[TaskKind], outputs: Shape | None, categorical: bool
) -> Task | None:
    """Return the task for targets that are one number each, as `decide_task` does."""
    may_be_classes = categorical or "regression" not in learns or targets.kind == "classes"
    if not may_be_classes:
        return None if targets.kind is None else _task("regression", targets)
    count = targets.count
    if count is None:
        if (values := targets.look()) is None:
            return None
        if not values.whole or values.largest >= MAX_CLASSES:
            return _task("regression", targets)
        count = int(values.largest) + 1
    names = targets.classes or tuple(map(str, range(max(count, 2))))
    if outputs is not None:
        if categorical or math.prod(outputs[-1:]) > 1:
            return _task("multiclass", targets, names)
        return _task("binary", targets, names) if count <= 2 else _task("regression", targets)
    fitting = [kind for kind in learns if kind == "multiclass" or (kind == "binary" and count <= 2)]
    if fitting and count > 2 and "regression" in learns and not categorical:
        raise AmbiguousTaskError(
            f"the targets are the numbers of {count} classes, which this loss can learn as numbers or as classes",
            help='set "units" to 1 for numbers; for classes use cross_entropy, or transform targets with one_hot',
        )
    return _task(fitting[0], targets, names) if fitting else _task("regression", targets)


def _task(kind: TaskKind, targets: Targets, classes: tuple[str, ...] = ()) -> Task:
    return Task((TaskPart(kind, classes=classes, names=targets.names),))


def classes(scores: np.ndarray) -> np.ndarray:
    """Return class numbers from class numbers (n, ...), probabilities (n, ..., 1) or scores (n, ..., k).

    One probability means yes from 0.5 on; of several scores the largest wins.
    """
    if scores.dtype.kind in "iu":
        return scores
    if scores.ndim > 1 and scores.shape[-1] > 1:
        return np.argmax(scores, axis=-1)
    yes: np.ndarray = (scores[..., 0] if scores.ndim > 1 else scores) >= 0.5
    return yes.astype(np.int64)


def class_numbers(targets: np.ndarray) -> np.ndarray | None:
    """Return the class numbers (n, ...) of targets, or None if they are not classes.

    Classes are whole numbers, (n, ...) or (n, ..., 1), or one-hot (n, ..., k).
    """
    if targets.ndim > 1 and targets.shape[-1] > 1:
        numbers = np.argmax(targets, axis=-1)
        one_hot = np.zeros(targets.shape)
        np.put_along_axis(one_hot, numbers[..., np.newaxis], 1.0, axis=-1)
        if np.array_equal(targets, one_hot):
            return numbers
    elif targets.ndim > 1:
        targets = targets[..., 0]
    whole = np.array_equal(targets, np.rint(targets)) and (np.abs(targets.astype(np.float64)) < MAX_CLASS_NUMBER).all()
    return targets.astype(np.int64) if whole else None


def class_scores(prediction: np.ndarray) -> np.ndarray:
    """Return the score (n, k) of each class: as predicted, or 1 - p and p for one probability p of yes."""
    scores = prediction.reshape(len(prediction), math.prod(prediction.shape[1:])).astype(np.float64)
    return np.concatenate([1.0 - scores, scores], axis=1) if scores.shape[1] == 1 else scores


def own_scores(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the score (n,) that each sample's class has among scores (n, k); 0 if it has none."""
    own, known = np.zeros(len(scores)), truth < scores.shape[1]
    own[known] = scores[known, truth[known]]
    return own


def are_probabilities(scores: np.ndarray) -> bool:
    """Return whether scores (n, k) are probabilities: from 0 to 1, with sum 1."""
    return bool(((scores >= 0) & (scores <= 1)).all() and np.allclose(scores.sum(axis=1), 1.0, atol=0.01))
