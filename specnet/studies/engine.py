"""Train many specs in worker processes, each in a run directory of its own.

`train_all` believes runs that are finished and intact, resumes those that were stopped or killed, and skips those that
another process trains. So a program that is killed, and started again with the same jobs, ends with the same runs.

    jobs = [Job(spec, Path("runs/mine/small")), Job(other, Path("runs/mine/large"))]
    for outcome in train_all(jobs, workers=2):
        table[outcome.directory] = outcome.status
"""

from __future__ import annotations

import os
import pickle
import re
import signal
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, NamedTuple

from specnet import registry
from specnet.datasets.base import Data
from specnet.errors import BusyError, DivergenceError, Interrupted, RunError, SpecnetError, UsageError
from specnet.local import LocalEntry, load_file
from specnet.runs.observers import Observer
from specnet.runs.provenance.machine import numpy_blas
from specnet.runs.provenance.threads import usable_cores
from specnet.runs.start import run
from specnet.runs.storage.directory import find_writer
from specnet.runs.trained.building import keeping_data
from specnet.spec.load import with_data
from specnet.spec.model import Spec
from specnet.studies.backends import open_engine
from specnet.studies.belief import ended, find_fault
from specnet.training.callbacks import Callback
from specnet.words import describe_error

DEATHS = 3
"""Times in a row that workers may die without finishing a run."""
KILLED = ("KilledWorker", "ActorDiedError")
"""What Dask and Ray raise when a worker has died."""
FAREWELL = 10.0
"""Seconds that workers have to save their runs when the program is stopped."""
LATEST = 30.0
"""Seconds in which a network file system shows what a worker has written."""
SHARED = "all machines need the same file system, with the same paths"
_DATA: dict[str, Data] = {}
"""The samples that this process has loaded last."""


class Job(NamedTuple):
    """A spec to train in a run directory; `callbacks` and `data` are as in `specnet.run`."""

    spec: Spec
    directory: Path
    callbacks: Sequence[Callback] = ()
    data: Any = None


class JobOutcome(NamedTuple):
    """How a job ended.

    `status` is that of its run (finished, stopped, diverged, interrupted), "busy" if another process trains it, or
    "failed", with the error.
    """

    directory: Path
    status: str
    error: SpecnetError | None = None
    warnings: tuple[str, ...] = ()


def train_all(
    jobs: Iterable[Job], *, workers: int | None = None, threads: int | None = None, engine: str | None = None
) -> Iterator[JobOutcome]:
    """Train the specs of all jobs, and yield their outcomes as they end.

    `workers` is the number of processes, by default one for each core; with one, jobs are trained in this process.
    `threads` is the number of BLAS threads in each, by default one. Jobs may be an iterator: each is taken when a
    worker is free.

    `engine` is "dask://HOST:PORT" for the workers of a Dask scheduler, "dask" for a cluster on this machine, "ray" and
    "ray://HOST:PORT" likewise, or None for joblib's backend, loky unless `joblib.parallel_config` names another.
    Workers on other machines need the same file system.

    If a worker dies, its run is resumed from its last checkpoint. If this process is stopped, or the loop over the
    outcomes is left, workers save their runs and end.

    Raises:
        UsageError: if there is no such engine, or workers die again and again.
        OSError: if a file cannot be written.
    """
    most = min(len(jobs), usable_cores()) if isinstance(jobs, Sequence) else usable_cores()
    count = max(1, most) if workers is None else workers
    with open_engine(engine, count) as backend:
        if backend is None and count == 1:
            yield from (train_job(job, threads) for job in jobs)
            return
        if backend is not None:  # which knows how many workers it has
            count = workers or -1
        unfinished: dict[Path, Job] = {}
        stopping, found = Event(), SimpleQueue[JobOutcome | BaseException | None]()

        def taken() -> Iterator[Job]:
            for job in jobs:
                if stopping.is_set():
                    return
                unfinished[job.directory] = job
                job.directory.parent.mkdir(parents=True, exist_ok=True)
                yield job

        def feed() -> None:
            try:
                for outcome in _train_in_workers(taken(), unfinished, backend, count, threads):
                    found.put(outcome)
                found.put(None)
            except BaseException as error:
                found.put(error)

        # In a thread, as joblib kills its workers at once when a signal ends it.
        thread = Thread(target=feed, daemon=True)
        thread.start()
        try:
            while (outcome := found.get()) is not None:
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            stopping.set()
            _stop_workers(unfinished)
            thread.join(FAREWELL)


def _train_in_workers(
    waiting: Iterator[Job],
    unfinished: dict[Path, Job],
    backend: Mapping[str, Any] | None,
    count: int,
    threads: int | None,
) -> Iterator[JobOutcome]:
    """Yield outcomes, and start again with the jobs that are unfinished when a worker has died."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool

    files = [entry.file.path for entry in registry.LOCAL_ENTRIES.values() if isinstance(entry, LocalEntry)]
    plugins = [path for path in dict.fromkeys(files) if Path(path).is_file()]
    deaths = 0
    while True:
        jobs = chain([*unfinished.values()], waiting)
        # As bytes, a job needs no plugin before the worker has loaded it, and Dask does not lose it with a worker.
        tasks = (
            delayed(_work)(plugins, pickle.dumps(job._replace(data=None)), _place(job), threads, job.data)
            for job in jobs
        )
        with parallel_config(**backend) if backend else ExitStack():
            # One job a batch, none in advance: a job may depend on how those before it ended.
            parallel = Parallel(count, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
            try:
                for outcome in parallel(tasks):
                    unfinished.pop(outcome.directory, None)
                    deaths = 0
                    yield _confirmed(outcome) if backend else outcome
                return
            except Exception as error:
                if not isinstance(error, BrokenProcessPool) and type(error).__name__ not in KILLED:
                    raise
                if (deaths := deaths + 1) == DEATHS:
                    message = f"workers died {DEATHS} times in a row: {describe_error(error)}"
                    raise UsageError(message, help="fewer workers take less memory: -j 1") from error


class _Place(NamedTuple):
    """The directory of a job, as it is named here and as a worker finds it, in another working directory.

    `command` is the process that asks for the job: where one worker is enough, it trains the job itself.
    """

    named: Path
    found: Path
    command: int


def _place(job: Job) -> _Place:
    return _Place(job.directory, job.directory.absolute(), os.getpid())


def _work(plugins: Sequence[str], job: bytes, place: _Place, threads: int | None, data: Any) -> JobOutcome:
    """Train a job in a worker."""
    if os.getpid() != place.command:
        with suppress(ValueError):  # not the main thread; only the program that started the worker decides when to stop
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not place.found.parent.is_dir():
        message = f"the worker on {socket.gethostname()} does not find {place.found.parent}"
        return JobOutcome(place.named, "failed", UsageError(message, help=SHARED))
    for path in plugins:
        load_file(Path(path))
    # In the same working directory, messages name what the command names.
    directory = place.named if place.named.absolute() == place.found else place.found
    try:
        outcome = train_job(pickle.loads(job)._replace(directory=directory, data=data), threads)
        return outcome._replace(directory=place.named)
    except Interrupted:
        return JobOutcome(place.named, "interrupted")


def _confirmed(outcome: JobOutcome) -> JobOutcome:
    """Return an outcome if its run is on a file system that is here as well."""
    end = time.monotonic() + LATEST
    while outcome.status in ("finished", "stopped", "diverged") and ended(outcome.directory) is None:
        if time.monotonic() > end:
            message = f"a worker has trained {outcome.directory}, which is not complete on this machine"
            return JobOutcome(outcome.directory, "failed", UsageError(message, help=SHARED))
        time.sleep(0.5)
    return outcome


class _Listener(Observer):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)


def train_job(job: Job, threads: int | None = None) -> JobOutcome:
    """Train a job in this process, with one BLAS thread unless `threads` says otherwise.

    Raises:
        Interrupted: after the run was saved.
        OSError: if a file cannot be written.
    """
    if job.directory.is_symlink():
        help = "remove it: the run is then trained in its place"
        return JobOutcome(job.directory, "failed", UsageError(f"{job.directory} is a symbolic link", help=help))
    listener = _Listener()
    threads = threads or (1 if numpy_blas() else None)
    doubt: str | None = None
    error: SpecnetError | None = None
    try:
        with keeping_data(_DATA):
            if status := ended(job.directory):
                doubt = find_fault(job.directory, with_data(job.spec, job.data))
                if doubt is None:
                    return JobOutcome(job.directory, status)
            made = run(
                job.spec,
                job.directory,
                listener,
                data=job.data,
                callbacks=job.callbacks,
                resume=True,
                threads=threads,
                report=False,
                plots=False,
            )
        status = made.status
    except SpecnetError as raised:
        error = raised
        status = {BusyError: "busy", DivergenceError: "diverged"}.get(type(raised), "failed")
    if doubt and status not in ("busy", "failed"):
        listener.warned(f"it had ended, but was not intact, and was trained again from its last checkpoint: {doubt}")
    if status == "failed" and error and job.directory.is_dir() and (doubt or isinstance(error, RunError | UsageError)):
        reasons = dict.fromkeys([doubt or error.message, error.message])
        message = f"{job.directory} cannot be continued: {'; '.join(reasons)}"
        help = f"specnet doctor {job.directory} says more; if the directory is removed, the run is trained again"
        error = RunError(message, help=help)
    return JobOutcome(job.directory, status, error, tuple(listener.warnings))


def _stop_workers(unfinished: Mapping[Path, Job]) -> None:
    """Ask the workers on this machine to save their runs, and wait until they have."""
    asked, end = set[int](), time.monotonic() + FAREWELL
    while time.monotonic() < end:
        writers = [re.fullmatch(r"process (\d+) on (.+)", find_writer(path) or "") for path in list(unfinished)]
        here = {int(found[1]) for found in writers if found and found[2] == socket.gethostname()} - {os.getpid()}
        for process in here - asked:
            with suppress(OSError):
                os.kill(process, signal.SIGTERM)
        asked |= here
        if not here:
            return
        time.sleep(0.05)
