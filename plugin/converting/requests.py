"""What a sidecar is asked, as records that know their object of the wire (docs/architecture.md, protocol 1); how a line is made of it: `protocol`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .events import Params

FLOAT32: Final = "float32"
HALF: Final = "half"
PRECISIONS: Final = (FLOAT32, HALF)
"""Of the numbers in which a voice's sound is made. half: a graphics card may compute in half precision, where it stays near enough."""


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
    """Speak a text into a WAV file, to try a voice; device, auto and voice as in Convert. likeness: how like its recording is a clone, whose voice
    has the speaker encoder too (`converters.with_encoder`)?"""

    text: str
    out: str
    device: str
    auto: bool
    voice: Mapping[str, Any]
    language: str
    cache_dir: str
    speed: float = 1.0
    pauses: float = 1.0
    likeness: bool = False

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
            "settings": {"speed": self.speed, **({} if self.pauses == 1.0 else {"pauses": self.pauses})},
            **({"likeness": True} if self.likeness else {}),
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
