"""Metrics are those of scikit-learn and SciPy, on random, tied, degenerate and weighted samples, however divided."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from helpers import built_in
from scipy import stats
from sklearn import metrics as sk

import specnet
from specnet.task import Task, TaskPart

rng = np.random.default_rng(11)
N = 60
NAMES = ("ant", "bee", "cat")


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def tied(p):
    """Probabilities of few values."""
    return np.rint(p * 4) / 4


BINARY = {
    "random": (rng.random(N), rng.integers(2, size=N)),
    "tied": (tied(rng.random(N)), rng.integers(2, size=N)),
    "perfect": ((t := rng.integers(2, size=N)).astype(float), t),
    "wrong": (1.0 - (t := rng.integers(2, size=N)), t),
    "always yes": (np.ones(N), rng.integers(2, size=N)),
    "few": (np.array([0.3, 0.6]), np.array([1, 0])),
    "one sample": (np.array([0.3]), np.array([1])),
    "one class": (rng.random(N), np.zeros(N, int)),
    "the other class": (rng.random(N), np.ones(N, int)),
    "all tied": (np.full(N, 0.5), rng.integers(2, size=N)),
}
SEVERAL = {
    "random": (softmax(rng.normal(size=(N, 3))), rng.integers(3, size=N)),
    "tied": (np.eye(3)[rng.integers(3, size=N)] * 0.5 + 1 / 6, rng.integers(3, size=N)),
    "one class predicted": (np.tile([0.2, 0.5, 0.3], (N, 1)), rng.integers(3, size=N)),
    "perfect": (np.eye(3)[t := rng.integers(3, size=N)], t),
    "one sample": (np.array([[0.2, 0.5, 0.3]]), np.array([2])),
    "one class": (softmax(rng.normal(size=(N, 3))), np.ones(N, int)),
    "a class is missing": (softmax(rng.normal(size=(N, 3))), 2 * rng.integers(2, size=N)),
    "all tied": (np.full((N, 3), 1 / 3), rng.integers(3, size=N)),
}
LABELS = {
    "random": (rng.random((N, 3)), rng.integers(2, size=(N, 3))),
    "tied": (tied(rng.random((N, 3))), rng.integers(2, size=(N, 3))),
    "perfect": ((t := rng.integers(2, size=(N, 3))).astype(float), t),
    "a rare label": (rng.random((N, 3)), np.eye(N, 3, dtype=int) + np.array([0, 0, 1]) * (np.arange(N) > 30)[:, None]),
    "one sample": (np.array([[0.2, 0.5, 0.9]]), np.array([[0, 1, 1]])),
    "no label": (rng.random((N, 3)), np.zeros((N, 3), int)),
}
NUMBERS = {
    "random": (rng.normal(size=(N, 3)), rng.normal(size=(N, 3))),
    "one output": (rng.normal(size=(N, 1)), rng.normal(size=(N, 1))),
    "far from 0": (1e6 + rng.normal(size=(N, 2)), 1e6 + rng.normal(size=(N, 2))),
    "tied": (np.rint(rng.normal(size=(N, 2))), np.rint(rng.normal(size=(N, 2)))),
    "equal targets": (rng.normal(size=(N, 2)), np.stack([np.zeros(N), np.arange(N)], 1)),
    "exact": (np.arange(N * 2.0).reshape(N, 2), np.arange(N * 2.0).reshape(N, 2)),
    "two samples": (rng.normal(size=(2, 2)), rng.normal(size=(2, 2))),
    "one sample": (rng.normal(size=(1, 2)), rng.normal(size=(1, 2))),
    "equal predictions": (np.full((N, 2), 0.3), rng.normal(size=(N, 2))),
    "all equal": (np.full((N, 2), 0.1), np.full((N, 2), 0.1)),
}
WHOLE, SHARES = rng.integers(1, 4, N), rng.uniform(0.1, 2, N)
WEIGHTS = {"equal": None, "whole": WHOLE, "shares and 0": SHARES * (rng.random(N) < 0.7)}


def divided(metric, y, t, w):
    """The metric of samples in updates of several sizes, and merged from shards."""
    updates, shards = metric.model_copy(), [metric.model_copy() for _ in range(4)]
    for each in (updates, *shards):
        each.reset()
    for start, end in pairwise([0, 1, 7, 30, len(t)]):
        updates.update(y[start:end], t[start:end], *([] if w is None else [w[start:end]]))
    for number, shard in enumerate(shards[:3]):
        shard.update(y[number::3], t[number::3], *([] if w is None else [w[number::3]]))
    for shard in shards[:3]:
        shards[3].merge(shard)
    return updates.compute(), shards[3].compute()


def agrees(name, fields, y, t, w, expected, kind, **meant):
    metric = specnet.build("metrics", {"type": name, **fields})
    metric.task = Task((TaskPart(kind, **meant),))
    if np.ndim(expected):
        expected = dict(zip(meant.get("classes") or meant["names"], expected.tolist(), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric(y, t, w) == pytest.approx(expected, rel=1e-12, abs=1e-12)
        for found in divided(metric, y, t, w):
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def reference(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def rate(function, **options):
    def reference(t, c, w):
        if t.ndim == 1 and options.get("average", "macro") is None:
            options["labels"] = range(max(2, t.max() + 1, c.max() + 1))  # also those without samples
        return function(t, c, sample_weight=w, zero_division=0, **options)

    return reference


def specificity(t, c, w):
    return sk.recall_score(t, c, sample_weight=w, pos_label=0, zero_division=0)


def ece(t, p, w, bins=15):
    """The definition of Guo et al., a bin at a time; p is (n, k)."""
    w = np.ones(len(t)) if w is None else w
    confidence, hit, total = p.max(axis=1), p.argmax(axis=1) == t, 0.0
    if p.shape[1] == 2:
        hit = (p[:, 1] >= 0.5) == t
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if w[inside].sum():
            gap = np.average(hit[inside], weights=w[inside]) - np.average(confidence[inside], weights=w[inside])
            total += abs(gap) * w[inside].sum() / w.sum()
    return total


RATES = {
    "precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score, "jaccard": sk.jaccard_score,
}  # fmt: skip
OF_CLASSES = [
    ("accuracy", {}, lambda t, c, w: sk.accuracy_score(t, c, sample_weight=w)),
    ("balanced_accuracy", {}, lambda t, c, w: sk.balanced_accuracy_score(t, c, sample_weight=w)),
    ("matthews_corrcoef", {}, lambda t, c, w: sk.matthews_corrcoef(t, c, sample_weight=w)),
    *(
        ("cohen_kappa", {"weights": weights}, lambda t, c, w, how=weights: sk.cohen_kappa_score(
            t, c, labels=range(max(2, t.max() + 1)), weights=how, sample_weight=w))
        for weights in (None, "linear", "quadratic")
    ),
    ("hamming_loss", {}, lambda t, c, w: sk.hamming_loss(t, c, sample_weight=w)),
    *(
        (name, {"average": how or "none"}, rate(f, average=how))
        for name, f in RATES.items()
        for how in ("macro", "micro", "weighted", None)
    ),
]  # fmt: skip
"""Metrics with references that take targets and predicted classes."""
OF_TWO = [
    *((name, {}, rate(f)) for name, f in RATES.items()),
    *((name, {"positive": positive}, rate(f, pos_label=0)) for name, f in RATES.items() for positive in ("ant", 0)),
    ("specificity", {}, specificity),
    ("specificity", {"positive": 0}, lambda t, c, w: specificity(1 - t, 1 - c, w)),
]
OF_SCORES = {
    "log_loss": lambda t, p, w: sk.log_loss(t, p, sample_weight=w, labels=range(p.shape[1])),
    "perplexity": lambda t, p, w: np.exp(sk.log_loss(t, p, sample_weight=w, labels=range(p.shape[1]))),
    "bits_per_character": lambda t, p, w: sk.log_loss(t, p, sample_weight=w, labels=range(p.shape[1])) / np.log(2),
    "brier_score": lambda t, p, w: sk.brier_score_loss(t, p, sample_weight=w, labels=range(p.shape[1])),
    "ece": ece,
}
"""References that take targets and the probability of each class."""


def averaged(each, how, weight):
    """The mean of scikit-learn's numbers of classes, of which those without a number do not count; they are 0.5."""
    known = ~np.isnan(each)
    if how == "none":
        return np.where(known, each, 0.5)
    weight = weight * known if how == "weighted" else known.astype(float)
    none = 0.5 if not known.all() else 0.0
    return np.average(np.where(known, each, 0.0), weights=weight) if weight.any() else none


def one_vs_rest(function, how):
    def reference(t, p, w):
        each = np.array([function(t == k, p[:, k], sample_weight=w) for k in range(p.shape[1])])
        return averaged(each, how, np.bincount(t, w, p.shape[1]))

    return reference


RANKING = {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score}
OF_NUMBERS = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "median_absolute_error": sk.median_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "pinball_loss": lambda *arguments, **options: sk.mean_pinball_loss(*arguments, **options, alpha=0.9),
}


def the_same_rows(y, t, weight):
    """Samples and their weights, those of weight 0 left out for references that would see their classes."""
    w = WEIGHTS[weight]
    if w is None:
        return slice(None), None, None
    w = w[: len(t)].astype(float)
    return w > 0, w[w > 0], w


each_weight = pytest.mark.parametrize("weight", WEIGHTS)


@each_weight
@pytest.mark.parametrize(("name", "fields", "function"), [*OF_CLASSES, *OF_TWO])
def test_metrics_of_predicted_classes(name, fields, function, weight):
    for p, t in BINARY.values():
        rows, some, w = the_same_rows(p, t, weight)
        expected = reference(function, t[rows], (p[rows] >= 0.5).astype(int), some)
        if name == "cohen_kappa" and np.isnan(expected):
            expected = 0.0
        agrees(name, fields, p[:, None], t, w, expected, "binary", classes=NAMES[:2])
        if (p != 0.5).all():
            agrees(name, fields, np.stack([1 - p, p], 1), t, w, expected, "multiclass", classes=NAMES[:2])
    for p, t in SEVERAL.values():
        if (name, fields, function) in OF_TWO:
            break
        rows, some, w = the_same_rows(p, t, weight)
        expected = reference(function, t[rows], p[rows].argmax(axis=1), some)
        for target in (t, t[:, None], np.eye(3)[t]):
            agrees(name, fields, p, target, w, expected, "multiclass", classes=NAMES)


@each_weight
@pytest.mark.parametrize("name", OF_SCORES)
def test_metrics_of_probabilities(name, weight):
    function = OF_SCORES[name]
    for p, t in BINARY.values():
        rows, some, w = the_same_rows(p, t, weight)
        both = np.stack([1 - p, p], 1)
        expected = reference(function, t[rows], both[rows], some)
        agrees(name, {}, p[:, None], t, w, expected, "binary", classes=NAMES[:2])
        if (p != 0.5).all():
            agrees(name, {}, both, t, w, expected, "multiclass", classes=NAMES[:2])
    for p, t in SEVERAL.values():
        rows, some, w = the_same_rows(p, t, weight)
        agrees(name, {}, p, t, w, reference(function, t[rows], p[rows], some), "multiclass", classes=NAMES)


@each_weight
@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_accuracy(k, weight):
    for p, t in SEVERAL.values():
        _, _, w = the_same_rows(p, t, weight)
        expected = reference(sk.top_k_accuracy_score, t, p, k=k, labels=range(3), sample_weight=w)
        agrees("top_k_accuracy", {"k": k}, p, t, w, expected, "multiclass", classes=NAMES)


@each_weight
@pytest.mark.parametrize("name", RANKING)
def test_metrics_of_ranks(name, weight):
    function = RANKING[name]
    for p, t in BINARY.values():
        rows, some, w = the_same_rows(p, t, weight)
        expected = averaged(np.array([reference(function, t[rows], p[rows], sample_weight=some)]), "none", None)[0]
        for how in ("macro", "micro", "weighted"):
            agrees(name, {"average": how}, p[:, None], t, w, expected, "binary", classes=NAMES[:2])
            agrees(name, {"average": how}, np.stack([1 - p, p], 1), t, w, expected, "multiclass", classes=NAMES[:2])
    for p, t in SEVERAL.values():
        rows, some, w = the_same_rows(p, t, weight)
        for how in ("macro", "weighted", "none"):
            expected = reference(one_vs_rest(function, how), t[rows], p[rows], some)
            agrees(name, {"average": how}, p, t, w, expected, "multiclass", classes=NAMES)
            if name == "roc_auc" and how != "none" and len(np.unique(t[rows])) == 3:
                theirs = sk.roc_auc_score(t[rows], p[rows], multi_class="ovr", average=how, sample_weight=some)
                assert theirs == pytest.approx(expected, rel=1e-12)
        if name == "roc_auc" and weight == "equal" and len(np.unique(t)) == 3:
            for how in ("macro", "weighted"):
                expected = sk.roc_auc_score(t, p, multi_class="ovo", average=how)
                fields = {"average": how, "multi_class": "ovo"}
                agrees(name, fields, p, t, w, expected, "multiclass", classes=NAMES)


@each_weight
@pytest.mark.parametrize("case", LABELS)
def test_metrics_of_labels(case, weight):
    p, t = LABELS[case]
    rows, some, w = the_same_rows(p, t, weight)
    c = (p >= 0.5).astype(int)
    cases = [(name, fields, reference(f, t[rows], c[rows], some)) for name, fields, f in OF_CLASSES
             if name in RATES or name in ("accuracy", "hamming_loss")]  # fmt: skip
    for name, function in RANKING.items():
        each = reference(function, t[rows], p[rows], average=None, sample_weight=some)
        positives = t[rows].sum(axis=0) if some is None else some @ t[rows]
        for how in ("macro", "weighted", "none"):
            cases.append((name, {"average": how}, averaged(np.atleast_1d(each), how, positives)))
        expected = reference(function, t[rows], p[rows], average="micro", sample_weight=some)
        cases.append((name, {"average": "micro"}, 0.5 if np.isnan(expected) else expected))
    for name in ("log_loss", "brier_score"):
        each = [OF_SCORES[name](t[rows, k], np.stack([1 - p, p], 2)[rows, k], some) for k in range(3)]
        cases.append((name, {}, np.mean(each)))
    for name, fields, expected in cases:
        agrees(name, fields, p, t, w, expected, "multilabel", classes=NAMES)


@each_weight
@pytest.mark.parametrize("how", ["uniform", "none"])
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_metrics_of_numbers(name, how, weight):
    for y, t in NUMBERS.values():
        rows, some, w = the_same_rows(y, t, weight)
        options = {"multioutput": "uniform_average" if how == "uniform" else "raw_values", "sample_weight": some}
        expected = reference(OF_NUMBERS[name], t[rows], y[rows], **options)
        fields = {"average": how} | ({"quantile": 0.9} if name == "pinball_loss" else {})
        if len(y[rows]) == 1 and name in ("r2", "explained_variance"):  # scikit-learn has NaN, or a rounding error
            expected = np.full(t.shape[1] if how == "none" else (), float(name != "r2"))
        agrees(name, fields, y, t, w, expected, "regression", names=NAMES[: t.shape[1]])


def smape(y, t, w):
    return np.average(np.where(y == t, 0, 2 * abs(y - t) / np.maximum(abs(y) + abs(t), 1e-300)), axis=0, weights=w)


def nrmse(y, t, w):
    spread = np.sqrt(np.average((t - np.average(t, axis=0, weights=w)) ** 2, axis=0, weights=w))
    return sk.root_mean_squared_error(t, y, sample_weight=w, multioutput="raw_values") / np.where(
        np.ptp(t, axis=0) == 0, 1, spread
    )


def nrmse_of_range(y, t, w):
    spread = np.ptp(t, axis=0)
    return sk.root_mean_squared_error(t, y, sample_weight=w, multioutput="raw_values") / np.where(
        spread == 0, 1, spread
    )


def correlation(function):
    def reference(y, t, w):
        if w is not None:  # a weight is a number of equal samples
            y, t = (np.repeat(x, w.astype(int), axis=0) for x in (y, t))
        pairs = zip(y.T, t.T, strict=True)
        return np.array([function(a, b)[0] if np.ptp(a) and np.ptp(b) else 0.0 for a, b in pairs])

    return reference


FURTHER = {
    "smape": [({}, smape)],
    "nrmse": [({}, nrmse), ({"normalize": "range"}, nrmse_of_range)],
    "pearson": [({}, correlation(stats.pearsonr))],
    "spearman": [({}, correlation(stats.spearmanr))],
}


@each_weight
@pytest.mark.parametrize(
    ("name", "fields", "function"), [(name, *row) for name, rows in FURTHER.items() for row in rows]
)
def test_metrics_of_numbers_that_scikit_learn_does_not_have(name, fields, function, weight):
    if name in ("pearson", "spearman") and weight not in ("equal", "whole"):
        return
    for case, (y, t) in NUMBERS.items():
        if name == "pearson" and case == "far from 0":
            continue  # SciPy loses digits there
        rows, some, w = the_same_rows(y, t, weight)
        expected = reference(function, y[rows], t[rows], some)
        names = NAMES[: t.shape[1]]
        agrees(name, {"average": "none", **fields}, y, t, w, expected, "regression", names=names)
        agrees(name, fields, y, t, w, expected.mean(), "regression", names=names)


def test_every_metric_is_compared():
    names = {name for name, *_ in [*OF_CLASSES, *OF_TWO]}
    compared = names | {*OF_SCORES, *RANKING, *OF_NUMBERS, *FURTHER, "top_k_accuracy", "coverage"}
    assert compared == set(built_in("metrics")), "coverage is tested by itself"
