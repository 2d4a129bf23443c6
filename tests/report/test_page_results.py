"""The results in a page: confusions, scores, worst examples and residuals, compared with the run's predictions."""

import numpy as np
from report.examples import CLASSES, KINDS, NUMBERS, each_kind
from report.reading import BLUE, GREEN, same

from specnet.report.results import Worst


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


def test_a_run_without_mistakes_says_so(browser, train, monkeypatch):
    run = train(record=None)
    monkeypatch.setattr("specnet.report.page.worst", lambda run: Worst("test", "", [], 30, 0))
    browser.open(run.report())
    notes = browser.texts("section[aria-labelledby=results] .note")
    assert notes == ["No mistakes: all 30 samples of the test split are predicted correctly."]
    assert not browser.texts("[aria-label='Worst examples']")
