"""The contract of optimizers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from specnet.component import Component
from specnet.schedules.base import Schedule, scheduled
from specnet.workspace import Workspace

PIECE = 65_536
"""Elements that are updated at a time: a few arrays of this length stay in a core's cache."""


class Optimizer(Component):
    """Turns gradients into steps.

    The rule is elementwise on `(w, g, *slots)`, so it is applied to the flat vectors in cache-sized pieces. Slots
    are arrays like the parameters that start at 0 and are saved with the run; `slot_names` says which are needed.
    A rule that needs whole tensors sets `whole_tensors`: it then gets one parameter at a time, in its shape.
    """

    group: ClassVar[str] = "optimizers"
    whole_tensors: ClassVar[bool] = False
    learning_rate: Annotated[float | Schedule, scheduled(gt=0)] = Field(
        default=0.01, description="step size: a number or a schedule"
    )

    def model_post_init(self, context: Any) -> None:
        """Give the optimizer its run-time attributes."""
        self.workspace = Workspace()

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The slots that the rule keeps."""
        return ()

    @abstractmethod
    def update(self, w: np.ndarray, g: np.ndarray, *slots: np.ndarray, step: int) -> None:
        """Change w and the slots in place, given the gradient g; `step` counts the steps already taken."""

    def pieces(self, w: np.ndarray, g: np.ndarray, slots: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        """Return what `update` gets, one after the other, of a flat vector w (size,), its gradient and slots.

        They are views, cut once for all steps; `slots` is (count, size).
        """
        cuts = [slice(start, start + PIECE) for start in range(0, w.size, PIECE)]
        return [(w[cut], g[cut], *slots[:, cut]) for cut in cuts]
