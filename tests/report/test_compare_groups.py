"""Comparisons of groups: means, deviations, intervals, and which differences could be chance."""

from pathlib import Path

import numpy as np
import pytest
from report.compared import ACCURACY, BOTH, LAST, LINEAR, history, row, texts

from specnet.report.compare import compare
from specnet.report.compare_page import draw_parameters
from specnet.report.entries import RunSet
from specnet.report.series import panels


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
