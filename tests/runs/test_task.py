"""What a run learns is known to all that shows it, also without the data."""

import numpy as np
import pytest

import specnet
from specnet.errors import PlotError
from specnet.report.replay import replay
from specnet.report.results import confusions, residuals, worst
from specnet.runs.trained.samples import predictions_csv

X = np.random.default_rng(5).normal(size=(40, 3))
KINDS = {
    "binary": ((X[:, 0] > 0).astype(int), "bce_with_logits"),
    "multiclass": (np.digitize(X[:, 0], [-0.5, 0.5]), "cross_entropy"),
    "multilabel": ((X > 0).astype(float), "bce_with_logits"),
    "regression": (X[:, :1] * 2.0, "mse"),
}
SHOWN = {
    "binary": ("confusion_matrix", "roc", "calibration", "replay"),
    "multiclass": ("confusion_matrix", "roc", "calibration", "replay"),
    "multilabel": (),
    "regression": ("residuals", "replay"),
}
COLUMNS = {
    "binary": "class,probability of 0,probability of 1",
    "multiclass": "class,probability of 0,probability of 1,probability of 2",
    "multilabel": "0,1,2,probability of 0,probability of 1,probability of 2",
    "regression": "y0",
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Trains a small run of each kind, the units of its last layer left out."""
    folder, runs = tmp_path_factory.mktemp("runs"), {}
    for kind, (targets, loss) in KINDS.items():
        np.savez(folder / f"{kind}.npz", inputs=X, targets=targets)
        spec = {
            "dataset": {"type": "npz", "path": str(folder / f"{kind}.npz")},
            "layers": ["linear"],
            "loss": loss,
            "training": {"epochs": 2},
            "plots": [],
        }
        runs[kind] = specnet.run(specnet.load_spec(spec), folder / kind, report=False)
    return runs


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_alone_tells_the_task(kind, learned, monkeypatch):
    run = specnet.load_run(learned[kind].directory)
    monkeypatch.setattr("specnet.runs.measured.load_data", lambda spec: pytest.fail("data are loaded"))
    assert run.task.only.kind == kind
    assert predictions_csv(run, run.predict(X[:2]), {}).decode().partition("\n")[0] == COLUMNS[kind]


@pytest.mark.parametrize("name", ["confusion_matrix", "roc", "calibration", "residuals", "replay"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_shows_the_kinds_that_it_is_for(kind, name, learned):
    if name in SHOWN[kind]:
        assert learned[kind].plot(name).is_file()
    else:
        with pytest.raises(PlotError):
            learned[kind].plot(name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_shows_classes_as_classes_and_all_else_as_numbers(kind, learned):
    run, classes = learned[kind], kind in ("binary", "multiclass")
    scene = replay(run, 10**6)
    assert scene["kind"] == ("verdicts" if classes else "numbers")
    assert scene["classes"] == (list(run.task.only.classes) if classes else None)
    assert bool(confusions(run)) == classes
    assert (residuals(run) is not None) == (kind == "regression")
    assert worst(run) is not None
    assert run.report().is_file()


def test_whole_numbers_may_be_met_as_numbers_and_yet_be_asked_for_as_classes(tmp_path):
    """As in XOR with mse: the task is regression, and what needs classes reads 0 and 1 as such."""
    targets = (X[:, 0] > 0).astype(float)[:, np.newaxis]
    np.savez(tmp_path / "data.npz", inputs=X[:, :2], targets=targets)
    spec = {
        "dataset": {"type": "npz", "path": str(tmp_path / "data.npz")},
        "split": {"validation": 0.25, "stratify": True},
        "layers": ["linear", "sigmoid"],
        "loss": "mse",
        "metrics": ["accuracy"],
        "training": {"epochs": 2},
        "plots": ["decision_boundary", "confusion_matrix", "residuals"],
    }
    run = specnet.run(specnet.load_spec(spec), tmp_path / "run", report=False)
    assert run.task.only.kind == "regression"
    assert len(run.plots) == 3
