"""How a page tells numbers and classes apart: ticks, digits and colours."""

from itertools import product

import numpy as np
import pytest
from report.reading import number

from specnet.report.page import resource

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
