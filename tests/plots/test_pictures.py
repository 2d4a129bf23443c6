import io

import numpy as np
import pytest
from PIL import Image

from specnet.component import build
from specnet.errors import PlotError
from specnet.plots import style
from specnet.report.pictures import pixels, write_gif, write_picture


def frames_of(file):
    """Return the frames of a GIF as (height, width, 3), and how long each is shown."""
    with Image.open(file) as gif:
        shown = []
        for number in range(gif.n_frames):
            gif.seek(number)
            shown.append((np.asarray(gif.convert("RGB")), gif.info["duration"]))
        return shown


def moving(count):
    """Give one figure with a line that moves."""
    figure = style.figure("moving", 3, 2, dpi=100)
    axes = figure.add_subplot()
    (line,) = axes.plot([0, 1], [0, 0], color=style.PALETTE[1])
    for number in range(count):
        line.set_ydata([0, number / 10])
        yield figure


@pytest.fixture
def spiral(trained, record):
    """A run on the spiral whose boundary turns about its middle."""
    data = build("datasets", "spiral").load(np.random.default_rng(0))

    def turned(angle):
        return lambda x: 1.0 / (1.0 + np.exp(-x @ [[np.cos(angle)], [np.sin(angle)]]))

    kept = record(data, turned(0.0), epochs=np.arange(20), points=100)
    kept["predictions"] = np.concatenate(
        [record(data, turned(angle), points=100)["predictions"][-1:] for angle in np.linspace(0.0, 3.0, 20)]
    )
    return trained(data=data, predict=turned(0.0), record=kept)


def test_a_gif_plays_for_ever_and_rests_on_its_last_frame():
    file = io.BytesIO()
    write_gif(moving(4), file)
    assert [duration for _, duration in frames_of(file)] == [80, 80, 80, 2000]
    with Image.open(file) as gif:
        assert gif.info["loop"] == 0 and gif.size == (300, 200)


def test_each_frame_of_a_gif_is_the_figure_as_it_was_then():
    file = io.BytesIO()
    write_gif(moving(6), file)
    for (shown, _), figure in zip(frames_of(file), moving(6), strict=True):
        drawn = pixels(figure)
        assert np.abs(shown.astype(int) - drawn).mean() < 0.5
        assert np.array_equal((shown == 255).all(axis=-1), (drawn == 255).all(axis=-1))  # paper stays white


def test_a_gif_of_one_frame_is_a_picture():
    file = io.BytesIO()
    write_gif(moving(1), file)
    assert len(frames_of(file)) == 1


def test_what_does_not_move_has_the_same_colours_in_all_frames():
    file = io.BytesIO()
    write_gif(moving(6), file)
    drawn = np.stack([pixels(figure) for figure in moving(6)])
    still = (drawn == drawn[0]).all(axis=(0, 3))
    shown = np.stack([frame for frame, _ in frames_of(file)])[:, still]
    assert still.mean() > 0.8
    assert (shown == shown[0]).all()


def test_the_replay_of_a_spiral_is_a_small_file_and_the_same_each_time(spiral):
    for name in ("epochs", "predictions", "train/loss"):
        spiral.record[name] = spiral.record[name][::4]
    first, second = io.BytesIO(), io.BytesIO()
    for file in (first, second):
        write_picture(build("plots", "replay"), spiral, file, "gif")
    shown = frames_of(first)
    assert len(shown) == 5 and shown[0][0].shape == (400, 480, 3)
    assert len(first.getvalue()) < 25_000 * 5  # of 80 frames 2 MB
    assert first.getvalue() == second.getvalue()


@pytest.mark.parametrize("format", ["png", "svg"])
def test_a_replay_in_another_format_is_its_last_frame(spiral, format):
    whole, last = io.BytesIO(), io.BytesIO()
    write_picture(build("plots", "replay"), spiral, whole, format)
    for name in ("epochs", "predictions", "train/loss"):
        spiral.record[name] = spiral.record[name][[0, -1]]
    write_picture(build("plots", "replay"), spiral, last, format)
    assert whole.getvalue() == last.getvalue()


def test_an_svg_has_no_date_and_its_text_is_text(spiral):
    file = io.BytesIO()
    write_picture(build("plots", "decision_boundary"), spiral, file, "svg")
    text = file.getvalue().decode()
    assert "<dc:date>" not in text
    assert ">demo: decision boundary</text>" in text


@pytest.mark.parametrize("name", ["curves", "decision_boundary"])
def test_a_plot_that_does_not_move_is_no_gif(name, spiral):
    file = io.BytesIO()
    with pytest.raises(PlotError, match="is not animated") as caught:
        write_picture(build("plots", name), spiral, file, "gif")
    assert ".png" in caught.value.help and ".svg" in caught.value.help
    assert not file.getvalue()


def test_settings_are_left_alone_when_a_plot_fails(trained):
    import matplotlib

    before = dict(matplotlib.rcParams)
    with pytest.raises(PlotError):
        write_picture(build("plots", "curves"), trained(history={}), io.BytesIO(), "svg")
    assert dict(matplotlib.rcParams) == before


def test_a_figure_whose_size_is_a_fraction_of_a_pixel_is_a_frame():
    (frame,) = [pixels(figure) for figure in [style.figure("odd", 3.017, 2.009, dpi=100)]]
    assert frame.shape[:2] in [(200, 301), (201, 302)]
