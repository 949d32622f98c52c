"""Fetching one file from an address: resumable, verified by hash before it gets its name, stopped at once.

Only `runtime` and `voices` use it, and only while something is being installed. Proxies are taken from the environment
(as pip does); certificates from SSL_CERT_FILE, pip's `cert`, or the system.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .commands import Stop
from .errors import Stopped

CONNECT_S: Final = 8.0
"""Long enough for a slow line, short enough to go on to the next source before the user gives up."""
_BLOCK: Final = 1 << 18


class FetchError(Exception):
    """In plain words, for the `reason` of a PluginError."""


@dataclass(frozen=True)
class Opener:
    """How to reach the world: proxy and certificates of the user's own settings."""

    proxy: str = ""
    cert: str = ""

    def open(self, url: str, start: int = 0, method: str = "GET") -> http.client.HTTPResponse:
        """Raises OSError (urllib's errors are such)."""
        request = urllib.request.Request(url, method=method, headers={"User-Agent": "convert-to-audiobook", **({"Range": f"bytes={start}-"} if start else {})})
        context = ssl.create_default_context(cafile=self.cert or None) if not self.cert or Path(self.cert).is_file() else ssl.create_default_context()
        proxies = {"http": self.proxy, "https": self.proxy} if self.proxy else None
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler(proxies)]
        response: http.client.HTTPResponse = urllib.request.build_opener(*handlers).open(request, timeout=CONNECT_S)
        return response


def opener_from(env: Mapping[str, str]) -> Opener:
    """As pip is set to, by its variables; else by the system's (`HTTPS_PROXY`, `SSL_CERT_FILE`)."""
    return Opener(env.get("PIP_PROXY", ""), env.get("PIP_CERT", ""))


def reachable(url: str, opener: Opener) -> bool:
    """Does an index answer there? Asked before an installer is let loose on it, which would try for minutes."""
    try:
        with opener.open(url, method="HEAD"):
            return True
    except (OSError, ValueError, http.client.HTTPException):
        return False


def fetch(
    url: str, target: Path, size_bytes: int, sha256: str, opener: Opener, stopped: Stop, on_bytes: Callable[[int], None], partial: Path | None = None
) -> None:
    """Fetch into `partial` (default: beside the target), going on where an earlier try ended; verify; rename.

    on_bytes: is told how many bytes are there. Raises FetchError, `Stopped`.
    """
    partial = partial or target.with_name(target.name + ".part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    have = partial.stat().st_size if partial.exists() else 0
    if have >= size_bytes:
        have = 0
    try:
        with opener.open(url, have) as response:
            # A server without ranges answers with the whole.
            have = have if response.status == 206 else 0
            if response.length is not None and response.length != size_bytes - have:
                partial.unlink(missing_ok=True)  # else a page that asks to log in would stand before what comes next time
                raise FetchError(f"what the server offers is not the file that was expected ({target.name}: its size differs)")
            with open(partial, "ab" if have else "wb") as out:
                while block := response.read(_BLOCK):
                    if stopped():
                        raise Stopped
                    have += len(block)
                    if have > size_bytes:
                        break
                    out.write(block)
                    on_bytes(have)
                out.flush()
                os.fsync(out.fileno())
        if have < size_bytes:
            raise FetchError(f"the connection was cut after {have / 1e6:.0f} of {size_bytes / 1e6:.0f} MB")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FetchError(plain(error)) from None
    settle(partial, target, sha256)


def settle(partial: Path, target: Path, sha256: str) -> None:
    """Give a fetched file its name if it is the one that was expected, else remove it. Raises FetchError."""
    with open(partial, "rb") as f:
        digest = hashlib.sha256()
        while block := f.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != sha256:
        partial.unlink()
        raise FetchError(f"what came is not the file that was expected ({target.name}: its hash differs)")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(target)


def plain(error: Exception) -> str:
    """An error of the network in few words, without the address (it may hold a password)."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, urllib.error.URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return "the server's certificate is not trusted here"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
