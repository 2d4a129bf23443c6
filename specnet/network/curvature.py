"""The largest curvatures of a loss: eigenvalues of its Hessian, from differences of its gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Gradient = Callable[[np.ndarray], np.ndarray]
"""The gradient (n,) of a loss at parameters w (n,), both in float64."""
CONVERGED = 1e-5
"""Size of H v - c v, relative to the largest c, at which a curvature c along v is found; its own error is smaller."""
VECTORS = 48
"""Products with the Hessian that are computed at most."""


def largest_curvatures(
    gradient: Gradient,
    w: np.ndarray,
    count: int = 1,
    trained: np.ndarray | None = None,
    tolerance: float = CONVERGED,
) -> np.ndarray:
    """Return the largest eigenvalues of the Hessian H of a loss at w, the largest first.

    They are found by block Lanczos iteration from fixed vectors: an eigenvalue that occurs several times is returned
    as often, up to `count` times. After 48 products with H they are the best estimates so far, which are never too
    large. Golub & Underwood, "The block Lanczos method for computing eigenvalues", 1977.

    Args:
        gradient: the gradient of the loss, which is called at parameters near w.
        w: parameters (n,) in float64.
        count: number of eigenvalues; there may be fewer parameters.
        trained: bool (n,), True where a parameter is trained; None means everywhere. H has no other rows and columns.
        tolerance: size of H v - c v, relative to the largest c, at which an eigenvalue c is found.

    Returns:
        Eigenvalues in float64; NaN where a gradient is not finite.
    """
    w = w.astype(np.float64)
    places = np.arange(len(w)) if trained is None else np.flatnonzero(trained)
    count, most = min(count, len(places)), min(VECTORS, len(places))
    if not count:
        return np.empty(0)
    block = np.random.default_rng(0).normal(size=(count, len(places)))
    basis, image = np.empty((most, len(places))), np.empty((most, len(places)))
    projected, size = np.zeros((most, most)), 0
    while True:
        new = slice(size, size + len(block))
        basis[new] = orthonormal(block, basis[:size])
        size = new.stop
        for number in range(new.start, size):
            image[number] = hessian_product(gradient, w, places, basis[number])
        if not np.isfinite(image[new]).all():
            return np.full(count, np.nan)
        projected[:size, new] = basis[:size] @ image[new].T
        projected[new, :size] = projected[:size, new].T  # H is symmetric, its differences nearly
        values, vectors = np.linalg.eigh(projected[:size, :size])
        values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
        residuals = np.linalg.norm(vectors.T @ image[:size] - values[:, None] * (vectors.T @ basis[:size]), axis=1)
        if size == most or residuals.max() <= tolerance * np.abs(values).max():
            return values
        block = image[new][: most - size]


def hessian_product(gradient: Gradient, w: np.ndarray, places: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return H v for a unit vector v of the parameters at some places, by a central difference of the gradient at w."""
    step = np.zeros_like(w)
    size = np.cbrt(np.finfo(np.float64).eps) * (1 + np.linalg.norm(w))
    step[places] = size * v
    with np.errstate(over="ignore", invalid="ignore"):
        difference: np.ndarray = (gradient(w + step).copy() - gradient(w - step)) / (2 * size)
    return difference[places]


def orthonormal(block: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return orthonormal rows that span those of a block (k, n), orthogonal to those of an orthonormal basis (m, n)."""
    for _ in range(2):  # rounding errors of the first time are removed by the second
        block = np.linalg.qr((block - (block @ basis.T) @ basis).T)[0].T
    return block
