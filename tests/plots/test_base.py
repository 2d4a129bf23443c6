import io
import subprocess
import sys
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import sampled

import specnet
from specnet import registry
from specnet.component import build
from specnet.datasets.base import Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows
from specnet.errors import PlotError
from specnet.functions import softmax
from specnet.plots.base import SplitPlot
from specnet.report.pictures import write_picture
from specnet.training.model import Model
from specnet.transforms.pipeline import Pipeline

PLOTS = sorted(registry.claims("plots").keys() - {"written_text"})  # which has no axes: test_written_text.py
INSIDE = {
    "attention": ([{"type": "multi_head_attention", "num_heads": 2}], (4, 2)),
    "feature_maps": ([{"type": "conv2d", "filters": 3, "kernel_size": 2}], (6, 6, 1)),
    "occlusion": (["flatten", {"type": "linear", "units": 1}], (6, 6, 1)),
    "saliency": (["flatten", {"type": "linear", "units": 1}], (6, 6, 1)),
    "sequences": ([{"type": "rnn", "units": 1}], (5, 2)),
}
"""Layers and shapes of inputs for plots that show what is inside."""


@pytest.fixture
def run(trained, blobs, samples, record):
    """A run that a built-in plot can show, by the plot's name."""

    def make(name, title="some-run", count=2, **names):
        history = {
            "epoch": np.array([1, 2]),
            "step": np.array([10, 20]),
            "optimizer.learning_rate": np.array([0.2, 0.1]),
        }
        history["train/loss"] = np.array([2.0, 1.0])
        data = blobs(count, **names)

        def predict(x):
            x = x.reshape(len(x), -1)[:, :1]
            return np.tanh(x) / 2 + 0.5 if count == 2 else softmax(-np.square(x - np.arange(count)))

        if name in ("regression_fit", "residuals"):
            data = replace(data, **{split: Samples(x[:, :1], x[:, 1]) for split, (x, *_) in data.splits.items()})
            predict = np.tanh
        elif name in INSIDE:
            shape = INSIDE[name][1]
            data = replace(data, **{split: samples(y, *shape) for split, (_, y, *_) in data.splits.items()})
        elif name == "samples":
            data = replace(data, **{split: samples(y, 5, 5, 1) for split, (_, y, *_) in data.splits.items()})
        params = {"layers.0.weight": np.linspace(-1.0, 1.0, 8).reshape(2, 4)}
        shown = trained(title, history, data, predict, record=record(data, predict), params=params)
        layers, shape = INSIDE.get(
            name, ([{"type": "linear", "units": 3}, "tanh", {"type": "linear", "units": 1}], (2,))
        )
        network = specnet.build_network(layers, shape)
        model = Model(network, build("losses", "mse"), Pipeline([], ("inputs",)), Pipeline([], ("targets",)))
        shown.layers, shown.look_inside = network.layers, model.look_inside
        shown.evaluate = lambda samples: {"loss": float(np.mean(predict(samples.inputs)))}
        shown.input_gradient = lambda inputs, outputs, mask: np.ones_like(inputs)
        return shown

    return make


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_a_figure_of_its_own_with_names_of_run_and_axes_and_leaves_data_alone(name, run):
    plot, shown = build("plots", name), run(name)
    before = [array.copy() for samples in shown.data.splits.values() for array in samples[:2]]
    plot.check(shown)
    figure = plot.draw(shown)
    assert "some-run" in figure.get_suptitle()
    if name not in ("attention", "feature_maps", "network"):  # which have no axes
        assert any(axes.get_xlabel() for axes in figure.axes)
        assert figure.axes[0].get_ylabel() or name in ("samples", "sequences", "saliency", "occlusion")
    frames = list(plot.frames(shown))
    assert plot.moves == (name == "replay")
    assert len(frames) == (5 if plot.moves else 1)
    assert figure not in frames
    after = [array for samples in shown.data.splits.values() for array in samples[:2]]
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(("name", "count"), sampled(product(PLOTS, [2, 3, 7, 30]), 9))
def test_nothing_overlaps_or_leaves_a_plot(name, count, run, tidy):
    names = {
        "classes": tuple(f"a class with a long name {number}" for number in range(count)),
        "input_names": ("the width of something in metres, on a Monday, measured from the left",) * 2,
        "target_names": ("the height of something in metres, on a Monday, above the sea",),
    }
    tidy(build("plots", name).draw(run(name, "x" * 100, count, **names)))


@pytest.mark.parametrize("name", PLOTS)
def test_what_a_plot_needs_of_a_record_is_asked_for_before_training(name, run):
    shown = run(name)
    shown.record = {}
    if name in ("gradient_norms", "history_grid", "replay"):
        with pytest.raises(PlotError, match="the run has no record") as caught:
            build("plots", name).check(shown)
        assert '"record"' in caught.value.help
    else:
        build("plots", name).check(shown)
        build("plots", name).draw(shown)


@pytest.mark.parametrize("name", ["gradient_norms", "history_grid", "replay"])
@pytest.mark.parametrize("missing", ["layers", "train/loss"])
def test_a_record_of_an_older_version_is_refused(name, missing, run):
    shown = run(name)
    del shown.record[missing]
    with pytest.raises(PlotError, match="older version of specnet") as caught:
        build("plots", name).check(shown)
    assert caught.value.help


@pytest.fixture
def streamed():
    """Makes the same run with samples that are read a few at a time."""

    def rows(array):
        return Rows(array.shape, array.dtype, lambda start, stop: array[start:stop].copy())

    def make(run, buffer=80):
        splits = {name: StreamedSamples(*map(rows, part[:2]), buffer) for name, part in run.data.splits.items()}
        return SimpleNamespace(**(vars(run) | {"data": replace(run.data, **splits)}))

    return make


@pytest.mark.parametrize(
    ("name", "format"), sampled([(name, format) for format in ("svg", "png") for name in PLOTS], 5)
)
def test_a_plot_is_the_same_file_each_time_of_streamed_samples_too_and_leaves_settings_alone(
    name, format, run, streamed
):
    import matplotlib

    before = dict(matplotlib.rcParams)
    here = run(name)
    there = streamed(here)
    assert len(list(there.data.test.pieces())) > 1
    pictures = []
    for shown in (here, there):
        build("plots", name).check(shown)
        pictures.append(io.BytesIO())
        write_picture(build("plots", name), shown, pictures[-1], format)
    assert pictures[0].getvalue() == pictures[1].getvalue()
    assert pictures[0].getvalue().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[format])
    assert dict(matplotlib.rcParams) == before


class Counted(SplitPlot):
    """Writes down the samples that it is fed with."""

    most_samples = 5

    def reset(self):
        self.fed = []

    def update(self, prediction, target, inputs):
        assert len(prediction) == len(target) == len(inputs)
        self.fed += target.tolist()

    def picture(self, run, shown):
        return self.fed, shown


@pytest.mark.parametrize(("count", "fed", "shown"), [
    (5, [0, 1, 2, 3, 4], "train split"),
    (17, [0, 4, 8, 12, 16], "5 of 17 samples of the train split"),
    (4001, [0, 1000, 2000, 3000, 4000], "5 of 4,001 samples of the train split"),
])  # fmt: skip
def test_a_plot_of_a_split_is_fed_with_evenly_chosen_samples_and_says_so(count, fed, shown, trained, samples, streamed):
    run = trained(data=Data(samples(np.arange(count), 2)))
    assert Counted().draw(run) == Counted().draw(streamed(run)) == (fed, shown)


@pytest.mark.parametrize("name", ["regression_fit", "decision_boundary", "replay", "history_grid"])
def test_the_legend_says_how_many_samples_are_drawn(name, trained, samples, record, legend_texts):
    inputs = 1 if name == "regression_fit" else 2
    data = Data(samples(np.arange(2500) % 2, inputs), test=samples([0, 1], inputs))

    def predict(x):
        return 1 / (1 + np.exp(-x[:, :1]))

    texts = legend_texts(build("plots", name).draw(trained(data=data, predict=predict, record=record(data, predict))))
    assert "train (1,000 of 2,500)" in texts and "test" in texts


def test_matplotlib_is_imported_to_draw_and_pyplot_never(tmp_path):
    script = """
import sys, types, numpy as np
import specnet
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
