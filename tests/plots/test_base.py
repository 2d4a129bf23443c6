import subprocess
import sys

import numpy as np
import pytest

from specnet import registry
from specnet.component import build
from specnet.datasets.base import Data, Samples

PLOTS = sorted(registry.claims("plots"))


@pytest.fixture
def run(trained, blobs):
    """A run that every built-in plot can show, by the plot's name."""

    def make(name):
        history = {"epoch": np.array([1, 2]), "train/loss": np.array([2.0, 1.0])}
        data = blobs(2)
        if name == "regression_fit":
            data = Data(Samples(data.train.inputs[:, :1], data.train.targets))
        return trained(name="some-run", history=history, data=data, predict=lambda x: np.tanh(x[:, :1]) / 2 + 0.5)

    return make


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_shows_the_name_of_its_run_and_of_its_axes(name, run):
    plot = build("plots", name)
    plot.check(run(name))
    figure = plot.draw(run(name))
    assert "some-run" in figure.get_suptitle()
    assert figure.axes[0].get_xlabel() and figure.axes[0].get_ylabel()


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_a_picture_of_its_own_and_leaves_settings_alone(name, run, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    first, second = (build("plots", name).draw(run(name)) for _ in range(2))
    assert first is not second
    for number, figure in enumerate((first, second)):
        figure.savefig(tmp_path / f"{number}.png")
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_does_not_change_the_data(name, run):
    shown = run(name)
    before = [array.copy() for samples in shown.data.splits.values() for array in samples]
    build("plots", name).draw(shown)
    after = [array for samples in shown.data.splits.values() for array in samples]
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))


def test_matplotlib_is_imported_to_draw_and_pyplot_never(tmp_path):
    script = """
import sys, types, numpy as np
from specnet import registry
from specnet.component import build
for name in registry.claims("plots"):
    build("plots", name)
assert "matplotlib" not in sys.modules
history = {"epoch": np.array([1]), "train/loss": np.array([1.0])}
build("plots", "curves").draw(types.SimpleNamespace(name="x", history=history)).savefig(sys.argv[1])
assert "matplotlib.figure" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script, str(tmp_path / "x.png")], check=True)
