from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError
from specnet.functions import softmax, wilson
from specnet.plots.probability import binned, reliability, roc_curve


def area_by_pairs(scores, positive):
    """Return the share of pairs in which the positive sample scores higher, equal scores counting half."""
    pairs = list(product(scores[positive], scores[~positive]))
    return sum(Fraction(1 if yes > no else 0) + Fraction(1 if yes == no else 0) / 2 for yes, no in pairs) / len(pairs)


def given(wanted, predicted, **names):
    """Return what a run needs to predict the same for its training samples each time."""
    data = Data(Samples(np.arange(len(wanted))[:, np.newaxis], np.asarray(wanted)), **names)
    return {"data": data, "predict": lambda x: np.asarray(predicted)[x[:, 0]]}


@pytest.fixture
def roc():
    return build("plots", "roc")


@pytest.fixture
def calibration():
    return build("plots", "calibration")


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_the_share_of_pairs_in_their_right_order(levels, seed):
    rng = np.random.default_rng(seed)
    scores, positive = rng.integers(levels, size=60) / levels, rng.random(60) < 0.4
    x, y = roc_curve(scores, positive)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, (~positive).sum(), positive.sum())
    assert len(x) == len(set(scores)) + 1
    doubled = int(np.sum(np.diff(x) * (y[1:] + y[:-1])))
    assert Fraction(doubled, int(2 * x[-1] * y[-1])) == area_by_pairs(scores, positive)


@pytest.mark.parametrize("flat", [False, True])
def test_two_classes_have_one_curve_that_of_the_second(roc, trained, legend_texts, flat):
    wanted, predicted = [0, 0, 1, 1], np.array([0.1, 0.6, 0.4, 0.9])
    figure = roc.draw(trained(**given(wanted, predicted if flat else predicted[:, np.newaxis], classes=("no", "$yes"))))
    assert legend_texts(figure) == [r"\$yes: 0.750", "chance: 0.500"]
    curve = figure.axes[0].get_lines()[1]
    assert curve.get_xdata().tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert curve.get_ydata().tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]


def test_each_of_several_classes_is_told_from_the_rest(roc, trained, legend_texts):
    rng = np.random.default_rng(0)
    wanted = np.arange(60) % 3
    scores = softmax(rng.normal(size=(60, 3)) + np.eye(3)[wanted])
    texts = legend_texts(roc.draw(trained(**given(wanted, scores, classes=("a", "b", "c")))))
    areas = [float(area_by_pairs(scores[:, number], wanted == number)) for number in range(3)]
    assert texts == [*(f"{name}: {area:.3f}" for name, area in zip("abc", areas, strict=True)), "chance: 0.500"]


def test_a_class_that_the_split_lacks_has_no_area(roc, trained, legend_texts):
    texts = legend_texts(roc.draw(trained(**given([0, 1, 1], np.eye(3)[[0, 1, 1]], classes=("a", "b", "never")))))
    assert texts == ["a: 1.000", "b: 1.000", "never: not defined", "chance: 0.500"]


@pytest.mark.parametrize("name", ["roc", "calibration"])
def test_the_split_furthest_from_training_is_shown_and_named(name, trained, blobs):
    data = blobs(2)
    asked = []

    def predict(x):
        asked.append(len(x))
        return np.full((len(x), 1), 0.3)

    run = trained(data=data, predict=predict)
    asked.clear()
    figure = build("plots", name).draw(run)
    assert "test split" in figure.get_suptitle().replace("\n", " ")
    assert asked == [len(data.test.inputs)]


@pytest.mark.parametrize("name", ["roc", "calibration"])
@pytest.mark.parametrize(
    ("wanted", "predicted", "message"),
    [
        ([0, 1, 2], np.array([0, 1, 2]), "class numbers"),
        ([0, 1, 2], np.array([[0.2], [0.4], [0.1]]), "there is a class 2"),
        ([-1, 0, 1], np.array([[0.2], [0.4], [0.1]]), "not classes"),
        ([0, 3, 1], np.full((3, 3), 1 / 3), "there is a class 3"),
        ([0, 1, 1], np.zeros((3, 2, 2)), "shape"),
        ([0.5, 1.0, 0.0], np.array([[0.2], [0.4], [0.1]]), "not classes"),
    ],
)
def test_predictions_without_a_score_for_each_class_are_refused(name, trained, wanted, predicted, message):
    with pytest.raises(PlotError, match=message) as caught:
        build("plots", name).check(trained(**given(wanted, predicted)))
    assert caught.value.help


@pytest.mark.parametrize("predicted", [[[1.5], [0.2]], [[-0.1], [0.2]], [[0.9, 0.9], [0.1, 0.9]]])
def test_scores_that_are_no_probabilities_have_an_roc_but_no_calibration(roc, calibration, trained, predicted):
    shown = trained(**given([0, 1], predicted))
    roc.check(shown)
    with pytest.raises(PlotError, match="needs probabilities") as caught:
        calibration.check(shown)
    assert "cross_entropy" in caught.value.help


def error_by_loop(predicted, right):
    """Return the expected calibration error, sample by sample."""
    bins = [[] for _ in range(10)]
    for probability, fits in zip(predicted, right, strict=True):
        bins[next(number for number in range(10) if probability <= (number + 1) / 10)].append((probability, fits))
    gaps = [
        abs(np.mean([p for p, _ in each]) - np.mean([fits for _, fits in each])) * len(each) for each in bins if each
    ]
    return sum(gaps) / len(predicted)


def shown_error(figure):
    return figure.get_suptitle().split()[-1]


def test_two_classes_are_calibrated_by_the_probability_of_the_second(calibration, trained):
    rng = np.random.default_rng(1)
    p = np.concatenate([rng.random(500), np.arange(11) / 10])
    wanted = (rng.random(511) < p**2).astype(int)
    figure = calibration.draw(trained(**given(wanted, p[:, np.newaxis], classes=("no", "yes"))))
    assert shown_error(figure) == f"{error_by_loop(p, wanted):.3f}"
    above, below = figure.axes
    assert below.get_xlabel() == "predicted probability of yes" and above.get_ylabel() == "share of yes"
    edges = np.arange(11) / 10
    members = [(p > low) & (p <= high) for low, high in pairwise(edges)]
    members[0] |= p == 0.0
    x, y = above.get_lines()[-1].get_data()
    assert np.allclose(x, [p[each].mean() for each in members])
    assert np.allclose(y, [wanted[each].mean() for each in members])
    assert [bar.get_height() for bar in below.patches] == [each.sum() for each in members]


def test_several_classes_are_calibrated_by_the_probability_of_the_predicted_one(calibration, trained):
    rng = np.random.default_rng(2)
    wanted = rng.integers(4, size=300)
    p = softmax(2.0 * rng.normal(size=(300, 4)) + 2.0 * np.eye(4)[wanted])
    figure = calibration.draw(trained(**given(wanted, p)))
    assert shown_error(figure) == f"{error_by_loop(p.max(axis=1), p.argmax(axis=1) == wanted):.3f}"
    assert figure.axes[1].get_xlabel() == "probability of the predicted class"


def test_an_empty_part_has_no_point():
    counts, mean, share = reliability(binned(np.array([0.95, 1.0]), np.array([True, False])))
    assert counts.tolist() == [0] * 9 + [2]
    assert np.isnan(mean[:9]).all() and np.isnan(share[:9]).all()
    assert np.allclose([mean[9], share[9]], [0.975, 0.5])


def test_many_classes_have_a_mean_and_an_enlarged_corner(roc, trained, blobs, legend_texts):
    scores = np.random.default_rng(0).random((40, 10))
    figure = roc.draw(trained(data=Data(blobs(10).train), predict=lambda x: scores[: len(x)]))
    (inset,) = figure.axes[0].child_axes
    texts = legend_texts(figure)
    areas = [float(text.rpartition(": ")[2]) for text in texts[1:-1]]
    assert texts[0].startswith("mean of the classes: ") and len(areas) == 10
    assert float(texts[0].rpartition(": ")[2]) == pytest.approx(np.mean(areas), abs=2e-3)
    assert (inset.get_xlim(), inset.get_ylim()[0]) == ((0.0, 0.2), 0.8)
    assert [line.get_linewidth() for line in inset.lines].count(2.5) == 1


def test_parts_of_a_calibration_weigh_as_many_samples_as_they_have(calibration, trained):
    probabilities = np.concatenate([np.full(800, 0.95), [0.25]])[:, np.newaxis]
    data = Data(Samples(np.zeros((801, 2)), np.concatenate([np.arange(800) % 20 > 0, [1]]).astype(int)))
    above = calibration.draw(trained(data=data, predict=lambda x: probabilities[: len(x)])).axes[0]
    model, bars = above.collections[1], above.collections[0]
    sizes = model.get_sizes()[model.get_sizes() > 0]
    assert sizes.max() / sizes.min() == pytest.approx(800)
    lengths = [np.ptp(path.vertices[:, 1]) for path in bars.get_paths() if np.isfinite(path.vertices).all()]
    assert lengths == pytest.approx([0.793, 0.0304], abs=2e-3)


@pytest.mark.parametrize(
    ("n", "k", "low", "high"), [(10, 5, 0.2366, 0.7634), (1, 1, 0.2065, 1.0), (800, 760, 0.9326, 0.963)]
)
def test_intervals_are_those_of_wilson(n, k, low, high):
    found = wilson(np.array([float(n), 0.0]), np.array([k / n, np.nan]))
    assert [bound[0] for bound in found] == pytest.approx([low, high], abs=2e-4) and np.isnan(found[0][1])
