"""Pictures as files: PNG, SVG, and GIF of those that move."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from specnet.errors import PlotError, SpecnetError, UsageError
from specnet.faults import find_culprit
from specnet.functions import evenly_spaced
from specnet.names import suggest
from specnet.plots.base import Plot, Trained
from specnet.plugin_code import staying
from specnet.report.settings import default_settings, with_fallback_fonts
from specnet.words import describe_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "gif")
"""How pictures are written, and what their files end in."""
PACE = 80
"""Milliseconds that a frame of a GIF is shown."""
HOLD = 2000
"""Milliseconds that its last frame is shown."""
COMPRESSION = 3
"""Level from 0 to 9: twice as fast as the usual 6, for files that are a tenth larger."""
_COLORS = 128
"""Colours of a GIF; twice as many look the same and take a tenth more."""
SAMPLED = 8
"""Frames from which they are chosen."""


def check_format(plot: Plot, format: str) -> None:
    """Raise a UsageError if there is no such format, or a PlotError for a GIF of a plot that does not move."""
    if format not in FORMATS:
        raise UsageError(f"pictures cannot be written as {format}", help=suggest(format, FORMATS))
    if format == "gif" and not plot.moves:
        raise PlotError("this plot is not animated and cannot be a GIF", help="write it as .png or .svg")


def write_picture(plot: Plot, run: Trained, file: BinaryIO, format: str) -> list[str]:
    """Check that a plot can show a run, write the picture, and return warnings about characters that it lacks.

    The bytes are the same each time, under whatever settings the program has of matplotlib. Of a moving plot PNG and
    SVG show the last frame.

    Raises:
        SpecnetError: if the run cannot be shown, the plot itself fails, or as `check_format` does.
    """
    check_format(plot, format)
    with default_settings(), failing_as_plot_error(plot):
        plot.check(run)
        content, missing = with_fallback_fonts(lambda: draw(plot, run, format))
    file.write(content)
    shown = "".join(map(chr, sorted(missing)))
    return [f"no installed font has {shown}: pictures show boxes instead"] if missing else []


def draw(plot: Plot, run: Trained, format: str) -> bytes:
    """Return the picture of a run as the bytes of a file."""
    from matplotlib import rc_context

    file = io.BytesIO()
    if format == "gif":
        write_gif(plot.frames(run), file)
    elif format == "png":
        write_png(plot.draw(run), file)
    else:
        # Without these an SVG would hold random names and today's date.
        with rc_context({"svg.hashsalt": "specnet", "svg.fonttype": "none"}):
            plot.draw(run).savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


@contextmanager
def failing_as_plot_error(plot: Plot) -> Iterator[None]:
    """Raise what goes wrong in a plot as a `PlotError` with its name: other pictures do not depend on it."""
    try:
        with staying():
            yield
    except SpecnetError:
        raise
    except Exception as error:
        found = find_culprit(error)
        name, place = found[0] if found else plot.to_spec()["type"], f" in {found[1]}" if found else ""
        raise PlotError(f"{name} fails{place}: {describe_error(error)}") from error


def write_png(figure: Figure, file: BinaryIO) -> None:
    """Write a figure as a PNG; `savefig` takes half as long again, as it draws a figure with a layout twice."""
    from PIL import Image

    Image.fromarray(pixels(figure)).save(file, "png", dpi=(figure.dpi, figure.dpi), compress_level=COMPRESSION)


def write_gif(figures: Iterable[Figure], file: BinaryIO) -> None:
    """Write figures of one size as a GIF that plays for ever, and rests on the last.

    A figure may be the one before, drawn anew. All frames share one palette, without dithering: nothing flickers.
    """
    from PIL import Image

    frames = [pixels(figure) for figure in figures]
    palette = common_palette(frames)
    first, *others = (Image.fromarray(_nearest(frame, palette)) for frame in frames)
    for image in (first, *others):
        image.putpalette(palette.tobytes())
    durations = [PACE] * len(others) + [HOLD]
    first.save(file, format="gif", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)


def pixels(figure: Figure) -> np.ndarray:
    """Return a figure as it is now, (height, width, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def common_palette(frames: list[np.ndarray]) -> np.ndarray:
    """Return colours (k, 3) that suit frames (height, width, 3) from the whole length of a film."""
    from PIL import Image

    chosen = [frames[number] for number in evenly_spaced(len(frames), SAMPLED)]
    palette = Image.fromarray(np.concatenate(chosen)).quantize(_COLORS).getpalette()
    return np.array(palette, np.uint8).reshape(-1, 3)


def _nearest(frame: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return the number of the nearest colour for each pixel of a frame, (height, width) uint8.

    Pillow's own way is an approximation: it would make white paper grey.
    """
    codes, places = np.unique(frame @ np.array([65536, 256, 1]), return_inverse=True)
    colors = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)
    distances = np.square(colors[:, np.newaxis] - palette).sum(axis=-1)
    return distances.argmin(axis=1).astype(np.uint8)[places].reshape(frame.shape[:2])
