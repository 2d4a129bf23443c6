"""Whether a layer computes the same by kernels as by definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from specnet.kernels.base import Textbook
from specnet.testing.outcome import Problems
from specnet.testing.trial import AGREEMENT, DTYPES, ROWS, LayerSubject, Trial, differing, unequal


def its_kernel_agrees_with_the_definition(subject: LayerSubject) -> Problems:
    """Outputs and gradients differ in last bits alone, and the same random numbers are drawn."""
    for dtype in DTYPES:
        for rows in (ROWS, 1, 40):
            kernel, definition = (Trial(each, dtype, rows) for each in (subject, replace(subject, kernels=Textbook)))
            plain, y = (trial.forward(training=False).copy() for trial in (definition, kernel))
            expected, found = definition.step(), kernel.step()
            differences = {"outputs without training": unequal(y, plain, AGREEMENT[dtype])}
            dy = float(np.abs(definition.upstream(expected.y)).max())
            differences |= differing(found, expected, AGREEMENT[dtype], dy)
            if kernel.streams() != definition.streams():
                yield "other random numbers are drawn than by the definition"
                return
            differences["running state"] = unequal(
                kernel.network.state.flat, definition.network.state.flat, AGREEMENT[dtype]
            )
            for what, text in differences.items():
                if text:
                    yield f"{dtype}, {rows} samples, {what}: {text} by the definition"
                    return
