"""What is drawn on the canvases of a page, pixel by pixel, compared with what the run predicts."""

import numpy as np
import pytest
from helpers import sampled
from matplotlib import colormaps
from report.browser import pixels
from report.examples import EPOCHS, TWO, Example, arrays, each_kind, rows, spec
from report.reading import BLUE, GREEN, ORANGE, PALETTE, PINK, WHITE


def test_all_parts_of_a_page_are_drawn_in_full_colour(browser, page):
    page()
    assert {*browser.each("section, figure, canvas", "getComputedStyle(each).opacity")} == {"1"}


def test_predictions_outside_the_range_are_drawn_at_its_edge_and_counted(browser, tmp_path):
    inputs = rows(60, 4)
    shown = Example(spec(arrays(tmp_path, inputs, 1000 + inputs[:, :1]), 1, "mse"), tmp_path)
    browser.open(shown.path)
    browser.go(0)
    count = len(shown.run.record["sample_rows"])
    canvas = browser.canvas(".stage canvas")
    assert canvas.label.endswith(f"; {count} lie outside")
    assert browser.texts(".stage .legend li")[-1] == f"{count} outside, drawn at the edge"
    edge = canvas.pixels[canvas.bottom - 16 : canvas.bottom - 1, canvas.left + 2 : canvas.right - 2, :3]
    assert (np.abs(edge.astype(float) - GREEN).max(axis=-1) < 60).sum() > 20
    fit = browser.canvas("[data-still] canvas")
    truth = np.ravel(shown.samples.targets).astype(float)
    predicted = np.ravel(shown.run.predict(shown.samples.inputs)).astype(float)
    every = np.concatenate([truth, predicted])
    span = [every.min() - 0.08 * np.ptp(every), every.max() + 0.08 * np.ptp(every)]
    assert fit.inside(fit.place(truth, predicted, span, span)).all()


@pytest.mark.parametrize("offset", sampled([1.7e9, 0.0], 2))
def test_timestamps_are_drawn_as_far_apart_as_others(offset, browser, tmp_path):
    inputs = rows(60, 2) * 100
    data = arrays(tmp_path, inputs + np.array([offset, 0.0]), inputs[:, :1])
    standardized = {"inputs": ["standardize"], "targets": ["standardize"]}
    shown = Example(spec(data, 1, "mse", transforms=standardized, record={"every": 1, "points": 9}), tmp_path)
    browser.open(shown.path)
    canvas = browser.canvas(".stage canvas", bar=True)
    across, up = (shown.run.record[f"axis_{number}"].astype(float) for number in range(2))
    train = shown.run.data.train
    places = canvas.place(*train.inputs.T, across, up)
    splits = np.concatenate([canvas.place(*split.inputs.T, across, up) for split in shown.run.data.splits.values()])
    alone = np.sort(np.linalg.norm(places[:, np.newaxis] - splits, axis=2), axis=1)[:, 1] > 10
    final = shown.frames()["value"][-1]
    targets = np.concatenate([np.ravel(split.targets) for split in shown.run.data.splits.values()])
    low, high = min(final.min(), targets.min()), max(final.max(), targets.max())
    expected = colormaps["viridis"]((np.ravel(train.targets) - low) / (high - low))[:, :3] * 255
    assert alone.sum() >= 5
    assert np.abs(canvas.colors(places[alone])[:, :3] - expected[alone]).max() < 40


def test_a_sample_with_a_missing_input_is_not_drawn(browser, tmp_path):
    inputs = np.repeat([[-1.0, -1.0], [1.0, 1.0]], 20, axis=0)
    inputs[0] = [np.nan, 0.5]
    data = arrays(tmp_path, inputs, np.repeat([0.0, 1.0], 20)[:, np.newaxis])
    shown = Example(spec(data, 1, "mse", split={}, transforms={"inputs": ["impute"]}), tmp_path)
    browser.open(shown.path)
    canvas = browser.canvas(".stage canvas", bar=True)
    across, up = (shown.run.record[f"axis_{number}"].astype(float) for number in range(2))
    there = canvas.place(np.linspace(-0.15, 0.15, 31), 0.5, across, up)
    assert np.abs(np.diff(canvas.colors(there)[:, :3].astype(float), axis=0)).max() < 30


def ground(shown, frame, values):
    """The colours of the plane at the points of the grid, and at which of them it hardly changes."""
    frames = {name: found[frame] for name, found in shown.frames().items()}
    if "value" in frames:
        value = frames["value"]
        low, high = values
        share = (value[..., 0] - low) / (high - low)
        return colormaps["viridis"](np.clip(share, 0, 1))[..., :3] * 255, share
    if "probability" in frames:
        p = frames["probability"][..., np.newaxis]
        return WHITE + 0.55 * abs(2 * p - 1) * (PALETTE[(p[..., 0] >= 0.5).astype(int)] - WHITE), p[..., 0]
    certainty = np.clip((frames["share"] - 1 / 3) / (2 / 3), 0, 1)[..., np.newaxis]
    flat = frames["winner"] + 0.3 * frames["share"]
    return WHITE + (0.12 + 0.43 * certainty) * (PALETTE[frames["winner"]] - WHITE), flat


@each_kind([TWO, "three classes in a plane", "a number over a plane", "two numbers over a plane", "responses of units"])
@pytest.mark.parametrize("epoch", [0, EPOCHS])
def test_the_plane_has_the_colours_of_what_is_predicted_and_of_the_samples(kind, epoch, chrome, read):
    shown = read(kind)
    chrome.go(epoch)
    canvas = chrome.canvas(".stage canvas", bar="three" not in kind)
    axes = [shown.run.record[f"axis_{number}"] for number in range(2)]
    splits = shown.run.data.splits.values()
    samples = canvas.place(*np.concatenate([split.inputs for split in splits]).T, *axes)
    numbers = np.concatenate([np.ravel(split.targets) for split in splits])
    last = shown.frames().get("value", np.zeros((1, 1, 1)))[-1]
    expected, level = ground(
        shown, shown.epochs.index(epoch), (min(last.min(), numbers.min()), max(last.max(), numbers.max()))
    )
    x, y = np.meshgrid(*axes)
    places = canvas.place(x.ravel(), y.ravel(), *axes)
    apart = np.linalg.norm(places[:, np.newaxis] - samples, axis=2).min(axis=1) > 9
    changes = sum(np.abs(np.gradient(level, axis=axis)) for axis in (0, 1)) < 0.05
    edge = abs(level - 0.5) > 0.02 if "two classes" in kind or "units" in kind else True
    chosen = apart & changes.ravel() & canvas.inside(places) & np.ravel(edge)
    assert chosen.sum() >= 10
    assert np.abs(canvas.colors(places[chosen])[:, :3] - expected.reshape(-1, 3)[chosen]).max() < 18
    if "class" in kind:
        own = samples[: len(shown.run.data.train.inputs)]
        alone = np.sort(np.linalg.norm(own[:, np.newaxis] - samples, axis=2), axis=1)[:, 1] > 9
        assert alone.sum() >= 5
        truth = shown.run.data.train.targets[alone]
        assert np.abs(canvas.colors(own[alone])[:, :3] - PALETTE[truth]).max() < 40


@each_kind(["a curve", "two classes over a line", "three classes over a line"])
@pytest.mark.parametrize("epoch", [0, EPOCHS])
def test_the_curve_goes_through_what_is_predicted(kind, epoch, chrome, read):
    shown = read(kind)
    chrome.go(epoch)
    canvas = chrome.canvas(".stage canvas")
    x, found = shown.run.record["axis_0"], shown.frames()["value"]
    truth = np.concatenate([np.ravel(split.targets) for split in shown.run.data.splits.values()])
    low, high = (truth.min(), truth.max()) if kind == "a curve" else (min(0, found[-1].min()), max(1, found[-1].max()))
    beyond = (0.1 if kind == "a curve" else 0.05) * (high - low)
    color = {"a curve": PINK, "two classes over a line": ORANGE, "three classes over a line": BLUE}[kind]
    places = canvas.place(x, found[shown.epochs.index(epoch), :, 0], x, [low - beyond, high + beyond])
    places = places[canvas.inside(places)]
    assert len(places) >= 10
    there = np.abs(canvas.colors(places)[:, :3] - color).max(axis=1) < 60
    assert there.mean() > 0.9, "another curve may cross it"


@pytest.mark.parametrize("epoch", [0, EPOCHS])
def test_a_sample_stands_at_the_probability_of_what_it_is_and_says_whether_it_is_right(epoch, chrome, read):
    shown = read("classes of many inputs")
    chrome.go(epoch)
    frames = {name: found[shown.epochs.index(epoch)] for name, found in shown.frames().items()}
    truth = shown.shown(shown.samples.targets)
    x = np.empty(len(truth))
    for column, each in enumerate(np.unique(truth)):
        own = np.flatnonzero(truth == each)
        x[own] = column + 0.06 + 0.88 * (np.arange(len(own)) + 0.5) / len(own)
    canvas = chrome.canvas(".stage canvas")
    places = canvas.place(x, frames["share"], [0, 3], [-0.04, 1.04])
    alone = np.sort(np.linalg.norm(places[:, np.newaxis] - places, axis=2), axis=1)[:, 1] > 10
    right = frames["winner"] == truth
    colors = np.where(right[:, np.newaxis], BLUE, ORANGE)
    assert alone.sum() >= 5
    assert np.abs(canvas.colors(places[alone])[:, :3] - colors[alone]).max() < 60
    assert canvas.label == f"probability of the truth; {right.sum()} of {len(truth)} samples are right"


@pytest.mark.parametrize("epoch", [0, EPOCHS])
def test_a_prediction_stands_over_the_truth(epoch, chrome, read):
    shown = read("numbers of many inputs")
    chrome.go(epoch)
    truth = shown.shown(shown.samples.targets)[:, 0]
    beyond = 0.1 * np.ptp(truth)
    span = [truth.min() - beyond, truth.max() + beyond]
    canvas = chrome.canvas(".stage canvas")
    places = canvas.place(truth, shown.frames()["value"][shown.epochs.index(epoch), :, 0], span, span)
    places = places[canvas.inside(places)]
    assert len(places) >= 5
    assert (np.abs(canvas.colors(places)[:, :3] - GREEN).max(axis=1) < 60).mean() > 0.8, "others may lie on it"


@pytest.mark.parametrize("epoch", [0, EPOCHS])
def test_an_image_is_shown_with_what_is_predicted_of_it(epoch, chrome, read):
    shown = read("images")
    chrome.go(epoch)
    frames = {name: found[shown.epochs.index(epoch)] for name, found in shown.frames().items()}
    names, truth = shown.run.data.classes, shown.shown(shown.samples.targets)
    right = frames["winner"] == truth
    assert chrome.texts(".stage .truth") == [names[each] for each in truth]
    assert chrome.texts(".stage .said") == [
        f"{'✓' if fits else '✗'} {names[each]}" for fits, each in zip(right, frames["winner"], strict=True)
    ]
    shares = [float(text.removesuffix(" %")) for text in chrome.texts(".stage .share")]
    np.testing.assert_allclose(shares, 100 * frames["share"], atol=0.75)
    widths = chrome.each(".stage .bar", "each.clientWidth / each.parentElement.clientWidth")
    np.testing.assert_allclose(widths, frames["share"], atol=0.03)
    assert chrome.text(".tally").startswith(
        f"{right.sum()} of these {len(truth)} samples of the test split are correct."
    )
    assert all(chrome.each(".stage img", "each.complete && each.naturalWidth === 16 && each.alt"))


def test_units_are_drawn_at_the_side_where_they_respond(chrome, read):
    shown = read("responses of units")
    chrome.go(EPOCHS)
    responses = shown.frames()["units/layers.1"][-1]
    most = np.abs(shown.frames()["units/layers.1"]).max()
    pictures = chrome.each(".units canvas", "each.toDataURL()")
    for response, picture in zip(responses, pictures, strict=True):
        share = response[..., np.newaxis] / most
        expected = WHITE + 0.85 * abs(share) * (PALETTE[(share[..., 0] >= 0).astype(int)] - WHITE)
        assert np.abs(pixels(picture)[::-1, :, :3] - expected).max() < 3


def test_text_on_canvases_has_the_font_of_the_page(browser, page):
    page()
    drawn = browser.ask("document.querySelector('.stage canvas').getContext('2d').font")
    family = browser.ask("getComputedStyle(document.body).fontFamily")
    assert drawn.partition("px ")[2].replace('"', "") == family.replace('"', "")
