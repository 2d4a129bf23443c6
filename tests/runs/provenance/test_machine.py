"""What the machine computes with is told as it is, whatever else is loaded."""

from types import SimpleNamespace

from specnet.runs.provenance import machine
from specnet.runs.provenance.machine import NUMPY, describe_machine, numpy_blas


def loaded(monkeypatch, *found):
    """Let these libraries be the loaded ones: where they are, and what they are."""
    libraries = [{"filepath": path, "user_api": kind} for path, kind in found]
    monkeypatch.setattr(machine, "libraries", lambda: SimpleNamespace(info=lambda: libraries))


def test_of_several_blas_libraries_that_of_numpy_counts(monkeypatch):
    paths = ["/elsewhere/scipy.libs/libopenblas.so", f"{NUMPY}.libs/libopenblas.so"]
    loaded(monkeypatch, *((path, "blas") for path in paths))
    assert numpy_blas()["filepath"] == paths[1]
    loaded(monkeypatch, ("/usr/lib/libgomp.so", "openmp"), ("/usr/lib/libblis.so", "blas"))
    assert numpy_blas()["filepath"] == "/usr/lib/libblis.so"


def test_of_a_blas_that_is_not_known_its_name_is_told(monkeypatch):
    loaded(monkeypatch, ("/usr/lib/libgomp.so", "openmp"))
    told = describe_machine()
    assert (told["blas_kernel"], told["blas_threads"]) == (None, None)
    assert told["blas"].strip()
