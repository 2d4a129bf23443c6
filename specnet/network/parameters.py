"""The flat vectors: all parameters in one array, each a named view."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.names import suggest
from specnet.task import Shape
from specnet.words import quote
from specnet.workspace import zeros


@dataclass(frozen=True)
class Slot:
    """Place of a named array in a flat vector."""

    name: str
    offset: int
    shape: Shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def layer(self) -> str:
        """Name of the layer that it belongs to."""
        return self.name.rpartition(".")[0]

    @property
    def part(self) -> slice:
        """The part of the flat vector."""
        return slice(self.offset, self.offset + self.size)


def lay_out(shapes: Mapping[str, Shape]) -> list[Slot]:
    """Return the places of arrays of these shapes in a flat vector, one after the other."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    offsets = itertools.accumulate(sizes, initial=0)
    return [Slot(name, offset, shape) for (name, shape), offset in zip(shapes.items(), offsets, strict=False)]


def show_layout(slots: Sequence[Slot]) -> list[dict[str, Any]]:
    """Return name, offset and shape of each array, as JSON values."""
    return [{"name": slot.name, "offset": slot.offset, "shape": list(slot.shape)} for slot in slots]


class FlatVector(Mapping[str, np.ndarray]):
    """One contiguous array, `flat`, and the named arrays that are views into it.

    >>> vector = FlatVector({"layers.0.weight": (2, 3), "layers.0.bias": (3,)}, np.dtype("float32"))
    >>> vector["layers.0.bias"][:] = 1
    >>> vector.flat.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: np.dtype) -> None:
        self.slots = lay_out(shapes)
        size = sum(slot.size for slot in self.slots)
        if size * dtype.itemsize > np.iinfo(np.intp).max:
            raise MemoryError(f"{size} parameters are more than a machine can store")
        self.flat = zeros((size,), dtype)
        self._views = {slot.name: self._view(slot) for slot in self.slots}

    def _view(self, slot: Slot) -> np.ndarray:
        return self.flat[slot.part].reshape(slot.shape)

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._views[name]
        except KeyError:
            raise KeyError(f"there is no {quote(str(name))}: {suggest(str(name), self._views)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{slot.name!r}: {slot.shape}' for slot in self.slots)}}}"

    def keys(self) -> KeysView[str]:
        return self._views.keys()

    @property
    def layout(self) -> list[dict[str, Any]]:
        """Name, offset and shape of each array, as JSON values."""
        return show_layout(self.slots)
