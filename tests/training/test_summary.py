import numpy as np
import pytest

import specnet
from specnet.training.summary import layer_costs, time_step

LAYERS = [
    {"type": "linear", "units": 8},
    "tanh",
    {
        "type": "residual",
        "layers": [{"type": "repeat", "times": 3, "layers": [{"type": "linear", "units": 8}, "relu"]}],
    },
    "flatten",
    {"type": "linear", "units": 2, "bias": False},
]


@pytest.fixture
def network():
    return specnet.build_network(LAYERS, (5, 4), "float64")


def test_costs_are_those_of_the_formulas(network):
    costs = {cost.place: cost for cost in layer_costs(network.layers)}
    first, repeated, last = ("layers", 0), ("layers", 2, "layers", 0, "layers", 0), ("layers", 4)
    assert list(costs) == [first, ("layers", 1), ("layers", 2), ("layers", 2, "layers", 0), repeated,
                           (*repeated[:-1], 1), ("layers", 3), last]  # fmt: skip
    # y = x W + b on 5 rows of 4 features: 4 multiplications with their additions, and b, for each of 8 outputs.
    assert (costs[first].parameters, costs[first].flops) == (4 * 8 + 8, 5 * 8 * (2 * 4 + 1))
    assert costs[first].activations == 2 * 5 * 8
    assert (costs[repeated].copies, costs[repeated].parameters) == (3, 3 * (8 * 8 + 8))
    assert (costs[last].parameters, costs[last].flops) == (40 * 2, 40 * 2 * 2)
    assert (costs["layers", 3].flops, costs["layers", 3].activations) == (0, 0)


def test_all_parameters_are_counted_once(network):
    assert sum(cost.parameters for cost in layer_costs(network.layers)) == network.params.flat.size


def test_the_time_of_a_step_is_that_of_its_layers_and_its_optimizer():
    # A matrix product takes longer than a rectifier of the same outputs, by far.
    network = specnet.build_network([{"type": "linear", "units": 300}, "relu"], (500,))
    seconds = time_step(network, specnet.build("optimizers", "sgd"), 64)
    assert len(seconds) == 3
    assert all(0 < second < 1 for second in seconds)
    assert seconds[0] > seconds[1]


def test_measuring_takes_the_slots_that_the_optimizer_asks_for(network):
    before = network.params.flat.copy()
    assert np.isfinite(time_step(network, specnet.build("optimizers", "adam"), 1)).all()
    assert not np.array_equal(network.params.flat, before)
