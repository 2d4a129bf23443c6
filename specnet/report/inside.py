"""Pictures of what happens inside a network, as the page shows them: those of each checkpoint follow the replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from specnet.errors import SpecnetError
from specnet.functions import evenly_spaced
from specnet.recording.inside import MAPS, Embedded, attention_maps, embedded, feature_maps, first_weights
from specnet.report.base import Reported
from specnet.report.packing import thumbnails

MOST_POINTS = 400
"""Points of an embedding at most."""
MOST_NAMES = 100
"""Rows of an embedding up to which each has its name beside it."""
SIDE = 320
"""Width and height of its picture."""
MOVING_LETTERS = 300_000
"""Letters of the images of all checkpoints at most: of further ones there are none but of the last."""


class Album(NamedTuple):
    """Images under a title, as data URIs."""

    title: str
    images: list[str]


class Scatter(NamedTuple):
    """Points in a square of `SIDE`: (x, y) at each checkpoint, names of axes, and class and name of each point.

    `classes` are those in the legend; rows of an embedding are `named` beside their points if they are few.
    """

    title: str
    places: list[list[tuple[float, float]]]
    axes: list[str]
    points: list[tuple[int, str]]
    classes: list[str]
    named: bool


class Inside(NamedTuple):
    """Epochs of checkpoints, the albums of each, and the scatter of an embedding, if there is one."""

    epochs: list[int]
    albums: list[list[Album]]
    scatter: Scatter | None

    @property
    def moving(self) -> dict[str, Any]:
        """What the page's script needs to follow the replay, as a JSON value."""
        images = [[album.images for album in albums] for albums in self.albums]
        return {"epochs": self.epochs, "albums": images, "places": self.scatter.places if self.scatter else []}


def look_inside(run: Reported, replayed: bool) -> Inside:
    """Return albums of filters, feature maps and attention, and the scatter of an embedding, where there are any.

    They are those of every checkpoint if a replay is there to follow, else those of the run's own.
    """
    moments = [*run.moments()] if replayed else []
    moments = moments or [(int(run.best["epoch"]), run)]
    albums = [_albums(each) for _, each in moments]
    scatter = _unless_refused(lambda: _scatter([each for _, each in moments]), None)
    if sum(len(image) for each in albums for album in each for image in album.images) > MOVING_LETTERS:
        moments, albums = moments[-1:], albums[-1:]
        scatter = scatter and scatter._replace(places=scatter.places[-1:])
    return Inside([epoch for epoch, _ in moments], albums, scatter)


def _albums(run: Reported) -> list[Album]:
    return [
        album
        for make in (_filters, _feature_maps, _attention)
        for album in _unless_refused(lambda make=make: make(run), [])  # type: ignore[misc]
    ]


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


def _scatter(runs: Sequence[Reported]) -> Scatter:
    """Return points at several checkpoints, all along the axes of the last and in one scale."""
    last = embedded(runs[-1])
    every = [*(embedded(run, last.plane.axes) for run in runs[:-1]), last]
    chosen = evenly_spaced(len(last.truth), MOST_POINTS)
    centred = [each.plane.points - each.plane.points.mean(axis=0) for each in every]
    together = np.concatenate(centred)
    low, high = together.min(axis=0), together.max(axis=0)
    scaled = [(each[chosen] - low) / np.where(high > low, high - low, 1.0) * (SIDE - 40) + 20 for each in centred]
    places = [[(round(x, 1), round(SIDE - y, 1)) for x, y in each.tolist()] for each in scaled]
    axes = [f"component {number + 1}, {share:.0%} of the variance" for number, share in enumerate(last.plane.shares)]
    points, named = [_point(last, number) for number in chosen], 0 < len(last.rows) <= MOST_NAMES
    return Scatter(last.what, places, axes, points, [*(last.classes or ())], named)


def _point(found: Embedded, number: int) -> tuple[int, str]:
    """Return class and name of a point; without classes all are one."""
    if found.rows:
        return 0, found.rows[number]
    value = found.truth[number]
    return (int(value), found.classes[int(value)]) if found.classes else (0, f"{value:g}")
