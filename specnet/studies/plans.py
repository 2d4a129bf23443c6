"""Which runs a group has: the same spec with other seeds, or on each fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

from specnet.errors import SpecError, UsageError
from specnet.names import suggest
from specnet.spec.checks import check_spec
from specnet.spec.model import Spec
from specnet.studies.summary import GroupPlan, RunSummary
from specnet.words import quote

_Part = Literal["start", "order", "data", "split"]
VARIED: tuple[_Part, ...] = get_args(_Part)
"""What a seed determines: initial weights, what is drawn in training, the samples of a synthetic dataset, the split."""
MOST_RUNS = 10_000
"""Runs of a group at most."""


class Member(NamedTuple):
    """A run of a group before it is trained."""

    about: RunSummary
    spec: Spec


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that a text names: 1 to N for a number N, or those of a list such as "3,5,8".

    Raises:
        UsageError: if it names none, or one twice.
    """
    try:
        seeds = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        message = f"--seeds {text}: expected a number of seeds, or a list of them"
        raise UsageError(message, help="--seeds 20, or --seeds 3,5,8") from None
    return check_seeds(seeds[0] if seeds and "," not in text else seeds)


def check_seeds(seeds: int | Sequence[int]) -> list[int]:
    """Return a list of seeds, 1 to N for a number N, or raise a UsageError if they cannot be those of a group."""
    found = list(range(1, min(seeds, MOST_RUNS + 1) + 1) if isinstance(seeds, int) else seeds)
    if not 1 <= len(found) <= MOST_RUNS:
        raise UsageError(
            f"a group has 1 to {MOST_RUNS:,} runs, not {seeds if isinstance(seeds, int) else len(found):,}"
        )
    if len({*found}) < len(found):
        raise UsageError("a seed is listed twice")
    if wrong := [seed for seed in found if not 0 <= seed < 2**63]:
        raise UsageError(f"a seed is a whole number from 0 to 2^63 - 1, not {wrong[0]}")
    return found


def vary_seeds(spec: Spec, seeds: Sequence[int], vary: Sequence[str]) -> tuple[GroupPlan, list[Member]]:
    """Return the runs of a spec with other seeds, of which only the parts in `vary` depend on them.

    Raises:
        UsageError: if there is no such part, or seeds do not change it.
    """
    _check_parts(spec, vary)
    plan = GroupPlan(
        kind="repeat",
        spec=spec.digest(),
        vary=[part for part in VARIED if part in vary],
        kernels=spec.kernels_name,
    )
    return plan, [Member(RunSummary(name=f"seed-{seed}", seed=seed), _seeded(spec, seed, vary)) for seed in seeds]


def _check_parts(spec: Spec, vary: Sequence[str]) -> None:
    if wrong := [part for part in vary if part not in VARIED]:
        raise UsageError(f"there is nothing called {quote(wrong[0])} to vary", help=suggest(wrong[0], VARIED))
    if not vary:
        raise UsageError("nothing varies: all runs would be the same", help=f"--vary {','.join(VARIED[:2])}")
    split = spec.split
    drawn = split.by in ("random", "group") and (split.validation or split.test or split.folds)
    if "split" in vary and not drawn:
        raise UsageError("no samples are drawn for validation or test, so no seed changes the split")
    if "data" in vary and not spec.dataset.synthetic:
        raise UsageError(
            "the samples are read, not drawn at random, so no seed changes them", help="leave out data in --vary"
        )


def _seeded(spec: Spec, seed: int, vary: Sequence[str]) -> Spec:
    """Return a spec with another seed; parts that do not vary keep theirs."""
    own: dict[str, int | None] = {part: None if part in vary else spec.seed_of(part) for part in VARIED}
    split = spec.split.model_copy(update={"seed": own.pop("split")})
    return spec.model_copy(update={"seed": seed, "seeds": spec.seeds.model_copy(update=own), "split": split})


def by_folds(spec: Spec, folds: int, repeats: int, **changes: Any) -> tuple[Spec, GroupPlan, list[Member]]:
    """Return a spec without its test share and with `changes` of its split, and its runs on each fold.

    Each repeat divides the samples into other folds, and has other initial weights.

    Raises:
        UsageError: if there are too many runs.
        SpecError: if the samples cannot be divided so.
    """
    if not 2 <= folds * repeats <= MOST_RUNS:
        raise UsageError(f"a group has 2 to {MOST_RUNS:,} runs, not {folds * repeats:,}")
    split = spec.split.model_copy(update={"test": 0.0, **changes})
    if repeats > 1 and split.by == "order":
        raise UsageError("folds in the order of the samples are the same in each repeat", help="leave out --repeats")
    spec = spec.model_copy(update={"split": split})
    first = _folded(spec, folds, 1, 1)
    if mistakes := [spec.locate(found) for found in check_spec(first, set()) if found.severity == "error"]:
        raise SpecError(mistakes, file=spec.source)
    members = [
        Member(
            RunSummary(
                name=f"repeat-{repeat}-fold-{fold}" if repeats > 1 else f"fold-{fold}",
                seed=spec.seed + repeat - 1,
                repeat=repeat,
                fold=fold,
            ),
            _folded(spec, folds, fold, repeat),
        )
        for repeat in range(1, repeats + 1)
        for fold in range(1, folds + 1)
    ]
    plan = GroupPlan(
        kind="cross-validation", spec=spec.digest(), folds=folds, repeats=repeats, kernels=spec.kernels_name
    )
    return spec, plan, members


def _folded(spec: Spec, folds: int, fold: int, repeat: int) -> Spec:
    later = repeat - 1
    split = {"folds": folds, "fold": fold, "seed": spec.seed_of("split") + later}
    seeds = {part: spec.seed_of(part) + later for part in ("start", "order")} | {"data": spec.seed_of("data")}
    update = {"seed": spec.seed + later, "seeds": spec.seeds.model_copy(update=seeds)}
    return spec.model_copy(update=update | {"split": spec.split.model_copy(update=split)})
