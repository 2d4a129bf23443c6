"""The loss around the path of a run: along its last gradient, and over the plane in which the path is widest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from specnet.datasets.sampling import evenly_chosen
from specnet.errors import PlotError
from specnet.functions import format_number
from specnet.network.summary import layer_costs
from specnet.optimizers.base import frozen_layers
from specnet.recording.curvature import CURVATURE_ROWS
from specnet.report.base import Reported
from specnet.schedules.scheduled import ScheduledFields
from specnet.training.batches import Batch
from specnet.training.fixed_loss import FixedLoss

MOST_OPERATIONS = 4e9
"""Operations that the plane may take: about a second."""
PLANE_POINTS = (9, 25)
"""Points along each axis of the plane, at least and at most; with fewer it is not drawn."""
ALONG_POINTS = 81
"""Points along the gradient."""
_LEVELS = 11
_WIDE, _HIGH = 340, 260
_LEFT, _TOP = 12, 10


class Along(NamedTuple):
    """Losses (m,) after a step of these sizes (m,) against the last gradient, and named sizes to mark."""

    sizes: np.ndarray
    losses: np.ndarray
    marks: dict[str, float]


class TrajectoryPlane(NamedTuple):
    """Losses (k, k) over places (k,) along two components, the first axis that of the first component.

    `path` (frames, 2) are the places of the recorded parameters, `shares` those of the squared distances from the last
    of them that lie along the components.
    """

    places: tuple[np.ndarray, np.ndarray]
    losses: np.ndarray
    path: np.ndarray
    shares: tuple[float, float]


class LandscapeView(NamedTuple):
    """Both as SVG paths in a box of `size`."""

    size: tuple[int, int]
    epochs: tuple[int, int]
    along: str
    marks: list[tuple[float, str]]
    along_labels: list[str]
    cells: list[tuple[int, str, str]]
    range: tuple[str, str]
    path: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    axes: list[str]


def show_landscape(run: Reported) -> LandscapeView | None:
    """Return the landscape of a run for its page; None if its parameters are not recorded.

    Raises:
        PlotError: if it cannot be computed, or not in a short time.
        SpecnetError: if the data cannot be loaded any more.
    """
    if "curvature" not in run.record:
        return None
    record = run.record
    if "parameters" not in record:
        raise PlotError("the network is too large for a picture of its loss: not all parameters are recorded")
    fixed, points = fixed_loss(run)
    trajectory = record["parameters"].astype(np.float64)
    rate = float(record["optimizer.learning_rate"][-1]) if "optimizer.learning_rate" in record else math.nan
    optimizer = run.spec.optimizer
    descends = not optimizer.adaptive and optimizer.stable_curvature_at(rate) is not None
    along = along_gradient(fixed, trajectory[-1], float(record["curvature"][-1][0]), rate if descends else math.nan)
    return draw_landscape(along, trajectory_plane(fixed, trajectory, points), record["epochs"])


def fixed_loss(run: Reported) -> tuple[FixedLoss, int]:
    """Return the training loss on some samples, and the points along each axis of the plane, or raise a PlotError."""
    model = run.model
    if model.network.scheduled.fields or ScheduledFields({"loss": model.loss}).fields:
        raise PlotError("the loss of a network with scheduled fields changes with time: it has no picture")
    samples = evenly_chosen(run.data.train, CURVATURE_ROWS)
    operations = 3 * len(samples.inputs) * sum(cost.flops for cost in layer_costs(model.network.layers))
    points = min(PLANE_POINTS[1], int((MOST_OPERATIONS / max(operations, 1)) ** 0.5))
    if points < PLANE_POINTS[0]:
        raise PlotError("the network takes too many operations for a picture of its loss")
    batch = model.prepare(samples.map(model.inputs.apply, model.targets.apply), samples.targets)
    assert isinstance(batch, Batch)
    fixed = FixedLoss(model, run.spec.training, batch)
    fixed.network.freeze(frozen_layers(run.spec.optimizer, len(fixed.network.layers)))
    return fixed, points


def along_gradient(fixed: FixedLoss, w: np.ndarray, curvature: float, rate: float) -> Along:
    """Return the loss after steps of gradient descent from w, up to beyond the size at which they become unstable."""
    gradient = fixed.gradient(w)
    marks = {"learning rate": rate, "2 / curvature": 2 / curvature if curvature > 0 else math.nan}
    marks = {name: size for name, size in marks.items() if math.isfinite(size)}
    unit = marks.get("2 / curvature", marks.get("learning rate", 1.0))
    last = min(max(2.2 * unit, 1.2 * marks.get("learning rate", 0.0)), 20 * unit)
    sizes = np.linspace(-0.1 * last, last, ALONG_POINTS)
    losses = np.array([fixed.evaluate(w - size * gradient)[0] for size in sizes])
    return Along(sizes, losses, {name: size for name, size in marks.items() if size <= last})


def trajectory_plane(fixed: FixedLoss, trajectory: np.ndarray, points: int) -> TrajectoryPlane:
    """Return the loss over the plane through the last of recorded parameters (frames, n) that is nearest to all.

    It is spanned by the first two principal components of their differences to the last. Li et al., "Visualizing the
    loss landscape of neural nets", 2018. Parameters that are not finite, or span no plane, are a PlotError.
    """
    if not np.isfinite(trajectory).all():
        raise PlotError("recorded parameters are not finite")
    differences = trajectory - trajectory[-1]
    _, lengths, components = np.linalg.svd(differences, full_matrices=False)
    if len(lengths) < 2 or lengths[1] <= 1e-6 * lengths[0]:
        raise PlotError("the recorded parameters lie on a line: there is no plane of their path")
    plane = components[:2] * np.sign(components[:2].sum(axis=1, keepdims=True) + 1e-300)
    path = differences @ plane.T
    low, high = path.min(axis=0), path.max(axis=0)
    margin = 0.25 * (high - low)
    first, second = (np.linspace(a, b, points) for a, b in zip(low - margin, high + margin, strict=True))
    losses = [[fixed.evaluate(trajectory[-1] + a * plane[0] + b * plane[1])[0] for b in second] for a in first]
    shares = lengths[:2] ** 2 / np.sum(lengths**2)
    return TrajectoryPlane((first, second), np.array(losses), path, (float(shares[0]), float(shares[1])))


def draw_landscape(along: Along, plane: TrajectoryPlane, epochs: np.ndarray) -> LandscapeView:
    """Return what the page draws."""
    finite = np.isfinite(along.losses)
    sizes, losses = along.sizes[finite], along.losses[finite]
    x, y = _scale(along.sizes, _LEFT, _LEFT + _WIDE), _scale(losses, _TOP + _HIGH, _TOP)
    marks = [(round(float(x(size)), 1), f"{name} {format_number(size)}") for name, size in along.marks.items()]
    columns = _scale(plane.places[0], _LEFT, _LEFT + _WIDE, half=True)
    rows = _scale(plane.places[1], _TOP + _HIGH, _TOP, half=True)
    path = np.column_stack([columns(plane.path[:, 0]), rows(plane.path[:, 1])]).round(1)
    start, end = ((float(place[0]), float(place[1])) for place in (path[0], path[-1]))
    return LandscapeView(
        (_LEFT + _WIDE + 12, _TOP + _HIGH + 44),
        (int(epochs[0]), int(epochs[-1])),
        _polyline(np.column_stack([x(sizes), y(losses)])),
        marks,
        [*map(format_number, (along.sizes[0], along.sizes[-1], losses.min(), losses.max()))],
        _cells(plane.losses),
        (format_number(np.nanmin(plane.losses)), format_number(np.nanmax(plane.losses))),
        _polyline(path),
        (start, end),
        [f"component {number + 1}, {share:.0%} of the path" for number, share in enumerate(plane.shares)],
    )


def _scale(values: np.ndarray, start: float, end: float, half: bool = False) -> Callable[[Any], Any]:
    """Return a linear function from the range of values to pixels; with `half`, values are centres of equal cells."""
    low, high = float(values.min()), float(values.max())
    edge = (high - low) / (len(values) - 1) / 2 if half else 0.0
    low, span = low - edge, high - low + 2 * edge or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _polyline(places: np.ndarray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places.tolist())


def _cells(losses: np.ndarray) -> list[tuple[int, str, str]]:
    """Return the cells of each level of the loss as one path, with the level and its range in words.

    Levels have about as many cells each: a loss may grow by many powers of ten.
    """
    losses = np.where(np.isfinite(losses), losses, np.inf)
    bounds = np.quantile(losses[np.isfinite(losses)], np.linspace(0, 1, _LEVELS + 1))
    levels = np.clip(np.searchsorted(bounds, losses, side="right") - 1, 0, _LEVELS - 1)
    width, height = _WIDE / len(losses), _HIGH / losses.shape[1]
    found = []
    for level in range(_LEVELS):
        places = np.argwhere(levels == level)
        path = "".join(
            f"M{_LEFT + i * width:.1f} {_TOP + _HIGH - (j + 1) * height:.1f}h{width:.2f}v{height:.2f}h{-width:.2f}z"
            for i, j in places.tolist()
        )
        words = f"loss {format_number(float(bounds[level]))} to {format_number(float(bounds[level + 1]))}"
        found.append((level, words, path))
    return found
