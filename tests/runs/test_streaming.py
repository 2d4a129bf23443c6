"""Data that do not fit into memory: read a window at a time, and trained on as if they did."""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from helpers import sampled
from runs.stopped import contents

import specnet
from specnet.datasets.base import Samples
from specnet.errors import Interrupted, SpecnetError
from specnet.recording.recorder import Recorder
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.manifest import data_digest
from specnet.runs.trained.building import load_data
from specnet.runs.trained.samples import read_samples
from specnet.training.batches import Batch, StreamedSplit
from specnet.training.loop import run_epoch
from specnet.training.trainer import Trainer

ROWS = 203
SMALL = 0.002
"""A buffer, in MB, for windows of about ten of these samples."""
LAYERS = [{"type": "linear", "units": 5}, "tanh", {"type": "dropout", "rate": 0.2}, {"type": "linear", "units": 3}]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """Write samples of three classes, sorted by class, as `.npy` and `.npz`."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(5, 2, (ROWS, 2)).astype("f4"), np.sort(rng.integers(0, 3, ROWS)).astype("u1")
    inputs += targets[:, None]
    save(inputs, targets)


def save(inputs, targets):
    np.save("x.npy", inputs)
    np.save("t.npy", targets)
    np.savez("data.npz", inputs=inputs, targets=targets)


NPY = {"type": "npy", "inputs": "x.npy", "targets": "t.npy"}
NPZ = {"type": "npz", "path": "data.npz"}


def make_spec(buffer=SMALL, dataset=NPY, **changes):
    spec = {
        "seed": 7,
        "dataset": dataset | {"buffer": buffer},
        "split": {"validation": 0.5, "test": 0.05},
        "transforms": {"inputs": ["standardize"]},
        "layers": LAYERS,
        "loss": "cross_entropy",
        "metrics": ["accuracy"],
        "training": {"epochs": 3, "batch_size": 4},
        "plots": [],
    }
    Path("spec.json").write_text(json.dumps(spec | changes))
    return specnet.load_spec("spec.json")


def test_splits_that_are_larger_than_the_buffer_stay_in_the_file():
    splits = Experiment(make_spec()).splits
    assert {name: type(split) for name, split in splits.items()} == {
        "train": StreamedSplit,
        "validation": StreamedSplit,
        "test": Batch,
    }
    assert {type(split) for split in Experiment(make_spec(buffer=1)).splits.values()} == {Batch}


@pytest.mark.parametrize("split", [{}, {"validation": 0.4}, {"validation": 0.4, "test": 0.1, "stratify": True}])
@pytest.mark.parametrize("dataset", [NPY, NPZ], ids=["npy", "npz"])
def test_splits_are_those_of_data_in_memory_and_so_is_their_digest(dataset, split):
    streamed, whole = (load_data(make_spec(buffer, dataset, split=split)) for buffer in (SMALL, 1024))
    assert streamed.streamed
    assert not whole.streamed
    for name, samples in streamed.splits.items():
        for array, expected in zip(samples[:2], whole.splits[name][:2], strict=True):
            np.testing.assert_array_equal(array[:], expected)
    assert data_digest(streamed) == data_digest(whole)


@pytest.mark.parametrize("loss", ["cross_entropy", {"type": "cross_entropy", "reduction": "sum"}])
def test_loss_and_metrics_are_those_of_data_in_memory(loss):
    streamed, whole = (Experiment(make_spec(buffer, loss=loss)) for buffer in (SMALL, 1024))
    for split in whole.splits:
        expected = whole.model.score(whole.splits[split])
        assert streamed.model.score(streamed.splits[split]) == pytest.approx(expected, rel=1e-5)
        assert streamed.model.evaluate(streamed.data.splits[split]) == pytest.approx(expected, rel=1e-5)


def test_r2_of_streamed_samples_is_that_of_data_in_memory():
    layers = [{"type": "linear", "units": 1}]
    streamed, whole = (
        Experiment(make_spec(buffer, layers=layers, loss="mse", metrics=["r2", "mse"], split={"validation": 0.5}))
        for buffer in (SMALL, 1024)
    )
    for split in whole.splits:
        expected = whole.model.score(whole.splits[split])
        assert streamed.model.score(streamed.splits[split]) == pytest.approx(expected, rel=1e-5)


def test_an_epoch_without_shuffling_is_that_of_data_in_memory():
    training = {"epochs": 1, "batch_size": 4, "shuffle": False}
    transforms = {"inputs": [{"type": "scale", "factor": 0.1}]}
    runs = [
        specnet.run(make_spec(buffer, training=training, transforms=transforms), f"run-{buffer}", report=False)
        for buffer in (SMALL, 1024)
    ]
    streamed, whole = (run.model.network.params.flat for run in runs)
    assert streamed.tobytes() == whole.tobytes()
    for name in ("train/loss", "train/accuracy", "validation/accuracy"):
        assert runs[0].history[name] == pytest.approx(runs[1].history[name], rel=1e-6)


def test_files_of_both_forms_are_trained_on_in_the_same_way():
    npy, npz = (specnet.run(make_spec(dataset=dataset), dataset["type"], report=False) for dataset in (NPY, NPZ))
    assert npy.model.network.params.flat.tobytes() == npz.model.network.params.flat.tobytes()
    assert npy.manifest["data"] == npz.manifest["data"]


@pytest.mark.parametrize("step", sampled([1, 2, 3, 4, 5, 22, 23, 24, 33, 46], 3))
def test_a_run_that_is_stopped_after_any_step_ends_in_the_same_bytes(step, stop):
    spec = make_spec(record={"every": 1, "points": 3}, checkpoint={"every_steps": 50, "keep": 9})
    expected = contents(specnet.run(spec, "whole", report=False).directory)
    stop(step)
    with pytest.raises(Interrupted):
        specnet.run(spec, "run", report=False)
    assert contents(specnet.resume("run", report=False).directory) == expected


def test_a_run_that_is_stopped_while_it_measures_ends_in_the_same_bytes():
    spec = make_spec()
    expected = contents(specnet.run(spec, "whole", report=False).directory)
    trainer, state = Experiment(spec).trainer, []
    trainer.callbacks.clear()

    def stop():
        state.append(trainer.state())
        raise KeyboardInterrupt

    trainer.between = stop
    with pytest.raises(KeyboardInterrupt):
        run_epoch(trainer)
    trainer.between = lambda: None
    again = Experiment(spec).trainer
    again.callbacks.clear()
    again.restore(state[0])
    lines = [{**run_epoch(each), "seconds": 0} for each in (trainer, again)]
    assert lines == expected["history"][:1] * 2


REFUSED = {
    "full batch": (
        {"training": {"batch_size": None}},
        "takes more than the dataset's buffer",
        ("training", "batch_size"),
    ),
    "large batch": ({"training": {"batch_size": 90}}, "a step of 90 samples takes more", ("training", "batch_size")),
    "metric": ({"metrics": ["accuracy", "median"]}, "median keeps all samples, and they take more", ("metrics", 1)),
}


MEDIAN = """
import numpy as np
from specnet import Metric

class Median(Metric):
    keeps_samples = True

    def reset(self):
        self.keep(errors=np.zeros(0))

    def update(self, prediction, target):
        self.errors = np.append(self.errors, np.abs(prediction - target.reshape(prediction.shape)))

    def compute(self):
        return float(np.median(self.errors))
"""


@pytest.mark.parametrize("case", REFUSED)
def test_what_needs_all_samples_at_once_is_refused_before_training(case, install):
    install("specnet-median", "[specnet.metrics]\nmedian = median_plugin:Median", median_plugin=MEDIAN)
    changes, message, pointer = REFUSED[case]
    with pytest.raises(SpecnetError, match=message) as raised:
        specnet.run(make_spec(**changes), "run", report=False)
    (found,) = raised.value.diagnostics
    assert (found.pointer, found.location.file) == (pointer, "spec.json")
    assert "buffer" in found.help
    assert not Path("run").exists()


def spoil(name, row, value, other=None):
    array = np.load(name).copy()
    array[row] = value
    np.save(other or name, array)


MISTAKES = {
    "not finite": (("x.npy", 150, np.nan), {"split": {}}, "the inputs: a value is missing, the first in row 150"),
    "too large": (
        ("x.npy", 150, 1e30),
        {"transforms": {"inputs": [{"type": "scale", "factor": 1e9}]}},
        "not finite as",
    ),
    "no class": (
        ("t.npy", 200, 9),
        {"split": {}},
        "target 9 in row 200 is not one of the classes",
    ),
    "no category": (
        ("t.npy", 180, 9, "wrong.npy"),
        {
            "dataset": NPY | {"validation": {"inputs": "x.npy", "targets": "wrong.npy"}},
            "split": {},
            "transforms": {"targets": ["one_hot"]},
        },
        "the category 9 in row 180 of the validation samples, which is not in the training split",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_in_the_middle_of_a_file_are_found_before_training(case):
    place, changes, message = MISTAKES[case]
    spoil(*place)
    with pytest.raises(SpecnetError, match=message) as raised:
        Experiment(make_spec(**changes))
    assert raised.value.file == "spec.json"


@pytest.mark.parametrize("change", [lambda path: os.truncate(path, 900), lambda path: Path(path).write_bytes(b"")])
def test_a_run_whose_file_changes_is_ended_with_its_name_and_can_go_on(change, monkeypatch):
    spec = make_spec(checkpoint={"every_steps": 5, "keep": 99})
    expected = contents(specnet.run(spec, "whole", report=False).directory)
    content, add = Path("x.npy").read_bytes(), Trainer.add_loss

    def spoiling(self, loss, batch):
        add(self, loss, batch)
        if self.step == 29:
            change("x.npy")

    monkeypatch.setattr(Trainer, "add_loss", spoiling)
    with pytest.raises(SpecnetError, match=r"x\.npy") as raised:
        specnet.run(spec, "run", report=False)
    assert raised.value.exit_code == 2
    assert json.loads(Path("run/manifest.json").read_text())["status"] == "failed"
    Path("x.npy").write_bytes(content)
    monkeypatch.setattr(Trainer, "add_loss", add)
    assert contents(specnet.resume("run", report=False).directory) == expected


def test_plots_show_what_they_show_of_data_in_memory():
    pictures = []
    for buffer in (SMALL, 1024):
        run = specnet.run(
            make_spec(buffer, plots=["curves", "confusion_matrix", "roc"], split={}), f"run-{buffer}", report=False
        )
        assert {path.stem for path in run.plots} == {"curves", "confusion_matrix", "roc"}
        params = run.model.network.params.flat
        params[...] = np.random.default_rng(0).normal(size=params.size)
        figure = specnet.build("plots", "confusion_matrix").draw(run)
        pictures.append([text.get_text() for text in figure.axes[0].texts])
    assert pictures[0] == pictures[1]


def test_a_record_reaches_as_far_as_with_data_in_memory():
    axes = []
    for buffer in (SMALL, 1024):
        experiment = Experiment(make_spec(buffer, record={"every": 1, "points": 4}))
        assert isinstance(experiment.recorder, Recorder)
        axes.append(experiment.recorder.inputs.arrays["axis_0"])
    np.testing.assert_array_equal(*axes)


def test_further_samples_are_loaded_as_no_metric_of_them_should_be_refused():
    run = specnet.run(make_spec(dataset=NPZ), "run", report=False)
    samples = read_samples(run, Path("data.npz"))
    assert isinstance(samples, Samples)
    assert run.evaluate(samples) == pytest.approx(
        run.model.evaluate(load_data(make_spec(1024, split={})).train), rel=1e-5
    )
    assert len(run.predict(samples.inputs[:])) == ROWS


class Peak:
    """The most memory that is taken inside a `with`, above what was taken before."""

    def __enter__(self):
        tracemalloc.start()
        return self

    def __exit__(self, *error):
        self.bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def peak(rows, **changes):
    """Return the peak memory of everything that a run does with so many samples, besides training for more epochs."""
    rng = np.random.default_rng(1)
    save(rng.normal(size=(rows, 1024)).astype("f4"), rng.integers(0, 3, rows))
    spec = make_spec(buffer=1, training={"epochs": 1, "batch_size": 16}, **changes)
    with Peak() as found:
        experiment = Experiment(spec)
        data_digest(experiment.data)
        run_epoch(experiment.trainer)
        experiment.state()
        experiment.model.evaluate(experiment.data.train)
    return found.bytes


@pytest.mark.parametrize(
    ("dataset", "split", "per_row"),
    [
        pytest.param(NPY, {"validation": 0.4, "stratify": True}, 56, id="npy, stratified"),
        pytest.param(NPZ, {"validation": 0.4}, 24, id="npz, divided", marks=pytest.mark.long),
        pytest.param(NPY, {"validation": 0.4}, 24, id="npy, divided", marks=pytest.mark.long),
        pytest.param(NPZ, {"validation": 0.4, "stratify": True}, 56, id="npz, stratified", marks=pytest.mark.long),
        pytest.param(NPY, {}, 0, id="npy", marks=pytest.mark.long),
        pytest.param(NPZ, {}, 0, id="npz", marks=pytest.mark.long),
    ],
)
def test_peak_memory_stays_while_the_file_grows(dataset, split, per_row):
    peak(100)  # what is imported and cached by the first run is there for the others
    small, large = (peak(rows, dataset=dataset, split=split) for rows in (500, 2_000))
    assert large < 1.05 * small + 1_500 * per_row
    assert large < 0.6 * 1024 * 4 * 2_000
