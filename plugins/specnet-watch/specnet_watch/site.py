"""The site: pages and streams of events, for readers on this machine."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from specnet.errors import RunError
from specnet_watch.directories import is_run, list_runs, read_text
from specnet_watch.rendering import run_page, table_page
from specnet_watch.table import TableReader, WatchedTable
from specnet_watch.watched import WatchedRun, run_address

HOSTS = ["127.0.0.1", "localhost"]
"""Names by which a page of this machine calls it; any other is that of a page elsewhere (DNS rebinding)."""
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of a report, whose page may come from elsewhere: its scripts run, but cannot read the other pages of this site."""
TICK = 0.5
"""Seconds between looks at a run."""
TABLE_TICK = 1.0
HEARTBEAT = 5.0
"""Seconds after which a reader hears something, be it nothing new: so a lost connection is noticed."""
LIVE_ROWS = 2000
"""Rows of a history that the page of a run shows."""
KEPT = 20
"""Runs whose history stays in memory after their pages were closed."""

Events = Callable[[], Iterator[bytes]]


class Shield:
    """Refuses whatever would write, and gives each response the headers of the site."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            refusal = PlainTextResponse("This site is read-only.", 405, {"allow": "GET, HEAD"})
            await refusal(scope, receive, sending)
        else:
            await self.app(scope, receive, sending)


class Site:
    """Pages of the runs below `root`; streams end as soon as `stopping` is true."""

    def __init__(self, root: Path, stopping: Callable[[], bool] = lambda: False) -> None:
        self.root, self.stopping = root.resolve(), stopping
        self.table = WatchedTable(self.root)
        self._runs: OrderedDict[str, WatchedRun] = OrderedDict()
        self._lock = Lock()

    def app(self) -> Starlette:
        """Return the site as an ASGI application."""
        routes = [
            Route("/", self.index),
            Route("/events", self.table_events),
            Route("/run/{name:path}/events", self.run_events),
            Route("/run/{name:path}/scene", self.scene),
            Route("/run/{name:path}/report", self.report),
            Route("/run/{name:path}/", self.run),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
        app = Starlette(routes=routes, middleware=[Middleware(Shield), hosts])
        app.router.redirect_slashes = False
        return app

    def find(self, request: Request) -> WatchedRun:
        """Return the run that a request names: one that is found below the root, so nothing else can be named.

        Raises:
            HTTPException: if the run does not exist.
        """
        name = request.path_params["name"]
        with self._lock:
            if (directory := list_runs(self.root).get(name)) is None:
                raise HTTPException(404, f"There is no run with this name in {self.root.name}.")
            run = self._runs.get(name) or WatchedRun(name, directory, LIVE_ROWS)
            self._runs[name] = run
            self._runs.move_to_end(name)
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
            return run

    def index(self, request: Request) -> Response:
        """Show the table, or the page of the run if the root is one."""
        if is_run(self.root):
            return RedirectResponse(run_address(*list_runs(self.root)), 307)
        return HTMLResponse(table_page(self.root.name or str(self.root)))

    def run(self, request: Request) -> Response:
        """Show the page of a run."""
        run = self.find(request)
        run.update(0)
        return HTMLResponse(run_page(run, alone=is_run(self.root)))

    def report(self, request: Request) -> Response:
        """Show the report of a run, in an origin of its own."""
        path = self.find(request).directory / "report.html"
        try:
            content = read_text(path, 2**28)
        except RunError:
            raise HTTPException(404, f"This run has no report yet: specnet report {path.parent} writes it.") from None
        return HTMLResponse(content, headers={"content-security-policy": REPORT_POLICY})

    def scene(self, request: Request) -> Response:
        """Return the replay of the frames so far."""
        return JSONResponse(self.find(request).scene())

    async def table_events(self, request: Request) -> Response:
        """Follow all runs. After a new connection all rows are sent again."""
        reader = TableReader(self.table)

        def events() -> Iterator[bytes]:
            if changes := reader.changes():
                yield _event("runs", changes)

        return self._stream(request, events, TABLE_TICK)

    async def run_events(self, request: Request) -> Response:
        """Follow a run, after the event that the reader has seen last."""
        run = await anyio.to_thread.run_sync(self.find, request)
        position = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return self._stream(request, RunReader(run, position).events, TICK)

    def _stream(self, request: Request, events: Events, tick: float) -> Response:
        kind = {"content-type": "text/event-stream; charset=utf-8"}
        if request.method == "HEAD":
            return Response(headers=kind)
        return StreamingResponse(self._follow(request, events, tick), headers=kind)

    async def _follow(self, request: Request, events: Events, tick: float) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        heard = monotonic()
        while not (self.stopping() or await request.is_disconnected()):
            found = await anyio.to_thread.run_sync(lambda: [*events()])
            if not found and monotonic() - heard > HEARTBEAT:
                found = [b": nothing new\n\n"]
            for event in found:
                yield event
                heard = monotonic()
            await anyio.sleep(tick)


class RunReader:
    """What one reader of a run has been sent: up to which position of the history, which facts, which record."""

    def __init__(self, run: WatchedRun, position: str) -> None:
        self.run, self.position = run, position
        self._facts: dict[str, Any] = {}
        self._record = 0

    def events(self) -> Iterator[bytes]:
        """Yield what is new: lines of the history, whose event has the number of the last one as its identifier."""
        start = monotonic()
        while self.run.update() and monotonic() - start < TABLE_TICK:
            pass
        facts = self.run.facts()
        if curves := self.run.curves(self.position):
            self.position = curves["id"]
            yield _event("history", curves, self.position)
        if facts["record"] != self._record and self.run.is_rested():
            self._record = facts["record"]
            yield _event("record", {"record": self._record})
        if facts != self._facts:
            self._facts = facts
            yield _event("facts", facts)


def _event(kind: str, value: Any, identifier: str = "") -> bytes:
    """Return a server-sent event; JSON has no line breaks."""
    text = f"id: {identifier}\n" if identifier else ""
    return f"event: {kind}\n{text}data: {json.dumps(value, separators=(',', ':'), allow_nan=False)}\n\n".encode()
