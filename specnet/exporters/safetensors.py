"""The target `safetensors`: all arrays of a run in the file format of Hugging Face."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from specnet.errors import ExportError
from specnet.exporters.base import Exporter, transform_arrays
from specnet.runs.storage.files import read_bytes, write_bytes
from specnet.runs.trained.model import TrainedModel

_TYPES = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}


class SafeTensors(Exporter):
    """Parameters, running state and what transforms have learned, by name, with the spec as metadata.

    A file is the length of its header in 8 bytes, the header as JSON, and the elements of all arrays, row by row and
    the smallest byte first. Text, such as categories, is metadata. The file is read back and compared after writing.
    """

    extension = ".safetensors"
    needs_rows = False

    def write(self, run: TrainedModel, rows: np.ndarray, path: Path) -> Iterable[str]:
        network = run.model.network
        arrays = {**network.params, **network.state, **transform_arrays(run)}
        texts = {name: array for name, array in arrays.items() if array.dtype.kind == "U"}
        numbers = {name: array for name, array in arrays.items() if name not in texts}
        metadata = {"spec": json.dumps(run.portable_spec()), "classes": json.dumps(run.classes), "format": "np"}
        metadata |= {name: json.dumps(array.tolist()) for name, array in texts.items()}
        content = write_tensors(numbers, metadata)
        write_bytes(path, content)
        read = read_tensors(read_bytes(path, len(content)))
        if read.keys() != numbers.keys() or not all(np.array_equal(read[name], numbers[name]) for name in read):
            raise ExportError("the file does not contain what was written")
        return [f"{len(read)} arrays, read back"]


def write_tensors(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return arrays in the format of safetensors."""
    stored = {name: array.astype(array.dtype.newbyteorder("<"), order="C") for name, array in arrays.items()}
    ends = pairwise(accumulate((array.nbytes for array in stored.values()), initial=0))
    header = {"__metadata__": metadata} | {
        name: {"dtype": _NAMES[array.dtype], "shape": array.shape, "data_offsets": offsets}
        for (name, array), offsets in zip(stored.items(), ends, strict=True)
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in stored.values())])


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays in a file of safetensors."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    found = {}
    for name, each in header.items():
        first, last = each["data_offsets"]
        part = np.frombuffer(content[start + first : start + last], _TYPES[each["dtype"]])
        found[name] = part.reshape(each["shape"])
    return found
