"""A dataset from a formula, which is parsed and never run."""

import numpy as np
import pytest

from specnet import SpecnetError, build
from specnet.datasets.expression import Expression

X, Y = np.array([0.5, -2.0]), np.array([3.0, 0.25])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sin(x0) * x1", np.sin(X) * Y),
        ("-x0**2 + 3 * (x1 - 1) / 2", -(X**2) + 3 * (Y - 1) / 2),
        ("maximum(x0, 0) % 2 + e ** pi", np.maximum(X, 0) % 2 + np.e**np.pi),
        ("x0 < x1", [1.0, 1.0]),
        ("(x0 > 0) * exp(-abs(x1))", [np.exp(-3.0), 0.0]),
        ("arctan2(x0, x1) + hypot(3, 4)", np.arctan2(X, Y) + 5),
        ("7", [7.0, 7.0]),
    ],
)
def test_a_formula_has_its_value(text, expected):
    np.testing.assert_allclose(Expression(text, ["x0", "x1"])({"x0": X, "x1": Y}), expected)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("sin(x0", 4, "never closed"),
        ("x0 + y1", 6, 'there is no variable "y1"'),
        ("2 * sim(x0)", 5, 'there is no function "sim"'),
        ("sin(x0, x1)", 1, "sin takes 1, not 2 numbers"),
        ("hypot(x0)", 1, "hypot takes 2, not 1"),
        ("x0 + __import__('os').system('ls')", 6, "is not allowed"),
        ("x0.real", 1, '"x0.real" is not allowed'),
        ("[x0 for x0 in x1]", 1, "is not allowed"),
        ("(lambda: 1)()", 1, "is not allowed"),
        ("x0 < x1 < 2", 1, "is not allowed"),
        ("'a' * 9", 1, "is not allowed"),
        ("1j", 1, "is not allowed"),
        ("True", 1, "is not allowed"),
        ("x0 if x1 else 2", 1, "is not allowed"),
        ("(" * 300 + "x0" + ")" * 300, 1, ""),
        ("x0" + " + x0" * 400, 1001, "longer than 1000 characters"),
        ("-" * 990 + "x0", 1, "nested more than 500 deep"),
        ("x0\0", 1, ""),
        ("", 1, ""),
    ],
)
def test_a_wrong_formula_is_located(text, column, message):
    with pytest.raises(SpecnetError) as caught:
        Expression(text, ["x0", "x1"])
    assert f"column {column}: " in caught.value.message or text.startswith("((")
    assert message in caught.value.message
    assert caught.value.pointer == ("y",)


def test_huge_powers_are_no_numbers_instead_of_hours():
    for y in ("9**9**9**9", "1 / (x - x)", "log(x - 9)"):
        with pytest.raises(SpecnetError, match="no finite value at x = "):
            build("datasets", {"type": "formula", "x": {"x": [0, 1]}, "y": y}).load(np.random.default_rng(0))


def test_inputs_are_uniform_and_noise_is_normal():
    fields = {"type": "formula", "n_samples": 20_000, "x": {"a": [0, 4], "b": [-1, 1]}, "y": "a + 2 * b", "noise": 0.5}
    dataset = build("datasets", fields)
    data = dataset.load(np.random.default_rng(0))
    x, y = data.train.inputs, data.train.targets
    assert data.input_names == ("a", "b")
    np.testing.assert_allclose(x.min(axis=0), [0, -1], atol=0.01)
    np.testing.assert_allclose(x.mean(axis=0), [2, 0], atol=0.05)
    np.testing.assert_allclose(dataset.function(x), x @ [[1], [2]])
    assert (y - x @ [[1], [2]]).std() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("x", "pointer"), [({"x 0": [0, 1]}, ("x",)), ({"a": [1, 1]}, ("x", "a")), ({"a": [-1e308, 1e308]}, ("x", "a"))]
)
def test_a_wrong_range_is_located(x, pointer):
    with pytest.raises(SpecnetError) as caught:
        build("datasets", {"type": "formula", "x": x, "y": "1"}).outline()
    assert caught.value.pointer == pointer
