import json
import math
from pathlib import Path

import numpy as np
import pytest
from specnet_swish import Swish

import specnet
import specnet.testing

SPEC = Path(__file__).parents[1] / "spiral.json"


@pytest.mark.parametrize("case", specnet.testing.cases("specnet-swish"), ids=str)
def test_what_specnet_asks_of_a_plugin_holds(case):
    case()


def test_gradients_agree_with_central_differences_whatever_the_shape():
    specnet.testing.check_layer(Swish(beta=2.0), shapes=[(3,), (4, 5)])


def test_values_are_x_times_sigmoid_of_beta_x():
    network = specnet.build_network([{"type": "swish", "beta": 1.5}], input_shape=(4,), dtype="float64")
    x = np.random.default_rng(0).normal(size=(3, 4), scale=3)
    expected = [[value / (1 + math.exp(-1.5 * value)) for value in row] for row in x]
    np.testing.assert_allclose(network.forward(x), expected, rtol=1e-12)


def test_its_spec_trains_to_full_accuracy(tmp_path):
    run = specnet.run(specnet.load_spec(SPEC, ["plots=[]"]), out=tmp_path / "run")
    assert run.evaluate("train")["accuracy"] == 1.0
    assert run.manifest["components"]["layers.swish"].startswith("specnet-swish ")
    assert json.loads((run.directory / "spec.json").read_text())["layers"][1] == {"type": "swish", "beta": 2.0}
