"""`specnet export --to javascript`: one file that predicts in a browser and in Node.js."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet.cli import cli
from specnet.exporters.javascript import JavaScript

BASE = {
    "record": None, "plots": [], "training": {"epochs": 2}, "loss": "bce_with_logits",
    "dataset": {"type": "spiral", "n_samples": 60}, "transforms": {"inputs": ["standardize"]},
    "layers": [{"type": "linear", "units": 6}, "tanh", "linear"],
}  # fmt: skip
KINDS = {
    "classes in a plane": {},
    "numbers with transformed targets": {
        "dataset": {"type": "waves", "n_samples": 50}, "loss": "mse", "dtype": "float64",
        "transforms": {"inputs": ["minmax", {"type": "clip", "low": 0.2, "high": 0.9}],
                       "targets": ["standardize", {"type": "scale", "factor": 3.0}]}},
    "images": {
        "dataset": {"type": "shapes", "n_samples": 40}, "loss": "cross_entropy", "transforms": {},
        "layers": [{"type": "conv2d", "filters": 2, "kernel_size": 3, "max_norm": 1.0}, "batch_norm", "relu",
                   "max_pool2d", "flatten", "dropout", "linear"]},
    "columns by name": {
        "layers": [{"type": "residual", "layers": ["gelu"]}, "linear"],
        "transforms": {"inputs": [{"type": "standardize", "columns": ["y"]}]}},
}  # fmt: skip


@pytest.fixture
def export(tmp_path, monkeypatch):
    """Trains a run and exports it, and returns run and result."""
    monkeypatch.chdir(tmp_path)

    def call(**changes):
        run = specnet.run(specnet.load_spec(BASE | changes), out=tmp_path / "run")
        return run, CliRunner().invoke(cli, ["export", str(run.directory), "--to", "javascript", "-o", "net.js"])

    return call


@pytest.mark.parametrize("kind", KINDS)
def test_the_script_predicts_in_a_browser_what_the_run_predicts(kind, export, request):
    run, result = export(**KINDS[kind])
    assert result.exit_code == 0, result.stderr
    assert ("Node.js is not installed" in result.stdout) == (shutil.which("node") is None)
    script, rows = Path("net.js").read_text(encoding="utf-8"), run.data.train.inputs[:5]
    chrome = request.getfixturevalue("chrome")
    chrome.end()
    found = np.array(chrome.driver.execute_script(f"{script}\nreturn predict(arguments[0])", rows.tolist()))
    expected = run.predict(rows)
    np.testing.assert_allclose(
        found, expected.reshape(found.shape), rtol=0, atol=1e-5 if run.spec.dtype == "float32" else 1e-12
    )


def test_what_has_no_twin_is_refused_by_name_and_nothing_is_written(export):
    _, result = export(layers=[{"type": "linear", "units": 6}, "prelu", "linear"])
    assert result.exit_code == 2
    assert "layers.1, prelu, has no twin in JavaScript" in result.stderr
    assert not Path("net.js").exists()


def test_a_transform_without_a_twin_is_refused_by_name(export):
    _, result = export(transforms={"inputs": ["polynomial"]})
    assert result.exit_code == 2
    assert "transforms.inputs.0, polynomial, has no twin" in result.stderr


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_what_node_predicts_otherwise_is_not_written(export, monkeypatch):
    run, result = export()
    assert "largest difference from the run's predictions for " in result.stdout
    Path("net.js").unlink()
    monkeypatch.setattr(
        specnet.load_run(run.directory).__class__, "predict", lambda self, rows: np.ones((len(rows), 1))
    )
    assert CliRunner().invoke(cli, ["export", "run", "--to", "javascript", "-o", "net.js"]).exit_code == 2
    assert not Path("net.js").exists()


MISTAKES = {
    "row 1 has 1 numbers, not 2": [[1, 2], [3]],
    "row 0 has 1 numbers, not 2": [[1], [2, 3, 4]],
    "row 0 has NaN as number 1: it should be finite": "[[1, NaN]]",
    "row 0 has 2 as number 0: it should be finite": [["2", 1]],
    "rows should be a list of rows": 3,
}


def test_rows_that_do_not_fit_are_refused_by_place_and_other_lists_are_read(export, request):
    export()
    chrome = request.getfixturevalue("chrome")
    chrome.end()
    script = Path("net.js").read_text(encoding="utf-8")
    for message, rows in MISTAKES.items():
        given = rows if isinstance(rows, str) else json.dumps(rows)
        call = f"{script}\ntry {{ predict({given}); }} catch (error) {{ return error.message; }}"
        assert chrome.driver.execute_script(call) == message
    found = chrome.driver.execute_script(f"{script}\nreturn predict([new Float32Array([1, 2]), [[1], [2]]])")
    assert found[0] == found[1]
    assert chrome.driver.execute_script(f"{script}\nreturn predict([])") == []


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_a_file_mjs_is_an_es_module(export):
    export()
    result = CliRunner().invoke(cli, ["export", "run", "--to", "javascript", "-o", "net.mjs"])
    assert "largest difference from the run's predictions for " in result.stdout
    assert Path("net.mjs").read_text(encoding="utf-8").endswith("export { predict };\n")
    result = CliRunner().invoke(cli, ["export", "run", "--to", "javascript", "-o", "net.ts"])
    assert "the file name should end in .js or .mjs" in result.stderr


def test_without_node_the_script_is_written_and_the_comparison_left_out(export, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    _, result = export()
    assert result.exit_code == 0
    assert "not compared with the run's predictions: Node.js is not installed" in result.stdout
    assert JavaScript.extension == ".js"
    assert json.loads(Path("net.js").read_text(encoding="utf-8").split("return predictor(")[1].split(");\n")[0])[
        "input"
    ] == [2]
