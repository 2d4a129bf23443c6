"""`TrainingState`: everything that a run needs to resume, as named arrays and JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class TrainingState:
    """A state between two steps.

    `arrays` holds `params`, `slots`, `state` and the arrays of each part, `progress` everything else. A part is what
    one owner has stored by `put`: a metric, a transform, a callback. `take` returns it.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=lambda: {"parts": {}})

    def put(self, place: str, values: Mapping[str, Any]) -> None:
        """Store the values of a part: arrays as arrays, all others as JSON."""
        arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        self.arrays |= {f"{place}.{name}": array for name, array in arrays.items()}
        self.progress["parts"][place] = {
            "values": {name: value for name, value in values.items() if name not in arrays},
            "arrays": list(arrays),
        }

    def take(self, place: str) -> dict[str, Any]:
        """Return the values of a part.

        Raises:
            KeyError: if no such part is stored.
        """
        part = self.progress["parts"][place]
        return {**part["values"], **{name: self.arrays[f"{place}.{name}"] for name in part["arrays"]}}

    @property
    def part_arrays(self) -> list[str]:
        """Names of the arrays that belong to parts."""
        return [f"{place}.{name}" for place, part in self.progress["parts"].items() for name in part["arrays"]]

    def copy(self) -> TrainingState:
        """Return the state with arrays of its own."""
        return TrainingState({name: array.copy() for name, array in self.arrays.items()}, self.progress)
