"""The wire as the plugin sees it (docs/architecture.md, protocol 1): `requests` to lines, lines to `events`.

JSON stops here: everything past this module is a frozen record. A line that is no event of protocol 1 raises
PluginError `protocol`; unknown fields are ignored. Golden transcripts in tests/contract hold both sides to it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..errors import PluginError
from ..paths import NOT_UTF8, is_utf8
from ..wording import translate
from .events import (
    OUTCOMES,
    Cancelled,
    Device,
    Devices,
    Done,
    Event,
    Failed,
    Hello,
    Looked,
    LookedChapter,
    LookedLeftOut,
    Params,
    Progress,
    Sampled,
    Summary,
    Warned,
    voice_words,
)

PROTOCOL: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
_MOST_DIGITS: Final = 18


def encode(message: Mapping[str, Any]) -> bytes:
    """One line, newline included; PluginError `protocol` if it is over the limit or no JSON, `output_unwritable` if a path in it cannot be said in UTF-8."""
    try:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8") + b"\n"
    except UnicodeEncodeError as error:
        named = next(text for text in _texts(message) if not is_utf8(text))
        raise PluginError("output_unwritable", error.reason, path=named, reason=translate(NOT_UTF8)) from None
    except ValueError as error:
        raise PluginError("protocol", f"a request that is no JSON: {error}") from None
    if len(line) > MAX_LINE_BYTES:
        raise PluginError("protocol", f"request of {len(line)} bytes")
    return line


def _texts(value: object) -> Iterator[str]:
    """All that is in a message."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def decode(line: bytes) -> Event:
    """The event of one line; PluginError `protocol` if it is none."""
    if len(line) > MAX_LINE_BYTES:
        raise PluginError("protocol", "a line over 1 MiB")
    try:
        message = json.loads(line, parse_float=_finite, parse_int=_whole, parse_constant=_finite)
        parse = _PARSERS[message["type"]]
        return parse(message)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise PluginError("protocol", f"{type(error).__name__} in a message of {len(line)} bytes") from None


def _finite(number: str) -> float:
    """Of a JSON number; ValueError for NaN and what is larger than any number."""
    found = float(number)
    if not math.isfinite(found):
        raise ValueError("no number")
    return found


def _whole(number: str) -> int:
    """Of a JSON number; ValueError for one that no count, size or time reaches (a quotient of two such may be no float)."""
    if len(number) > _MOST_DIGITS:
        raise ValueError("too many digits")
    return int(number)


def _hello(m: Mapping[str, Any]) -> Hello:
    if m["protocol"] != PROTOCOL:
        raise PluginError("protocol", f"protocol {m['protocol']!r}, not {PROTOCOL}")
    return Hello(str(m["version"]), str(m["layer"]), int(m["pid"]))


def _progress(m: Mapping[str, Any]) -> Progress:
    left = m.get("left_s")
    return Progress(
        id=int(m["id"]),
        stage=str(m["stage"]),
        done=min(1.0, max(0.0, float(m["done"]))),
        left_s=None if left is None else max(0.0, float(left)),
        sentences=int(m.get("sentences") or 0),
        of=int(m.get("of") or 0),
        audio_s=float(m.get("audio_s") or 0.0),
        device=str(m.get("device") or ""),
        chapter=int(m.get("chapter") or 0),
        chapters=int(m.get("chapters") or 0),
        kept=int(m.get("kept") or 0),
        characters=int(m.get("characters") or 0),
        spoken=int(m.get("spoken") or 0),
    )


def _warned(m: Mapping[str, Any]) -> Warned:
    return Warned(int(m["id"]), str(m["code"]), _params(m))


def _devices(m: Mapping[str, Any]) -> Devices:
    return Devices(int(m["id"]), tuple(map(_device, m["devices"])))


def _device(m: Mapping[str, Any]) -> Device:
    speed = m.get("speed")
    return Device(str(m["device"]), str(m.get("name") or ""), bool(m["usable"]), str(m.get("reason") or ""), None if speed is None else float(speed))


def _looked(m: Mapping[str, Any]) -> Looked:
    return Looked(
        id=int(m["id"]),
        title=str(m.get("title") or ""),
        language=str(m.get("language") or ""),
        chapters=tuple(LookedChapter(str(c.get("title") or ""), int(c.get("level") or 1), int(c.get("characters") or 0)) for c in m["chapters"]),
        sentences=int(m["sentences"]),
        characters=int(m["characters"]),
        sample=str(m.get("sample") or ""),
        skipped=int(m.get("skipped") or 0),
        existing=str(m.get("existing") or "none"),
        chapter_count=int(m.get("chapter_count") or len(m["chapters"])),
        left_out=tuple(LookedLeftOut(str(p["reason"]), int(p["count"]), tuple(map(str, p.get("texts") or ()))) for p in m.get("left_out") or ()),
        spoken=None if m.get("spoken") is None else int(m["spoken"]),
        standing=str(m.get("standing") or "none"),
    )


def _sampled(m: Mapping[str, Any]) -> Sampled:
    numbers = ("duration_s", "start_s", "end_s", "bandwidth_hz", "level_lufs", "noise_db", "snr_db", "clipped", "silent", "speech_s")
    return Sampled(
        id=int(m["id"]),
        peaks=tuple(min(100, max(0, int(peak))) for peak in m["peaks"]),
        rate_hz=int(m["rate_hz"]),
        channels=int(m["channels"]),
        verdict=str(m["verdict"]),
        remarks=tuple(map(str, m.get("remarks") or ())),
        sha256=str(m.get("sha256") or ""),
        **{name: float(m[name]) for name in numbers},
    )


def _done(m: Mapping[str, Any]) -> Done:
    outcome = m["outcome"]
    if outcome not in OUTCOMES:
        raise ValueError(outcome)
    return Done(int(m["id"]), outcome, _summary(m.get("report") or {}))


def _summary(report: Mapping[str, Any]) -> Summary:
    xrt, xrt_speech = report.get("xrt"), report.get("xrt_speech")
    copies = (report.get("transfers") or {}).get("host_copies_per_batch")
    return Summary(
        duration_s=float(report.get("duration_s") or 0.0),
        chapters=len(report.get("chapters") or ()),
        voice=voice_words(report),
        engine=str(report.get("engine") or ""),
        device=str(report.get("device") or ""),
        xrt=None if xrt is None else float(xrt),
        host_copies_per_batch=None if copies is None else int(copies),
        xrt_speech=None if xrt_speech is None else float(xrt_speech),
        likeness=_likeness(report.get("likeness")),
        likeness_of_halves=_likeness(report.get("likeness_of_halves")),
    )


def _likeness(cosine: Any) -> float | None:
    """What points away from each other has nothing in common."""
    return None if cosine is None else min(1.0, max(0.0, float(cosine)))


def _failed(m: Mapping[str, Any]) -> Failed:
    id = m["id"]
    return Failed(None if id is None else int(id), str(m["code"]), _params(m), str(m.get("detail") or ""))


def _cancelled(m: Mapping[str, Any]) -> Cancelled:
    return Cancelled(int(m["id"]))


def _params(m: Mapping[str, Any]) -> Params:
    return {str(k): v for k, v in (m.get("params") or {}).items() if isinstance(v, (str, int, float))}


_PARSERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Event]]] = {
    "hello": _hello,
    "progress": _progress,
    "warning": _warned,
    "devices": _devices,
    "looked": _looked,
    "sampled": _sampled,
    "done": _done,
    "error": _failed,
    "cancelled": _cancelled,
}
