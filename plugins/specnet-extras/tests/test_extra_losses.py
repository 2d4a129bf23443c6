"""Losses of the plugin against their definitions."""

from itertools import groupby, product

import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError
from specnet.testing import check_loss

RNG = np.random.default_rng(3)


def all_paths(y, labels):
    """-log of the sum of the probabilities of all paths that become the labels."""
    p, total = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True), 0.0
    for path in product(range(y.shape[1]), repeat=len(y)):
        if [k for k, _ in groupby(path) if k] == [*labels]:
            total += np.prod(p[np.arange(len(y)), list(path)])
    return -np.log(total)


LABELS = [[1, 2, 0], [1, 1, 0], [2, 0, 0], [0, 0, 0], [1, 2, 1]]


def test_ctc_sums_over_all_paths():
    y = RNG.normal(size=(5, 5, 3))
    loss = specnet.build("losses", "ctc")
    target = loss.prepare(np.array(LABELS), (5, 3), np.dtype(float))
    expected = [all_paths(z, [k for k in row if k]) for z, row in zip(y, LABELS, strict=True)]
    assert loss.forward(y, target) == pytest.approx(np.mean(expected))
    weight = np.array([1.0, 0, 2, 3, 1])
    assert loss.forward(y, target, weight) == pytest.approx(weight @ expected / weight.sum())
    check_loss("ctc", y, np.array(LABELS))


def test_masked_steps_are_left_out():
    y, mask = RNG.normal(size=(5, 7, 3)), np.ones((5, 7))
    mask[:, [2, 6]] = 0
    loss = specnet.build("losses", "ctc")
    target = loss.prepare(np.array(LABELS), (7, 3), np.dtype(float))
    found, dy = loss.forward(y, target, mask), loss.backward()
    assert found == pytest.approx(loss.forward(y[:, [0, 1, 3, 4, 5]], target))
    assert not dy[:, [2, 6]].any()
    np.testing.assert_allclose(dy[:, [0, 1, 3, 4, 5]], loss.backward())


@pytest.mark.parametrize("labels", [[[1, 0, 2]], [[3, 0, 0]], [[1.5, 0, 0]], [[1, 1, 1]]])
def test_labels_that_cannot_be_are_refused(labels):
    with pytest.raises(SpecnetError):
        specnet.build("losses", "ctc").prepare(np.array(labels), (4, 3), np.dtype(float))


def test_triplet_by_hand():
    y = np.array([[0.0, 0, 3, 4, 0, 1], [0, 0, 1, 0, 0, 9], [0, 0, 0, 0, 0.5, 0]])
    loss = specnet.build("losses", "triplet")
    assert loss.forward(y, np.zeros(3)) == pytest.approx((5 - 1 + 1 + 0 + 0.5) / 3)
    expected = [[-0.6, 0.2, 0.6, 0.8, 0, -1], [0] * 6, [1, 0, 0, 0, -1, 0]]
    np.testing.assert_allclose(3 * loss.backward(), expected, atol=1e-12)


def test_a_network_of_three_branches_learns_by_triplets(tmp_path):
    x = RNG.normal(size=(40, 6))
    x[:, 2:4] = x[:, :2] + 0.1 * RNG.normal(size=(40, 2))
    layers = [{"type": "reshape", "target_shape": [3, 2]}, {"type": "linear", "units": 4}, "flatten"]
    spec = {"layers": layers, "loss": "triplet", "training": {"epochs": 30}, "record": None, "plots": []}
    run = specnet.run(spec, tmp_path / "run", data=(x, np.zeros(40)), report=False)
    assert run.history["train/loss"][-1] < run.history["train/loss"][0]
