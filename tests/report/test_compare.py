import re
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from specnet.cli.compare import _show
from specnet.datasets.base import Data, Samples
from specnet.errors import DataError
from specnet.report.compare import DIFFERENT_SAMPLES, compare
from specnet.report.compare_page import compare_page, draw_parameters
from specnet.report.differences import differing_rows
from specnet.report.entries import Measured, RunSet, named_apart, rounded_like, single
from specnet.report.page import environment
from specnet.report.series import panels

SOME = Data(Samples(np.zeros((2, 2)), np.array([0, 1])))
BOTH = Data(SOME.train, SOME.train)
LINEAR = {"type": "linear", "units": 4}
LAST = {"type": "linear", "units": 1}


@pytest.fixture
def measured(reported):
    """Makes a run with this loss and these metrics of its training split."""

    def make(spec=(), **values):
        return reported(spec, data=SOME, evaluate=lambda split: values)

    return make


def texts(values):
    return [value and str(value) for value in values.values]


def row(rows, name):
    (found,) = [each for each in rows if each.name == name]
    return found


@pytest.mark.parametrize(
    ("directories", "names"),
    [
        (["runs/a", "runs/b"], ["a", "b"]),
        (["one/a", "two/a"], ["one/a", "two/a"]),
        (["runs/a", "runs/a"], ["a (1)", "a (2)"]),
        (["."], ["run"]),
        (["runs/a", "."], ["a", Path.cwd().name]),
    ],
    ids=["directories", "paths", "numbers", "one", "the working directory"],
)
def test_runs_of_one_name_are_told_apart(directories, names, reported):
    found = named_apart([single(reported(directory=Path(directory))) for directory in directories])
    assert [entry.name for entry in found] == names


def test_a_name_that_no_other_run_has_stays(reported):
    runs = [reported({"name": name}, directory=Path(f"runs/{name}-{number}")) for number, name in enumerate("aab")]
    assert [entry.name for entry in named_apart([*map(single, runs)])] == ["a-0", "a-1", "b"]


DIFFERENCES = {
    "the same": ({}, {}, []),
    "a number": ({}, {"seed": 7}, [("seed", "0", "7")]),
    "text": ({}, {"dtype": "float64"}, [("dtype", '"float32"', '"float64"')]),
    "null": ({}, {"training": {"batch_size": None}}, [("training.batch_size", "32", "null")]),
    "of a component": ({"dataset": {"type": "spiral", "n_samples": 40}}, {}, [("dataset.n_samples", "40", "400")]),
    "another component": (
        {"optimizer": {"type": "sgd", "momentum": 0.5}},
        {"optimizer": "adam"},
        [("optimizer", '{"type": "sgd", "momentum": 0.5}', '"adam"')],
    ),
    "a schedule": (
        {"optimizer": {"type": "adam", "learning_rate": 0.5}},
        {"optimizer": {"type": "adam", "learning_rate": {"type": "cosine", "initial": 0.5, "steps": 9}}},
        [("optimizer.learning_rate", "0.5", '{"type": "cosine", "steps": 9, "initial": 0.5}')],
    ),
    "an alias": (
        {"layers": [LAST | {"use_bias": False}]},
        {},
        [("layers.0.use_bias", "false", "true")],
    ),
    "more layers": (
        {"layers": [LINEAR, LAST]},
        {"layers": [LINEAR, "tanh", LAST]},
        [("layers.1", None, '"tanh"')],
    ),
    "an inserted layer": (
        {"layers": [LINEAR, "tanh", {"type": "linear", "units": 8}, "tanh", LAST]},
        {"layers": [LINEAR, "tanh", {"type": "dropout", "rate": 0.1}, {"type": "linear", "units": 9}, "tanh", LAST]},
        [("layers.2", None, '{"type": "dropout", "rate": 0.1}'), ("layers.2/3.units", "8", "9")],
    ),
    "a layer in another's place": (
        {"layers": [LINEAR, "tanh", LAST]},
        {"layers": [LINEAR, "relu", LAST]},
        [("layers.1", '"tanh"', '"relu"')],
    ),
    "inside a layer": (
        {"layers": [{"type": "parallel", "branches": [["tanh"], []]}, LAST]},
        {"layers": [{"type": "parallel", "branches": [["relu"], ["tanh", {"type": "dropout", "rate": 0.1}]]}, LAST]},
        [
            ("layers.0.branches.0.0", '"tanh"', '"relu"'),
            ("layers.0.branches.1.0", None, '"tanh"'),
            ("layers.0.branches.1.1", None, '{"type": "dropout", "rate": 0.1}'),
        ],
    ),
    "a section": ({"record": {"every": 5}}, {"record": None}, [("record", '{"every": 5}', "null")]),
    "fewer plots": ({"plots": ["curves"]}, {"plots": []}, [("plots.0", '"curves"', None)]),
    "the title": ({"name": "a", "description": "one"}, {"name": "b", "description": "two"}, []),
}  # fmt: skip
"""What two specs say besides what they share, and the rows of how they differ."""


@pytest.mark.parametrize("case", DIFFERENCES)
def test_specs_differ_where_they_say_something_else(case, reported):
    one, other, expected = DIFFERENCES[case]
    found = compare([reported(one, data=SOME), reported(other, data=SOME)])
    assert [(row.name, *row.values) for row in found.specs] == expected


def test_of_several_runs_each_says_what_it_has(reported):
    specs = [reported({"optimizer": optimizer}).spec for optimizer in ("adam", "adam", "sgd")]
    (found,) = differing_rows(specs)
    assert (found.name, found.values) == ("optimizer", ['"adam"', '"adam"', '"sgd"'])


def test_how_each_run_went_is_told_side_by_side(reported):
    other = {"monitor": "validation/loss", "value": 0.125, "epoch": 3}
    runs = [reported(data=SOME), reported({"training": {"epochs": 2000}}, data=SOME, status="diverged", best=other)]
    found = compare(runs)
    assert [each.name for each in found.facts] == [
        "status", "epochs", "time", "parameters", "best train/loss", "best validation/loss",
    ]  # fmt: skip
    assert [each.name for each in found.results] == ["train/loss"]
    assert row(found.facts, "status").values == ["finished", "diverged"]
    assert row(found.facts, "epochs").values == ["3 of 100", "3 of 2,000"]
    assert row(found.facts, "best validation/loss").values == [None, "0.125 at epoch 3"]


ACCURACY = {"metrics": ["accuracy"]}
NUMBERS = {"loss": "mse", "metrics": ["mse", "r2"]}
SCALED = NUMBERS | {"transforms": {"targets": ["standardize"]}}
SUM = {"loss": {"type": "bce_with_logits", "reduction": "sum"}}
BEST = {
    "the lowest loss": ([({}, {"loss": 0.5}), ({}, {"loss": 0.25})], "loss", {1}),
    "the highest accuracy": ([(ACCURACY, {"accuracy": 0.5}), (ACCURACY, {"accuracy": 0.25})], "accuracy", {0}),
    "the lowest error": ([(NUMBERS, {"mse": 0.5}), (NUMBERS, {"mse": 0.25})], "mse", {1}),
    "the highest share": ([(NUMBERS, {"r2": 0.5}), (NUMBERS, {"r2": -0.25})], "r2", {0}),
    "all of the best": ([({}, {"loss": 0.5}), ({}, {"loss": 0.25}), ({}, {"loss": 0.25})], "loss", {1, 2}),
    "what looks equal": ([({}, {"loss": 0.25}), ({}, {"loss": 0.25 + 1e-9}), ({}, {"loss": 1.0})], "loss", {0, 1}),
    "none of equal ones": ([({}, {"loss": 0.25}), ({}, {"loss": 0.25})], "loss", set()),
    "none without another": ([(ACCURACY, {"accuracy": 0.5}), ({}, {"loss": 0.5})], "accuracy", set()),
    "none of different losses": ([({}, {"loss": 0.5}), (SUM, {"loss": 0.25})], "loss", set()),
    "none in different units": ([(NUMBERS, {"loss": 0.5}), (SCALED, {"loss": 0.25})], "loss", set()),
    "a metric in any units": ([(NUMBERS, {"mse": 0.5}), (SCALED, {"mse": 0.25})], "mse", {1}),
    "no nan": ([({}, {"loss": float("nan")}), ({}, {"loss": 0.5}), ({}, {"loss": 0.25})], "loss", {2}),
    "less than infinite": ([({}, {"loss": float("inf")}), ({}, {"loss": 0.5})], "loss", {1}),
}  # fmt: skip
"""Spec and values of each run, and which of them have the best."""


@pytest.mark.parametrize("case", BEST)
def test_the_best_are_marked(case, measured):
    runs, name, expected = BEST[case]
    rows = compare([measured(spec, **values) for spec, values in runs]).results
    assert row(rows, f"train/{name}").best == expected


def test_a_value_is_told_in_six_digits(measured):
    assert texts(row(compare([measured(loss=1 / 3)]).results, "train/loss")) == ["0.333333"]


def test_a_split_that_a_run_has_not_is_left_open(reported):
    rows = compare([reported(data=SOME), reported(data=BOTH)]).results
    assert texts(row(rows, "validation/loss")) == [None, "1"]


class Moved:
    @property
    def splits(self):
        raise DataError("there is no file table.csv")


def test_a_run_whose_data_have_been_moved_has_no_scores_and_says_why(reported):
    found = compare([reported({"name": "here"}, data=SOME), reported({"name": "gone"}, data=Moved())])
    assert texts(row(found.results, "train/loss")) == ["1", None]
    assert found.notes == ["gone: there is no file table.csv"]


def test_runs_of_one_spec_with_two_seeds_are_compared_as_they_were_trained(train):
    runs = [train(out=f"run-{seed}", seed=seed) for seed in (1, 2)]
    found = compare(runs)
    assert found.names == ["run-1", "run-2"]
    assert [(each.name, each.values) for each in found.specs] == [("seed", ["1", "2"])]
    scores = [run.evaluate("test")["loss"] for run in runs]
    loss = row(found.results, "test/loss")
    assert [value.mean for value in loss.values] == scores
    assert loss.best == frozenset()  # a seed draws the samples, too


def test_the_best_of_runs_on_the_same_samples_is_marked(train):
    runs = [train(out=f"{rate}", optimizer={"type": "sgd", "learning_rate": rate}) for rate in (0.001, 1.0)]
    found = compare(runs)
    loss = row(found.results, "test/loss")
    assert loss.best == {int(np.argmin([run.evaluate("test")["loss"] for run in runs]))}
    assert found.notes == []


def test_no_result_is_the_best_of_runs_on_different_samples(train):
    found = compare([train(out="one", seed=1), train(out="other", seed=2)])
    assert DIFFERENT_SAMPLES in found.notes
    assert not any(each.best for each in found.results)


def test_the_page_marks_the_best_for_who_sees_no_colours_or_nothing(train):
    text = compare_page([train(out=f"run-{seed}", optimizer={"type": "sgd", "learning_rate": seed}) for seed in (1, 2)])
    assert re.search('<td data-key="[0-9.]+" class="best">', text)
    assert '<span role="img" aria-label="best">★</span>' in text
    assert "optimizer.learning_rate</button></th>" in text
    assert '<td data-key="1.0">1.0</td>' in text


def test_the_page_says_so_if_specs_are_the_same_and_shows_names_as_text(train):
    runs = [train(out=name) for name in ("run<b>1", "run-2")]
    text = compare_page(runs)
    assert "The specs are the same." in text
    assert "run&lt;b&gt;1" in text
    assert environment().autoescape is True


def many(count, reported):
    """Return invented runs that differ in seed and first layer, every third with one layer more."""
    return [
        reported(
            {
                "name": f"wide-{number}",
                "seed": number,
                "layers": [LINEAR | {"units": 3 + number}, *([] if number % 3 else ["relu"]), "tanh", LAST],
            },
            data=SOME,
            history=history(number),
            evaluate=lambda split, number=number: {"loss": 1.0 + number},
        )
        for number in range(count)
    ]


def history(number):
    losses = 1.0 / np.arange(1.0, 6.0) + number
    return {"epoch": np.arange(1, 6), "train/loss": losses, "validation/loss": losses + 0.5}


@pytest.mark.parametrize("count", [2, 8, 50])
def test_on_a_terminal_every_value_of_every_run_is_on_one_line(count, reported, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("COLUMNS", "80")
    runs = many(count, reported)
    with click.Context(click.Command("compare")) as context:
        context.meta["specnet.stdout"] = sys.stdout
        _show(compare(runs), "text")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    table = lines[: next((n for n, line in enumerate(lines) if line.startswith("The same for all")), None)]
    assert max(map(len, table)) <= 80
    if count == 50:
        for run in runs:
            assert f"{run.spec.seed + 1}" in next(line for line in lines if line.startswith(f"{run.name} ")).split()
    assert sum("layers.0.units" in line for line in lines) == 1


def test_what_is_the_same_for_all_of_many_runs_is_said_once(reported):
    found = compare(many(9, reported))
    assert "status finished" in found.shared and "status" not in [row.name for row in found.varied]
    assert compare(many(3, reported)).shared == ""


def test_layers_of_many_runs_are_aligned(reported):
    found = compare(many(9, reported))
    assert [row.name for row in found.specs] == ["seed", "layers.0.units", "layers.1"]
    assert row(found.specs, "layers.1").values == ['"relu"', None, None] * 3


@pytest.mark.parametrize("count", [1, 4, 5, 50])
def test_each_chart_of_a_page_has_few_curves_or_one_for_each_run(count, reported):
    runs = many(count, reported)
    (drawn,) = panels([*map(single, runs)])
    assert len(drawn["series"]) == (2 * count if count < 5 else count)
    assert drawn["title"] == ("loss" if count < 5 else "loss, validation")
    assert len({(series["color"], series["dash"]) for series in drawn["series"]}) == len(drawn["series"])


# Groups.


def group(reported, name, numbers, spec=(), seeds=None, data="a", **changes):
    """Return an invented group of runs with these accuracies on the validation split."""
    seeds = range(len(numbers)) if seeds is None else seeds
    runs = [
        reported(
            ACCURACY | {"name": name, "seed": seed} | dict(spec),
            data=BOTH,
            directory=Path(f"runs/{name}/{seed}"),
            history=history(number),
            evaluate=lambda split, number=number: {"loss": 1 - number, "accuracy": number},
            manifest={"seconds": 2.0, "started": "2025", "error": None, "data": {"sha256": f"{data}{seed}"}},
            **changes,
        )
        for seed, number in zip(seeds, numbers, strict=True)
    ]
    return RunSet(name, Path(f"runs/{name}"), runs, is_group=True)


LOW = [0.70, 0.72, 0.74, 0.71, 0.73, 0.75, 0.69, 0.72]
HIGH = [number + 0.05 + 0.001 * (seed % 3) for seed, number in enumerate(LOW)]
NEAR = [number + 0.02 * (-1) ** seed + 0.004 for seed, number in enumerate(LOW)]


def test_a_group_is_one_row_with_mean_deviation_and_interval(reported):
    found = compare([group(reported, "low", LOW), group(reported, "high", HIGH, {"layers": [LINEAR, "tanh", LAST]})])
    accuracy = row(found.results, "validation/accuracy")
    assert accuracy.values[0].mean == pytest.approx(np.mean(LOW))
    assert accuracy.values[0].sd == pytest.approx(np.std(LOW, ddof=1))
    low, high = accuracy.values[0].interval
    assert min(LOW) < low < np.mean(LOW) < high < max(LOW)
    assert texts(accuracy)[0] == f"0.720 ± 0.020 ({low:.3f} to {high:.3f})"
    assert [(each.name, each.values) for each in found.specs] == [
        ("layers.0", [None, '{"type": "linear", "units": 4}']),
        ("layers.1", [None, '"tanh"']),
    ]
    assert row(found.facts, "time").values == ["16 s", "16 s"]
    assert row(found.facts, "runs").values == ["8", "8"]


def test_groups_are_compared_in_pairs_of_the_same_seed(reported):
    found = compare([group(reported, "low", LOW), group(reported, "high", HIGH)])
    (pair,) = found.pairs
    assert (found.main, pair.first, pair.second, pair.paired, pair.size) == ("validation/accuracy", 1, 0, True, 8)
    assert pair.difference == pytest.approx(np.mean(HIGH) - np.mean(LOW))
    assert (pair.p, pair.apart, pair.more) == (2 / 2**8, True, None)
    assert found.conclusions == [
        "validation/accuracy of high is higher than that of low by 0.05088 (95 % interval 0.05038 to 0.05138; "
        "8 pairs of runs with the same seeds; p = 0.0078, permutation test)."
    ]
    assert row(found.results, "validation/accuracy").best == {1}
    assert row(found.results, "validation/loss").best == frozenset()


def test_groups_that_cannot_be_told_apart_say_how_many_seeds_would_do(reported):
    found = compare([group(reported, "low", LOW), group(reported, "near", NEAR)])
    (pair,) = found.pairs
    d = np.array(NEAR) - LOW
    needed = (1.959964 + 0.841621) ** 2 * np.var(d, ddof=1) / d.mean() ** 2 + 1.959964**2 / 2
    assert not pair.apart and pair.more == np.ceil(needed) - 8
    assert "near and low cannot be told apart: validation/accuracy differs by 0.004 (" in found.conclusions[0]
    assert f"About {pair.more} more seeds would tell them apart." in found.conclusions[0]
    assert "n = (1.96 + 0.84)² s²/d² + 1.92" in found.conclusions[1]
    assert row(found.results, "validation/accuracy").best == frozenset()


def test_few_seeds_are_never_enough_and_equal_groups_never_differ(reported):
    few = compare([group(reported, "low", LOW[:3]), group(reported, "high", HIGH[:3])])
    assert (few.pairs[0].p, few.pairs[0].more) == (0.25, 3)
    same = compare([group(reported, "a", LOW), group(reported, "b", LOW)])
    assert "No number of seeds would change that" in same.conclusions[0]


def test_of_several_groups_p_values_are_corrected_and_those_not_apart_share_the_star(reported):
    found = compare(
        [
            group(reported, n, v)
            for n, v in {"low": LOW, "high": HIGH, "also": [x - 0.0005 * (-1) ** i for i, x in enumerate(HIGH)]}.items()
        ]
    )
    assert {(pair.first, pair.second) for pair in found.pairs} == {(1, 0), (1, 2)}
    assert found.pairs[0].p == pytest.approx(2 * 2 / 2**8)
    assert row(found.results, "validation/accuracy").best == {1, 2}
    assert "Holm-corrected" in found.conclusions[0]


def test_groups_with_other_samples_have_no_winner(reported):
    for changes, reason in [
        ({"data": "b"}, "runs of the same seed have different samples"),
        ({"data": "b", "seeds": range(100, 108)}, "their runs have no seeds in common, and different samples"),
    ]:
        found = compare([group(reported, "low", LOW), group(reported, "high", HIGH, **changes)])
        assert found.conclusions == [f"high and low are not compared: {reason}."]
        assert row(found.results, "validation/accuracy").best == frozenset()


def test_groups_without_common_seeds_are_compared_as_a_whole(reported):
    groups = [group(reported, "low", LOW), group(reported, "high", HIGH, seeds=range(100, 108))]
    for entry in groups:
        for run in entry.runs:
            run.manifest["data"]["sha256"] = "same"
    (pair,) = compare(groups).pairs
    assert (pair.paired, pair.apart) == (False, True)
    assert pair.interval[0] < np.mean(HIGH) - np.mean(LOW) < pair.interval[1]


def test_a_run_without_numbers_is_left_out_and_said(reported):
    found = compare([group(reported, "low", [*LOW, float("nan")]), group(reported, "high", [*HIGH, 0.8])])
    assert "8 of 9 runs" in texts(row(found.results, "validation/accuracy"))[0]
    assert found.pairs[0].size == 8


def test_the_interval_of_a_single_run_is_that_of_its_test_split(measured, reported):
    data = Data(SOME.train, SOME.train, SOME.train)
    run = reported(data=data, stored_intervals={"test": {"loss": (0.75, 1.5)}})
    found = compare([run, run])
    assert texts(row(found.results, "test/loss")) == ["1 (0.75 to 1.50)"] * 2


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0.12345, 0.01, "0.123"),
        (123.45, 20.0, "123"),
        (1e7, 3.0, "10,000,000"),
        (0.5, 0.0, "0.5"),
        (1e-9, 1e-10, "1e-09"),
    ],
)
def test_numbers_have_the_digits_that_their_deviation_leaves(number, unit, text):
    assert rounded_like(number, unit) == text


def test_a_value_that_no_run_has_is_not_a_number():
    assert str(Measured([], 2, None)) == "nan, 0 of 2 runs"


def test_a_parameter_has_a_picture_over_numbers_or_texts(reported):
    runs = many(9, reported)
    pictures, notes = draw_parameters(compare(runs), range(9))
    units, layer = pictures
    assert (units["title"], units["names"], units["log"]) == ("layers.0.units", None, False)
    assert units["points"] == [[3 + n, 1.0 + n, n] for n in range(9)]
    assert (layer["title"], layer["names"]) == ("layers.1", ["relu", "none"])
    assert notes == []
    rates = [reported({"optimizer": {"type": "sgd", "learning_rate": 10.0**-n}}, data=SOME) for n in range(4)]
    assert draw_parameters(compare(rates), range(4))[0][0]["log"]


def test_groups_have_bands_and_a_picture_of_their_runs(reported):
    entries = [group(reported, "low", LOW), group(reported, "high", HIGH)]
    (loss,) = panels(entries)
    low = loss["series"][0]
    assert (loss["title"], low["name"], low["of"]) == ("loss, validation", "low", 8)
    assert all(a <= b <= c for a, b, c in zip(low["low"], low["y"], low["high"], strict=True))
    (picture,), _ = draw_parameters(compare(entries), [0] * 8 + [1] * 8)
    assert (picture["title"], picture["names"], len(picture["points"])) == ("group", ["low", "high"], 16)
    shorter = group(reported, "low", LOW)
    shorter.runs[0].history = {"epoch": np.arange(1, 3), "train/loss": np.ones(2), "validation/loss": np.full(2, 99.0)}
    (loss,) = panels([shorter])
    assert loss["series"][0]["x"] == [1, 2, 3, 4, 5]
    assert loss["series"][0]["high"][2] < 99
