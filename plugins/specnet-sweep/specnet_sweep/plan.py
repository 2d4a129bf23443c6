"""`SweepPlan`: a sweep file with its spec, after every value in it was validated by the spec's own rules."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specnet.errors import Diagnostic, SpecError, SpecnetError
from specnet.kernels.base import DEFAULT
from specnet.names import suggest
from specnet.spec.document import Document, read_document
from specnet.spec.load import load_document
from specnet.spec.model import Spec, json_digest
from specnet.spec.overrides import apply_overrides
from specnet.spec.plan import make_plan
from specnet.spec.units import resolve_dataset
from specnet.studies.checking import check_members
from specnet.studies.plans import VARIED, Member, by_folds, check_seeds, vary_seeds
from specnet.studies.summary import GroupPlan
from specnet.words import Pointer, quote, show_path
from specnet_sweep.checks import Checks
from specnet_sweep.settings import MOST_TRIALS, read_settings
from specnet_sweep.space import Point, overrides_of, show_count

_NOT_TRAINED = ("name", "description", "record", "plots")
"""Keys of a spec that change no value of a run."""


class SweepPlan:
    """The trials that a sweep file asks for: `trials` is their number, `possible` that of all points, if it is finite.

    Raises:
        SpecError: with every mistake in the file, or in its spec.
    """

    def __init__(self, path: Path, memory_budget: float | None = None, kernels: str = DEFAULT) -> None:
        self.file = path
        self.settings, self.document = read_settings(path)
        self._options = memory_budget, kernels
        self.spec_document = self._read_spec()
        self.base = self.load(copy.deepcopy(self.spec_document))
        key = "minimize" if self.settings.minimize else "maximize"
        self.check_objective(self.base, (key,))
        self.space = Checks(self).space()
        self.possible = self.space.count()
        self.trials = self._count_trials()
        self.warnings = [*self.base.warnings, *map(self.document.locate, self._warnings(key))]
        """What is allowed but probably not intended, in the spec and in the sweep file."""

    def _read_spec(self) -> Document:
        if "\0" in self.settings.spec:
            raise self._wrong([Diagnostic("file", "a path cannot contain a null character", ("spec",))])
        path = self.document.directory / self.settings.spec
        try:
            return read_document(path)
        except SpecError as error:
            if any(found.location for found in error.diagnostics):
                raise
            raise self._wrong([Diagnostic("file", f"{show_path(path)}: {error.message}", ("spec",))]) from None

    def load(self, document: Document) -> Spec:
        """Return the spec in a document.

        Raises:
            SpecError: with every mistake that was found.
        """
        budget, kernels = self._options
        return load_document(document, budget, kernels)

    def _wrong(self, mistakes: Sequence[Diagnostic]) -> SpecError:
        return SpecError([self.document.locate(found) for found in mistakes], file=self.document.name)

    def spec_of(self, point: Point) -> Spec:
        """Return the spec of a trial.

        Raises:
            SpecError: if its values do not fit each other.
        """
        document = copy.deepcopy(self.spec_document)
        apply_overrides(document, overrides_of(point))
        return resolve_dataset(self.load(document))[0]

    def members(self, spec: Spec) -> tuple[Spec, GroupPlan, list[Member]]:
        """Return the spec that the runs of a trial have in common, and the runs."""
        if self.settings.folds:
            with self._located():
                return by_folds(spec, self.settings.folds, 1)
        return spec, *vary_seeds(spec, self.seeds(spec), VARIED[:2])

    def check_samples(self) -> None:
        """Set up the first run of the spec as it is, unless the search changes the samples or their split.

        Raises:
            SpecError: if the spec does not fit its data, or the samples cannot be divided into folds.
        """
        if {"dataset", "split"} & {parameter.place[0] for parameter in self.space.parameters}:
            return
        members = self.members(self.base)[2]
        with self._located():
            check_members(members if self.base.split.by == "group" else members[:1])

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Locate errors about the number of folds in the sweep file."""
        try:
            yield
        except SpecnetError as error:
            found = error.diagnostics[0]
            if found.pointer not in (("split",), ("split", "folds")):
                raise
            raise self._wrong([Diagnostic(found.code, found.message, ("folds",), found.help)]) from error

    def seeds(self, spec: Spec) -> list[int]:
        """Return the seeds of the runs of a trial with a spec."""
        return [spec.seed] if self.settings.seeds is None else check_seeds(self.settings.seeds)

    def key(self, spec: Spec) -> str:
        """Return what is the same for specs whose trials are the same."""
        first = self.members(spec)[2][0].spec.to_json()
        return json_digest({name: value for name, value in first.items() if name not in _NOT_TRAINED})

    def to_json(self) -> dict[str, Any]:
        """Return what determines the trials, but their number."""
        settings = self.settings.model_dump(mode="json", exclude={"spec", "trials", "description"})
        return settings | {"base": self.base.to_json(), "kernels": self.base.kernels_name}

    def _count_trials(self) -> int:
        wanted, possible = self.settings.trials, self.possible
        if wanted is None and self.settings.sampler != "grid":
            help = '"trials": 50; only a grid has a default'
            raise self._wrong([Diagnostic("missing-key", 'the key "trials" is missing', (), help)])
        if wanted is None and (possible or 0) > MOST_TRIALS:
            message = f"the grid has {show_count(possible or 0)} points, more than {MOST_TRIALS:,}"
            help = '"trials" limits their number, in the order of the grid; "sampler": "random" draws some of them'
            raise self._wrong([Diagnostic("out-of-range", message, ("search",), help)])
        return min(found for found in (wanted, possible) if found is not None)

    def _warnings(self, key: str) -> Iterator[Diagnostic]:
        if self.settings.folds is None and self.settings.objective.startswith("test/"):
            message = "the test samples choose the best trial, so its test values look better than they are"
            value = self.settings.objective.removeprefix("test/")
            help = f'"{key}": "validation/{value}" leaves them to evaluate it'
            if "validation/loss" not in self._values(self.base):
                help += '; it needs a validation share in "split"'
            yield Diagnostic("chosen-by-test", message, (key,), help, severity="warning")

    def check_objective(self, spec: Spec, place: Pointer) -> None:
        """Check that a run of a spec will have the value that is minimized or maximized.

        Raises:
            SpecError: if it will not.
        """
        name = self.settings.objective
        known = self._values(spec)
        if not _is_among(name, known):
            message = f"there will be no {quote(name)}"
            if place[0] == "search":
                message = f"with this value {message}"
            raise self._wrong([Diagnostic("wrong-value", message, place, suggest(name, known))])
        if self.settings.pruner and name.startswith("test/"):
            message = f"a run is pruned by a value of its history, which has no {name}"
            help = 'for example "minimize": "validation/loss"'
            raise self._wrong([Diagnostic("wrong-value", message, ("pruner",), help)])
        value = name.partition("/")[2].partition("/")[0]
        higher = next((metric.higher_is_better for metric in spec.metrics if metric.label == value), False)
        if higher is bool(self.settings.minimize) and place[0] != "search":
            better = "maximize" if higher else "minimize"
            message = f"{name} is better if it is {'higher' if higher else 'lower'}"
            raise self._wrong([Diagnostic("wrong-value", message, place, f'"{better}": "{name}"')])

    def _values(self, spec: Spec) -> list[str]:
        """Return the names of what `results.json` of a run will have."""
        if self.settings.folds:
            spec = self.members(spec)[2][0].spec
        values = ["loss", *(metric.label for metric in spec.metrics)]
        return [f"{split}/{value}" for split in make_plan(spec).splits for value in values]


def _is_among(name: str, known: Sequence[str]) -> bool:
    """Return whether a value will exist; a metric may have several, such as test/recall/setosa."""
    split, _, value = name.partition("/")
    return f"{split}/{value.partition('/')[0]}" in known
