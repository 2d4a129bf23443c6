import csv
import json
import shutil

import numpy as np
import pytest

import specnet
from specnet.errors import RunError, SpecError, UsageError
from specnet.runs.experiment import Experiment
from specnet.spec.load import load_spec
from specnet.statistics import bootstrap_interval
from specnet.studies.curves import find_bands
from specnet.studies.engine import Job, JobOutcome, train_job
from specnet.studies.plans import check_seeds, parse_seeds, vary_seeds
from specnet.studies.refit import refit_epochs, refit_spec
from specnet.studies.results import _pool, _predict_held_out
from specnet.studies.statistics import count_reached, describe
from specnet.studies.summary import read_summary
from specnet.studies.training import finish_jobs
from specnet.training.loop import train

SPEC = {
    "name": "small",
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.25},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "training": {"epochs": 4, "early_stopping": {"patience": 3}},
    "record": None,
    "plots": [],
}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds") / "group"
    return specnet.repeat(SPEC, 3, folder, workers=1, target="validation/loss=0.75")


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    return specnet.cross_validate(SPEC, 2, 2, tmp_path_factory.mktemp("folds") / "group", workers=1)


def test_statistics_agree_with_numpy_and_leave_out_what_is_no_number():
    values = np.random.default_rng(1).normal(2, 3, 50)
    found = describe([*values, None, float("nan")])
    assert (found.count, found.minimum, found.maximum) == (50, values.min(), values.max())
    assert np.allclose([found.mean, found.std, found.median], [values.mean(), values.std(ddof=1), np.median(values)])
    half = 1.96 * values.std(ddof=1) / np.sqrt(50)
    assert np.allclose(bootstrap_interval(values), [values.mean() - half, values.mean() + half], atol=0.1)
    assert describe([None]) is None and describe([3.0]).interval is None
    reached = count_reached([4, None, 8, 6])
    assert (reached.count, reached.runs, reached.share, reached.epochs.median) == (3, 4, 0.75, 6)


def test_bands_end_where_half_of_the_runs_have_ended():
    histories = [
        {"epoch": np.arange(1, n + 1), "train/loss": np.full(n, value)} for n, value in ((2, 1.0), (5, 2.0), (9, 6.0))
    ]
    band = find_bands(histories)["loss"]["train"]
    assert band.median.tolist() == [2, 2, 4, 4, 4]


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1,1", "1,-2", f"1,{2**63}", "100000000000"])
def test_seeds_that_cannot_be_are_refused(text):
    with pytest.raises(UsageError):
        parse_seeds(text)


def test_a_number_of_seeds_counts_from_one():
    assert parse_seeds("3") == [1, 2, 3] == check_seeds(3) and parse_seeds("7,5") == [7, 5] and parse_seeds("7,") == [7]


def test_only_what_is_named_depends_on_the_seed():
    spec = specnet.load_spec(SPEC | {"training": {"epochs": 1, "batch_size": 8}})

    def differing(*vary):
        found = []
        for member in vary_seeds(spec, [1, 2], vary)[1]:
            made = Experiment(member.spec)
            data, start = made.data, made.model.network.params.flat.copy()
            train(made.trainer)
            parts = (start, data.origins["train"], np.sort(data.train.inputs, axis=0), made.model.network.params.flat)
            found.append([part.tobytes() for part in parts])
        return [one != two for one, two in zip(*found, strict=True)]

    assert differing("start") == [True, False, False, True]
    assert differing("order") == [False, False, False, True]
    assert differing("split") == [False, True, True, True]
    assert differing("data") == [False, False, True, True]


def test_a_group_knows_what_its_runs_have_reached(seeds):
    summary = read_summary(seeds.directory)
    assert [run.status for run in summary.runs] == ["finished"] * 3
    values = [run.metrics["validation"]["accuracy"] for run in seeds.runs]
    assert seeds.statistics["validation/accuracy"].mean == pytest.approx(np.mean(values))
    hits = [np.flatnonzero(each["validation/loss"] <= 0.75) for each in seeds.histories.values()]
    assert [run.reached for run in summary.runs] == [int(hit[0]) + 1 if len(hit) else None for hit in hits]
    assert "Over 3 seeds" in summary.sentence and "of 3 runs" in summary.sentence
    assert "validation/accuracy" in repr(seeds) and "validation/accuracy" in seeds._repr_html_()
    page = (seeds.directory / "report.html").read_text()
    assert summary.sentence in page and "data:image/png" in page and "://" not in page
    assert '<div class="scroll tall" tabindex="0" role="region" aria-label="Runs">' in page  # short, however many


def test_more_seeds_join_a_group_and_another_spec_does_not(seeds, tmp_path):
    stamps = [(run.directory / "manifest.json").stat().st_mtime_ns for run in seeds.runs]
    more = specnet.repeat(SPEC, [4], seeds.directory, workers=1, target="validation/loss=0.75")
    assert [run.name for run in more.summary.runs] == ["seed-1", "seed-2", "seed-3", "seed-4"]
    assert [(run.directory / "manifest.json").stat().st_mtime_ns for run in seeds.runs] == stamps
    for changed, given in ((SPEC | {"seed": 1}, {}), (SPEC, {"vary": ["start"]})):
        with pytest.raises(UsageError, match="contains another group"):
            specnet.repeat(changed, 3, seeds.directory, workers=1, **given)
    with pytest.raises(UsageError, match="already exists"):
        specnet.repeat(SPEC, 3, seeds.runs[0].directory, workers=1)


def test_each_sample_is_predicted_by_a_run_that_has_not_seen_it(folds):
    header, *lines = (folds.directory / "predictions.csv").read_text().splitlines()
    assert header == "repeat,fold,row,arm,predicted arm,probability of arm 0,probability of arm 1"
    cells = [line.split(",") for line in lines]
    assert sorted((int(repeat), int(row)) for repeat, _, row, *_ in cells) == [
        (r, n) for r in (1, 2) for n in range(40)
    ]
    for about, run in zip(folds.summary.runs, folds.runs, strict=True):
        rows = [int(row) for repeat, fold, row, *_ in cells if (int(repeat), int(fold)) == (about.repeat, about.fold)]
        assert rows == run.data.origins["test"].tolist() and len(run.data.validation.inputs) == 5
    accuracy = np.mean([truth == found for _, _, _, truth, found, *_ in cells])
    assert folds.summary.pooled.values["accuracy"] == pytest.approx(accuracy)
    low, high = folds.summary.pooled.interval["accuracy"]
    assert low < accuracy < high
    assert "2-fold cross-validation, repeated 2 times" in folds.summary.sentence
    assert "0.25 of the other folds was set aside for early stopping" in folds.summary.sentence
    assert {run.seed for run in folds.summary.runs} == {0, 1}


def test_the_runs_of_a_group_predict_together(seeds):
    x = seeds.runs[0].data.validation.inputs
    each = np.stack([run.predict(x) for run in seeds.runs])
    assert np.allclose(seeds.predict(x), each.mean(axis=0)) and np.allclose(seeds.spread(x), each.std(axis=0, ddof=1))
    truth = seeds.runs[0].data.validation.targets
    accuracy = np.mean((each.mean(axis=0) >= 0.5).ravel() == truth.ravel())
    assert seeds.ensemble.evaluate("validation") == {"accuracy": pytest.approx(accuracy)}


def test_a_refit_has_all_samples_and_the_median_of_the_best_epochs(folds, tmp_path):
    run = specnet.refit(folds, tmp_path / "run")
    assert list(run.data.splits) == ["train"] and len(run.data.train.inputs) == 40
    assert (
        run.history["epoch"][-1] == refit_epochs(folds) == np.ceil(np.median([run.best["epoch"] for run in folds.runs]))
    )


def test_runs_keep_their_order_where_the_directory_of_the_first_is_gone(tmp_path):
    group = specnet.repeat(SPEC, 2, tmp_path / "group", workers=1)
    shutil.rmtree(group.directory / "seed-1")
    group = specnet.repeat(SPEC, 2, tmp_path / "group", workers=1)
    assert [run.name for run in group.summary.runs] == ["seed-1", "seed-2"]


def test_a_group_is_continued_only_with_the_same_repeats_and_kernels(seeds, folds):
    with pytest.raises(UsageError, match="its number of repeats differs"):
        specnet.cross_validate(SPEC, 2, 3, folds.directory, workers=1)
    with pytest.raises(UsageError, match="its set of kernels differs"):
        specnet.repeat(SPEC, 4, seeds.directory, workers=1, kernels="textbook")


def test_repeats_without_a_fold_are_left_out_of_what_is_pooled(folds):
    held_out = _predict_held_out(folds)
    assert _pool(held_out[:-1], 2) == _pool(held_out[:2], 2)
    assert _pool([held_out[0], held_out[3]], 2) is None
    assert _pool(held_out[:1], 2).rows == len(held_out[0].rows)


def test_nothing_is_written_through_a_link_in_a_group(tmp_path):
    group = specnet.repeat(SPEC, 2, tmp_path / "group", workers=1).directory
    (group / "seed-2").rename(tmp_path / "elsewhere")
    (group / "seed-2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/results.json").unlink()
    with pytest.raises(UsageError, match="seed-2 is a symbolic link"):
        specnet.repeat(SPEC, 2, group, workers=1)
    assert not (tmp_path / "elsewhere/results.json").exists()


def test_a_run_whose_worker_was_stopped_is_resumed(tmp_path):
    statuses, jobs = iter(["interrupted", "finished"]), [Job(load_spec(SPEC), tmp_path / "seed-1")]
    found = finish_jobs(
        jobs, lambda some: iter([JobOutcome(each.directory, next(statuses)) for each in some]), lambda directories: None
    )
    assert [outcome.status for outcome in found] == ["finished"]


def test_a_sweep_stands_for_its_best_trial(folds, tmp_path):
    best = tmp_path / "best.json"
    (tmp_path / "7").symlink_to(folds.directory)
    best.write_text('{"directory": "7"}')
    assert specnet.load_group(tmp_path).summary == folds.summary
    for damaged in ('{"directory": "../7"}', '{"directory": 7}', "{}", "[", '{"directory": ""}'):
        best.write_text(damaged)
        with pytest.raises(RunError, match=r"best\.json is damaged"):
            specnet.load_group(tmp_path)
    best.write_text('{"directory": "8"}')
    with pytest.raises(RunError, match="the best trial of a sweep, is gone"):
        specnet.load_group(tmp_path)


def test_a_schedule_keeps_its_length_in_a_refit(folds):
    rate = {"type": "cosine", "initial": 0.1}
    spec = specnet.load_spec(SPEC | {"optimizer": {"type": "adam", "learning_rate": rate}})
    assert refit_spec(spec, 2).to_json()["optimizer"]["learning_rate"]["epochs"] == 4


def test_folds_that_the_spec_cannot_have_are_located(tmp_path):
    with pytest.raises(SpecError, match="cannot be combined with folds"):
        specnet.cross_validate(SPEC | {"split": {"by": "column", "column": "x"}}, 3, out=tmp_path / "a", workers=1)
    with pytest.raises(UsageError, match="same in each repeat"):
        specnet.cross_validate(SPEC, 3, 2, tmp_path / "b", order=True)


def test_a_damaged_summary_is_refused(seeds, tmp_path):
    written = json.loads((seeds.directory / "summary.json").read_text())
    for change in ({"runs": [{"name": "../other", "seed": 1}]}, {"format": 2}, {"statistics": {"a": {"mean": 1}}}):
        (tmp_path / "summary.json").write_text(json.dumps(written | change))
        with pytest.raises(RunError, match="is damaged"):
            specnet.load_group(tmp_path)
    with pytest.raises(RunError, match="there is no directory"):
        specnet.load_group(tmp_path / "none")


def test_data_from_python_train_each_run(tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 2))
    spec = {"layers": ["linear"], "loss": "mse", "training": {"epochs": 2}, "record": None, "plots": []}
    group = specnet.repeat(spec, 2, tmp_path / "group", data=(x, x.sum(axis=1)), workers=1)
    assert group.predict(x[:5]).shape == (5,) or group.predict(x[:5]).shape == (5, 1)


def test_runs_on_other_data_do_not_join_a_group(tmp_path):
    spec = {"layers": ["linear"], "loss": "mse", "training": {"epochs": 2}, "record": None, "plots": []}
    x = np.random.default_rng(0).normal(size=(30, 2))
    first, others = (x, x[:, :1]), (2 * x, x[:, :1])
    specnet.repeat(spec, 1, tmp_path / "group", data=first, workers=1)
    summary = (tmp_path / "group/summary.json").read_bytes()
    for seeds in (1, 2):
        with pytest.raises(UsageError, match="trained on other data"):
            specnet.repeat(spec, seeds, tmp_path / "group", data=others, workers=1)
    assert (tmp_path / "group/summary.json").read_bytes() == summary
    assert not (tmp_path / "group/seed-2").exists()


def test_a_finished_run_on_other_data_is_not_believed(tmp_path):
    spec = {"layers": ["linear"], "loss": "mse", "training": {"epochs": 2}, "record": None, "plots": []}
    x = np.random.default_rng(0).normal(size=(30, 2))
    for data, status in (((x, x[:, :1]), "finished"), ((2 * x, x[:, :1]), "failed")):
        job = Job(specnet.load_spec(spec, data=data), tmp_path / "run", data=data)
        assert train_job(job).status == status


def test_held_out_targets_of_heads_stand_under_their_names(tmp_path):
    rows = [(n, n % 4, "abc"[n % 3]) for n in range(24)]
    (tmp_path / "rows.csv").write_text("x,size,kind\n" + "".join(f"{x},{size},{kind}\n" for x, size, kind in rows))
    spec = {
        "dataset": {"type": "csv", "path": str(tmp_path / "rows.csv"), "inputs": ["x"], "targets": ["size", "kind"]},
        "layers": [{"type": "parallel", "branches": [[{"type": "linear", "units": n}] for n in (3, 1)]}],
        "loss": {
            "type": "sum",
            "losses": [{"loss": "cross_entropy", "targets": ["kind"]}, {"loss": "mse", "targets": ["size"]}],
        },
        "metrics": ["accuracy", "mae"],
        "training": {"epochs": 1},
        "record": None,
        "plots": [],
    }
    group = specnet.cross_validate(spec, 2, out=tmp_path / "group", workers=1)
    with (group.directory / "predictions.csv").open(newline="") as file:
        found = [*csv.DictReader(file)]
    assert {(int(each["row"]), float(each["size"]), each["kind"]) for each in found} == {*rows}
    right = np.mean([each["kind"] == each["predicted kind"] for each in found])
    assert group.summary.pooled.values["accuracy/kind"] == pytest.approx(right)
