"""`Sweep`: generations of trials, each chosen, trained and told before the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from specnet.errors import RunError, SpecError, SpecnetError
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import write_json
from specnet.studies.checking import check_same_data
from specnet.studies.engine import Job, JobOutcome, ended
from specnet.studies.summary import SUMMARY, GroupSummary, read_history, read_summary, with_results
from specnet.studies.training import Train, finish_jobs
from specnet_sweep.observer import SweepObserver
from specnet_sweep.plan import SweepPlan
from specnet_sweep.pruning import StopWorse, median_limits
from specnet_sweep.results import SweepResult, TrialResult, judge, write_results
from specnet_sweep.space import Point
from specnet_sweep.study import Study

REPORTS = 20
"""Epochs at most whose values the journal keeps, of each trial."""


class _Trial(NamedTuple):
    """A trial to train; `jobs` are its runs in their order."""

    number: int
    point: Point
    directory: Path
    summary: GroupSummary
    jobs: list[Job]


class Sweep:
    """A sweep in its locked directory.

    Raises:
        RunError: if the journal is damaged.
    """

    def __init__(self, plan: SweepPlan, directory: RunDirectory, observer: SweepObserver, train: Train) -> None:
        self.plan, self.directory, self.observer, self.train = plan, directory, observer, train
        self.objective, self.minimize = plan.settings.objective, bool(plan.settings.minimize)
        self.study = Study(directory.path, plan)
        self.results: list[TrialResult] = []
        self.curves: dict[int, dict[str, np.ndarray]] = {}

    def run(self) -> SweepResult:
        """Train all trials that the study does not have yet, and return the results.

        Raises:
            RunError: if a run directory is damaged, or is a symbolic link.
            Interrupted: after the runs were saved.
        """
        total, size = self.plan.trials, self.plan.settings.generation
        told = sum(self.study.is_told(number) for number in range(min(len(self.study), total)))
        self._check_data()
        self.observer.begin(self.directory.path, self.plan, told)
        try:
            for first in range(0, total, size):
                numbers = range(first, min(first + size, total))
                self.study.ask(numbers.stop)
                self._complete(numbers)
        except KeyboardInterrupt as error:
            error.add_note(f"the trials in {self.directory.path} are saved; the same command resumes them")
            raise
        finally:
            self.observer.end()
            paths = list(self.plan.settings.search)
            result = SweepResult(self.directory.path, self.objective, self.minimize, paths, self.results)
            write_results(result, self.directory)
        return result

    def _check_data(self) -> None:
        """Check that the first trial with results was trained on the data that are there now."""
        for number in range(len(self.study)):
            if self.study.is_told(number) and self.study.result(number).status != "failed":
                members = self.plan.members(self.plan.spec_of(self.study.point(number)))[2]
                check_same_data(members, self.directory.path / str(number))
                break

    def _complete(self, numbers: range) -> None:
        """Train the trials of a generation that are not told yet, and tell them in their order."""
        told = [self.study.result(number) for number in numbers if self.study.is_told(number)]
        lost = {result.number: result for result in told if self._is_lost(result)}
        waiting = [number for number in numbers if not self.study.is_told(number)]
        self.results += told
        errors: dict[int, SpecnetError] = {}
        trials = []
        limits = self._limits(numbers.start) if self.plan.settings.pruner and (waiting or lost) else {}
        for number in sorted([*lost, *waiting]):
            if number in lost:
                self.observer.warned(f"runs of trial {number} are gone, and are trained again")
            try:
                trials.append(self._prepare(number, limits))
            except SpecError as error:
                errors[number] = error
        self._train_runs(trials, errors)
        results = [
            TrialResult(number=number, status="failed", parameters=self.study.point(number), error=error.message)
            for number, error in errors.items()
        ]
        for each in trials:
            if each.number not in errors:
                results.append(judge(each.number, each.point, self._summarize(each), self.objective))
        for result in sorted(results, key=lambda result: result.number):
            if before := lost.get(result.number):
                if result != before:
                    self.observer.warned(f"trial {result.number} now has different results; the earlier ones are kept")
                continue
            self.study.tell(result, self._reports(result))
            self.results.append(result)
            self.observer.trial_ended(result)

    def _is_lost(self, result: TrialResult) -> bool:
        """Return whether runs of a trial that has ended are gone."""
        if result.status == "failed":
            return False
        directory = self.directory.path / str(result.number)
        try:
            runs = read_summary(directory).runs
        except RunError:
            return True
        return any(run.status != "waiting" and not ended(directory / run.name) for run in runs)

    def _prepare(self, number: int, limits: Mapping[str, list[float | None]]) -> _Trial:
        """Make the directory of a trial.

        Raises:
            SpecError: if its values do not fit each other.
            RunError: if it is a symbolic link, or one of its runs is: nothing is written elsewhere.
        """
        point = self.study.point(number)
        spec, plan, members = self.plan.members(self.plan.spec_of(point))
        directory = self.directory.file(str(number))
        for path in (directory, *(directory / member.about.name for member in members)):
            if path.is_symlink():
                message = f"{path} is a symbolic link: a sweep writes only inside its directory"
                raise RunError(message, help="remove it: the trial is then trained in its place")
        directory.mkdir(exist_ok=True)
        write_json(directory / "spec.json", spec.to_json())
        jobs = []
        for member in members:
            name = member.about.name
            stop = [StopWorse(self.objective, self.minimize, limits.get(name, []))] if self.plan.settings.pruner else []
            jobs.append(Job(member.spec, directory / name, stop))
        summary = GroupSummary(name=spec.name, plan=plan, runs=[member.about for member in members])
        return _Trial(number, point, directory, summary, jobs)

    def _train_runs(self, trials: Sequence[_Trial], errors: dict[int, SpecnetError]) -> None:
        """Train the runs of trials. With a pruner they are trained one after the other, until one is stopped.

        Raises:
            RunError: if a run directory is damaged.
        """
        stopped: set[Path] = set()
        rounds = [[job for trial in trials for job in trial.jobs]]
        if self.plan.settings.pruner:
            rounds = [list(jobs) for jobs in zip(*(trial.jobs for trial in trials), strict=True)]
        for jobs in rounds:
            for outcome in finish_jobs(
                [job for job in jobs if job.directory.parent not in stopped], self._start, self.observer.waiting
            ):
                self.observer.run_ended(outcome)
                if outcome.status in ("failed", "stopped"):
                    stopped.add(outcome.directory.parent)
                if outcome.status == "failed":
                    assert outcome.error
                    if isinstance(outcome.error, RunError):
                        raise outcome.error
                    errors.setdefault(int(outcome.directory.parent.name), outcome.error)

    def _start(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        self.observer.running([job.directory for job in jobs])
        return self.train(jobs)

    def _summarize(self, trial: _Trial) -> GroupSummary:
        """Write the summary of a trial whose runs have ended, and return it."""
        summary = with_results(trial.summary, trial.directory)
        write_json(trial.directory / SUMMARY, summary.model_dump(mode="json"))
        return summary

    def _curves(self, number: int) -> dict[str, np.ndarray]:
        """Return the values after each epoch of the runs of a trial that has ended."""
        if number not in self.curves:
            runs = [path.parent for path in self.directory.path.glob(f"{number}/*/history.jsonl")]
            found = {path.name: read_history(path) for path in sorted(runs)}
            self.curves[number] = {
                name: history[self.objective] for name, history in found.items() if self.objective in history
            }
        return self.curves[number]

    def _limits(self, before: int) -> dict[str, list[float | None]]:
        """Return the values at which a run is stopped at each epoch, by the finished trials before a number."""
        done = [result.number for result in self.results if result.status == "finished" and result.number < before]
        curves: dict[str, list[np.ndarray]] = {}
        for number in done:
            for name, curve in self._curves(number).items():
                curves.setdefault(name, []).append(curve)
        return {name: median_limits(found, self.plan.base.training.epochs) for name, found in curves.items()}

    def _reports(self, result: TrialResult) -> dict[int, float]:
        """Return the means over the runs of a trial after some epochs."""
        curves = [curve for curve in self._curves(result.number).values() if len(curve)]
        if not curves or result.error or result.status == "diverged":  # without values, a diverged trial is the worst
            return {}
        length = min(map(len, curves))
        epochs = np.unique(np.linspace(1, length, min(length, REPORTS)).round().astype(int))
        return {int(epoch): float(np.mean([curve[epoch - 1] for curve in curves])) for epoch in epochs}
