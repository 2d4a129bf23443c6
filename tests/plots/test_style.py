import io
import re

import numpy as np
import pytest

from specnet.plots import style
from specnet.report.page import resource


def drawn_pixels(text, **options):
    """Return the pixels of a figure that shows nothing but a text."""
    figure = style.figure("", 4, 1)
    figure.text(0.1, 0.3, text, **options)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    return np.frombuffer(buffer.getvalue(), np.uint8)


@pytest.mark.parametrize("text", ["$x^2$", "5 $", "$", "a $1$ b $2$", "x_1", r"\alpha $\beta$"])
def test_labels_mean_what_they_say(text):
    assert np.array_equal(drawn_pixels(style.label(text)), drawn_pixels(text, parse_math=False))


def test_labels_are_one_short_line():
    assert style.label("two\nlines and\ttabs") == "two lines and tabs"
    assert style.label("x" * 30) == "x" * 23 + "…"
    assert style.label("x" * 24) == "x" * 24


def test_long_titles_are_broken_into_lines_that_fit():
    figure = style.figure("x" * 100 + ": confusion matrix", 6.5, 4)
    figure.draw_without_rendering()
    assert "".join(figure.get_suptitle().split()) == "x" * 100 + ":confusionmatrix"
    extent = figure._suptitle.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1


@pytest.mark.parametrize("count", [1, 2, 7, 8, 30, 100])
def test_every_class_has_a_colour_of_its_own(count):
    assert len(set(style.class_colors(count))) == count


@pytest.mark.parametrize("count", [8, 30, 100])
def test_the_first_and_the_last_of_many_classes_are_told_apart(count):
    from matplotlib.colors import to_rgb

    first, last = np.array([to_rgb(color) for color in style.class_colors(count)])[[0, -1]]
    assert first[2] > 2 * first[0] and first[2] > 0.6  # blue
    assert last[0] > 2 * last[2] and last[0] > 0.6  # red


def test_few_points_are_larger_than_many():
    sizes = [style.point_size(count) for count in (1, 100, 400, 1000, 100_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] >= 2.0


@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_every_layer_has_a_colour_of_its_own(count):
    assert len(set(style.depth_colors(count))) == count


@pytest.mark.parametrize(("columns", "width"), [(1, 4.8), (1, 8), (3, 9)])
def test_names_of_axes_are_as_long_as_there_is_room(columns, width):
    figure = style.figure("", width, 3)
    for number in range(columns):
        axes = figure.add_subplot(1, columns, number + 1)
        style.dress(axes, "a long name " * 20, "another long name " * 20)
    figure.draw_without_rendering()
    for axes in figure.axes:
        panel = axes.get_window_extent()
        assert 0.4 * panel.width < axes.xaxis.label.get_window_extent().width < panel.width
        assert 0.4 * panel.height < axes.yaxis.label.get_window_extent().height < 1.2 * panel.height


def test_pages_and_plots_have_one_style():
    css, script = resource("page.css"), resource("data.js")
    assert tuple(re.findall(r"--c\d: (#\w+);", css)[:7]) == tuple(color.lower() for color in style.PALETTE)
    page = re.search(r"DASHES = \[(.*?)\]", script)[1].replace('"', "").split(", ")
    for drawn, dashes in zip(style.DASHES, page, strict=True):
        widths = [] if drawn == "-" else [1.8 * width for width in drawn[1]]
        assert np.allclose(widths, [] if dashes == "none" else [float(each) for each in dashes.split()], atol=0.15)
    shapes = {"o": "circle", "s": "square", "^": "triangle"}
    for split, marker in style.MARKERS.items():
        assert f'{split}: "{shapes[marker]}"' in script
