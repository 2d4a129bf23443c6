import json

import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError
from specnet.training.pipeline import Pipeline

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


def test_a_restored_pipeline_gives_identical_results():
    specs = "standardize", {"type": "minmax", "per_feature": False}, {"type": "scale", "factor": 1 / 3}
    x = np.random.default_rng(0).normal(size=(20, 3))
    chain, other = pipeline(*specs), pipeline(*specs)
    y = chain.fit(x)
    other.restore(json.loads(json.dumps(chain.save())))
    assert other.apply(x).tobytes() == y.tobytes()
    assert other.invert(y).tobytes() == chain.invert(y).tobytes()


def test_nothing_to_do_changes_nothing():
    x = np.arange(6)
    assert pipeline().fit(x) is pipeline().apply(x) is pipeline().invert(x) is x
    assert pipeline().save() == []


def test_a_mistake_names_the_transform():
    chain = pipeline({"type": "scale", "factor": 1}, "one_hot")
    with pytest.raises(SpecnetError) as caught:
        chain.fit(np.zeros((2, 3, 4)))
    assert caught.value.pointer == (*INPUTS, 1)
    chain.fit(np.array([1, 2]))
    with pytest.raises(SpecnetError) as caught:
        chain.apply(np.array([3]))
    assert caught.value.pointer == (*INPUTS, 1)
