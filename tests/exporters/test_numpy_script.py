"""A NumPy script computes what the network does."""

import numpy as np
from exported import models

from specnet.exporters.program import follow
from specnet.exporters.source import NumpySource
from specnet.exporters.tracing import largest_difference, traced_input


def run_source(model, rows):
    program = follow(model, traced_input(rows), "numpy", lambda component: getattr(component, "numpy", None))
    source = NumpySource(program.arrays)
    output = source.write(program)
    lines = ["def predict(x):", *source.lines, f"return {output}"]
    space = {"np": np, "w": source.arrays}
    exec("\n    ".join(lines), space)
    with np.errstate(all="ignore"):
        return "\n    ".join(lines), space["predict"](rows)


def test_every_built_in_component_is_written_as_it_computes():
    for dtype, bound in (("float64", 1e-13), ("float32", 1e-6)):
        for name, model, rows in models(dtype):
            text, found = run_source(model, rows)
            assert largest_difference(found, model.predict(rows)) <= bound, f"{name}\n{text}"
            assert found.dtype == model.predict(rows).dtype, name
            assert model.predict(rows[:0]).shape == (0, *found.shape[1:]), name
