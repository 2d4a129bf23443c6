import io

import numpy as np
import pytest

import specnet
from specnet.datasets.rows import Rows
from specnet.errors import BrokenComponentError, DataError, SpecnetError
from specnet.features import features_named
from specnet.transforms.base import RandomTransform, Transform
from specnet.transforms.pipeline import Pipeline

INPUTS = ("transforms", "inputs")


def pipeline(*specs):
    return Pipeline([specnet.build("transforms", spec) for spec in specs], INPUTS)


def test_each_transform_is_fitted_on_what_those_before_it_leave():
    x = np.random.default_rng(0).normal(5, 3, (20, 3))
    chain = pipeline({"type": "scale", "factor": -2}, "standardize", {"type": "minmax", "low": -1})
    y = chain.fit(x)
    scaled = -2 * x
    standard = (scaled - scaled.mean(0)) / scaled.std(0)
    expected = 2 * (standard - standard.min(0)) / (standard.max(0) - standard.min(0)) - 1
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_array_equal(chain.apply(x), y)
    np.testing.assert_allclose(chain.invert(y), x, rtol=1e-12)


def test_other_samples_are_transformed_by_what_training_taught():
    chain, x = pipeline("standardize"), np.random.default_rng(0).normal(size=(20, 3))
    chain.fit(x)
    np.testing.assert_allclose(chain.apply(x[:5] + 100), chain.apply(x)[:5] + 100 / x.std(0))


def saved(chain):
    """The arrays of a pipeline, written to a file and read again."""
    file = io.BytesIO()
    np.savez(file, **chain.arrays())
    file.seek(0)
    return dict(np.load(file, allow_pickle=False))


def test_a_restored_pipeline_gives_identical_results():
    specs = "standardize", {"type": "minmax", "per_feature": False}, {"type": "scale", "factor": 1 / 3}
    x = np.random.default_rng(0).normal(size=(20, 3))
    chain, other = pipeline(*specs), pipeline(*specs)
    y = chain.fit(x)
    other.restore(saved(chain))
    assert other.apply(x).tobytes() == y.tobytes()
    assert other.invert(y).tobytes() == chain.invert(y).tobytes()


@pytest.mark.parametrize(
    ("spec", "x", "arrays"),
    [
        ("standardize", [[1.0], [3.0]], {"shift": [2.0], "scale": [1.0]}),
        ("one_hot", [7, 3, 7], {"categories": [3, 7], "sizes": [2], "ndim": 1}),
        ("one_hot", ["b", "é", "b"], {"categories": ["b", "é"], "sizes": [2], "ndim": 1}),
        ("one_hot", [[True, False], [True, True]], {"categories": [True, False, True], "sizes": [1, 2], "ndim": 2}),
        ({"type": "scale", "factor": 2}, [[1.0]], {}),
    ],
)
def test_arrays_are_named_by_place_and_keep_their_dtype(spec, x, arrays):
    chain = pipeline(spec)
    chain.fit(np.array(x))
    found = saved(chain)
    assert {name: array.tolist() for name, array in found.items()} == {
        f"transforms.inputs.0.{name}": value for name, value in {"columns": [], **arrays}.items()
    }
    assert {name: array.dtype for name, array in found.items()} == {
        name: np.asarray(array).dtype for name, array in chain.arrays().items()
    }


def test_both_pipelines_of_a_spec_are_restored_from_one_mapping():
    chains = [
        Pipeline([specnet.build("transforms", "standardize")], ("transforms", name)) for name in ("inputs", "targets")
    ]
    for number, chain in enumerate(chains):
        chain.fit(np.arange(4.0)[:, np.newaxis] + number)
    arrays = chains[0].arrays() | chains[1].arrays() | {"params": np.zeros(3)}
    for chain in chains:
        shift = chain.transforms[0].shift
        chain.restore(arrays)
        assert chain.transforms[0].shift is shift


SHIFT, SCALE = "transforms.inputs.0.shift", "transforms.inputs.0.scale"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({SHIFT: None}, f"do not match the spec: {SHIFT}"),
        ({"transforms.inputs.1.shift": np.zeros(2)}, "do not match the spec: transforms.inputs.1.shift"),
        ({"transforms.inputs.0.more": np.zeros(2)}, "do not match the spec: transforms.inputs.0.more"),
        ({SCALE: np.array([1.0, np.nan])}, f"{SCALE} is not finite"),
        ({SCALE: np.array([1.0, -np.inf], np.float32)}, f"{SCALE} is not finite"),
        ({SCALE: np.array([1.0, None])}, f"{SCALE} is object"),
        ({SCALE: np.array([1.0, 1j])}, f"{SCALE} is complex128"),
        ({SCALE: np.array(["2026-01-01"], "M8[D]")}, f"{SCALE} is datetime64"),
        ({SCALE: np.array([b"1"])}, rf"{SCALE} is \|S1"),
    ],
)
def test_arrays_that_cannot_be_those_of_the_spec_are_refused(changes, told):
    chain = pipeline("standardize")
    chain.fit(np.random.default_rng(0).normal(size=(20, 2)))
    arrays = {name: array for name, array in (chain.arrays() | changes).items() if array is not None}
    with pytest.raises(ValueError, match=told):
        chain.restore(arrays)


class Odd(Transform):
    """A plugin that learns what cannot be saved."""

    fitted = ("learned",)
    what: str

    def fit(self, x):
        self.learned = {"objects": np.array([None]), "a list": [1, None], "infinite": np.array(np.inf)}[self.what]

    def apply(self, x):
        return x


@pytest.mark.parametrize("what", ["objects", "a list", "infinite"])
def test_what_cannot_be_saved_is_refused_before_training(what):
    chain = Pipeline([Odd(what=what)], INPUTS)
    chain.fit(np.zeros(3))
    with pytest.raises(
        BrokenComponentError, match=r"transforms.inputs\.0 \(Odd\) fails in fit: .*learned is"
    ) as caught:
        chain.arrays()
    assert caught.value.pointer == (*INPUTS, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float32", "float64", "<U3"])
def test_nothing_to_do_changes_nothing(dtype):
    x = np.arange(6).astype(dtype)
    assert (
        pipeline().fit(x) is pipeline().apply(x) is pipeline().invert(x) is pipeline().randomize(x, x, None, 1)[0] is x
    )
    assert pipeline().arrays() == {}
    assert not pipeline().random


class Clip(Transform):
    """A plugin that keeps whole numbers whole, and cannot be undone."""

    dtypes = (np.integer,)

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return np.clip(x, 0, 2)


def test_whole_numbers_stay_whole_until_a_transform_changes_them():
    x = np.arange(4, dtype=np.int16)
    chain = Pipeline([Clip(), Clip()], INPUTS)
    assert chain.fit(x).dtype == chain.apply(x).dtype == np.int16
    assert Pipeline([Clip(), specnet.build("transforms", "standardize")], INPUTS).fit(x).dtype == np.float64


@pytest.mark.parametrize("call", ["fit", "apply", "fit_pieces"])
def test_a_dtype_that_a_transform_does_not_accept_is_refused_where_it_stands(call):
    chain = Pipeline([specnet.build("transforms", {"type": "scale", "factor": 2}), Clip()], INPUTS)
    x = np.arange(4.0)
    with pytest.raises(DataError, match="this transform accepts integer, but the samples are float64") as caught:
        getattr(chain, call)(Rows(x.shape, x.dtype, lambda a, b: x[a:b]) if call == "fit_pieces" else x)
    assert caught.value.pointer == (*INPUTS, 1)


def test_text_is_refused_by_what_takes_numbers():
    with pytest.raises(DataError, match="accepts bool or integer or floating, but the samples are <U1"):
        pipeline("standardize").fit(np.array(["a", "b"]))


@pytest.mark.parametrize(
    ("specs", "x", "names", "expected"),
    [
        (["standardize"], np.zeros((3, 2)), ("a", "b"), ("a", "b")),
        (["one_hot"], np.array([[1, 5], [2, 9]]), ("a", "b"), ("a=1", "a=2", "b=5", "b=9")),
        (["one_hot"], np.array(["Dream", "Biscoe"]), ("island",), ("island=Biscoe", "island=Dream")),
        (["one_hot"], np.array([1.0, 2.5]), ("a",), ("a=1.0", "a=2.5")),
        (["one_hot", "standardize"], np.array([1, 2]), ("a",), ("a=1", "a=2")),
        (["one_hot"], np.array([1, 2]), (), ()),
        (["standardize"], np.zeros((3, 4, 4)), (), ()),
        ([], np.zeros((3, 2)), ["a", "b"], ("a", "b")),
    ],
)
def test_names_of_columns_follow_the_columns(specs, x, names, expected):
    chain, other = pipeline(*specs), pipeline(*specs)
    chain.features = other.features = features_named(names)
    chain.fit(x)
    other.restore(saved(chain))
    assert chain.names() == other.names() == expected


def test_names_are_unknown_where_a_transform_does_not_know_them():
    class Unknown(Transform):
        def apply(self, x):
            return x

    chain = Pipeline([Unknown(), specnet.build("transforms", "standardize")], INPUTS)
    chain.features = features_named(["a"])
    assert chain.names() == ()


class Add(RandomTransform):
    """Adds a random digit, as a plugin may; a width changes the shape, which none may."""

    by: float = 1.0
    width: int = 0
    dtypes = (np.floating, np.integer)

    def apply(self, x, rng):
        y = x + x.dtype.type(self.by * rng.integers(10))
        return np.concatenate([y] * (self.width + 1), axis=1)


NOISE = {"type": "gaussian_noise", "std": 0.5}


def randomized(chain, x, seed=0):
    """Return a batch as a chain of random transforms changes it."""
    return chain.randomize(x, x, np.random.default_rng(seed), 1)[0]


def test_random_transforms_change_batches_alone():
    x = np.random.default_rng(0).normal(size=(20, 3))
    chain, fitted = pipeline("standardize", NOISE), pipeline("standardize")
    assert (chain.random, fitted.random) == (True, False)
    np.testing.assert_array_equal(chain.fit(x), fitted.fit(x))
    np.testing.assert_array_equal(chain.apply(x), fitted.apply(x))
    np.testing.assert_array_equal(chain.invert(x), fitted.invert(x))
    assert chain.arrays().keys() == fitted.arrays().keys()
    chain.features = features_named("abc")
    assert chain.names() == ("a", "b", "c")
    assert not np.array_equal(randomized(chain, x, 1), x)


def test_random_transforms_are_applied_in_their_order():
    x = np.zeros((2, 1))
    chain = Pipeline([Add(), Add(by=100)], INPUTS)
    first, second = np.random.default_rng(5).integers(10, size=2)
    assert randomized(chain, x, 5).tolist() == [[first + 100 * second]] * 2
    assert x.tolist() == [[0], [0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_keeps_its_dtype(dtype):
    assert randomized(pipeline(NOISE, NOISE), np.ones((2, 3), dtype)).dtype == dtype


def test_a_batch_of_another_dtype_is_refused_where_the_transform_stands():
    with pytest.raises(DataError, match="accepts floating, but the samples are int64") as caught:
        randomized(pipeline("standardize", NOISE), np.arange(3))
    assert caught.value.pointer == (*INPUTS, 1)


def test_a_random_transform_that_changes_the_shape_is_named():
    chain = Pipeline([specnet.build("transforms", "standardize"), Add(width=1)], INPUTS)
    with pytest.raises(
        BrokenComponentError, match=r"inputs\.1 \(Add\) .* returns float64 of shape \(2, 2\), not"
    ) as caught:
        randomized(chain, np.zeros((2, 1)), 0)
    assert caught.value.pointer == (*INPUTS, 1)


@pytest.mark.parametrize("method", ["fit", "apply", "fit_pieces", "output_names"])
def test_a_plugin_that_fails_is_named(method):
    def fail(self, *arguments):
        raise KeyError("lost")

    broken = type("Broken", (Clip,), {"dtypes": (np.floating,), method: fail})()
    chain, x = Pipeline([specnet.build("transforms", "standardize"), broken], INPUTS), np.zeros((2, 1))
    calls = {
        "fit": lambda: chain.fit(x),
        "apply": lambda: chain.fit(x),
        "fit_pieces": lambda: chain.fit_pieces(Rows(x.shape, x.dtype, lambda a, b: x[a:b])),
        "output_names": chain.names,
    }
    chain.features = features_named(["a"]) if method == "output_names" else ()
    told = rf"inputs\.1 \(Broken\) fails in {method}: KeyError: 'lost'"
    with pytest.raises(BrokenComponentError, match=told) as caught:
        calls[method]()
    assert caught.value.pointer == (*INPUTS, 1)


def test_a_mistake_names_the_transform():
    chain = pipeline({"type": "scale", "factor": 1}, "one_hot")
    with pytest.raises(SpecnetError) as caught:
        chain.fit(np.zeros((2, 3, 4)))
    assert caught.value.pointer == (*INPUTS, 1)
    chain.fit(np.array([1, 2]))
    with pytest.raises(SpecnetError) as caught:
        chain.apply(np.array([3]))
    assert caught.value.pointer == (*INPUTS, 1)
