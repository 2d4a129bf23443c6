"""The pages for every reader: on a phone, in the dark, with the keyboard alone, by ear, on one's own."""

import re
from itertools import pairwise, product

import pytest
from helpers import sampled
from report.browser import DESKTOP, PHONE
from report.examples import KINDS, PICTURED, SPIRAL, TWO, Example, spec
from selenium.webdriver import Keys

from specnet.runs.results import write_comparison

SIZES = [PHONE, (320, 568), (768, 1024), DESKTOP]
READABLE = 4.5
"""How much lighter one of text and ground is than the other, at least: WCAG 2.2, success criterion 1.4.3."""
CONTROLS = "button, input, select, summary, [tabindex='0']"
REACHED = f"a[href], {CONTROLS}"
"""What the tab key stops at: controls, and links in a text."""


@pytest.fixture(scope="session")
def pages(example, tmp_path_factory):
    """Makes the page of a kind of problem, or of two or three runs of different kinds."""

    def make(kind):
        runs = {"two runs": [TWO, "a curve"], "three runs": ["images", TWO, "numbers of many inputs"]}.get(kind)
        if runs is None:
            return example(kind).path
        path = tmp_path_factory.mktemp("compared") / "page.html"
        return write_comparison([example(each).run for each in runs], path)

    return make


EVERY = [*KINDS, "two runs", "three runs"]

OUTSIDE = """[...document.querySelectorAll("body *")].filter((each) => {
  const {left, right, width} = each.getBoundingClientRect();
  return width && (left < -0.5 || right > innerWidth + 0.5) && !each.parentElement.closest(".scroll, pre, .plot");
}).map((each) => each.outerHTML.slice(0, 99))"""
BOX = "(({x, y, width, height, bottom}) => ({x, y, width, height, bottom}))(each.getBoundingClientRect())"
"""Where an element is."""


@pytest.mark.parametrize("kind", sampled(EVERY, 5))
def test_a_page_fits_every_width_and_only_tables_are_scrolled_sideways(kind, browser, pages):
    browser.resize(PHONE)
    browser.open(pages(kind))
    for size in SIZES:
        browser.resize(size)
        browser.settle()
        assert browser.ask("innerWidth") == size[0]
        assert browser.ask("document.documentElement.scrollWidth") <= size[0]
        assert browser.ask(OUTSIDE) == []
        widths = browser.each(".canvas canvas", "[each.width, each.clientWidth]")
        assert all(drawn == shown > 200 for drawn, shown in widths), "drawn anew, pixel by pixel"


@pytest.mark.parametrize("size", SIZES)
def test_controls_are_large_enough_to_be_touched_and_stay_in_sight(size, browser, pages):
    browser.resize(size)
    browser.open(pages(TWO))
    boxes = [box for box in browser.each(CONTROLS, BOX) if box["width"]]
    assert min(box[side] for box in boxes for side in ("width", "height")) >= 24, "WCAG 2.2, success criterion 2.5.8"
    browser.driver.execute_script("scrollTo(0, document.getElementById('training').parentElement.offsetTop + 200)")
    browser.settle()
    box = browser.one("#controls", BOX)
    assert box["y"] >= -0.5 and box["bottom"] < size[1] / 2
    for control in ("[data-first]", "[data-play]", "[data-play]", "[data-last]"):
        browser.click(control)


def test_a_page_on_a_phone_can_be_played_by_touching_a_chart(browser, pages):
    browser.resize(PHONE)
    browser.touch(True)
    browser.open(pages(TWO))
    browser.one(".chart:first-child .plot", "each.scrollIntoView({block: 'center'})")
    box = browser.one(".chart:first-child .plot", BOX)
    place = {"x": box["x"] + 50 + (box["width"] - 62) * 2 / 6, "y": box["y"] + box["height"] / 2}
    for kind, points in [("touchStart", [place]), ("touchEnd", [])]:
        browser.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    browser.until("window.specnet.epoch === 2")


# Colours.

CONTRAST = """(() => {
  const scratch = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const parts = (color) => {
    scratch.clearRect(0, 0, 1, 1);
    scratch.fillStyle = color;
    scratch.fillRect(0, 0, 1, 1);
    return [...scratch.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  const light = ([red, green, blue]) => [0.2126 * red, 0.7152 * green, 0.0722 * blue];
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const luminance = (color) => light(color.slice(0, 3).map(linear)).reduce((a, b) => a + b);
  const ground = (each) => {
    const color = parts(getComputedStyle(each).backgroundColor);
    return color[3] === 1 ? color : ground(each.parentElement);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const each = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !each.checkVisibility() || each.closest("script")) continue;
    const style = getComputedStyle(each);
    const both = [luminance(parts(each.closest("svg") ? style.fill : style.color)), luminance(ground(each))];
    const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    found.push([contrast, texts.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
})()"""


@pytest.mark.parametrize(("kind", "scheme"), sampled(product(EVERY, ["light", "dark"]), 9))
def test_all_text_can_be_read(kind, scheme, browser, pages):
    browser.prefer(color_scheme=scheme)
    browser.open(pages(kind))
    browser.each("details", "each.open = true")
    found = browser.ask(CONTRAST)
    assert len(found) > 80
    assert [text for contrast, text in found if contrast < READABLE] == []


@pytest.mark.parametrize(("text", "looks"), [("finished", "good"), ("diverged", "bad")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_a_run_ended_can_be_read(text, looks, scheme, browser, pages):
    browser.prefer(color_scheme=scheme)
    browser.open(pages(TWO))
    browser.one(".status", f"[each.className, each.textContent] = ['status {looks}', '{text}']")
    ((contrast, _),) = [each for each in browser.ask(CONTRAST) if each[1] == text]
    assert contrast >= READABLE


@pytest.mark.parametrize("kind", sampled([*PICTURED, "two runs"], 8))
def test_dark_and_light_are_as_the_reader_prefers_even_while_the_page_is_open(kind, browser, pages):
    browser.open(pages(kind))
    seen = []
    for scheme in ("light", "dark", "light"):
        browser.prefer(color_scheme=scheme)
        browser.settle()
        paper = browser.ask("getComputedStyle(document.body).backgroundColor")
        seen.append((paper, browser.each("canvas", "each.toDataURL()")))
    (light, drawn), (dark, drawn_dark), again = seen
    brightness = [sum(map(int, re.findall(r"\d+", color))) / 3 for color in (light, dark)]
    assert brightness[0] > 230 and brightness[1] < 40
    assert all(a != b for a, b in zip(drawn, drawn_dark, strict=True))
    assert again == (light, drawn)


def test_nothing_moves_unless_it_is_played(browser, pages):
    browser.prefer(reduced_motion="reduce")
    browser.open(pages(TWO))
    moving = browser.each("*", "[getComputedStyle(each).transitionDuration, getComputedStyle(each).animationName]")
    assert {tuple(each) for each in moving} == {("0s", "none")}
    assert browser.ask("document.getAnimations().length") == 0
    assert (browser.label, browser.epoch) == ("Play", 6)


# Without a pointer, or without a screen.


@pytest.mark.parametrize("kind", sampled([TWO, "images", "two runs"], 3))
def test_tab_reaches_each_control_in_order_and_shows_where_it_is(kind, browser, pages):
    browser.open(pages(kind))
    count = sum(browser.each(REACHED, "each.checkVisibility()"))
    assert count > 10
    reached = []
    for _ in range(count):
        browser.press(Keys.TAB)
        (outline,) = browser.each(
            ":focus-visible", "[getComputedStyle(each).outlineStyle, getComputedStyle(each).outlineWidth]"
        )
        assert outline == ["solid", "2px"]
        reached.append([here for here, visible in browser.each(REACHED, FOCUS) if visible].index(True))
    assert reached == list(range(count))


FOCUS = "[each === document.activeElement, each.checkVisibility()]"
NAMED = {"button", "slider", "combobox", "image", "region", "table", "DisclosureTriangle"}
"""Roles of what is nothing without a name."""


@pytest.mark.parametrize("kind", sampled(EVERY, 5))
def test_what_can_be_used_or_looked_at_has_a_name(kind, browser, pages):
    browser.open(pages(kind))
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    roles = [role for role, _ in told]
    assert roles.count("main") == roles.count("banner") == roles.count("contentinfo") == 1
    assert {role for role, name in told if role in NAMED and not name.strip()} == set()
    regions = [name for role, name in told if role == "region"]
    assert len(set(regions)) == len(regions) > 2, "landmarks are told apart by name"
    assert ("group", "Replay") in told and ("slider", "Epoch") in told
    assert roles.count("image") >= len(browser.each(".canvas, .plot, .units, .album img", "0"))


@pytest.mark.parametrize("kind", sampled(EVERY, 5))
def test_pages_are_built_of_headings_and_tables_that_say_what_they_are(kind, browser, pages):
    browser.open(pages(kind))
    assert browser.ask("[document.documentElement.lang, document.title.endsWith(' – specnet')]") == ["en", True]
    levels = browser.each("h1, h2, h3, h4, h5, h6", "Number(each.localName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    captions = browser.each("table", "each.caption?.textContent.trim()")
    assert len(captions) >= 2 and all(captions)
    assert browser.texts("th:not([scope])") == []
    assert all(browser.each("canvas", "each.closest('[role=img], [role=application]')?.ariaLabel"))


def test_a_picture_is_told_in_words_that_follow_the_replay(browser, pages):
    browser.open(pages("classes of many inputs"))
    labels = set()
    for epoch in (0, 6):
        browser.go(epoch)
        labels.add(browser.canvas(".stage canvas").label)
    assert len(labels) == 2


@pytest.mark.long
def test_a_page_with_all_that_a_spec_can_ask_for_is_below_two_megabytes(browser, tmp_path):
    shown = Example(
        spec(SPIRAL | {"n_samples": 400}, 1, "bce_with_logits", "accuracy", training={"epochs": 300, "batch_size": 100},
             record={"every": 1, "points": 100, "units": True}), tmp_path)  # fmt: skip
    assert shown.path.stat().st_size < 2e6
    browser.open(shown.path)
    shown_epochs = browser.ask("window.specnet.scenes[0].epochs")
    assert shown_epochs[0] == 0 and shown_epochs[-1] == 300
    assert len(shown_epochs) == len(shown.epochs) or f"Of {len(shown.epochs)} recorded" in browser.text(".scene .note")


@pytest.mark.parametrize(
    "kind", ["two classes in a plane", "a number over a plane", "a curve", "numbers of many inputs"]
)
def test_a_replay_with_its_axes_is_in_sight_on_a_laptop(kind, browser, page):
    browser.resize((1280, 800))
    page(kind)
    browser.settle()
    assert browser.each(".stage canvas", "each.getBoundingClientRect().bottom")[0] <= 800


def test_on_a_phone_errors_of_the_worst_are_in_sight_and_wide_tables_look_like_it(browser, page):
    browser.resize((390, 844))
    page("numbers of many inputs")
    cells = browser.each("[aria-label='Worst examples'] tbody tr", "each.cells[1].getBoundingClientRect().right")
    assert max(cells) <= 390
    assert browser.one("[aria-label='Worst examples']", "getComputedStyle(each).backgroundImage").count("gradient") == 4
