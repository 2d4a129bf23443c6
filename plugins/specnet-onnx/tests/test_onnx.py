"""An ONNX model computes what the run predicts."""

import csv
import json

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from exported import model as small_model
from exported import models, train_towns
from onnxruntime import InferenceSession
from specnet_onnx.components import find_emitter
from specnet_onnx.exporter import compute, write_program
from specnet_onnx.graph import Graph

import specnet
from specnet import Layer, SpecnetError, register, registry
from specnet.cli import cli
from specnet.exporters.program import follow
from specnet.exporters.source import NumpySource
from specnet.exporters.tracing import largest_difference, traced_input


def export(model, rows):
    program = follow(model, traced_input(rows), "onnx", find_emitter, "float32")
    graph = Graph()
    graph.input("x", rows.dtype, ["batch", *rows.shape[1:]])
    output = write_program(graph, program)
    value = program.output.value
    return graph.model(output, value.dtype, ["batch", *value.shape[1:]], "test", {}).SerializeToString()


def test_every_built_in_component_computes_the_same_in_onnx():
    for name, model, rows in models("float32"):
        found, expected = compute(export(model, rows), {"x": rows}), model.predict(rows)
        assert largest_difference(found, expected) <= 2e-6, name
        assert found.dtype == expected.dtype, name


def read_cells(path):
    """The cells of a table as the model takes them: text, numbers, and days."""
    with path.open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    cells = {name: np.array([[row[name]] for row in rows], object) for name in ("town", "floor", "seen")}
    cells["length"] = np.array([[float(row["length"] or "nan")] for row in rows])
    days = np.array([[row["day"]] for row in rows], "M8[s]")
    return cells | {"day": days.astype(np.float64) / 86_400}


def test_a_table_goes_in_as_it_is_in_batches_of_any_size(tmp_path):
    run = train_towns(tmp_path, dtype="float64")
    result = CliRunner().invoke(cli, ["export", str(run.directory), "--to", "onnx", "-o", str(tmp_path / "m.onnx")])
    assert result.exit_code == 0, result.stderr
    assert "inputs: length, town, floor, seen, day\nthe network is float64, and float32 in the model\n" in result.stdout
    assert "largest difference from the run's predictions for 60 rows: " in result.stdout
    session, cells = InferenceSession(tmp_path / "m.onnx"), read_cells(tmp_path / "towns.csv")
    expected = run.predict(run.data.train.inputs)
    for count in (60, 1, 7):
        (found,) = session.run(["predictions"], {name: array[:count] for name, array in cells.items()})
        np.testing.assert_allclose(found, expected[:count], atol=1e-6)
    cells["floor"][0], cells["town"][0] = "9", "Rome"
    with_unknown = session.run(None, cells)[0]
    assert np.isnan(with_unknown[0]).all()
    assert not np.isnan(with_unknown[1:]).any()
    made = onnx.load(tmp_path / "m.onnx")
    about = {each.key: each.value for each in made.metadata_props}
    assert (made.opset_import[0].version, made.ir_version) == (21, 10)
    assert json.loads(about["classes"]) == ["no", "yes"]
    assert json.loads(about["spec"])["dataset"]["path"] == "towns.csv"


@pytest.fixture
def local():
    yield
    registry.LOCAL_ENTRIES.clear()


class Centered(Layer):
    """y = x - mean(x), written into an array."""

    axes = ("features",)

    def build(self, input_shape):
        self.declare("shift", input_shape, "ones")
        return input_shape

    def forward(self, x, training):
        y = self.buffer("y", x.shape)
        np.subtract(x, x.mean(axis=-1, keepdims=True), out=y)
        return y + self.shift

    def backward(self, dy):
        dy.sum(axis=0, out=self.grad.shift)
        return dy - dy.mean(axis=-1, keepdims=True)


class Explained(Centered):
    """y = x - mean(x), with operators of its own."""

    def onnx(self, graph, x):
        mean = graph.ReduceMean(x, np.array([-1]))
        return graph.Add(graph.Sub(x, mean), graph.array("shift"))


class Various(Layer):
    """What layers are made of, besides what those of specnet use."""

    axes = ("time", "features")

    def build(self, input_shape):
        self.declare("mix", (input_shape[-1], input_shape[-1]), "normal")
        self.declare("table", (2, input_shape[-1]), "normal")
        return input_shape

    def forward(self, x, training):
        a = np.moveaxis(np.einsum("ntf,fg->ntg", x, self.mix), 1, -1).swapaxes(1, 2)
        before = np.pad(a, [(0, 0), (1, 0), (0, 0)])[:, :-1]
        size = np.sqrt(x.var(axis=-1, keepdims=True) + np.vecdot(a, a)[..., np.newaxis])
        y = self.table[(x[:, :, 0] > 0).astype(np.int64)]
        y[...] = y + np.floor_divide(x, 2)
        return before / size + y[:, ::-1]

    def backward(self, dy):
        return dy


class Odd(Layer):
    """y = i0(x)."""

    def forward(self, x, training):
        return np.i0(x)

    def backward(self, dy):
        return dy


@pytest.mark.parametrize(("cls", "why"), [(Centered, "it writes into an existing array"), (Odd, "it uses np.i0, for ")])
def test_a_layer_without_operators_is_named_by_its_place(local, cls, why):
    register("layers", "own")(cls)
    rows = np.ones((3, 4), np.float32)
    with pytest.raises(SpecnetError, match="onnx: " + why) as caught:
        export(small_model(["tanh", "own"], (4,), "mse", dtype="float32"), rows)
    assert caught.value.pointer == ("layers", 1)
    assert str(caught.value).startswith(f"error[export]: layers.1 ({cls.__name__}")


def test_a_layer_is_followed_through_what_numpy_offers(local):
    register("layers", "own")(Various)
    model = small_model(["own", "tanh"], (4, 3), "mse", dtype="float32")
    rows = np.random.default_rng(5).normal(size=(9, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(compute(export(model, rows), {"x": rows}), model.predict(rows), atol=1e-6)
    source = NumpySource({})
    program = follow(model, traced_input(rows), "numpy", lambda component: None)
    space = {"np": np, "x": rows, "w": source.arrays}
    output = source.write(program)
    exec("\n".join(source.lines), space)
    np.testing.assert_allclose(eval(output, space), model.predict(rows), atol=1e-6)


def test_a_plugins_layer_brings_its_own_operators(local):
    register("layers", "own")(Explained)
    model = small_model([specnet.build("layers", "own"), "tanh"], (4,), "mse", dtype="float32")
    rows = np.random.default_rng(5).normal(size=(9, 4)).astype(np.float32)
    np.testing.assert_allclose(compute(export(model, rows), {"x": rows}), model.predict(rows), atol=1e-6)
