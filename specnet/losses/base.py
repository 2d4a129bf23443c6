"""The contract of losses."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.component import Component
from specnet.errors import DataError, ShapeError
from specnet.workspace import Workspace

Shape = tuple[int, ...]


class Loss(Component):
    """A number to be minimised, and its gradient with respect to the network's output.

    `forward(y, target)` returns the loss of a batch; `backward()` then returns dy, the gradient of exactly that
    number, in y's shape and dtype, in an array that the caller may overwrite and that is valid until the next
    `forward`. With `"reduction": "mean"` the loss is the average over all elements of the batch, with "sum" their
    sum; an element is a number of y or, in a loss of whole distributions, a last axis of y. Loss and gradient are
    finite for all outputs that it takes, probabilities of exactly 0 and 1 among them. Arrays as large as a batch may
    come from `self.workspace`, which gives the same ones in each step.
    """

    group: ClassVar[str] = "losses"
    takes: ClassVar[Literal["numbers", "probabilities", "logits"]] = "numbers"
    """What outputs should be: any numbers, probabilities, or logits, which are numbers but no probabilities."""
    arrays: ClassVar[int] = 2
    """How many arrays of the size of outputs are kept from step to step."""
    reduction: Literal["mean", "sum"] = Field(default="mean", description="how elements become one number")

    def model_post_init(self, context: Any) -> None:
        """Give the loss its run-time attributes."""
        self.workspace = Workspace()

    @abstractmethod
    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        """Return the loss of outputs y (n, *output_shape) for targets as `prepare` returns them."""

    @abstractmethod
    def backward(self) -> np.ndarray:
        """Return dL/dy for the last `forward`."""

    def predictions(self, y: np.ndarray) -> np.ndarray:
        """Return what outputs y mean to a reader: themselves, or probabilities for a loss on logits."""
        return y

    def example_outputs(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return outputs of `shape`, the batch axis first, that `specnet.testing` tries the loss with.

        By default as `takes` says. A loss overrides this that takes others: one with log(y) positive numbers.
        """
        if self.takes == "probabilities":
            return rng.uniform(0.05, 0.95, shape)
        return rng.normal(size=shape) * 2.0

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        """Return the targets of a split as `forward` takes them; called once per split, before training.

        By default a target is a number for each output. A missing last axis of 1 is added. A loss that overrides
        this overrides `check_shapes` too if it takes other shapes, so that they are checked before data are loaded.

        Raises:
            ShapeError: if targets do not match the network's output shape.
            DataError: if a target is outside the range of the loss.
        """
        self.check_shapes(output_shape, target.shape[1:])
        return target.reshape(len(target), *output_shape).astype(dtype)

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        """Check that targets of this shape can be held against outputs; `classes` of them if class numbers.

        Raises:
            ShapeError: if they cannot.
        """
        if target_shape != output_shape and (target_shape, output_shape) != ((), (1,)):
            raise ShapeError(
                f"the last layer gives {_show(output_shape)}, the targets have {_show(target_shape)}",
                pointer=("layers",),
                help="give the last layer as many units as there are targets"
                + ("" if target_shape else "; for class targets use cross_entropy or the transform one_hot"),
            )

    def _reduce(self, elements: np.ndarray) -> float:
        return float(np.add.reduce(elements, axis=None)) * self._scale(elements.size)

    def _scale(self, count: int) -> float:
        """What one of `count` elements weighs in the reduced loss."""
        return 1.0 / count if self.reduction == "mean" else 1.0


def check_probabilities(target: np.ndarray) -> None:
    """Check that targets can be probabilities.

    Raises:
        DataError: naming the first one that is outside [0, 1].
    """
    outside = (target < 0) | (target > 1)
    if outside.any():
        place = np.argwhere(outside)[0]
        raise DataError(
            f"target {target[tuple(place)]:g} in row {place[0]} is outside the range from 0 to 1",
            pointer=("loss",),
            help="binary losses take targets of 0 and 1; for more classes use cross_entropy, for numbers mse",
        )


def _show(shape: Shape) -> str:
    return f"shape {shape}" if shape else "one number each"
