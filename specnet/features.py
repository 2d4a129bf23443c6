"""`Feature`: one number of a sample, and the column that it was made from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from specnet.errors import DataError
from specnet.names import suggest

FeatureKind = Literal["number", "category", "date"]


class Feature(NamedTuple):
    """The name of a feature, such as `island=Dream`, its kind, and the column that it was made from, `island`.

    A category is 0 or 1, or a whole number that stands for it. A date is the number of days since 1970-01-01.
    """

    name: str
    kind: FeatureKind = "number"
    column: str = ""


def features_named(names: Sequence[str]) -> tuple[Feature, ...]:
    """Return features that are numbers with these names."""
    return tuple(map(Feature, names))


def target_features(names: Sequence[str], classes: Sequence[Sequence[str]], heads: bool) -> tuple[Feature, ...]:
    """Return the features of targets, of which some may have classes.

    Two classes are a number, 0 or 1, unless several `heads` learn the targets.
    """
    counts = [len(each) for each in classes] or [0] * len(names)
    named = zip(names, counts, strict=True)
    return tuple(Feature(name, "category" if count > 2 - heads else "number", name) for name, count in named)


def choose(features: Sequence[Feature], columns: Sequence[str] | None, kinds: Collection[FeatureKind]) -> list[int]:
    """Return the indices of features made from these columns, or by default of all that have one of the kinds.

    Raises:
        DataError: if a column does not exist, or no feature has one of the kinds.
    """
    if columns is None:
        found = [number for number, feature in enumerate(features) if feature.kind in kinds]
        if not found:
            raise DataError(
                f"no input column is a {' or a '.join(kinds)}, so there is nothing to transform",
                help='leave this transform out, or name its "columns"',
            )
        return found
    chosen = []
    for place, column in enumerate(columns):
        found = [number for number, feature in enumerate(features) if column in (feature.name, feature.column)]
        if not found:
            known = dict.fromkeys(feature.column or feature.name for feature in features)
            raise DataError(
                f'there is no column "{column}" here', pointer=("columns", place), help=suggest(column, [*known])
            )
        chosen += [number for number in found if number not in chosen]
    return sorted(chosen)
