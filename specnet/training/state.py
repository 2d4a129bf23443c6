"""`TrainingState`: everything that a run needs to resume, as named arrays and JSON values."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from specnet.errors import UsageError
from specnet.faults import guarded


@dataclass
class TrainingState:
    """A state between two steps.

    `arrays` holds `params`, `slots`, `state` and the arrays of each part, `progress` everything else. A part is what
    one owner, such as a metric, a transform or a callback, has stored with `put`. `take` returns it.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=lambda: {"parts": {}})

    def put(self, place: str, values: Mapping[str, Any]) -> None:
        """Store the values of a part: arrays without a copy, copies of all others as JSON.

        Raises:
            TypeError: naming a value that is neither JSON nor an array of numbers, or if names are no strings.
        """
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise TypeError("only a dictionary whose keys are strings can be saved")
        arrays = {name: x for name, x in values.items() if isinstance(x, np.ndarray) and x.dtype.kind in "biufU"}
        rest = {name: plain(value, name) for name, value in values.items() if name not in arrays}
        self.arrays |= {f"{place}.{name}": array for name, array in arrays.items()}
        self.progress["parts"][place] = {"values": rest, "arrays": list(arrays)}

    def put_result(self, place: str, values: Mapping[str, Any], *source: Any) -> None:
        """Store what a component has returned as the values of a part; `source` are the arguments of `guarded`.

        Raises:
            BrokenComponentError: naming the component and a value that cannot be stored.
        """
        try:
            self.put(place, values)
        except Exception:
            with guarded(*source):
                raise

    def take(self, place: str) -> dict[str, Any]:
        """Return copies of the values of a part.

        Raises:
            KeyError: if no such part is stored.
        """
        part = self.progress["parts"][place]
        arrays = {name: self.arrays[f"{place}.{name}"].copy() for name in part["arrays"]}
        return {**plain(part["values"], place), **arrays}

    def take_all(self, owner: str) -> dict[str, dict[str, Any]]:
        """Return copies of the values of each part whose place begins with `owner`, by the rest of its place."""
        places = [place for place in self.progress["parts"] if place.startswith(f"{owner}.")]
        return {place.removeprefix(f"{owner}."): self.take(place) for place in places}

    def check(self, arrays: Mapping[str, np.ndarray], generators: Iterable[str], callbacks: Container[str]) -> None:
        """Check that this is a state of a training with these arrays, generators and callbacks.

        Raises:
            ValueError: if an array has another shape, or there are other generators.
            UsageError: if it contains the state of another callback.
        """
        if lost := [name for name in self.take_all("callbacks") if name not in callbacks]:
            raise UsageError(
                f"the run was made with the callback {lost[0]}, whose state is in its checkpoints",
                help="pass it again: specnet.resume(run, callbacks=[...])",
            )
        for name, array in arrays.items():
            if self.arrays[name].shape != array.shape:
                raise ValueError(f"{name} has shape {self.arrays[name].shape} instead of {array.shape}")
        if other := set(generators) ^ self.progress["generators"].keys():
            raise ValueError(f"only the state or only the training has generators of {', '.join(sorted(other))}")

    def add(self, other: TrainingState) -> None:
        """Add the parts of another state, without copies."""
        self.arrays |= other.arrays
        self.progress["parts"] |= other.progress["parts"]

    @property
    def part_arrays(self) -> list[str]:
        """Names of the arrays that belong to parts."""
        return [f"{place}.{name}" for place, part in self.progress["parts"].items() for name in part["arrays"]]

    def copy(self) -> TrainingState:
        """Return the state with copies of its arrays; JSON was copied when it was stored."""
        return TrainingState({name: array.copy() for name, array in self.arrays.items()}, self.progress)


def plain(value: Any, name: str) -> Any:
    """Return a copy of a JSON value with NumPy's numbers converted to Python's.

    Raises:
        TypeError: if the value `name` contains anything else.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(each, name) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, name) for each in value]
    kind = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(f"{name} contains a value of type {kind}; only JSON values and named arrays of numbers are saved")
