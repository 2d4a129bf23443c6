"""Going on with a run: is it still the same run, and from which of its checkpoints?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specnet.errors import Diagnostic, Pointer, RunError, SpecError, SpecnetError, UsageError, shorten
from specnet.numpy_files import read_npz
from specnet.report.record import Recorder
from specnet.runs.archive import Stamp
from specnet.runs.experiment import Experiment
from specnet.runs.history import read_until
from specnet.runs.index import Index, file_name, first_believed
from specnet.runs.manifest import bring_back, components, data_digest, describe_setting
from specnet.runs.plugins import is_same
from specnet.runs.state import read_checkpoint, trajectory
from specnet.spec.model import Spec
from specnet.training.state import TrainingState

SETTING = {
    "NumPy": ("versions", "numpy"),
    "BLAS": ("machine", "blas"),
    "BLAS kernel": ("machine", "blas_kernel"),
    "BLAS threads": ("machine", "blas_threads"),
    "SIMD extensions": ("machine", "simd"),
}
"""What the last bits of a run depend on, and where its manifest tells it."""
MISSING = object()


def check_spec_unchanged(before: Spec, now: Spec) -> None:
    """Raise an error if a spec says something else of how training goes than the one a run was made with.

    Raises:
        SpecError: with every difference.
    """
    found = [
        Diagnostic("changed", f"the run was made with {_show(old)} here, not {_show(new)}", pointer)
        for pointer, old, new in differences(trajectory(before.to_json(), before), trajectory(now.to_json(), now))
    ]
    if found:
        help = "when a run goes on, only training.epochs and what does not bear on training may change; start a new one"
        raise SpecError([now.locate(each._replace(help=help)) for each in found], file=now.source)


def check_components_unchanged(manifest: Mapping[str, Any], spec: Spec, run: Path) -> None:
    """Raise an error if components come from other distributions, or other versions, than when a run was made.

    Raises:
        UsageError: naming them.
    """
    before = manifest["components"]
    now = {name: owner for name, owner in components(spec).items() if not name.startswith("plots.")}
    changed = {name: owner for name, owner in now.items() if not is_same(before.get(name, ""), owner)}
    if changed:
        told = [f"{name} of {before.get(name, 'an unknown version')} (now {owner})" for name, owner in changed.items()]
        old = {name: before[name] for name in changed if name in before}
        raise UsageError(f"the run was made with {', '.join(told)}", help=bring_back(old, run))


def check_data_unchanged(manifest: Mapping[str, Any], experiment: Experiment) -> list[str]:
    """Raise an error if the data are others than those a run was made with.

    Computed ones may differ in their last bits where the machine does; that is a warning.

    Raises:
        UsageError: naming the digests.
    """
    before, now = manifest["data"]["sha256"], data_digest(experiment.data)
    if before == now:
        return []
    message = f"the data are not those that the run was made with: their SHA-256 is {now}, it was {before}"
    if experiment.spec.dataset.computed:
        return [message]
    raise UsageError(message, help="bring the old data back, or start a new run")


def changed_setting(manifest: Mapping[str, Any]) -> list[str]:
    """Return what would let a run end in other bits here than where it was made, a sentence each."""
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
    """Give every place where two JSON values differ, with both values there."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from differences(before.get(key, MISSING), now.get(key, MISSING), (*pointer, key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from differences(old, new, (*pointer, number))
    elif before != now or type(before) is not type(now):
        yield pointer, before, now


def _show(value: Any) -> str:
    return "nothing" if value is MISSING else shorten(json.dumps(value))


class Resumed(NamedTuple):
    """What a run goes on from: its state, the best one so far, and the history until then.

    There is no best one if that was deleted, as a better one was found which then was damaged: it will be found again.
    """

    latest: TrainingState
    best: TrainingState | None
    history: list[dict[str, Any]]


def restore(
    experiment: Experiment, directory: Path, which: str = "latest", callbacks: bool = True
) -> tuple[Resumed, list[str]]:
    """Put an experiment into the newest state of a run that can be believed; return that, and what cannot be.

    A state is believed with the best one so far, which it refers to. `which` may name an earlier one. `callbacks` as in
    `Trainer.restore`.

    Raises:
        UsageError: if there is none of that name, or a callback whose state it has is not there.
        RunError: if none can be believed, or if history or record do not belong to it: going back behind a state that
            is whole is for its owner to decide.
    """
    spec, index = experiment.spec, Index(directory)

    def read(path: Path, stamps: Sequence[Stamp]) -> tuple[TrainingState, TrainingState | None]:
        latest = read_checkpoint(path, stamps, spec)
        step, best = latest.take("callbacks.checkpoints")["step"], None
        if step == latest.progress["step"]:
            best = latest
        elif step in index.stamps or index.best_step <= latest.progress["step"]:
            best = read_checkpoint(path.with_name(file_name(step)), index.stamps.get(step, []), spec)
        try:
            experiment.restore(latest, callbacks)
        except UsageError:
            raise
        except Exception as error:  # each schedule and generator fails over what is crafted in its own way
            raise RunError(f"{path} does not hold the state of such a run: {error!r}") from error
        return latest, best

    (latest, best), refused = first_believed(index, which, read)
    try:
        history = read_until(directory / "history.jsonl", latest.take("callbacks.history"))
        if experiment.recorder:
            take_over(experiment.recorder, directory / "record.npz", latest.progress["epoch"])
    except RunError as error:
        error.help = f"bring it back, or repeat the training: specnet resume {directory} --checkpoint 0"
        raise
    step = latest.progress["step"]
    return Resumed(latest, best, history), [f"{reason}; going on from step {step}" for reason in refused]


def take_over(recorder: Recorder, path: Path, epoch: int) -> None:
    """Let a recorder go on with the record of a run that goes on from the end of `epoch`.

    Where that is no more than the first frame, which the recorder has, it goes on without the file, too.

    Raises:
        RunError: if the file does not hold what such a run has kept.
    """
    try:
        recorder.resume(read_npz(path), epoch)
    except (SpecnetError, KeyError, TypeError, ValueError) as error:
        if recorder.next > epoch:
            return
        reason = error.message if isinstance(error, SpecnetError) else str(error)
        if isinstance(error, KeyError):
            reason = f"it has no array {error}; older versions of specnet kept none"
        raise RunError(f"{path} is not what the run had kept by epoch {epoch}: {reason}") from error
