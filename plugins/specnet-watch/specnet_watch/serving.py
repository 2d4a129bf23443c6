"""The server of the site."""

from __future__ import annotations

import socket
import threading
import webbrowser
from pathlib import Path

import uvicorn

from specnet_watch.site import Site

PATIENCE = 3
"""Seconds that open connections have after Ctrl-C."""


def serve(directory: Path, listener: socket.socket, opened: str | None = None) -> None:
    """Serve the runs below a directory to whom a socket lets in, until a signal ends it; `opened` is shown at first."""
    if opened:
        threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()
    make_server(directory).run([listener])


def make_server(directory: Path) -> uvicorn.Server:
    """Return a server of the runs below a directory."""
    site = Site(directory, lambda: server.should_exit)
    options = {"access_log": False, "log_config": None, "lifespan": "off", "ws": "none", "server_header": False}
    server = uvicorn.Server(uvicorn.Config(site.app(), timeout_graceful_shutdown=PATIENCE, **options))
    return server
