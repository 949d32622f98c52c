"""The wire as the plugin sees it (docs/architecture.md, protocol 1): requests to lines, lines to events.

JSON stops here: everything past this module is a frozen record. A line that is no event of protocol 1 raises
PluginError `protocol`; unknown fields are ignored. Golden transcripts in tests/contract hold both sides to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import PluginError
from ..wording import N_, translate

PROTOCOL: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
FLOAT32: Final = "float32"
HALF: Final = "half"
PRECISIONS: Final = (FLOAT32, HALF)
"""Of the numbers in which a voice's sound is made. half: a graphics card may compute in half precision, which is faster, where it stays near enough."""

Params = Mapping[str, "str | int | float"]


@dataclass(frozen=True)
class Hello:
    """The first line of a sidecar. layer: `core` or `neural`."""

    version: str
    layer: str
    pid: int


@dataclass(frozen=True)
class Progress:
    """done: 0..1 over the whole request. left_s: seconds still needed, None while unknown.

    sentences, of: of the whole book, with what earlier runs have spoken; 0 before that is known. audio_s: of sound that this run has spoken.
    device: that speaks, empty before any does. chapter: the one that is being spoken, from 1, of `chapters`; 0 before any is.
    """

    id: int
    stage: str
    done: float
    left_s: float | None = None
    sentences: int = 0
    of: int = 0
    audio_s: float = 0.0
    device: str = ""
    chapter: int = 0
    chapters: int = 0


@dataclass(frozen=True)
class Warned:
    """A warning of the sidecar's; `errors.warning_sentence` makes it a sentence."""

    id: int
    code: str
    params: Params


@dataclass(frozen=True)
class Device:
    """reason: why it is not usable, else empty. speed: of the voice that was asked for, times real time; None where it was not
    measured. name: empty for one that is not there."""

    device: str
    name: str
    usable: bool
    reason: str
    speed: float | None = None


@dataclass(frozen=True)
class Devices:
    """The answer to a probe."""

    id: int
    devices: tuple[Device, ...]


@dataclass(frozen=True)
class LookedChapter:
    """level: 1 for a chapter, 2 for one within it. characters: that will be spoken."""

    title: str
    level: int
    characters: int


@dataclass(frozen=True)
class LookedLeftOut:
    """Places that will not be said for one reason (a code of `report.REASONS`): how many, and the beginnings of them, of very many of the first."""

    reason: str
    count: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """What a book holds. sample: a sentence of it to try a voice with. skipped: places that are left out. existing: `none`, `ours`, `foreign`.
    chapter_count: of all, where there are more than `chapters` names.

    Where a voice was asked about: spoken: characters that need not be spoken again, None where nobody knows. standing: what our audiobook
    needs: `same` nothing, `tags` these alone, `different` to be made anew; `none` where there is none of ours.
    """

    id: int
    title: str
    language: str
    chapters: tuple[LookedChapter, ...]
    sentences: int
    characters: int
    sample: str
    skipped: int
    existing: str
    chapter_count: int = 0
    left_out: tuple[LookedLeftOut, ...] = ()
    spoken: int | None = None
    standing: str = "none"


@dataclass(frozen=True)
class Sampled:
    """What a recording is good for as a cloned voice. duration_s, peaks (0..100, in equal steps): of the whole recording; the others of the
    stretch that was looked at. clipped, silent: shares. speech_s: what is left when it is cleaned. verdict: `good`, `fair`, `poor`; remarks: why.
    sha256: of the cleaned file, where one was asked for."""

    id: int
    duration_s: float
    start_s: float
    end_s: float
    peaks: tuple[int, ...]
    rate_hz: int
    channels: int
    bandwidth_hz: float
    level_lufs: float
    noise_db: float
    snr_db: float
    clipped: float
    silent: float
    speech_s: float
    verdict: str
    remarks: tuple[str, ...] = ()
    sha256: str = ""


@dataclass(frozen=True)
class Summary:
    """Of the report, what the plugin shows; the whole of it lies where the request said. voice: in words, a clone's with its base voice.
    xrt: of all the work, times real time; xrt_speech: of speaking alone, None where nothing was spoken."""

    duration_s: float = 0.0
    chapters: int = 0
    voice: str = ""
    engine: str = ""
    device: str = ""
    xrt: float | None = None
    host_copies_per_batch: int | None = None
    xrt_speech: float | None = None


@dataclass(frozen=True)
class Done:
    """outcome: `written`, `unchanged`, `retagged` of a conversion, else OUTCOMES' others."""

    id: int
    outcome: str
    summary: Summary


@dataclass(frozen=True)
class Failed:
    """The request ended with an error of the sidecar's closed list. id: None where the sidecar could not read it."""

    id: int | None
    code: str
    params: Params
    detail: str


@dataclass(frozen=True)
class Cancelled:
    """The request ended because it was asked to."""

    id: int


Event = Hello | Progress | Warned | Devices | Looked | Sampled | Done | Failed | Cancelled
Told = Progress | Warned | Devices | Looked | Sampled
"""What is said while a request is served."""
OUTCOMES: Final = ("written", "unchanged", "retagged", "probed", "looked", "said", "cut", "sampled")


@dataclass(frozen=True)
class Warn:
    """A warning of the plugin's own, kept in the report."""

    code: str
    params: Params = field(default_factory=dict)


@dataclass(frozen=True)
class Convert:
    """One conversion. Paths are absolute; voice is the object that `voices.wire_voice` gives.

    auto: the user did not choose the device, so another may take its place. pauses: times the usual ones. precision: of PRECISIONS.
    cache_bytes: of kept sentences in all, beyond which the oldest go; None leaves that to the sidecar.
    """

    bundle: str
    out: str
    existing: str | None
    replace: bool
    report: str | None
    cache_dir: str
    device: str
    voice: Mapping[str, Any]
    speed: float = 1.0
    pauses: float = 1.0
    bitrate: int = 64000
    warnings: tuple[Warn, ...] = ()
    auto: bool = False
    precision: str = FLOAT32
    cache_bytes: int | None = None

    def wire(self, id: int) -> dict[str, Any]:
        """The object of the wire."""
        return {
            "type": "convert",
            "id": id,
            "bundle": self.bundle,
            "out": self.out,
            "existing": self.existing,
            "replace": self.replace,
            "report": self.report,
            "cache_dir": self.cache_dir,
            "device": self.device,
            "voice": dict(self.voice),
            "settings": _sound(self.speed, self.pauses, self.bitrate, self.precision),
            "warnings": [{"code": warn.code, "params": dict(warn.params)} for warn in self.warnings],
            "auto": self.auto,
            **({} if self.cache_bytes is None else {"cache_bytes": self.cache_bytes}),
        }


@dataclass(frozen=True)
class Probe:
    """Which devices can speak? With a voice (as in Convert): how fast each speaks it. language: the book's."""

    voice: Mapping[str, Any] | None = None
    language: str = ""
    cache_dir: str = ""

    def wire(self, id: int) -> dict[str, Any]:
        """The object of the wire."""
        if self.voice is None:
            return {"type": "probe", "id": id}
        return {"type": "probe", "id": id, "voice": dict(self.voice), "language": self.language, "cache_dir": self.cache_dir}


@dataclass(frozen=True)
class Look:
    """What does a book hold? existing: an M4B that stands at the book; own: ours, where it stands elsewhere. voice: to know also what there is
    of the book as it would be spoken, with the others as in Convert."""

    bundle: str
    existing: str | None = None
    own: str | None = None
    voice: Mapping[str, Any] | None = None
    cache_dir: str = ""
    speed: float = 1.0
    pauses: float = 1.0
    bitrate: int = 64_000
    precision: str = FLOAT32

    def wire(self, id: int) -> dict[str, Any]:
        """The object of the wire."""
        wire: dict[str, Any] = {"type": "look", "id": id, "bundle": self.bundle, "existing": self.existing}
        if self.own is not None:
            wire["own"] = self.own
        if self.voice is not None:
            settings = _sound(self.speed, self.pauses, self.bitrate, self.precision)
            wire |= {"voice": self.voice, "cache_dir": self.cache_dir, "settings": settings}
        return wire


@dataclass(frozen=True)
class Say:
    """Speak a text into a WAV file, to try a voice; device, auto and voice as in Convert."""

    text: str
    out: str
    device: str
    auto: bool
    voice: Mapping[str, Any]
    language: str
    cache_dir: str
    speed: float = 1.0

    def wire(self, id: int) -> dict[str, Any]:
        """The object of the wire."""
        return {
            "type": "say",
            "id": id,
            "text": self.text,
            "out": self.out,
            "device": self.device,
            "auto": self.auto,
            "voice": dict(self.voice),
            "language": self.language,
            "cache_dir": self.cache_dir,
            "settings": {"speed": self.speed},
        }


@dataclass(frozen=True)
class Excerpt:
    """A piece of an audiobook as a WAV file."""

    path: str
    start_s: float
    end_s: float
    out: str

    def wire(self, id: int) -> dict[str, Any]:
        """The object of the wire."""
        return {"type": "excerpt", "id": id, "path": self.path, "start_s": self.start_s, "end_s": self.end_s, "out": self.out}


@dataclass(frozen=True)
class Sample:
    """Is this recording good for a cloned voice? start_s, end_s: a stretch of it; None: the best one is found. out: where the cleaned FLAC is to
    be written; before, after: WAV files to hear it in."""

    path: str
    start_s: float | None = None
    end_s: float | None = None
    out: str | None = None
    before: str | None = None
    after: str | None = None

    def wire(self, id: int) -> dict[str, Any]:
        """The object of the wire."""
        return {"type": "sample", "id": id, **{name: value for name, value in vars(self).items() if value is not None}}


def _sound(speed: float, pauses: float, bitrate: int, precision: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"speed": speed, "pauses": pauses, "bitrate": bitrate}
    return settings if precision == FLOAT32 else {**settings, "precision": precision}


Request = Convert | Probe | Look | Say | Excerpt | Sample


def cancel(id: int) -> dict[str, Any]:
    """Stop request `id`."""
    return {"type": "cancel", "id": id}


def shutdown() -> dict[str, Any]:
    """End the process."""
    return {"type": "shutdown"}


def encode(message: Mapping[str, Any]) -> bytes:
    """One line, newline included; PluginError `protocol` if it is over the limit or cannot be said in UTF-8."""
    try:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8") + b"\n"
    except ValueError as error:
        raise PluginError("protocol", f"a request that is no JSON in UTF-8: {error}") from None
    if len(line) > MAX_LINE_BYTES:
        raise PluginError("protocol", f"request of {len(line)} bytes")
    return line


def decode(line: bytes) -> Event:
    """The event of one line; PluginError `protocol` if it is none."""
    if len(line) > MAX_LINE_BYTES:
        raise PluginError("protocol", "a line over 1 MiB")
    try:
        message = json.loads(line)
        parse = _PARSERS[message["type"]]
        return parse(message)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PluginError("protocol", f"{type(error).__name__}: {line[:200]!r}") from None


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


def sampled(heard: Iterable[Told]) -> Sampled:
    """The answer among what was said; PluginError `protocol` where there is none."""
    for event in heard:
        if isinstance(event, Sampled):
            return event
    raise PluginError("protocol", "a recording was looked at, and nothing said")


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
    )


def voice_words(report: Mapping[str, Any]) -> str:
    """Who spoke, by a report: a clone is named with the voice that it speaks over."""
    voice = str(report.get("voice_name") or report.get("voice") or "")
    clone = report.get("clone")
    if not isinstance(clone, Mapping):
        return voice
    name = str(clone.get("name") or clone.get("id") or "")
    return translate(N_("{name} (clone), over {base}")).format(name=name, base=str(report.get("voice") or "") if voice == name else voice)


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
