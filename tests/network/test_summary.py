import pytest

import specnet
from specnet.network.summary import layer_costs

LAYERS = [
    {"type": "linear", "units": 8},
    "tanh",
    {
        "type": "residual",
        "layers": [{"type": "repeat", "times": 3, "layers": [{"type": "linear", "units": 8}, "relu"]}],
    },
    "flatten",
    {"type": "linear", "units": 2, "use_bias": False},
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
    assert (costs[repeated].copies, costs[repeated].parameters) == (3, 3 * (8 * 8 + 8))
    assert (costs[last].parameters, costs[last].flops) == (40 * 2, 40 * 2 * 2)
    assert costs["layers", 3].flops == 0


def test_all_parameters_are_counted_once(network):
    assert sum(cost.parameters for cost in layer_costs(network.layers)) == network.params.flat.size
