"""Each finding is made about a spec that is sick in this way, and what it proposes helps."""

import csv
import json
from contextlib import suppress
from pathlib import Path

import pytest
from sick import HIDDEN, MOONS, OUT, SICK, TABLES, adam

import specnet
from specnet.diagnosis import steps
from specnet.diagnosis.table import CHECKS, OF_DATA

CODES = [code for check in CHECKS for code in check.codes]
INCURABLE = {"duplicates", "few-samples", "uneven-groups"}
"""What no setting of the spec makes go away: the data have to change."""


def spec_of(code, folder):
    if code in SICK:
        return SICK[code]
    columns, changes = TABLES[code]
    path, target = folder / "table.csv", [*columns][-1]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
    classes = columns[target].dtype.kind == "U"
    inputs = [name for name in columns if name not in (target, "g")]
    return {
        "dataset": {"type": "csv", "path": str(path), "inputs": inputs, "targets": [target]},
        "split": {"validation": 0.2},
        "layers": ["linear"],
        "loss": "cross_entropy" if classes else "mse",
        "metrics": ["accuracy" if classes else "mse"],
        "training": {"epochs": 20},
        "plots": [],
    } | changes


def trained(spec, out, overrides=()):
    with suppress(specnet.SpecnetError):  # diverges
        specnet.run(specnet.load_spec(spec, overrides), out, report=False)
    return specnet.load_run(out)


def test_there_is_a_sick_spec_for_each_finding():
    assert sorted(CODES) == sorted([*SICK, *TABLES])
    assert len(set(CODES)) == len(CODES)


@pytest.mark.parametrize("code", CODES)
def test_what_is_sick_is_found_and_cured(code, tmp_path):
    spec = spec_of(code, tmp_path)
    before = trained(spec, tmp_path / "before")
    found = specnet.explain(before)
    assert not found.unchecked
    (finding,) = (each for each in found.findings if each.code == code)
    assert finding.location.file == str(tmp_path / "before/spec.json")
    assert finding.evidence
    if code in INCURABLE:
        return
    # That of a cause comes before a guess.
    cure = finding.cure or next(each.cure for each in found.findings if each.cure)
    after = trained(spec, tmp_path / "after", cure.overrides)
    gone = code not in {each.code for each in specnet.explain(after).findings}
    assert gone or any(after.metrics[split]["loss"] < scores["loss"] for split, scores in before.metrics.items())


@pytest.mark.parametrize("code", OF_DATA)
def test_a_run_warns_of_its_data_in_the_same_words(code, tmp_path):
    class Listener(specnet.Observer):
        def warned(self, message):
            heard.append(message)

    heard = []
    made = specnet.run(spec_of(code, tmp_path), tmp_path / "run", Listener(), report=False)
    assert next(each.text for each in made.data_symptoms if each.code == code) in heard


def test_a_learning_rate_of_adam_from_which_steps_overshoot_is_told_and_cured(tmp_path):
    spec = json.loads(Path(__file__).parents[2].joinpath("specs/spiral.json").read_text())
    spec |= {"training": {"epochs": 25}, "plots": []}
    rates = {"usual": 0.03, "large": 10}
    found, losses = {}, {}
    for name, rate in rates.items():
        run = trained(spec, tmp_path / name, [f"optimizer.learning_rate={rate}"])
        symptoms = {each.code: each for each in specnet.explain(run).findings}
        found[name], losses[name] = symptoms.get("large-learning-rate"), run.history["train/loss"][-1]
    assert found["usual"] is None
    assert "with each parameter scaled as adam scales its steps, the curvature of the loss is" in found["large"].message
    cured = trained(spec, tmp_path / "cured", found["large"].cure.overrides)
    assert losses["large"] > 2
    assert cured.history["train/loss"][-1] < 0.7


@pytest.mark.parametrize("layers", [1, 2])
def test_a_learning_rate_that_saturates_units_at_once_is_told_and_cured(layers, tmp_path):
    spec = MOONS | {"layers": [*[HIDDEN, "tanh"] * layers, OUT]}
    before = trained(spec | adam(10), tmp_path / "before")
    explained = specnet.explain(before)
    (found,) = (each for each in explained.findings if each.code == "large-learning-rate")
    assert explained.unchecked == {}
    assert "the loss is 0.7" in found.message and "in the first 5 steps mostly" in found.message
    after = trained(spec | adam(10), tmp_path / "after", found.cure.overrides)
    assert after.metrics["train"]["loss"] < 0.1 * before.metrics["train"]["loss"]
    assert "large-learning-rate" not in {each.code for each in specnet.explain(after).findings}


def test_a_learning_rate_that_saturates_units_is_lowered_without_trying_if_time_is_short(tmp_path, monkeypatch):
    find, calls = steps._first_losses, []

    def late(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise steps._LateError("it takes too long")
        return find(*arguments)

    monkeypatch.setattr(steps, "_first_losses", late)
    explained = specnet.explain(trained(MOONS | adam(10), tmp_path / "run"))
    (found,) = (each for each in explained.findings if each.code == "large-learning-rate")
    assert found.cure.overrides == ("optimizer.learning_rate=1",)
