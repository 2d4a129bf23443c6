import html
import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import specnet
import specnet.runs.run as run_module
from specnet.errors import DataError, RunError, ShapeError, UsageError
from specnet.report.page import page
from specnet.spec.model import json_digest


def test_a_loaded_run_predicts_what_the_finished_one_did(train):
    run = train()
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal(specnet.load_run(run.directory).predict(x), run.predict(x))


def test_a_run_tells_its_directory_and_checkpoint(train, tmp_path):
    step = train().best["step"]
    shown = repr(specnet.load_run(tmp_path / "run"))
    assert shown.startswith(f"Run('{tmp_path}/run', finished, checkpoint='step-{step:08d}', validation/loss 0.")


def test_predictions_are_probabilities_where_the_loss_is_on_logits(train):
    run = train()
    y = run.predict(run.data.test.inputs)
    assert y.shape == (6, 1)
    assert np.mean((y >= 0.5) == run.data.test.targets[:, None]) == run.evaluate("test")["accuracy"]


def test_predictions_and_metrics_are_in_the_units_of_the_targets(train):
    layers = [{"type": "linear", "units": 1}]
    both = ["standardize"]
    run = train(
        dataset="waves", transforms={"inputs": both, "targets": both}, layers=layers, loss="mse", metrics=["mse", "r2"]
    )
    test = run.data.test
    error = run.predict(test.inputs) - test.targets
    scores = run.evaluate("test")
    assert scores["mse"] == pytest.approx(np.mean(error**2), rel=1e-6)
    deviation = run.model.targets.transforms[0].scale
    assert scores["loss"] == pytest.approx(np.mean(error**2) / deviation[0] ** 2, rel=1e-4)


def test_one_hot_targets_are_undone_to_classes(train):
    layers = [{"type": "linear", "units": 2}]
    run = train(transforms={"targets": ["one_hot"]}, layers=layers, loss="cross_entropy")
    classes = run.predict(run.data.test.inputs)
    assert classes.dtype == np.int64
    assert run.evaluate("test")["accuracy"] == np.mean(classes == run.data.test.targets)


def test_history_columns_are_arrays(train):
    history = train().history
    assert isinstance(history["validation/loss"], np.ndarray)
    assert history["epoch"].tolist() == list(range(1, 9))


def test_a_split_that_the_run_has_not_is_refused_with_those_it_has(train):
    with pytest.raises(UsageError, match="no test samples") as error:
        train(split={"validation": 0.2}).evaluate("test")
    assert "train" in str(error.value)


def test_inputs_of_another_shape_are_refused(train):
    with pytest.raises(ShapeError, match=r"shape \(3,\)"):
        train().predict(np.zeros((4, 3)))


def test_further_samples_can_be_evaluated(train):
    run = train()
    assert run.evaluate(run.data.validation) == run.evaluate("validation")


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_a_folder_that_is_no_run_is_refused(folder, tmp_path):
    with pytest.raises(RunError, match=r"not a run directory|there is no directory"):
        specnet.load_run(tmp_path / folder)


def test_plots_can_be_drawn_later(train):
    run = train()
    assert run.plots == []
    path = specnet.load_run(run.directory).plot("curves")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert run.plots == [path]


def rewrite(path, change):
    """Change the object in a JSON file."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return document


def test_a_run_whose_plugin_is_gone_tells_what_to_install(train):
    directory = train().directory
    spec = rewrite(directory / "spec.json", lambda spec: spec["layers"][1].update(type="tanhish"))
    rewrite(
        directory / "manifest.json",
        lambda manifest: (
            manifest["spec"].update(sha256=json_digest(spec)),
            manifest["components"].update({"layers.tanhish": "acme-layers 1.2"}),
        ),
    )
    with pytest.raises(RunError, match='no layer "tanhish"') as error:
        specnet.load_run(directory)
    assert error.value.help == "pip install acme-layers==1.2"


def test_a_spec_that_is_not_that_of_the_run_is_refused(train):
    directory = train().directory
    rewrite(directory / "spec.json", lambda spec: spec["layers"][1].update(type="relu"))
    with pytest.raises(RunError, match=r"spec\.json is not the spec of this run"):
        specnet.load_run(directory)


def test_data_from_a_formula_may_differ_in_their_last_bits(train, monkeypatch):
    run = train()
    monkeypatch.setattr("specnet.runs.measured.data_digest", lambda data: "of another machine")
    assert specnet.load_run(run.directory).evaluate("train") == run.evaluate("train")


def test_a_checkpoint_may_be_given_by_its_number(train):
    run = train()
    assert specnet.load_run(run.directory, 0).checkpoint.name == "step-00000000.npz"


def test_data_that_are_not_those_of_the_run_are_refused(train, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("x,y\n" + "".join(f"{x},{x * x}\n" for x in range(20)))
    dataset = {"type": "csv", "path": str(table), "inputs": ["x"], "targets": ["y"]}
    run = train(dataset=dataset, layers=[{"type": "linear", "units": 1}], loss="mse", metrics=[])
    table.write_text(table.read_text().replace("\n3,", "\n3.5,"))
    changed = specnet.load_run(run.directory)
    assert changed.predict([[1.0]]).shape == (1, 1)
    assert changed.plot("curves").is_file()
    with pytest.raises(DataError, match="not those that the run was made with"):
        changed.evaluate("train")


def test_a_run_predicts_the_same_in_several_threads(train):
    run = train()
    inputs = [run.data.train.inputs[rows:] for rows in range(8)]
    expected = [run.predict(x).tobytes() for x in inputs]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: run.predict(inputs[number % 8]).tobytes(), range(400)))
    assert found == expected * 50


def test_a_notebook_shows_the_page_of_a_run(train):
    shown = train()._repr_html_()
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(page).startswith("<!DOCTYPE html>")
    assert 'sandbox="allow-scripts"' in shown


def test_a_page_is_written_where_the_run_is(train):
    run = train(report=True)
    (run.directory / "report.html").unlink()
    assert run.report() == run.directory / "report.html"
    assert run.report().read_text() == page(run)


def test_a_page_reads_the_initial_checkpoint_once(train, monkeypatch):
    read = []
    original = run_module.read_checkpoint
    monkeypatch.setattr(run_module, "read_checkpoint", lambda path, *more: read.append(path) or original(path, *more))
    run = train(report=True)
    read.clear()
    run.report()
    assert sum(path.stem == "step-00000000" for path in read) == 1
