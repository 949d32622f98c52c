"""Fetching one file from an address: resumable, checked before it gets its name, stopped at once.

Only what installs something uses it (`layer_steps`, `voice_fetch`). Proxies are taken from the environment (as pip
does); certificates from SSL_CERT_FILE, pip's `cert`, or the system. A thread reads, so that neither a name that is
looked up for minutes nor a silent server keeps anybody from stopping. A server is believed nothing: redirections go to
`https` only (or stay at their host), and a page, another length, another range or another hash is not the file.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import queue
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from .commands import Stop
from .errors import Stopped
from .wording import N_, translate

CONNECT_S: Final = 8.0
"""Until a server answers: long enough for a slow line, short enough to go on to the next source before the user gives up."""
STALL_S: Final = 20.0
"""Without a byte in the middle of a file."""
CRAWL_S: Final = 120.0
CRAWL_BYTES: Final = 60_000
"""As few in that time, and it would take days: a modem brings ten times as many."""
REDIRECTIONS: Final = 5
_BLOCK: Final = 1 << 18
_WAITING: Final = 16
"""Blocks that may wait to be written."""
_BUSY: Final = (http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE)
_POLL_S: Final = 0.1
_TELL_S: Final = 0.1


class FetchError(Exception):
    """In plain words, for the `reason` of a PluginError."""


@dataclass(frozen=True)
class Expected:
    """What a file has to be. sha256, md5: hex, empty where it is not known; where neither is, whatever comes in that size is believed."""

    size_bytes: int
    sha256: str = ""
    md5: str = ""


class _Redirections(urllib.request.HTTPRedirectHandler):
    """A file may come from elsewhere, but not by a line that others can read or write, and never from this computer's disk."""

    max_redirections = REDIRECTIONS
    max_repeats = REDIRECTIONS

    def redirect_request(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme != "https" and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            fp.close()
            raise FetchError(translate(N_("the server sends us to a place that is not safe")))
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        fp.close()  # else all of the page that comes with it is read into memory, and it may have no end
        return request


@dataclass(frozen=True)
class Opener:
    """How to reach the world: proxy and certificates of the user's own settings."""

    proxy: str = ""
    cert: str = ""

    def open(self, url: str, start: int = 0, method: str = "GET", timeout_s: float = CONNECT_S) -> http.client.HTTPResponse:
        """Raises OSError (urllib's errors are such), ValueError, HTTPException, FetchError."""
        request = urllib.request.Request(url, method=method, headers={"User-Agent": "convert-to-audiobook", **({"Range": f"bytes={start}-"} if start else {})})
        context = ssl.create_default_context(cafile=self.cert or None) if not self.cert or Path(self.cert).is_file() else ssl.create_default_context()
        proxies = {"http": self.proxy, "https": self.proxy} if self.proxy else None
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler(proxies), _Redirections()]
        response: http.client.HTTPResponse = urllib.request.build_opener(*handlers).open(request, timeout=timeout_s)
        return response


def opener_from(env: Mapping[str, str]) -> Opener:
    """As pip is set to, by its variables; else by the system's (`HTTPS_PROXY`, `SSL_CERT_FILE`)."""
    return Opener(env.get("PIP_PROXY", ""), env.get("PIP_CERT", ""))


def reachable(url: str, opener: Opener, stopped: Stop) -> bool:
    """Does an index answer there? Asked before an installer is let loose on it, which would try for minutes. Raises `Stopped`."""
    answers: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            opener.open(url, method="HEAD").close()
            answers.put(True)
        except (FetchError, OSError, ValueError, http.client.HTTPException):
            answers.put(False)

    threading.Thread(target=ask, name="audiobook reach", daemon=True).start()
    end = time.monotonic() + CONNECT_S
    while time.monotonic() < end:
        if stopped():
            raise Stopped
        with suppress(queue.Empty):
            return answers.get(timeout=_POLL_S)
    return False


def told_size(url: str, opener: Opener, stopped: Stop) -> int:
    """How large the server says that a file is, in bytes. Raises FetchError, `Stopped`."""
    with _Line(url, 0, None, opener) as line:
        return line.start(stopped)


def fetch(url: str, target: Path, expected: Expected, opener: Opener, stopped: Stop, on_bytes: Callable[[int], None], partial: Path | None = None) -> str:
    """Fetch into `partial` (default: beside the target), going on where an earlier try ended; check; rename. Gives the sha256.

    on_bytes: is told how many bytes are there. Raises FetchError, `Stopped`; what came until then is kept.
    """
    partial = partial or target.with_name(target.name + ".part")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        begun = partial.stat().st_size if partial.exists() else 0
        if begun != expected.size_bytes:
            begun = _fill(url, partial, begun if begun < expected.size_bytes else 0, expected.size_bytes, opener, stopped, on_bytes)
        if begun:
            found = _found(partial, expected)
            if found:
                return _name(partial, target, found)
            # What had come before was of another file: the whole once more.
            _fill(url, partial, 0, expected.size_bytes, opener, stopped, on_bytes)
        return settle(partial, target, expected)
    except OSError as error:
        raise FetchError(plain(error)) from None


def settle(partial: Path, target: Path, expected: Expected) -> str:
    """Give a fetched file its name if it is the one that was expected, else remove it. Gives its sha256; raises FetchError, OSError."""
    found = _found(partial, expected)
    if not found:
        partial.unlink()
        raise unexpected(target.name)
    return _name(partial, target, found)


def unexpected(name: str) -> FetchError:
    """That what came is another file than the one of that name."""
    return FetchError(translate(N_("what came is not the file that was expected ({name})")).format(name=name))


def is_whole(path: Path, expected: Expected) -> str:
    """The file's sha256 if it is the one that was expected, else empty. Raises OSError."""
    return _found(path, expected) if path.is_file() else ""


def plain(error: Exception) -> str:
    """An error of the network or the disk in few words, without the address (it may hold a password)."""
    if isinstance(error, urllib.error.HTTPError):
        if error.code == 407:
            return translate(N_("the proxy asks for a name and a password"))
        if error.code in _BUSY:
            return translate(N_("the server is too busy now (it answered {code}); try again in some minutes")).format(code=error.code)
        return translate(N_("the server answered {code}")).format(code=error.code)
    if isinstance(error, urllib.error.URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    if isinstance(error, socket.gaierror):
        return translate(N_("the server was not found; is this computer online, and is Calibre allowed to reach the internet?"))
    if isinstance(error, TimeoutError):
        return translate(N_("no answer in time"))
    if isinstance(error, ssl.SSLCertVerificationError):
        return translate(N_("the server's certificate is not trusted here"))
    if isinstance(error, ssl.SSLError):
        return translate(N_("no safe connection to the server could be made"))
    if isinstance(error, http.client.HTTPException):
        return translate(N_("the connection was cut"))
    if isinstance(error, ValueError):  # a redirection to what is no address, a length that is no number
        return translate(N_("what the server answered makes no sense"))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _name(partial: Path, target: Path, sha256: str) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(target)
    return sha256


def _found(path: Path, expected: Expected) -> str:
    """The sha256 of what is there, empty if it is not what was expected."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as f:
        while block := f.read(_BLOCK):
            sha256.update(block)
            md5.update(block)
    right = path.stat().st_size == expected.size_bytes and expected.sha256 in ("", sha256.hexdigest()) and expected.md5 in ("", md5.hexdigest())
    return sha256.hexdigest() if right else ""


def _fill(url: str, partial: Path, begun: int, size_bytes: int, opener: Opener, stopped: Stop, on_bytes: Callable[[int], None]) -> int:
    """Write what is missing of `size_bytes`; gives how many bytes of the earlier try were kept. Raises FetchError, OSError, Stopped."""
    with _Line(url, begun, size_bytes, opener) as line:
        start = line.start(stopped)
        have, told_at = start, 0.0
        with open(partial, "r+b" if start else "wb") as out:
            out.seek(start)
            out.truncate()
            for block in line.blocks(stopped):
                have += len(block)
                if have > size_bytes:
                    break
                out.write(block)
                if time.monotonic() - told_at >= _TELL_S:
                    told_at = time.monotonic()
                    on_bytes(have)
            out.flush()
            os.fsync(out.fileno())
    if have > size_bytes:
        partial.unlink()
        raise FetchError(_other_size(url))
    on_bytes(have)
    if have < size_bytes:
        cut = translate(N_("the connection was cut after {have} of {size} MB"))
        raise FetchError(cut.format(have=f"{have / 1e6:.1f}", size=f"{size_bytes / 1e6:.1f}"))
    return start


class _Line:
    """What a server answers, read by a thread of its own, which ends soon after it is left: at the next byte, or when its patience does."""

    def __init__(self, url: str, begun: int, size_bytes: int | None, opener: Opener) -> None:
        """begun: from which byte on the rest is asked for. size_bytes: None to be told it by `start`, and nothing else."""
        self._came: queue.Queue[int | bytes | Exception] = queue.Queue(_WAITING)
        self._left = threading.Event()
        threading.Thread(target=self._read, args=(url, begun, size_bytes, opener), name="audiobook fetch", daemon=True).start()

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *error: object) -> None:
        self._left.set()

    def start(self, stopped: Stop) -> int:
        """From which byte on it is sent. Raises FetchError, Stopped, as `blocks` does."""
        start = self._next(stopped, CONNECT_S)
        assert isinstance(start, int)
        return start

    def blocks(self, stopped: Stop) -> Iterator[bytes]:
        """What comes, until it ends, or comes so slowly that it never would."""
        began, came = time.monotonic(), 0
        while block := self._next(stopped, STALL_S):
            assert isinstance(block, bytes)
            yield block
            came += len(block)
            if time.monotonic() - began >= CRAWL_S:
                if came < CRAWL_BYTES:
                    crawled = translate(N_("the connection is too slow: {have} MB in {seconds} seconds"))
                    raise FetchError(crawled.format(have=f"{came / 1e6:.2f}", seconds=round(CRAWL_S)))
                began, came = time.monotonic(), 0

    def _next(self, stopped: Stop, patience_s: float) -> int | bytes:
        end = time.monotonic() + patience_s
        while True:
            if stopped():
                raise Stopped
            try:
                came = self._came.get(timeout=_POLL_S)
            except queue.Empty:
                if time.monotonic() < end:
                    continue
                raise FetchError(translate(N_("nothing came for {seconds} seconds")).format(seconds=f"{patience_s:.0f}")) from None
            if isinstance(came, Exception):
                raise came if isinstance(came, FetchError) else FetchError(plain(came)) from None
            return came

    def _read(self, url: str, begun: int, size_bytes: int | None, opener: Opener) -> None:
        try:
            if size_bytes is None:
                self._put(_length(url, opener))
                return
            response, start = _answer(url, begun, size_bytes, opener)
            with response:
                self._put(start)
                while not self._left.is_set() and (block := response.read1(_BLOCK)):
                    self._put(block)
            self._put(b"")
        except Exception as error:  # noqa: BLE001  (whatever it is, the one who waits is told)
            self._put(error)

    def _put(self, what: int | bytes | Exception) -> None:
        while not self._left.is_set():
            with suppress(queue.Full):
                self._came.put(what, timeout=_POLL_S)
                break


def _answer(url: str, begun: int, size_bytes: int, opener: Opener) -> tuple[http.client.HTTPResponse, int]:
    """The server's answer and the byte that it begins with: `begun` where the server goes on from there, else 0. Raises as `Opener.open`."""
    try:
        response = opener.open(url, begun, timeout_s=CONNECT_S + STALL_S)  # `_Line` is less patient, and says so
    except urllib.error.HTTPError as error:
        error.close()
        if begun and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _answer(url, 0, size_bytes, opener)
        raise
    start = begun if response.status == http.client.PARTIAL_CONTENT else 0
    try:
        if start and not _goes_on(response, start, size_bytes):
            response.close()
            return _answer(url, 0, size_bytes, opener)
        _check(response, size_bytes - start, url)
    except FetchError:
        response.close()
        raise
    return response, start


def _length(url: str, opener: Opener) -> int:
    """Raises as `Opener.open`."""
    with opener.open(url, method="HEAD", timeout_s=CONNECT_S + STALL_S) as response:
        told = response.headers.get("Content-Length", "")
        if response.headers.get_content_type() == "text/html" or not told.isdecimal():
            raise FetchError(translate(N_("the server does not say how large the file is")))
        return int(told)


def _goes_on(response: http.client.HTTPResponse, start: int, size_bytes: int) -> bool:
    """Is it the rest that was asked for, of a file of this size?"""
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    return told is not None and int(told[1]) == start and told[2] in ("*", str(size_bytes))


def _check(response: http.client.HTTPResponse, bytes_left: int, url: str) -> None:
    """What can be seen before a byte is written. FetchError."""
    if response.headers.get_content_type() == "text/html":
        raise FetchError(translate(N_("a page came instead of the file, perhaps one to log in at")))
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError(translate(N_("the server sends the file in another form than was asked for")))
    if response.length is not None and response.length != bytes_left:
        raise FetchError(_other_size(url))


def _other_size(url: str) -> str:
    name = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    return translate(N_("what the server offers is not the file that was expected ({name}: its size differs)")).format(name=name)
