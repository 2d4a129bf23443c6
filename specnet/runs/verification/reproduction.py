"""Compare a run with the same run trained again: what differs, from which step on, and why it may."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from specnet.errors import DataError, RunError
from specnet.functions import format_number
from specnet.numpy_files import read_npz
from specnet.runs.provenance.code import changed_code
from specnet.runs.provenance.kernels import show_kernels
from specnet.runs.provenance.manifest import read_manifest
from specnet.runs.provenance.plugins import changed_plugins
from specnet.runs.resume import SETTING, differences
from specnet.runs.run import Run
from specnet.runs.storage.archive import open_archive
from specnet.runs.storage.checkpoints import Listing
from specnet.runs.storage.files import read_bytes, read_run_json
from specnet.runs.storage.history import parse_line, read_lines
from specnet.runs.storage.state import file_name
from specnet.words import enumerate_some, show_pointer

TEXTS = ("layout", "spec", "origin", "progress")
"""Members of a checkpoint that are JSON."""
ALSO_RECORDED = {
    "Python": ("versions", "python"),
    "specnet": ("versions", "specnet"),
    "platform": ("machine", "platform"),
}
"""What a run depends on besides `SETTING`, and its place in the manifest."""

Agreement = Literal["the same bytes", "the same numbers", "different"]


class Compared(NamedTuple):
    """How a part of a run compares with that of the second.

    `step` is where a difference is first seen, `until` the last step before that at which all is the same.
    """

    what: str
    agreement: Agreement
    detail: str = ""
    step: int | None = None
    until: int | None = None

    @property
    def same(self) -> bool:
        """Whether all numbers are the same."""
        return self.agreement != "different"


class Reproduction(NamedTuple):
    """The comparison of a run with the second one: its parts, and what may be the reason of differences."""

    parts: list[Compared]
    reasons: list[str]

    @property
    def same(self) -> bool:
        """Whether all numbers are the same."""
        return all(part.same for part in self.parts)

    @property
    def step(self) -> int | None:
        """The first step at which a difference is seen."""
        return min((part.step for part in self.parts if part.step is not None), default=None)

    @property
    def until(self) -> int | None:
        """The last step before that at which everything is the same."""
        steps = [part.until for part in self.parts if part.until is not None]
        return max((step for step in steps if self.step is None or step < self.step), default=None)


def compare_runs(first: Path, second: Path) -> Reproduction:
    """Compare a run directory with one trained again, or raise a RunError if no checkpoint of the first is intact."""
    before, now = read_manifest(first), read_manifest(second)
    listing = Listing(first, before["identities"])
    end = listing.newest()
    parts = [
        *compare_checkpoints(listing, first, second),
        compare_histories(first / "history.jsonl", second / "history.jsonl", end, before["status"]),
    ]
    if (first / "record.npz").exists() or (second / "record.npz").exists():
        parts.append(compare_records(first / "record.npz", second / "record.npz"))
    if (first / "results.json").exists():
        parts.append(compare_results(first / "results.json", second / "results.json"))
    ended = before["status"], before["error"]
    if before["status"] in ("finished", "diverged") and ended != (now["status"], now["error"]):
        parts.append(Compared("end of training", "different", f"{_ending(before)}, now {_ending(now)}"))
    return Reproduction(parts, [*reasons(before, now)])


def _ending(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['status']} ({manifest['error']})" if manifest["error"] else str(manifest["status"])


def compare_checkpoints(listing: Listing, first: Path, second: Path) -> Iterator[Compared]:
    """Yield the comparison of each checkpoint of the first run, which are listed."""
    for step in listing.steps:
        name = file_name(step)
        paths = [run / "checkpoints" / name for run in (first, second)]
        try:
            yield compare_checkpoint(f"checkpoints/{name}", step, *paths)
        except RunError as error:
            yield Compared(f"checkpoints/{name}", "different", error.message, step)


def compare_checkpoint(what: str, step: int, first: Path, second: Path) -> Compared:
    """Return the comparison of two checkpoints of one step, or raise a RunError if one cannot be read."""
    if not second.exists():
        return Compared(what, "different", "training did not reach this step again", step)
    if read_bytes(first) == read_bytes(second):
        return Compared(what, "the same bytes", until=step)
    members = []
    for path in (first, second):
        with open_archive(path) as archive:
            members.append({name: archive.read(name) for name in archive.headers})
    texts = [{name: json.loads(str(found.pop(name))) for name in TEXTS} for found in members]
    for each, arrays in zip(texts, members, strict=True):
        del each["progress"]["identity"]  # a digest of spec and origin
        _leave_out_given(each["progress"]["parts"], arrays)
    different = [*different_arrays(*members)]
    different += [f"progress: {place}" for place in different_values(texts[0]["progress"], texts[1]["progress"])]
    if different:
        return Compared(what, "different", enumerate_some(different), step)
    others = [name for name in TEXTS if texts[0][name] != texts[1][name]]
    return Compared(what, "the same numbers", f"it has a different {' and '.join(others)}", until=step)


def _leave_out_given(parts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Remove the state of callbacks from Python, whose names have a space: a run is trained again without them."""
    for place in [place for place in parts if place.startswith("callbacks.") and " " in place]:
        for name in parts.pop(place)["arrays"]:
            arrays.pop(f"{place}.{name}", None)


def different_arrays(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Yield the names of arrays that differ, with the largest difference relative to the largest number."""
    for name in {**first, **second}:
        if name not in first or name not in second:
            yield f"{name} is only in one"
            continue
        a, b = first[name], second[name]
        if a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes():
            continue
        numbers = a.shape == b.shape and a.size and all(x.dtype.kind in "biuf" for x in (a, b))
        yield f"{name} {_by(relative_difference(a, b))}" if numbers else name


def relative_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference of two arrays, relative to the largest number of the first."""
    with np.errstate(all="ignore"):
        a, b = a.astype(np.float64), b.astype(np.float64)
        largest, unit = float(np.nanmax(np.abs(a - b))), float(np.nanmax(np.abs(a)))
    return largest / unit if unit else largest


def _by(difference: float) -> str:
    return f"by {difference:.1e}" if math.isfinite(difference) else "by numbers that are not finite"


def different_values(first: Any, second: Any) -> Iterator[str]:
    """Yield the places where two JSON values differ, with the relative difference of numbers."""
    for pointer, old, new in differences(first, second):
        place = show_pointer(pointer)
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new)) and old != new:
            yield f"{place} {_by(abs(old - new) / (abs(old) or 1))}"
        else:
            yield place


def compare_histories(first: Path, second: Path, end: Mapping[str, Any], status: str) -> Compared:
    """Return the comparison of two histories, all but the seconds.

    Lines after the newest checkpoint `end` count only where the spec has ended training, not in a killed run.
    """
    what = "history.jsonl"
    count = None if status in ("finished", "diverged") else int(end["epoch"])
    step = 0
    try:
        lines = [
            islice((parse_line(text, number, path) for number, text in read_lines(path)), count)
            for path in (first, second)
        ]
        for old, new in zip_longest(*lines):
            if old is None or new is None:
                longer = "the first run has more epochs" if new is None else "the second run has more epochs"
                return Compared(what, "different", longer, (old or new)["step"], step)
            if found := [each for each in different_values(old, new) if not each.startswith("seconds")]:
                return Compared(what, "different", f"epoch {old['epoch']}: {enumerate_some(found)}", old["step"], step)
            step = old["step"]
    except RunError as error:
        return Compared(what, "different", error.message)
    return Compared(what, "the same bytes", "apart from the seconds", until=step)


def compare_records(first: Path, second: Path) -> Compared:
    """Return the comparison of the frames of two records."""
    try:
        if read_bytes(first) == read_bytes(second):
            return Compared(first.name, "the same bytes")
        records = [read_npz(path) for path in (first, second)]
    except (RunError, DataError) as error:
        return Compared(first.name, "different", error.message)
    if not (different := [*different_arrays(*records)]):
        return Compared(first.name, "the same numbers", "compressed differently")
    return Compared(first.name, "different", enumerate_some([*_since(*records), *different]))


def _since(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Yield from which frame on two records differ, if they have the same frames."""
    epochs, other = (record.get("epochs", np.zeros(0)) for record in (first, second))
    if not np.array_equal(epochs, other):
        yield "other frames"
        return
    names = [name for name, array in first.items() if name in second and array.shape[:1] == epochs.shape]
    pairs = [(first[name], second[name]) for name in names if first[name].shape == second[name].shape]
    for number, epoch in enumerate(epochs.tolist()):
        if any(a[number].tobytes() != b[number].tobytes() for a, b in pairs):
            yield f"from the frame of epoch {epoch} on"
            return


def compare_results(first: Path, second: Path) -> Compared:
    """Return the comparison of two files of results."""
    try:
        found = [*different_values(read_run_json(first), read_run_json(second))]
    except RunError as error:
        return Compared(first.name, "different", error.message)
    return Compared(first.name, "different", enumerate_some(found)) if found else Compared(first.name, "the same bytes")


def measure_again(run: Run) -> Compared | None:
    """Compare loss and metrics of a run's checkpoint, measured now, with those in its results; None if it has none."""
    path = run.directory / "results.json"
    if not path.exists():
        return None
    try:
        stored = read_run_json(path)
        found = [
            f"{split}/{name} was {value if value is None else format_number(value, 9)}, now {format_number(now, 9)}"
            for split in run.data.splits
            for name, now in run.evaluate(split).items()
            if (value := stored.get(split, {}).get(name)) != now and not (value is None and not math.isfinite(now))
        ]
    except (RunError, DataError) as error:
        return Compared("metrics, measured again", "different", error.message)
    if stored["checkpoint"] != run.checkpoint.name:
        found.insert(0, f"they are those of {stored['checkpoint']}, not of {run.checkpoint.name}")
    return Compared("metrics, measured again", "different" if found else "the same numbers", enumerate_some(found))


def reasons(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was otherwise when the first run was made, as the manifests of both record it."""
    for what, (part, key) in {**SETTING, **ALSO_RECORDED}.items():
        found = dict.fromkeys(str(setting[part].get(key)) for setting in (before, *before["resumed"]))
        if others := [each for each in found if each != str(now[part].get(key))]:
            yield f"{what}: {' and '.join(others)}, now {now[part].get(key)}"
    if before["kernels"] != now["kernels"]:
        yield f"kernels: {show_kernels(before['kernels'])}, now {show_kernels(now['kernels'])}"
    if before["data"]["sha256"] != now["data"]["sha256"]:
        yield "data: their SHA-256 differs; a synthetic dataset depends on versions and machine"
    if before["spec"]["replaced"] or before["resumed"]:
        steps = ", ".join(str(resumed["step"]) for resumed in before["resumed"])
        yield f"the first run was resumed, from step {steps}"
        if before["spec"]["replaced"]:
            yield "its spec was changed when it was resumed; a schedule may reach to the last epoch"


def damage(run: Run) -> Iterator[str]:
    """Yield what has changed in a run or its code since it was made."""
    yield from changed_code(run.manifest, run.spec)
    yield from changed_plugins(run.manifest, run.spec)
    for name in ("history", "record"):
        try:
            getattr(run, name)
        except RunError as error:
            yield error.message
