import re
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from report.compared import ACCURACY, BOTH, LAST, LINEAR, SOME, history, row, texts

from specnet.cli.compare import _show
from specnet.datasets.base import Data
from specnet.errors import DataError
from specnet.report.compare import DIFFERENT_SAMPLES, compare
from specnet.report.compare_page import compare_page, draw_parameters
from specnet.report.differences import differing_rows
from specnet.report.entries import Measured, named_apart, rounded_like, single
from specnet.report.page import environment
from specnet.report.series import panels


@pytest.fixture
def measured(reported):
    """Makes a run with this loss and these metrics of its training split."""

    def make(spec=(), **values):
        return reported(spec, data=SOME, evaluate=lambda split: values)

    return make


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
