"""What functions of NumPy are in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from specnet.errors import ExportError
from specnet.exporters.tracing import EXAMPLE_ROWS, Node, live
from specnet_onnx.graph import Graph, tensor_type

ELEMENTWISE = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "tanh": "Tanh", "absolute": "Abs",
    "negative": "Neg", "sign": "Sign", "sin": "Sin", "cos": "Cos", "floor": "Floor", "ceil": "Ceil", "rint": "Round",
    "matmul": "MatMul", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "arcsinh": "Asinh",
    "reciprocal": "Reciprocal",
}  # fmt: skip
"""Operators whose inputs have the dtype of the result."""
COMPARISONS = {
    "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less", "less_equal": "LessOrEqual",
    "equal": "Equal", "logical_and": "And", "logical_or": "Or", "bitwise_and": "And", "bitwise_or": "Or",
    "isnan": "IsNaN", "isinf": "IsInf", "logical_not": "Not", "invert": "Not",
}  # fmt: skip
"""Operators whose inputs have one dtype, and whose result is true or false."""
REDUCTIONS = {"sum": "ReduceSum", "add.reduce": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax",
              "min": "ReduceMin", "prod": "ReduceProd", "maximum.reduce": "ReduceMax"}  # fmt: skip
Operation = Callable[..., str]
OPERATIONS: dict[str, Operation] = {}
"""Functions of a graph, the node and its arguments, by the name of the NumPy function that they write."""


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Register a function for functions of NumPy."""

    def decorate(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return decorate


def lower(graph: Graph, output: Node) -> str:
    """Add all that a node depends on, and return the name of its output.

    Raises:
        ExportError: naming a function that has no operator here.
    """
    for node in live([output], graph.names):
        graph.names[node] = _lower(graph, node)
    return graph.names[output]


def _lower(graph: Graph, node: Node) -> str:
    name = node.function
    if name in ELEMENTWISE:
        return graph.add(ELEMENTWISE[name], *(_cast(graph, each, node.value.dtype) for each in node.args))
    if name in COMPARISONS:
        dtype = np.result_type(*map(_known, node.args))
        return graph.add(COMPARISONS[name], *(_cast(graph, each, dtype) for each in node.args))
    if name in REDUCTIONS:
        return _reduce(graph, node, REDUCTIONS[name], *node.args, **node.options)
    if name not in OPERATIONS:
        raise ExportError(f"it uses np.{name}, for which there is no operator")
    return OPERATIONS[name](graph, node, *node.args, **node.options)


def _known(value: Any) -> Any:
    """Return a value as NumPy's rules of promotion see it: Python's numbers take the dtype of arrays."""
    return value.value.dtype if isinstance(value, Node) else value


def _cast(graph: Graph, value: Any, dtype: Any) -> str:
    """Return the name of a value in a dtype; text keeps its length."""
    if not isinstance(value, Node):
        return graph.constant(
            value if isinstance(value, np.ndarray) and value.dtype == dtype else np.asarray(value, dtype)
        )
    same = tensor_type(value.value.dtype) == tensor_type(dtype)
    return graph.names[value] if same else graph.Cast(graph.names[value], to=tensor_type(dtype))


def _reduce(
    graph: Graph, node: Node, operator: str, x: Node, axis: Any = None, keepdims: bool = False, **_: Any
) -> str:
    axes = range(x.value.ndim) if axis is None else np.atleast_1d(axis)
    if any(each % x.value.ndim == 0 and x.value.shape[0] == EXAMPLE_ROWS for each in axes):
        raise ExportError("it reduces over the batch")
    return graph.add(operator, _cast(graph, x, node.value.dtype), np.array(axes, np.int64), keepdims=int(keepdims))


@operation("input")
def _input(graph: Graph, node: Node, name: str) -> str:
    return name


@operation("astype")
def _astype(graph: Graph, node: Node, x: Node, dtype: Any) -> str:
    return _cast(graph, x, dtype)


@operation("reshape")
def _reshape(graph: Graph, node: Node, x: Node, shape: tuple[int, ...]) -> str:
    return graph.Reshape(graph.names[x], np.array(shape, np.int64))


@operation("transpose")
def _transpose(graph: Graph, node: Node, x: Node, axes: Any = None) -> str:
    return graph.Transpose(graph.names[x], perm=list(axes or range(x.value.ndim)[::-1]))


@operation("swapaxes", "moveaxis")
def _swapaxes(graph: Graph, node: Node, x: Node, one: int, other: int) -> str:
    axes = list(range(x.value.ndim))
    if node.function == "swapaxes":
        axes[one], axes[other] = axes[other], axes[one]
    else:
        axes.insert(other % len(axes), axes.pop(one))
    return graph.Transpose(graph.names[x], perm=axes)


@operation("einsum")
def _einsum(graph: Graph, node: Node, formula: str, *arrays: Any, **_: Any) -> str:
    return graph.Einsum(*(_cast(graph, each, node.value.dtype) for each in arrays), equation=formula)


@operation("vecdot")
def _vecdot(graph: Graph, node: Node, x: Any, y: Any) -> str:
    product = graph.Mul(_cast(graph, x, node.value.dtype), _cast(graph, y, node.value.dtype))
    return graph.ReduceSum(product, np.array([-1]), keepdims=0)


@operation("var")
def _var(graph: Graph, node: Node, x: Node, axis: Any = None, keepdims: bool = False, **_: Any) -> str:
    axes = np.atleast_1d(axis).astype(np.int64)
    deviation = graph.Sub(graph.names[x], graph.ReduceMean(graph.names[x], axes, keepdims=1))
    return graph.ReduceMean(graph.Mul(deviation, deviation), axes, keepdims=int(keepdims))


@operation("pad")
def _pad(graph: Graph, node: Node, x: Node, width: Any, mode: str = "constant", constant_values: float = 0) -> str:
    if mode not in ("constant", "reflect", "wrap"):
        raise ExportError(f"it uses the padding mode {mode}")
    pads = np.broadcast_to(width, (x.value.ndim, 2)).T.ravel().astype(np.int64)
    return graph.Pad(graph.names[x], pads, np.array(constant_values, x.value.dtype), mode=mode)


@operation("array")
def _array(graph: Graph, node: Node, name: str) -> str:
    return graph.constant(node.value, name)


@operation("squeeze", "expand_dims")
def _squeeze(graph: Graph, node: Node, x: Node, axis: Any) -> str:
    operator = "Squeeze" if node.function == "squeeze" else "Unsqueeze"
    return graph.add(operator, graph.names[x], np.atleast_1d(axis).astype(np.int64))


@operation("getitem")
def _getitem(graph: Graph, node: Node, x: Node, index: Any) -> str:
    given = list(index) if isinstance(index, tuple) else [index]
    used = sum(each is not None and each is not ... for each in given)
    if ... in [each for each in given if not isinstance(each, np.ndarray)]:
        at = next(number for number, each in enumerate(given) if each is ...)
        given[at : at + 1] = [slice(None)] * (x.value.ndim - used)
    y, axis = graph.names[x], 0
    for each in given:
        if each is None:
            y, axis = graph.Unsqueeze(y, np.array([axis])), axis + 1
        elif isinstance(each, slice):
            if each != slice(None):
                step = each.step or 1
                last = np.iinfo(np.int64)
                start = (last.max if step < 0 else 0) if each.start is None else each.start
                stop = (last.min if step < 0 else last.max) if each.stop is None else each.stop
                y = graph.Slice(y, *(np.array([number]) for number in (start, stop, axis, step)))
            axis += 1
        elif isinstance(each, Node) and each.value.dtype.kind in "iu":
            y, axis = graph.Gather(y, graph.names[each], axis=axis), axis + each.value.ndim
        else:
            chosen = np.asarray(each)
            if chosen.dtype.kind not in "iu":
                raise ExportError("it chooses elements by a mask or by what it computes")
            y, axis = graph.Gather(y, chosen.astype(np.int64), axis=axis), axis + chosen.ndim
    return y


@operation("concatenate")
def _concatenate(graph: Graph, node: Node, arrays: list[Node], axis: int = 0) -> str:
    return graph.Concat(*(_cast(graph, each, node.value.dtype) for each in arrays), axis=axis % node.value.ndim)


@operation("stack")
def _stack(graph: Graph, node: Node, arrays: list[Node], axis: int = 0) -> str:
    axis %= node.value.ndim
    parts = [graph.Unsqueeze(_cast(graph, each, node.value.dtype), np.array([axis])) for each in arrays]
    return graph.Concat(*parts, axis=axis)


@operation("where")
def _where(graph: Graph, node: Node, condition: Any, x: Any, y: Any) -> str:
    return graph.Where(_cast(graph, condition, bool), *(_cast(graph, each, node.value.dtype) for each in (x, y)))


@operation("clip")
def _clip(graph: Graph, node: Node, x: Node, low: Any = None, high: Any = None) -> str:
    y = _cast(graph, x, node.value.dtype)
    y = y if low is None else graph.Max(y, _cast(graph, low, node.value.dtype))
    return y if high is None else graph.Min(y, _cast(graph, high, node.value.dtype))


@operation("square")
def _square(graph: Graph, node: Node, x: Node) -> str:
    return graph.Mul(graph.names[x], graph.names[x])


@operation("expm1")
def _expm1(graph: Graph, node: Node, x: Node) -> str:
    return graph.Sub(graph.Exp(graph.names[x]), np.ones((), node.value.dtype))


@operation("log1p")
def _log1p(graph: Graph, node: Node, x: Node) -> str:
    return graph.Log(graph.Add(graph.names[x], np.ones((), node.value.dtype)))


@operation("copysign")
def _copysign(graph: Graph, node: Node, x: Any, sign: Any) -> str:
    size = graph.Abs(_cast(graph, x, node.value.dtype))
    negative = graph.Less(_cast(graph, sign, node.value.dtype), np.zeros((), node.value.dtype))
    return graph.Where(negative, graph.Neg(size), size)


@operation("not_equal")
def _not_equal(graph: Graph, node: Node, x: Any, y: Any) -> str:
    dtype = np.result_type(_known(x), _known(y))
    return graph.Not(graph.Equal(_cast(graph, x, dtype), _cast(graph, y, dtype)))


@operation("isfinite")
def _isfinite(graph: Graph, node: Node, x: Node) -> str:
    return graph.Not(graph.Or(graph.IsNaN(graph.names[x]), graph.IsInf(graph.names[x])))


@operation("remainder")
def _remainder(graph: Graph, node: Node, x: Any, y: Any) -> str:
    if node.value.dtype.kind == "f":
        raise ExportError("it uses the remainder of numbers that are not whole")
    return graph.Mod(_cast(graph, x, node.value.dtype), _cast(graph, y, node.value.dtype))


@operation("floor_divide")
def _floor_divide(graph: Graph, node: Node, x: Any, y: Any) -> str:
    dividend, divisor = _cast(graph, x, node.value.dtype), _cast(graph, y, node.value.dtype)
    if node.value.dtype.kind == "f":
        return graph.Floor(graph.Div(dividend, divisor))
    return graph.Div(graph.Sub(dividend, graph.Mod(dividend, divisor)), divisor)  # Div rounds towards 0


@operation("ones_like", "zeros_like")
def _full_like(graph: Graph, node: Node, x: Node, **_: Any) -> str:
    value = np.asarray(node.function == "ones_like", node.value.dtype)
    return graph.Expand(value, graph.Shape(graph.names[x]))


@operation("argmax")
def _argmax(graph: Graph, node: Node, x: Node, axis: int = 0, keepdims: bool = False) -> str:
    return graph.ArgMax(graph.names[x], axis=axis, keepdims=int(keepdims))


@operation("take_along_axis")
def _take_along_axis(graph: Graph, node: Node, x: Any, index: Any, axis: int = -1) -> str:
    return graph.GatherElements(_cast(graph, x, node.value.dtype), _cast(graph, index, np.int64), axis=axis)


@operation("cumsum")
def _cumsum(graph: Graph, node: Node, x: Node, axis: int) -> str:
    return graph.CumSum(_cast(graph, x, node.value.dtype), np.array(axis, np.int64))


@operation("cumprod")
def _cumprod(graph: Graph, node: Node, x: Node, axis: int) -> str:
    count, axis = x.value.shape[axis], axis % x.value.ndim
    parts = (
        graph.add("Split", graph.names[x], outputs=count, axis=axis, num_outputs=count)
        if count > 1
        else [graph.names[x]]
    )
    for number in range(1, count):
        parts[number] = graph.Mul(parts[number - 1], parts[number])
    return graph.Concat(*parts, axis=axis)


@operation("isin")
def _isin(graph: Graph, node: Node, x: Node, values: np.ndarray) -> str:
    same = graph.Equal(graph.Unsqueeze(graph.names[x], np.array([-1])), values.astype(x.value.dtype))
    return graph.Greater(_count(graph, same), np.int64(0))


@operation("searchsorted")
def _searchsorted(graph: Graph, node: Node, values: np.ndarray, x: Node) -> str:
    return _count(graph, graph.Less(values.astype(x.value.dtype), graph.Unsqueeze(graph.names[x], np.array([-1]))))


def _count(graph: Graph, where: str) -> str:
    """Return how often the last axis is true."""
    return graph.ReduceSum(graph.Cast(where, to=tensor_type(np.int64)), np.array([-1]), keepdims=0)


@operation("interp")
def _interp(graph: Graph, node: Node, x: Node, xp: np.ndarray, fp: np.ndarray) -> str:
    """Find the interval that contains x by counting, and interpolate in it."""
    slopes = np.divide(np.diff(fp), np.diff(xp), out=np.zeros(len(xp) - 1), where=np.diff(xp) > 0)
    inside = graph.Max(graph.Min(_cast(graph, x, np.float64), np.float64(xp[-1])), np.float64(xp[0]))
    below = graph.GreaterOrEqual(graph.Unsqueeze(inside, np.array([-1])), xp)
    number = graph.Sub(_count(graph, below), np.int64(1))
    parts = [graph.Gather(array, number) for array in (xp, fp, np.append(slopes, 0.0))]
    return graph.Add(parts[1], graph.Mul(graph.Sub(inside, parts[0]), parts[2]))


@operation("call")
def _call(graph: Graph, node: Node, x: Node) -> str:
    graph.component = node.component
    return str(node.emitter(graph, x))
