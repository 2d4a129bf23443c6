import math

import numpy as np
import pytest

import specnet
from specnet.component import build
from specnet.errors import PlotError
from specnet.inspection.saliency import MOST_PATCHES, looked_at_samples, occlusion, patches
from specnet.kernels.base import find_kernels
from specnet.training.model import Model
from specnet.transforms.pipeline import Pipeline

NETWORKS = {
    "linear": ([{"type": "linear", "units": 5}, "tanh", {"type": "dropout", "rate": 0.5}], (4,)),
    "images": (
        [{"type": "conv2d", "filters": 3, "kernel_size": 3}, "batch_norm", "relu", "max_pool2d", "flatten"],
        (8, 8, 2),
    ),
    "residual": ([{"type": "residual", "layers": [{"type": "linear", "units": 4}, "sigmoid"]}, "layer_norm"], (4,)),
    "sequences": ([{"type": "lstm", "units": 4}], (6, 2)),
    "attention": ([{"type": "multi_head_attention", "num_heads": 2}, "global_average_pool"], (5, 4)),
}  # fmt: skip


def model_of(name, kernels, transforms=()):
    layers, shape = NETWORKS[name]
    network = specnet.build_network([*layers, {"type": "linear", "units": 3}], shape, "float64", kernels=kernels)
    loss = find_kernels(kernels).instantiate(build("losses", "mse"))
    return Model(network, loss, Pipeline(transforms, ("transforms", "inputs")), Pipeline([], ("targets",))), shape


@pytest.mark.parametrize("kernels", ["numpy", "textbook"])
@pytest.mark.parametrize("name", NETWORKS)
def test_an_input_gradient_is_that_of_central_differences(name, kernels):
    model, shape = model_of(name, kernels)
    rng = np.random.default_rng(3)
    x, outputs, direction, h = rng.normal(size=(3, *shape)), np.array([2, 0, 1]), rng.normal(size=(3, *shape)), 1e-6
    before = model.network.params.flat.copy()
    gradient = model.input_gradient(x, outputs)
    assert np.array_equal(model.network.params.flat, before)

    def y(x):
        return model.outputs(x)[0][np.arange(3), outputs]

    numeric = (y(x + h * direction) - y(x - h * direction)) / (2 * h)
    assert gradient.shape == x.shape
    np.testing.assert_allclose((gradient * direction).reshape(3, -1).sum(axis=1), numeric, rtol=1e-6, atol=1e-8)


def test_a_masked_position_has_no_gradient():
    model, shape = model_of("sequences", "numpy")
    mask = np.array([[True] * 4 + [False] * 2])
    gradient = model.input_gradient(np.random.default_rng(0).normal(size=(1, *shape)), np.array([1]), mask)
    assert (gradient[0, 4:] == 0).all() and (gradient[0, :4] != 0).any()


def test_the_gradient_is_by_the_inputs_after_their_transforms():
    plain, _ = model_of("linear", "numpy")
    scaled, shape = model_of("linear", "numpy", [build("transforms", {"type": "scale", "factor": 10})])
    x = np.random.default_rng(0).normal(size=(2, *shape))
    scaled.inputs.fit(x)
    assert np.allclose(scaled.input_gradient(x, np.zeros(2, int)), plain.input_gradient(10 * x, np.zeros(2, int)))


def test_occlusion_falls_where_a_patch_covers_what_the_prediction_is_made_of(fake):
    x = np.zeros((4, 16, 16))
    x[:2, 3, 12] = 5.0
    found = occlusion(fake(x, lambda x: x[:, 3, 12][:, np.newaxis], targets=np.zeros((4, 1))))
    assert found.values.shape == x.shape
    assert np.unravel_index(found.values[0].argmax(), (16, 16)) == (3, 12)
    assert found.values[0, 3, 12] == pytest.approx(2.5)  # to the mean of the training samples
    assert (found.values[0, 8:] == 0).all() and (found.values[2] <= 0).all()


@pytest.mark.parametrize("shape", [(28, 28), (5, 40), (1, 3), (200,), (1000, 1000), (7,)])
def test_patches_cover_each_place_and_are_not_too_many(shape):
    covered = np.zeros(shape, int)
    found = patches(shape)
    for patch in found:
        covered[patch] += 1
    assert covered.min() > 0 and len(found) <= MOST_PATCHES


def scores(x):
    """Two classes: what the first number of a sample says."""
    return np.stack([1 - x[:, 0, 0], x[:, 0, 0]], axis=1)


def test_half_of_the_samples_are_wrong_if_there_are_as_many(fake):
    x, targets = np.zeros((60, 8, 8)), np.zeros(60, int)
    x[::3, 0, 0] = 1.0
    run = fake(x, scores, targets, classes=("no", "yes"))
    chosen = looked_at_samples(run, 8)
    assert chosen.wrong.sum() == 4 and len(chosen.wrong) == 8
    assert all(("not" in caption) == wrong for caption, wrong in zip(chosen.captions, chosen.wrong, strict=True))
    targets[::3] = 1
    assert not looked_at_samples(fake(x, scores, targets, classes=("no", "yes")), 8).wrong.any()


@pytest.mark.parametrize(("shape", "output", "message"), [
    ((4,), (1,), "images or sequences"),
    ((8, 8), (8, 8), "one class or one number"),
    ((8, 8), (3,), "one class or one number"),
])  # fmt: skip
def test_what_has_no_one_class_or_number_is_refused(shape, output, message, fake):
    rng = np.random.default_rng(0)
    run = fake(rng.normal(size=(5, *shape)), lambda x: np.full((len(x), *output), 0.5), rng.normal(size=(5, *output)))
    with pytest.raises(PlotError, match=message):
        looked_at_samples(run)
    assert math.prod(output)
