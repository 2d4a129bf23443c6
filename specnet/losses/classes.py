"""What losses on classes share: weights of classes, and how class numbers are checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PlainSerializer, WithJsonSchema, WrapValidator

from specnet.diagnostics import custom_error, show_value
from specnet.errors import ShapeError, SpecnetError
from specnet.losses.base import Loss, refuse_targets
from specnet.task import Shape, Task
from specnet.weights import aligned


def _balanced(value: Any, validate: Callable[[Any], Any]) -> Any:
    """Return a valid `class_weight`; a union would report every mistake twice."""
    if isinstance(value, str) and value != "balanced":
        raise custom_error("wrong-value", f'class_weight should be "balanced" or an object, not {show_value(value)}')
    return value if value == "balanced" else validate(value)


ClassWeight = Annotated[
    dict[str, NonNegativeFloat],
    WrapValidator(_balanced),
    PlainSerializer(lambda value: value),
    WithJsonSchema(
        {"anyOf": [{"const": "balanced"}, {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}]}
    ),
]


class ClassLoss(Loss):
    """A loss on classes, each of which may have a weight: it multiplies the weights of the samples of the class.

    "balanced" stands for n / (k n_c), for n_c of n training samples in one of k classes. A run replaces it by these
    numbers in its resolved spec.
    """

    class_weight: ClassWeight | None = Field(
        default=None, description='weights of classes by name, 1 for others; "balanced": all count the same in total'
    )

    def class_factors(self) -> np.ndarray:
        """Return the weight of each class.

        Raises:
            SpecnetError: if the classes, or their numbers in the training samples, are not known.
        """
        if self.task is None or not isinstance(self.class_weight, dict):
            message = "class_weight needs the classes of the training samples"
            raise SpecnetError(message, pointer=("loss", "class_weight"), code="class-weight")
        return np.array([self.class_weight.get(name, 1.0) for name in self.task.only.classes])

    def class_numbers(self, target: np.ndarray) -> np.ndarray:
        """Return the class of each element, for targets as `prepare` returns them."""
        if target.dtype.kind == "i":
            return target
        if (k := len(self.class_factors())) != target.shape[-1]:
            message = f"class_weight is for {k} classes, but the targets have {target.shape[-1]}"
            raise SpecnetError(message, pointer=("loss", "class_weight"), code="class-weight")
        return target.argmax(axis=-1)

    def weigh(self, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return weight
        own = self.class_factors()[self.class_numbers(target)]
        return own if weight is None else own * aligned(weight, own.shape)

    def check_task(self, task: Task) -> None:
        if not isinstance(self.class_weight, dict):
            return
        names = task.only.classes if task.has_classes else ()
        if unknown := [name for name in self.class_weight if name not in names]:
            known = f"the classes are {', '.join(names)}" if names else "a sample does not belong to one class"
            message = f'class_weight names "{unknown[0]}", which is not a class'
            raise ShapeError(message, pointer=("class_weight", unknown[0]), help=known)


class OneOfClasses(ClassLoss):
    """A loss on one of several classes. Targets may be class numbers, and one class may be ignored."""

    ignore_index: NonNegativeInt | None = Field(
        default=None, description="class number that is not learned, such as that of padding; metrics count it"
    )

    def weigh(self, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        if self.ignore_index is None or target.dtype.kind != "i":
            return super().weigh(target, weight)
        counts = target != self.ignore_index
        weight = counts.astype(np.float64) if weight is None else counts * aligned(weight, counts.shape)
        return super().weigh(np.where(counts, target, 0), weight)


def class_targets(target: np.ndarray, shape: Shape, count: int, ignored: int | None = None) -> np.ndarray:
    """Return class numbers (n, *shape).

    Raises:
        DataError: naming the first target that is neither one of `count` classes nor the ignored number.
    """
    target = target.reshape(len(target), *shape)
    wrong = ((target != np.rint(target)) | (target < 0) | (target >= count)) & (target != ignored)
    if wrong.any():
        from_1 = target.min() == 1 and target.max() == count
        help = "give the last layer one unit for each class"
        if from_1:
            help = 'the classes are numbered from 1: set transforms.targets to ["one_hot"], or subtract 1'
        refuse_targets(target, wrong, f"is not one of the classes 0 to {count - 1} of the last layer's outputs", help)
    return target.astype(np.int64)


def other_shapes(loss: str, target_shape: Shape, output_shape: Shape, one_hot: Shape) -> ShapeError:
    """Return the error for targets that are neither class numbers for these outputs nor one-hot."""
    message = f"the targets have shape {target_shape}, but the last layer returns shape {output_shape}"
    takes = f"{loss} takes class numbers of shape {output_shape[:-1]} or one-hot {one_hot}"
    return ShapeError(f"{message}: {takes}", pointer=("layers",))


def other_outputs(classes: int, outputs: int, units: int) -> ShapeError:
    """Return the error for a last layer whose outputs do not fit the classes, which need `units` units."""
    message = f"the targets have {classes} classes, but the last layer returns {outputs} outputs"
    return ShapeError(message, pointer=("layers",), help=f"give the last layer {units} units, or leave them out")
