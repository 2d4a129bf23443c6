"""Pictures of what happens inside a network, as the page shows them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from specnet.errors import SpecnetError
from specnet.functions import evenly_spaced
from specnet.recording.inside import MAPS, attention_maps, embedded, feature_maps, first_weights
from specnet.report.base import Reported
from specnet.report.packing import thumbnails

MOST_POINTS = 400
"""Points of an embedding at most."""
SIDE = 320
"""Width and height of its picture."""


class Album(NamedTuple):
    """Images under a title, as data URIs."""

    title: str
    images: list[str]


class Scatter(NamedTuple):
    """Points (x, y, class) in a square of `SIDE`, names of their axes, and classes; a point has its row as its name."""

    title: str
    points: list[tuple[float, float, int, str]]
    axes: list[str]
    classes: list[str]


def look_inside(run: Reported) -> dict[str, Any]:
    """Return albums of filters, feature maps and attention, and the scatter of an embedding, where there are any."""
    albums: list[Album] = []
    for make in (_filters, _feature_maps, _attention):
        albums += _unless_refused(lambda make=make: make(run), [])  # type: ignore[misc]
    return {"albums": albums, "scatter": _unless_refused(lambda: _scatter(run), None)}


def _unless_refused(make: Callable[[], Any], other: Any) -> Any:
    """Return what is made, or another value where the network has nothing like it or the data are gone."""
    with suppress(SpecnetError):
        return make()
    return other


def _filters(run: Reported) -> list[Album]:
    name, weights = first_weights(run)
    if weights.ndim != 4:
        return []
    images = np.moveaxis(weights, -1, 0)[:MAPS]
    images = images if images.shape[-1] == 3 else images.mean(axis=-1)
    return [Album(f"filters, {name}", thumbnails(images))]


def _feature_maps(run: Reported) -> list[Album]:
    image, maps = feature_maps(run)
    found = [Album(f"feature maps, {each.title}", thumbnails(each.images)) for each in maps]
    return [Album("a sample", thumbnails(image[np.newaxis])), *found]


def _attention(run: Reported) -> list[Album]:
    return [
        Album(f"attention, {each.title}: to rows from columns", thumbnails(each.images)) for each in attention_maps(run)
    ]


def _scatter(run: Reported) -> Scatter:
    found = embedded(run)
    chosen = evenly_spaced(len(found.points), MOST_POINTS)
    low, high = found.points.min(axis=0), found.points.max(axis=0)
    places = (found.points[chosen] - low) / np.where(high > low, high - low, 1.0) * (SIDE - 40) + 20
    numbers = found.truth[chosen].astype(int) if found.classes else np.zeros(len(chosen), int)
    names = [found.classes[number] for number in numbers] if found.classes else [f"{found.truth[n]:g}" for n in chosen]
    points = [
        (round(x, 1), round(SIDE - y, 1), int(n), name) for (x, y), n, name in zip(places, numbers, names, strict=True)
    ]
    axes = [f"component {number + 1}, {share:.0%} of the variance" for number, share in enumerate(found.shares)]
    return Scatter(found.what, points, axes, found.classes or [])
