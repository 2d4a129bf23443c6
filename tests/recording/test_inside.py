"""What is shown of the inside of a network is what its layers compute."""

import numpy as np
import pytest

import specnet
from specnet.errors import PlotError
from specnet.recording.inside import attention_maps, embedded, feature_maps, principal_plane
from specnet.recording.scenes import recorded_scene
from specnet.report.page import page

RNG = np.random.default_rng(0)
CONV = {"type": "conv2d", "filters": 20, "kernel_size": 3}
HEADS = {"type": "multi_head_attention", "num_heads": 2, "num_key_value_heads": 1, "causal": True}
SPECS = {
    "images": ((10, 8, 8, 1), 2, [CONV, "relu", "flatten", {"type": "linear", "units": 2}], "cross_entropy"),
    "words": (
        (20, 5), (5, 6),
        [{"type": "embedding", "input_dim": 6, "output_dim": 4}, {"type": "residual", "layers": [HEADS]},
         {"type": "linear", "units": 6}], "cross_entropy",
    ),
    "waves": ((20, 7, 1), (7, 1), [{"type": "rnn", "units": 2, "return_sequences": True}, "linear"], "mse"),
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a run for each of `SPECS`."""
    folder, found = tmp_path_factory.mktemp("inside"), {}
    for name, (shape, target, layers, loss) in SPECS.items():
        x = RNG.integers(6, size=shape) if name == "words" else RNG.normal(size=shape)
        time, classes = target if isinstance(target, tuple) else (None, target)
        size = (len(x),) if time is None else (len(x), time)
        y = RNG.normal(size=(*size, 1)) if loss == "mse" else np.resize(np.arange(classes), size)
        np.savez(folder / f"{name}.npz", inputs=x, targets=y)
        spec = {"dataset": {"type": "npz", "path": str(folder / f"{name}.npz")}, "layers": layers, "loss": loss,
                "training": {"epochs": 2}, "plots": [], "dtype": "float64"}  # fmt: skip
        found[name] = specnet.run(spec, folder / name, report=False)
    return found


def test_feature_maps_are_outputs_behind_the_activation(runs):
    run = runs["images"]
    image, (maps,) = feature_maps(run)
    network = specnet.build_network([CONV, "relu"], (8, 8, 1), "float64")
    for name, values in network.params.items():
        values[...] = run.params[name]
    expected = network.forward(image[np.newaxis])[0]
    np.testing.assert_allclose(maps.images, np.moveaxis(expected, -1, 0)[:16])
    assert maps.title == "layers.1 (16 of 20)"
    with pytest.raises(PlotError, match="feature maps are made of images"):
        feature_maps(runs["waves"])


def test_rows_of_attention_add_up_to_one_and_see_nothing_later(runs):
    (maps,) = attention_maps(runs["words"])
    assert maps.images.shape == (2, 5, 5) and maps.layer == "layers.1.layers.0"
    np.testing.assert_allclose(maps.images.sum(axis=-1), 1)
    assert not np.triu(maps.images, 1).any()
    with pytest.raises(PlotError, match="no layer is an attention layer"):
        attention_maps(runs["images"])


def test_principal_components_are_eigenvectors_of_the_covariance():
    x = RNG.normal(size=(30, 4)) * [1, 5, 2, 3]
    points, _, shares = principal_plane(x)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    np.testing.assert_allclose(shares, values[:-3:-1] / values.sum())
    np.testing.assert_allclose(np.abs(points), np.abs((x - x.mean(axis=0)) @ vectors[:, :-3:-1]))
    np.testing.assert_allclose(principal_plane(x - 7).points, points)


def test_an_embedding_is_shown_or_what_the_last_trained_layer_gets(runs):
    table, hidden = embedded(runs["words"]), embedded(runs["images"])
    assert table.what == "rows of layers.0" and table.truth.tolist() == [0, 1, 2, 3, 4, 5]
    assert hidden.what == "outputs of layers.2, train split" and hidden.plane.points.shape == (10, 2)
    assert hidden.classes == ["0", "1"]


def test_predictions_for_positions_are_replayed_as_a_curve_or_as_verdicts(runs):
    waves, words = recorded_scene(runs["waves"]), recorded_scene(runs["words"])
    assert (waves.kind, waves.axes[0].name) == ("curve", "position in 20 sequences")
    data, last = runs["waves"].data.train, runs["waves"].predict(runs["waves"].data.train.inputs)
    np.testing.assert_array_equal(waves.samples[0].truth, data.targets.reshape(-1, 1))
    np.testing.assert_allclose(waves.predictions[-1], last.reshape(-1, 1), rtol=1e-6)
    assert words.kind == "verdicts" and words.predictions.shape == (3, 100, 6)


def test_the_page_shows_the_same(runs):
    images, words = page(runs["images"]), page(runs["words"])
    assert all(
        text in images for text in ("filters, layers.0.weight", "feature maps, layers.1", "Picture of the network")
    )
    assert "attention, layers.1.layers.0" in words and "principal components, rows of layers.0" in words


@pytest.mark.parametrize(("plot", "name"), [("sequences", "waves"), ("attention", "words"), ("feature_maps", "images")])
def test_plots_of_the_inside_are_drawn(plot, name, runs):
    assert runs[name].plot(plot).stat().st_size > 5000
