"""Several arrays that become one, and layers that take several outputs by name."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from functools import reduce
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.errors import Diagnostic, ShapeError, SpecError
from specnet.layers.base import INPUT, Layer
from specnet.names import suggest
from specnet.task import Shape
from specnet.words import Pointer, show_pointer

How = Literal["concat", "add", "average", "multiply", "maximum"]
VERBS: dict[How, str] = {
    "concat": "concatenates",
    "add": "adds",
    "average": "averages",
    "multiply": "multiplies",
    "maximum": "takes the maximum of",
}


def show_shape(shape: Shape) -> str:
    """Return the shape of a sample for messages."""
    return str(shape[0]) if len(shape) == 1 else f"shape {shape}"


def merged_shape(how: How, what: str, names: Sequence[str], shapes: Sequence[Shape], axis: int = -1) -> Shape:
    """Return the shape of what is merged from outputs with these names and shapes; `what` names all of them.

    Raises:
        ShapeError: at the number of an output that does not fit the first one.
    """
    expected = shapes[0]
    along = "" if how != "concat" else " along the last axis" if axis == -1 else f" along axis {axis}"
    for number, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        fits = shape == expected
        if how == "concat":
            if not -len(shape) <= axis < len(shape):
                fault = f"{name} returns {show_shape(shape)}"
                raise ShapeError(f"{VERBS[how]} {what}{along}, but {fault}", pointer=(number,))
            fits = _without(shape, axis) == _without(expected, axis)
        if not fits:
            found = f"{names[0]} returns {show_shape(expected)} and {name} {show_shape(shape)}"
            raise ShapeError(f"{VERBS[how]} {what}{along}, but {found}", pointer=(number,))
    if how != "concat":
        return expected
    sizes = [*expected]
    sizes[axis] = sum(shape[axis] for shape in shapes)
    return tuple(sizes)


def _without(shape: Shape, axis: int) -> Shape:
    place = axis % len(shape)
    return (*shape[:place], *shape[place + 1 :])


def merge(how: How, ys: Sequence[np.ndarray], axis: int = -1) -> np.ndarray:
    """Return arrays in one: side by side along an axis, counted from the end, or elementwise."""
    if how == "concat":
        return np.concatenate(ys, axis=axis)
    if how == "multiply":
        return reduce(np.multiply, ys)
    if how == "maximum":
        return reduce(np.maximum, ys)
    y = reduce(np.add, ys)
    return y / len(ys) if how == "average" else y


def parts_of(how: How, ys: Sequence[np.ndarray], dy: np.ndarray, axis: int = -1) -> list[np.ndarray]:
    """Return the gradient of each of the arrays that were merged, given that of the result."""
    count = len(ys)
    if how == "concat":
        return np.split(dy, [*itertools.accumulate(y.shape[axis] for y in ys[:-1])], axis=axis)
    if how == "average":
        return [dy / count] * count
    if how == "multiply":
        return [reduce(np.multiply, [*ys[:place], *ys[place + 1 :]], dy) for place in range(count)]
    if how == "maximum":
        parts, largest = [], reduce(np.maximum, ys)
        for y in ys:
            parts.append(dy * (y == largest))
            dy = dy - parts[-1]
        return parts
    return [dy] * count


class Merge(Layer):
    """Merges outputs of earlier layers of the same list, which have names; `"input"` is the input of the list.

    The stack of layers sets `shapes` before `build` and `inputs` before `forward`, both in the order of `from`. It adds
    `parts`, the gradients of the inputs, to those of the layers that they come from.
    """

    mask = "use"
    how: ClassVar[How]
    examples = ({"from": [INPUT]}, {"from": [INPUT, INPUT]})
    from_: list[str] = Field(
        alias="from", min_length=1, max_length=1000, description="names of layers", examples=[[INPUT]]
    )

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.shapes: list[Shape] = []
        self.inputs: list[np.ndarray] = []
        self.parts: list[np.ndarray] = []

    def build(self, input_shape: Shape) -> Shape:
        try:
            return merged_shape(self.how, "outputs", self.from_, self.shapes, self.sample_axis())
        except ShapeError as error:
            error.pointer = ("from", *error.pointer)
            raise

    def flops(self) -> int:
        return math.prod(self.output_shape) * (1 if self.how == "concat" else len(self.from_) - 1)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return merge(self.how, self.inputs, self.along())

    def backward(self, dy: np.ndarray) -> None:
        self.parts = parts_of(self.how, self.inputs, dy, self.along())

    def sample_axis(self) -> int:
        """Return the axis of a sample along which outputs are put side by side, by default the last."""
        return getattr(self, "axis", -1)

    def along(self) -> int:
        """Return the same axis counted from the end."""
        axis = self.sample_axis()
        return axis if axis < 0 else axis - len(self.output_shape)


def check_sources(layer: Merge, following: Sequence[Layer], known: Collection[str]) -> None:
    """Check that a layer takes outputs that are known by name, and that something takes those of the layer before it.

    `following` are the layers of the list from the one before it on.

    Raises:
        SpecError: at the name that is not known, or at the layer whose outputs nothing takes.
    """
    for number, name in enumerate(layer.from_):
        if name not in known:
            message = f'no layer before {show_pointer(layer.place)} in its list has the name "{name}"'
            raise layer_mistake("unknown-layer", message, (*layer.place, "from", number), suggest(name, [*known]))
    before, *later = following
    if before is not layer and not any(isinstance(each, Merge) and before.name in each.from_ for each in later):
        message = f"nothing takes the outputs of {show_pointer(before.place)}"
        help = f'give it a "name", and add that to "from" of {show_pointer(layer.place)}'
        raise layer_mistake("unused-layer", message, before.place, help)


def check_name(layer: Layer, known: Collection[str]) -> None:
    """Check that no earlier layer has the same name.

    Raises:
        SpecError: if one has.
    """
    if layer.name in known:
        message = (
            f'two layers have the name "{layer.name}"' if layer.name != INPUT else '"input" is the input of the list'
        )
        raise layer_mistake("duplicate-name", message, (*layer.place, "name"), "choose another name")


def layer_mistake(code: str, message: str, place: Pointer, help: str) -> SpecError:
    """Return the error for a mistake at a place, with a complete message."""
    error = SpecError([Diagnostic(code, message, place, help)])
    error.complete = True
    return error
