import sys
from types import SimpleNamespace

import numpy as np
import pytest

import specnet
from specnet.runs.notebook import ResultTable, notebook_progress

SPEC = {
    "name": "small",
    "dataset": {"type": "spiral", "n_samples": 100},
    "split": {"validation": 0.2},
    "layers": [{"type": "linear", "units": 3}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 3},
    "plots": [],
    "record": None,
}


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook's kernel is asked to display, in its order."""
    found = []

    def display(value, display_id=False):
        found.append(repr(value))
        return SimpleNamespace(update=lambda value: found.append(repr(value)))

    shell = SimpleNamespace(kernel=object())
    fake = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", fake)
    return found


def test_a_run_shows_its_progress_in_a_notebook(displayed, tmp_path):
    run = specnet.run(SPEC, tmp_path / "run", report=False)
    assert displayed[0] == "small: epoch 0" and displayed[-2].startswith("small: epoch 3 of 3, train/loss ")
    assert displayed[-2].endswith("finished")
    head, *rows = [line.split() for line in displayed[-1].splitlines()]
    assert head == ["split", "loss"] and [row[0] for row in rows] == ["train", "validation"]
    assert float(rows[1][1]) == pytest.approx(run.metrics["validation"]["loss"], rel=1e-3)
    html = ResultTable({"<b>": {"loss": 1.0}})._repr_html_()
    assert "<th>loss</th>" in html and "<th>&lt;b&gt;</th>" in html
    assert specnet.resume(run.directory, ["training.epochs=4"], report=False).status == "finished"
    assert "small: epoch 3" in displayed and "epoch 4 of 4" in displayed[-2]


def test_an_observer_takes_its_place(displayed, tmp_path):
    specnet.run(SPEC, tmp_path / "run", specnet.Observer(), report=False)
    assert displayed == []


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["script", "terminal"])
def test_elsewhere_nothing_is_shown(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert notebook_progress() is None


def test_objects_say_what_they_are_on_one_line(tmp_path):
    run = specnet.run(SPEC, tmp_path / "run", report=False)
    spec = repr(specnet.load_spec(SPEC))
    assert all(part in spec for part in ("small", "Spiral", "Linear, Tanh, Linear", "3 epochs")) and len(spec) < 120
    history = repr(run.history)
    assert all(part in repr(run) for part in ("finished", "checkpoint='step-", "validation/loss "))
    assert repr(run.data) == "Data(80 train, 20 validation samples, inputs (2,), targets (), 2 classes)"
    assert repr(run.data.train) == "Samples(80 rows, inputs (2,) float64, targets () int64)"
    assert history.startswith("History(3 epochs, train/loss ") and "validation/loss" in history
    network = specnet.build_network(SPEC["layers"], input_shape=(2,), seed=0)
    assert repr(network) == "Network(3 layers, (2,) to (1,), 13 parameters, float32)"
    assert repr(network.grads.keys()) == repr(dict(network.grads).keys()) and "layers.0.weight" in repr(network.grads)
    assert repr(run.history.keys()) == repr(dict(run.history).keys())
    many = specnet.load_spec(SPEC | {"layers": [{"type": "linear", "units": 3}, "tanh"] * 50 + [SPEC["layers"][-1]]})
    assert len(repr(many)) < 250 and "91 more" in repr(many)
    assert np.isfinite(run.history["train/loss"]).all()
