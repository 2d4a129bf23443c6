"""The contract of losses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.component import Component
from specnet.errors import DataError, ShapeError
from specnet.task import Shape, Targets, Task, TaskKind, decide_task
from specnet.weights import aligned, total_weight, weighted
from specnet.words import quote

Invert = Callable[[np.ndarray], np.ndarray]
"""Undoes the transforms of targets."""


class Loss(Component):
    """A number to minimize, and its gradient with respect to the network's outputs.

    `forward(y, target, weight)` returns the loss of a batch. `backward()` then returns dy, the gradient of exactly
    that number, in the shape and dtype of y; the caller may overwrite it. Loss and gradient are finite for all outputs
    that the loss takes, probabilities of exactly 0 and 1 included. A loss computes its elements and leaves the rest to
    `reduce` and `scale`:

        def forward(self, y, target, weight=None):
            self.error = y - target
            return self.reduce(self.error**2, weight)

        def backward(self):
            return self.scale(2 * self.error)

    If each element depends on only one output, `ElementwiseLoss` needs less code.

    With `"reduction": "mean"` the loss is the weighted mean of all elements of the batch, with "sum" their weighted
    sum. An element is one number of y or, in a loss of whole distributions, one last axis of y. Weights are an array
    whose axes match those of the elements from the first on; None means 1 each. Elements of weight 0 change neither
    loss nor gradient. `divisor` is what a mean is divided by: None for the sum of the batch's own weights. If
    a batch is computed in parts, it is the same for all parts, so their losses and gradients add up. `task` is None
    until a run sets it, before training.

    In `forward`, a loss of several heads sets `head_sums`, the loss of each head by name, as a sum over samples, and
    `counted`, the weight of these samples.
    """

    group: ClassVar[str] = "losses"
    run_time = ("divisor", "task", "head_sums", "counted")
    takes: ClassVar[Literal["numbers", "probabilities", "logits"]] = "numbers"
    """Kind of outputs that the loss takes: any numbers, probabilities, or logits, which are not probabilities."""
    learns: ClassVar[tuple[TaskKind, ...]] = ("regression", "binary", "multiclass", "multilabel")
    """The tasks that the loss can learn. The first is assumed where the dataset leaves the task open."""
    quadratic: ClassVar[bool] = False
    """Whether the loss is a sum of squared errors of outputs, or their mean, as some optimizers need."""
    reduction: Literal["mean", "sum"] = Field(default="mean", description="how elements are reduced to one number")

    def model_post_init(self, context: Any) -> None:
        """Set the run-time attributes of the loss."""
        self.divisor: float | None = None
        self.task: Task | None = None
        self.head_sums: dict[str, float] = {}
        self.counted = 0.0

    @abstractmethod
    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Return the loss of outputs y (n, *output_shape) for targets as `prepare` returns them."""

    @abstractmethod
    def backward(self) -> np.ndarray:
        """Return dL/dy for the last `forward`."""

    def predictions(self, y: np.ndarray) -> np.ndarray:
        """Return predictions for outputs y: y itself, or probabilities for a loss on logits."""
        return y

    def predictions_per_target(self) -> int:
        """Return how many predictions there are for each target: first one of each target, then the next ones."""
        return 1

    @property
    def heads(self) -> Sequence[Loss]:
        """The losses of the parts of a task: the loss itself, or those that it adds up."""
        return (self,)

    def with_heads(self, losses: Sequence[Loss]) -> Loss:
        """Return the loss with `losses` instead of its `heads`."""
        return losses[0]

    def interpret(self, y: np.ndarray, invert: Invert) -> np.ndarray:
        """Return predictions for outputs y in the units of the dataset; `invert` undoes the transforms of targets."""
        y, several = self.predictions(y), self.predictions_per_target()
        if several == 1:
            return invert(y)
        return np.concatenate([invert(part) for part in np.split(y, several, axis=-1)], axis=-1)

    def decide(self, targets: Targets, outputs: Shape | None = None, categorical: bool = False) -> Task | None:
        """Return what the network learns of these targets; arguments and errors as in `decide_task`."""
        for number, found in enumerate(targets.column_classes):
            if len(found) > 2:
                name = quote(targets.names[number] if targets.names else str(number))
                raise ShapeError(
                    f"the target {name} has {len(found)} classes, and this loss would learn their numbers",
                    help='learn each target with a separate loss, inside the loss "sum"; or predict only classes',
                )
        return decide_task(targets, self.learns, outputs, categorical)

    def units(self, task: Task, columns: int) -> int | None:
        """Return how many outputs a task needs, given its number of target columns; None if unknown.

        By default one for each column.
        """
        return columns

    def example_outputs(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return outputs of `shape`, the batch axis first, that `specnet.testing` tries the loss with.

        By default as `takes` says. Override it for other outputs, such as positive numbers for a loss with log(y).
        """
        if self.takes == "probabilities":
            return rng.uniform(0.05, 0.95, shape)
        return rng.normal(size=shape) * 2.0

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        """Return the targets of a split as `forward` takes them; called once per split, before training.

        By default a target is a number for each output. A missing last axis of 1 is added. If you override it for
        other shapes, override `check_shapes` too, so that they are checked before data are loaded.

        Raises:
            ShapeError: if targets do not match the network's output shape.
            DataError: if a target is outside the range of the loss.
        """
        self.check_shapes(output_shape, target.shape[1:])
        return target.reshape(len(target), *output_shape).astype(dtype)

    def weigh(self, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """Return the weights of elements, given prepared targets and the weights of a batch; by default those.

        Override it if the targets decide how much they count, and call it in `forward`.
        """
        return weight

    def check_task(self, task: Task) -> None:
        """Check that the loss's fields fit the task, once it is known.

        Raises:
            ShapeError: if they do not.
        """

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        """Check that targets of this shape fit outputs; `classes` is the number of classes of class numbers.

        Raises:
            ShapeError: if they cannot.
        """
        if target_shape != output_shape and (target_shape, output_shape) != ((), (1,)):
            raise ShapeError(
                f"the last layer returns {_show(output_shape)}, but the targets have {_show(target_shape)}",
                pointer=("layers",),
                help="give the last layer as many units as there are targets"
                + ("" if target_shape else "; for class targets use cross_entropy or the transform one_hot"),
            )

    def element_shape(self, output_shape: Shape) -> Shape:
        """Return the shape of the elements of outputs, for shapes with or without the batch axis."""
        return output_shape

    def total_weight(self, shape: Shape, weight: np.ndarray | None = None) -> float:
        """Return the divisor of a mean over outputs of `shape`, the batch axis first: the sum of its weights."""
        return total_weight(self.element_shape(shape), weight)

    def reduce(self, elements: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Return the loss of a batch: the weighted mean or sum of its elements, as `reduction` and `divisor` say."""
        divisor: float = elements.size
        self._weight = None
        if weight is not None:
            self._weight = aligned(weight, elements.shape, elements.dtype)
            elements, divisor = weighted(elements, self._weight), total_weight(elements.shape, weight)
        return float(np.add.reduce(elements, axis=None)) * self._set_factor(divisor)

    def _set_factor(self, divisor: float) -> float:
        """Return what each element counts in the loss of a batch whose mean divides by `divisor`; kept for `scale`."""
        if self.reduction == "sum":
            divisor = 1.0
        elif self.divisor is not None:
            divisor = self.divisor
        self._factor = 1.0 / divisor if divisor else 0.0
        return self._factor

    def scale(self, slope: np.ndarray) -> np.ndarray:
        """Return dL/dy for the last `reduce`, given the derivatives of its elements by y."""
        try:
            weight = self._weight
        except AttributeError:
            name = type(self).__name__
            raise TypeError(f"{name}.forward should return self.reduce(elements, weight), as scale needs") from None
        if weight is not None:
            slope = weighted(slope, aligned(weight, slope.shape, slope.dtype))
        return slope * self._factor


class ElementwiseLoss(Loss):
    """A loss of each output separately: its `element`, and the `slope` of that.

    Both are formulas for arrays y and t of the same shape and dtype.
    """

    @abstractmethod
    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the loss of each output y with the target t."""

    @abstractmethod
    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the derivative of `element` by y."""

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.y, self.target = y, target
        return self.reduce(self.element(y, target), self.weigh(target, weight))

    def backward(self) -> np.ndarray:
        return self.scale(self.slope(self.y, self.target))


def check_target_probabilities(target: np.ndarray) -> None:
    """Check that targets can be probabilities; raises as `refuse_targets` does."""
    help = "binary losses take targets of 0 and 1; for more classes use cross_entropy, for numbers mse"
    refuse_targets(target, (target < 0) | (target > 1), "is outside the range from 0 to 1", help)


def refuse_targets(target: np.ndarray, wrong: np.ndarray, why: str, help: str) -> None:
    """Check that no target is wrong.

    Raises:
        DataError: naming the first one that is.
    """
    if wrong.any():
        place = np.argwhere(wrong)[0]
        message = f"target {target[tuple(place)]:g} in {{place}} {why}"
        raise DataError(message, row=place[0], pointer=("loss",), help=help)


def _show(shape: Shape) -> str:
    return f"shape {shape}" if shape else "one number each"
