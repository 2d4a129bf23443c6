"""`SweepPlan`: a sweep file with its spec, after every value in it was validated by the spec's own rules."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, SpecError
from specnet.kernels.base import DEFAULT
from specnet.names import suggest
from specnet.spec.document import Document, read_document
from specnet.spec.load import load_document
from specnet.spec.model import Spec, json_digest
from specnet.spec.overrides import apply_overrides, set_value
from specnet.spec.plan import make_plan
from specnet.spec.text import Parsed
from specnet.spec.units import resolve_dataset
from specnet.studies.plans import VARIED, Member, by_folds, check_seeds, vary_seeds
from specnet.studies.summary import GroupPlan
from specnet.words import Pointer, quote, show_path
from specnet_sweep.settings import MOST_TRIALS, read_settings
from specnet_sweep.space import Parameter, Point, Space, find_value, matches, overrides_of, place_of

_Setting = tuple[Parameter, Any, Pointer]
"""A parameter, a value, and the place of the value in the sweep file."""


class SweepPlan:
    """The trials that a sweep file asks for: `trials` is their number, `possible` that of all points, if it is finite.

    Raises:
        SpecError: with every mistake in the file, or in its spec.
    """

    def __init__(self, path: Path, memory_budget: float | None = None, kernels: str = DEFAULT) -> None:
        self.file = path
        self.settings, self._document = read_settings(path)
        self._options = memory_budget, kernels
        self._spec_document = self._read_spec()
        self.base = self._load(copy.deepcopy(self._spec_document))
        self._check_objective(self.base, ("minimize" if self.settings.minimize else "maximize",))
        self.space = self._make_space()
        self.possible = self.space.count()
        self.trials = self._count_trials()

    def _read_spec(self) -> Document:
        path = self._document.directory / self.settings.spec
        try:
            return read_document(path)
        except SpecError as error:
            if any(found.location for found in error.diagnostics):
                raise
            raise self._wrong([Diagnostic("file", f"{show_path(path)}: {error.message}", ("spec",))]) from None

    def _load(self, document: Document) -> Spec:
        budget, kernels = self._options
        return load_document(document, budget, kernels)

    def _wrong(self, mistakes: Sequence[Diagnostic]) -> SpecError:
        return SpecError([self._document.locate(found) for found in mistakes], file=self._document.name)

    def spec_of(self, point: Point) -> Spec:
        """Return the spec of a trial.

        Raises:
            SpecError: if its values do not fit each other.
        """
        document = copy.deepcopy(self._spec_document)
        apply_overrides(document, overrides_of(point))
        return resolve_dataset(self._load(document))[0]

    def members(self, spec: Spec) -> tuple[Spec, GroupPlan, list[Member]]:
        """Return the spec that the runs of a trial have in common, and the runs."""
        if self.settings.folds:
            return by_folds(spec, self.settings.folds, 1)
        return spec, *vary_seeds(spec, self.seeds(spec), VARIED[:2])

    def seeds(self, spec: Spec) -> list[int]:
        """Return the seeds of the runs of a trial with a spec."""
        return [spec.seed] if self.settings.seeds is None else check_seeds(self.settings.seeds)

    @property
    def monitored(self) -> bool:
        """Whether the history of a run has the value that is minimized or maximized."""
        return not self.settings.objective.startswith("test/")

    def to_json(self) -> dict[str, Any]:
        """Return what determines the trials, but their number."""
        settings = self.settings.model_dump(mode="json", exclude={"spec", "trials", "description"})
        return settings | {"base": self.base.to_json(), "kernels": self.base.kernels_name}

    def digest(self) -> str:
        """Return the SHA-256 of what determines the trials, in hexadecimal."""
        return json_digest(self.to_json())

    def _count_trials(self) -> int:
        wanted, possible = self.settings.trials, self.possible
        if wanted is None and self.settings.sampler != "grid":
            help = '"trials": 50; only a grid has a number of its own'
            raise self._wrong([Diagnostic("missing-key", 'the key "trials" is missing', (), help)])
        if wanted is None and (possible or 0) > MOST_TRIALS:
            message = f"the grid has {possible:,} points, more than {MOST_TRIALS:,}"
            help = '"trials" limits their number, in the order of the grid; "sampler": "random" draws some of them'
            raise self._wrong([Diagnostic("out-of-range", message, ("search",), help)])
        return min(found for found in (wanted, possible) if found is not None)

    def _check_objective(self, spec: Spec, place: Pointer) -> None:
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
        if self.settings.pruner and not self.monitored:
            message = f"a run is pruned by a value of its history, which has no {name}"
            raise self._wrong([Diagnostic("wrong-value", message, ("pruner",), "minimize validation/loss, for one")])
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

    def _make_space(self) -> Space:
        """Return the parameters, after checking each of their values and conditions.

        Raises:
            SpecError: with every mistake.
        """
        base = self.base.to_json()
        space = Space([Parameter(path, about) for path, about in self.settings.search.items()], base)
        mistakes = [*self._check_places(space)]
        if not mistakes:
            for parameter in space.parameters:
                mistakes += self._check_conditions(space, parameter)
        if not mistakes:
            for parameter in space.parameters:
                mistakes += [*self._check_values(space, parameter)] or [*self._check_owners(space, parameter)]
        if mistakes:
            found = {(each.code, each.message, each.location): each for each in map(self._document.locate, mistakes)}
            raise SpecError(found.values(), file=self._document.name)
        wholes = [self._is_whole(space, parameter) for parameter in space.parameters]
        return Space(
            [Parameter(each.path, each.about, whole) for each, whole in zip(space.parameters, wholes, strict=True)],
            base,
        )

    def _check_places(self, space: Space) -> Iterator[Diagnostic]:
        """Check that no parameter undoes one before it."""
        for number, parameter in enumerate(space.parameters):
            for before in space.parameters[:number]:
                if before.place[: len(parameter.place)] == parameter.place:
                    message = f"{quote(parameter.path)} contains {quote(before.path)}, and should be before it"
                    if before.place == parameter.place:
                        message = f"{quote(parameter.path)} is the same place as {quote(before.path)}"
                    yield Diagnostic("wrong-value", message, ("search", parameter.path))

    def _check_conditions(self, space: Space, parameter: Parameter) -> Iterator[Diagnostic]:
        for path, values in parameter.conditions.items():
            place: Pointer = ("search", parameter.path, "when", path)
            decider = space.decider(place_of(path), parameter)
            if decider is None:
                message = f"nothing that is searched before {quote(parameter.path)} sets {path}"
                yield Diagnostic("wrong-value", message, place)
            elif (choices := decider.about.choices) is not None:
                inside = place_of(path)[len(decider.place) :]
                found = [find_value(choice, inside) for choice in choices]
                for value in values:
                    if not any(matches(each, value) for each in found):
                        names = [each for each in found if isinstance(each, str)]
                        help = suggest(str(value), names) if names else None
                        yield Diagnostic("wrong-value", f"{path} is never {value}", place, help)

    def _context(self, space: Space, parameter: Parameter) -> list[_Setting]:
        """Return values of other parameters with which the conditions of one hold, and their places."""
        found: list[_Setting] = []
        for path, (value, *_) in parameter.conditions.items():
            decider = space.decider(place_of(path), parameter)
            assert decider
            setting: _Setting
            if (choices := decider.about.choices) is not None:
                inside = place_of(path)[len(decider.place) :]
                number = next(n for n, each in enumerate(choices) if matches(find_value(each, inside), value))
                setting = (decider, choices[number], ("search", decider.path, "choices", number))
            else:
                setting = (decider, value, ("search", parameter.path, "when", path))
            found += [*self._context(space, decider), setting]
        return found

    def _try(
        self, space: Space, parameter: Parameter, value: Any, place: Pointer, further: Sequence[_Setting] = ()
    ) -> list[Diagnostic]:
        """Return what the spec refuses if a parameter has a value, which is at a place of the sweep file."""
        document = copy.deepcopy(self._spec_document)
        document.name = self._document.name  # otherwise a key is said to come from a spec that the file extends
        try:
            for each, tried, where in [*self._context(space, parameter), *further, (parameter, value, place)]:
                key = self._document.spans["search", each.path]
                length = len(where)
                below = {at[length:]: span for at, span in self._document.spans.items() if at[:length] == where}
                start = key.key[0] + 1 if key.key else key.start
                pointer = set_value(document, each.path, Parsed(copy.deepcopy(tried), below, []), key.source, start)
                if key.key:
                    document.spans[pointer] = document.spans[pointer]._replace(key=key.key)
            spec = self._load(document)
            self._check_objective(spec, place)
        except SpecError as error:
            return [self._relocated(found, place) for found in error.diagnostics if found.severity == "error"]
        return []

    def _relocated(self, found: Diagnostic, place: Pointer) -> Diagnostic:
        """Return a mistake with a place in the sweep file, also if the value makes another part of the spec wrong."""
        if found.location and found.location.file == self._document.name:
            return found._replace(pointer=place[:2])
        message = f"with this value the spec is wrong: {found.message}"
        help = f"at {found.location}" if found.location and found.code == "unknown-key" else found.help
        return Diagnostic(found.code, message, place, help)

    def _check_values(self, space: Space, parameter: Parameter) -> Iterator[Diagnostic]:
        about, place = parameter.about, ("search", parameter.path)
        if about.choices is not None:
            for number, choice in enumerate(about.choices):
                yield from self._try(space, parameter, choice, (*place, "choices", number))
        else:
            for end in ("low", "high"):
                yield from self._try(space, parameter, getattr(about, end), (*place, end))
            if about.step is not None:
                yield from self._try_second(space, parameter, place)

    def _check_owners(self, space: Space, parameter: Parameter) -> Iterator[Diagnostic]:
        """Check that a component has the parameter whatever its type, where no condition excludes one."""
        about, place = parameter.about, ("search", parameter.path)
        first = about.low if about.choices is None else about.choices[0]
        for before in space.parameters[: space.parameters.index(parameter)]:
            owner = before.place[:-1] if before.place[-1] == "type" else before.place
            inside = parameter.place[: len(owner)] == owner and parameter is not before
            for number, choice in enumerate(before.about.choices or () if inside else ()):
                if space.is_active(parameter, {before.path: choice}):
                    setting = (before, choice, ("search", before.path, "choices", number))
                    for found in self._try(space, parameter, first, place, [setting]):
                        help = f'"when": {{"{before.path}": …}} names those for which it is searched'
                        message = f"with {before.path} {show_value(choice)}: {found.message}"
                        yield Diagnostic(found.code, message, place, help)
                        return

    def _try_second(self, space: Space, parameter: Parameter, place: Pointer) -> list[Diagnostic]:
        """Return what is wrong with the first number after `low`: a step may have a fraction."""
        if (parameter.size or 1) < 2:
            return []
        whole = all(isinstance(number, int) for number in (parameter.about.low, parameter.about.step))
        second = parameter.value(1)
        return self._try(space, parameter, int(second) if whole else second, (*place, "step"))

    def _is_whole(self, space: Space, parameter: Parameter) -> bool:
        """Return whether a range has whole numbers only: as its step says, or as the spec needs."""
        low, high, step = parameter.about.low, parameter.about.high, parameter.about.step
        if not (isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None)):
            return False
        return step is not None or low == high or bool(self._try(space, parameter, low + 0.5, ("search",)))


def _is_among(name: str, known: Sequence[str]) -> bool:
    """Return whether a value will exist; a metric may have several, such as test/recall/setosa."""
    split, _, value = name.partition("/")
    return f"{split}/{value.partition('/')[0]}" in known
