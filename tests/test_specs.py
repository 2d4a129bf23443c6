"""The specs of the project reach what they promise."""

from pathlib import Path

import pytest

import specnet

SPECS = Path(__file__).parents[1] / "specs"


@pytest.mark.parametrize(
    ("name", "split", "metric", "least", "most"),
    [
        ("spiral", "train", "accuracy", 1.0, 1.0),
        ("regression", "train", "mse", 0.0, 0.015),
        ("mnist", "test", "accuracy", 0.95, 1.0),
    ],
)
def test_a_spec_reaches_what_it_promises(name, split, metric, least, most, tmp_path):
    run = specnet.run(specnet.load_spec(SPECS / f"{name}.json"), out=tmp_path / "run")
    assert least <= run.evaluate(split)[metric] <= most
    assert {path.stem for path in run.plots} == {plot.to_spec()["type"] for plot in run.spec.plots}
