import base64
import dataclasses
import json
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from report.examples import TWO, maker

import specnet
from specnet.datasets.base import Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows
from specnet.task import Task, TaskPart, decide_task

SPEC = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}], "loss": "bce_with_logits", "record": None}


class Invented(SimpleNamespace):
    """A run that has what it is given."""

    @property
    def metrics(self):
        return {split: self.evaluate(split) for split in self.data.splits}


@pytest.fixture
def reported():
    """Makes a run to be reported, all of it invented; `spec` holds changes of a small one."""

    def make(spec=(), **changes):
        resolved = specnet.load_spec(SPEC | dict(spec))
        parts = {
            "name": resolved.name,
            "directory": Path("runs") / resolved.name,
            "spec": resolved,
            "manifest": {
                "seconds": 83.2,
                "started": "2025-01-02T03:04:05+00:00",
                "error": None,
                "data": {"sha256": "a"},
            },
            "status": "finished",
            "best": {"monitor": "train/loss", "value": 0.25, "epoch": 2},
            "history": {"epoch": np.arange(1, 4), "train/loss": np.array([1.0, 0.25, 0.5])},
            "input_names": (),
            "task": Task((TaskPart("regression", names=changes.get("target_names", ())),)),
            "params": {"layers.0.weight": np.zeros((2, 1)), "layers.0.bias": np.zeros(1)},
            "dataset": SimpleNamespace(function=lambda x: None),
            "record": {},
            "moments": lambda: iter(()),
            "predict": lambda x: np.zeros((len(x), 1)),
            "evaluate": lambda split: {"loss": 1.0},
        }
        run = Invented(**({"stored_intervals": {}} | parts | changes))
        predict = run.predict
        run.predict = lambda x, mask=None: predict(x)
        if isinstance(changes.get("data"), Data):
            names = {name: changes[name] for name in ("classes", "target_names") if name in changes}
            targets = dataclasses.replace(run.data, **names).about_targets
            y = run.predict(run.data.train.inputs[:1])
            categorical = np.issubdtype(y.dtype, np.integer)
            outputs = (max([resolved.layers[-1].units, *y.shape[1:]]),)
            run.task = decide_task(targets, resolved.loss.learns, None if categorical else outputs, categorical)
        return run

    return make


@pytest.fixture
def data():
    """Makes data of a single split from targets, and inputs that count rows unless they are given."""

    def make(targets, inputs=None, **names):
        targets = np.asarray(targets)
        inputs = np.arange(float(len(targets)))[:, np.newaxis] if inputs is None else np.asarray(inputs)
        return Data(Samples(inputs, targets), **names)

    return make


@pytest.fixture
def answer():
    """Makes what predicts so for the rows that inputs count."""

    def make(predictions):
        predictions = np.asarray(predictions)
        return lambda x: predictions[x[:, 0].astype(int)]

    return make


@pytest.fixture
def streamed():
    """Makes the same data with samples that are read a few at a time."""

    def rows(array):
        return Rows(array.shape, array.dtype, lambda start, stop: array[start:stop].copy())

    def make(data, buffer=640):
        splits = {name: StreamedSamples(*map(rows, samples[:2]), buffer) for name, samples in data.splits.items()}
        return Data(**splits, classes=data.classes, input_names=data.input_names, target_names=data.target_names)

    return make


@pytest.fixture
def train(tmp_path):
    """Trains a small spec with changes."""

    def call(out="run", observer=None, **changes):
        spec = {
            "seed": 3,
            "dataset": {"type": "spiral", "n_samples": 60},
            "split": {"validation": 0.2, "test": 0.2},
            "layers": [{"type": "linear", "units": 6}, "tanh", {"type": "linear", "units": 1}],
            "loss": "bce_with_logits",
            "metrics": ["accuracy"],
            "training": {"epochs": 4, "batch_size": 10},
            "record": None,
            "plots": [],
        }
        return specnet.run(specnet.load_spec(spec | changes), tmp_path / out, observer)

    return call


@pytest.fixture
def unpack():
    """Reads packed frames as the page's script does: high octets of all numbers first, each frame a difference."""

    def read(packed):
        packed = json.loads(json.dumps(packed, allow_nan=False))
        octets = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8)
        planes = octets.reshape(packed["octets"], -1).astype(np.int64)
        differences = planes[0] if packed["octets"] == 1 else 256 * planes[0] + planes[1]
        frames = np.cumsum(differences.reshape(packed["shape"]), axis=0) % 256 ** packed["octets"]
        low, step = (np.asarray(packed[key], float) for key in ("low", "step"))
        own = (-1,) + (1,) * (frames.ndim - 1)  # each frame has a scale of its own, or all have the same
        return low.reshape(own) + frames * step.reshape(own)

    return read


@pytest.fixture
def browser(chrome):
    """A browser as it is for a new reader; whatever it does, no page complains, and nothing leaves any."""
    chrome.begin()
    yield chrome
    complaints, requests = chrome.complaints(), chrome.requests()
    chrome.end()
    assert (complaints, requests) == ([], [])


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """Makes a trained run of a kind, with its page."""
    return maker(tmp_path_factory.mktemp("examples"))


@pytest.fixture
def page(browser, example):
    """Opens the page of an example, and gives the example."""

    def open_page(kind=TWO):
        browser.open(example(kind).path)
        return example(kind)

    return open_page


@pytest.fixture
def read(chrome, example):
    """Shows the page of an example to tests that only go to epochs: opens it unless the last test left it open."""

    def open_page(kind):
        if chrome.driver.current_url != example(kind).path.as_uri():
            chrome.begin()
            chrome.open(example(kind).path)
        return example(kind)

    yield open_page
    assert chrome.complaints() == []
    assert chrome.requests() == []


@pytest.fixture
def untouched(browser):
    """Asserts that nothing of what was written has become more than text."""

    def check():
        assert browser.ask("window.hacked") is None
        assert browser.ask("document.scripts.length") == 2
        assert browser.each("b, style ~ style, svg[onload], [onerror]", "each.outerHTML") == []

    return check
