"""Losses that are used less often."""

from __future__ import annotations

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat

from specnet import Loss
from specnet.errors import ShapeError
from specnet.functions import log_softmax, softmax
from specnet.losses.base import refuse_targets

_NEVER = -1e30
"""Logarithm of a probability of 0, as a finite number."""


class Ctc(Loss):
    """Connectionist temporal classification on logits (time, k): labels of a sequence at unknown positions.

    L = mean over samples of -log P, where P is the probability of all paths that become the labels once repeated ones
    are merged and blanks are left out. With the extended labels l' (a blank around each label), alpha_t(s) is the
    probability of all beginnings up to step t that end in l'_s, beta_t(s) that of all endings. The chain rule gives
    dz_tk = (p_tk - sum over l'_s = k of alpha_t(s) beta_t(s) / P) / n. Targets are class numbers (n, length); shorter
    rows end with the number of the blank. Masked steps are left out; a sample with too few steps counts as 0. Graves et
    al., "Connectionist temporal classification", 2006.
    """

    takes = "logits"
    blank_index: NonNegativeInt = Field(default=0, description="class that stands for no label")

    def weigh(self, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        return weight if weight is None or weight.ndim == 1 else weight.reshape(len(weight), -1).max(axis=1)

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        n, time, _ = y.shape
        steps = np.ones((n, time), bool)
        if weight is not None and weight.ndim > 1:
            steps = np.broadcast_to(weight.reshape(n, -1) > 0, (n, time))
        log_p = log_softmax(y.astype(np.float64))
        labels = np.full((n, 2 * target.shape[1] + 1), self.blank_index)
        labels[:, 1::2] = target
        ends = 2 * (target != self.blank_index).sum(axis=1)
        states = np.arange(labels.shape[1])
        emitted = np.take_along_axis(log_p, labels[:, np.newaxis], axis=-1)
        emitted = np.where(states <= ends[:, np.newaxis, np.newaxis], emitted, _NEVER)
        jumps = np.zeros(labels.shape, bool)  # from the label before, without a blank between
        jumps[:, 2:] = (labels[:, 2:] != self.blank_index) & (labels[:, 2:] != labels[:, :-2])

        start = np.where(states < 2, 0.0, _NEVER) + np.zeros(labels.shape)
        last = np.where((states == ends[:, np.newaxis]) | (states == ends[:, np.newaxis] - 1), 0.0, _NEVER)
        alpha = _passes(emitted, steps, start, jumps, 1)
        back = np.zeros(labels.shape, bool)  # the same jumps, by where they begin
        back[:, :-2] = jumps[:, 2:]
        beta = _passes(emitted[:, ::-1], steps[:, ::-1], last, back, -1)[:, ::-1]

        total = np.logaddexp.reduce(alpha[:, -1] + last, axis=-1)
        known = total > _NEVER / 2
        paths = np.exp(alpha + beta - emitted - np.where(known, total, 0)[:, np.newaxis, np.newaxis])
        occupied = np.zeros_like(log_p)
        for s in states:
            np.add.at(occupied, (np.arange(n)[:, None], np.arange(time), labels[:, s, None]), paths[:, :, s])
        counted = (steps & known[:, np.newaxis])[..., np.newaxis]
        self.slope = np.where(counted, np.exp(log_p) - occupied, 0).astype(y.dtype)
        return self.reduce(np.where(known, -total, 0).astype(y.dtype), self.weigh(target, weight))

    def backward(self) -> np.ndarray:
        return self.scale(self.slope)

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return softmax(y)

    def element_shape(self, output_shape: tuple[int, ...]) -> tuple[int, ...]:
        return output_shape[:-2]

    def check_shapes(
        self, output_shape: tuple[int, ...], target_shape: tuple[int, ...], classes: int | None = None
    ) -> None:
        if len(output_shape) != 2 or len(target_shape) != 1 or output_shape[1] <= self.blank_index:
            message = f"the last layer returns shape {output_shape}, but the targets have shape {target_shape}"
            takes = "ctc takes logits (time, classes), one of which is the blank, and labels (length,)"
            raise ShapeError(f"{message}: {takes}", pointer=("layers",))

    def prepare(self, target: np.ndarray, output_shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        time, count = output_shape
        help = f"labels are numbers from 0 to {count - 1}; shorter rows end with {self.blank_index}, the blank"
        refuse_targets(target, (target != np.rint(target)) | (target < 0) | (target >= count), "is not a label", help)
        blank = target == self.blank_index
        refuse_targets(target, ~blank & (np.cumsum(blank, axis=1) > 0), "comes after a blank", help)
        repeated = (~blank).sum(axis=1) + ((target[:, 1:] == target[:, :-1]) & ~blank[:, 1:]).sum(axis=1)
        wrong = np.zeros(target.shape, bool)
        wrong[:, 0] = repeated > time
        refuse_targets(target, wrong, f"begins labels that take more than {time} steps", help)
        return target.astype(np.int64)


def _passes(emitted: np.ndarray, steps: np.ndarray, start: np.ndarray, jumps: np.ndarray, way: int) -> np.ndarray:
    """Return the logarithm of the probability of all paths from the start to each step (n, time, states).

    `way` is the direction in which states follow each other. A step that does not count passes states on.
    """
    found, before, first = np.empty_like(emitted), start, np.ones(len(emitted), bool)
    for t in range(emitted.shape[1]):
        one, two = (_shifted(before, way * by) for by in (1, 2))
        moved = np.logaddexp(np.logaddexp(before, one), np.where(jumps, two, _NEVER))
        after = np.where(first[:, np.newaxis], before, moved) + emitted[:, t]
        after = np.maximum(after, _NEVER)
        before = found[:, t] = np.where(steps[:, t, np.newaxis], after, before)
        first &= ~steps[:, t]
    return found


def _shifted(x: np.ndarray, by: int) -> np.ndarray:
    """Return x (n, states) with each state in the place of the one that is `by` later."""
    y = np.full_like(x, _NEVER)
    if by > 0:
        y[:, by:] = x[:, :-by]
    else:
        y[:, :by] = x[:, -by:]
    return y


class Triplet(Loss):
    """Triplet loss of embeddings (a, p, n) side by side: L = mean over samples of max(0, |a - p| - |a - n| + margin).

    p is of the same kind as the anchor a, n of another. A network returns the three, d outputs each: layers that see
    each of three positions alone, and `flatten`, for instance. With u = (a - p) / |a - p|, v = (a - n) / |a - n| and m
    samples, da = (u - v) / m, dp = -u / m and dn = v / m where the maximum is not 0. Targets are not used. Schroff et
    al., "FaceNet", 2015, which squares distances.
    """

    learns = ("regression",)
    margin: PositiveFloat = Field(default=1.0, description="how much farther away n should be than p")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        a, p, n = np.split(y, 3, axis=-1)
        near, far = (np.linalg.norm(a - each, axis=-1) for each in (p, n))
        elements = np.maximum(near - far + self.margin, 0).astype(y.dtype)
        u, v = (_direction(a - each, (elements > 0) & (length > 0), length) for each, length in ((p, near), (n, far)))
        self.slope = np.concatenate([u - v, -u, v], axis=-1)
        return self.reduce(elements, weight)

    def backward(self) -> np.ndarray:
        return self.scale(self.slope)

    def element_shape(self, output_shape: tuple[int, ...]) -> tuple[int, ...]:
        return output_shape[:-1]

    def units(self, task: object, columns: int) -> None:
        return None

    def check_shapes(
        self, output_shape: tuple[int, ...], target_shape: tuple[int, ...], classes: int | None = None
    ) -> None:
        if not output_shape or output_shape[-1] % 3:
            message = f"triplet takes three embeddings side by side, but the last layer returns shape {output_shape}"
            raise ShapeError(message, pointer=("layers",))

    def prepare(self, target: np.ndarray, output_shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        return target.astype(dtype)


def _direction(x: np.ndarray, counts: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return x / |x| where it counts, else 0."""
    shape = (*length.shape, 1)
    return np.divide(x, length.reshape(shape), out=np.zeros_like(x), where=counts.reshape(shape))
