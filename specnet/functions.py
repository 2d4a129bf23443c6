"""Elementary functions that several components share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np


@lru_cache(maxsize=4096)
def constant(value: float, dtype: np.dtype) -> np.ndarray:
    """Return a number as a 0-d array, which NumPy reads twice as fast as a Python number."""
    number = np.array(value, dtype)
    number.flags.writeable = False
    return number


def all_finite(values: np.ndarray) -> bool:
    """Return whether all numbers of an array of any shape and size are finite."""
    with np.errstate(all="ignore"):
        return are_finite(values)


def are_finite(values: np.ndarray) -> bool:
    """Return what `all_finite` does where NumPy's warnings are off: switching them costs as much as a small array."""
    flat = values.ravel()
    # The sum of squares is finite only if all numbers are, and takes one pass, but squares may overflow.
    return math.isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2 in float32, where that is faster and as accurate."""
    if x.dtype == np.float32:
        half = constant(0.5, x.dtype)
        return half + half * np.tanh(half * x)
    with np.errstate(over="ignore"):  # 1 / inf is 0, the limit
        return 1 / (1 + np.exp(-x))


def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|)), which cannot overflow."""
    return np.maximum(x, constant(0.0, x.dtype)) + np.log1p(np.exp(-np.abs(x)))


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return exp(x) / sum(exp(x)) over an axis."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return x - log(sum(exp(x))) over an axis."""
    z = x - np.max(x, axis=axis, keepdims=True)  # so that exp does not overflow
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


TAIL = {
    np.dtype(np.float32): (0.25, (
        0.020814888402995149, -0.085389229936780304, 0.10379885752280022, -0.03974686336776544, 0.068273995733448607,
        0.057446258240644866, 0.081889631766059197, 0.093439514709526299, 0.099737396768299576, 0.099735561036363514,
    )),
    np.dtype(np.float64): (0.2, (
        0.001080346067144765, -0.010555705159739589, 0.04591451056837423, -0.11670545278904528, 0.19271245562759571,
        -0.22118234938946086, 0.18865850975944642, -0.12395201498924796, 0.059624953945780869, -0.025390319565467,
        0.0088276361963863321, 0.0051616551995540693, 0.01542972485038807, 0.025590443669038256, 0.037588036618313504,
        0.04978767137976555, 0.061022227139572577, 0.07021384086606175, 0.076596917845018424, 0.079788456080233785,
        0.079788456080286595,
    )),
}  # fmt: skip
"""c and the coefficients, from t^n down to t, of P with 1 - Phi(z) = exp(-z^2 / 2) P(t), t = 1 / (1 + c z), z >= 0."""


def normal_cdf(x: np.ndarray) -> np.ndarray:
    """Return Phi(x) = (1 + erf(x / sqrt(2))) / 2, the standard normal distribution, to the precision of x's dtype.

    A polynomial in t = 1 / (1 + c |x|) times the density, as in Hastings, "Approximations for digital computers", 1955,
    fitted to 8e-8 of the tail for float32 and to 8e-16 for float64.
    """
    c, coefficients = TAIL[x.dtype]
    z = np.minimum(np.abs(x), 40)  # beyond it the tail is 0, and the square would overflow
    t = 1 / (1 + c * z)
    tail = np.zeros_like(x)
    for coefficient in coefficients:
        tail += coefficient
        tail *= t
    tail *= np.exp(-0.5 * z * z)
    return np.abs((x > 0) - tail)  # 1 - tail, or the tail itself


def normal_quantile(p: np.ndarray) -> np.ndarray:
    """Return z with Phi(z) = p, for 0 < p < 1 in float64.

    Hastings' rational approximation, "Approximations for digital computers", 1955, and two steps of Halley's method.
    """
    tail = np.minimum(p, 1 - p)
    t = np.sqrt(-2 * np.log(tail))
    z = (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t)) - t
    for _ in range(2):
        error = (normal_cdf(z) - tail) * math.sqrt(2 * math.pi) * np.exp(z * z / 2)
        z -= error / (1 + z * error / 2)
    return np.where(p < 0.5, z, -z)


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether samples of this shape are images: height, width, and 1, 3 or 4 channels.

    Without channels both sides have at least 8 numbers, and neither is more than twice as long: others are sequences.

    >>> is_image((28, 28, 3)), is_image((25, 25)), is_image((50, 9))
    (True, True, False)
    """
    if len(shape) == 2:
        return min(shape) >= 8 and max(shape) <= 2 * min(shape)
    return len(shape) == 3 and shape[2] in (1, 3, 4)


def with_channels(images: np.ndarray) -> np.ndarray:
    """Return images (n, height, width[, channels]) with an axis of channels."""
    return images if images.ndim == 4 else images[..., np.newaxis]


def wilson(counts: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the 95 % intervals of shares; `counts` are their numbers of samples, NaN for 0.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    n, z = np.where(counts > 0, counts, np.nan), 1.96
    middle = (shares + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(shares * (1 - shares) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def format_number(number: float, digits: int = 4) -> str:
    """Return a number rounded to `digits` significant digits; below a billion all digits of the whole part are kept.

    >>> [format_number(each) for each in (1869123.4, 0.00012345, 18690.2, 3.0)], format_number(18690.25, 6)
    (['1,869,123', '0.0001234', '18,690', '3'], '18,690.2')
    """
    if not 1e4 <= abs(number) < 1e9:
        return f"{number:.{digits}g}"
    decimals = max(0, digits - len(f"{abs(number):.0f}"))
    text = f"{number:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


class Summary(NamedTuple):
    """Summary of numbers: minimum, maximum, count, mean and standard deviation.

    All but the count may be arrays, with one value for each feature.
    """

    least: np.ndarray
    most: np.ndarray
    size: int
    mean: np.ndarray
    std: np.ndarray


def summarize(pieces: Iterable[np.ndarray], axis: int | None = None) -> Summary:
    """Return the summary along an axis of an array of float64 that comes in pieces.

    No square overflows or underflows. Mean and standard deviation are not finite where a sum overflows. Chan, Golub &
    LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """

    def measure(x: np.ndarray) -> Summary:
        least, most = extremes([x], axis)
        mean = np.mean(x, axis=axis)
        _, exponent = np.frexp(np.maximum(most - mean, mean - least))
        d = np.ldexp(x - mean, -exponent)  # at most 1; a power of 2 changes no digit
        std = np.ldexp(np.sqrt(np.mean(np.square(d, out=d), axis=axis)), exponent)
        return Summary(least, most, x.size // mean.size, mean, std)

    def merge(a: Summary, b: Summary) -> Summary:
        size, delta = a.size + b.size, b.mean - a.mean
        p, q = a.size / size, b.size / size
        within = np.hypot(a.std * math.sqrt(p), b.std * math.sqrt(q))
        std = np.hypot(within, delta * math.sqrt(p * q))
        return Summary(np.minimum(a.least, b.least), np.maximum(a.most, b.most), size, a.mean + delta * q, std)

    with np.errstate(over="ignore", invalid="ignore"):
        return reduce(merge, map(measure, pieces))


def finite_json(value: Any) -> Any:
    """Return a number, or lists of numbers, as JSON, which has no numbers that are not finite: they are None."""
    if isinstance(value, list):
        return [finite_json(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def extremes(pieces: Iterable[np.ndarray], axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum and maximum along an axis of an array that comes in pieces. Missing values, NaN, do not count."""
    found = ((np.fmin.reduce(x, axis=axis), np.fmax.reduce(x, axis=axis)) for x in pieces)
    return reduce(lambda a, b: (np.fmin(a[0], b[0]), np.fmax(a[1], b[1])), found)


def distinct(values: Any) -> np.ndarray:
    """Return the distinct values of an array, in ascending order."""
    return np.unique(values, return_counts=True)[0]  # without counts, NumPy imports all of `numpy.ma`


def evenly_spaced(length: int, most: int) -> np.ndarray:
    """Return at most `most` evenly spaced positions from 0 up to `length`, the first and the last among them."""
    return distinct(np.linspace(0, length - 1, min(length, most)).round().astype(np.int64))


def thin(values: np.ndarray, most: int = 2000) -> np.ndarray:
    """Return at most `most` positions of a curve (n,) to draw: the first, the last and extremes in between."""
    if len(values) <= most:
        return np.arange(len(values))
    pieces = np.array_split(np.arange(len(values)), max(1, (most - 2) // 2))
    found = [piece[extreme(values[piece])] for piece in pieces for extreme in (np.argmin, np.argmax)]
    return distinct([0, *found, len(values) - 1])
