"""A sweep tries each point once, in an order that depends on its file alone, and averages the runs of a trial."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from specnet_sweep import SweepObserver, study, sweep
from specnet_sweep.plan import SweepPlan
from specnet_sweep.progress import LiveRuns
from specnet_sweep.pruning import FEWEST, median_limits
from specnet_sweep.settings import Searched
from specnet_sweep.space import Parameter, Space

import specnet
from specnet.cli import cli
from specnet.runs.storage.directory import RunDirectory

LAYERS = [{"type": "linear", "units": 4}, {"type": "reshape", "target_shape": [-1, 2]}, "flatten", "linear"]


def called(*arguments):
    return CliRunner().invoke(cli, ["sweep", *map(str, arguments), "-j", "1"])


def test_no_point_is_tried_twice_and_each_is_averaged_over_seeds(swept):
    points = [json.dumps(trial.parameters) for trial in swept.trials]
    assert len(set(points)) == len(points) == 9
    best = swept.best
    values = [specnet.load_run(swept.directory / str(best.number) / f"seed-{seed}").metrics for seed in (1, 2)]
    losses = [each["validation"]["loss"] for each in values]
    assert (best.value, best.statistic.std) == pytest.approx((np.mean(losses), np.std(losses, ddof=1)))
    assert best.value == min(trial.value for trial in swept.trials if trial.value is not None)


def test_a_pruned_run_is_stopped_and_the_seeds_after_it_are_not_trained(swept):
    pruned = [trial for trial in swept.trials if trial.status == "pruned"]
    assert pruned
    for trial in pruned:
        runs = specnet.load_group(swept.directory / str(trial.number)).summary.runs
        assert [run.status for run in runs] in (["stopped", "waiting"], ["finished", "stopped"])
        assert trial.epochs < 16


def test_the_best_trial_is_recorded_with_its_spec(swept):
    best = json.loads((swept.directory / "best.json").read_text())
    group = specnet.load_group(swept.directory / best["directory"])
    assert specnet.load_spec(best["spec"]).digest() == group.spec.digest()
    assert group.statistics["validation/loss"].mean == best["value"] == swept.best.value


def test_the_study_is_one_of_optuna(swept, read):
    for (state, _, values, reported, _), trial in zip(read(swept.directory)[1], swept.trials, strict=True):
        assert state.name == {"finished": "COMPLETE", "pruned": "PRUNED"}[trial.status]
        assert trial.value is None or values == [trial.value]
        assert set(reported) <= set(range(1, 9))


def test_a_grid_is_the_exact_product_and_says_its_size(write, read, tmp_path):
    search = {
        "optimizer": {"choices": ["sgd", "adam"]},
        "optimizer.momentum": {"low": 0.2, "high": 0.3, "step": 0.1, "when": {"optimizer.type": "sgd"}},
        "optimizer.learning_rate": {"choices": [0.1, 0.01]},
    }
    spec = {"training": {"epochs": 1}}
    file = write(tmp_path, spec, search=search, sampler="grid", trials=None, seeds=None, pruner=None)
    result = called(file, "-o", tmp_path / "grid")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("6 trials, all possible ones -> ")
    found = [trial["parameters"] for trial in read(tmp_path / "grid")[0]["trials"]]
    momenta = [("sgd", momentum) for momentum in (0.2, 0.3)] + [("adam", None)]
    expected = [(*pair, rate) for pair in momenta for rate in (0.1, 0.01)]
    assert [tuple(each.get(path) for path in search) for each in found] == expected


class Holding(SweepObserver):
    """Locks the directory of a run, as a worker does that was not killed with its sweep, until the sweep waits."""

    lock, waited = None, ()

    def running(self, directories):
        if self.lock is None:
            directories[1].mkdir()
            self.lock = RunDirectory(directories[1])

    def waiting(self, directories):
        self.waited = directories
        self.lock.close()


def test_a_sweep_ends_when_a_finite_space_is_exhausted_and_waits_for_runs_of_others(write, tmp_path):
    search = {"layers.0.units": {"low": 2, "high": 3}, "layers.1": {"choices": ["tanh", "relu"]}}
    file = write(tmp_path, {"training": {"epochs": 1}}, search=search, trials=50, seeds=None, pruner=None)
    observer = Holding()
    found = sweep(file, tmp_path / "all", workers=1, observer=observer)
    points = {tuple(trial.parameters.values()) for trial in found.trials}
    assert points == {(units, layer) for units in (2, 3) for layer in ("tanh", "relu")}
    assert len(found.trials) == 4
    assert observer.waited == [tmp_path / "all" / "1" / "seed-0"]


def test_a_sampler_that_draws_the_same_again_is_replaced_by_chance(write, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "ATTEMPTS", 0)
    momentum = {"optimizer.momentum": {"low": 0, "high": 0.9, "when": {"optimizer.type": "sgd"}}}
    optimizer = {"optimizer.type": {"choices": ["sgd", "adam"]}}
    for search in (optimizer | momentum, optimizer | {"layers.0.units": {"low": 1, "high": 6}}):
        plan = SweepPlan(write(tmp_path, search=search, trials=12))
        (tmp_path / study.JOURNAL).unlink(missing_ok=True)
        chosen = study.Study(tmp_path, plan)
        chosen.ask(12)
        assert len({json.dumps(chosen.point(number)) for number in range(12)}) == 12


@pytest.mark.parametrize("columns", [40, 100])
def test_a_terminal_shows_the_runs_that_are_trained(columns, swept, write, tmp_path):
    text = io.StringIO()
    live = LiveRuns(Console(file=text, force_terminal=True, width=columns, highlight=False))
    live.begin(tmp_path, SweepPlan(write(tmp_path)), 2)
    (tmp_path / "3").mkdir()
    directory = tmp_path / "3" / "seed-1"
    shutil.copytree(swept.directory / "0" / "seed-1", directory)
    (directory / "results.json").unlink()
    with RunDirectory(directory):
        live.running([directory])
        live.live.refresh()
    live.trial_ended(swept.trials[0])
    live.end()
    for words in ("9 trials, with 2 runs each", "3/seed-1", "epoch 8", "2 of 9 ended", "trial 0", "3/9"):
        assert words in text.getvalue()


@pytest.mark.parametrize("example", sorted(Path(__file__).parents[1].glob("sweeps/*.json")), ids=lambda path: path.stem)
def test_an_example_is_a_sweep(example):
    assert SweepPlan(example).trials


def test_folds_are_averaged_inside_a_trial(write, tmp_path):
    search = {"optimizer.learning_rate": {"choices": [0.1, 1e30]}}
    spec = {"training": {"epochs": 2}, "layers": [{"type": "linear", "units": 3}, "relu", "linear"]}
    file = write(
        tmp_path, spec, search=search, sampler="grid", seeds=None, folds=2, pruner=None, trials=None, minimize=None,
        maximize="test/accuracy",
    )  # fmt: skip
    result = called(file, "-o", tmp_path / "folds", "--format", "json")
    found = json.loads(result.stdout)["trials"]
    assert [trial["status"] for trial in found] == ["finished", "diverged"], result.output
    assert found[0]["statistic"]["count"] == 2


def test_a_trial_whose_values_do_not_fit_each_other_fails_alone(write, read, tmp_path):
    search = {"layers.0.units": {"choices": [4, 8]}, "layers.1.target_shape": {"choices": [[-1, 2], [2, 2]]}}
    file = write(
        tmp_path, {"layers": LAYERS, "training": {"epochs": 1}}, search=search, sampler="grid", trials=None,
        seeds=None, pruner=None,
    )  # fmt: skip
    result = called(file, "-o", tmp_path / "pairs")
    found = read(tmp_path / "pairs")[0]["trials"]
    assert [trial["status"] for trial in found] == ["finished", "finished", "finished", "failed"]
    assert found[3]["error"] in result.output
    assert not (tmp_path / "pairs" / "3").exists()


@pytest.mark.parametrize(("units", "statuses"), [([8, 4], ["failed", "finished"]), ([8], ["failed"])])
def test_a_generation_that_fails_does_not_end_a_sweep(units, statuses, write, read, tmp_path):
    search = {"layers.1.target_shape": {"choices": [[2, 2], [4, 1]]}, "layers.0.units": {"choices": units}}
    file = write(
        tmp_path, {"layers": LAYERS, "training": {"epochs": 1}}, search=search, sampler="grid", trials=None,
        seeds=None, pruner=None, generation=1,
    )  # fmt: skip
    for _ in range(2):  # the second time, all have ended before
        result = called(file, "-o", tmp_path / "out")
        assert [trial["status"] for trial in read(tmp_path / "out")[0]["trials"]] == statuses * 2
        assert "trial 0 failed: " in result.output
        assert (tmp_path / "out" / "best.json").exists() is (result.exit_code == 0) is ("finished" in statuses)
    assert result.exit_code == 0 or (result.exit_code == 2 and "no trial has a value: 2 failed" in result.output)


def test_choosing_by_the_test_samples_is_warned_of(write, tmp_path):
    split, search = {"validation": 0.25, "test": 0.25}, {"layers.1": {"choices": ["tanh"]}}
    file = write(tmp_path, {"split": split}, minimize="test/loss", search=search, pruner=None)
    [found] = SweepPlan(file).warnings
    assert (found.code, found.severity, found.location.file) == ("chosen-by-test", "warning", str(file))
    assert "warning[chosen-by-test]" in called(file, "-o", tmp_path / "out").output
    assert not SweepPlan(
        write(tmp_path, minimize="test/loss", search=search, pruner=None, seeds=None, folds=2)
    ).warnings


def test_points_are_counted_and_numbered_as_if_each_was_listed(write, tmp_path):
    search = {
        "optimizer.type": {"choices": ["sgd", "adam", "rmsprop"]},
        "optimizer.momentum": {"low": 0.2, "high": 0.4, "step": 0.1, "when": {"optimizer.type": ["sgd", "rmsprop"]}},
        "layers.0.units": {"low": 2, "high": 9},
        "layers.1": {"choices": ["tanh", "relu"], "when": {"layers.0.units": [3, 4, 9], "optimizer.type": "adam"}},
        "seed": {"low": 1, "high": 10**9},
        "training.epochs": {"low": 1, "high": 2, "when": {"seed": 7}},
    }
    space = SweepPlan(write(tmp_path, search=search)).space
    pairs = (3 + 3) * 8 + 5 + 3 * 2
    assert space.count() == pairs * (10**9 + 1)
    seen = [space.point(number) for number in (0, 5, 6, 7, 8, 10**9, 10**9 + 1, space.count() - 1)]
    assert [(each["seed"], each.get("training.epochs")) for each in seen] == [
        (1, None), (6, None), (7, 1), (7, 2), (8, None), (10**9, None), (1, None), (10**9, None),
    ]  # fmt: skip
    firsts = [json.dumps(space.point(number * (10**9 + 1))) for number in range(pairs)]
    assert len({*firsts}) == pairs
    assert json.loads(firsts[-1])["layers.0.units"] == 9


def test_medians_need_enough_runs_and_epochs():
    curves = [np.arange(1.0, 11) * n for n in range(1, FEWEST + 1)]
    limits = median_limits([*curves[:-1], curves[-1][:5]], 20)
    assert limits == [None, None, 9, 12, 15, None, None, None, None, None]
    assert median_limits([], 20) == []


def test_the_package_needs_optuna_only_to_run_a_sweep():
    names = [path.name for path in Path(specnet.__file__).parents[1].glob("plugins/specnet-sweep/specnet_sweep/*.py")
             if "import optuna" in path.read_text()]  # fmt: skip
    assert names == ["study.py"]
    result = CliRunner().invoke(cli, ["sweep", "--help"])
    assert "Try the values of a spec" in result.output


def test_many_conditions_are_counted_at_once():
    choices = [Parameter(f"a{number}", Searched(choices=[1, 2])) for number in range(40)]
    ranges = [Parameter(f"b{number}", Searched(choices=[1, 2, 3], when={f"a{number}": 1})) for number in range(40)]
    space = Space([*choices, *ranges], {})
    assert space.count() == 4**40
    last = space.point(4**40 - 1)
    assert (last["a0"], last.get("b0")) == (2, None)
