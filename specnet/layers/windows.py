"""Windows that slide over images and sequences: what convolution and pooling share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, TypeAdapter, WrapValidator

from specnet.errors import ShapeError
from specnet.layers.base import Layer
from specnet.task import Shape

PaddingMode = Literal["zeros", "reflect", "circular"]
_MODES: dict[str, Any] = {"reflect": "reflect", "circular": "wrap"}
Side = Annotated[int, Field(ge=0)]
BeforeAfter = Annotated[list[Side], Field(min_length=2, max_length=2)]


def by_kind(number: Any, items: Any, text: Any = None) -> WrapValidator:
    """Return a validator of a union that reports the errors of the kind that was given: a number, a list or a text."""
    one, many, word = TypeAdapter(number), TypeAdapter(items), TypeAdapter(text or number)

    def check(value: Any, _: object) -> Any:
        if isinstance(value, list | tuple):
            return many.validate_python(list(value), strict=True)
        return (word if isinstance(value, str) else one).validate_python(value, strict=True)

    return WrapValidator(check)


Sizes = Annotated[PositiveInt | list[PositiveInt], by_kind(PositiveInt, list[PositiveInt])]
Padding = Annotated[
    Literal["valid", "same"] | Side | list[Side],
    by_kind(Side, list[Side], Literal["valid", "same"]),
    Field(
        description='"valid": none; "same": as many windows as strides begin inside; or positions added to both sides, '
        "a number or one for each axis"
    ),
]
CountOrCounts = Annotated[Side | list[Side], by_kind(Side, list[Side])]
_SideOrPair = Annotated[Side | BeforeAfter, by_kind(Side, BeforeAfter)]
Sides = Annotated[Side | list[_SideOrPair], by_kind(Side, list[_SideOrPair])]
"""One number for all sides, or for each axis a number or [before, after]."""


def multiply_axes(x: np.ndarray, matrices: Iterable[np.ndarray]) -> np.ndarray:
    """Return M x along each axis but the first and the last."""
    for axis, matrix in enumerate(matrices, 1):
        *before, size = x.shape[: axis + 1]
        y = matrix @ x.reshape(math.prod(before), size, -1)
        x = y.reshape(*before, len(matrix), *x.shape[axis + 1 :])
    return x


def per_axis(layer: Layer, field: str, rank: int) -> tuple[Any, ...]:
    """Return the value of a field for each of `rank` axes.

    Raises:
        ShapeError: if it is a list of another length.
    """
    value = getattr(layer, field)
    values = tuple(value) if isinstance(value, list) else (value,) * rank
    if len(values) != rank:
        message = f'takes for "{field}" one value, or one for each of {rank} axes, not {len(values)}'
        raise ShapeError(message, pointer=(field,))
    return values


def both_sides(layer: Layer, field: str, rank: int) -> tuple[tuple[int, int], ...]:
    """Return (before, after) for each of `rank` axes."""
    return tuple(tuple(each) if isinstance(each, list) else (each, each) for each in per_axis(layer, field, rank))


@dataclass(frozen=True)
class SlidingWindows:
    """Windows over axes of `sizes` with (before, after) positions of `padding`, every `strides` positions.

    A window has `kernel` places along each axis, `dilation` positions apart.
    """

    sizes: Shape
    kernel: Shape
    strides: Shape
    dilation: Shape
    padding: tuple[tuple[int, int], ...]

    @cached_property
    def padded(self) -> Shape:
        """Sizes with padding."""
        return tuple(size + sum(sides) for size, sides in zip(self.sizes, self.padding, strict=True))

    @cached_property
    def extent(self) -> Shape:
        """Positions from the first place of a window to its last, along each axis."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @cached_property
    def count(self) -> Shape:
        """Windows along each axis."""
        steps = zip(self.padded, self.extent, self.strides, strict=True)
        return tuple((size - extent) // stride + 1 for size, extent, stride in steps)

    @cached_property
    def places(self) -> list[tuple[int, ...]]:
        """Places of a window."""
        return list(itertools.product(*map(range, self.kernel)))

    @cached_property
    def inside(self) -> tuple[slice, ...]:
        """Index of the positions of a padded batch that are not padding."""
        return (slice(None), *(slice(a, a + n) for (a, _), n in zip(self.padding, self.sizes, strict=True)))

    @cached_property
    def _seen(self) -> dict[tuple[int, ...], tuple[slice, ...]]:
        """Index of what all windows see at each place."""
        along = list(zip(self.count, self.strides, self.dilation, strict=True))
        return {
            place: (
                slice(None),
                *(slice(k * d, k * d + (n - 1) * s + 1, s) for k, (n, s, d) in zip(place, along, strict=True)),
            )
            for place in self.places
        }

    def part(self, x: np.ndarray, place: tuple[int, ...]) -> np.ndarray:
        """Return what all windows see at one place: a view (n, *count, ...) of a padded batch x."""
        return x[self._seen[place]]

    def put(self, y: np.ndarray, place: tuple[int, ...]) -> np.ndarray:
        """Return a padded batch that is y where windows see this place, and else 0: the transpose of `part`."""
        along = zip(place, self.count, self.strides, self.dilation, self.padded, strict=True)
        for axis, (k, n, s, d, size) in enumerate(along, 1):
            shape, rank = y.shape, y.ndim
            if s > 1:  # s - 1 zeros after each position
                y = np.pad(np.expand_dims(y, axis + 1), [(0, (s - 1) * (i == axis + 1)) for i in range(rank + 1)])
                y = y.reshape(*shape[:axis], n * s, *shape[axis + 1 :])
            long = (n - 1) * s + 1
            y = y[(*[slice(None)] * axis, slice(long))]
            y = np.pad(y, [(k * d, size - k * d - long) if i == axis else (0, 0) for i in range(rank)])
        return y

    def collect(self, parts: Iterable[np.ndarray]) -> np.ndarray:
        """Return the sum of `put` over all places, given what windows see at each."""
        return reduce(np.add, (self.put(part, place) for part, place in zip(parts, self.places, strict=True)))

    def pad(self, x: np.ndarray, value: float = 0, mode: PaddingMode = "zeros") -> np.ndarray:
        """Return a batch (n, *sizes, channels) with its padding: `value`, or positions of x."""
        if self.padded == self.sizes:
            return x
        widths = ((0, 0), *self.padding, (0, 0))
        if mode == "zeros":
            return np.pad(x, widths, constant_values=value)
        return np.pad(x, widths, mode=_MODES[mode])

    def unpad(self, dx: np.ndarray, mode: PaddingMode = "zeros") -> np.ndarray:
        """Return dL/dx given dL/d(padded x): each position of x gets the sum of those that it was copied to."""
        if mode == "zeros":
            return dx[self.inside]
        axes = zip(self.sizes, self.padding, strict=True)
        copies = [np.eye(n, dtype=dx.dtype)[:, np.pad(np.arange(n), sides, mode=_MODES[mode])] for n, sides in axes]
        return multiply_axes(dx, copies)


class WindowLayer(Layer):
    """A layer with windows over all axes of a sample but the last, the channels."""

    def slide(self, sizes: Shape, kernel: str, dilation: str = "") -> SlidingWindows:
        """Return the windows over axes of these sizes, by the fields of these names, `strides` and `padding`.

        Raises:
            ShapeError: if they do not fit.
        """
        rank = len(sizes)
        names = (kernel, "strides" if self.strides else kernel, dilation)
        lengths, steps, apart = (per_axis(self, name, rank) if name else (1,) * rank for name in names)
        extent = [(k - 1) * d + 1 for k, d in zip(lengths, apart, strict=True)]
        if self.padding == "valid":
            padding = ((0, 0),) * rank
        elif self.padding == "same":  # as many windows as strides start inside
            total = [max((-(-n // s) - 1) * s + e - n, 0) for n, s, e in zip(sizes, steps, extent, strict=True)]
            padding = tuple((each // 2, each - each // 2) for each in total)
        else:
            padding = both_sides(self, "padding", rank)
        windows = SlidingWindows(sizes, lengths, steps, apart, padding)
        for axis, size, least in zip(type(self).axes, windows.padded, extent, strict=False):
            if size < least:
                message = f"has windows of {least} positions, but {axis} is {size}"
                raise ShapeError(message, pointer=(kernel,), help='make them smaller, or set "padding" to "same"')
        return windows
