"""Text as sequences of tokens, each to be predicted from those before it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, Dataset, Outline, Samples
from specnet.datasets.data_file import DataFile
from specnet.datasets.text_files import Encoding, EncodingError, guess_encoding, open_text
from specnet.errors import DataError
from specnet.numpy_files import explain_os_error
from specnet.words import printable

UNKNOWN = "<unknown>"
"""Token 0: what is not in the vocabulary."""
_WORD = re.compile(r"\w+|[^\w\s]|\n")
_EARLY = 20_000_000
"""Bytes of a file up to which its vocabulary is found before training."""


class Text(Dataset):
    """Sequences of characters, bytes or words of a text; the target at each position is the token that follows.

    Tokens are whole numbers, inputs and targets (sequence_length,): an `embedding` makes vectors of them. Words are
    letters, digits and underscores in a row; any other character except blanks is a word as well. Bytes are those of
    UTF-8. Token 0 is `<unknown>`, which stands for tokens outside the vocabulary; the others are in the order of their
    frequency. All 256 bytes have a token, and none is unknown.

    A run saves the vocabulary, and uses it for other text. Sequences begin `stride` tokens apart; an incomplete one at
    the end of the text is not used. `predict` on a `.txt` file fills the last sequence with token 0. Sequences of one
    part of the text are best kept together: `"split": {"by": "order", "validation": 0.1}`.
    """

    extensions = (".txt",)
    path: DataFile = Field(description="file, relative to the spec's folder; it may be compressed")
    unit: Literal["character", "byte", "word"] = Field(default="character", description="kind of token")
    sequence_length: int = Field(default=64, ge=1, le=100_000, description="tokens in a sequence")
    stride: int | None = Field(
        default=None, ge=1, description="tokens from one sequence to the next; null: sequence_length"
    )
    vocabulary_size: int | None = Field(
        default=None, ge=2, le=65_536, description="number of tokens, with <unknown>; null: all of the text"
    )
    vocabulary: list[str] = Field(
        default=[], max_length=65_536, description="all tokens but <unknown>; []: the most frequent ones of the text"
    )
    encoding: Encoding = Field(default="utf-8", description="encoding of the text; a byte order mark comes first")
    validation: DataFile | None = Field(default=None, description="file of validation samples")
    test: DataFile | None = Field(default=None, description="file of test samples")

    def resolve(self, *, classes: bool, reserved: Collection[str], early: bool) -> tuple[Self, Sequence[str]]:
        if self.unit == "byte" or self.vocabulary or (early and _size(Path(self.path)) > _EARLY):
            return self, ()
        counts = Counter(self._divide(self._read(Path(self.path))))
        found = sorted(counts, key=lambda token: (-counts[token], token))
        if self.vocabulary_size is not None:
            found = found[: self.vocabulary_size - 1]
        elif len(found) > 65_535:
            raise DataError(f"{self.path} has {len(found):,} different tokens", help='set "vocabulary_size"')
        return self.model_copy(update={"vocabulary": found}), ()

    def outline(self) -> Outline:
        names = self._names if self.vocabulary or self.unit == "byte" else ()
        shape = (self.sequence_length,)
        splits = tuple(self._files())[1:]
        return Outline(
            shape, shape, None, splits, len(names) or None, "classes", class_names=names, vocabulary=len(names) or None
        )

    def load(self, rng: np.random.Generator) -> Data:
        if self.unit != "byte" and not self.vocabulary:
            return self.resolve(classes=True, reserved=(), early=False)[0].load(rng)
        splits: dict[str, Any] = {
            split: self._sequences(self._tokens(path), path) for split, path in self._files().items()
        }
        return Data(**splits, classes=self._names, target_names=("next",), vocabulary=len(self._names))

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        tokens = self._tokens(path)
        if targets:
            return self._sequences(tokens, path)
        rows = -(-len(tokens) // self.sequence_length)
        inputs = np.zeros((rows, self.sequence_length), np.int64)
        inputs.flat[: len(tokens)] = tokens
        return Samples(inputs, np.empty((rows, 0)))

    def place(self, path: Path, row: int) -> str:
        return f"sequence {row}"

    @property
    def _names(self) -> tuple[str, ...]:
        if self.unit == "byte":
            return tuple(chr(code) if 32 < code < 127 else f"0x{code:02x}" for code in range(256))
        shown = {" ": "<space>", "\n": "<newline>"}
        return (UNKNOWN, *(shown.get(token, printable(token)) for token in self.vocabulary))

    def _files(self) -> dict[str, Path]:
        files = {"train": self.path, "validation": self.validation, "test": self.test}
        return {split: Path(file) for split, file in files.items() if file is not None}

    def _sequences(self, tokens: np.ndarray, path: Path) -> Samples:
        length = self.sequence_length
        if len(tokens) <= length:
            what = f"{len(tokens)} {self.unit}s, and a sequence with its targets takes {length + 1}"
            raise DataError(f"{path} has {what}", pointer=("sequence_length",))
        windows = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[:: self.stride or length]
        return Samples(windows[:, :-1].copy(), windows[:, 1:].copy())

    def _tokens(self, path: Path) -> np.ndarray:
        """Return the numbers (n,) of all tokens of a file."""
        text = self._read(path)
        if self.unit == "byte":
            return np.frombuffer(text.encode(), np.uint8).astype(np.int64)
        numbers = {token: number for number, token in enumerate(self.vocabulary, start=1)}
        return np.array([numbers.get(token, 0) for token in self._divide(text)], np.int64)

    def _divide(self, text: str) -> Sequence[str]:
        return text if self.unit == "character" else _WORD.findall(text)

    def _read(self, path: Path) -> str:
        try:
            with open_text(path, self.encoding) as file:
                text = file.read().replace("\r\n", "\n")
        except UnicodeError as error:
            guess = guess_encoding(path)
            if not isinstance(error, UnicodeDecodeError):
                raise EncodingError(f"{path}: the text is not {self.encoding}: {error}", guess) from error
            byte = f"the byte 0x{error.object[error.start]:02x} is not {error.encoding.upper()}"
            raise EncodingError(f"{path}: {byte}, after {bytes(error.object[: error.start])[-20:]!r}", guess) from error
        if not text:
            raise DataError(f"{path} is empty")
        return text


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise explain_os_error(path, error) from error
