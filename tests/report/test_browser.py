"""What a reader sees of the pages, and what they do when played: opened in Chromium, compared with the runs."""

import json
from itertools import product

import numpy as np
import pytest
from helpers import sampled
from matplotlib import colormaps
from report.browser import pixels
from report.examples import CLASSES, EPOCHS, KINDS, NUMBERS, SPIRAL, Example, arrays, rows, spec, tanh
from selenium.webdriver import Keys

import specnet
from specnet.errors import DivergenceError
from specnet.report.compare_page import compare_page
from specnet.report.page import resource
from specnet.report.results import Worst
from specnet.runs.results import write_comparison

BLUE, ORANGE, GREEN, PINK = (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167)
PALETTE = np.array([BLUE, ORANGE, GREEN, PINK], float)
WHITE = np.full(3, 255.0)
FOUR_DIGITS = 6e-4
TWO = "two classes in a plane"


@pytest.fixture
def page(browser, example):
    """Opens the page of an example, and gives the example."""

    def open_page(kind=TWO):
        browser.open(example(kind).path)
        return example(kind)

    return open_page


@pytest.fixture
def read(chrome, example):
    """Shows the page of an example to tests that only go to epochs: opens it unless the last test left it open."""

    def open_page(kind):
        if chrome.driver.current_url != example(kind).path.as_uri():
            chrome.begin()
            chrome.open(example(kind).path)
        return example(kind)

    yield open_page
    assert chrome.complaints() == []
    assert chrome.requests() == []


def each_kind(kinds, step=5):
    """Try kinds of pages, in an order in which tests of the same kind follow each other."""
    return pytest.mark.parametrize("kind", sampled(kinds, step), scope="module")


def number(text):
    """The number that a text tells, which is NaN where there is none."""
    return float("nan") if text == "–" else float(text.replace(",", "").replace("k", "e3").replace("M", "e6"))


def same(shown, expected):
    """Whether texts tell numbers, each with four digits."""
    expected = np.asarray(expected, float)
    return np.isclose([number(text) for text in shown], expected, rtol=FOUR_DIGITS, equal_nan=True).all()


# What is shown.


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


TICKS = {
    "small numbers": ([0, 0.5, 1], ["0", "0.5", "1"], 0),
    "shares": ([0.94, 0.96, 0.98], ["0.94", "0.96", "0.98"], 0),
    "five digits": ([12340, 12345, 12350], ["12,340", "12,345", "12,350"], 0),
    "timestamps": ([1.7e9, 1.7e9 + 200, 1.7e9 + 400], ["0", "200", "400"], 1.7e9),
    "timestamps with seconds": ([1700012001, 1700012002, 1700012003], ["1", "2", "3"], 1_700_012_000),
    "around a round number": ([1699999800, 1700000000, 1700000200], ["-200", "0", "200"], 1.7e9),
    "UTM": ([5_400_000.2, 5_400_000.4, 5_400_000.6], ["0.2", "0.4", "0.6"], 5.4e6),
    "far below zero": ([-2_000_000.5, -2_000_000, -1_999_999.5], ["-0.5", "0", "0.5"], -2_000_000),
    "large": ([0, 5e8, 1e9, 1.5e9], ["0", "5e8", "1e9", "1.5e9"], 0),
    "a million": ([500_000, 1_000_000], ["0.5M", "1M"], 0),
    "prices": ([0, 200_000, 1_800_000], ["0", "0.2M", "1.8M"], 0),
    "thousands": ([-150_000, 0, 150_000], ["-150k", "0", "150k"], 0),
    "tiny": ([2e-7, 4e-7], ["2e-7", "4e-7"], 0),
    "tiny apart": ([1, 1.0000001, 1.0000002], ["0", "1e-7", "2e-7"], 1),
    "powers of ten": ([1e-8, 1e-4, 1, 1e4, 1e8], ["1e-8", "1e-4", "1", "10,000", "1e8"], 0),
    "a single one": ([1_700_000_123], ["1.7e9"], 0),
    "none": ([], [], 0),
}


@pytest.fixture
def script(browser, page):
    """Asks what a script says that knows the functions of the page."""
    page()
    return lambda text, *arguments: browser.driver.execute_script(f"{resource('data.js')}\nreturn {text}", *arguments)


def test_ticks_have_the_digits_that_tell_them_apart(script):
    for case, (ticks, names, offset) in TICKS.items():
        assert script("nameTicks(arguments[0], 7)", ticks) == {"names": names, "offset": offset}, case


def test_ticks_of_every_range_are_told_apart_in_a_few_letters(script):
    text = "((ticks) => [ticks, nameTicks(ticks, 7)])(linearScale(...arguments, 0, 1).ticks(5))"
    middles, spans = [0.0, 1.0, -3e5, 1.7e9, 5.4e6, 1e-5, 1e10], [1e-3, 0.7, 3.3, 450.0, 1e6, 2e9, 1e30]
    for middle, span in product(middles, spans):
        ticks, named = script(text, middle - span / 2, middle + span / 2)
        assert 2 <= len(ticks) <= 9, (middle, span)
        assert len(set(named["names"])) == len(ticks), (middle, span)
        assert all(len(name) <= 8 for name in named["names"]), (middle, span)
        found = np.array([number(name) for name in named["names"]]) + named["offset"]
        assert np.abs(found - ticks).max() <= 0.02 * (ticks[1] - ticks[0]), (middle, span)


def test_a_logarithmic_scale_has_two_ticks_at_least(script):
    for low, high in [(0.71, 0.86), (1.1, 1.9), (2.1, 2.9), (31, 48), (0.001, 1000), (1e-30, 1e30)]:
        ticks = script("logScale(...arguments, 0, 1).ticks(4)", low, high)
        assert len(ticks) >= 2 and ticks == sorted(ticks), (low, high)
        assert low * 0.99 <= ticks[0] and ticks[-1] <= high * 1.01, (low, high)


def test_a_number_is_told_with_four_digits(script):
    values = [None, 0, 1.23456, 999_950, 1234567, -2.5e12, 0.00012346, 123456, 1e300]
    texts = ["–", "0", "1.235", "1,000,000", "1,235,000", "-2.5e12", "1.235e-4", "123,500", "1e300"]
    assert script("arguments[0].map(show)", values) == texts


def test_classes_are_told_apart_by_their_colours(script):
    for count in (2, 7, 8, 10, 30):
        colors = np.array(script("Array.from({length: arguments[0]}, (_, i) => classColor(i, arguments[0]))", count))
        assert ((colors >= 0) & (colors <= 255)).all()
        apart = np.linalg.norm(colors[:, np.newaxis] - colors, axis=2) + 1e9 * np.eye(count)
        assert apart.min() > 15, count
        assert apart[0, -1] > 90, "the last is not like the first"


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
    assert chrome.text(".tally").startswith(f"{right.sum()} of these {len(truth)} samples of the test split right.")
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


# What the controls do.

WATCH = """
window.seen = [];
const [told, play] = [document.getElementById("readout"), document.querySelector("[data-play]")];
const note = () => window.seen.push([performance.now(), window.specnet.epoch, told.textContent, play.ariaLabel]);
new MutationObserver(note).observe(document.documentElement, {attributeFilter: ["data-epoch"]});
"""
PAUSED = "document.querySelector('[data-play]').ariaLabel === 'Play'"


@pytest.fixture
def watched(browser, page):
    """Opens a page that notes each epoch from then on."""

    def open_page(kind=TWO):
        shown = page(kind)
        browser.driver.execute_script(WATCH)
        return shown

    return open_page


@pytest.mark.parametrize("start", sampled(["a click", "the space key"], 2))
def test_play_shows_every_frame_from_the_first_to_the_last_and_stops(start, browser, watched):
    shown = watched()
    browser.select("[data-speed]", "4")
    assert browser.label == "Play"
    if start == "a click":
        browser.click("[data-play]")
    else:
        browser.driver.execute_script("document.activeElement.blur()")
        browser.press(Keys.SPACE)
    browser.until("window.seen.length > 1")
    browser.until(PAUSED)
    _, epochs, told, labels = zip(*browser.ask("window.seen"), strict=True)
    assert list(epochs) == shown.epochs
    assert all(text.startswith(f"epoch {epoch} of {EPOCHS}, ") for text, epoch in zip(told, epochs, strict=True))
    assert labels == ("Pause",) * EPOCHS + ("Play",)
    assert browser.one("[data-slider]", "each.valueAsNumber") == EPOCHS


def test_playing_can_be_paused_and_goes_on_from_there(browser, watched):
    watched()
    browser.click("[data-play]")
    browser.until("window.seen.length >= 2")
    browser.click("[data-play]")
    assert browser.label == "Play"
    stopped, count = browser.epoch, browser.ask("window.seen.length")
    assert stopped < EPOCHS
    browser.ask("new Promise((done) => setTimeout(done, 700))")
    assert (browser.epoch, browser.ask("window.seen.length")) == (stopped, count)
    browser.click("[data-play]")
    browser.until("window.seen.length > arguments[0]", count)
    assert browser.ask("window.seen[arguments[0]][1]", count) == stopped + 1


@pytest.mark.long
def test_speed_is_how_fast_frames_follow_each_other_even_while_playing(browser, watched):
    watched()
    browser.click("[data-play]")
    browser.until("window.seen.length >= 3")
    browser.select("[data-speed]", "4")
    browser.until(PAUSED)
    times = np.diff([time for time, *_ in browser.ask("window.seen")])
    assert times[:2].min() > 1.5 * times[2:].min()


def test_a_run_of_one_frame_can_be_played(browser, tmp_path):
    shown = Example(spec(SPIRAL, 1, "bce_with_logits", record={"every": 100}), tmp_path)
    browser.open(shown.path)
    browser.click("[data-play]")
    browser.until(PAUSED)
    assert browser.epoch == EPOCHS


def test_the_slider_can_be_dragged_to_any_frame(browser, watched):
    watched()
    slider = browser.element("[data-slider]")
    width = slider.size["width"] - 16  # the knob stays inside
    pointer = browser.pointer().move_to_element_with_offset(slider, width // 2, 0).click_and_hold()
    for epoch in (3, 0, 5):
        pointer.move_to_element_with_offset(slider, round(width * (epoch / EPOCHS - 0.5)), 0).pause(0.1)
    pointer.release().perform()
    _, seen, told, _ = zip(*browser.ask("window.seen"), strict=True)
    assert seen.index(3) < seen.index(0) < len(seen) - 1
    assert all(text.startswith(f"epoch {epoch} of ") for text, epoch in zip(told, seen, strict=True))
    assert browser.epoch == seen[-1] == browser.one("[data-slider]", "each.valueAsNumber") == 5


MOVES = [(Keys.HOME, 0), (Keys.ARROW_RIGHT, 1), (Keys.ARROW_RIGHT, 2), (Keys.ARROW_LEFT, 1), (Keys.END, 6),
         (Keys.ARROW_RIGHT, 6), (Keys.ARROW_LEFT, 5), (Keys.HOME, 0), (Keys.ARROW_LEFT, 0)]  # fmt: skip


def test_arrows_home_and_end_move_through_the_replay(browser, page):
    page()
    for focus in ("body", "[data-slider]", "[data-play]", ".scale"):
        browser.focus(focus)
        for key, epoch in MOVES:
            browser.press(key)
            assert browser.epoch == epoch, focus


def test_buttons_move_through_the_replay(browser, page):
    page()
    for name, epoch in [
        ("first", 0),
        ("back", 0),
        ("forward", 1),
        ("forward", 2),
        ("back", 1),
        ("last", 6),
        ("forward", 6),
    ]:
        browser.click(f"[data-{name}]")
        assert browser.epoch == epoch


def test_whoever_moves_stops_the_playing(browser, page):
    page()
    for stop in (lambda: browser.press(Keys.END), lambda: browser.click("[data-forward]")):
        browser.click("[data-play]")
        assert browser.label == "Pause"
        stop()
        assert browser.label == "Play"


@pytest.mark.parametrize("focus", sampled(["[data-speed]", "summary", "pre", ".scroll"], 4))
def test_keys_of_what_has_the_focus_are_its_own(focus, browser, page):
    page()
    browser.go(3)
    browser.focus(focus)
    for key in (Keys.HOME, Keys.END, Keys.ARROW_LEFT, Keys.SPACE):
        browser.press(key)
        browser.press(Keys.ESCAPE)  # a list of choices that has opened
        assert (browser.epoch, browser.label) == (3, "Play"), key


def test_space_on_a_button_presses_that_button(browser, page):
    page()
    for focus, epoch in [("[data-first]", 0), ("[data-forward]", 1)]:
        browser.focus(focus)
        browser.press(Keys.SPACE)
        assert (browser.epoch, browser.label) == (epoch, "Play")
    browser.focus("[aria-labelledby=spec] summary")
    browser.press(Keys.SPACE)
    assert browser.each("[aria-labelledby=spec] details", "each.open")[0]


def test_keys_with_others_held_are_the_browsers(browser, page):
    page()
    for modifier in (Keys.CONTROL, Keys.ALT, Keys.SHIFT):
        browser.pointer().key_down(modifier).send_keys(Keys.HOME).key_up(modifier).perform()
        assert browser.epoch == EPOCHS, modifier


# Curves and tables.


def legends(browser):
    """What the legend of each chart tells: title, name and value."""
    rows = "[...each.querySelectorAll('.legend li')].map((row) => row.innerText.split('\\n'))"
    titles = browser.each(".chart", f"[each.querySelector('h3').textContent, {rows}]")
    return {title: dict(shown) for title, shown in titles}


OF_LAYERS = {"gradient norm": "gradient_norms", "weight norm": "weight_norms"}


@each_kind([TWO, "a curve", "images", "numbers of many inputs"])
def test_legends_tell_the_values_at_the_epoch_that_is_shown(kind, chrome, read):
    shown = read(kind)
    record = shown.run.record
    for epoch in (2, EPOCHS):
        chrome.go(epoch)
        told = legends(chrome)
        line = shown.lines[epoch]
        for column, value in line.items():
            split, _, name = column.partition("/")
            if name:
                assert same([told[name][split]], [value])
        assert f"learning rate: {line['optimizer.learning_rate']:g}" in chrome.text(".constant")
        for title, key in OF_LAYERS.items():
            if title not in told:
                assert f"{title}: 0" in chrome.text(".constant") and not record[key].any()
                continue
            assert list(told[title]) == record["layers"].tolist()
            assert same(told[title].values(), record[key][shown.epochs.index(epoch)])
        ratio = record["update_norms"][-1] / record["weight_norms"][-1]
        assert epoch < EPOCHS or same(told["update / weight norm"].values(), ratio)


def test_before_the_first_epoch_only_the_initial_weights_have_values(chrome, read):
    shown = read(TWO)
    chrome.go(0)
    told = legends(chrome)
    assert set(told["loss"].values()) == set(told["gradient norm"].values()) == {"–"}
    assert same(told["weight norm"].values(), shown.run.record["weight_norms"][0])


def test_cells_of_layers_follow_the_replay(chrome, read):
    shown = read(TWO)
    record = shown.run.record
    for epoch in (0, 3, EPOCHS):
        chrome.go(epoch)
        cells = {row[0]: row for row in chrome.table("section[aria-labelledby=layers] table")}
        frame = shown.epochs.index(epoch)
        for layer, name in enumerate(record["layers"].tolist()):
            assert same(cells[name][4:5], [record["gradient_norms"][frame, layer]])
            assert same(cells[name][6:7], [record["weight_norms"][frame, layer]])
        assert same(cells["layers.1"][7:8], [record["dead_units"][frame, 0]])
        assert chrome.text("[data-now]") == str(epoch)


def across(browser, epoch):
    """The chart of the loss, and how far right of its middle an epoch is."""
    svg = browser.element(".chart svg[role=img]")
    width = svg.size["width"]
    return svg, round(50 + (width - 62) * epoch / EPOCHS - width / 2)


def test_the_pointer_over_a_chart_is_told_the_values_there(browser, page):
    shown = page()
    browser.move(*across(browser, 2))
    shown_rows = browser.texts(".chart:first-child .tip > div")
    assert shown_rows[0] == "epoch 2"
    for row, split in zip(shown_rows[1:], ("train", "validation"), strict=True):
        name, value = row.split()
        assert name == split and same([value], [shown.lines[2][f"{split}/loss"]])
    assert browser.element(".tip").is_displayed()
    assert browser.epoch == EPOCHS, "looking is not going"
    browser.move(browser.element("h1"))
    assert not browser.element(".tip").is_displayed()


def test_a_click_on_a_chart_goes_to_that_epoch_and_the_cursor_is_there(browser, page):
    page()
    for epoch in (1, 4):
        browser.move(*across(browser, epoch))
        browser.pointer().click().perform()
        assert browser.epoch == epoch
        for x, width in browser.each(".cursor", "[each.x1.baseVal.value, each.ownerSVGElement.clientWidth]"):
            assert x == pytest.approx(50 + (width - 62) * epoch / EPOCHS, abs=0.1)


def test_dragging_over_a_chart_plays_by_hand(browser, page):
    page()
    browser.move(*across(browser, 1))
    browser.pointer().click_and_hold().perform()
    for epoch in (3, 5, 2):
        browser.move(*across(browser, epoch))
        assert browser.epoch == epoch
    browser.pointer().release().perform()


def test_a_scale_is_linear_or_logarithmic_as_one_likes(browser, page):
    page()
    seen = []
    for _ in range(3):
        pressed = browser.each(".scale", "each.ariaPressed")
        ticks = browser.texts(".chart:first-child text[text-anchor=end]")
        seen.append((pressed, ticks, browser.each(".plot path.line", "each.getAttribute('d')")))
        browser.click(".chart:first-child .scale")
    assert seen[0] == seen[2] != seen[1]
    assert {seen[0][0][0], seen[1][0][0]} == {"true", "false"} and seen[0][0][1:] == seen[1][0][1:]
    assert all(len(ticks) > 1 for _, ticks, _ in seen), "even where no power of ten is in sight"
    changed = [before != after for before, after in zip(seen[0][2], seen[1][2], strict=True)]
    assert changed == [True, True] + [False] * (len(changed) - 2), "only the curves of that chart"


@each_kind(CLASSES)
def test_the_confusion_matrix_counts_the_last_split(kind, chrome, read):
    shown = read(kind)
    predicted = shown.run.predict(shown.samples.inputs)
    found = predicted.argmax(axis=1) if predicted.shape[1] > 1 else (predicted[:, 0] >= 0.5).astype(int)
    count = max(found.max(), shown.samples.targets.max()) + 1
    counts = np.zeros((count, count), int)
    np.add.at(counts, (shown.samples.targets, found), 1)
    cells = chrome.table(".confusions > .scroll")
    assert [[int(cell) for cell in row[1:]] for row in cells] == counts.tolist()
    names = shown.run.data.classes or [str(each) for each in range(count)]
    assert [row[0] for row in cells] == chrome.texts(".confusions > .scroll thead th") == list(names)
    others = [f"{split} split" for split in shown.run.data.splits][-2::-1]
    assert chrome.texts(".confusions summary") == others


@each_kind(KINDS)
def test_scores_are_those_of_the_best_checkpoint(kind, chrome, read):
    shown = read(kind)
    cells = chrome.table("section[aria-labelledby=results] table:not(.confusion)")
    rows = {row[0]: row for row in cells}
    for split in shown.run.data.splits:
        scores = shown.run.evaluate(split)
        assert rows[split] == [split, *(f"{value:.6g}" for value in scores.values())]


@each_kind([*NUMBERS, "two numbers over a plane"])
def test_the_worst_examples_are_those_furthest_from_the_truth(kind, chrome, read):
    shown = read(kind)
    errors = np.linalg.norm(shown.run.predict(shown.samples.inputs) - shown.samples.targets, axis=1)
    rows = chrome.table("[aria-label='Worst examples']")
    worst = np.argsort(-errors, kind="stable")[: len(rows)].tolist()
    assert [row[0] for row in rows] == [shown.run.data.place("test", row) for row in worst]
    assert len(rows) == 12 and same([row[1] for row in rows], np.sort(errors)[::-1][:12])


def test_the_worst_images_are_those_taken_for_something_else(chrome, read):
    shown = read("images")
    predicted = shown.run.predict(shown.samples.inputs)
    truth = shown.samples.targets
    own = predicted[np.arange(len(truth)), truth]
    order = np.lexsort((own, predicted.argmax(axis=1) == truth))[:12]
    assert chrome.each(".pair ~ .album img", "each.alt") == [shown.run.data.place("test", row) for row in order]


@each_kind(NUMBERS)
def test_residuals_are_drawn_over_the_truth_and_counted(kind, chrome, read):
    shown = read(kind)
    truth = np.ravel(shown.samples.targets).astype(float)
    predicted = np.ravel(shown.run.predict(shown.samples.inputs)).astype(float)
    every = np.concatenate([truth, predicted])
    margin = 0.08 * np.ptp(every)
    span = [every.min() - margin, every.max() + margin]
    fit = chrome.canvas("[data-still] canvas")
    places = fit.place(truth, predicted, span, span)
    assert (np.abs(fit.colors(places[fit.inside(places)])[:, :3] - GREEN).max(axis=1) < 60).mean() > 0.8
    assert fit.label == f"predictions over the truth of {len(truth)} samples of the test split"
    bars = chrome.canvas("[data-still] canvas", 1)
    residuals = truth - predicted
    most = np.abs(residuals).max()
    bins = min(41, max(7, 2 * int(np.sqrt(len(truth)) / 2 + 0.5) + 1))
    counts, edges = np.histogram(residuals, bins, (-most, most))
    middle = (edges[1:] + edges[:-1]) / 2
    within, above = (
        bars.colors(bars.place(middle + most / bins / 3, counts + shift, [-most, most], [0, 1.06 * counts.max()]))
        for shift in (-0.3, 0.3)
    )
    assert (np.abs(within[counts > 0, :3] - BLUE).max(axis=1) < 20).all()
    assert (above[counts < counts.max(), 3] == 0).all()
    assert bars.label == f"histogram of {len(truth)} residuals"


# What specs and data say is text.

HOSTILE = {
    "a script": "<script>window.hacked = 1</script>",
    "an image": "<img src=x onerror='window.hacked = 1'>",
    "the end of a script": "</script><script>window.hacked = 1</script>",
    "a comment": "<!-- <script> -->",
    "quotes": "\"'`><svg onload=window.hacked=1>",
    "the end of CDATA": "]]><script>window.hacked = 1</script>",
    "lines": "one\u2028two\u2029three",
    "entities": "&lt;b&gt; &amp;amp; {{ 7 * 7 }} {% raw %} ${7}",
    "the end of a style": "</style><style>body { display: none }</style>",
}
EVIL = "<b>{}</b></script><!--<img src=x onerror='window.hacked=1'>\"&\u2028"


@pytest.fixture
def untouched(browser):
    """Asserts that nothing of what was written has become more than text."""

    def check():
        assert browser.ask("window.hacked") is None
        assert browser.ask("document.scripts.length") == 2
        assert browser.each("b, style ~ style, svg[onload], [onerror]", "each.outerHTML") == []

    return check


@pytest.mark.parametrize("what", sampled(HOSTILE, 4))
def test_a_description_is_text_whatever_it_holds(what, browser, untouched, tmp_path):
    small = {"training": {"epochs": 1}, "record": {"every": 1, "points": 3}}
    shown = Example(spec(SPIRAL, 1, "bce_with_logits", description=HOSTILE[what], **small), tmp_path)
    browser.open(shown.path)
    assert browser.one(".description", "each.textContent") == HOSTILE[what]
    for written in browser.texts("pre:not(.trace pre)"):
        assert json.loads(written)["description"] == HOSTILE[what]
    untouched()


@pytest.mark.parametrize("inputs", sampled([1, 2, 3], 3))
def test_names_of_columns_and_classes_are_text(inputs, browser, untouched, tmp_path):
    columns, kinds = [EVIL.format(number) for number in range(inputs)], [EVIL.format("no"), EVIL.format("yes")]
    lines = [[f"{value:.3f}" for value in row] + [kinds[int(row[0] > 0)]] for row in rows(60, inputs)]
    folder = tmp_path / "<i>&\"'"
    folder.mkdir()
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in [*columns, EVIL.format("class")]]
    text = [",".join(quoted)] + [",".join([*line[:-1], '"' + line[-1].replace('"', '""') + '"']) for line in lines]
    (folder / "data.csv").write_text("\n".join(text))
    dataset = {"type": "csv", "path": str(folder / "data.csv"), "inputs": columns, "targets": [EVIL.format("class")]}
    shown = Example(spec(dataset, 1, "bce_with_logits", "accuracy"), tmp_path)
    browser.open(shown.path)
    untouched()
    assert browser.texts(".confusions > .scroll thead th") == [kind.strip() for kind in kinds]
    label = browser.canvas(".stage canvas").label
    if inputs == 1:
        assert columns[0] in label
    if inputs == 2:
        assert browser.texts(".stage .legend li")[:2] == [kind.strip() for kind in kinds]
        assert all(column in label for column in columns) and kinds[1].strip() in label
    told = [row[-1] for row in browser.table("[aria-label='Worst examples']")]
    assert all(column in cell for column in columns for cell in told)
    (folder / "data.csv").unlink()
    browser.open(specnet.load_run(shown.run.directory).report())
    untouched()
    assert any(f"{folder.name}/data.csv" in note for note in browser.texts(".note")), browser.texts(".note")


def test_the_page_runs_no_script_but_its_own_and_asks_for_nothing(browser, page):
    page()
    browser.driver.execute_script("""
        const script = document.createElement("script");
        script.textContent = "window.hacked = 1";
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/picture.png";
        const frame = document.createElement("iframe");
        frame.src = "http://127.0.0.1:9/";
        const link = document.createElement("div");
        link.innerHTML = "<p id='inner' onclick='window.hacked = 2' style='color: red'>text</p>";
        document.body.append(script, image, frame, link);
        link.firstChild.click();
    """)
    failed = "fetch(arguments[0]).then(() => false, () => true)"
    assert browser.ask(failed, "http://127.0.0.1:9/data.json") and browser.ask(failed, "data:text/plain,text")
    assert browser.ask("window.hacked") is None
    assert browser.ask("getComputedStyle(document.getElementById('inner')).color") != "rgb(255, 0, 0)"
    assert browser.requests() == []
    refused = browser.complaints()
    assert len(refused) >= 5 and all("Content Security Policy" in each for each in refused)


# Runs that went wrong, and pages elsewhere.


def diverging(folder, rate):
    with pytest.raises(DivergenceError):
        specnet.run(spec(SPIRAL, 1, "mse", optimizer={"type": "sgd", "learning_rate": rate}, layers=tanh(1)[::2],
                         training={"epochs": 500, "batch_size": 20}), folder / "run")  # fmt: skip
    return specnet.load_run(folder / "run")


def without_data(kind):
    def make(folder):
        shown = Example(KINDS[kind](folder), folder)
        (folder / "data.npz").unlink()
        return specnet.load_run(shown.run.directory)

    return make


WRONG = {
    "it diverged": (lambda folder: diverging(folder, 2.0), True, "the loss is"),
    "it diverged in its first epoch": (lambda folder: diverging(folder, 1e9), True, "so there are no curves"),
    "it has no record": (
        lambda folder: Example(spec(SPIRAL, 1, "bce_with_logits", record=None), folder).run, False, "has no record"),
    "its samples are gone": (without_data("classes of many inputs"), False, "data.npz"),
    "its samples are gone, but not its grid": (without_data("three classes in a plane"), True, "data.npz"),
}  # fmt: skip


@pytest.mark.parametrize("what", sampled(WRONG, 4))
def test_a_page_tells_what_it_cannot_show_and_why(what, browser, tmp_path):
    make, replayed, reason = WRONG[what]
    run = make(tmp_path)
    browser.open(run.report())
    assert any(reason in note for note in browser.texts(".note"))
    assert browser.text(".status") == run.status
    assert browser.one(".status", "each.classList.contains('good')") == (run.status == "finished")
    assert bool(browser.ask("document.getElementById('controls')")) == replayed
    if replayed:
        browser.click("[data-first]")
        assert browser.epoch == 0
    elif run.history:
        browser.move(*across(browser, 2))
        browser.pointer().click().perform()
        assert browser.epoch == 2, "the cursor of the curves needs no replay"


def test_without_scripts_the_page_says_so_and_shows_its_tables(browser, example):
    browser.scripts(False)
    browser.open(example(TWO).path, ready=False)
    assert browser.element("noscript p").is_displayed()
    assert not browser.element("#controls").is_displayed(), "what does nothing is not there"
    assert browser.element(".confusion").is_displayed()
    assert browser.element("pre").text.startswith("{")


def test_a_notebook_shows_a_page_that_plays(browser, example, tmp_path):
    shown = example(TWO)
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>a notebook</title>{shown.run._repr_html_()}")
    browser.open(notebook, ready=False)
    browser.driver.switch_to.frame(browser.element("iframe"))
    browser.until("'ready' in document.documentElement.dataset")
    browser.driver.execute_script(WATCH)
    browser.select("[data-speed]", "4")
    browser.click("[data-play]")
    browser.until("window.seen.length >= 3")
    assert [epoch for _, epoch, *_ in browser.ask("window.seen.slice(0, 3)")] == shown.epochs[:3]


# Several runs.


@pytest.fixture
def compared(browser, tmp_path):
    """Opens a page of a longer run and a shorter one."""
    long, short = (
        Example(spec(SPIRAL, 1, "bce_with_logits", "accuracy", name=name, description=EVIL.format(name), split={},
                     training={"epochs": epochs, "batch_size": 10}), tmp_path / name)
        for name, epochs in [("long", 6), ("short", 3)]
    )  # fmt: skip
    browser.open(write_comparison([long.run, short.run], tmp_path / "both.html"))
    return long, short


def test_runs_share_a_slider_and_each_shows_its_last_frame_until_then(browser, compared):
    pictures = {}
    for epoch in (2, 3, 5, 6):
        browser.go(epoch)
        for each, shown in enumerate(compared):
            own = min(epoch, shown.epochs[-1])
            head, loss = browser.texts("[data-when]")[each].rsplit(" ", 1)
            assert head == f"epoch {own}, train/loss" and same([loss], [shown.lines[own]["train/loss"]])
            pictures[each, epoch] = browser.canvas(".stage canvas", each, bar=True).picture
            told = legends(browser)["loss"]
            assert same([told[f"{shown.run.name} train"]], [shown.lines[own]["train/loss"]])
    assert len({pictures[0, epoch] for epoch in (2, 3, 5, 6)}) == 4
    assert pictures[1, 2] != pictures[1, 3] == pictures[1, 5] == pictures[1, 6]


def test_runs_are_compared_with_the_best_of_each_row_marked(browser, compared, untouched):
    untouched()
    assert browser.texts(".description") == [EVIL.format(name).strip() for name in ("long", "short")]
    titles = browser.texts(".sortable thead th")
    rows = browser.table(".sortable")
    losses = [row[titles.index("train/loss")] for row in rows]
    scores = [shown.run.evaluate("train") for shown in compared]
    assert [cell.split()[0] for cell in losses] == [f"{each['loss']:.6g}" for each in scores]
    best = int(np.argmin([each["loss"] for each in scores]))
    assert ["★" in cell for cell in losses] == [number == best for number in range(2)]
    assert [row[titles.index("training.epochs")] for row in rows] == ["6", "3"]


@pytest.mark.parametrize(("width", "columns"), sampled([(390, 3), (1280, 3)], 2))
def test_images_of_a_run_stand_side_by_side_beside_other_runs(width, columns, browser, example, tmp_path):
    runs = [example(kind).run for kind in ("images", TWO)]
    browser.resize((width, 800))
    browser.open(write_comparison(runs, tmp_path / "both.html"))
    tops = browser.each(".stage .album li", "each.getBoundingClientRect().top")
    assert tops.count(tops[0]) >= columns


def test_the_last_dot_of_a_shorter_run_is_where_it_ended(browser, compared):
    browser.go(6)
    dots = browser.each(".mark circle", "(each.cx.baseVal.value - 50) / (each.ownerSVGElement.clientWidth - 62)")
    assert {round(6 * share, 1) for share in dots} == {3, 6}


# What readers asked for.


def test_text_on_canvases_has_the_font_of_the_page(browser, page):
    page()
    drawn = browser.ask("document.querySelector('.stage canvas').getContext('2d').font")
    family = browser.ask("getComputedStyle(document.body).fontFamily")
    assert drawn.partition("px ")[2].replace('"', "") == family.replace('"', "")


@pytest.mark.parametrize(
    "kind", ["two classes in a plane", "a number over a plane", "a curve", "numbers of many inputs"]
)
def test_a_replay_with_its_axes_is_in_sight_on_a_laptop(kind, browser, page):
    browser.resize((1280, 800))
    page(kind)
    browser.settle()
    assert browser.each(".stage canvas", "each.getBoundingClientRect().bottom")[0] <= 800


def test_a_button_and_a_key_go_to_the_best_epoch_which_is_marked(browser, page):
    shown = page()
    best = shown.run.best["epoch"]
    for go in (lambda: browser.click("[data-best]"), lambda: browser.press("b")):
        browser.press("\ue011")
        assert browser.epoch == 0
        go()
        assert browser.epoch == min(shown.epochs, key=lambda epoch: abs(epoch - best))
    assert browser.one("[data-best]", "each.title") == f"To the best epoch, {best} (b)"
    assert len(browser.each(".plot line.best", "0")) == len(browser.each(".plot", "0"))
    assert browser.texts("[data-ticks] span")[-1] == "★"


def test_ticks_of_the_slider_are_the_epochs_of_its_frames(browser, page):
    shown = page()
    for name, left in browser.each("[data-ticks] span", "[each.textContent, parseFloat(each.style.left)]")[:-1]:
        assert left == pytest.approx(100 * shown.epochs.index(int(name)) / (len(shown.epochs) - 1), abs=0.01)


def test_only_what_may_span_decades_has_a_logarithmic_scale(browser, page):
    page()
    offered = browser.each(".chart", "[each.querySelector('h3').textContent, !!each.querySelector('.scale')]")
    assert dict(map(tuple, offered))["loss"] and not dict(map(tuple, offered))["accuracy"]


def test_a_run_without_mistakes_says_so(browser, train, monkeypatch):
    run = train(record=None)
    monkeypatch.setattr("specnet.report.page.worst", lambda run: Worst("test", "", [], 30, 0))
    browser.open(run.report())
    notes = browser.texts("section[aria-labelledby=results] .note")
    assert notes == ["No mistakes: all 30 samples of the test split are predicted correctly."]
    assert not browser.texts("[aria-label='Worst examples']")


def test_on_a_phone_errors_of_the_worst_are_in_sight_and_wide_tables_look_like_it(browser, page):
    browser.resize((390, 844))
    page("numbers of many inputs")
    cells = browser.each("[aria-label='Worst examples'] tbody tr", "each.cells[1].getBoundingClientRect().right")
    assert max(cells) <= 390
    assert browser.one("[aria-label='Worst examples']", "getComputedStyle(each).backgroundImage").count("gradient") == 4


def test_fifty_runs_are_readable_and_the_one_pointed_to_stands_out(browser, reported, data, tmp_path):
    def run(number):
        losses = 1.0 / np.arange(1.0, 6.0) + number
        return reported(
            {"name": f"wide-{number}", "seed": number},
            data=data([0, 1], np.zeros((2, 2))),
            history={"epoch": np.arange(1, 6), "train/loss": losses, "validation/loss": losses},
            evaluate=lambda split: {"loss": 1.0 + number},
        )

    (tmp_path / "fifty.html").write_text(compare_page([run(number) for number in range(50)]))
    browser.open(tmp_path / "fifty.html")
    assert browser.ask("document.documentElement.scrollHeight") < 2500
    assert len(set(browser.each(".plot path.line", "getComputedStyle(each).stroke"))) == 50
    swatches = browser.each("[aria-label='Results of each run'] .swatch path", "getComputedStyle(each).stroke")
    assert swatches == browser.each(".plot path.line", "getComputedStyle(each).stroke")
    assert min(browser.each(".plot", "each.clientHeight")) > 150 and not browser.texts(".chart .legend li")
    browser.pointer().move_to_element(browser.element("[data-row='7']")).perform()
    assert browser.each(".plot path.line:not(.dim)", "each.dataset.run") == ["7"]
