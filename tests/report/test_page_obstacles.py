"""Pages of runs that went wrong or whose data are gone, without scripts, and inside a notebook."""

import pytest
from helpers import sampled
from report.examples import KINDS, SPIRAL, TWO, Example, spec, tanh
from report.reading import WATCH, across

import specnet
from specnet.errors import DivergenceError


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
