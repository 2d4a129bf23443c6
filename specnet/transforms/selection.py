"""`Selection`: the columns that a transform sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specnet.errors import ShapeError
from specnet.features import Feature


class Selection:
    """Some columns of samples (n, width). Columns in their place have the same positions if their number is the same.

    Otherwise, they are side by side where the first of the chosen ones was.
    """

    def __init__(self, width: int, chosen: Sequence[int] | np.ndarray) -> None:
        self.width, self.chosen = width, np.array(chosen, np.int64)
        self._others = np.setdiff1d(np.arange(width), self.chosen)
        self._start = int(np.searchsorted(self._others, self.chosen[0]))

    @classmethod
    def restored(cls, saved: np.ndarray) -> Selection | None:
        """Return the selection that `saved` describes; None for all of a sample, of whatever shape.

        Raises:
            ValueError: if it describes none.
        """
        if saved.shape == (0,):
            return None
        whole = saved.ndim == 1 and saved.dtype.kind == "i" and len(saved) > 1
        if not whole or saved[1:].min() < 0 or saved[1:].max() >= saved[0]:
            raise ValueError(f"{saved} are not the number of all columns and those that a transform sees")
        return cls(int(saved[0]), saved[1:])

    @property
    def saved(self) -> np.ndarray:
        """The numbers that describe it."""
        return np.array([self.width, *self.chosen])

    def take(self, x: np.ndarray) -> np.ndarray:
        """Return the chosen columns of x (n, width).

        Raises:
            ShapeError: if x has another shape.
        """
        if x.shape[1:] != (self.width,):
            raise ShapeError(f"a sample has shape {x.shape[1:]}, but those of the training split have ({self.width},)")
        return x[:, self.chosen]

    def put(self, x: np.ndarray, new: np.ndarray) -> np.ndarray:
        """Return x (n, width) with columns `new` (n, k) in the place of the chosen ones."""
        kept = np.arange(len(self._others) + new.shape[1])
        at = self._new(len(kept))
        kept[at] = self.width + np.arange(new.shape[1])
        kept[np.setdiff1d(np.arange(len(kept)), at)] = self._others
        return np.concatenate([x, new], axis=1).take(kept, axis=1)

    def take_back(self, y: np.ndarray) -> np.ndarray:
        """Return the columns of y that `put` has put there."""
        return y[:, self._new(y.shape[1])]

    def put_back(self, y: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Return y with the columns that `put` has put there replaced by the chosen ones of before (n, chosen)."""
        kept = np.empty(self.width, np.int64)
        kept[self.chosen] = y.shape[1] + np.arange(len(self.chosen))
        kept[self._others] = np.delete(np.arange(y.shape[1]), self._new(y.shape[1]))
        return np.concatenate([y, old], axis=1).take(kept, axis=1)

    def _new(self, width: int) -> np.ndarray:
        """Return the positions of the columns that `put` puts into samples, which then have `width` columns."""
        count = width - len(self._others)
        return self.chosen if count == len(self.chosen) else self._start + np.arange(count)

    def replace(self, features: Sequence[Feature], new: Sequence[Feature]) -> tuple[Feature, ...]:
        """Return all features after the chosen ones are replaced."""
        if len(new) == len(self.chosen):
            replaced = dict(zip(self.chosen.tolist(), new, strict=True))
            return tuple(replaced.get(number, feature) for number, feature in enumerate(features))
        others = [features[number] for number in self._others]
        return (*others[: self._start], *new, *others[self._start :])
