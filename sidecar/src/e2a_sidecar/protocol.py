"""The wire, the sidecar's end: lines to requests (`request`), messages to lines (docs/architecture.md).

Owns file descriptors 0 and 1: `claim_stdio` takes them away before anything heavy is imported, so that no library can
print into the wire or read from it. Unknown fields are ignored; unknown types and broken lines are `bad_request`.
The plugin keeps its own copy of these names (`plugin/converting/protocol.py`); golden transcripts in tests/contract hold the two
together.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import BinaryIO, Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.request import Request, read

PROTOCOL: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
_ALWAYS: Final = ("type", "id", "code", "outcome")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def request_id(line: bytes) -> int | None:
    """The id a line carries, as far as it can be read: for an answer to a request that cannot be parsed."""
    try:
        found = json.loads(line).get("id")
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def parse(line: bytes) -> Request:
    """One line of the wire; SidecarError `bad_request` for anything that protocol 1 does not know."""
    if len(line) > MAX_LINE_BYTES:
        raise SidecarError("bad_request", "line too long")
    try:
        raw = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise SidecarError("bad_request", f"no JSON: {type(error).__name__}") from None
    if not isinstance(raw, dict):
        raise SidecarError("bad_request", "no object")
    return read(raw)


def _line(message: Mapping[str, object]) -> bytes:
    data = _encoded(message)
    for longest in (1000, 100, 10):
        if len(data) <= MAX_LINE_BYTES:
            return data
        data = _encoded(_cut(message, longest))
    return data if len(data) <= MAX_LINE_BYTES else _encoded({name: message[name] for name in _ALWAYS if name in message})


def _encoded(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _cut(value: object, longest: int) -> object:
    """The same with no string longer than that; lists keep their lengths."""
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, Mapping):
        return {str(key)[:longest]: _cut(inner, longest) for key, inner in value.items()}
    return [_cut(inner, longest) for inner in value] if isinstance(value, list | tuple) else value


class Wire:
    """The sending end: one JSON object a line, from any thread. A closed pipe is silence: reading will see the end."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, type_: str, **fields: object) -> None:
        """Write one message and flush it. Strings are cut where a line would exceed the limit (a title may be a megabyte)."""
        data = _line({"type": type_, **fields})
        with self._lock:
            try:
                self._out.write(data)
                self._out.flush()
            except (OSError, ValueError):  # Windows says EINVAL for a broken pipe
                return


def claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """(reader, writer) of the wire on private descriptors; 0 becomes the null device, 1 becomes stderr.

    Call before importing anything that might print. Libraries that read stdin find its end, those that print end up
    in the log.
    """
    reader, writer = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return os.fdopen(reader, "rb"), os.fdopen(writer, "wb")
