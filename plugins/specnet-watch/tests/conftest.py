"""What the tests of the site share: runs, a server of them, and a reader."""

import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from specnet_watch.serving import make_server

import specnet

SPEC = {
    "name": "arms",
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.25},
    "layers": [{"type": "linear", "units": 3}, "tanh", "linear"],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "training": {"epochs": 6},
    "checkpoint": {"every": 2},
    "plots": [],
}
PATIENCE = 120.0


class Stream:
    """A stream of events; `take` returns the next of a kind, with its identifier and value."""

    def __init__(self, port, path, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.getheader("content-type") == "text/event-stream; charset=utf-8"

    def take(self, kind):
        event = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif event.get("event") == kind:
                return event.get("id", ""), json.loads(event["data"])
            else:
                event = {}
        raise AssertionError(f"the stream has ended without {kind}")

    def close(self):
        self.answer.close()
        self.connection.close()


@contextmanager
def _served(directory, port=0):
    with socket.create_server(("127.0.0.1", port)) as listener:
        server, port = make_server(directory), listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        streams = []

        def ask(path, method="GET", **headers):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request(method, path, headers={name.replace("_", "-"): each for name, each in headers.items()})
            answer = connection.getresponse()
            found = SimpleNamespace(status=answer.status, text=answer.read().decode(), headers=answer.headers)
            connection.close()
            return found

        def stream(path, **headers):
            streams.append(Stream(port, path, **headers))
            return streams[-1]

        try:
            yield SimpleNamespace(ask=ask, stream=stream, address=f"http://127.0.0.1:{port}", port=port)
        finally:
            for each in streams:
                each.close()
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture(scope="session")
def served():
    """Serves a directory inside a `with`."""
    return _served


@pytest.fixture(scope="session")
def spec():
    return SPEC


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A directory with a finished run."""
    folder = tmp_path_factory.mktemp("watched")
    specnet.run(SPEC, out=folder / "arms")
    return folder


@pytest.fixture
def until():
    """Waits for a condition."""

    def wait(condition):
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def snapshot():
    """What is in a directory: the content and times of each file."""

    def take(directory):
        paths = sorted(Path(directory).rglob("*"))
        return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in paths}

    return take
