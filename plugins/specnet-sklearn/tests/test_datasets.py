import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn import datasets

import specnet.testing
from specnet import Outline, SpecnetError, build, registry

NAMES = [name for name, claims in registry.claims("datasets").items() if claims[-1].distribution == "specnet-sklearn"]
CASES = {
    **{name: [{}] for name in ("iris", "wine", "breast_cancer", "diabetes", "linnerud")},
    "digits": [{}, {"n_class": 3}],
    "classification": [{}, {"n_features": 9, "n_informative": 4, "n_repeated": 1, "n_classes": 5, "class_sep": 2.0}],
    "gaussian_quantiles": [{}, {"n_features": 3, "n_classes": 4, "cov": 2.0}],
    "hastie_10_2": [{"n_samples": 200}],
    "multilabel_classification": [{}, {"n_features": 8, "n_classes": 3, "n_labels": 1, "allow_unlabeled": False}],
    "regression": [{}, {"n_features": 12, "n_targets": 3, "bias": 1.0, "noise": 0.5}],
    "friedman1": [{"noise": 0.1}, {"n_features": 5}],
    "friedman2": [{"noise": 0.1}],
    "friedman3": [{"noise": 0.1}],
    "sparse_uncorrelated": [{}, {"n_features": 4}],
    "swiss_roll": [{"noise": 0.1}, {"hole": True}],
    "s_curve": [{"noise": 0.1}],
}
GENERATED = [name for name, (fields, *_) in CASES.items() if build("datasets", {"type": name, **fields}).synthetic]
IMPOSSIBLE = {
    "digits": [{"n_class": 1}, {"n_class": 11}],
    "classification": [{"n_features": 3}, {"n_informative": 1}, {"n_classes": 3}, {"flip_y": 1.5}],
    "gaussian_quantiles": [{"n_samples": 4, "n_classes": 5}, {"cov": 0.0}],
    "multilabel_classification": [{"n_labels": 6}],
    "regression": [{"n_features": 5}],
    "friedman1": [{"n_features": 4}],
    "sparse_uncorrelated": [{"n_features": 3}],
}
EVERY = [(name, fields) for name, variants in CASES.items() for fields in variants]


def load(name, fields=None, seed=0):
    return build("datasets", {"type": name, **(fields or {})}).load(np.random.default_rng(seed))


def test_every_dataset_is_looked_at_and_none_has_the_name_of_a_built_in():
    assert CASES.keys() == set(NAMES)
    assert all(registry.find("datasets", name).distribution == "specnet-sklearn" for name in NAMES)


@pytest.mark.parametrize(("name", "fields"), EVERY)
def test_an_outline_tells_what_the_data_are(name, fields):
    outline, data = build("datasets", {"type": name, **fields}).outline(), load(name, fields)
    inputs, targets, *_ = data.train
    rows = outline.rows or len(inputs)  # how many digits are below n_class only the data tell
    assert outline.class_names in ((), data.classes)
    assert replace(outline, class_names=()) == Outline(
        inputs.shape[1:], targets.shape[1:], outline.rows, (), len(data.classes) or None, data.about_targets.kind
    )
    assert rows == len(inputs)


@pytest.mark.parametrize(("name", "fields"), EVERY)
def test_inputs_are_float64_and_targets_class_numbers_or_float64(name, fields):
    data = load(name, fields)
    inputs, targets, *_ = data.train
    assert (inputs.dtype, inputs.flags["C_CONTIGUOUS"]) == (np.float64, True)
    if data.classes:
        assert (targets.dtype, targets.ndim) == (np.int64, 1)
        assert set(targets.tolist()) == set(range(len(data.classes)))
    else:
        assert (targets.dtype, targets.ndim) == (np.float64, 2)


@pytest.mark.parametrize(("name", "fields"), EVERY)
def test_every_class_and_column_has_a_name_of_its_own(name, fields):
    data = load(name, fields)
    inputs, targets, *_ = data.train
    columns = [(data.target_names, targets[0].size), (data.input_names, 0 if inputs.ndim > 2 else inputs.shape[1])]
    for names, count in columns:
        assert len(names) == len(set(names)) == count
        assert all(type(each) is str for each in names)
    assert len(set(data.classes)) == len(data.classes)
    assert all(type(each) is str for each in data.classes)


@pytest.mark.parametrize(("name", "fields"), EVERY)
def test_the_same_seed_gives_the_same_samples(name, fields):
    for one, other in zip(load(name, fields, 7).train[:2], load(name, fields, 7).train[:2], strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", GENERATED)
def test_another_seed_gives_other_samples(name):
    assert load(name, seed=7).train.inputs.tobytes() != load(name, seed=8).train.inputs.tobytes()


@pytest.mark.parametrize(("name", "fields"), [(name, fields) for name in IMPOSSIBLE for fields in IMPOSSIBLE[name]])
def test_what_the_library_cannot_make_is_refused(name, fields):
    with pytest.raises(SpecnetError) as raised:
        build("datasets", {"type": name, **fields})
    (found,) = raised.value.diagnostics
    assert found.code in ("out-of-range", "wrong-value", "wrong-type")
    assert any(field in found.message or field in found.pointer for field in fields)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "linnerud"])
def test_measurements_are_those_of_the_library(name):
    (inputs, targets, *_), found = load(name).train, getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(inputs, found.data)
    np.testing.assert_array_equal(targets, found.target)


def test_digits_are_images_with_the_channel_last():
    inputs, targets, *_ = load("digits").train
    assert inputs.shape == (1797, 8, 8, 1)
    assert (inputs.min(), inputs.max()) == (0, 16)
    np.testing.assert_array_equal(inputs[..., 0], datasets.load_digits().images)
    np.testing.assert_array_equal(targets, datasets.load_digits().target)


def test_patients_are_measured_in_their_own_units():
    inputs, targets, *_ = load("diabetes").train
    assert 19 <= inputs[:, 0].min() <= inputs[:, 0].max() <= 79  # years
    assert (targets.min(), targets.max()) == (25, 346)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        (
            "friedman1",
            lambda x: 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4],
        ),
        ("friedman2", lambda x: np.sqrt(x[0] ** 2 + (x[1] * x[2] - 1 / (x[1] * x[3])) ** 2)),
        ("friedman3", lambda x: np.arctan((x[1] * x[2] - 1 / (x[1] * x[3])) / x[0])),
        ("swiss_roll", lambda x: np.hypot(x[0], x[2])),
        ("s_curve", lambda x: np.arctan2(x[0], 1 - abs(x[2])) % (2 * np.pi) - np.where(x[2] > 0, 2 * np.pi, 0)),
    ],
)
def test_without_noise_targets_are_the_formula(name, formula):
    inputs, targets, *_ = load(name).train
    np.testing.assert_allclose(targets[:, 0], formula(inputs.T), rtol=1e-9)


def test_outside_is_where_the_squares_of_ten_inputs_are_large():
    inputs, targets, *_ = load("hastie_10_2").train
    np.testing.assert_array_equal(targets, (inputs**2).sum(axis=1) > 9.34)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_fetched(name, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    assert len(load(name).train.inputs)


def test_the_library_is_imported_when_data_are_loaded_and_not_before():
    code = "import sys, specnet\nfor name in sys.argv[1:]:\n"
    code += "    dataset = specnet.build('datasets', name)\n    dataset.outline()\n"
    code += "print('sklearn' in sys.modules)\ndataset.load(None)\nprint('sklearn' in sys.modules)"
    names = [*NAMES, "iris"]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("case", specnet.testing.cases("specnet-sklearn"), ids=str)
def test_what_specnet_asks_of_a_plugin_holds(case):
    case()
