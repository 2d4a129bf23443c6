"""What is said of the specs of this repository is true."""

from pathlib import Path

import pytest

import specnet

ROOT = Path(__file__).parents[2]
SPECS = {
    path.stem: path
    for path in sorted([*ROOT.glob("specs/*.json"), *ROOT.glob("plugins/*/specs/*.json")])
    if "schema" not in path.name
}
TRUE = {
    # 185 of 256 units are 0 for each of the 4,000 training samples, which are memorized.
    "mnist1d_mlp": {"dead-units"},
    # A linear model is as good: r2 0.466 for 0.464.
    "diabetes": {"below-linear"},
    # Weights of standard deviation 1, as in the book: the first loss is 5.8 instead of 2.3.
    "nielsen": {"starting-loss"},
    # The notebook's networks as they were, with weights as wide. The regression stays at 0.56, far above the noise.
    "notebook_spiral": {"starting-loss"},
    "notebook_regression": {"starting-loss", "one-batch"},
    # 428 training samples are sun, 15 snow.
    "seattle_weather": {"unequal-classes"},
}
"""What is found in specs that are shipped, each looked at and judged."""
SMALL = ["auto_mpg", "micrograd_moons", "penguins_heads"]
CASES = [name if name in SMALL else pytest.param(name, marks=pytest.mark.long) for name in SPECS]


@pytest.mark.parametrize("name", CASES)
def test_what_is_found_in_a_shipped_spec_is_true(name, tmp_path):
    run = specnet.run(specnet.load_spec(SPECS[name], ["plots=[]"]), tmp_path / "run", report=False)
    found = specnet.explain(run)
    assert {each.code for each in found.findings} == TRUE.get(name, set())
    assert found.unchecked == {}
