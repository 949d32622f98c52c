"""The wire, the sidecar's end: requests parsed at the edge, messages written one a line (docs/architecture.md).

Owns file descriptors 0 and 1: `claim_stdio` takes them away before anything heavy is imported, so that no library can
print into the wire or read from it. Unknown fields are ignored; unknown types and broken lines are `bad_request`.
The plugin keeps its own copy of these names (`plugin/protocol.py`); golden transcripts in tests/contract hold the two
together.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Warn
from e2a_sidecar.voices.voice import Voice, usable_path

PROTOCOL: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
_ALWAYS: Final = ("type", "id", "code", "outcome")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose for the sound and the file. speed 1.0 is the voice's own; bitrate in bit/s."""

    speed: float = 1.0
    bitrate: int = 64_000
    noise_scale: float | None = None
    noise_w: float | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Settings:
        """Parse; SidecarError `bad_request` for what is out of range."""
        try:
            found = cls(
                speed=float(raw.get("speed", 1.0)),
                bitrate=int(raw.get("bitrate", 64_000)),
                noise_scale=None if raw.get("noise_scale") is None else float(raw["noise_scale"]),
                noise_w=None if raw.get("noise_w") is None else float(raw["noise_w"]),
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise SidecarError("bad_request", f"settings: {error}") from None
        scales = [s for s in (found.noise_scale, found.noise_w) if s is not None]
        if not (0.25 <= found.speed <= 4.0 and 16_000 <= found.bitrate <= 320_000 and all(0 <= s <= 2 for s in scales)):
            raise SidecarError("bad_request", f"settings out of range: {found}")
        return found


@dataclass(frozen=True, slots=True)
class Convert:
    """Make one audiobook of one bundle."""

    id: int
    bundle: Path
    out: Path
    cache_dir: Path
    device: str
    voice: Voice
    settings: Settings = Settings()
    existing: Path | None = None
    replace: bool = False
    report: Path | None = None
    warnings: tuple[Warn, ...] = field(default=())
    auto: bool = False
    """Nobody asked for this device by name, so another may take its place from the start."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Say which devices can be used; with a voice, how fast each speaks it. language: the book's, for voices that speak many."""

    id: int
    voice: Voice | None = None
    language: str = ""
    cache_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the request with this id."""

    id: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the process."""


Request = Convert | Probe | Cancel | Shutdown


def _path(raw: Mapping[str, Any], name: str) -> Path | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not usable_path(value) or not Path(value).is_absolute():
        raise SidecarError("bad_request", f"{name} is no absolute path")
    return Path(value)


def _needed(raw: Mapping[str, Any], name: str) -> Path:
    found = _path(raw, name)
    if found is None:
        raise SidecarError("bad_request", f"{name} is missing")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _warnings(raw: object) -> tuple[Warn, ...]:
    if not isinstance(raw, list) or not all(isinstance(w, dict) and isinstance(w.get("params") or {}, dict) for w in raw):
        raise SidecarError("bad_request", "warnings is no list of objects")
    return tuple(Warn(str(w.get("code", "")), dict(w.get("params") or {})) for w in raw)


def _convert(raw: Mapping[str, Any], number: int) -> Convert:
    voice, settings = raw.get("voice"), raw.get("settings") or {}
    if not isinstance(voice, dict) or not isinstance(settings, dict):
        raise SidecarError("bad_request", "voice or settings is no object")
    return Convert(
        id=number,
        bundle=_needed(raw, "bundle"),
        out=_needed(raw, "out"),
        cache_dir=_needed(raw, "cache_dir"),
        device=str(raw.get("device") or ""),
        voice=Voice.from_dict(voice),
        settings=Settings.from_dict(settings),
        existing=_path(raw, "existing"),
        replace=raw.get("replace") is True,
        report=_path(raw, "report"),
        warnings=_warnings(raw.get("warnings") or []),
        auto=raw.get("auto") is True,
    )


def _probe(raw: Mapping[str, Any], number: int) -> Probe:
    voice = raw.get("voice")
    if voice is None:
        return Probe(number)
    if not isinstance(voice, dict):
        raise SidecarError("bad_request", "voice is no object")
    return Probe(number, Voice.from_dict(voice), str(raw.get("language") or ""), _needed(raw, "cache_dir"))


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
    kind, number = raw.get("type"), raw.get("id")
    if kind == "shutdown":
        return Shutdown()
    if not isinstance(number, int) or isinstance(number, bool):
        raise SidecarError("bad_request", "no id")
    if kind == "convert":
        return _convert(raw, number)
    if kind == "probe":
        return _probe(raw, number)
    if kind == "cancel":
        return Cancel(number)
    raise SidecarError("bad_request", f"type {str(kind)[:40]!r}")


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
