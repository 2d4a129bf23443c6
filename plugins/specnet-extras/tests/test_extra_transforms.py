"""Transforms of the plugin."""

import numpy as np
import pytest

import specnet
from specnet.errors import ShapeError


def test_time_runs_faster_and_slower_and_ends_where_it_did():
    time = np.broadcast_to(np.linspace(0, 1, 30)[:, np.newaxis], (50, 30, 1))
    transform = specnet.build("transforms", {"type": "time_warp", "std": 0.3})
    place = transform.apply(time, np.random.default_rng(0))[..., 0]
    np.testing.assert_allclose(place[:, 0], 0)
    np.testing.assert_allclose(place[:, -1], 1)
    speed = np.diff(place, axis=1) * 29
    assert speed.min() > 0
    assert speed.std() == pytest.approx(0.2, abs=0.05)  # less than 0.3: it is divided by its mean
    other = np.sin(7 * time)  # linear between two steps
    expected = [np.interp(each * 29, np.arange(30), np.sin(7 * time[0, :, 0])) for each in place]
    np.testing.assert_allclose(transform.apply(other, np.random.default_rng(0))[..., 0], expected)


def test_only_sequences_are_taken():
    with pytest.raises(ShapeError, match=r"takes sequences \(time, features\), but a sample has shape \(2, 3, 4\)"):
        specnet.build("transforms", "time_warp").check_shape((2, 3, 4))
