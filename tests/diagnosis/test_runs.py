"""Runs of every kind can be diagnosed; what is found is shown on the page."""

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sick import HIDDEN, MOONS, OUT, SICK, WAVES, adam, sgd

import specnet
from specnet.diagnosis import steps, symptom
from specnet.diagnosis.symptom import Picture
from specnet.diagnosis.table import CHECKS

SEQUENCES = {
    "dataset": {"type": "copy", "n_samples": 100, "length": 3, "symbols": 4},
    "layers": [
        {"type": "embedding", "output_dim": 8},
        {"type": "lstm", "units": 8, "return_sequences": True},
        "linear",
    ],
    "loss": "cross_entropy",
    "metrics": ["accuracy"],
    "training": {"epochs": 12},
    "plots": [],
}
KINDS = {
    "classes": MOONS,
    "numbers": WAVES,
    "probabilities": MOONS | {"layers": [HIDDEN, "relu", OUT, "sigmoid"], "loss": "bce"},
    "a sum": MOONS | {"loss": {"type": "bce_with_logits", "reduction": "sum"}},
    "no metrics, no record": MOONS | {"metrics": [], "record": None},
    "sequences": SEQUENCES,
    "images": {
        "dataset": {"type": "shapes", "n_samples": 60}, "training": {"epochs": 2}, "loss": "cross_entropy",
        "layers": [{"type": "conv2d", "filters": 4, "kernel_size": 3}, "relu", "flatten", "linear"],
    },
    "an optimizer of full batches": MOONS
    | {"optimizer": "lbfgs", "training": {"epochs": 12, "batch_size": "full"}},
    "averaged weights": MOONS | {"training": {"epochs": 12, "weight_averaging": {"type": "ema"}}},
    "a layer of a plugin": MOONS | {"layers": [HIDDEN, "swish", OUT]},
    "normalization and dropout": MOONS | {"layers": [HIDDEN, "batch_norm", "relu", "dropout", OUT]} | sgd(1e-4),
    "stopped early": MOONS | {"training": {"epochs": 40, "early_stopping": {"patience": 1}}},
    "one epoch": MOONS | {"training": {"epochs": 1}},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_all_checks_are_done_for_every_kind_of_run(kind, tmp_path):
    run = specnet.run(KINDS[kind], tmp_path / "run", report=False)
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert specnet.explain(tmp_path / "run").unchecked == {}
    assert files == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert run.diagnosis.unchecked == {}


def test_an_autoencoder_is_not_said_to_leak(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 4))
    run = specnet.run({"layers": [{"type": "linear", "units": 4}], "loss": "mse", "plots": []}, tmp_path, data=(x, x))
    found = specnet.explain(run)
    assert "leaking-inputs" not in {each.code for each in found.findings}
    assert found.unchecked == {}


def test_a_target_at_each_position_of_a_sequence_is_no_leak(tmp_path):
    assert specnet.run(SEQUENCES, tmp_path / "run", report=False).data_symptoms == []


def test_a_run_on_data_from_python_needs_them_again(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 4))
    data = x, x[:, :1] ** 2
    specnet.run({"layers": ["linear"], "loss": "mse", "plots": []}, tmp_path / "run", data=data)
    assert "dead-units" in specnet.explain(tmp_path / "run").unchecked
    assert specnet.explain(tmp_path / "run", data=data).unchecked == {}


def test_a_run_without_a_complete_epoch(tmp_path):
    class Interrupting(specnet.Callback):
        def step(self, training):
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        specnet.run(MOONS, tmp_path / "run", callbacks=[Interrupting()])
    found = specnet.explain(tmp_path / "run")
    assert found.unchecked == {}
    assert {each.code for each in found.findings} <= {"wide-interval"}


def test_a_run_that_diverged_in_its_first_epoch(tmp_path):
    with suppress(specnet.SpecnetError):
        specnet.run(WAVES | sgd(1e6), tmp_path / "run")
    found = specnet.explain(tmp_path / "run")
    assert found.unchecked == {}
    assert [each.code for each in found.findings] == ["diverged", "large-learning-rate"]
    page = (tmp_path / "run/report.html").read_text()
    assert "the run diverged: the loss is inf" in page


def test_a_check_that_a_component_breaks_is_told_and_the_others_are_done(tmp_path, monkeypatch):
    run = specnet.run(MOONS, tmp_path / "run", report=False)

    def broken(*_):
        raise ZeroDivisionError("in the layer of a plugin")

    monkeypatch.setattr("specnet.diagnosis.evidence.probe", broken)
    unchecked = specnet.explain(run).unchecked
    assert unchecked["dead-units"] == "ZeroDivisionError: in the layer of a plugin"
    assert "no-gain" not in unchecked


def test_the_page_shows_findings_and_the_pictures_that_they_name(tmp_path):
    changes = {"training": {"epochs": 40, "clip_norm": 1}, "layers": [HIDDEN, "relu", OUT]}
    run = specnet.run(SICK["schedule-over"] | changes, tmp_path / "run")
    page = (tmp_path / "run/report.html").read_text()
    section = page.partition('<h2 id="findings">')[2].partition("</section>")[0]
    assert "the learning rate was below 1 % of its maximum in the last 36 of 40 epochs" in section
    assert "<code>--set optimizer.learning_rate.epochs=null</code>" in section
    assert '<a href="#training">learning rate</a>' in section
    (found,) = (each for each in run.diagnosis.findings if each.code == "schedule-over")
    assert found.numbers == "epochs 36, of 40"
    for picture in [each for each in vars(symptom).values() if isinstance(each, Picture)]:
        assert f'id="{picture.section}"' in page
        assert picture.title.casefold() in page.casefold() or picture.title == symptom.UNITS.title


def test_the_page_of_a_run_as_it_should_be_says_so(tmp_path):
    specnet.run(MOONS | adam(0.03), tmp_path / "run")
    page = (tmp_path / "run/report.html").read_text()
    assert "Nothing, as far as a quick look finds." in page


def test_every_code_is_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs/when-it-does-not-learn.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE) == [code for check in CHECKS for code in check.codes]


def test_a_layer_that_is_not_to_be_trained_is_not_said_to_stand_still(tmp_path):
    frozen = MOONS | {"optimizer": {"type": "sgd", "groups": [{"layers": [0], "trainable": False}]}}
    run = specnet.run(frozen, tmp_path / "run", report=False)
    assert "small-updates" not in {each.code for each in run.diagnosis.findings}


def test_a_single_sample_says_nothing_of_units(tmp_path):
    x = np.ones((1, 2))
    spec = {"layers": [HIDDEN, "relu", OUT], "loss": "mse", "plots": [], "training": {"epochs": 15}}
    run = specnet.run(spec, tmp_path / "run", data=(x, x[:, :1]), report=False)
    assert not {each.code for each in run.diagnosis.findings} & {"dead-units", "saturated-units", "constant-units"}


def test_few_steps_are_told_to_be_more_and_not_to_be_large(tmp_path):
    for optimizer in ("levenberg_marquardt", {"type": "adam", "learning_rate": 1e-4}):
        short = WAVES | {"optimizer": optimizer, "training": {"epochs": 2, "batch_size": "full"}}
        found = specnet.run(short, tmp_path / str(len(str(optimizer))), report=False).diagnosis.findings
        symptoms = {each.code: each for each in found}
        assert "large-updates" not in symptoms
        if "no-gain" in symptoms:
            assert symptoms["no-gain"].cure.overrides == ("training.epochs=20",)
    assert "no-gain" in symptoms


def test_the_learning_rate_of_an_inner_optimizer_is_what_is_to_be_changed(tmp_path):
    inner = {"type": "sgd", "learning_rate": 100}
    run = specnet.run(MOONS | {"optimizer": {"type": "lookahead", "optimizer": inner}}, tmp_path / "run", report=False)
    places = {each.cure.overrides for each in run.diagnosis.findings if each.code in ("rising-loss", "large-updates")}
    assert places == {("optimizer.optimizer.learning_rate=10",)}


def test_a_check_that_takes_too_long_is_not_done(tmp_path, monkeypatch):
    monkeypatch.setattr("specnet.diagnosis.steps._SECONDS", 0)
    specnet.run(MOONS | sgd(1e-4), tmp_path / "run", report=False)
    unchecked = specnet.explain(tmp_path / "run").unchecked
    assert unchecked == dict.fromkeys(
        ("large-learning-rate", "one-batch"), "it takes more than 0 seconds of processor time"
    )


@pytest.mark.parametrize(
    ("code", "optimizer", "function", "purpose"),
    [
        ("large-learning-rate", adam(3), "_least_curvature", "to take smaller steps"),
        ("one-batch", sgd(1e-4), "_fit", None),
    ],
)
def test_a_finding_stands_if_only_its_cure_takes_too_long(code, optimizer, function, purpose, tmp_path, monkeypatch):
    find, calls = getattr(steps, function), []

    def late(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise steps._LateError("it takes too long")
        return find(*arguments)

    monkeypatch.setattr(steps, function, late)
    deep = MOONS | optimizer | {"layers": [HIDDEN, "tanh", HIDDEN, "tanh", OUT]}
    run = specnet.run(deep, tmp_path / "run", report=False)
    found = specnet.explain(run)
    (finding,) = (each for each in found.findings if each.code == code)
    assert found.unchecked == {}
    assert (finding.cure and finding.cure.purpose) == purpose
    assert len(calls) == 2
