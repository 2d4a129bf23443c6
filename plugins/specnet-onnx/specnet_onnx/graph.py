"""`Graph`: the nodes and constants of an ONNX model while it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from specnet.exporters.tracing import Node, Traced

OPSET, IR = 21, 10


class Graph:
    """Adds operators by their names in ONNX, and returns the names of their outputs.

    `graph.Relu(x)` adds a node; attributes are keywords: `graph.Softmax(x, axis=-1)`. Inputs are names or arrays. A
    component's own `onnx(graph, x)` gets the name of its input and returns that of its output; `graph.array("weight")`
    returns an attribute of the component, such as a parameter.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.names: dict[Node, str] = {}
        self.component: Any = None
        self.place = ""
        self.lower: Callable[[Graph, Node], str]

    def __getattr__(self, operator: str) -> Callable[..., str]:
        if not operator[:1].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **attributes: self.add(operator, *inputs, **attributes)

    def add(self, operator: str, *inputs: str | np.ndarray, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node, and return the name of its output; of several outputs a list."""
        number = len(self.nodes)
        prefix = f"{self.place}/" if self.place else ""
        names = [f"{prefix}{operator}_{number}" + f"_{each}" * (outputs > 1) for each in range(outputs)]
        given = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        self.nodes.append(helper.make_node(operator, given, names, name=f"{prefix}{operator}_{number}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, name: str | None = None) -> str:
        """Return the name of a constant array."""
        array = np.asarray(value)
        name = name or next((known for known, each in self.constants.items() if each is value), None)
        name = name or f"{self.place or 'constant'}/{len(self.constants)}"
        self.constants[name] = array
        return name

    def array(self, name: str) -> str:
        """Return an array that is an attribute of the component."""
        return self.constant(getattr(self.component, name), f"{self.place}.{name}")

    def follow(self, function: Callable[[Any], Any], x: Node) -> str:
        """Return what a function of NumPy computes of a node."""
        return self.lower(self, function(Traced(x)).node)

    def input(self, name: str, dtype: Any, shape: list[str | int]) -> None:
        """Add an input of the model."""
        self.inputs.append(helper.make_tensor_value_info(name, tensor_type(dtype), shape))

    def model(
        self, output: str, dtype: Any, shape: list[str | int], name: str, about: dict[str, str]
    ) -> onnx.ModelProto:
        """Return the model; `about` are its metadata.

        Raises:
            onnx.checker.ValidationError: if it is not valid.
        """
        self.place = ""
        result = "predictions" + "_" * any(each.name == "predictions" for each in self.inputs)
        self.nodes.append(helper.make_node("Identity", [output], [result], name=result))
        results = [helper.make_tensor_value_info(result, tensor_type(dtype), shape)]
        stored = [numpy_helper.from_array(_plain(array), name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, self.inputs, results, stored)
        model = helper.make_model(
            graph, producer_name="specnet", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR
        )
        helper.set_model_props(model, about)
        onnx.checker.check_model(model, full_check=True)
        return model


def tensor_type(dtype: Any) -> int:
    """Return the number of a dtype in ONNX."""
    return onnx.TensorProto.STRING if np.dtype(dtype).kind == "U" else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _plain(array: np.ndarray) -> np.ndarray:
    """Return an array as ONNX stores it: contiguous, text as objects."""
    return array.astype(object) if array.dtype.kind == "U" else np.asarray(array, order="C")
