"""Tables for the tests of datasets."""

import pytest

from specnet import build


@pytest.fixture
def table(tmp_path):
    """Write a file and return the dataset that reads it."""

    def write(content, **fields):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return build("datasets", {"type": "csv", "path": str(path), "inputs": ["a"], "targets": ["t"], **fields})

    return write
