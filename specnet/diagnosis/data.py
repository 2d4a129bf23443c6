"""Findings about the data of a spec, which a run warns of before it trains."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

import numpy as np

from specnet.datasets.base import AnySamples, Data, Samples
from specnet.datasets.duplicates import count_duplicates
from specnet.datasets.sampling import evenly_chosen
from specnet.diagnosis.symptom import NETWORK, SCALED, SCORES, WHOLE_SPEC, Cure, Symptom
from specnet.diagnostics import show_value
from specnet.functions import distinct
from specnet.parts import parts
from specnet.plugin_code import staying
from specnet.schedules.scheduled import pointer_of
from specnet.spec.model import Spec
from specnet.task import Task, class_numbers
from specnet.training.model import Model
from specnet.words import enumerate_some, quote, show_pointer

LARGE = 30.0
"""Mean size of an input above which training is likely to fail."""
_SMALL = 0.01
"""Standard deviation of all inputs below which the first layer hardly sees them: initializers expect about 1."""
_UNLIKE = 1000
"""Ratio of the standard deviations of two inputs above which one of them is hardly seen."""
_UNEQUAL = 20
"""Ratio of the samples of two classes from which the smaller one is easily ignored."""
_FEW = 5
"""Training samples that a class needs."""
_VALIDATING = 20
"""Validation samples that are needed to compare anything by them."""
_PARAMETERS = 10
"""Parameters for each number of the training data above which a network has too many."""
_LOOKED_AT = 1000
"""Samples that are looked at, and fewer if they are large."""
_NUMBERS = 100_000
"""Numbers that are looked at."""
_SHARED = 0.05
"""Share of a split's samples that may be training samples too: tables contain equal rows."""
_EXACT = 1e-12
"""Rounding error of a correlation."""


@staying()
def data_symptoms(spec: Spec, data: Data, model: Model, task: Task) -> list[Symptom]:
    """Return findings about the data of a spec and its network; none about samples that are streamed."""
    found = [*_outputs(spec, data, model)]
    if isinstance(data.train, Samples):
        x, columns = _some(data.train), data.train.inputs.ndim == 2
        found += _sizes(model, x.inputs)
        found += [*_constant(spec, data, x.inputs), *_leaks(spec, data, model, task, x)] if columns else []
        found += [*_classes(spec, data, task), *_validation(spec, data, task), *_parameters(spec, model, data.train)]
        found += [*_shares(spec, data), *_duplicates(data)]
    return found


def _some(samples: Samples) -> Samples:
    """Return evenly spaced samples, at least a hundred."""
    return evenly_chosen(samples, max(100, min(_LOOKED_AT, _NUMBERS // max(samples.inputs[0].size, 1))))


def _outputs(spec: Spec, data: Data, model: Model) -> Iterator[Symptom]:
    count, outputs = len(data.classes), model.network.output_shape
    if not spec.transforms.targets and outputs and outputs[-1] > count > 2:
        places = _units(spec)
        cure = Cure("for one per class", (f"{places[-1][0]}.units={count}",)) if places else None
        message = f"the last layer has {outputs[-1]} outputs for {count} classes, {show_value(data.classes)}"
        evidence = {"outputs": outputs[-1], "classes": count}
        yield Symptom(
            "many-outputs", message, evidence, pointer_of(places[-1][0] if places else "layers"), cure, NETWORK
        )


def _units(spec: Spec) -> list[tuple[str, int]]:
    """Return the place of each layer with units, and their number."""
    found = [(show_pointer(place), getattr(part, "units", None)) for place, part in parts(spec.layers, ("layers",))]
    return [(place, units) for place, units in found if isinstance(units, int)]


def _sizes(model: Model, x: np.ndarray) -> Iterator[Symptom]:
    """Warn of inputs that are large or small as the network takes them, or of columns that differ in size."""
    if model.network.whole:
        return
    x = model.take(x).astype(np.float64)
    names = model.inputs.names() if x.ndim == 2 else ()
    place, cure = ("transforms", "inputs"), SCALED
    with np.errstate(over="ignore", invalid="ignore"):
        size, std = np.mean(np.abs(x), axis=0), x.std(axis=0)
    if size.max(initial=0.0) > LARGE:
        most = int(np.argmax(size))
        what = f"column {_name(names, most)}" if names else "a feature"
        about = f"{what} is about {size.flat[most]:,.3g}"
        message = f"inputs are large: {about}, and networks learn poorly from large numbers"
        yield Symptom("unscaled-inputs", message, {"mean size": float(size.flat[most])}, place, cure, WHOLE_SPEC)
    elif 0 < (largest := std.max(initial=0.0)) < _SMALL and size.max() < _SMALL:
        message = f"inputs are small: none of them varies by more than {largest:.2g}, so they hardly affect the network"
        yield Symptom("unscaled-inputs", message, {"largest spread": float(largest)}, place, cure, WHOLE_SPEC)
    elif x.ndim == 2:
        compared = np.flatnonzero((std > 0) & ((x != 0) & (x != 1)).any(axis=0))
        if compared.size:
            most, least = compared[np.argmax(std[compared])], compared[np.argmin(std[compared])]
            if (ratio := std[most] / std[least]) > _UNLIKE:
                wide, narrow = _name(names, most), _name(names, least)
                message = f"inputs differ in size: column {wide} varies {ratio:,.0f} times as much as {narrow}"
                yield Symptom("unscaled-inputs", message, {"ratio": float(ratio)}, place, cure, WHOLE_SPEC)


def _constant(spec: Spec, data: Data, x: np.ndarray) -> Iterator[Symptom]:
    """Warn of columns of a table (n, columns) with a single value; x are some of its rows."""
    if not data.input_names or len(x) < 2:
        return
    whole = data.train.inputs
    assert isinstance(whole, np.ndarray)
    # Reading whole columns of many rows takes long: a few have to do there.
    candidates = np.flatnonzero((x == x[0]).all(axis=0))[: max(_FEW + 1, 3 * _NUMBERS // len(whole))]
    names = [data.input_names[each] for each in candidates if (whole[:, each] == whole[0, each]).all()]
    if names:
        what = f"columns {_listed(names)} are" if len(names) > 1 else f"column {_listed(names)} is"
        message = f"input {what} constant in the training samples, so nothing depends on it"
        evidence = {"constant columns": len(names)}
        yield Symptom("constant-inputs", message, evidence, ("dataset", "inputs"), _without(spec, names), WHOLE_SPEC)


def _leaks(spec: Spec, data: Data, model: Model, task: Task, some: Samples) -> Iterator[Symptom]:
    """Warn of input columns that contain a target.

    Not of an autoencoder, whose targets are its inputs, or of a sequence with a target at each position, such as the
    next character.
    """
    if len(model.network.output_shape) > 1:
        return
    assert isinstance(data.train, Samples)
    x, t = some.inputs, some.targets.reshape(len(some.targets), -1)
    if len(x) < 2 * _FEW or (x.shape == t.shape and x.shape[1] > 1 and np.array_equal(x, t)):
        return
    whole = data.train.targets.reshape(len(data.train.targets), -1)
    shared = {*data.input_names} & {*data.target_names}
    names = [name for name in data.input_names if name in shared]
    if not names:
        numbers = class_numbers(some.targets) if len(task.parts) == 1 and task.has_classes else None
        kinds = distinct(numbers) if numbers is not None and numbers.ndim == 1 else np.empty(0)
        if 2 < len(kinds) <= _UNEQUAL and t.shape[1] == 1:  # a column of 0 and 1 for one of them
            t, whole = (np.concatenate([each, each == kinds], axis=1) for each in (t, whole))
        pairs = np.argwhere(np.abs(_correlation(x, t)) > 1 - _EXACT)[:_FEW]
        for column, target in pairs:
            inside, truth = data.train.inputs[:, column], whole[:, target]
            alone = x.shape[1] == 1 and not np.array_equal(inside, truth)  # such as y = 2 x, which is no mistake
            if not alone and abs(_correlation(inside[:, None], truth[:, None])[0, 0]) > 1 - _EXACT:
                names.append(data.input_names[column] if data.input_names else str(column))
    if names := list(dict.fromkeys(names)):
        what = f"columns {_listed(names)} contain" if len(names) > 1 else f"column {_listed(names)} contains"
        message = f"input {what} the target, which will not be known when the network is used"
        evidence = {"correlation": 1}
        yield Symptom("leaking-inputs", message, evidence, ("dataset", "inputs"), _without(spec, names), SCORES)


def _correlation(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the correlation of each column of x (n, k) with each of t (n, m); 0 for constant ones."""

    def normalized(values: np.ndarray) -> np.ndarray:
        d = values.astype(np.float64)
        d = d - d.mean(axis=0)
        norm = np.linalg.norm(d, axis=0)
        return np.divide(d, norm, out=np.zeros_like(d), where=norm > 0)

    with np.errstate(over="ignore", invalid="ignore"):
        r: np.ndarray = normalized(x).T @ normalized(t)
    return r


def _classes(spec: Spec, data: Data, task: Task) -> Iterator[Symptom]:
    """Warn of classes with few samples, by themselves or beside others."""
    counts = _counts(data.train, task)
    if counts is None:
        return
    if "class_weight" in type(spec.loss).model_fields:
        place, cure = "loss", Cure("to give them equal weight", ("loss.class_weight=balanced",))
    else:
        place, cure = "metrics", Cure("to measure each of them", ("metrics+=balanced_accuracy",))
    names = task.only.classes
    if absent := [quote(name) for name, count in zip(names, counts, strict=False) if not count]:
        message = (
            f"there are no training samples of {enumerate_some(absent)}, so the network cannot learn to predict them"
        )
        yield Symptom("few-samples", message, {"least": 0}, ("dataset",), None, SCORES)
    present = counts[counts > 0]
    if few := [f"{quote(name)} ({count})" for name, count in zip(names, counts, strict=False) if 0 < count < _FEW]:
        message = f"there are few training samples of {enumerate_some(few)}, too few to learn from"
        yield Symptom("few-samples", message, {"least": int(present.min())}, (place,), cure, SCORES)
    elif counts.max() > _UNEQUAL * present.min() and not getattr(spec.loss, "class_weight", None):
        most, least = int(np.argmax(counts)), int(np.argmin(np.where(counts, counts, counts.max())))
        sizes = f"{counts[most]:,} training samples are {quote(names[most])}, {counts[least]:,} {quote(names[least])}"
        message = f"classes are very unequal, {sizes}: a class that is never predicted hardly affects the accuracy"
        evidence = {"most": int(counts[most]), "least": int(counts[least])}
        yield Symptom("unequal-classes", message, evidence, (place,), cure, SCORES)


def _counts(samples: AnySamples, task: Task) -> np.ndarray | None:
    """Return the number of samples of each class; None if there are no classes."""
    if len(task.parts) > 1 or not task.has_classes or not isinstance(samples, Samples):
        return None
    numbers = class_numbers(samples.targets)
    if numbers is None or numbers.ndim > 1 or numbers.min() < 0:
        return None
    return np.bincount(numbers, minlength=len(task.only.classes))


def _validation(spec: Spec, data: Data, task: Task) -> Iterator[Symptom]:
    """Warn of a validation set by which nothing can be compared."""
    if not isinstance(data.validation, Samples):
        return
    share, count = spec.split.validation, len(data.validation.inputs)
    rows = count + sum(len(data.splits[name].inputs) for name in data.origins if name != "validation")
    if count < _VALIDATING:
        wanted = min(0.5, math.ceil(100 * _VALIDATING / rows) / 100)
        message = f"{count} validation samples are few: their loss and metrics vary by chance"
        cure = larger_share(share, wanted)
        yield Symptom("few-validation-samples", message, {"samples": count}, ("split", "validation"), cure, SCORES)
        return
    counts = _counts(data.validation, task)
    if counts is None:
        return
    if few := [quote(name) for name, number in zip(task.only.classes, counts, strict=False) if number < 2]:
        drawn = share and spec.split.by == "random" and spec.split.stratify is not True
        stratified = Cure("to have the same share of each", ("split.stratify=true",))
        larger = larger_share(share, min(0.5, round(2 * share, 2)))
        cure = stratified if drawn and spec.split.stratify is False else larger
        message = f"there are fewer than two validation samples of {enumerate_some(few)}"
        evidence = {"least": int(counts.min())}
        yield Symptom("few-validation-samples", message, evidence, ("split", "validation"), cure, SCORES)


def larger_share(share: float, wanted: float) -> Cure | None:
    """Return how to validate by a larger share; None if the split has no such share."""
    return Cure("for more validation samples", (f"split.validation={wanted:g}",)) if 0 < share < wanted else None


def _parameters(spec: Spec, model: Model, train: Samples) -> Iterator[Symptom]:
    """Warn of a network that can store its training data many times over."""
    parameters, numbers = model.network.params.flat.size, train.inputs.size + train.targets.size
    if parameters > _PARAMETERS * numbers:
        place, cure = "layers", None
        if places := [each for each in _units(spec)[:-1] if each[1] > 1]:
            place, units = max(places, key=lambda each: each[1])
            fewer = max(1, int(units * _PARAMETERS * numbers / parameters))
            cure = Cure("for a smaller network", (f"{place}.units={fewer}",))
        size = f"{parameters:,} parameters for {numbers:,} numbers in the training samples"
        message, evidence = f"the network has {size}, and can memorize them", {"parameters": parameters}
        yield Symptom("many-parameters", message, evidence | {"numbers": numbers}, pointer_of(place), cure, NETWORK)


def _shares(spec: Spec, data: Data) -> Iterator[Symptom]:
    """Warn of shares that whole groups cannot make up."""
    if spec.split.by == "group":
        rows = sum(len(data.splits[name].inputs) for name in data.origins)
        for name, wanted in spec.split.counts(rows).items():
            if abs((found := len(data.splits[name].inputs)) - wanted) > max(1, wanted / 5):
                groups = f"groups of column {quote(str(spec.split.column))} are not divided"
                message = f"{groups}: {found:,} samples are for {name} instead of {wanted:,}"
                yield Symptom(
                    "uneven-groups", message, {"samples": found, "wanted": wanted}, ("split", name), None, WHOLE_SPEC
                )


def _duplicates(data: Data) -> Iterator[Symptom]:
    for name, count in count_duplicates(data).items():
        if count > _SHARED * (total := len(data.splits[name].inputs)):
            message = (
                f"{count:,} of {total:,} {name} samples are also in the training samples: "
                "how well these are predicted says nothing about new ones"
            )
            yield Symptom("duplicates", message, {"samples": count, "of": total}, ("dataset",), None, SCORES)


def _name(names: Sequence[str], number: int) -> str:
    return quote(names[number]) if number < len(names) else str(number)


def _listed(names: Sequence[str]) -> str:
    return enumerate_some([quote(name) for name in names])


def _without(spec: Spec, names: Sequence[str]) -> Cure | None:
    """Return how to leave columns out of a table's inputs; None if no option does."""
    inputs = getattr(spec.dataset, "inputs", None)
    listed = [getattr(each, "name", each) for each in inputs] if isinstance(inputs, list) else []
    rest = [name for name in listed if name not in names]
    if not rest or len(listed) - len(rest) < len(names):
        return None
    option = f"dataset.inputs={json.dumps(rest, ensure_ascii=False)}"
    return Cure(f"to leave {'it' if len(names) == 1 else 'them'} out", (option,))
