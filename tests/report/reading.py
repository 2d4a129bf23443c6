"""What tests of pages read in them: numbers, legends, places and colours."""

import numpy as np
from report.examples import EPOCHS

BLUE, ORANGE, GREEN, PINK = (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167)
PALETTE = np.array([BLUE, ORANGE, GREEN, PINK], float)
WHITE = np.full(3, 255.0)
FOUR_DIGITS = 6e-4
WATCH = """
window.seen = [];
const [told, play] = [document.getElementById("readout"), document.querySelector("[data-play]")];
const note = () => window.seen.push([performance.now(), window.specnet.epoch, told.textContent, play.ariaLabel]);
new MutationObserver(note).observe(document.documentElement, {attributeFilter: ["data-epoch"]});
"""


def number(text):
    """Return the number in a text; NaN if it has no number."""
    return float("nan") if text == "–" else float(text.replace(",", "").replace("k", "e3").replace("M", "e6"))


def same(shown, expected):
    """Whether texts tell numbers, each with four digits."""
    expected = np.asarray(expected, float)
    return np.isclose([number(text) for text in shown], expected, rtol=FOUR_DIGITS, equal_nan=True).all()


def legends(browser):
    """What the legend of each chart tells: title, name and value."""
    rows = "[...each.querySelectorAll('.legend li')].map((row) => row.innerText.split('\\n'))"
    titles = browser.each(".chart", f"[each.querySelector('h3').textContent, {rows}]")
    return {title: dict(shown) for title, shown in titles}


def across(browser, epoch):
    """The chart of the loss, and how far right of its middle an epoch is."""
    svg = browser.element(".chart svg[role=img]")
    width = svg.size["width"]
    return svg, round(50 + (width - 62) * epoch / EPOCHS - width / 2)
