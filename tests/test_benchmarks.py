"""The benchmarks work; how fast anything is, they do not ask here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import sampled

from benchmarks.__main__ import NAMES
from benchmarks.measure import Comparison, take_turns
from benchmarks.peers import missing
from benchmarks.reach import judge
from benchmarks.real_tables import RealTable
from benchmarks.real_tables import measure as measure_table
from benchmarks.report import amount, markdown, summary
from benchmarks.training import Disagreement, Job, check_agreement

ROOT = Path(__file__).parents[1]


def benchmarks(*arguments):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def measured(folder, *names):
    """Return what the short form of some benchmarks, or of all, finds and prints."""
    result = benchmarks("--short", *(part for name in names for part in ("--only", name)), "-o", folder)
    assert result.returncode == 0, result.stderr
    comparisons = json.loads((folder / "results.json").read_text())["comparisons"]
    assert {*(names or NAMES)} <= {each["benchmark"] for each in comparisons}
    for each in comparisons:
        assert "specnet" in each["figures"]
        for values in each["figures"].values():
            assert values
            assert all(math.isfinite(value) and value > 0 for value in values)
    return comparisons, result.stdout


def test_a_part_is_measured(tmp_path):
    measured(tmp_path, "checkpoint")


@pytest.mark.long
def test_the_short_form_measures_everything_and_names_who_is_missing(tmp_path):
    comparisons, printed = measured(tmp_path)
    peers = {peer for each in comparisons if each["benchmark"] == "training" for peer in each["figures"]}
    assert {"specnet", "products", "floor", "notebook", "scikit-learn", "PyTorch", "JAX"} - peers == {
        name for name in missing() if "," not in name
    }
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.strip() in printed
    assert all(name in text for name in missing())
    assert "not reached" not in text.lower()
    for picture in ("results.png", "growth.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "target"), sampled([("penguins", "species"), ("auto_mpg", "mpg"), ("seattle_weather", "weather")], 3)
)
def test_a_spec_written_for_a_real_table_beats_the_baseline_on_the_next_file(name, target, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    path = ROOT / "specs" / "data" / f"{name}.csv"
    found = measure_table(name, RealTable(path.name, target), path, tmp_path)
    assert found.specnet > found.baseline + 0.15
    assert found.specnet > found.sklearn - 0.1


def test_a_part_or_a_trial_is_not_written_over_the_results():
    files = [ROOT / "benchmarks" / name for name in ("RESULTS.md", "results.json", "results.png", "growth.png")]
    before = [file.read_bytes() if file.exists() else None for file in files]
    assert benchmarks("--short", "--only", "checkpoint").returncode == 0
    assert [file.read_bytes() if file.exists() else None for file in files] == before


def test_peers_take_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) or len(order) for name in "ab"}
    assert take_turns(calls, 2) == {"a": [1, 3], "b": [2, 4]}
    assert order == ["a", "b", "a", "b"]


def test_a_ratio_is_the_median_of_those_within_a_round():
    comparison = Comparison("training", "a float32", {"specnet": [1.0, 2.0, 10.0], "floor": [1.0, 1.0, 2.0]})
    assert comparison.ratio("specnet", "floor") == 2.0
    assert comparison.to_json()["summary"]["specnet"] == {"best": 1.0, "median": 2.0}


@pytest.mark.parametrize(
    ("benchmark", "work", "peer", "theirs", "threads", "found", "reach", "reached"),
    [
        ("training", "a float32", "floor", 1.0, "1", "takes 1.00 x", "<= 1.10", True),
        ("training", "a float32", "floor", 0.9, "1", "takes 1.11 x", "<= 1.10", False),
        ("training", "d", "floor", 0.6, "1", "takes 1.67 x", "<= 1.60", False),
        ("training", "c 512", "products", 0.9, "1", "takes 1.11 x", "<= 1.15", True),
        ("training", "c 32", "PyTorch", 2.0, "1", "2.00 x as fast", ">= 2.0", True),
        ("training", "c 32", "PyTorch", 1.9, "1", "1.90 x as fast", ">= 2.0", False),
        ("training", "c 32", "PyTorch", 1.9, "all", "1.90 x as fast", "", None),
        ("training", "c 32", "PyTorch, fused Adam", 1.9, "1", "1.90 x as fast", "", None),
        ("training", "b float64", "JAX", 1.2, "1", "1.20 x as fast", "ahead", True),
        ("training", "b float64", "JAX", 0.8, "1", "0.80 x as fast", "ahead", False),
        ("startup", "--help", "import click", 0.5, "1", "takes 2.00 x", "<= 1.50", False),
        ("startup", "run of one epoch", "import torch", 3.0, "1", "3.00 x as fast", ">= 2.0", True),
        ("memory", "whole process", "floor", 0.9, "1", "takes 1.11 x", "<= 1.25", True),
    ],
)
def test_specnet_is_held_against_what_it_is_meant_to_reach(
    benchmark, work, peer, theirs, threads, found, reach, reached
):
    comparison = Comparison(benchmark, work, {"specnet": [1.0], peer: [theirs]}, threads=threads)
    verdict = judge(comparison, peer)
    assert (verdict.found, verdict.reach, verdict.reached) == (found, reach, reached)


def test_what_is_not_reached_is_told():
    figures = {"specnet": [1.0], "floor": [0.5], "JAX": [2.0]}
    text = summary([Comparison("training", "c 32", figures), Comparison("training", "c 32", figures, threads="all")])
    assert text.startswith("1 of 2 bounds are reached.")
    assert text.endswith("\n- c 32 against floor: takes 2.00 x, not <= 1.10")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(1.5, "s", "1.5 s"), (0.0123, "s", "12.3 ms"), (4.56e-5, "s", "45.6 us"), (2.5e8, "B", "250 MB")],
)
def test_figures_have_a_unit_that_suits_them(value, unit, text):
    assert amount(value, unit) == text


def test_tables_are_legible_as_they_are():
    assert markdown([["peer", "x"], ["a", "100"]]) == "| peer | x   |\n| ---- | --- |\n| a    | 100 |"


class Peer:
    def __init__(self, losses):
        self.losses = losses

    def prepare(self, spec, *overrides):
        assert "training.shuffle=false" in overrides

    def train(self, epochs):
        return self.losses, 0.1


def test_a_peer_that_computes_something_else_is_an_error():
    job = Job("a float64", {}, (), (), 1, tolerance=1e-8)
    check_agreement(job, {"specnet": Peer([1.0, 0.5]), "floor": Peer([1.0, 0.5 * (1 + 1e-9)])})
    for losses in ([1.0, 0.5 * (1 + 1e-7)], [1.0, math.nan]):
        with pytest.raises(Disagreement, match="floor has the losses"):
            check_agreement(job, {"specnet": Peer([1.0, 0.5]), "floor": Peer(losses)})
