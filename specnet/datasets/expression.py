"""Formulas as text, such as "sin(x0) * x1": parsed by Python's `ast`, computed by NumPy, never run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from specnet.errors import DataError
from specnet.names import suggest
from specnet.words import quote

MAX_LENGTH = 1000
"""Most characters of a formula: Python's parser needs much memory for deeply nested ones."""
_DEEPEST = 500
"""Deepest nesting: a formula is checked and computed by recursion. A sum of as many terms is as deep."""
CONSTANTS = {"pi": np.pi, "e": np.e}
UNARY: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
        "exp", "log", "log2", "log10", "sqrt", "abs", "sign", "floor", "ceil",
    )
}  # fmt: skip
BINARY: dict[str, Callable[..., Any]] = {
    "minimum": np.minimum, "maximum": np.maximum, "arctan2": np.arctan2, "hypot": np.hypot,
}  # fmt: skip
"""Functions of two arguments."""
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Expression:
    """A formula of numbers, named variables, `+ - * / % **`, comparisons (1 where true, else 0) and functions.

    Raises:
        DataError: if the text is not a valid formula; the message names the column of the mistake.
    """

    def __init__(self, text: str, variables: Collection[str]) -> None:
        self.text = text
        self.names = {*variables, *CONSTANTS}
        if len(text) > MAX_LENGTH:
            raise self._fault(f"it is longer than {MAX_LENGTH} characters", MAX_LENGTH)
        try:
            parsed = ast.parse(text, mode="eval")
        except SyntaxError as error:
            raise self._fault(error.msg, (error.offset or 1) - 1) from None
        except (ValueError, MemoryError, RecursionError) as error:
            raise self._fault(f"it cannot be parsed ({error})", 0) from None
        self._tree = parsed.body
        self._check(self._tree)

    def __call__(self, variables: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return its value for arrays of one shape, in float64; NaN or infinity where it has none."""
        shape = np.broadcast_shapes(*(array.shape for array in variables.values()))
        with np.errstate(all="ignore"):
            value = self._value(self._tree, variables)
        return np.broadcast_to(np.asarray(value, np.float64), shape).copy()

    def _check(self, node: ast.AST, depth: int = 0) -> None:
        """Check that a node and those below it are in the lists above."""
        if depth > _DEEPEST:
            raise self._fault(f"it is nested more than {_DEEPEST} deep", 0)
        below: Sequence[ast.AST] = ()
        match node:
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                pass
            case ast.Name(id=name):
                if name not in self.names:
                    raise self._fault(f"there is no variable {quote(name)}", node.col_offset, suggest(name, self.names))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
                below = (operand,)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                below = (left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                below = (left, right)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                if name not in {*UNARY, *BINARY}:
                    help = suggest(name, [*UNARY, *BINARY])
                    raise self._fault(f"there is no function {quote(name)}", node.col_offset, help)
                if len(args) != (expected := 2 if name in BINARY else 1):
                    raise self._fault(f"{name} takes {expected}, not {len(args)} numbers", node.col_offset)
                below = args
            case _:
                what = ast.get_source_segment(self.text, node) or type(node).__name__
                help = "a formula has numbers, variables, + - * / % **, < <= > >= and functions such as sin"
                raise self._fault(f"{quote(what)} is not allowed", getattr(node, "col_offset", 0), help)
        for each in below:
            self._check(each, depth + 1)

    def _value(self, node: Any, variables: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return np.float64(value)  # type: ignore[arg-type]
            case ast.Name(id=name):
                return variables[name] if name in variables else CONSTANTS[name]
            case ast.UnaryOp(op=op, operand=operand):
                return OPERATORS[type(op)](self._value(operand, variables))
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATORS[type(op)](self._value(left, variables), self._value(right, variables))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                found = OPERATORS[type(op)](self._value(left, variables), self._value(right, variables))
                return np.asarray(found, np.float64)
            case _:
                function = {**UNARY, **BINARY}[node.func.id]
                return function(*(self._value(each, variables) for each in node.args))

    def _fault(self, message: str, offset: int, help: str | None = None) -> DataError:
        """Return the error for a mistake behind `offset` characters."""
        shown = self.text if len(self.text) <= 80 else f"{self.text[:80]}…"
        return DataError(f"formula {quote(shown)}, column {offset + 1}: {message}", pointer=("y",), help=help)
