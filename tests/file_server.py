"""A server of files on this machine, as well or as badly behaved as a test wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest


@dataclass
class Asked:
    """One request. start: from which byte on, None without a range."""

    handler: BaseHTTPRequestHandler
    path: str
    start: int | None
    data: bytes
    released: threading.Event

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """One whole answer; a header's `_` is a `-`. Content-Length is the body's, unless it is given; empty leaves a header away."""
        self.handler.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            if value:
                self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def send_well(self) -> None:
        """As a good server does."""
        if self.start is None:
            self.send(200, self.data)
        elif self.start >= len(self.data):
            self.send(416, b"", Content_Range=f"bytes */{len(self.data)}")
        else:
            self.send(206, self.data[self.start :], Content_Range=self.range)

    @property
    def range(self) -> str:
        return f"bytes {self.start}-{len(self.data) - 1}/{len(self.data)}"

    def send_until(self, end: int) -> None:
        """The right headers, and the file's bytes up to `end` only."""
        start = self.start or 0
        length = str(len(self.data) - start)
        if self.start is None:
            self.send(200, self.data[:end], Content_Length=length)
        else:
            self.send(206, self.data[start:end], Content_Range=self.range, Content_Length=length)
        self.handler.wfile.flush()


@dataclass
class Server:
    """files: path without the first slash (as a user would write it) -> bytes. manner: how it answers. asked: (path, first byte or None), in order."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    manner: Callable[[Asked], None] = Asked.send_well
    asked: list[tuple[str, int | None]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving() -> Iterator[Server]:
    """A server for a while."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            path = unquote(self.path.lstrip("/"))
            wanted = self.headers.get("Range", "")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else None
            server.asked.append((path, start))
            if path not in server.files:
                self.send_error(404)
                return
            with suppress(OSError):  # the other side may leave
                server.manner(Asked(self, path, start, server.files[path], server.released))

        def do_HEAD(self) -> None:
            self.close_connection = True
            path = unquote(self.path.lstrip("/"))
            if path not in server.files:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(server.files[path])))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}/"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One that the user's proxy does not stand before."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as made:
        yield made
