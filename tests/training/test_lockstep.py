"""Shards that run side by side are what they are alone, whatever a network is made of."""

import numpy as np
import pytest
from training.test_communicator import make

from specnet.training.lockstep import twin
from specnet.training.loop import run_epoch

NORM = {"type": "batch_norm", "synchronized": True}
LINEAR = {"type": "linear", "units": 3}
NETWORKS = {
    "nested": [{"type": "residual", "layers": [LINEAR, NORM, "tanh"]}, {"type": "linear", "units": 2}],
    "frozen": [LINEAR | {"trainable": False}, NORM, {"type": "linear", "units": 2}],
    "shared": [LINEAR | {"name": "a"}, NORM, LINEAR | {"share": "a"}, NORM, {"type": "linear", "units": 2}],
    "penalized": [LINEAR | {"activity_l2": 0.1}, NORM, {"type": "linear", "units": 2, "l2": 0.01}],
    "scheduled": [
        LINEAR,
        NORM,
        {"type": "linear", "units": 2, "l2": {"type": "linear", "initial": 0.0, "final": 0.3}},
    ],
}


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_shards_side_by_side_compute_what_the_whole_batch_does(layers):
    whole, shards = make(1, layers), make(4, layers)
    for _ in range(2):
        expected, found = run_epoch(whole), run_epoch(shards)
        assert found == pytest.approx(expected | {"seconds": found["seconds"]}, rel=1e-9)
    np.testing.assert_allclose(shards.model.network.params.flat, whole.model.network.params.flat, atol=1e-8)


def test_a_twin_has_the_parameters_of_a_network_and_nothing_else_of_it():
    network = make(1, NETWORKS["shared"]).model.network
    other = twin(network)
    network.params.flat[:] = 7
    assert other.named["layers.2"].weight[0, 0] == 7
    for name in ("grads", "state"):
        assert not np.shares_memory(getattr(network, name).flat, getattr(other, name).flat)
