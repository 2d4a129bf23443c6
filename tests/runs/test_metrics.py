"""Metrics in a run: a column for each class, names, monitors, tasks, and what survives an interruption."""

import json

import numpy as np
import pytest

import specnet
from specnet.errors import Interrupted, SpecnetError

rng = np.random.default_rng(2)
X = rng.normal(size=(60, 2))
KINDS = ["ant", "b/ee", "c.at"]


@pytest.fixture
def spec(tmp_path):
    kinds = [KINDS[number] for number in np.digitize(X[:, 0] + 0.3 * rng.normal(size=60), [-0.5, 0.5])]
    rows = [f"{a},{b},{kind},{a * b},{a - b}" for (a, b), kind in zip(X, kinds, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,kind,p,q", *rows]))

    def call(targets=("kind",), loss="cross_entropy", **changes):
        dataset = {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": ["a", "b"], "targets": [*targets]}
        return {
            "dataset": dataset,
            "split": {"validation": 0.3},
            "layers": ["linear"],
            "loss": loss,
            "training": {"epochs": 3, "batch_size": 20},
            "plots": [],
            **changes,
        }

    return call


F1 = {"type": "f1", "average": "none"}
F1_MACRO = {"type": "f1", "name": "f1_macro"}


def test_each_class_has_a_column_that_can_be_monitored(spec, tmp_path):
    monitor = "validation/f1/c.at"
    optimizer = {"type": "sgd", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.5, "monitor": monitor}}
    stopping = {"monitor": monitor, "patience": 9}
    training = {"epochs": 3, "batch_size": 20, "early_stopping": stopping}
    document = spec(metrics=[F1, F1_MACRO, "accuracy"], optimizer=optimizer, training=training)
    run = specnet.run(document, tmp_path / "run")
    values = [*(f"f1/{name}" for name in KINDS), "f1_macro", "accuracy"]
    assert {f"{split}/{value}" for split in ("train", "validation") for value in values} <= set(run.history)
    mean = np.mean([run.history[f"validation/f1/{name}"] for name in KINDS], axis=0)
    np.testing.assert_allclose(run.history["validation/f1_macro"], mean)
    best = int(np.argmax(run.history[monitor]))
    assert run.best["epoch"] == best + 1
    found = specnet.load_run(run.directory).evaluate("validation")
    assert found == pytest.approx({name: run.history[f"validation/{name}"][best] for name in ["loss", *values]})
    assert set(json.loads((run.directory / "results.json").read_text())["validation"]) >= set(values)
    assert "f1/c.at" in (run.directory / "report.html").read_text()


def test_each_target_has_a_column(spec, tmp_path):
    metrics = [{"type": name, "average": "none"} for name in ("rmse", "r2", "spearman")]
    run = specnet.run(spec(("p", "q"), "mse", metrics=metrics), tmp_path / "run", report=False)
    assert {f"train/{name}/{target}" for name in ("rmse", "r2", "spearman") for target in "pq"} <= set(run.history)


@pytest.mark.parametrize("value", ["f1/dog", "f1", "f1_macro/ant", "loss/ant"])
def test_a_part_that_a_metric_does_not_have_cannot_be_monitored(spec, value, tmp_path):
    document = spec(metrics=[F1, F1_MACRO], checkpoint={"monitor": f"validation/{value}"})
    with pytest.raises(SpecnetError, match=f'there will be no value "validation/{value}"') as raised:
        specnet.run(document, tmp_path / "run")
    assert raised.value.diagnostics[0].pointer == ("checkpoint", "monitor")


def test_a_metric_of_another_task_is_refused_once_the_data_are_known(spec, tmp_path):
    with pytest.raises(SpecnetError, match="f1 is a metric for binary") as raised:
        specnet.run(spec(("p", "q"), "mse", metrics=["rmse", "f1"]), tmp_path / "run")
    assert raised.value.diagnostics[0].pointer == ("metrics", 1)


@pytest.mark.parametrize("step", [1, 2, 4])
def test_a_run_that_is_interrupted_ends_in_the_same_metrics(spec, stop, step, tmp_path):
    metrics = [F1, "roc_auc", "ece", "matthews_corrcoef", "log_loss"]
    whole = specnet.run(spec(metrics=metrics), tmp_path / "whole", report=False)
    stop(step)
    with pytest.raises(Interrupted):
        specnet.run(spec(metrics=metrics), tmp_path / "run", report=False)
    resumed = specnet.resume(tmp_path / "run", report=False)
    for name in whole.history.keys() - {"seconds"}:
        assert whole.history[name].tolist() == resumed.history[name].tolist()


@pytest.mark.parametrize("step", [1, 4])
def test_moments_and_samples_survive_an_interruption_too(spec, stop, step, tmp_path):
    metrics = ["r2", "pearson", "spearman", "median_absolute_error", {"type": "nrmse", "normalize": "range"}]
    whole = specnet.run(spec(("p", "q"), "mse", metrics=metrics), tmp_path / "whole", report=False)
    stop(step)
    with pytest.raises(Interrupted):
        specnet.run(spec(("p", "q"), "mse", metrics=metrics), tmp_path / "run", report=False)
    resumed = specnet.resume(tmp_path / "run", report=False)
    for name in whole.history.keys() - {"seconds"}:
        assert whole.history[name].tolist() == resumed.history[name].tolist()


def test_the_test_split_is_in_the_history_where_the_spec_asks_for_it(spec, stop, tmp_path):
    training = {"epochs": 3, "batch_size": 20, "history": ["test"]}
    document = spec(metrics=["accuracy"], split={"validation": 0.2, "test": 0.2}, training=training, plots=["curves"])
    whole = specnet.run(document, tmp_path / "whole")
    measured = {name: float(whole.history[f"test/{name}"][-1]) for name in ("loss", "accuracy")}
    assert specnet.load_run(whole.directory, "latest").evaluate("test") == pytest.approx(measured)
    assert '"test"' in (whole.directory / "report.html").read_text()
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(document, tmp_path / "run", report=False)
    resumed = specnet.resume(tmp_path / "run", report=False)
    assert resumed.history["test/loss"].tolist() == whole.history["test/loss"].tolist()
    assert not any(
        name.startswith("test/") for name in specnet.run(spec(split={"test": 0.2}), tmp_path / "plain").history
    )
