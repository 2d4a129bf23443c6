"""The target `onnx`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime

from specnet.errors import ExportError
from specnet.exporters.base import Exporter, table_columns
from specnet.exporters.program import Program, follow
from specnet.exporters.tracing import live, traced_input
from specnet.faults import describe_component
from specnet.runs.run import Run
from specnet.runs.storage.files import write_bytes
from specnet.words import describe_error
from specnet_onnx.columns import cells_of, encode, has_text
from specnet_onnx.components import find_emitter
from specnet_onnx.graph import IR, OPSET, Graph
from specnet_onnx.operators import lower


class Onnx(Exporter):
    """An ONNX model from raw inputs to predictions, for a batch of any size.

    Tables with categories have an input for each column, (batch, 1) of text or float64; others one array `x`.
    Transforms are computed in float64, the network in float32.
    """

    extension = ".onnx"

    def write(self, run: Run, rows: np.ndarray, path: Path) -> Iterable[str]:
        graph, columns = Graph(), table_columns(run, rows)
        if columns and has_text(columns):
            cells = cells_of(columns, rows)
            x = encode(columns, cells, getattr(run.dataset, "na_values", ()), rows.dtype)
            for name, cell in cells.items():
                graph.input(name, cell.dtype, ["batch", 1])
        else:
            x = traced_input(rows)
            graph.input("x", rows.dtype, ["batch", *rows.shape[1:]])
        program = follow(run.model, x, "onnx", find_emitter, "float32")
        output = write_program(graph, program)
        value = program.output.value
        about = {"spec": json.dumps(run.portable_spec()), "task": json.dumps(run.task.to_json())}
        about |= {"classes": json.dumps(run.classes), "targets": json.dumps(run.target_names)}
        about |= {"columns": json.dumps(run.input_names)}
        model = graph.model(output, value.dtype, ["batch", *value.shape[1:]], run.name, about)
        content = model.SerializeToString()
        write_bytes(path, content)
        inputs = ", ".join(each.name for each in graph.inputs)
        yield f"opset {OPSET}, IR {IR}, {len(graph.nodes)} nodes; inputs: {inputs}"
        if run.spec.dtype == "float64":
            yield "the network is float64, and float32 in the model"

    def predict(self, run: Run, rows: np.ndarray, path: Path) -> np.ndarray:
        columns = table_columns(run, rows)
        inputs = cells_of(columns, rows) if columns and has_text(columns) else {"x": rows}
        return compute(path.read_bytes(), inputs)

    def bound(self, run: Run) -> float:
        return 1e-4


def write_program(graph: Graph, program: Program) -> str:
    """Add the nodes of a program to a graph, and return the name of its output.

    Raises:
        ExportError: naming the component that has no operator.
    """
    graph.lower = lower
    known = {id(array): name for name, array in program.arrays.items()}
    used = live([program.output])
    for node in used:
        for value in node.args:
            if isinstance(value, np.ndarray) and id(value) in known:
                graph.constant(value, known[id(value)])
    for step in program.steps:
        if step.output in used:
            graph.place = step.name
            try:
                lower(graph, step.output)
            except ExportError as error:
                message = (
                    f"{describe_component(step.component, step.place)} cannot be exported to onnx: {error.message}"
                )
                help = "give it a method onnx(graph, x): docs/write-an-exporter.md"
                raise ExportError(message, pointer=step.place, help=help) from None
    return lower(graph, program.output)


def compute(model: bytes, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Return what ONNX Runtime computes.

    Raises:
        ExportError: if it cannot.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    given = {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in inputs.items()}
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, given)[0])
    except Exception as error:  # ONNX Runtime has a class for each of its codes
        raise ExportError(f"ONNX Runtime cannot run the model: {describe_error(error)}") from error
