"""`run` and `resume`: train a spec into a run directory, or continue one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from copy import deepcopy
from os import PathLike
from pathlib import Path
from typing import Any

from specnet.errors import UsageError
from specnet.kernels.base import DEFAULT
from specnet.runs.experiment import Experiment
from specnet.runs.following import FollowingRank
from specnet.runs.notebook import notebook_progress
from specnet.runs.observers import Logger, Observer, Observers
from specnet.runs.provenance.code import describe_code
from specnet.runs.provenance.kernels import choose_kernels, describe_kernels
from specnet.runs.provenance.manifest import describe_spec, new_manifest, note_resumed, read_manifest, read_spec
from specnet.runs.provenance.plugins import describe_plugins
from specnet.runs.provenance.threads import blas_threads, check_threads, fitting_threads, recorded_threads
from specnet.runs.resume import (
    changed_setting,
    check_components_unchanged,
    check_data_unchanged,
    check_spec_unchanged,
    restore,
    resumed_components,
)
from specnet.runs.run import Run
from specnet.runs.runner import Runner
from specnet.runs.sharding import check_ranks, check_shards, check_step, open_ranks
from specnet.runs.signals import Signals
from specnet.runs.storage.directory import RunDirectory, claim_directory, take_or_join
from specnet.spec.load import load_spec, with_data
from specnet.spec.model import Spec
from specnet.spec.units import adopt_resolved, resolve_dataset
from specnet.training.callbacks import Callback
from specnet.training.ranks import Ranks


def run(
    spec: Spec | str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    observer: Observer | None = None,
    *,
    data: Any = None,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
    resume: bool = False,
    strict: bool = False,
    threads: int | None = None,
    report: bool = True,
    plots: bool = True,
    shards: int | None = None,
    kernels: str | None = None,
    allow_other_kernels: bool = False,
    allow_changed_code: bool = False,
) -> Run:
    """Train a spec and return its run; anything but a `Spec` is passed to `load_spec` first.

    `out` names the run directory, which must be free; by default it is `runs/` and the spec's name, or the next free
    one of `-2`, `-3`, …. With `resume`, a run of the spec in that same directory is resumed, if there is one; then
    errors, `strict`, `threads`, `kernels`, `allow_other_kernels` and `allow_changed_code` are those of `resume`.

    `data` are samples to train on, as `load_spec` takes them. The run keeps their SHA-256, not the samples.

    In a notebook progress and results are shown, unless there is an `observer`.

    `callbacks` run after those of the spec, in their order. `loggers` see the run and cannot change it.

    `threads` is the number of BLAS threads; by default as many as the environment says (`OPENBLAS_NUM_THREADS`), or
    else one, and more for large matrix products, whatever was set before. The previous number is restored
    afterwards. `kernels` names the set of kernels, by default "numpy" or the one that the spec was loaded with;
    "textbook" means the definitions themselves.

    `shards` is the number of shards of each batch, whose gradients are added in a fixed order. Processes started by
    `mpiexec` compute them together and end in the same bytes, however many they are; all of them call this function.
    BLAS then has one thread by default. A run keeps its number of shards.

    Unless `plots` or `report` is false, the spec's plots are drawn at the end, and `report.html` is written, a page
    with replay and results.

    On SIGINT, SIGTERM or SIGHUP the run completes its step, saves the state and raises `Interrupted`; a second
    signal raises it at once.

    Raises:
        SpecnetError: if the spec does not fit its data; no directory is created.
        UsageError: if `out` is taken or cannot be a directory, there are fewer cores than `threads`, or fewer `shards`
            than processes.
        DivergenceError: if a number is no longer finite; what was saved before stays. With the spec's
            `"on_divergence": "restore_best"` the run is returned instead, its status "diverged".
        Interrupted: after one of these signals.
        OSError: if a file cannot be written; what was saved before stays.
    """
    spec = given_spec(spec, kernels, data)
    check_threads(threads)
    wanted = Path(out) if out is not None else Path("runs") / spec.name
    observers = Observers(observer or notebook_progress(), loggers)
    number = 1 if shards is None else shards
    with Ranks() if shards is None else open_ranks() as ranks, Signals() as signals:
        claimed = None
        if not ranks.gather(resume and (wanted / "manifest.json").exists())[0]:
            with ranks.together():
                check_shards(number, ranks)
                experiment = set_up(spec, callbacks, signals, True, number, ranks)
                if ranks.rank == 0:
                    claimed = take_or_join(wanted) if resume else claim_directory(wanted, exactly=out is not None)
        if ranks.gather(claimed is None)[0]:
            return _resume(
                wanted,
                spec,
                ranks,
                observers=observers,
                callbacks=callbacks,
                signals=signals,
                strict=strict,
                threads=threads,
                report=report,
                plots=plots,
                kernels=kernels,
                allow_other_kernels=allow_other_kernels,
                allow_changed_code=allow_changed_code,
                shards=shards,
            )
        with claimed or nullcontext(), blas_threads(threads, _fitting_threads(experiment)):
            check_ranks(experiment, ranks)
            if claimed is None:
                return FollowingRank(experiment, signals).run()
            if claimed.path != wanted:
                observers.taken(wanted)
            manifest = new_manifest(experiment.spec, experiment.data, number, experiment.pretrained)
            runner = Runner(experiment, claimed, manifest, observers, signals)
            for message in experiment.warnings:
                observers.warned(message)
            return runner.run(None, report, plots)


def resume(
    run: str | PathLike[str],
    overrides: Sequence[str] = (),
    observer: Observer | None = None,
    *,
    data: Any = None,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
    checkpoint: str | int = "latest",
    memory_budget: int | None = None,
    strict: bool = False,
    threads: int | None = None,
    report: bool = True,
    kernels: str | None = None,
    allow_other_kernels: bool = False,
    allow_changed_code: bool = False,
) -> Run:
    """Resume the run in a directory, or a `Run`, from its newest intact checkpoint, and return it.

    `checkpoint` may be an earlier one, "best" or a step: what came after that is repeated.

    It ends with the same bytes as an uninterrupted run, on a machine with the same NumPy, BLAS and threads; with
    `strict` another one is refused, otherwise the observer is warned. `threads` is the number of BLAS threads; by
    default as many as the environment says, or else as many as before. `overrides` may make the run longer, as
    `training.epochs=200` does, or change what does not affect training. The set of kernels is the run's own; with
    `allow_other_kernels` it may be another, `kernels`, and the observer is warned. `allow_changed_code` accepts other
    code or versions of components, for authors of plugins: the observer is warned, and the manifest records it.

    A run that was trained on `data` given in Python needs the same again.

    Raises:
        RunError: if the directory is not that of a run, or cannot be trusted.
        SpecnetError: if spec, data or distributions have changed since the run was made.
        UsageError: if there are fewer cores than `threads`, or the set of kernels differs.
        BusyError: if another process writes to the directory.
        DivergenceError, Interrupted, OSError: as `run` does.
    """
    check_threads(threads)
    directory = Path(run)
    sharded = read_manifest(directory).get("shards", 1) > 1
    with open_ranks() if sharded else Ranks() as ranks, Signals() as signals:
        return _resume(
            directory,
            overrides,
            ranks,
            observers=Observers(observer or notebook_progress(), loggers),
            callbacks=callbacks,
            signals=signals,
            strict=strict,
            threads=threads,
            report=report,
            checkpoint=str(checkpoint),
            memory_budget=memory_budget,
            kernels=kernels,
            allow_other_kernels=allow_other_kernels,
            allow_changed_code=allow_changed_code,
            data=data,
        )


def given_spec(spec: Spec | str | Path | Mapping[str, Any], kernels: str | None, data: Any) -> Spec:
    """Return a spec with this set of kernels and these data; anything but a `Spec` is passed to `load_spec`."""
    if not isinstance(spec, Spec):
        return load_spec(spec, kernels=kernels or DEFAULT, data=data)
    return with_data(spec.with_kernels(kernels) if kernels else spec, data)


def set_up(
    spec: Spec,
    callbacks: Sequence[Callback],
    signals: Signals,
    new: bool = False,
    shards: int = 1,
    ranks: Ranks | None = None,
) -> Experiment:
    """Return a spec's experiment, set up with one thread: fitted transforms do not depend on their number."""
    with signals.promptly(), blas_threads(1):
        experiment = Experiment(spec, callbacks, new, shards, ranks)
        check_step(experiment)
        return experiment


def _fitting_threads(experiment: Experiment) -> int:
    if experiment.trainer.communicator.shards > 1:  # the same number, and so the same bytes, on any number of ranks
        return 1
    rows = experiment.splits["train"].rows
    batch = min(experiment.spec.training.largest_batch or rows, rows)
    return fitting_threads(experiment.model.network.named.values(), batch)


def _resume(
    path: Path,
    given: Spec | Sequence[str],
    ranks: Ranks,
    *,
    observers: Observers,
    callbacks: Sequence[Callback],
    signals: Signals,
    strict: bool,
    threads: int | None,
    report: bool,
    plots: bool = True,
    checkpoint: str = "latest",
    memory_budget: int | None = None,
    kernels: str | None = None,
    allow_other_kernels: bool = False,
    allow_changed_code: bool = False,
    data: Any = None,
    shards: int | None = None,
) -> Run:
    """Resume the run in a directory on all ranks, with the given spec, or with its own and overrides."""
    with ExitStack() as stack:
        with ranks.together():
            if ranks.rank == 0:
                directory = stack.enter_context(RunDirectory(path))
                directory.clean()
            manifest = read_manifest(path)
            number = manifest.get("shards", 1)
            if shards not in (None, number):
                raise UsageError(f"the run was made with {number} shards, not {shards}", help=f"--shards {number}")
            check_shards(number, ranks)
            stack.enter_context(blas_threads(threads, recorded_threads(manifest)))
            before = read_spec(path, manifest)
            chosen, warnings = choose_kernels(manifest, path, kernels, allow_other_kernels, exactly=True)
            own = path / "spec.json"
            spec = given if isinstance(given, Spec) else load_spec(own, given, memory_budget, chosen, data)
            spec, _ = resolve_dataset(adopt_resolved(spec.with_kernels(chosen), before))
            check_spec_unchanged(before, spec)
            warnings += check_components_unchanged(manifest, spec, path, allow_changed_code)
            warnings += changed_setting(manifest)
            experiment = set_up(spec, callbacks, signals, shards=number, ranks=ranks)
            warnings += check_data_unchanged(manifest, experiment.spec, experiment.data)
            if strict and warnings:
                raise UsageError("\n".join(["bits may differ from those of an uninterrupted run", *warnings]))
            if ranks.rank == 0:
                recorded = deepcopy(manifest)
                if spec.digest() != manifest["spec"]["sha256"]:
                    replaced = before.digest() if before.digest() != spec.digest() else None
                    source = given.source if isinstance(given, Spec) else manifest["spec"]["file"]
                    manifest["spec"] = describe_spec(spec, replaced) | {"file": source}
                manifest |= {"components": resumed_components(manifest, spec), "code": describe_code(spec)}
                manifest |= {"plugins": describe_plugins(spec), "kernels": describe_kernels(chosen)}
                runner = Runner(experiment, directory, manifest, observers, signals)
                resumed, refused = restore(experiment, path, manifest, checkpoint)
                for message in [*warnings, *refused]:
                    observers.warned(message)
                if experiment.trainer.done and manifest["spec"] == recorded["spec"]:
                    manifest |= recorded  # nothing is left to do
                _begin_again(experiment, manifest)
        return FollowingRank(experiment, signals).run() if ranks.rank else runner.run(resumed, report, plots)


def _begin_again(experiment: Experiment, manifest: dict[str, Any]) -> None:
    """Record in the manifest where a run resumes, after checking that it does not end before."""
    trainer, epochs = experiment.trainer, experiment.spec.training.epochs
    begun = trainer.epoch + (trainer.batches.position > 0)
    if begun > epochs:
        message = f"the run has already begun epoch {begun}, more than training.epochs={epochs}"
        raise UsageError(message, help=f"set training.epochs to {begun} or more")
    if not trainer.done:
        note_resumed(manifest, trainer.epoch, trainer.step)
