"""Resume a run: check that nothing else has changed, and choose the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from specnet.datasets.base import Data
from specnet.distributions import BUILTIN
from specnet.errors import BrokenComponentError, Diagnostic, RunError, SpecError, UsageError
from specnet.recording.recorder import Recorder
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.code import changed_code
from specnet.runs.provenance.components import bring_back, used_components
from specnet.runs.provenance.manifest import data_digest, describe_setting
from specnet.runs.provenance.plugins import is_same
from specnet.runs.storage.checkpoints import Listing, best_of, first_believed
from specnet.runs.storage.history import Beginning, read_until
from specnet.runs.storage.record import read_record
from specnet.runs.storage.state import read_checkpoint, trajectory
from specnet.spec.model import Spec
from specnet.training.settings import Training
from specnet.training.state import TrainingState
from specnet.words import Pointer, enumerate_some, shorten

SETTING = {
    "NumPy": ("versions", "numpy"),
    "BLAS": ("machine", "blas"),
    "BLAS kernel": ("machine", "blas_kernel"),
    "BLAS threads": ("machine", "blas_threads"),
    "SIMD extensions": ("machine", "simd"),
}
"""What the last bits of a run depend on, and its place in the manifest."""
_MISSING = object()


def check_spec_unchanged(before: Spec, now: Spec) -> None:
    """Raise a SpecError with every difference of a spec from that of a run in what affects training."""
    found = [
        Diagnostic("changed", f"the run has {_show(old)} here, not {_show(new)}", pointer)
        for pointer, old, new in differences(trajectory(before.to_json(), before), trajectory(now.to_json(), now))
    ]
    if not found and _changes_batches(before.training, now.training):
        message = "with this number of epochs, the batch sizes of earlier epochs would change"
        found = [Diagnostic("changed", message, ("training", "epochs"))]
    if found:
        help = "a resumed run may change only training.epochs and what does not affect training; start a new run"
        raise SpecError([now.locate(each._replace(help=help)) for each in found], file=now.source)


def _changes_batches(before: Training, now: Training) -> bool:
    """Return whether a schedule of the batch size that depends on the length of the run changes earlier epochs."""
    first, second = before.batch_in(), now.batch_in()
    return before.varies and any(first(each) != second(each) for each in range(min(before.epochs, now.epochs)))


def check_components_unchanged(
    manifest: Mapping[str, Any], spec: Spec, run: Path, allow_changed: bool = False
) -> list[str]:
    """Raise a UsageError if components have other code, distributions or versions than those that a run was made with.

    With `allow_changed` differences are returned as warnings.
    """
    different = list(changed_code(manifest, spec))
    help = "restore the old code, or add --allow-changed-code: the run is then trained by two versions of the code"
    before = manifest["components"]
    now = {name: owner for name, owner in used_components(spec).items() if not name.startswith("plots.")}
    changed = {name: owner for name, owner in now.items() if not is_same(before.get(name, ""), owner)}
    if changed:
        old = {name: before[name] for name in changed if name in before}
        different = [f"the run was made with {', '.join(_moved(before, changed))}"]
        help = bring_back(old, run) or help
    if different and not allow_changed:
        raise UsageError("\n".join(different), help=help)
    return different


def _moved(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield where components were from and are from now; those that are specnet's own are not listed one by one."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, owner in now.items():
        names.setdefault((before.get(name, "an unknown version"), owner), []).append(name)
    for (old, new), moved in names.items():
        own = old.startswith(f"{BUILTIN} ") and new.startswith(f"{BUILTIN} ")
        yield f"{old if own else f'{enumerate_some(moved)} of {old}'} (now {new})"


def resumed_components(manifest: Mapping[str, Any], spec: Spec) -> dict[str, str]:
    """Return the components of a resumed run with their origins: unchanged ones as they were recorded before."""
    before, now = manifest["components"], used_components(spec)
    return now | {name: before[name] for name in now if is_same(before.get(name, ""), now[name])}


def check_data_unchanged(manifest: Mapping[str, Any], spec: Spec, data: Data) -> list[str]:
    """Raise a UsageError if the data are not those that a run was made with.

    Synthetic data may differ in their last bits on another machine; that is a warning.
    """
    before, now = manifest["data"]["sha256"], data_digest(data)
    if before == now:
        return []
    message = f"the data are not those that the run was made with: their SHA-256 is {now}, it was {before}"
    if spec.dataset.synthetic:
        return [message]
    raise UsageError(message, help="restore the old data, or start a new run")


def changed_setting(manifest: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each difference from the run's machine that may change bits."""
    now = describe_setting()
    found = []
    for what, (part, key) in SETTING.items():
        before = [setting[part].get(key) for setting in (manifest, *manifest["resumed"])]
        if others := list(dict.fromkeys(str(value) for value in before if value != now[part][key])):
            found.append(
                f"{what}: trained before with {' and '.join(others)}, now {now[part][key]}; last bits may differ"
            )
    return found


def differences(before: Any, now: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any, Any]]:
    """Yield every place where two JSON values differ, with both values; in lists of other lengths only the first."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from differences(before.get(key, _MISSING), now.get(key, _MISSING), (*pointer, key))
    elif isinstance(before, list) and isinstance(now, list):
        pairs = enumerate(zip_longest(before, now, fillvalue=_MISSING))
        found = (each for number, pair in pairs for each in differences(*pair, (*pointer, number)))
        yield from islice(found, None if len(before) == len(now) else 1)
    elif before != now or type(before) is not type(now):
        yield pointer, before, now


def _show(value: Any) -> str:
    return "nothing" if value is _MISSING else shorten(json.dumps(value))


class Resumed(NamedTuple):
    """What a run resumes from: its state, the best one so far, the history until then, and the files in its directory.

    There is no best one if it was deleted for a better one that was then damaged: that one will be found again.
    """

    latest: TrainingState
    best: TrainingState | None
    history: Beginning
    listing: Listing


def restore(
    experiment: Experiment,
    directory: Path,
    manifest: Mapping[str, Any],
    which: str = "latest",
    callbacks: bool = True,
) -> tuple[Resumed, list[str]]:
    """Restore an experiment to the newest intact state of a run; return that state, and what was refused.

    A state is valid only with the best one so far, which it names. `which` may name an earlier one. `callbacks` as in
    `Trainer.restore`.

    Raises:
        UsageError: if there is no such checkpoint, or a callback in its state is missing.
        RunError: if no checkpoint is intact, or if history or record do not match it: only the user may decide to
            go back before an intact state.
    """
    spec, identities = experiment.spec, manifest["identities"]
    listing = Listing(directory, identities)

    def read(path: Path) -> tuple[TrainingState, TrainingState | None]:
        latest = read_checkpoint(path, spec, identities)
        best: TrainingState | None = latest
        if (step := best_of(latest.progress)["step"]) != latest.progress["step"]:
            replaced = _was_replaced(listing, step, latest)
            best = None if replaced else read_checkpoint(listing.path(step), spec, identities)
        try:
            experiment.restore(latest, callbacks)
        except (UsageError, BrokenComponentError):
            raise
        except Exception as error:  # schedules and generators raise various errors for crafted files
            raise RunError(f"{path} does not contain a valid state of this run: {error!r}") from error
        return latest, best

    (latest, best), refused = first_believed(listing, which, read)
    try:
        history = read_until(directory / "history.jsonl", latest.take("callbacks.history"))
        if experiment.recorder:
            take_over(experiment.recorder, directory / "record.npz", latest)
    except RunError as error:
        error.help = f"restore it, or repeat the training: specnet resume {directory} --checkpoint 0"
        raise
    step = latest.progress["step"]
    return Resumed(latest, best, history, listing), [f"{reason}; resuming from step {step}" for reason in refused]


def _was_replaced(listing: Listing, best: int, latest: TrainingState) -> bool:
    """Return whether the best checkpoint of a state was deleted because a later state is better.

    There has to be a later checkpoint, and none that is intact may still name the old one.
    """
    later = [step for step in listing.steps if step > latest.progress["step"]]
    if not later or best in listing.steps:
        return False
    return all(best_of(progress)["step"] != best for progress in listing.read(later)[0].values())


def take_over(recorder: Recorder, path: Path, state: TrainingState) -> None:
    """Let a recorder continue the record of a run that resumes from a state.

    If that is only the first frame, which the recorder has, the file may be missing. Otherwise a RunError says what is
    wrong with it.
    """
    epoch = state.progress["epoch"]
    try:
        recorder.resume(read_record(path, recorder.record, state), epoch)
    except RunError:
        if recorder.next > epoch:
            return
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} is not what the run had recorded by epoch {epoch}: {error}") from error
