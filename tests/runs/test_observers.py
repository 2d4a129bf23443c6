"""Observers and loggers see a run and cannot change it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import Watched

import specnet
from specnet import Logger
from specnet.cli import cli

SPEC = {
    "name": "spec",
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 3, "batch_size": 16},
    "record": None,
    "plots": [],
}


class Noting(Logger):
    """Notes what it sees."""

    def begin(self, view):
        self.seen = [("begin", view.spec.name, view.directory.name, view.epoch)]

    def step(self, view):
        self.seen.append(("step", view.step, float(np.abs(view.grads["layers.0.weight"]).sum()) > 0))

    def epoch(self, view, values):
        self.seen.append(("epoch", view.epoch, "train/loss" in values))

    def end(self, view, status):
        self.seen.append(("end", status))


def test_a_logger_sees_begin_steps_epochs_and_end(tmp_path):
    noting = Noting()
    specnet.run(SPEC, tmp_path / "run", loggers=[noting])
    assert noting.seen[0] == ("begin", "spec", "run", 0)
    assert [each for each in noting.seen if each[0] == "step"] == [("step", step, True) for step in range(1, 10)]
    assert [each for each in noting.seen if each[0] == "epoch"] == [("epoch", epoch, True) for epoch in (1, 2, 3)]
    assert noting.seen[-1] == ("end", "finished")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without loggers."""
    return specnet.run(SPEC, tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, GeneratorExit])
@pytest.mark.parametrize("method", ["begin", "step", "epoch", "end"])
def test_a_logger_that_raises_is_named_once_and_the_run_ends_in_the_same_bytes(method, error, whole, tmp_path):
    def fail(self, *arguments):
        raise error("the disk is full")

    failing, observer = type("Failing", (Logger,), {method: fail})(), Watched()
    run = specnet.run(SPEC, tmp_path / "run", observer, loggers=[failing])
    (warning,) = observer.warnings
    assert (
        f"the logger Failing fails in {method} and is not called again: {error.__name__}: the disk is full" in warning
    )
    assert run.model.network.params.flat.tobytes() == whole.model.network.params.flat.tobytes()


def test_an_interruption_is_no_error_of_a_logger(tmp_path):
    class Interrupting(Logger):
        def epoch(self, view, values):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        specnet.run(SPEC, tmp_path / "run", loggers=[Interrupting()])


def test_an_observer_that_cannot_show_a_warning_stops_no_run(tmp_path, monkeypatch):
    class Mute(Watched):
        def warned(self, message):
            raise BrokenPipeError

        def taken(self, wanted):
            raise BrokenPipeError

        def epoch(self, view, values):
            raise BrokenPipeError

    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert specnet.run(SPEC, None, Mute()).status == "finished"


def test_what_a_logger_sees_is_read_only(tmp_path):
    class Meddling(Logger):
        def step(self, view):
            view.params["layers.0.weight"][...] = 0

    observer = Watched()
    specnet.run(SPEC, tmp_path / "run", observer, loggers=[Meddling()])
    assert "read-only" in observer.warnings[0]


PLUGIN = """
import json
from pathlib import Path
from specnet import Logger

class Lines(Logger):
    def epoch(self, view, values):
        with (view.directory.parent / "lines.txt").open("a") as file:
            file.write(f"{view.epoch}\\n")
"""


def test_a_logger_of_a_plugin_is_chosen_by_its_name(install, tmp_path, monkeypatch):
    install("acme", "[specnet.loggers]\nlines = acme_loggers:Lines", acme_loggers=PLUGIN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    result = CliRunner().invoke(cli, ["run", "spec.json", "--out", "run", "--logger", "lines", "--no-report"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "lines.txt").read_text().split() == ["1", "2", "3"]
    unknown = CliRunner().invoke(cli, ["run", "spec.json", "--logger", "nowhere"])
    assert (unknown.exit_code, "there is no logger" in unknown.stderr) == (2, True)


def test_the_logger_csv_writes_the_history_with_each_epoch_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))

    def called(*arguments):
        assert CliRunner().invoke(cli, [*arguments, "-q", "--no-report"]).exit_code == 0

    def rows():
        with Path("run/logs/history.csv").open(newline="") as file:
            return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]

    twice = CliRunner().invoke(cli, ["run", "spec.json", "--logger", "csv", "--logger", '{"type": "csv"}'])
    assert (twice.exit_code, "the logger csv is named twice" in twice.stderr) == (2, True)
    called("run", "spec.json", "-o", "run", "--logger", "csv")
    history = specnet.load_run("run").history
    assert rows() == [{name: values[epoch] for name, values in history.items()} for epoch in range(3)]
    called("resume", "run", "--set", "training.epochs=4")  # without the logger
    called("resume", "run", "--set", "training.epochs=6", "--checkpoint", "9", "--logger", '{"type": "csv"}')
    assert [row["epoch"] for row in rows()] == [1, 2, 3, 4, 5, 6]
    doctor = CliRunner().invoke(cli, ["doctor", "run"])
    assert doctor.exit_code == 0 and "not written by the run" not in doctor.stdout


def test_a_logger_sees_the_results_and_the_plots(tmp_path):
    seen = []

    class Final(Logger):
        def results(self, view, scores, plots):
            seen.append((view.epoch, scores, [path.name for path in plots]))

    class Clearing(Logger):
        def epoch(self, view, values):
            values.clear()

        def results(self, view, scores, plots):
            scores.clear()

    loggers, observer = [Clearing(), Final()], Watched()
    run = specnet.run(SPEC | {"plots": ["curves"]}, tmp_path / "run", observer, loggers=loggers, report=False)
    assert observer.warnings == [] and len(run.history["train/loss"]) == 3
    assert seen == [(3, run.metrics, ["curves.png"])]
