"""Engines of `train_all`: joblib's own backend, Dask and Ray."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from specnet.errors import UsageError
from specnet.words import describe_error, quote

FIRST_WORKER = 60
"""Seconds in which a Dask scheduler should have a worker."""
_ADDRESS = r"(\[[^\]]+\]|[^\s:\[\]]+):\d+"
"""HOST:PORT, where an IPv6 address has brackets."""


def open_engine(name: str | None, workers: int) -> AbstractContextManager[Mapping[str, Any] | None]:
    """Return a context with joblib's settings for an engine, or raise a UsageError; None leaves joblib's own."""
    check_engine(name)
    if name is None:
        return _no_engine()
    kind, _, address = name.partition("://")
    return {"dask": _open_dask, "ray": _open_ray}[kind](address, workers)


def check_engine(name: str | None) -> None:
    """Raise a UsageError if there is no engine of this name."""
    kind, slashes, address = ("dask" if name is None else name).partition("://")
    if kind not in ("dask", "ray") or (slashes and not re.fullmatch(_ADDRESS, address)):
        help = "dask or ray for a cluster on this machine, dask://HOST:PORT or ray://HOST:PORT"
        raise UsageError(f"there is no engine {quote(str(name))}", help=help)


@contextmanager
def _no_engine() -> Iterator[Mapping[str, Any] | None]:
    from joblib.parallel import get_active_backend  # an engine of the caller's `joblib.parallel_config`

    backend = get_active_backend()[0]
    if not getattr(backend, "supports_return_generator", True):
        message = f"joblib's backend {type(backend).__name__} does not return results one by one"
        raise UsageError(message, help='engine="ray", or "dask", or joblib\'s own backend')
    yield None if type(backend).__name__ == "LokyBackend" else {"backend": backend}


@contextmanager
def _open_dask(address: str, workers: int) -> Iterator[Mapping[str, Any]]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError("Dask is not installed", help='pip install "specnet[dask]"') from error
    with ExitStack() as stack:
        cluster: Any = f"tcp://{address}"
        if not address:
            cluster = stack.enter_context(
                LocalCluster(workers, threads_per_worker=1, dashboard_address=None, silence_logs=50)
            )
        try:
            client = stack.enter_context(Client(cluster, set_as_default=False))
        except (OSError, ValueError) as error:
            raise UsageError(f"no Dask scheduler answers at {address}: {describe_error(error)}") from error
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER)
        except TimeoutError as error:
            help = f"dask worker tcp://{address} --nthreads 1, on each machine"
            raise UsageError(f"the Dask scheduler has had no workers for {FIRST_WORKER} seconds", help=help) from error
        yield {"backend": "dask", "client": client}


@contextmanager
def _open_ray(address: str, workers: int) -> Iterator[Mapping[str, Any]]:
    try:
        import ray
        from ray.util.joblib.ray_backend import RayBackend
    except ImportError as error:
        raise UsageError("Ray is not installed", help="pip install ray") from error

    class Backend(RayBackend):  # type: ignore[misc]
        """Also returns results one by one, which joblib excludes for pools of multiprocessing, not for Ray's."""

        supports_return_generator = True

    where = {"address": address} if address else {"address": "local", "num_cpus": workers, "include_dashboard": False}
    try:
        context = ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"no Ray cluster answers at {address or 'this machine'}: {describe_error(error)}") from error
    with context:
        yield {"backend": Backend()}
