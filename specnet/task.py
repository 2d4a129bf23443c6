"""`Task`: what a network learns, decided once from the dataset and the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TaskKind = Literal["regression", "binary", "multiclass", "multilabel"]
"""Numbers, yes or no, one of k classes, or several labels that are each yes or no."""


@dataclass(frozen=True)
class TaskPart:
    """What some columns of the outputs stand for.

    `columns` are those of the outputs, from the first to before the last; None means all of them. `classes` are the
    names of the classes, empty in a regression; `names` are those of the target columns.
    """

    kind: TaskKind
    columns: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """What a network learns: one part in the ordinary case, one for each head where a network has several."""

    parts: tuple[TaskPart, ...]

    @property
    def only(self) -> TaskPart:
        """The part of a task that has one.

        Raises:
            ValueError: if there are several.
        """
        (part,) = self.parts
        return part
