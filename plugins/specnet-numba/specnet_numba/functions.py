"""Elementary functions of a number, written so that the compiler uses vector instructions for them.

e^x = 2^n e^r with n the whole number nearest to x / log 2, and |r| <= log(2) / 2. e^r - 1 is its Taylor polynomial, to
the precision of the dtype. A rounding trick finds n: of t = x / log 2 + 1.5 2^(digits - 1), whose unit of the last
place is 1, the last bits are those of n. It needs no conversion to a whole number, which NaN does not have.
"""

from __future__ import annotations

from decimal import Decimal
from math import factorial, log
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

LOG_2 = Decimal("0.693147180559945309417232121458176568")
OPTIONS = {"error_model": "numpy", "fastmath": {"contract"}}


def constants(kind: Any, whole: Any, digits: int, terms: int) -> tuple[Any, ...]:
    """Return the types of a dtype, whose significand has `digits` bits, and the constants that e^x needs."""
    high = Decimal(round(LOG_2 * 2 ** (digits // 2))) / 2 ** (digits // 2)  # its products with n are exact
    shift = kind(1.5 * 2 ** (digits - 1))
    bits = int(shift.view(whole)) + np.finfo(kind).minexp  # of t where n is 0, less those of the power 2^-1
    series = tuple(kind(1 / factorial(n)) for n in range(terms, 0, -1))
    lowest, highest = log(2 * np.finfo(kind).tiny), log(np.finfo(kind).max) + 0.01
    return kind, whole, shift, bits, kind(high), kind(LOG_2 - high), series, kind(lowest), kind(highest)


CONSTANTS = {
    types.float32: constants(np.float32, np.int32, 24, 7),
    types.float64: constants(np.float64, np.int64, 53, 13),
}


def split_exp(x: Any) -> Any:
    """Return p and s with e^x = 2 (s + s p), where 2 s is a power of 2 that may be infinite where e^x is not."""
    raise NotImplementedError


@overload(split_exp, jit_options=OPTIONS)
def _split_exp(x):
    kind, whole, shift, bits, high, low, series, *_ = CONSTANTS[x]
    inverse, place = kind(1 / float(LOG_2)), whole(np.finfo(kind).nmant)

    def split(x):
        t = kind(x * inverse + shift)
        n = t - shift
        r = x - n * high - n * low
        p = kind(0)
        for coefficient in series:
            p = (p + coefficient) * r
        return p, whole(whole(t.view(whole) - bits) << place).view(kind)

    return split


def exp(x: Any) -> Any:
    """Return e^x; 0 where it is below the normal numbers of the dtype."""
    raise NotImplementedError


@overload(exp, jit_options=OPTIONS)
def _exp(x):
    kind, *_, lowest, highest = CONSTANTS[x]

    def compute(x):
        p, s = split_exp(highest if x > highest else lowest if x < lowest else x)
        return kind(0) if x < lowest else kind(2) * (s + s * p)

    return compute


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x)."""
    raise NotImplementedError


@overload(sigmoid, jit_options=OPTIONS)
def _sigmoid(x):
    one = CONSTANTS[x][0](1)
    return lambda x: one / (one + exp(-x))


def tanh(x: Any) -> Any:
    """Return (e^2x - 1) / (e^2x + 1), with e^2x - 1 from its series, which keeps its digits near 0."""
    raise NotImplementedError


@overload(tanh, jit_options=OPTIONS)
def _tanh(x):
    kind = CONSTANTS[x][0]
    one, two, most = kind(1), kind(2), kind(20)  # beyond it tanh is 1 or -1

    def compute(x):
        p, s = split_exp(two * (most if x > most else -most if x < -most else x))
        e = two * s * p + (two * s - one)
        return e / (e + two)

    return compute
