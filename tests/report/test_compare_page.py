"""What a reader sees of a page that compares many runs, or groups of runs, and does with it."""

import numpy as np
import pytest
from helpers import sampled
from report.browser import DESKTOP, PHONE
from report.examples import EVIL, SPIRAL, TWO, Example, spec
from report.reading import legends, same

import specnet
from specnet.report.compare_page import compare_page
from specnet.report.entries import RunSet
from specnet.runs.results import write_comparison

SPEC = {
    "dataset": {"type": "moons", "n_samples": 40},
    "split": {"validation": 0.2, "test": 0.2, "seed": 1},
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "training": {"epochs": 3},
    "record": {"every": 1, "points": 5},
    "plots": [],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The page of five runs, and that of two groups of two."""
    folder = tmp_path_factory.mktemp("compared")

    def train(name, units, seed=0, out=""):
        layers = [{"type": "linear", "units": units}, "tanh", {"type": "linear", "units": 1}]
        spec = specnet.load_spec(SPEC | {"name": name, "layers": layers, "seed": seed})
        return specnet.run(spec, folder / name / out, report=False)

    runs = [train(f"run-{units}", units) for units in range(2, 7)]
    groups = [
        RunSet(name, folder / name, [train(name, units, seed, str(seed)) for seed in range(2)], is_group=True)
        for name, units in {"few": 2, "many": 9}.items()
    ]
    return {
        "runs": (runs, write_comparison(runs, folder / "runs.html")),
        "groups": (groups, write_comparison(groups, folder / "groups.html")),
    }


def test_a_run_is_chosen_by_its_row_a_dot_or_by_name_and_replayed(browser, pages):
    runs, path = pages["runs"]
    browser.open(path)

    def chosen():
        browser.settle()
        (row,) = browser.texts("tr.chosen th")
        assert browser.one("[data-choose]", "each.selectedOptions[0].text") == row.strip()
        assert (
            browser.each(".chart path.chosen", "each.dataset.run")
            == [str([run.name for run in runs].index(row.strip()))] * 2
        )
        return row.strip()

    accuracies = [run.metrics["test"]["accuracy"] for run in runs]
    assert accuracies[[run.name for run in runs].index(chosen())] == max(accuracies)
    browser.click("[data-pick='3']")
    assert chosen() == "run-5"
    assert browser.one("[data-when]", "each.textContent").startswith("epoch 3, train/loss")
    assert browser.canvas(".stage canvas", 0, bar=True).picture
    browser.one("[data-choose]", "(each.value = 1, each.dispatchEvent(new Event('change')))")
    assert chosen() == "run-3"
    browser.driver.execute_script(
        "const dot = [...document.querySelectorAll('[data-picture] .dot')].find((each) => each.dataset.run === '0');"
        "const {x, y, width} = dot.getBoundingClientRect();"
        "dot.dispatchEvent(new MouseEvent('click', {clientX: x + width / 2, clientY: y + width / 2, bubbles: true}))"
    )
    assert chosen() == "run-2"
    browser.click("[data-first]")
    assert browser.one("[data-when]", "each.textContent") == "epoch 0, initial weights"


def test_a_title_sorts_the_table_and_again_the_other_way(browser, pages):
    browser.open(pages["runs"][1])
    titles = [title.strip() for title in browser.texts(".sortable thead th")]
    column = titles.index("test/loss")
    for order in (1, -1):
        browser.click(f"[data-sort='{column}']")
        losses = [float(row[column].split()[0]) for row in browser.table(".sortable")]
        assert losses == sorted(losses, reverse=order < 0)
    browser.click("[data-sort='0']")
    assert [row[0] for row in browser.table(".sortable")] == [f"run-{units}" for units in range(2, 7)]


def test_groups_have_bands_and_their_runs_are_dots_with_names(browser, pages):
    browser.open(pages["groups"][1])
    assert [row[0] for row in browser.table(".sortable")] == ["few", "many"]
    assert (
        browser.texts(".conclusion")[0].endswith("would tell them apart.")
        or "is higher than" in browser.texts(".conclusion")[0]
    )
    assert len(browser.each("path.band", "each.getBBox().height > 0")) == 4
    assert browser.texts("[data-choose] option") == [f"{name} {seed}" for name in ("few", "many") for seed in range(2)]
    browser.driver.execute_script(
        "const dot = document.querySelector('[data-picture] .dot'); const {x, y} = dot.getBoundingClientRect();"
        "dot.dispatchEvent(new PointerEvent('pointermove', {clientX: x + 4, clientY: y + 4, bubbles: true}))"
    )
    assert browser.texts("[data-picture] .tip:not([hidden]) b") == ["few 0"]
    assert browser.each(".band:not(.dim)", "each.dataset.run") == ["0", "0"]


@pytest.mark.parametrize(("kind", "size"), [("runs", PHONE), ("groups", DESKTOP)])
def test_a_comparison_fits_its_width_and_stays_short(kind, size, browser, pages):
    browser.resize(size)
    browser.open(pages[kind][1])
    browser.settle()
    assert browser.ask("document.documentElement.scrollWidth") <= size[0]
    assert browser.ask("document.documentElement.scrollHeight") < (3500 if size == PHONE else 2500)
    boxes = browser.each(
        "button, select, input, summary", "(({width, height}) => [width, height])(each.getBoundingClientRect())"
    )
    assert min(min(box) for box in boxes if box[0]) >= 24


def test_a_run_whose_replay_is_not_in_the_page_has_a_link_to_its_own(browser, pages, monkeypatch, tmp_path):
    runs, _ = pages["runs"]
    monkeypatch.setattr("specnet.report.compare_page.REPLAYS", 1)
    accuracies = [run.metrics["test"]["accuracy"] for run in runs]
    other = accuracies.index(max(accuracies)) - 1
    runs[other].report()
    browser.open(write_comparison(runs, tmp_path / "one.html"))
    assert browser.one("#controls", "each.clientHeight > 0")
    browser.click(f"[data-pick='{other % len(runs)}']")
    browser.settle()
    expected = "This page has the replays of the best runs only. The page of this run has all of it."
    assert browser.texts("[data-about]") == [expected]
    assert browser.one("#controls", "each.clientHeight === 0")
    assert browser.each("[data-about] a", "each.href") == [(runs[other].directory / "report.html").as_uri()]


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
