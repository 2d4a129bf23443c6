"""Attention against loops over heads, positions and columns; layers at each position."""

import math

import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError

TIME, FEATURES = 4, 6
X = np.random.default_rng(0).normal(size=(3, TIME, FEATURES))
MASK = np.array([[True, True, False, False], [False] * 4, [False, True, True, True]])


def made(*layers, shape=(TIME, FEATURES), dtype="float64", **fields):
    layers = layers or ({"type": "multi_head_attention", **fields},)
    network = specnet.build_network(layers, shape, dtype, seed=3)
    network.params.flat[...] = np.random.default_rng(1).normal(size=network.params.flat.size) * 0.5
    return network


def turned(row, t):
    """Turn a row as complex numbers of columns (i, i + d / 2)."""
    half = len(row) // 2
    found = [
        complex(row[i], row[i + half]) * complex(math.cos(w), math.sin(w))
        for i, w in enumerate(t / 10000 ** (2 * i / len(row)) for i in range(half))
    ]
    return [each.real for each in found] + [each.imag for each in found]


def attention(network, sample, counts, heads, groups, d, e, causal, rotary):
    """Return y of a sample, of which some positions count."""
    params = {name.removeprefix("layers.0."): array for name, array in network.params.items()}
    qkv = sample @ params["weight"] + params.get("bias", 0)
    y = np.zeros_like(sample)
    for t in range(len(sample)):
        joined = []
        for head in range(heads):
            group = head // (heads // groups)
            q = qkv[t, head * d : (head + 1) * d]
            scores, values = [], []
            for s in range(t + 1 if causal else len(sample)):
                if counts[s]:
                    start = heads * d + group * d
                    k, v = qkv[s, start : start + d], qkv[s, heads * d + groups * d + group * e :][:e]
                    left, right = (turned(q, t), turned(k, s)) if rotary else (q, k)
                    scores.append(math.exp(sum(a * b for a, b in zip(left, right, strict=True)) / math.sqrt(d)))
                    values.append(v)
            joined += list(sum(p * v for p, v in zip(scores, values, strict=True)) / sum(scores)) if scores else [0] * e
        if counts[t]:
            y[t] = joined @ params["output_weight"] + params.get("output_bias", 0)
    return y


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("heads", "groups", "d", "e", "fields"),
    [
        (3, 3, 2, 2, {}),
        (1, 1, 6, 6, {"rotary": True}),
        (4, 2, 2, 3, {"num_key_value_heads": 2, "key_dim": 2, "value_dim": 3, "rotary": True, "use_bias": False}),
        (2, 1, 5, 5, {"num_key_value_heads": 1, "key_dim": 5}),
    ],
)
def test_outputs_are_those_of_a_loop(heads, groups, d, e, fields, causal, masked):
    for dtype, bound in (("float64", 1e-13), ("float32", 1e-5)):
        network = made(num_heads=heads, causal=causal, dtype=dtype, **fields)
        y = network.propagate(X.astype(dtype), mask=MASK if masked else None)
        assert y.dtype == dtype
        for sample, counts, found in zip(X, MASK if masked else np.ones_like(MASK), y, strict=True):
            rotary = "rotary" in fields
            expected = attention(network, sample, counts, heads, groups, d, e, causal, rotary)
            np.testing.assert_allclose(found, expected, bound, bound)


@pytest.mark.parametrize("causal", [False, True])
def test_masked_keys_have_no_gradient_and_rows_without_keys_are_zero(causal):
    network = made(num_heads=2, causal=causal, dropout=0.3)
    network.stack.set_needs_dx(True)
    y = network.propagate(X, training=True, mask=MASK)
    assert not y[~MASK].any()
    dx = network.backpropagate(np.ones_like(y))
    assert not dx[~MASK].any()
    assert np.isfinite(network.grads.flat).all()


def test_causal_attention_does_not_look_ahead():
    network, later = made(num_heads=2, causal=True, rotary=False), X.copy()
    later[:, 2:] += 5
    np.testing.assert_array_equal(network.forward(X)[:, :2], network.forward(later)[:, :2])


def test_rotary_scores_depend_on_distances_alone():
    short, long = (made(num_heads=1, rotary=True, shape=(time, FEATURES)) for time in (2, 3))
    x = np.concatenate([X[:, :1], X[:, :2]], axis=1)
    np.testing.assert_allclose(
        short.forward(X[:, :2]), long.propagate(x, mask=np.array([[False, True, True]] * 3))[:, 1:], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("fields", "message", "place"),
    [
        (
            {"num_heads": 4},
            r"layers\.0 has 4 heads, which do not divide 6 features; its input has shape \(4, 6\)",
            "num_heads",
        ),
        ({"num_heads": 2, "rotary": True}, r"layers\.0 turns pairs of columns, but its key_dim is 3", "rotary"),
        ({"num_heads": 3, "num_key_value_heads": 2}, "2 heads for keys and values do not divide 3", None),
    ],
)
def test_heads_that_do_not_fit_are_refused(fields, message, place):
    with pytest.raises(SpecnetError, match=message) as error:
        made(**fields)
    if place:
        assert error.value.pointer == ("layers", 0, place)
    with pytest.raises(SpecnetError, match=r"expects inputs with the axes \(time, features\); its input has 6"):
        made(num_heads=1, shape=(6,))


def test_layers_at_each_position_are_those_layers_on_a_batch_of_positions():
    layers = ["flatten", {"type": "linear", "units": 3}, "batch_norm"]
    x = np.random.default_rng(2).normal(size=(3, 4, 2, 3))
    network, plain = made({"type": "time_distributed", "layers": layers}, shape=(4, 2, 3)), made(*layers, shape=(2, 3))
    y = network.forward(x, training=True)
    np.testing.assert_allclose(y.reshape(12, 3), plain.forward(x.reshape(12, 2, 3), training=True))
    dy = np.random.default_rng(3).normal(size=y.shape)
    np.testing.assert_allclose(network.backward(dy).reshape(12, 2, 3), plain.backward(dy.reshape(12, 3)))
    np.testing.assert_allclose(network.grads.flat, plain.grads.flat)


def test_layers_at_each_position_do_not_see_masked_ones():
    layers = [{"type": "linear", "units": 3}, "batch_norm"]
    network, plain = made({"type": "time_distributed", "layers": layers}), made(*layers, shape=(FEATURES,))
    network.stack.set_needs_dx(True)
    y = network.propagate(X, training=True, mask=MASK)
    expected = plain.forward(X[MASK], training=True)
    np.testing.assert_allclose(y[MASK], expected)
    assert not y[~MASK].any()
    dy = np.random.default_rng(3).normal(size=y.shape)
    dx = network.backpropagate(dy)
    np.testing.assert_allclose(dx[MASK], plain.backward(dy[MASK]))
    assert not dx[~MASK].any()
    np.testing.assert_allclose(network.grads.flat, plain.grads.flat)
    nothing = np.zeros_like(MASK)
    assert not network.propagate(X, training=False, mask=nothing).any()
    assert not network.backpropagate(dy).any()
    with pytest.raises(SpecnetError, match="expects inputs with the axes"):
        made({"type": "time_distributed", "layers": ["tanh"]}, shape=())
