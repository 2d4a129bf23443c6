"""How a component computes: its own NumPy code, followed on a few example rows.

A `Traced` array holds the values for the example rows and the `Node` that says how they were computed. NumPy's
operators, functions and methods take it like any array, and record what they do. So the definitions of layers,
transforms and losses describe themselves, and an exporter writes the nodes in another language.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from specnet.errors import ExportError

EXAMPLE_ROWS = 127
"""Number of example rows: a prime, so that sizes of the batch axis are recognized in shapes."""
_METHODS = (
    "argmax", "clip", "cumsum", "max", "mean", "min", "prod", "ravel", "repeat", "squeeze", "std", "sum", "swapaxes",
    "var",
)  # fmt: skip
"""Methods of arrays that functions of the same name and arguments replace."""


class UntraceableError(ExportError):
    """An operation that cannot be followed, such as one that writes into an existing array."""


@dataclass(eq=False)
class Node:
    """A result: function and arguments, and its value for the example rows.

    `function` is a name of NumPy's without "np.", or "getitem", "astype", "reshape", "input" or "array", with a name,
    or "call": then `emitter` writes what `component` computes. Arguments are nodes, or constants; lists and tuples may
    contain nodes.
    """

    function: str
    args: tuple[Any, ...]
    value: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)
    component: Any = None
    emitter: Any = None

    @property
    def parts(self) -> Iterator[Node]:
        """The nodes among the arguments."""
        return nodes_in([*self.args, *self.options.values()])


def nodes_in(value: Any) -> Iterator[Node]:
    """Yield the nodes in lists and tuples of arguments."""
    if isinstance(value, Node):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from nodes_in(item)


class Traced(NDArrayOperatorsMixin):
    """An array that records what is done with it."""

    def __init__(self, node: Node) -> None:
        self.node = node

    @property
    def value(self) -> np.ndarray:
        """The values for the example rows."""
        return self.node.value

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        return _into(out, record(name, function, inputs, options))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.split:
            return _split(*args, **options)
        if function is np.shape:
            return args[0].shape
        if function in (np.any, np.all):
            return function(*_values(args), **_values(options))
        module = function.__module__.removeprefix("numpy").lstrip(".")
        options = dict(options)
        out = options.pop("out", None)
        return _into((out,), record(f"{module}.{function.__name__}".lstrip("."), function, args, options))

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise UntraceableError("it converts its inputs to a new array")

    def __getitem__(self, index: Any) -> Traced:
        return record("getitem", lambda x, index: x[index], (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if index not in (..., slice(None)) or np.shape(value) != self.shape or not isinstance(value, Traced):
            raise UntraceableError("it writes into parts of an array")
        self.node = value.astype(self.dtype).node

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return lambda *args, **options: getattr(np, name)(self, *args, **options)
        if name.startswith("__"):
            raise AttributeError(name)
        raise UntraceableError(f"it uses the attribute {name} of an array")

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Traced]:
        return (self[number] for number in range(len(self)))

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        raise UntraceableError("what it computes depends on a condition on its inputs")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, the number of example rows first."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements for the example rows."""
        return self.value.size

    @property
    def dtype(self) -> np.dtype:
        """The dtype."""
        return self.value.dtype

    @property
    def T(self) -> Traced:
        """The transposed array."""
        return self.transpose()

    def transpose(self, *axes: int) -> Traced:
        """Return the array with its axes in another order."""
        return record("transpose", np.transpose, (self, *[axes] * bool(axes)), {})

    def reshape(self, *shape: Any) -> Traced:
        """Return the array in another shape, whose first axis is the batch."""
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        value = self.value.reshape(shape)
        if value.shape == self.shape:
            return self
        first = -1 if value.shape and value.shape[0] % EXAMPLE_ROWS == 0 else value.shape[0]
        return Traced(Node("reshape", (self.node, (first, *value.shape[1:])), value))

    def astype(self, dtype: Any, **_: Any) -> Traced:
        """Return the array in another dtype."""
        if np.dtype(dtype) == self.dtype:
            return self
        return Traced(Node("astype", (self.node, np.dtype(dtype)), self.value.astype(dtype)))

    def copy(self) -> Traced:
        """Return an array whose changes do not show in this one."""
        return Traced(self.node)

    def dot(self, other: Any, out: Any = None) -> Any:
        """Return the matrix product."""
        return _into((out,), record("matmul", np.matmul, (self, other), {}))

    def take(self, indices: Any, axis: int = 0) -> Traced:
        """Return the elements at some indices of an axis."""
        return self[(*(slice(None),) * axis, indices)]

    def any(self, axis: Any = None, **options: Any) -> Any:
        """Return whether any of the example values is true: checks of inputs look at the examples."""
        return self.value.any(axis, **options)

    def all(self, axis: Any = None, **options: Any) -> Any:
        """Return whether all of the example values are true."""
        return self.value.all(axis, **options)


def traced_input(rows: np.ndarray, name: str = "x") -> Traced:
    """Return an input of a trace: the rows, repeated or cut to `EXAMPLE_ROWS`."""
    return Traced(Node("input", (name,), np.resize(rows, (EXAMPLE_ROWS, *rows.shape[1:]))))


def record(name: str, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Traced:
    """Return what a function of NumPy returns for arguments of which some are traced."""
    value = function(*_values(args), **_values(options))
    if not isinstance(value, (np.ndarray, np.generic)):
        raise UntraceableError(f"np.{name} returns several arrays")
    return Traced(Node(name, _nodes(args), np.asarray(value), _nodes(options)))


def _into(out: Any, result: Traced) -> Traced:
    """Return a result, or the traced array that it was to be written to."""
    if not out or out[0] is None:
        return result
    if not isinstance(out[0], Traced):
        raise UntraceableError("it writes into an existing array")
    out[0].node = result.astype(out[0].dtype).node
    return out[0]


def _split(x: Traced, where: Any, axis: int = 0) -> list[Traced]:
    if not np.iterable(where):
        step = x.shape[axis] // where
        where = range(step, x.shape[axis], step)
    ends = [0, *map(int, where), x.shape[axis]]
    axis %= x.ndim
    before: tuple[Any, ...] = (...,) if axis == x.ndim - 1 else (slice(None),) * axis
    return [x[(*before, slice(start, end))] for start, end in itertools.pairwise(ends)]


def _values(value: Any) -> Any:
    return _replaced(value, lambda each: each.value)


def _nodes(value: Any) -> Any:
    return _replaced(value, lambda each: each.node)


def _replaced(value: Any, change: Callable[[Traced], Any]) -> Any:
    if isinstance(value, Traced):
        return change(value)
    if isinstance(value, dict):
        return {key: _replaced(item, change) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(item, change) for item in value)
    return value


def live(outputs: list[Node], known: Container[Node] = ()) -> dict[Node, int]:
    """Return the nodes that outputs depend on, each after its arguments, and how often each is used.

    Those that are `known`, and what they depend on, are left out.
    """
    order: dict[Node, int] = {}
    stack = [(output, False) for output in reversed(outputs)]
    while stack:
        node, done = stack.pop()
        if done:
            order.setdefault(node, 0)
            for part in node.parts:
                order[part] = order.get(part, 0) + 1
        elif node not in order and node not in known:
            stack.append((node, True))
            stack += [(part, False) for part in reversed([*node.parts])]
    return {node: uses for node, uses in order.items() if node not in known}


def largest_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of two arrays of numbers, relative to the largest one expected; of others 0 or inf.

    Where both are infinite, or not numbers, they do not differ.
    """
    if found.shape != expected.shape:
        return math.inf
    if expected.dtype.kind not in "f":
        return 0.0 if np.array_equal(found, expected) else math.inf
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(found.astype(np.float64) - expected))
    largest = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected))
    return float(np.nan_to_num(difference.max(initial=0.0), nan=math.inf) / largest)
