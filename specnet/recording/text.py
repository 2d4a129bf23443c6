"""Text that a network writes: token after token, each drawn from what it predicts."""

from __future__ import annotations

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import DataError
from specnet.training.model import Model


def check_writes(model: Model, data: Data) -> None:
    """Raise a DataError unless a network predicts the next token at each position, so that it can write."""
    shape = model.network.input_shape
    if not (data.vocabulary == len(data.classes) > 1 and model.network.output_shape == (*shape, data.vocabulary)):
        help = "leave it out; it is for networks that predict the next token at each position, as of a text"
        raise DataError("this network does not write text", pointer=("record", "tokens"), help=help)


def write(model: Model, data: Data, count: int) -> np.ndarray:
    """Return tokens (count,) that a network writes after the first training sequence, the same for the same weights."""
    rng = np.random.default_rng(0)
    start = data.train.inputs[:1]
    tokens, length = [*start[0].tolist()], start.shape[1]
    for _ in range(count):
        p = model.interpret(model.outputs(np.array([tokens[-length:]]))[0])[0, -1].astype(np.float64)
        place = int(np.searchsorted(np.cumsum(p), rng.random() * p.sum())) if np.isfinite(p).all() else 0
        tokens.append(min(place, len(p) - 1))
    return np.array(tokens[length:], np.int32)


def show_tokens(tokens: np.ndarray, classes: tuple[str, ...]) -> str:
    """Return tokens as text: characters one after the other, words with blanks between them.

    >>> show_tokens(np.array([1, 2, 3]), ("<unknown>", "a", "<space>", "b"))
    'a b'
    """
    shown = {"<space>": " ", "<newline>": "\n", "<unknown>": "\ufffd"}
    between = "" if all(len(name) == 1 or name in shown for name in classes) else " "
    return between.join(shown.get(classes[token], classes[token]) for token in tokens.tolist())
