"""`sweep`: find the directory of a sweep, and run it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from specnet.errors import UsageError
from specnet.kernels.base import DEFAULT
from specnet.runs.storage.directory import LOCK, RunDirectory
from specnet.runs.storage.files import TEMPORARY, read_run_json, write_json
from specnet.studies.engine import train_all
from specnet.studies.places import choose_place, make_place
from specnet.studies.summary import SWEEP
from specnet_sweep.observer import SweepObserver
from specnet_sweep.plan import SweepPlan
from specnet_sweep.results import SweepResult


def sweep(
    file: str | Path,
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    threads: int | None = None,
    engine: str | None = None,
    kernels: str | None = None,
    memory_budget: float | None = None,
    observer: SweepObserver | None = None,
) -> SweepResult:
    """Train the trials of a sweep file, and return what they have reached.

    `out` is the directory of the sweep, by default `runs/` and the spec's name with `-sweep`, or the next free one of
    `-sweep-2`, …. A sweep that is already there is resumed, with the same trials as if nothing had stopped it.
    `workers`, `threads` and `engine` are as in `specnet.studies.engine.train_all`, `kernels` and `memory_budget` as in
    `specnet.load_spec`.

    Raises:
        SpecError: if the sweep file or its spec is wrong.
        UsageError: if the directory contains something else.
        BusyError: if another process writes to the directory.
        Interrupted: on SIGINT, SIGTERM or SIGHUP, after the runs were saved.
    """
    plan = SweepPlan(Path(file), memory_budget, kernels or DEFAULT)
    path = choose_place(out, f"{plan.base.name}-sweep", partial(_check_free, plan=plan))
    if not (path / SWEEP).is_file():
        plan.check_samples()
    make_place(path)
    train = partial(train_all, workers=workers, threads=threads, engine=engine)
    with RunDirectory(path) as directory:
        _check_free(path, plan)
        directory.clean()
        write_json(directory.file(SWEEP), {"format": 1, "file": str(plan.file)} | plan.to_json())
        from specnet_sweep.trials import Sweep

        return Sweep(plan, directory, observer or SweepObserver(), train).run()


def _check_free(path: Path, plan: SweepPlan) -> None:
    """Check that a directory is free, or that of this sweep."""
    if (path / SWEEP).is_file():
        before = read_run_json(path / SWEEP)
        now = plan.to_json()
        changed = ["spec" if key == "base" else key for key in now if before.get(key) != now[key]]
        if changed:
            message = f"{path} contains another sweep, of {before.get('file')}, which differs in {', '.join(changed)}"
            raise UsageError(message, help="choose another directory with --out")
    elif path.exists() and (not path.is_dir() or not all(_is_ours(each.name) for each in path.iterdir())):
        raise UsageError(f"{path} already exists, and is not a sweep", help="choose another with --out")


def _is_ours(name: str) -> bool:
    """Return whether a file may be in the directory of a sweep that was killed before it began."""
    return name == LOCK or TEMPORARY.fullmatch(name) is not None
