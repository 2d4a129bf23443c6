"""The target `javascript`: a script that predicts in a browser or in Node.js."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from specnet.errors import ExportError, SpecnetError
from specnet.exporters.base import Exporter
from specnet.report.javascript import LOSS_TWINS, check_layers, check_twin, scripts_of
from specnet.report.page import resource
from specnet.runs.storage.files import write_bytes
from specnet.runs.trained.model import TrainedModel
from specnet.transforms.pipeline import SELECTION, Pipeline

_EXPORTS = {
    ".js": 'if (typeof module !== "undefined") module.exports = { predict };',
    ".mjs": "export { predict };",
}
_CALL = """
import({address}).then(({{ predict }}) => {{
  let text = "";
  process.stdin.on("data", (part) => {{ text += part; }});
  process.stdin.on("end", () => process.stdout.write(JSON.stringify(predict(JSON.parse(text)))));
}});
"""


class JavaScript(Exporter):
    """One file with a function `predict`, made of the twins of the layers; all numbers are float64.

    A file `.js` is a script of a page or a CommonJS module, a file `.mjs` an ES module. If Node.js is installed, its
    predictions are compared with those of the run.
    """

    extension = ".js"
    other_extensions = (".mjs",)

    def write(self, run: TrainedModel, rows: np.ndarray, path: Path) -> Iterable[str]:
        spec, network = run.spec.to_json(), run.model.network
        try:
            check_layers(spec["layers"], "layers", training=False)
            check_twin(spec["loss"], LOSS_TWINS, "loss", training=False)
        except SpecnetError as error:
            raise ExportError(error.message, pointer=error.pointer, help="docs/laboratory.md lists the twins") from None
        model = {
            "layers": spec["layers"],
            "input": network.input_shape,
            "dtype": spec["dtype"],
            "params": encode(network.params.flat),
            "state": encode(network.state.flat),
            "loss": spec["loss"],
            "inputs": transforms(run.model.inputs),
            "targets": transforms(run.model.targets),
        }
        names = [*scripts_of(spec["layers"], ("losses.js", "predict.js"))]
        about = " ".join(f"{run.name}: {run.spec.description or 'predictions of a network.'}".split())
        content = "\n".join([
            f"// {about}",
            "//",
            "// predict(rows) returns a list of numbers for each row of raw inputs, such as predict([[0.5, -1]]).",
            "const predict = (() => {",
            *map(resource, names),
            f"return predictor({json.dumps(model, allow_nan=False)});",
            "})();",
            _EXPORTS[path.suffix],
            "",
        ])  # fmt: skip
        write_bytes(path, content.encode())
        if not shutil.which("node"):
            yield "not compared with the run's predictions: Node.js is not installed"

    def predict(self, run: TrainedModel, rows: np.ndarray, path: Path) -> np.ndarray | None:
        node = shutil.which("node")
        if node is None:
            return None
        call = _CALL.format(address=json.dumps(path.absolute().as_uri()))
        given = json.dumps(rows.tolist())
        done = subprocess.run([node, "-e", call], input=given, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            reason = next(
                (line for line in done.stderr.splitlines() if "Error" in line), f"exit code {done.returncode}"
            )
            raise ExportError(f"Node.js could not run the script: {reason}")
        return np.array(json.loads(done.stdout))


def encode(array: np.ndarray) -> dict[str, str]:
    """Return numbers as a JSON value."""
    stored = array.astype(array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.name, "data": base64.b64encode(stored.tobytes()).decode()}


def transforms(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return fitted transforms as JSON values: shift and scale of each feature, and limits.

    Raises:
        ExportError: naming a transform that is neither affine nor a limit.
    """
    found, learned = [], pipeline.arrays()
    for number, transform in enumerate(pipeline.transforms):
        fields, place = transform.to_spec(), ".".join((*pipeline.place, str(number)))
        arrays = {name: learned.get(f"{place}.{name}") for name in ("shift", "scale", SELECTION)}
        shift, scale, selection = arrays["shift"], arrays["scale"], arrays[SELECTION]
        limits = {
            name: fields[name] for name in ("low", "high") if fields["type"] == "clip" and fields[name] is not None
        }
        if fields["type"] == "scale":
            shift, scale = np.zeros(1), np.array([1 / fields["factor"]])
        elif limits:
            shift, scale = np.zeros(1), np.ones(1)
        if shift is None or scale is None or (limits and selection is not None and len(selection)):
            message = f"{place}, {fields['type']}, has no twin in JavaScript"
            raise ExportError(message, pointer=(*pipeline.place, number))
        if selection is not None and len(selection):  # other columns stay as they are
            width, chosen = int(selection[0]), selection[1:]
            all_shifts, all_scales = np.zeros(width), np.ones(width)
            all_shifts[chosen], all_scales[chosen] = shift, scale
            shift, scale = all_shifts, all_scales
        found.append({"shift": shift.reshape(-1).tolist(), "scale": scale.reshape(-1).tolist(), **limits})
    return found
