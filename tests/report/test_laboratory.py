"""What a reader does in the laboratory of a page: trains the run again, changes it, and takes the result home."""

import csv
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from report.browser import PHONE
from selenium.webdriver import ActionChains, Keys

import specnet
from specnet.errors import DivergenceError

TRAIN, BATCH, EPOCH, REWIND = (f".tools button:nth-child({number})" for number in (1, 2, 3, 4))
SPECS = Path(__file__).parents[2] / "specs"
BENCH = "window.specnet.laboratory"


def short(**changes):
    spec = json.loads((SPECS / "spiral.json").read_text(encoding="utf-8"))
    del spec["$schema"]
    return spec | {"dtype": "float64", "plots": [], "training": {"epochs": 30, "batch_size": 32}} | changes


@pytest.fixture(scope="module")
def spiral(tmp_path_factory):
    spec = short()
    spec["dataset"] = spec["dataset"] | {"n_samples": 120}
    return specnet.run(specnet.load_spec(spec), out=tmp_path_factory.mktemp("spiral") / "run", report=False)


@pytest.fixture
def bench(browser, spiral):
    return browser.open(spiral.report())


def train(browser):
    browser.click(TRAIN)
    browser.until(f"{BENCH}.done && document.querySelector('.tools button').textContent === 'Train'")


def set_rate(browser, exponent):
    """Drag the slider of the learning rate to a power of ten."""
    script = "const slider = document.querySelector('.settings input'); slider.value = arguments[0]; "
    browser.driver.execute_script(script + "slider.dispatchEvent(new Event('input', {bubbles: true}))", exponent)


def test_training_in_the_page_gives_the_recorded_curve_again_and_shows_the_tick(bench, spiral):
    assert bench.text(".verdict").startswith("Nothing has been changed")
    train(bench)
    np.testing.assert_allclose(bench.ask(f"{BENCH}.train"), spiral.history["train/loss"], rtol=1e-10)
    np.testing.assert_allclose(bench.ask(f"{BENCH}.validation"), spiral.history["validation/loss"], rtol=1e-10)
    assert bench.text(".verdict").startswith("✓ The recorded run again: 30 epochs")
    assert bench.text(".moment").startswith("epoch 30 of 30")
    assert spiral.report().stat().st_size < 1.5e6


def test_a_learning_rate_of_10_shows_the_divergence(bench):
    train(bench)
    set_rate(bench, 1)
    bench.click(REWIND)
    train(bench)
    assert bench.text(".verdict").startswith("Diverging: the loss rose to ")
    assert "bad" in bench.one(".verdict", "each.className")
    losses = bench.ask(f"{BENCH}.train")
    assert max(losses) > 3 * losses[0] or max(losses) > 3
    assert bench.ask(f"{BENCH}.attempts.map(({{ name }}) => name)") == ["nothing changed"]
    bench.click(".settings button")
    train(bench)
    assert bench.text(".verdict").startswith("✓")


def test_explain_finds_a_learning_rate_of_10_too_large_and_not_the_recorded_one(spiral, tmp_path):
    large = specnet.run(
        specnet.load_spec(spiral.spec.to_json(), ["optimizer.learning_rate.initial=10"]), tmp_path / "run", report=False
    )
    rates = [[found.code for found in specnet.explain(run).findings] for run in (large, spiral)]
    assert ["large-learning-rate" in codes for codes in rates] == [True, False]


def test_a_loss_that_is_no_number_is_told_and_ends_training(browser, tmp_path):
    layers = [{"type": "linear", "units": 8}, "square", {"type": "linear", "units": 8}, "square", "linear"]
    waves = {"dataset": {"type": "waves", "n_samples": 40}, "layers": layers, "loss": "mse", "metrics": []}
    run = specnet.run(
        specnet.load_spec(short(optimizer={"type": "sgd", "learning_rate": 1e-4}, **waves)),
        out=tmp_path / "r",
        report=False,
    )
    browser.open(run.report())
    set_rate(browser, 1)
    train(browser)
    assert browser.text(".verdict").startswith("Diverged: in epoch ")
    assert browser.ask(f"{BENCH}.trainer.epoch") < 30


def test_rewinding_brings_the_same_weights_back_and_a_changed_rate_needs_no_reset(bench):
    weights = bench.ask(f"[...{BENCH}.trainer.network.w]")
    for _ in range(2):
        bench.click(BATCH)
    assert bench.text(".moment") == "epoch 0 of 30, batch 2"
    assert bench.ask(f"[...{BENCH}.trainer.network.w]") != weights
    bench.click(EPOCH)
    assert bench.text(".moment").startswith("epoch 1 of 30 · loss ")
    before = bench.ask(f"[...{BENCH}.trainer.network.w]")
    set_rate(bench, -3)
    assert bench.ask(f"[...{BENCH}.trainer.network.w]") == before
    assert bench.text(".verdict").startswith("Changed: learning rate 0.001")
    bench.click(REWIND)
    assert bench.ask(f"[...{BENCH}.trainer.network.w]") == weights


def test_changes_are_taken_home_as_options_and_as_a_spec(bench, spiral, tmp_path):
    set_rate(bench, -1)
    for number, label in ((2, "relu"), (3, "32, 32"), (4, "8"), (5, "0.001"), (6, "0.1")):
        bench.driver.execute_script(
            "const select = document.querySelectorAll('.settings select')[arguments[0]];"
            "select.selectedIndex = [...select.options].findIndex(({ text }) => text === arguments[1]);"
            "select.dispatchEvent(new Event('change'))", number - 1, label)  # fmt: skip
    bench.click(EPOCH)
    bench.click(".home button:nth-child(2)")
    words = shlex.split(bench.one(".home textarea", "each.value"))
    assert words[::2] == ["--set"] * 8
    original = json.loads((spiral.directory / "spec.json").read_text(encoding="utf-8"))
    (tmp_path / "spec.json").write_text(json.dumps(original), encoding="utf-8")
    overridden = specnet.load_spec(tmp_path / "spec.json", overrides=words[1::2])
    bench.click(".home button:nth-child(1)")
    copied = specnet.load_spec(json.loads(bench.one(".home textarea", "each.value")))
    assert copied.to_json() == overridden.to_json()
    found = copied.to_json()
    assert [layer["type"] for layer in found["layers"]] == ["linear", "relu", "linear", "relu", "linear"]
    assert (found["layers"][0]["units"], found["training"]["batch_size"], found["training"]["l2"]) == (32, 8, 0.001)
    assert found["optimizer"]["learning_rate"]["initial"] == 0.1
    assert found["transforms"]["inputs"][-1] == {"type": "gaussian_noise", "std": 0.1}


SCHEDULES = {
    "cosine": {"type": "cosine", "initial": 0.05, "final": 0.01, "warmup_epochs": 1},
    "pieces": {"type": "piecewise", "values": [0.05, 0.02], "boundaries": [2]},
    "one after the other": {"type": "join", "boundaries": [1], "schedules": [
        {"type": "constant", "value": 0.04}, {"type": "one_cycle", "maximum": 0.05}]},
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["cosine", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("pieces", "one after the other"))]
)
def test_what_is_taken_home_trains_as_the_page_has_shown(kind, browser, tmp_path):
    spec = short(optimizer={"type": "adam", "learning_rate": SCHEDULES[kind]}, training={"epochs": 4, "batch_size": 32})
    run = specnet.run(specnet.load_spec(spec), out=tmp_path / "run", report=False)
    for number, changes in enumerate(
        ({"learning_rate": 0.2, "activation": "relu"}, {"optimizer": "rmsprop", "l2": 0.01})
    ):
        browser.open(run.report())
        for name, value in changes.items():
            browser.ask(f"{BENCH}.choose(...arguments)", name, value)
        train(browser)
        browser.click(".home button:nth-child(2)")
        words = shlex.split(browser.one(".home textarea", "each.value"))
        again = specnet.run(
            specnet.load_spec(spec, overrides=words[1::2]), out=tmp_path / f"again-{number}", report=False
        )
        np.testing.assert_allclose(browser.ask(f"{BENCH}.train"), again.history["train/loss"], rtol=1e-10)


def test_all_samples_are_still_one_batch_with_a_point_more(browser, tmp_path):
    spec = short(training={"epochs": 4, "batch_size": "full"})
    browser.open(specnet.run(specnet.load_spec(spec), out=tmp_path / "run", report=False).report())
    browser.focus(".laboratory .stage canvas")
    browser.press(Keys.ARROW_RIGHT, Keys.ENTER)
    assert browser.text(".points-bar output").endswith(f"; {points(browser)} training points.")
    browser.click(BATCH)
    assert browser.text(".moment").startswith("epoch 1 of 4 · ")


def points(browser):
    return browser.ask(f"{BENCH}.splits.train.n")


def test_points_are_added_moved_removed_and_brought_back(bench):
    count = points(bench)
    canvas = bench.element(".laboratory .stage canvas")
    bench.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    ActionChains(bench.driver, duration=20).move_to_element_with_offset(canvas, -140, 130).click().perform()
    assert points(bench) == count + 1
    assert bench.text(".verdict").startswith("Changed: other points")
    x = bench.ask(f"[...{BENCH}.splits.train.x.slice(-2)]")
    drag = ActionChains(bench.driver, duration=20).move_to_element_with_offset(canvas, -140, 130).click_and_hold()
    drag.move_by_offset(20, -40).release().perform()
    moved = bench.ask(f"[...{BENCH}.splits.train.x.slice(-2)]")
    assert moved[0] > x[0]
    assert moved[1] > x[1]
    drag = ActionChains(bench.driver, duration=20).move_to_element_with_offset(canvas, -120, 90).click_and_hold()
    drag.move_by_offset(0, 150).release().perform()
    assert points(bench) == count
    bench.focus(".laboratory .stage canvas")
    bench.press(Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ENTER)
    assert points(bench) == count + 1
    bench.click(".home button:nth-child(3)")
    rows = list(csv.reader(io.StringIO(bench.one(".home textarea", "each.value"))))
    assert rows[0] == ["x", "y", "class"]
    assert "not part of a spec" in bench.text(".home .note")
    assert rows[-1][-1] == "arm 0"
    assert len(rows) == count + 2
    bench.press(Keys.ESCAPE)
    bench.focus(".laboratory .stage canvas")
    bench.press(Keys.DELETE)
    assert points(bench) == count
    bench.click(".points-bar button")
    train(bench)
    assert "recorded run" in bench.text(".verdict")


def test_the_laboratory_fits_a_phone_and_says_in_words_what_it_draws(browser, spiral):
    browser.resize(PHONE)
    browser.prefer(color_scheme="dark")
    browser.open(spiral.report())
    browser.click(EPOCH)
    assert browser.ask("document.documentElement.scrollWidth") <= PHONE[0]
    assert browser.one(".losses canvas", "each.ariaLabel").startswith("loss over the epochs. recorded: from 0.")
    assert all(browser.each(".settings label, .tools button", "each.textContent.trim().length > 0"))
    small = browser.each(".laboratory button, .laboratory select", "each.getBoundingClientRect().height")
    assert min(small) >= 28


def test_a_curve_and_classes_without_a_picture_are_trained_again(browser, tmp_path):
    changes = {"dataset": {"type": "waves", "n_samples": 60}, "loss": "mse", "metrics": []}
    changes |= {"transforms": {"inputs": ["standardize"], "targets": ["standardize"]}}
    run = specnet.run(specnet.load_spec(short(**changes)), out=tmp_path / "waves", report=False)
    browser.open(run.report())
    train(browser)
    assert browser.text(".verdict").startswith("✓")
    images = {"dataset": {"type": "shapes", "n_samples": 60}, "loss": "cross_entropy", "transforms": {}}
    layers = [{"type": "conv2d", "filters": 4, "kernel_size": 3}, "relu", "flatten", {"type": "dropout"}, "linear"]
    run = specnet.run(
        specnet.load_spec(short(layers=layers, **images) | {"training": {"epochs": 2}}),
        out=tmp_path / "shapes",
        report=False,
    )
    browser.open(run.report())
    assert browser.texts(".laboratory .stage") == []
    train(browser)
    assert browser.text(".verdict").startswith("✓")


def test_a_run_without_a_record_has_no_picture_and_is_trained_again(browser, tmp_path):
    run = specnet.run(
        specnet.load_spec(short(record=None) | {"training": {"epochs": 2}}), out=tmp_path / "run", report=False
    )
    browser.open(run.report())
    train(browser)
    assert browser.text(".verdict").startswith("✓")
    assert browser.texts(".laboratory .stage") == []


def test_a_run_that_diverged_diverges_again(browser, tmp_path):
    layers = [{"type": "linear", "units": 8}, "square", "linear"]
    changes = {"dataset": {"type": "waves", "n_samples": 40}, "loss": "mse", "metrics": [], "layers": layers}
    changes["optimizer"] = {"type": "sgd", "learning_rate": 20.0}
    with pytest.raises(DivergenceError):
        specnet.run(specnet.load_spec(short(**changes)), out=tmp_path / "run", report=False)
    browser.open(specnet.load_run(tmp_path / "run").report())
    train(browser)
    assert browser.text(".verdict").startswith("Diverged: in epoch ")


def test_a_float32_run_is_followed_to_its_tolerance_which_is_told(browser, tmp_path):
    run = specnet.run(
        specnet.load_spec(short(dtype="float32") | {"training": {"epochs": 5}}), out=tmp_path / "run", report=False
    )
    browser.open(run.report())
    train(browser)
    assert browser.text(".verdict").startswith("✓")
    assert "computed in float32" in browser.text(".verdict")
