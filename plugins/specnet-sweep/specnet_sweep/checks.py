"""`Checks`: every value and condition of a sweep file is validated by the spec's own rules, at its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, SpecError
from specnet.names import suggest
from specnet.spec.model import Spec
from specnet.spec.overrides import set_value
from specnet.spec.text import Parsed
from specnet.words import Pointer, quote
from specnet_sweep.space import Parameter, Space, find_value, matches, place_of, show_count

if TYPE_CHECKING:
    from specnet_sweep.plan import SweepPlan

_Setting = tuple[Parameter, Any, Pointer]
"""A parameter, a value, and the place of the value in the sweep file."""
MOST_NUMBERS = 2**53
"""Numbers of a range at most: float64 tells no more apart."""


class Checks:
    """The checks of the parameters of a plan, whose spec and objective are already checked."""

    def __init__(self, plan: SweepPlan) -> None:
        self.plan, self.document = plan, plan.document

    def space(self) -> Space:
        """Return the parameters, after checking each of their values and conditions.

        Raises:
            SpecError: with every mistake.
        """
        base = self.plan.base.to_json()
        space = Space([Parameter(path, about) for path, about in self.plan.settings.search.items()], base)
        mistakes = [*self._check_places(space)]
        if not mistakes:
            for parameter in space.parameters:
                mistakes += self._check_conditions(space, parameter)
        if not mistakes:
            for parameter in space.parameters:
                mistakes += [*self._check_values(space, parameter)] or [*self._check_owners(space, parameter)]
        if mistakes:
            found = {(each.code, each.message, each.location): each for each in map(self.document.locate, mistakes)}
            raise SpecError(found.values(), file=self.document.name)
        wholes = [self._is_whole(space, parameter) for parameter in space.parameters]
        space = Space(
            [Parameter(each.path, each.about, whole) for each, whole in zip(space.parameters, wholes, strict=True)],
            base,
        )
        for parameter in space.parameters:
            mistakes += [*self._check_numbers(space, parameter)] or [*self._check_differences(space, parameter)]
        if mistakes:
            raise SpecError(map(self.document.locate, mistakes), file=self.document.name)
        return space

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
                message = f"nothing that is searched before {quote(parameter.path)} sets {quote(path)}"
                yield Diagnostic("wrong-value", message, place)
            elif not values:
                yield Diagnostic("wrong-length", f"{path} needs at least one value in this list", place)
            elif (choices := decider.about.choices) is not None:
                inside = place_of(path)[len(decider.place) :]
                found = [find_value(choice, inside) for choice in choices]
                for value in values:
                    if not any(matches(each, value) for each in found):
                        names = [each for each in found if isinstance(each, str)]
                        help = suggest(str(value), names) if names else None
                        yield Diagnostic("wrong-value", f"{path} is never {show_value(value)}", place, help)

    def _check_numbers(self, space: Space, parameter: Parameter) -> Iterator[Diagnostic]:
        """Check the number of values of a range, and conditions on numbers of other ranges."""
        if (parameter.size or 0) > MOST_NUMBERS:
            message = f"the range has {show_count(parameter.size or 0)} numbers, more than 2^53"
            yield Diagnostic("out-of-range", message, ("search", parameter.path), "give it a larger step")
        for path, values in parameter.conditions.items():
            decider = space.decider(place_of(path), parameter)
            if decider and decider.about.choices is None:
                for value in values:
                    if decider.position(value) is None:
                        place = ("search", parameter.path, "when", path)
                        yield Diagnostic("wrong-value", f"{path} is never exactly {show_value(value)}", place)

    def _check_differences(self, space: Space, parameter: Parameter) -> Iterator[Diagnostic]:
        """Check that other values of a parameter make another run, also with what is set inside it afterwards."""
        about, place = parameter.about, ("search", parameter.path)
        values, ends = about.choices or [], range(len(about.choices or []))
        if about.choices is None:
            values, ends = [about.low, about.high], range(len({about.low, about.high}))
        after = space.parameters[space.parameters.index(parameter) + 1 :]
        found: dict[str, Any] = {}
        for number in ends:
            further = [
                (each, each.about.low if each.about.choices is None else each.about.choices[0], place)
                for each in after
                if each.place[: len(parameter.place)] == parameter.place
                and space.is_active(each, {parameter.path: values[number]})
            ]
            try:
                key = self.plan.key(self._spec_with(space, parameter, values[number], place, further))
            except SpecError:  # they do not fit each other
                continue
            if key in found and about.choices is None:
                yield Diagnostic("wrong-value", f"no trial depends on {quote(parameter.path)}", place)
            elif key in found:
                message = f"{show_value(values[number])} is the same as {show_value(found[key])}"
                message += f", as {further[0][0].path} is set as well" if further else ""
                yield Diagnostic("wrong-value", message, (*place, "choices", number))
            found.setdefault(key, values[number])

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

    def _spec_with(
        self, space: Space, parameter: Parameter, value: Any, place: Pointer, further: Sequence[_Setting] = ()
    ) -> Spec:
        """Return the spec if a parameter has a value, which is at a place of the sweep file.

        `further` are values of other parameters; all are set in the order of the file.

        Raises:
            SpecError: with what the spec refuses.
        """
        document = copy.deepcopy(self.plan.spec_document)
        document.name = self.document.name  # otherwise a key is said to come from a spec that the file extends
        settings = [*self._context(space, parameter), *further, (parameter, value, place)]
        for each, tried, where in sorted(settings, key=lambda setting: space.parameters.index(setting[0])):
            key = self.document.spans["search", each.path]
            length = len(where)
            below = {at[length:]: span for at, span in self.document.spans.items() if at[:length] == where}
            start = key.key[0] + 1 if key.key else key.start
            pointer = set_value(document, each.path, Parsed(copy.deepcopy(tried), below, []), key.source, start)
            if key.key:
                document.spans[pointer] = document.spans[pointer]._replace(key=key.key)
        return self.plan.load(document)

    def _try(
        self, space: Space, parameter: Parameter, value: Any, place: Pointer, further: Sequence[_Setting] = ()
    ) -> list[Diagnostic]:
        """Return what the spec refuses if a parameter has a value, as in `_spec_with`."""
        try:
            self.plan.check_objective(self._spec_with(space, parameter, value, place, further), place)
        except SpecError as error:
            return [self._relocated(found, place) for found in error.diagnostics if found.severity == "error"]
        return []

    def _relocated(self, found: Diagnostic, place: Pointer) -> Diagnostic:
        """Return a mistake with a place in the sweep file, also if the value makes another part of the spec wrong."""
        if found.location and found.location.file == self.document.name:
            return found._replace(pointer=place[:2])
        message = f"with this value the spec is invalid: {found.message}"
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
