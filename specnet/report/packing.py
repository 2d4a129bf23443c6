"""Arrays and images as the text of a page."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any, NamedTuple

import numpy as np

from specnet.functions import with_channels

LARGEST_SIDE = 48
"""Pixels of an image's longer side at most; of larger images only every second one is shown, or third, …"""


class Levels(NamedTuple):
    """Numbers rounded to evenly spaced levels: frames (F, ...) of uint8 or uint16, of which 0 stands for `low`.

    `low` and `high` are numbers if all frames have one scale, or arrays (F,) if each has its own.
    """

    frames: np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray

    def pack(self, chosen: np.ndarray) -> dict[str, Any]:
        """Return the frames of these numbers as a JSON value, deflated, and the text of it in base64.

        Each frame is held as the difference of its levels to those of the one before, which is mostly a small number;
        the high bytes of all come before the low ones. `low` and `step` are lists if each frame has its own.
        """
        frames = self.frames[chosen]
        frames[1:] -= frames[:-1].copy()
        octets = frames.astype(frames.dtype.newbyteorder(">")).reshape(-1, 1).view(np.uint8).T
        text = base64.b64encode(zlib.compress(octets.tobytes(), 6)).decode()
        low, high = (bound[chosen] if isinstance(bound, np.ndarray) else bound for bound in (self.low, self.high))
        step = (high - low) / np.iinfo(frames.dtype).max
        return {
            "data": text,
            "shape": frames.shape,
            "octets": frames.itemsize,
            "low": low.tolist() if isinstance(low, np.ndarray) else low,
            "step": step.tolist() if isinstance(step, np.ndarray) else step,
        }


def quantize(values: np.ndarray, low: float | np.ndarray, high: float | np.ndarray, *, fine: bool = True) -> Levels:
    """Return finite numbers (F, ...) in 65,536 levels, or 256 if not `fine`, from `low` to `high`.

    Half a step is how far a level may be from the number that it stands for.
    """
    dtype = np.uint16 if fine else np.uint8
    rows = values.reshape(len(values), -1).astype(np.float64).T
    scaled = (rows - low) / np.where(high > low, high - low, 1.0) * np.iinfo(dtype).max
    return Levels(np.rint(scaled).astype(dtype).T.reshape(values.shape), low, high)


def quantize_each(values: np.ndarray, *, fine: bool = True) -> Levels:
    """Return finite numbers (F, ...) in levels as `quantize`, of each frame from its least number to its greatest.

    However far a run overshoots in one frame, all others are as exact as they are alone.
    """
    rows = values.reshape(len(values), -1).astype(np.float64)
    return quantize(values, rows.min(axis=1), rows.max(axis=1), fine=fine)


def count_up(numbers: np.ndarray) -> Levels:
    """Return whole numbers from 0 on, each as the level of that number."""
    dtype = np.uint8 if numbers.max() < 256 else np.uint16
    return Levels(numbers.astype(dtype), 0.0, float(np.iinfo(dtype).max))


def thumbnails(images: np.ndarray) -> list[str]:
    """Return images (n, height, width[, channels]) as data URIs; all in one scale, from the least to the greatest."""
    stride = stride_of(images.shape[1:3])
    small = with_channels(images)[:, ::stride, ::stride].astype(np.float64)
    low, high = float(images.min()), float(images.max())
    pixels = np.rint((small - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)
    return [f"data:image/png;base64,{base64.b64encode(png(image)).decode()}" for image in pixels]


def stride_of(size: tuple[int, ...]) -> int:
    """Return of an image of this height and width every how many pixels are shown."""
    return -(-max(size) // LARGEST_SIDE)


def png(pixels: np.ndarray) -> bytes:
    """Return pixels (height, width, channels) of uint8, grey, RGB or RGBA, as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "png", optimize=True)
    return file.getvalue()
