"""Sequences of symbols that follow a rule."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, Dataset, Outline, Samples


class Copy(Dataset):
    """Symbols to remember: the network reads `length` of them, waits, and repeats them after a mark.

    With symbols 2, 3, ..., blanks 0 and the mark 1, an input is `length` random symbols, `delay` blanks, the mark and
    length - 1 blanks. Its target is blank up to the mark, where the symbols begin. Hochreiter & Schmidhuber, "Long
    short-term memory", 1997, in the form of Arjovsky et al., "Unitary evolution recurrent neural networks", 2016.
    """

    synthetic = True
    examples = ({"n_samples": 20, "length": 3, "delay": 2},)
    n_samples: int = Field(default=2000, ge=4, le=1_000_000, description="sequences")
    length: int = Field(default=10, ge=1, le=500, description="symbols to remember")
    delay: int = Field(default=0, ge=0, le=1000, description="blanks between the symbols and the mark")
    symbols: int = Field(default=8, ge=2, le=1000, description="number of different symbols")

    @property
    def _shape(self) -> tuple[int]:
        return (2 * self.length + self.delay,)

    def outline(self) -> Outline:
        shape, names = self._shape, self._names
        k = len(names)
        return Outline(shape, shape, self.n_samples, (), k, "classes", class_names=names, vocabulary=k)

    def load(self, rng: np.random.Generator) -> Data:
        symbols = rng.integers(2, self.symbols + 2, size=(self.n_samples, self.length))
        inputs, targets = np.zeros((2, self.n_samples, *self._shape), np.int64)
        inputs[:, : self.length] = symbols
        inputs[:, self.length + self.delay] = 1
        targets[:, self.length + self.delay :] = symbols
        names = self._names
        return Data(Samples(inputs, targets), classes=names, target_names=("symbol",), vocabulary=len(names))

    @property
    def _names(self) -> tuple[str, ...]:
        return "blank", "mark", *map(str, range(self.symbols))


REBER = "BTPSXVE"
GRAMMAR = (
    (("T", 1), ("P", 2)),
    (("S", 1), ("X", 3)),
    (("T", 2), ("V", 4)),
    (("X", 2), ("S", 5)),
    (("P", 3), ("V", 5)),
)
"""The two letters that each state writes, and the state that follows; 5 is the end."""


class Reber(Dataset):
    """Words of a Reber grammar; the target of each letter is the letter that follows.

    A word begins with B. From state to state the grammar then writes one of two letters at random, and E at the end.
    An embedded word is B, T or P, a word, the same T or P again, and E: to predict the second T or P, a network has to
    remember the first. Letters are 0 to 6, B T P S X V E; words that are longer than `length` + 1 are drawn again,
    positions after shorter ones are masked. Reber, "Implicit learning of artificial grammars", 1967; Hochreiter &
    Schmidhuber, "Long short-term memory", 1997.
    """

    synthetic = True
    examples = ({"n_samples": 20}, {"n_samples": 20, "embedded": False, "length": 10})
    n_samples: int = Field(default=1000, ge=4, le=100_000, description="words")
    embedded: bool = Field(default=True, description="whether words are embedded")
    length: int = Field(default=24, ge=10, le=500, description="letters of the longest word, without its last")

    def outline(self) -> Outline:
        shape, k, names = (self.length,), len(REBER), tuple(REBER)
        return Outline(shape, shape, self.n_samples, (), k, "classes", class_names=names, vocabulary=k, masked=True)

    def load(self, rng: np.random.Generator) -> Data:
        shape = self.n_samples, self.length
        inputs, targets, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, bool)
        for row in range(self.n_samples):
            while len(word := self._draw(rng)) > self.length + 1:
                pass
            numbers = [REBER.index(letter) for letter in word]
            inputs[row, : len(word) - 1], targets[row, : len(word) - 1] = numbers[:-1], numbers[1:]
            mask[row, : len(word) - 1] = True
        samples = Samples(inputs, targets, mask=mask)
        return Data(samples, classes=tuple(REBER), target_names=("next",), vocabulary=len(REBER))

    def _draw(self, rng: np.random.Generator) -> str:
        word, state = "B", 0
        while state < len(GRAMMAR):
            letter, state = GRAMMAR[state][rng.integers(2)]
            word += letter
        word += "E"
        if not self.embedded:
            return word
        outer = "TP"[rng.integers(2)]
        return f"B{outer}{word}{outer}E"
