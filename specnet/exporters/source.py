"""`NumpySource`: the steps of a program as lines of NumPy code."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.exporters.program import Program, ProgramStep
from specnet.exporters.tracing import EXAMPLE_ROWS, Node, live

_INFIX = {
    "add": ("+", 4), "subtract": ("-", 4), "multiply": ("*", 5), "divide": ("/", 5), "matmul": ("@", 5),
    "remainder": ("%", 5), "floor_divide": ("//", 5), "power": ("**", 7), "bitwise_and": ("&", 2),
    "bitwise_or": ("|", 1), "greater": (">", 0), "greater_equal": (">=", 0), "less": ("<", 0), "less_equal": ("<=", 0),
    "equal": ("==", 0), "not_equal": ("!=", 0),
}  # fmt: skip
"""Operators of functions, and how strongly they bind."""
_PREFIX = {"negative": ("-", 6), "invert": ("~", 6)}
_ATOM = 8
_LONGEST = 100
"""Characters from which a part of an expression gets a line of its own."""
_SMALL = 16
"""Elements up to which a constant array is written into an expression."""


class Code:
    """What a component's own `numpy(code, x)` writes with: it returns the expression of its output.

    `x` is the name of its input. `code.array("weight")` returns an expression for an attribute of the component, such
    as a parameter; `code.let("mean", expression)` adds a line and returns the name of the variable.
    `code.line("for t in range(9):")` adds a line as it is.
    """

    def __init__(self, source: NumpySource, component: Any, name: str) -> None:
        self._source, self._component, self._name = source, component, name

    def array(self, name: str) -> str:
        """Return an expression for an array that is an attribute of the component."""
        return self._source.array(np.asarray(getattr(self._component, name)), f"{self._name}.{name}")

    def line(self, text: str) -> None:
        """Add a line as it is."""
        self._source.lines.append(text)

    def let(self, name: str, expression: str) -> str:
        """Add a line that assigns to a new variable, and return its name."""
        return self._source.let(name, expression)


class NumpySource:
    """Lines of code, and the arrays that they use, by name."""

    def __init__(self, arrays: Mapping[str, np.ndarray], store: str = "w") -> None:
        self.lines: list[str] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.known, self.store = arrays, store
        self.texts: dict[Node, tuple[str, int]] = {}
        self._taken: set[str] = set()
        self._place = "constant"
        self._uses: dict[Node, int] = {}

    def write(self, program: Program) -> str:
        """Add the lines of a program, and return the expression of its output."""
        self._uses = live([program.output, *(node for step in program.steps for node in step.assigned.values())])
        for step in program.steps:
            if step.assigned or (step.output in self._uses and step.output not in self.texts):
                self._write_step(step)
        self._write_node(program.output)
        return self.texts[program.output][0]

    def _write_step(self, step: ProgramStep) -> None:
        self.lines += [""] * bool(self.lines)
        self.lines += textwrap.wrap(step.describe(), 108, initial_indent="# ", subsequent_indent="# ")
        self._place = step.name
        for target, node in step.assigned.items():
            self._write_node(node)
            self.lines.append(f"{target} = {self.texts[node][0]}")
        if step.output in self._uses:
            assert step.output
            self._write_node(step.output)
            variable = "d" if step.method == "backward" else "x"
            self.texts[step.output] = self.let(variable, self.texts[step.output][0]), _ATOM

    def let(self, name: str, expression: str) -> str:
        """Add a line that assigns to a new variable, called `name` or, if that is taken, with a number."""
        if name in self._taken or len(name) == 1:
            name = next(f"{name}{number}" for number in range(1, 10**9) if f"{name}{number}" not in self._taken)
        self._taken.add(name)
        self.lines.append(f"{name} = {expression}")
        return name

    def _write_node(self, output: Node) -> None:
        for node in live([output], self.texts):
            text, strength = self._express(node)
            if len(text) > _LONGEST:
                for part in node.parts:
                    if len(self.texts[part][0]) > _LONGEST // 4:
                        self.texts[part] = self.let("t", self.texts[part][0]), _ATOM
                text, strength = self._express(node)
            if node is not output and self._uses[node] > 1 and node.function not in ("input", "array"):
                text, strength = self.let("t", text), _ATOM
            self.texts[node] = text, strength

    def _express(self, node: Node) -> tuple[str, int]:
        """Return the expression of a node, and how strongly its operator binds."""
        if node.function in _INFIX and not node.options:
            return self._infix(*_INFIX[node.function], *node.args)
        if node.function in _PREFIX:
            operator, strength = _PREFIX[node.function]
            return operator + self._operand(node.args[0], strength), strength
        return self._call(node), -1 if node.function == "call" else _ATOM

    def _infix(self, operator: str, strength: int, left: Any, right: Any) -> tuple[str, int]:
        if operator == "+" and isinstance(right, float) and right < 0:
            operator, right = "-", -right
        power = operator == "**"
        sides = self._operand(left, strength + power), self._operand(right, strength + (not power))
        return f" {operator} ".join(sides), strength

    def _call(self, node: Node) -> str:
        match node.function, node.args:
            case "getitem", (x, index):
                indices = ", ".join(self._index(each) for each in (index if isinstance(index, tuple) else (index,)))
                text = f"{self._operand(x, _ATOM)}[{indices}]"
            case "astype", (x, dtype):
                text = f"{self._operand(x, _ATOM)}.astype({show_dtype(dtype)})"
            case "reshape", (x, shape):
                text = f"{self._operand(x, _ATOM)}.reshape({', '.join(map(str, shape))})"
            case "transpose", (x,):
                text = f"{self._operand(x, _ATOM)}.T"
            case "call", (x,):
                text = str(node.emitter(Code(self, node.component, self._place), self._operand(x, _ATOM)))
            case "input", (name,):
                text = str(name)
            case "array", (name,):
                self.arrays[name] = node.value
                text = f'{self.store}["{name}"]'
            case "size", (x,):
                text = f"{self._operand(x, _ATOM)}.size"
            case "draw", (generator, method, x, shape, *rest):
                times = f"{shape[0] // EXAMPLE_ROWS} * " * (
                    shape[0] > EXAMPLE_ROWS
                )  # positions of sequences as a batch
                size = ", ".join([f"{times}len({self._operand(x, _ATOM)})", *map(str, shape[1:])])
                arguments = [f"({size},)" if len(shape) == 1 else f"({size})", *map(self._argument, rest)]
                text = f"{generator}.{method}({', '.join(arguments)})"
            case _:
                arguments = [self._argument(each) for each in node.args]
                arguments += [f"{key}={self._argument(each)}" for key, each in node.options.items()]
                text = f"np.{node.function}({', '.join(arguments)})"
        return text

    def _operand(self, value: Any, strength: int) -> str:
        text, found = self.texts[value] if isinstance(value, Node) else (self._argument(value), _ATOM)
        if text.startswith("-") and found == _ATOM:
            found = _PREFIX["negative"][1]
        return f"({text})" if found < strength else text

    def _argument(self, value: Any) -> str:
        if isinstance(value, Node):
            return self.texts[value][0]
        if isinstance(value, (list, tuple)):
            inside = ", ".join(map(self._argument, value))
            return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
        if isinstance(value, (np.dtype, type)):
            return show_dtype(value)
        if isinstance(value, np.ndarray) and value.ndim:
            return self.array(value)
        if isinstance(value, (np.ndarray, np.generic)):
            item, plain = value.item(), value.dtype in (np.int64, np.bool_)  # float64 makes float32 float64
            return show_number(item) if plain else f"{show_dtype(value.dtype)}({show_number(item, value.dtype)})"
        return show_number(value) if isinstance(value, float) else repr(value)

    def _index(self, value: Any) -> str:
        if isinstance(value, slice):
            ends = ["" if each is None else str(each) for each in (value.start, value.stop)]
            return ":".join(ends if value.step is None else [*ends, str(value.step)])
        if value is None or value is ...:
            return "..." if value is ... else "np.newaxis"
        if isinstance(value, np.ndarray) and value.size <= _SMALL and value.dtype.kind in "iu":
            return str(value.tolist())
        return self._argument(value)

    def array(self, value: np.ndarray, name: str | None = None) -> str:
        """Return the expression of a constant array: by its name, or written out if it is small and has none."""
        for known, array in self.known.items():
            for stored, suffix in ((array, ""), (array.T, ".T")):
                if same_memory(value, stored):
                    self.arrays[known] = array
                    return f'{self.store}["{known}"]{suffix}'
        if name is None and value.size <= _SMALL:
            return show_array(value)
        stored_name = name or f"{self._place}.constant"
        names = (f"{stored_name}{number or ''}" for number in range(10**9))
        chosen = next(each for each in names if each not in self.arrays or self.arrays[each] is value)
        self.arrays[chosen] = value
        return f'{self.store}["{chosen}"]'


def same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two arrays are the same elements in memory."""
    mine, other = a.__array_interface__, b.__array_interface__
    return (
        a.size > 0 and a.strides == b.strides and all(mine[key] == other[key] for key in ("data", "shape", "typestr"))
    )


def show_number(value: Any, dtype: Any = None) -> str:
    """Return a number as Python and NumPy read it, with the digits that its dtype has."""
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    return str(np.float32(value)) if dtype == np.float32 else repr(value)


def show_dtype(dtype: Any) -> str:
    """Return the name of a dtype in NumPy."""
    found = np.dtype(dtype)
    return f'"{found.str}"' if found.kind in "UM" else "bool" if found == np.bool_ else f"np.{found.name}"


def show_array(value: np.ndarray) -> str:
    """Return an array as code."""

    def items(part: Any) -> str:
        if isinstance(part, list):
            return f"[{', '.join(map(items, part))}]"
        return show_number(part, value.dtype)

    plain = value.dtype in (np.float64, np.int64, np.bool_) or value.dtype.kind == "U"
    dtype = "" if plain and value.size else f", {show_dtype(value.dtype)}"
    return f"np.array({items(value.tolist())}{dtype})"
