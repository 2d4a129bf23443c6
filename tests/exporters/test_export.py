"""`specnet export`: what it writes, compares and refuses."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from exported import train_towns
from safetensors import safe_open
from safetensors.numpy import load, load_file

import specnet
from specnet import Layer, register, registry
from specnet.cli import cli
from specnet.exporters.numpy_script import NumpyScript
from specnet.exporters.safetensors import read_tensors, write_tensors


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    return train_towns(tmp_path_factory.mktemp("towns"))


@pytest.fixture
def export(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(run, *arguments):
        return CliRunner().invoke(cli, ["export", str(getattr(run, "directory", run)), *map(str, arguments)])

    return call


def test_a_script_reads_a_table_and_prints_what_predict_prints(towns, export):
    result = export(towns, "--to", "numpy")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == "numpy: towns.npz, towns.py"
    table = towns.directory.parent / "towns.csv"
    done = subprocess.run(
        [sys.executable, "-I", "towns.py", table], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    expected = CliRunner().invoke(cli, ["predict", str(towns.directory), str(table)]).stdout
    found, wanted = ([*csv.DictReader(io.StringIO(text))] for text in (done.stdout, expected))
    assert [row["long"] for row in found] == [row["long"] for row in wanted]
    yes = [[float(row["probability of yes"]) for row in rows] for rows in (found, wanted)]
    np.testing.assert_allclose(*yes, atol=1e-6)
    text = Path("towns.py").read_text(encoding="utf-8")
    assert "# layers.1.layers.0, gelu: y = x Phi(x)" in text
    assert "specnet" not in [line.split()[1] for line in text.splitlines() if line.startswith(("import", "from"))]


@pytest.mark.parametrize("changes", [{}, {"delimiter": ";", "encoding": "latin-1"}])
def test_a_script_reads_and_writes_cells_with_separators(changes, tmp_path, export):
    rows = [f'"{number}.5"; "a, b";"{("ä,ö", "big; red")[number % 2]}"' for number in range(40)]
    text = "\n".join(['"x, in cm";"kind, or not";"y, z"', *rows])
    Path("table.csv").write_text(text, encoding=changes.get("encoding", "utf-8"))
    dataset = {"type": "csv", "path": "table.csv", "inputs": ["x, in cm", "kind, or not"], "targets": ["y, z"]}
    inputs = [{"name": "kind, or not", "type": "category", "categories": ["a, b", "c"]}, "x, in cm"]
    spec = {"dataset": dataset | {"inputs": inputs} | changes, "layers": ["linear"], "loss": "bce_with_logits"}
    run = specnet.run(spec | {"training": {"epochs": 2}, "plots": []}, out="run", report=False)
    assert export(run, "--to", "numpy", "-o", "script.py").exit_code == 0
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "script.py", "table.csv"], capture_output=True, check=True, encoding="utf-8"
    )
    predicted = CliRunner().invoke(cli, ["predict", "run", "table.csv"]).stdout
    found, wanted = ([*csv.DictReader(io.StringIO(text))] for text in (done.stdout, predicted))
    assert [*found[0]] == ["y, z", "probability of ä,ö"]
    assert [row["y, z"] for row in found] == [row["y, z"] for row in wanted]


def test_few_weights_stand_in_the_script(tmp_path, export):
    small = train_towns(tmp_path, layers=["linear"])
    assert export(small, "--to", "numpy", "-o", "small.py").stdout.startswith("numpy: small.py\n")
    assert "w = {" in Path("small.py").read_text(encoding="utf-8")


class Running(Layer):
    """y = x, written into an array."""

    def forward(self, x, training):
        y = np.empty_like(x)
        y[:, :1] = x[:, :1]
        y[:, 1:] = x[:, 1:]
        return y

    def backward(self, dy):
        return dy


class Explained(Running):
    """y = x + shift, with its own code."""

    def build(self, input_shape):
        self.declare("shift", input_shape[-1:], "zeros")
        return input_shape

    def forward(self, x, training):
        return super().forward(x, training) + self.shift

    def backward(self, dy):
        dy.sum(axis=0, out=self.grad.shift)
        return dy

    def numpy(self, code, x):
        shifted = code.let("shifted", f"{x} + {code.array('shift')}")
        return f"{shifted} * 1"


def test_a_layer_that_cannot_be_followed_is_named_by_its_place_or_brings_its_own_code(tmp_path, export, local):
    register("layers", "running")(Running)
    register("layers", "explained")(Explained)
    run = train_towns(tmp_path, layers=["linear", {"type": "residual", "layers": ["running"]}])
    result = export(run, "--to", "numpy", "-o", "m.py")
    assert result.exit_code == 2
    assert "layers.1.layers.0 (Running" in result.stderr
    assert "cannot be exported to numpy: it writes into parts of an array" in result.stderr
    assert not Path("m.py").exists()
    other = tmp_path / "other"
    other.mkdir()
    run = train_towns(other, layers=[{"type": "linear", "units": 1}, {"type": "residual", "layers": ["explained"]}])
    result = export(run, "--to", "numpy", "-o", "m.py")
    assert result.exit_code == 0, result.stderr
    text = Path("m.py").read_text(encoding="utf-8")
    assert '    shifted = x4 + w["layers.1.layers.0.shift"]\n    x5 = shifted * 1\n' in text


def test_what_predicts_otherwise_is_not_written(towns, export, monkeypatch):
    monkeypatch.setattr(NumpyScript, "predict", lambda self, run, rows, path: run.predict(rows) + 1e-3)
    result = export(towns, "--to", "numpy")
    assert result.exit_code == 2
    assert "largest difference from the run's predictions for 60 rows: 0.001, more than 1e-05" in result.stderr
    assert [*Path().iterdir()] == []


def test_safetensors_hold_every_array_as_the_library_reads_it(towns, export):
    result = export(towns, "--to", "safetensors")
    assert result.stdout == "safetensors: towns.safetensors\n10 arrays, read back\n"
    found = load_file("towns.safetensors")
    for name, array in towns.params.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(found["transforms.inputs.2.scale"], towns.model.inputs.transforms[2].scale)
    with safe_open("towns.safetensors", "np") as file:
        spec = json.loads(file.metadata()["spec"])
    assert (spec["name"], spec["dataset"]["path"]) == ("towns", "towns.csv")


def test_arrays_of_any_order_and_dtype_are_written_row_by_row():
    a = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    arrays = {"transposed": a.T, "big": a.astype(">f8"), "flags": a > 2, "empty": a[:0], "number": np.array(3)}
    for found in (read_tensors(write_tensors(arrays, {})), load(write_tensors(arrays, {}))):
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


def test_names_that_do_not_fit_are_refused_and_data_that_are_gone_can_be_given(towns, export, tmp_path, monkeypatch):
    assert 'there is no exporter "keras"' in export(towns, "--to", "keras").stderr
    monkeypatch.delitem(registry.claims("exporters"), "onnx", raising=False)
    result = export(towns, "--to", "onnx")
    assert result.exit_code == 2
    assert 'pip install "specnet[onnx]"' in result.stderr
    assert "should end in .py" in export(towns, "--to", "numpy", "-o", "m.txt").stderr
    assert "there is no folder" in export(towns, "--to", "numpy", "-o", "missing/m.py").stderr
    Path("towns.npz").touch()
    assert "already exists" in export(towns, "--to", "numpy").stderr
    gone = train_towns(tmp_path)
    rows = tmp_path / "rows.npy"
    np.save(rows, gone.data.train.inputs[:5])
    (tmp_path / "towns.csv").unlink()
    assert "--data FILE" in export(tmp_path / "towns", "--to", "numpy", "-o", "m.py").stderr
    width = gone.data.train.inputs.shape[1]
    for shape, message in {(3, 2): "a sample has shape (2,)", (0, width): "there are no rows"}.items():
        np.save("wrong.npy", np.zeros(shape))
        result = export(tmp_path / "towns", "--to", "numpy", "-o", "m.py", "--data", "wrong.npy")
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    result = export(tmp_path / "towns", "--to", "numpy", "-o", "m.py", "--data", rows)
    assert "for 5 rows" in result.stdout, result.stderr
    assert export(tmp_path / "towns", "--to", "safetensors").exit_code == 0
