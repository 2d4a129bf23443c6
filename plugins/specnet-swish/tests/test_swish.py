import json
import math
from pathlib import Path

import numpy as np

import specnet

SPEC = Path(__file__).parents[1] / "spiral.json"


def test_a_spec_finds_swish_by_name():
    layer = specnet.build("layers", {"type": "swish", "beta": 2.0})
    assert layer.to_spec() == {"type": "swish", "beta": 2.0}


def test_values_are_x_times_sigmoid_of_beta_x():
    network = specnet.build_network([{"type": "swish", "beta": 1.5}], input_shape=(4,), dtype="float64")
    x = np.random.default_rng(0).normal(size=(3, 4), scale=3)
    expected = [[value / (1 + math.exp(-1.5 * value)) for value in row] for row in x]
    np.testing.assert_allclose(network.forward(x), expected, rtol=1e-12)


def test_the_gradient_agrees_with_central_differences():
    network = specnet.build_network([{"type": "swish", "beta": 1.5}], input_shape=(4,), dtype="float64")
    rng, h = np.random.default_rng(1), 1e-6
    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    slope = (network.forward(x + h) - network.forward(x - h)) / (2 * h)
    network.forward(x)
    np.testing.assert_allclose(network.backward(dy), slope * dy, rtol=1e-8)


def test_its_spec_trains_to_full_accuracy(tmp_path):
    run = specnet.run(specnet.load_spec(SPEC, ["plots=[]"]), out=tmp_path / "run")
    assert run.evaluate("train")["accuracy"] == 1.0
    assert run.manifest["components"]["layers.swish"].startswith("specnet-swish ")
    assert json.loads((run.directory / "spec.json").read_text())["layers"][1] == {"type": "swish", "beta": 2.0}
