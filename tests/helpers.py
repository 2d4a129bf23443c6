"""What several test modules share."""

from __future__ import annotations

import hashlib
import io
import json
import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Signature, signature
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specnet import Observer, SpecnetError, Transform, build, load_spec, registry
from specnet.distributions import BUILTIN
from specnet.errors import Diagnostic
from specnet.runs.observers import TrainingView
from specnet.words import json_pointer

LINEAR = {"type": "linear", "units": 128}
SOURCE = re.compile(r" \([^()]*\.py:\d+\)")
"""File and line in a message on a plugin."""
STACKS = {
    **{name: [LINEAR, *[name] * 4]
       for name in ("batch_norm", "dropout", "elu", "flatten", "gaussian", "gaussian_noise", "gelu",
                    "hard_sigmoid", "hard_silu", "layer_norm", "leaky_relu", "mish", "prelu", "relu",
                    "relu6", "rms_norm", "selu", "sigmoid", "silu", "sine", "softmax", "softplus", "softsign",
                    "spatial_dropout", "square", "tanh")},
    **{name: [LINEAR, *[name, LINEAR] * 4] for name in ("glu", "swiglu")},
    "drop_path": [LINEAR, *["drop_path", "tanh", LINEAR] * 3, "tanh"],
    "log_softmax": [LINEAR, *["log_softmax"] * 4, "tanh"],
    "group_norm": [LINEAR, *[{"type": "group_norm", "groups": 4}] * 4],
    "linear": [LINEAR] * 5,
    "residual": [LINEAR, *[{"type": "residual", "layers": ["tanh"]}] * 4],
    "parallel": [LINEAR, *[{"type": "parallel", "branches": [["tanh"], []]}, LINEAR] * 4],
    "concat": [{**LINEAR, "name": "a"}, {"type": "tanh", "name": "b"}, {"type": "concat", "from": ["a", "b"]}, LINEAR],
    **{name: [{**LINEAR, "name": "a"}, "tanh", LINEAR, {"type": "tanh", "name": "b"},
              {"type": name, "from": ["a", "b"]}, LINEAR, "tanh", LINEAR]
       for name in ("add", "average", "multiply", "maximum")},
    "sequential": [LINEAR, *[{"type": "sequential", "layers": ["tanh", LINEAR]}] * 4],
    "repeat": [LINEAR, {"type": "repeat", "times": 3, "layers": [LINEAR, "relu", "dropout"]}],
    "convolutions": [
        LINEAR, {"type": "reshape", "target_shape": [8, 8, 2]}, {"type": "conv2d", "filters": 16, "kernel_size": 3},
        "relu", "max_pool2d", {"type": "conv2d", "filters": 16, "kernel_size": 3, "padding": "same"}, "relu", "flatten",
    ],
    "linear, tanh": [LINEAR, "tanh"] * 20,
    "residual tanh": [LINEAR, *[{"type": "residual", "layers": ["tanh"]}] * 20],
    "tanh 40": [LINEAR, *["tanh"] * 40],
    "dropout 20": [LINEAR, *["dropout"] * 20],
    "gelu 20": [LINEAR, *["gelu"] * 20],
    "residual block": [LINEAR, *[{"type": "residual", "layers": [LINEAR, "relu", LINEAR]}] * 8],
    "sum of branches": [LINEAR, *[{"type": "parallel", "branches": [[LINEAR], ["gelu"], []], "merge": "add"}] * 4],
    "wide inside": [{"type": "linear", "units": 1024}, "relu", {"type": "linear", "units": 1}],
    "wide outside": ["dropout", "flatten", {"type": "linear", "units": 1}],
    "nothing trained": ["tanh", "softplus"] * 5,
}  # fmt: skip
"""Layers in whose training activations take most of the memory: every built-in one, and what is often put together."""


Row = type(pytest.param())

few_or_many = pytest.mark.parametrize("count", [25, pytest.param(800, marks=pytest.mark.long)], ids=["few", "many"])
"""How many examples a property is tested with."""


def sampled(cases: Iterable[Any], step: int) -> list[Any]:
    """Return the cases of a test; only the first and each `step`th after it are not marked `long`."""
    found = []
    for number, case in enumerate(cases):
        values = getattr(case, "values", case if isinstance(case, tuple) else (case,))
        marks = [pytest.mark.long] if number % step else []
        found.append(pytest.param(*values, id=getattr(case, "id", None), marks=marks))
    return found


def in_one_test(test: Callable[..., None]) -> Callable[..., None]:
    """Let pytest see all cases of a parametrized test as one; a failure names each case that fails.

    It is for hundreds of cases of a millisecond: pytest takes longer to collect and report a test than that.
    """
    tables = []
    for mark in test.pytestmark:  # type: ignore[attr-defined]
        names, rows = mark.args
        assert not any(isinstance(row, Row) and row.marks for row in rows), "all cases are tried"
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        values = [row.values if isinstance(row, Row) else row if len(names) > 1 else (row,) for row in rows]
        tables.append([dict(zip(names, each, strict=True)) for each in values])
    cases = [{name: value for part in parts for name, value in part.items()} for parts in product(*tables)]
    fixtures = [each for each in signature(test).parameters.values() if each.name not in cases[0]]

    def every_case(**given: Any) -> None:
        failures = []
        for case in cases:
            try:
                test(**case, **given)
            except Exception as error:
                error.add_note(f"case: {case!r}")
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(cases)} cases fail", failures)

    every_case.__name__, every_case.__module__, every_case.__doc__ = test.__name__, test.__module__, test.__doc__
    every_case.__signature__ = Signature(fixtures)  # type: ignore[attr-defined]
    return every_case


def built_in(group: str) -> list[str]:
    """Return the names of a group that specnet itself registers."""
    return [name for name, entries in registry.claims(group).items() if entries[0].distribution == BUILTIN]


def kernel_sets() -> list[str]:
    """Return the sets of kernels that specnet itself registers."""
    return built_in("kernels")


def kernel_options(kernels: str) -> list[str]:
    """Return what a command takes to run with a set of kernels."""
    return ["--kernels", kernels]


def fitted(spec: Any, x: np.ndarray) -> Transform:
    """Return a transform that is fitted on samples x."""
    transform = build("transforms", spec)
    assert isinstance(transform, Transform)
    transform.fit(x)
    return transform


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise an error inside if it takes longer; needs the main thread and signals of POSIX."""

    def late(*_: object) -> None:
        raise TimeoutError(f"no result after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def numeric_gradient(f: Callable[[], float], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Return the central differences of f with respect to each element of x, which f reads and this moves in place."""
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        kept = x[place]
        x[place] = kept + step
        above = f()
        x[place] = kept - step
        gradient[place] = (above - f()) / (2 * step)
        x[place] = kept
    return gradient


def gradient_error(analytic: np.ndarray, numeric: np.ndarray) -> float:
    """Return the largest difference in units of the largest element of the gradient.

    The unit is at least 1e-3, for gradients that are 0 everywhere: those of a rectifier that is shut, say.
    """
    assert analytic.shape == numeric.shape
    unit = max(np.abs(analytic).max(), np.abs(numeric).max(), 1e-3)
    return float(np.abs(analytic - numeric).max() / unit)


MINIMAL = {
    "dataset": '"dataset": "spiral"',
    "layers": '"layers": [{"type": "linear", "units": 1}, "sigmoid"]',
    "loss": '"loss": "bce"',
}


def spec_text(lines: Sequence[str]) -> str:
    """Return a minimal spec with these lines in place of its own, or behind them; they may be marked, and have ' for ".

    >>> "adam" in spec_text(['"optimizer": "adam"'])
    True
    """
    given = {re.match(r"""▸?["']([^"']*)""", line)[1]: line for line in lines}  # type: ignore[index]
    return "{\n  " + ",\n  ".join((MINIMAL | given).values()) + "\n}\n"


def marked(text: str) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a text without its marks ▸, in bytes, and line and column of what each mark stands before.

    The lone surrogates U+DC80 to U+DCFF stand for single bytes, so that a text can hold what is no UTF-8.
    """
    *befores, _ = ("".join(text.split("▸")[: number + 1]) for number in range(text.count("▸") + 1))
    places = [(before.count("\n") + 1, len(before) - before.rfind("\n")) for before in befores]
    return text.replace("▸", "").encode("utf-8", "surrogateescape"), places


def told(path: Path, overrides: Sequence[str] = (), **options: Any) -> list[Diagnostic]:
    """Return what a spec file is told to be wrong with, warnings included."""
    try:
        return load_spec(path, overrides, **options).warnings
    except SpecnetError as error:
        return error.diagnostics


def assert_told(path: Path, text: str, expected: Sequence[str], **options: Any) -> list[Diagnostic]:
    """Return what a marked text is told to be wrong with: exactly what is expected, each where its mark stands.

    An expectation is a code and a JSON pointer, such as "out-of-range /layers/0/units".
    """
    content, places = marked(text)
    path.write_bytes(content)
    found = told(path, **options)
    codes = [f"{each.code} {json_pointer(each.pointer)}".removesuffix(" ") for each in found]
    assert codes == list(expected), codes
    stands = [each.location and (each.location.line, each.location.column) for each in found]
    assert stands == places, (stands, places)
    return found


def assert_shown_well(found: Sequence[Diagnostic], file: str) -> None:
    """Assert that a terminal shows a few lines for each diagnostic, and nothing that it would obey."""
    for diagnostic in found:
        lines = diagnostic.render(file).split("\n")
        assert all(line.isprintable() and len(line) < 1000 for line in lines), diagnostic.message
        assert len(lines) <= 6, "only the parts of a diagnostic have lines of their own"
        keys = {"file", "line", "column", "pointer", "severity", "code", "message", "help"}
        assert diagnostic.to_json(file).keys() == keys


class Watched(Observer):
    """Keeps what it is told of a run."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.began: list[int] = []
        self.lines: list[Mapping[str, Any]] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)

    def begin(self, view: TrainingView) -> None:
        self.began.append(view.epoch)

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        self.lines.append(values)


def checkpoint(directory: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step."""
    return directory / "checkpoints" / f"step-{step:08d}.npz"


def newest(directory: Path) -> Path:
    """Return the path of the newest checkpoint of a run."""
    return max((directory / "checkpoints").glob("step-*.npz"))


def seal(content: bytes) -> bytes:
    """Return a zip archive with its comment replaced by the SHA-256 of all bytes before, as in a checkpoint."""
    end = content.rindex(b"PK\5\6") + 20
    before = content[:end] + (64).to_bytes(2, "little")
    return before + hashlib.sha256(before).hexdigest().encode()


def rewrite_members(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let a checkpoint have other arrays, and a digest that matches."""
    with np.load(path) as file:
        arrays = change(dict(file))
    content = io.BytesIO()
    np.savez(content, **arrays)
    path.write_bytes(seal(content.getvalue()))


def flip(path: Path, member: str = "") -> None:
    """Let a bit in the middle of a file be another, or one in the array of that name, as no digest covers headers."""
    content = bytearray(path.read_bytes())
    place = content.index(f"{member}.npy".encode()) + len(member) + 40 if member else len(content) // 2
    content[place] ^= 1
    path.write_bytes(content)


def change(path: Path, **changes: Any) -> None:
    """Let the object in a JSON file say something else."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
