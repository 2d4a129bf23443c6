"""Sequences of symbols that follow a rule, and curves of digits."""

import re

import numpy as np
import pytest

from specnet import build
from specnet.datasets.mnist1d import DIGITS, smooth
from specnet.datasets.synthetic_tokens import REBER


def load(seed=0, **fields):
    return build("datasets", fields).load(np.random.default_rng(seed))


def test_symbols_are_repeated_after_the_mark():
    train = load(type="copy", n_samples=50, length=3, delay=2, symbols=4).train
    for x, t in zip(train.inputs.tolist(), train.targets.tolist(), strict=True):
        symbols = x[:3]
        assert {*symbols} <= {2, 3, 4, 5}
        assert x == [*symbols, 0, 0, 1, 0, 0]
        assert t == [0, 0, 0, 0, 0, *symbols]


def is_word(word):
    """Return whether letters are a word of the Reber grammar."""
    states = {0: {"T": 1, "P": 2}, 1: {"S": 1, "X": 3}, 2: {"T": 2, "V": 4}, 3: {"X": 2, "S": 5}, 4: {"P": 3, "V": 5}}
    state = 0
    for letter in word[1:-1]:
        state = states.get(state, {}).get(letter)
    return (word[0], state, word[-1]) == ("B", 5, "E")


@pytest.mark.parametrize("embedded", [False, True])
def test_words_are_those_of_the_grammar_of_reber(embedded):
    train = load(type="reber", n_samples=200, length=15, embedded=embedded).train
    lengths = set()
    for x, t, mask in zip(train.inputs, train.targets, train.mask, strict=True):
        count = int(mask.sum())
        assert mask[:count].all()
        assert x[1:count].tolist() == t[: count - 1].tolist()
        word = "".join(REBER[number] for number in [*x[:count], t[count - 1]])
        lengths.add(len(word))
        if embedded:
            assert re.fullmatch(r"B(T|P)(.*)\1E", word)
            word = word[2:-2]
        assert is_word(word)
    assert len(lengths) > 5
    assert max(lengths) <= 16


def test_curves_of_digits_are_made_step_by_step():
    data = load(type="mnist1d", n_samples=20, length=30)
    rng = np.random.default_rng(0)
    padding, scale = rng.integers(36, 60, size=(20, 1), endpoint=True), rng.uniform(0.8, 1.2, (20, 1))
    moved, noise = rng.integers(48, size=(20, 1)), 0.25 * rng.normal(size=(20, 72))
    white, slope = 0.02 * rng.normal(size=(20, 72)), rng.uniform(-0.375, 0.375, (20, 1))
    noise, curves = smooth(noise), np.zeros((20, 72))
    for n in range(20):
        digit = DIGITS[n // 2] - DIGITS[n // 2].mean()
        digit = digit / digit.std()
        padded = np.concatenate([(digit - digit[0]) / 6, np.zeros(padding[n, 0])])
        for k in range(72):
            place = k * (len(padded) - 1) / 71
            low = min(int(place), len(padded) - 2)
            value = padded[low] + (place - low) * (padded[low + 1] - padded[low])
            step = (k + moved[n, 0]) % 72
            inside = value * scale[n, 0] if place < 12 else noise[n, step]
            curves[n, step] = inside + white[n, step] - slope[n, 0] * (step / 71 - 0.5)
    places = np.linspace(0, 71, 30)
    curves = np.array([np.interp(places, range(72), curve) for curve in curves])
    np.testing.assert_allclose(data.train.inputs[..., 0], (curves - curves.mean()) / curves.std(), atol=1e-12)
    assert data.train.targets.tolist() == [n // 2 for n in range(20)]


def test_noise_is_smoothed_by_a_gaussian():
    x = np.random.default_rng(0).normal(size=(2, 72))
    found = smooth(x)
    weights = [np.exp(-0.5 * (d / 2) ** 2) for d in range(-8, 9)]
    mirrored = np.concatenate([x[:, ::-1], x, x[:, ::-1]], axis=1)
    for i in (0, 3, 40, 71):
        expected = sum(w * mirrored[:, 72 + i + d] for w, d in zip(weights, range(-8, 9), strict=True)) / sum(weights)
        np.testing.assert_allclose(found[:, i], expected)
