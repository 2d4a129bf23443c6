"""What buttons, keys, the slider and playing do to the replay of a page."""

import numpy as np
import pytest
from helpers import sampled
from report.examples import EPOCHS, SPIRAL, TWO, Example, spec
from report.reading import WATCH
from selenium.webdriver import Keys

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
