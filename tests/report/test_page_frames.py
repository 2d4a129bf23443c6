"""The frames that a page shows, and what it shows for each, compared with the record."""

import numpy as np
import pytest
from helpers import sampled
from report.examples import EPOCHS, KINDS, SPIRAL, Example, each_kind, spec, tanh
from report.reading import same


@each_kind(KINDS)
def test_each_frame_is_that_of_the_record(kind, chrome, read):
    shown = read(kind)
    assert chrome.ask("window.specnet.scenes[0].epochs") == shown.epochs
    expected = shown.frames()
    assert set(chrome.ask("Object.keys(window.specnet.scenes[0].arrays)")) == set(expected)
    for name, frames in expected.items():
        for frame in (0, 1, len(shown.epochs) - 1):
            script = f"[{name!r}].map((name) => window.specnet.scenes[0].arrays[name])"
            values, step = chrome.ask(f"{script}.map((each) => [[...each.at({frame})], each.step[{frame}]])[0]")
            assert np.abs(np.array(values) - frames[frame].ravel()).max() <= 0.501 * step + 1e-6
    assert shown.path.stat().st_size < 2e6


@pytest.mark.parametrize(
    "dataset",
    [
        pytest.param({"type": "waves", "n_samples": 60}, id="a curve"),
        pytest.param(SPIRAL, id="a plane", marks=pytest.mark.long),
    ],
)
def test_frames_of_a_run_that_diverged_are_those_of_the_record(dataset, browser, tmp_path):
    sgd = {"type": "sgd", "learning_rate": 1.0 if dataset is SPIRAL else 0.3}
    shown = Example(spec(dataset, 1, "mse", optimizer=sgd, layers=tanh(1)[::2], training={"epochs": 500}), tmp_path)
    assert shown.run.status == "diverged"
    browser.open(shown.path)
    epochs, frames = browser.ask("window.specnet.scenes[0].epochs"), shown.frames()["value"]
    finite = [epoch for epoch, frame in zip(shown.epochs, frames, strict=True) if np.isfinite(frame).all()]
    assert epochs == finite
    largest = [np.abs(frames[shown.epochs.index(epoch)]).max() for epoch in epochs]
    assert largest[-1] > 1e4 * largest[0]
    for place, epoch in enumerate(epochs):
        expected = frames[shown.epochs.index(epoch)].ravel()
        values = browser.ask(f"[...Object.values(window.specnet.scenes[0].arrays)[0].at({place})]")
        np.testing.assert_allclose(values, expected, rtol=0, atol=0.501 * np.ptp(expected) / 65_535 + 1e-6)
    left = len(shown.epochs) - len(finite)
    told = [f"in {left} not all predictions are finite" in note for note in browser.texts(".scene .note")]
    assert any(told) == (left > 0)


@pytest.mark.parametrize("kind", sampled(KINDS, 5))
def test_the_page_opens_at_the_end_and_tells_each_epoch_with_its_loss(kind, browser, page):
    shown = page(kind)
    for epoch in (shown.epochs[-1], 0, shown.epochs[1]):
        if browser.epoch != epoch:
            browser.go(epoch)
        told = browser.text("#readout")
        assert told == browser.one("[data-slider]", "each.ariaValueText")
        if epoch == 0:
            assert told == f"epoch 0 of {EPOCHS}, initial weights"
        else:
            head, loss = told.rsplit(" ", 1)
            assert head == f"epoch {epoch} of {EPOCHS}, train/loss"
            assert same([loss], [shown.run.record["train/loss"][shown.epochs.index(epoch)]])
            assert same([loss], [shown.lines[epoch]["train/loss"]])
