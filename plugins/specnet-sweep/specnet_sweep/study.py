"""`Study`: the trials of a sweep in Optuna's journal, so that a sweep that is killed loses none.

A trial is chosen from a copy of the study in memory, by a sampler whose seed depends on the trial's number, and then
appended to the journal as one line. So it does not matter when a process ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from pydantic import ValidationError

from specnet.errors import RunError
from specnet.words import describe_error
from specnet_sweep.journal import AGAIN, CheckedJournal
from specnet_sweep.plan import SweepPlan
from specnet_sweep.results import TrialResult
from specnet_sweep.space import Parameter, Point

JOURNAL = "journal.log"
NAME = "sweep"
RESULT = "result"
ATTEMPTS = 100
"""Draws of a trial before its point is chosen at random."""


class Study:
    """The trials of a plan, in a directory that this process has locked.

    Raises:
        RunError: if the journal is damaged.
    """

    def __init__(self, directory: Path, plan: SweepPlan) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.plan = plan
        path = self._path = directory / JOURNAL
        direction = StudyDirection.MINIMIZE if plan.settings.minimize else StudyDirection.MAXIMIZE
        try:
            self._storage = JournalStorage(CheckedJournal(path))
            self._study = optuna.create_study(
                storage=self._storage, study_name=NAME, direction=direction, load_if_exists=True
            )
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise RunError(f"{path} is damaged: {describe_error(error)}", help=AGAIN) from error
        self._distributions = {each.path: _distribution(each) for each in plan.space.parameters}

    def __len__(self) -> int:
        return len(self._trials)

    @property
    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def point(self, number: int) -> Point:
        """Return the values of a trial."""
        return self._point(self._trials[number])

    def _point(self, trial: FrozenTrial) -> Point:
        searched = [each for each in self.plan.space.parameters if each.path in trial.params]
        return {each.path: _from_optuna(each, trial.params[each.path]) for each in searched}

    def is_told(self, number: int) -> bool:
        """Return whether the result of a trial is in the journal."""
        return self._trials[number].state.is_finished()

    def ask(self, end: int) -> None:
        """Choose the trials before number `end` that are not chosen yet, as the results so far suggest."""
        trials = self._trials
        if len(trials) >= end:
            return
        scratch = optuna.create_study(direction=self._study.direction)
        if self.plan.settings.sampler == "tpe":
            scratch.add_trials(trials)
        seen = {_key(self._point(trial)) for trial in trials}
        for number in range(len(trials), end):
            point = self._choose(scratch, number, seen)
            seen.add(_key(point))
            trial = create_trial(
                state=TrialState.RUNNING,
                params={path: _to_optuna(self.plan.space, path, value) for path, value in point.items()},
                distributions={path: self._distributions[path] for path in point},
            )
            scratch.add_trial(trial)
            self._study.add_trial(trial)

    def _choose(self, scratch: optuna.Study, number: int, seen: set[str]) -> Point:
        space, settings = self.plan.space, self.plan.settings
        if settings.sampler == "grid":
            return space.point(number)
        rng = np.random.default_rng([settings.seed, number])
        scratch.sampler = _sampler(settings.sampler, int(rng.integers(2**32)))
        for _ in range(ATTEMPTS):
            if _key(point := self._draw(scratch)) not in seen:
                return point
        # A sampler that has learned may draw the same points again and again.
        scratch.sampler, possible = RandomSampler(seed=int(rng.integers(2**32))), self.plan.possible
        while True:
            few = possible is not None and possible < 2**63
            point = space.point(int(rng.integers(possible))) if few else self._draw(scratch)
            if _key(point) not in seen:
                return point

    def _draw(self, scratch: optuna.Study) -> Point:
        """Return a point that the sampler of a study in memory draws."""
        trial, space = scratch.ask(), self.plan.space
        point: Point = {}
        for each in space.parameters:
            if space.is_active(each, point):
                point[each.path] = _from_optuna(each, _suggest(trial, each.path, self._distributions[each.path]))
        scratch.tell(trial, state=TrialState.FAIL)  # samplers ignore these
        return point

    def tell(self, result: TrialResult, reports: Mapping[int, float]) -> None:
        """Write the result of a trial, and the values that it had after some epochs."""
        study = self._storage.get_study_id_from_name(NAME)
        trial = self._storage.get_trial_id_from_study_id_trial_number(study, result.number)
        for epoch, value in reports.items():
            self._storage.set_trial_intermediate_value(trial, epoch, value)
        self._storage.set_trial_user_attr(trial, RESULT, result.model_dump(mode="json"))
        if result.value is not None:
            self._study.tell(result.number, result.value)
        else:  # a sampler avoids what is pruned, and ignores what fails
            self._study.tell(result.number, state=TrialState.FAIL if result.error else TrialState.PRUNED)

    def result(self, number: int) -> TrialResult:
        """Return the result of a trial that was told.

        Raises:
            RunError: if it is not that of a trial.
        """
        found = self._trials[number].user_attrs.get(RESULT)
        try:
            return TrialResult.model_validate(found)
        except ValidationError as error:
            raise RunError(f"{self._path} is damaged: trial {number} has no result") from error


def _sampler(name: str, seed: int) -> BaseSampler:
    return RandomSampler(seed=seed) if name == "random" else TPESampler(seed=seed)


def _distribution(parameter: Parameter) -> BaseDistribution:
    about = parameter.about
    if about.choices is not None:
        return CategoricalDistribution([json.dumps(choice) for choice in about.choices])
    assert about.low is not None and about.high is not None
    if parameter.whole:
        return IntDistribution(int(about.low), int(about.high), log=about.log, step=int(about.step or 1))
    return FloatDistribution(float(about.low), float(about.high), log=about.log, step=about.step)


def _suggest(trial: Trial, path: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(path, distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    suggest: Any = trial.suggest_int if isinstance(distribution, IntDistribution) else trial.suggest_float
    step = distribution.step
    return suggest(path, distribution.low, distribution.high, log=distribution.log, **({"step": step} if step else {}))


def _from_optuna(parameter: Parameter, value: Any) -> Any:
    return json.loads(value) if parameter.about.choices is not None else parameter.nearest(value)


def _to_optuna(space: Any, path: str, value: Any) -> Any:
    parameter = next(each for each in space.parameters if each.path == path)
    return json.dumps(value) if parameter.about.choices is not None else value


def _key(point: Point) -> str:
    return json.dumps(point)
