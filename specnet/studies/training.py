"""`repeat` and `cross_validate`: train the runs of a group, and summarize them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from specnet.errors import RunError, SpecnetError, UsageError
from specnet.runs.start import given_spec
from specnet.runs.storage.directory import LOCK, RunDirectory
from specnet.runs.storage.files import read_run_json, write_json
from specnet.spec.model import Spec, json_digest
from specnet.spec.units import resolve_dataset
from specnet.studies.backends import check_engine
from specnet.studies.checking import blamed_on_options, check_members, check_same_data
from specnet.studies.engine import Job, JobOutcome, train_all
from specnet.studies.group import Group
from specnet.studies.places import choose_place, make_place
from specnet.studies.plans import VARIED, Member, by_folds, check_seeds, vary_seeds
from specnet.studies.results import complete
from specnet.studies.summary import (
    SUMMARY,
    GroupPlan,
    GroupSummary,
    RunSummary,
    Target,
    find_doubt,
    is_group,
    parse_target,
    read_summary,
    with_results,
)

Train = Callable[[Sequence[Job]], Iterator[JobOutcome]]
PAUSE = 0.5
"""Seconds between looks at runs that another process trains."""


class GroupObserver:
    """Sees a group while it is trained; each method does nothing by default."""

    def warned(self, message: str) -> None:
        """Run if something about the group is worth knowing."""

    def begin(self, directory: Path, members: Sequence[Member]) -> None:
        """Run before the first run."""

    def ended(self, outcome: JobOutcome) -> None:
        """Run when a run has ended, also if it had ended before."""

    def waiting(self, directories: Sequence[Path]) -> None:
        """Run if nothing is left but runs that another process trains."""

    def end(self) -> None:
        """Run after the last run, or when the group is stopped."""


def repeat(
    spec: Spec | str | Path | Mapping[str, Any],
    seeds: int | Sequence[int] = 20,
    out: str | Path | None = None,
    *,
    vary: Sequence[str] = VARIED[:2],
    target: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    engine: str | None = None,
    kernels: str | None = None,
    data: Any = None,
    observer: GroupObserver | None = None,
) -> Group:
    """Train a spec with several seeds, and return the group of runs; anything but a `Spec` is passed to `load_spec`.

    `seeds` are numbers, or how many: 20 means 1 to 20. `vary` lists what depends on them: "start" (initial weights),
    "order" (of samples, and what else is drawn in training), "data" (samples of a synthetic dataset) and "split".

    `out` is the directory of the group, by default `runs/` and the spec's name with `-repeat`, or the next free one of
    `-repeat-2`, …. In the directory of a group of the same spec, runs that are finished are kept, and others resumed;
    there may be more seeds than before.

    `target`, such as "validation/accuracy=0.95", is a value of the history: the summary counts the runs that reach
    it.
    `workers`, `threads` and `engine` are as in `train_all`, `kernels` and `data` as in `run`.

    Raises:
        SpecnetError: if the spec does not fit its data, or the group was made with another spec.
        UsageError: if an argument is wrong, or all workers die again and again.
        BusyError: if another process trains the group.
        Interrupted: on SIGINT, SIGTERM or SIGHUP, after the runs were saved.
    """
    check_engine(engine)
    loaded, _ = resolve_dataset(given_spec(spec, kernels, data))  # once, not in each run
    plan, members = vary_seeds(loaded, check_seeds(seeds), vary)
    aim = parse_target(target, loaded) if target else None
    path = choose_place(out, f"{loaded.name}-repeat", partial(_check_free, plan=plan), SpecnetError)
    if not is_group(path):
        check_members(members)
    train = partial(train_all, workers=workers, threads=threads, engine=engine)
    return _train(path, loaded, plan, members, aim, observer or GroupObserver(), train, data)


def cross_validate(
    spec: Spec | str | Path | Mapping[str, Any],
    folds: int = 5,
    repeats: int = 1,
    out: str | Path | None = None,
    *,
    group: str | None = None,
    order: bool = False,
    stratify: bool | None = None,
    workers: int | None = None,
    threads: int | None = None,
    engine: str | None = None,
    kernels: str | None = None,
    data: Any = None,
    observer: GroupObserver | None = None,
) -> Group:
    """Train a spec once for each fold of its samples, and return the group of runs.

    Each fold is the test split of a run, instead of the spec's test share. The validation share is taken from the
    other folds, as for early stopping. `repeats` is how often the samples are divided, each time into different folds.
    `group` names a column: rows with the same value stay in one fold. With `order`, each fold is predicted by a run
    that was trained on the samples before it. `stratify` is that of the spec's split, unless it is given.

    `out` is by default `runs/` and the spec's name with `-folds`; all else is as in `repeat`.

    Raises:
        UsageError: if the samples cannot be divided like this; nothing is written.
        SpecnetError: as `repeat` does.
    """
    check_engine(engine)
    loaded, _ = resolve_dataset(given_spec(spec, kernels, data))  # once, not in each run
    changes: dict[str, Any] = {"by": "group", "column": group} if group is not None else {}
    if order and changes:
        raise UsageError("--group and --order: folds are made by groups or in the order of the samples, not both")
    changes |= {"by": "order"} if order else {}
    changes |= {"stratify": stratify} if stratify is not None else {"stratify": None} if changes else {}
    with blamed_on_options(folds, group, order, stratify):
        loaded, plan, members = by_folds(loaded, folds, repeats, **changes)
        path = choose_place(out, f"{loaded.name}-folds", partial(_check_free, plan=plan), SpecnetError)
        if not is_group(path):
            check_members(members[: folds if group else 1])
    train = partial(train_all, workers=workers, threads=threads, engine=engine)
    return _train(path, loaded, plan, members, None, observer or GroupObserver(), train, data)


def _check_free(path: Path, plan: GroupPlan) -> None:
    """Check that a directory is free, or that of a group of this plan."""
    if find_doubt(path) and _spec_digest(path) == plan.spec:
        return  # the summary is written again
    if is_group(path):
        before = read_summary(path)
        if before.plan != plan and any((path / run.name).exists() for run in before.runs):
            fields = {"spec": "spec", "kernels": "set of kernels"}
            fields |= {"folds": "number of folds", "repeats": "number of repeats"}
            other = [name for field, name in fields.items() if getattr(before.plan, field) != getattr(plan, field)]
            what = f"its {other[0]} differs" if other else "its runs differ in other settings"
            help = "choose another directory with --out"
            raise UsageError(f"{path} contains another group of runs: {what}", help=help)
    elif os.path.lexists(path) and (not path.is_dir() or any(each.name != LOCK for each in path.iterdir())):
        help = "choose another name, or remove it; only a group of the same spec is continued"
        raise UsageError(f"{path} already exists", help=help)


def _spec_digest(path: Path) -> str | None:
    with suppress(RunError):
        return json_digest(read_run_json(path / "spec.json"))
    return None


def _train(
    path: Path,
    spec: Spec,
    plan: GroupPlan,
    members: Sequence[Member],
    target: Target | None,
    observer: GroupObserver,
    train: Train,
    data: Any,
) -> Group:
    make_place(path)
    with RunDirectory(path) as directory:
        _check_free(path, plan)
        check_same_data(members, path)
        if doubt := find_doubt(path):
            observer.warned(f"{doubt}; it is written again, with the runs of this command")
        summary = GroupSummary(name=spec.name, plan=plan, runs=_all_runs(path, members), target=target)
        write_json(directory.file("spec.json"), spec.to_json())
        write_json(directory.file(SUMMARY), with_results(summary, path).model_dump(mode="json"))
        try:
            train_members(path, members, train, observer, data)
        finally:
            summary = with_results(summary, path)
            write_json(directory.file(SUMMARY), summary.model_dump(mode="json"))
        return complete(Group(path, data), directory)


def train_members(
    path: Path,
    members: Sequence[Member],
    train: Train,
    observer: GroupObserver,
    data: Any,
    needed: Collection[str] = (),
) -> dict[str, JobOutcome]:
    """Train the runs of a directory, and return their outcomes by name, or raise the error of the first that failed.

    No run with a name in `needed` may diverge.
    """
    outcomes = dict[str, JobOutcome]()
    observer.begin(path, members)
    try:
        jobs = [Job(member.spec, path / member.about.name, data=data) for member in members]
        for outcome in finish_jobs(jobs, train, observer.waiting):
            observer.ended(outcome)
            name = outcome.directory.name
            if outcome.status == "failed" or (outcome.error and name in needed):
                assert outcome.error
                raise outcome.error
            outcomes[name] = outcome
    except KeyboardInterrupt as error:
        error.add_note(f"the runs in {path} are saved; the same command resumes them")
        raise
    finally:
        observer.end()
    return outcomes


def _all_runs(path: Path, members: Sequence[Member]) -> list[RunSummary]:
    """Return the runs that the group had before, in their order, and those to train."""
    before = [] if find_doubt(path) or not is_group(path) else read_summary(path).runs
    trained = {member.about.name: member.about for member in members}
    kept = {run.name: run for run in before if run.name in trained or (path / run.name).exists()}
    return [*(kept | trained).values()]


def finish_jobs(jobs: Sequence[Job], train: Train, waiting: Callable[[Sequence[Path]], None]) -> Iterator[JobOutcome]:
    """Yield the outcomes of all jobs.

    Those that another process trains are waited for, and those whose worker was stopped are resumed; `waiting` is
    called with their directories before each wait.
    """
    while jobs:
        again = []
        for outcome in train(jobs):
            if outcome.status in ("busy", "interrupted"):
                again.append(outcome.directory)
            else:
                yield outcome
        if again:
            waiting(again)
            time.sleep(PAUSE)
        jobs = [job for job in jobs if job.directory in again]
