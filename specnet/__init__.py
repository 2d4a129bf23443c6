"""specnet: train small neural networks from one JSON file.

    import specnet
    run = specnet.run(specnet.load_spec("specs/spiral.json"))
    run.history["validation/loss"], run.predict(x)

The public names are those of `specnet.api`. They are imported when first used, so that `specnet --help` need not
wait for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specnet.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'specnet' has no attribute {name!r}")
    api = import_module("specnet.api")
    if name not in api.__all__:
        raise AttributeError(f"module 'specnet' has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *import_module("specnet.api").__all__])
