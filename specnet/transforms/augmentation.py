"""Random transforms of training batches of images (height, width, channels) and sequences (time, features)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.task import Shape
from specnet.transforms.base import RandomTransform

Fraction = Annotated[float, Field(ge=0, le=1)]


class Augmentation(RandomTransform):
    """A random transform of images and sequences; in these, `width` and `horizontal` are about time."""

    def check_shape(self, shape: Shape) -> None:
        if len(shape) not in (2, 3):
            takes = "images (height, width, channels) or sequences (time, features)"
            raise ShapeError(f"this transform takes {takes}, but a sample has shape {shape}")

    def apply(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = x if x.ndim == 4 else x[:, np.newaxis]
        return self.change(images, rng).reshape(x.shape)

    @abstractmethod
    def change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return images x (n, height, width, channels) changed; sequences have the height 1."""


class RandomFlip(Augmentation):
    """Half of the samples are mirrored: from left to right, from top to bottom, or both independently."""

    examples = ({"mode": "both"}, {"mode": "vertical"})
    mode: Literal["horizontal", "vertical", "both"] = Field(
        default="horizontal", description="direction in which samples are mirrored"
    )

    def change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        axes = {"horizontal": (2,), "vertical": (1,), "both": (2, 1)}[self.mode]
        for axis in axes:
            flipped = (rng.random(len(x)) < 0.5)[:, np.newaxis, np.newaxis, np.newaxis]
            x = np.where(flipped, np.flip(x, axis), x)
        return x


class RandomCrop(Augmentation):
    """A random part of each sample, of the original size, after `padding` positions are added on all sides.

    He et al., "Deep residual learning for image recognition", 2016.
    """

    examples = ({"padding": 2, "padding_mode": "reflect"},)
    padding: int = Field(default=4, ge=1, le=1000, description="positions that are added on each side")
    padding_mode: Literal["zeros", "reflect"] = Field(
        default="zeros", description="content of the padding: zeros or a mirror image"
    )

    def change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for axis in (1, 2):
            if x.shape[axis] > 1:
                shift = rng.integers(-self.padding, self.padding, size=len(x), endpoint=True)
                x = moved(x, shift, axis, self.padding_mode == "reflect")
        return x


class RandomTranslation(Augmentation):
    """Each sample is moved by whole positions, up to a share of its height and width, and 0 fills the free ones."""

    examples = ({"height_factor": 0.0, "width_factor": 0.5},)
    height_factor: Fraction = Field(default=0.1, description="largest move up or down, as share of the height")
    width_factor: Fraction = Field(default=0.1, description="largest move to the left or right, as share of the width")

    def change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for axis, factor in ((1, self.height_factor), (2, self.width_factor)):
            most = round(factor * x.shape[axis]) if x.shape[axis] > 1 else 0
            x = moved(x, rng.integers(-most, most, size=len(x), endpoint=True), axis)
        return x


def moved(x: np.ndarray, shift: np.ndarray, axis: int, mirrored: bool = False) -> np.ndarray:
    """Return samples x (n, ...), each moved along an axis; beyond an end are zeros, or the positions before it."""
    size = x.shape[axis]
    places = np.arange(size) - shift[:, np.newaxis]
    period = max(2 * (size - 1), 1)
    folded = np.abs((places + size - 1) % period - (size - 1)) if mirrored else np.clip(places, 0, size - 1)
    room = (len(x), *(size if other == axis else 1 for other in range(1, x.ndim)))
    y = np.take_along_axis(x, folded.reshape(room), axis)
    return y if mirrored else np.where(((places >= 0) & (places < size)).reshape(room), y, x.dtype.type(0))


class RandomRotation(Augmentation):
    """Each image is turned about its centre by an angle uniform in [-degrees, degrees].

    A pixel is interpolated linearly between the four nearest; what comes from outside is 0. Images only.
    """

    examples = ({"degrees": 90.0},)
    degrees: float = Field(default=10.0, ge=0, le=180, description="largest angle")

    def check_shape(self, shape: Shape) -> None:
        if len(shape) != 3:
            raise ShapeError(f"this transform takes images (height, width, channels), but a sample has shape {shape}")

    def change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, height, width, _ = x.shape
        angle = np.radians(rng.uniform(-self.degrees, self.degrees, (n, 1, 1)))
        v, u = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
        row = np.cos(angle) * v + np.sin(angle) * u + (height - 1) / 2
        column = np.cos(angle) * u - np.sin(angle) * v + (width - 1) / 2
        y = np.zeros_like(x)
        for i in (np.floor(row), np.floor(row) + 1):
            for j in (np.floor(column), np.floor(column) + 1):
                weight = (1 - np.abs(row - i)) * (1 - np.abs(column - j))
                weight = weight * ((i >= 0) & (i < height) & (j >= 0) & (j < width))
                places = np.clip(i, 0, height - 1).astype(np.intp), np.clip(j, 0, width - 1).astype(np.intp)
                y += weight[..., np.newaxis].astype(x.dtype) * x[np.arange(n)[:, np.newaxis, np.newaxis], *places]
        return y


class RandomErasing(Augmentation):
    """Sets a random rectangle of some samples to 0: cutout. In a sequence it is a stretch of time.

    Its area is a share of the image that is uniform in `scale`, its height divided by its width log-uniform in
    [0.3, 3.3]; it is cut off at the edges. DeVries & Taylor, "Improved regularization of convolutional neural networks
    with cutout", 2017; Zhong et al., "Random erasing data augmentation", 2020.
    """

    examples = ({"scale": [0.1, 0.5], "probability": 1.0},)
    scale: Annotated[list[Fraction], Field(min_length=2, max_length=2)] = Field(
        default=[0.02, 0.33], description="smallest and largest share of the image"
    )
    probability: Fraction = Field(default=0.5, description="share of the samples that are changed")

    def change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, height, width, _ = x.shape
        area = rng.uniform(min(self.scale), max(self.scale), (n, 1)) * height * width
        ratio = np.exp(rng.uniform(np.log(0.3), np.log(3.3), (n, 1))) if height > 1 else 1 / area
        sizes = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        inside = []
        for length, extent in zip(sizes, (height, width), strict=True):
            start = np.floor(rng.random((n, 1)) * (np.maximum(extent - length, 0) + 1))
            inside.append((np.arange(extent) >= start) & (np.arange(extent) < start + length))
        chosen = rng.random((n, 1, 1)) < self.probability
        erased = chosen & inside[0][:, :, np.newaxis] & inside[1][:, np.newaxis]
        return np.where(erased[..., np.newaxis], x.dtype.type(0), x)
