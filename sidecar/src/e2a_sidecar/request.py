"""What the plugin may ask for: the wire's messages parsed at the edge into frozen records (docs/architecture.md).

Unknown fields are ignored; what is missing, of another kind or out of range is SidecarError `bad_request`. Knows nothing
of lines and bytes (`protocol`) and serves nothing (`serve`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Warn
from e2a_sidecar.speaking.settings import FLOAT32, PRECISIONS
from e2a_sidecar.voices.voice import SPEAKER_ENCODER, Voice, usable_path


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose for the sound and the file. speed 1.0 is the voice's own; pauses: times the usual ones; bitrate in bit/s.

    precision: one of `speaking.settings.PRECISIONS`."""

    speed: float = 1.0
    pauses: float = 1.0
    bitrate: int = 64_000
    noise_scale: float | None = None
    noise_w: float | None = None
    precision: str = FLOAT32

    @property
    def pausing(self) -> float:
        """How long pauses are, times the usual: who speaks faster pauses shorter."""
        return self.pauses / self.speed

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Settings:
        """Parse; SidecarError `bad_request` for what is out of range."""
        try:
            found = cls(
                speed=float(raw.get("speed", 1.0)),
                pauses=float(raw.get("pauses", 1.0)),
                bitrate=int(raw.get("bitrate", 64_000)),
                noise_scale=None if raw.get("noise_scale") is None else float(raw["noise_scale"]),
                noise_w=None if raw.get("noise_w") is None else float(raw["noise_w"]),
                precision=str(raw.get("precision", FLOAT32)),
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise SidecarError("bad_request", f"settings: {error}") from None
        scales = [s for s in (found.noise_scale, found.noise_w) if s is not None]
        if not (0.25 <= found.speed <= 4.0 and 0.5 <= found.pauses <= 2.0 and 16_000 <= found.bitrate <= 320_000 and all(0 <= s <= 2 for s in scales)):
            raise SidecarError("bad_request", f"settings out of range: {found}")
        if found.precision not in PRECISIONS:
            raise SidecarError("bad_request", f"precision {found.precision[:40]!r}")
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
    cache_bytes: int | None = None
    """Of clips in all, beyond which those that were not used for the longest time go; None: the usual limit."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Say which devices can be used; with a voice, how fast each speaks it. language: the book's, for voices that speak many."""

    id: int
    voice: Voice | None = None
    language: str = ""
    cache_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Say what a book holds, without speaking. existing: an audiobook that stands at the book already.

    voice, settings, cache_dir: with a voice, say too what there is of the book as it would be spoken. own: our audiobook, where it stands elsewhere.
    """

    id: int
    bundle: Path
    existing: Path | None = None
    own: Path | None = None
    voice: Voice | None = None
    settings: Settings = Settings()
    cache_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text into the WAV file `out`, to try a voice. language: the book's; device, auto and voice as in Convert.

    likeness: of a clone, which has the speaker encoder's files too: how like its recording is it?
    """

    id: int
    text: str
    out: Path
    device: str
    voice: Voice
    cache_dir: Path
    language: str = ""
    settings: Settings = Settings()
    auto: bool = False
    likeness: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of an audiobook as the WAV file `out`; seconds from the book's start."""

    id: int
    path: Path
    start_s: float
    end_s: float
    out: Path


@dataclass(frozen=True, slots=True)
class Sample:
    """Is a recording good for a cloned voice? start_s, end_s: the stretch of it; both None: the best one is found.

    out: where the cleaned stretch is written (FLAC); before, after: to hear it (WAV).
    """

    id: int
    path: Path
    start_s: float | None = None
    end_s: float | None = None
    out: Path | None = None
    before: Path | None = None
    after: Path | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the request with this id."""

    id: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the process."""


Served = Convert | Probe | Look | Say | Excerpt | Sample
"""What the worker serves, one at a time."""
Request = Served | Cancel | Shutdown


def read(raw: Mapping[str, Any]) -> Request:
    """The request of one message; SidecarError `bad_request` for anything that protocol 1 does not know."""
    kind, number = raw.get("type"), raw.get("id")
    if kind == "shutdown":
        return Shutdown()
    if not isinstance(number, int) or isinstance(number, bool):
        raise SidecarError("bad_request", "no id")
    if kind == "cancel":
        return Cancel(number)
    readers: dict[object, Callable[[Mapping[str, Any], int], Served]] = {
        "convert": _convert,
        "probe": _probe,
        "look": _look,
        "say": _say,
        "excerpt": _excerpt,
        "sample": _sample,
    }
    reader = readers.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise SidecarError("bad_request", f"type {str(kind)[:40]!r}")
    return reader(raw, number)


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


def _warnings(raw: object) -> tuple[Warn, ...]:
    if not isinstance(raw, list) or not all(isinstance(w, dict) and isinstance(w.get("params") or {}, dict) for w in raw):
        raise SidecarError("bad_request", "warnings is no list of objects")
    return tuple(Warn(str(w.get("code", "")), dict(w.get("params") or {})) for w in raw)


def _convert(raw: Mapping[str, Any], number: int) -> Convert:
    return Convert(
        id=number,
        bundle=_needed(raw, "bundle"),
        out=_needed(raw, "out"),
        cache_dir=_needed(raw, "cache_dir"),
        device=str(raw.get("device") or ""),
        voice=_voice(raw),
        settings=_settings(raw),
        existing=_path(raw, "existing"),
        replace=raw.get("replace") is True,
        report=_path(raw, "report"),
        warnings=_warnings(raw.get("warnings") or []),
        auto=raw.get("auto") is True,
        cache_bytes=_bytes(raw.get("cache_bytes")),
    )


def _bytes(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise SidecarError("bad_request", f"cache_bytes {str(value)[:40]!r}")


def _probe(raw: Mapping[str, Any], number: int) -> Probe:
    if raw.get("voice") is None:
        return Probe(number)
    return Probe(number, _voice(raw), str(raw.get("language") or ""), _needed(raw, "cache_dir"))


def _look(raw: Mapping[str, Any], number: int) -> Look:
    book = Look(number, _needed(raw, "bundle"), _path(raw, "existing"), _path(raw, "own"))
    return book if raw.get("voice") is None else replace(book, voice=_voice(raw), settings=_settings(raw), cache_dir=_needed(raw, "cache_dir"))


def _say(raw: Mapping[str, Any], number: int) -> Say:
    text = raw.get("text")
    if not isinstance(text, str):
        raise SidecarError("bad_request", "text is no text")
    voice, likeness = _voice(raw), raw.get("likeness") is True
    if likeness and (voice.clone is None or not dict(voice.clone.files).keys() >= {*SPEAKER_ENCODER}):
        raise SidecarError("bad_request", "likeness of what is no clone, or without a speaker encoder")
    return Say(
        id=number,
        text=text,
        out=_needed(raw, "out"),
        device=str(raw.get("device") or ""),
        voice=voice,
        cache_dir=_needed(raw, "cache_dir"),
        language=str(raw.get("language") or ""),
        settings=_settings(raw),
        auto=raw.get("auto") is True,
        likeness=likeness,
    )


def _excerpt(raw: Mapping[str, Any], number: int) -> Excerpt:
    start_s, end_s = _times(raw)
    return Excerpt(number, _needed(raw, "path"), start_s, end_s, _needed(raw, "out"))


def _sample(raw: Mapping[str, Any], number: int) -> Sample:
    found = Sample(number, _needed(raw, "path"), out=_path(raw, "out"), before=_path(raw, "before"), after=_path(raw, "after"))
    if raw.get("start_s") is None and raw.get("end_s") is None:
        return found
    start_s, end_s = _times(raw)
    return replace(found, start_s=start_s, end_s=end_s)


def _times(raw: Mapping[str, Any]) -> tuple[float, float]:
    """From start_s to end_s."""
    try:
        start_s, end_s = float(raw["start_s"]), float(raw["end_s"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SidecarError("bad_request", f"times: {error!r}") from None
    if not 0 <= start_s < end_s < float("inf"):
        raise SidecarError("bad_request", f"from {start_s} to {end_s} s")
    return start_s, end_s


def _voice(raw: Mapping[str, Any]) -> Voice:
    voice = raw.get("voice")
    if not isinstance(voice, dict):
        raise SidecarError("bad_request", "voice is no object")
    return Voice.from_dict(voice)


def _settings(raw: Mapping[str, Any]) -> Settings:
    settings = raw.get("settings") or {}
    if not isinstance(settings, dict):
        raise SidecarError("bad_request", "settings is no object")
    return Settings.from_dict(settings)
