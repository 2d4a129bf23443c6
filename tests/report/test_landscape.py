"""The pictures of the loss around a run's path are those of its training loss."""

import itertools
import re

import numpy as np
import pytest

import specnet
from specnet.errors import PlotError, SpecnetError
from specnet.report.landscape import along_gradient, fixed_loss, show_landscape, trajectory_plane
from specnet.report.page import page

SPEC = {
    "dtype": "float64",
    "dataset": {"type": "waves", "n_samples": 40},
    "split": {"validation": 0},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "mse",
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
    "training": {"epochs": 8, "batch_size": 20},
    "record": {"every": 1, "curvature": True},
    "plots": [],
}


@pytest.fixture
def train(tmp_path):
    numbers = itertools.count()
    return lambda **changes: specnet.run(
        specnet.load_spec({**SPEC, **changes}), out=tmp_path / f"run-{next(numbers)}", report=False
    )


def test_along_the_gradient_the_loss_begins_at_its_value_and_falls_by_its_slope(train):
    run = train()
    fixed, _ = fixed_loss(run)
    w = run.record["parameters"][-1].astype(float)
    loss, gradient = fixed.evaluate(w)
    x, t = run.data.train.inputs, run.data.train.targets.reshape(-1, 1)
    assert loss == pytest.approx(np.mean((run.predict(x) - t) ** 2), rel=1e-5)  # parameters are in float32
    along = along_gradient(fixed, w, 10.0, 0.1)
    assert along.marks == {"learning rate": 0.1, "2 / curvature": 0.2}
    assert along.sizes[-1] == pytest.approx(0.44)
    assert np.interp(0, along.sizes, along.losses) == pytest.approx(loss, rel=1e-3)
    near = along_gradient(fixed, w, 2e6, np.nan)
    slope = np.gradient(near.losses, near.sizes)[10]
    assert slope == pytest.approx(-(gradient @ gradient), rel=1e-3)
    assert near.marks == {"2 / curvature": 1e-6}


@pytest.mark.parametrize(("curvature", "rate"), [(-1.0, 0.1), (-1.0, np.nan), (1e-9, 0.5), (1.0, 1e9)])
def test_any_curvature_and_learning_rate_has_a_finite_range(train, curvature, rate):
    run = train()
    fixed, _ = fixed_loss(run)
    along = along_gradient(fixed, run.record["parameters"][-1].astype(float), curvature, rate)
    assert np.isfinite(along.sizes).all()
    assert all(along.sizes[0] < size <= along.sizes[-1] for size in along.marks.values())


def test_the_plane_has_the_losses_at_its_places_and_the_path_in_it(train):
    run = train()
    fixed, _ = fixed_loss(run)
    trajectory = run.record["parameters"].astype(float)
    plane = trajectory_plane(fixed, trajectory, 9)
    assert plane.losses.shape == (9, 9)
    np.testing.assert_allclose(plane.path[-1], 0, atol=1e-12)
    differences = trajectory - trajectory[-1]
    directions = np.linalg.lstsq(plane.path, differences)[0]
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-8)
    at = trajectory[-1] + plane.places[0][2] * directions[0] + plane.places[1][7] * directions[1]
    assert plane.losses[2, 7] == pytest.approx(fixed.evaluate(at)[0], rel=1e-8)
    left = np.sum((differences - plane.path @ directions) ** 2) / np.sum(differences**2)
    assert sum(plane.shares) == pytest.approx(1 - left, rel=1e-8)
    for axis, places in enumerate(plane.places):
        assert places[0] < plane.path[:, axis].min() <= plane.path[:, axis].max() < places[-1]


def test_the_page_shows_curvatures_against_the_stable_one_and_both_pictures(train):
    run = train()
    text = page(run)
    assert "loss over the plane of the path, epochs 0 to 8" in text
    assert re.search(r'"title":"curvature".*"name":"stable below"', text)
    assert text.count('class="level') == 11
    assert page(run) == text
    adam = page(train(optimizer="adam"))
    assert '"title":"curvature"' in adam
    assert '"stable below"' not in adam
    without = page(train(record={"every": 1}))
    assert '"title":"curvature"' not in without
    assert 'class="pair landscape"' not in without


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layers": [{"type": "linear", "units": 1, "l2": {"type": "cosine", "initial": 0.1}}]}, "changes with time"),
        ({"training": {"epochs": 8, "l2": {"type": "cosine", "initial": 0.1}}}, "changes with time"),
        ({"training": {"epochs": 1}}, "lie on a line"),
    ],
    ids=["scheduled", "scheduled for all layers", "short"],
)  # fmt: skip
def test_what_has_no_picture_is_told(train, changes, reason):
    run = train(**changes)
    with pytest.raises(SpecnetError, match=reason):
        show_landscape(run)
    assert reason in page(run)


def test_a_network_that_takes_long_has_no_picture(train, monkeypatch):
    monkeypatch.setattr("specnet.report.landscape.MOST_OPERATIONS", 1e4)
    with pytest.raises(PlotError, match="too many operations"):
        show_landscape(train())


def test_a_network_with_many_parameters_has_no_picture(train, monkeypatch):
    monkeypatch.setattr("specnet.recording.curvature.KEPT_PARAMETERS", 12)
    run = train()
    assert "parameters" not in run.record
    with pytest.raises(PlotError, match="not all parameters are recorded"):
        show_landscape(run)
