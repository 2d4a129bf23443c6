import math
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.losses.base import Loss
from specnet.task import decide_task


@pytest.fixture
def trained():
    """Makes a run to be drawn: `trained(data=..., predict=...)`, or `trained(history=...)`."""

    def make(
        name="demo",
        history=None,
        data=None,
        predict=lambda x: np.zeros((len(x), 1)),
        function=lambda x: None,
        record=(),
        params=(),
    ):
        dataset = SimpleNamespace(function=function)
        task = decided(data, predict(data.train.inputs[:1])) if data else None
        further = {
            "input_names": data.input_names if data else (),
            "transformed_names": data.input_names if data else (),
            "task": task,
            "record": dict(record),
            "params": dict(params),
            "dataset": dataset,
            "predict": lambda x, mask=None: predict(x),
        }
        return SimpleNamespace(name=name, history=history, data=data, **further)

    def decided(data, y):
        categorical = np.issubdtype(y.dtype, np.integer)
        return decide_task(data.about_targets, Loss.learns, None if categorical else y.shape[1:], categorical)

    return make


@pytest.fixture
def record():
    """Makes what a run records of data: predictions come, share by share, from 0 to those of `predict`."""

    def recorded(final, shares):
        if final.dtype.kind in "iu":  # class numbers stay as they are
            return np.stack([final] * len(shares))
        return np.stack([share * final for share in shares]).astype(np.float16)

    def make(data, predict, epochs=(0, 1, 4, 9, 16), points=20):
        inputs = data.train.inputs
        if inputs.shape[1:] in [(1,), (2,)]:
            axes = list(np.linspace(inputs.min(axis=0) - 0.1, inputs.max(axis=0) + 0.1, points).T)
            grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
            final = predict(grid.reshape(-1, len(axes)))
            final = final.reshape(*grid.shape[:-1], *final.shape[1:])
            kept = {f"axis_{number}": axis for number, axis in enumerate(axes)}
        else:
            split, samples = list(data.splits.items())[-1]
            rows = np.arange(0, len(samples.inputs), 2)
            final = predict(samples.inputs[rows])
            kept = {"sample_split": np.array(split), "sample_rows": rows}
        shares = np.linspace(0.0, 1.0, len(epochs))
        growing = 10.0 ** np.linspace(-3.0, 0.0, 2 * len(epochs)).reshape(-1, 2).astype(np.float32)
        return kept | {
            "epochs": np.array(epochs),
            "predictions": recorded(final, shares),
            "train/loss": np.array([np.nan, *np.linspace(2.0, 1.0, len(epochs) - 1)]),
            "layers": np.array(["layers.0", "layers.2"]),
            "activations": np.empty(0, np.str_),
            "weight_norms": np.full_like(growing, 2.0),
            "gradient_norms": np.concatenate([np.full((1, 2), np.nan, np.float32), growing[1:]]),
            "update_norms": np.concatenate([np.full((1, 2), np.nan, np.float32), growing[:-1]]),
        }

    return make


@pytest.fixture
def tidy():
    """Checks that nothing of a figure overlaps or leaves it."""

    def check(figure):
        figure.draw_without_rendering()
        parts = [figure._suptitle, *figure.legends]
        boxes = [part.get_window_extent() for part in parts] + [axes.get_tightbbox() for axes in figure.axes]
        for box in boxes:
            assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, box
        assert not any(crossing(one, other) for one, other in combinations(boxes, 2))
        for axes in figure.axes:
            assert axes.get_window_extent().width > 0.15 * figure.bbox.width or axes.get_label() == "<colorbar>"
            for axis in (axes.xaxis, axes.yaxis):
                labels = [label for label in axis.get_ticklabels() if label.get_visible() and label.get_text()]
                inside = [label for tick, label in zip(axis.get_ticklocs(), labels, strict=False) if shown(axis, tick)]
                if all(label.get_rotation() in (0, 90) for label in inside):
                    extents = [label.get_window_extent() for label in inside]
                    assert not any(crossing(*pair) for pair in pairwise(extents))
            texts = [text.get_window_extent() for text in axes.texts]
            assert not any(crossing(one, other) for one, other in combinations(texts, 2))

    def shown(axis, tick):
        low, high = sorted(axis.get_view_interval())
        return low <= tick <= high

    def crossing(one, other):
        """Whether two boxes share more than a pixel."""
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        return math.isfinite(wide * high) and wide > 1 and high > 1

    return check


@pytest.fixture
def samples():
    """Makes samples with normal inputs of some shape and the given targets."""

    def make(targets, *input_shape):
        rng = np.random.default_rng(len(targets))
        return Samples(rng.normal(size=(len(targets), *input_shape)), np.asarray(targets))

    return make


@pytest.fixture
def blobs(samples):
    """Makes data of two inputs and the given number of classes, in all three splits."""

    def make(count, **names):
        targets = np.tile(np.arange(count), 4)
        return Data(samples(targets, 2), samples(targets[:count], 2), samples(targets[: 2 * count], 2), **names)

    return make


@pytest.fixture
def legend_texts():
    """Reads the labels of a figure's legend."""
    return lambda figure: [text.get_text() for text in figure.legends[0].get_texts()]
