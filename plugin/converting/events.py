"""What a sidecar says, as records (docs/architecture.md, protocol 1); how its lines are read: `protocol`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import PluginError
from ..wording import N_, translate

Params = Mapping[str, "str | int | float"]
"""What a code's sentence names."""


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
    kept, characters: what earlier runs have spoken, and all of the book, counted as in `Looked`; 0 before that is known. spoken: with what this run has.
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
    kept: int = 0
    characters: int = 0
    spoken: int = 0


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
    """Places that will not be said for one reason (a code of `report_words.REASONS`): how many, and the beginnings of them, of very many of the first."""

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
    xrt: of all the work, times real time; xrt_speech: of speaking alone, None where nothing was spoken. likeness: 0..1, of what a clone spoke to its
    recording, likeness_of_halves: of the recording's two halves to each other; None where nobody asked."""

    duration_s: float = 0.0
    chapters: int = 0
    voice: str = ""
    engine: str = ""
    device: str = ""
    xrt: float | None = None
    host_copies_per_batch: int | None = None
    xrt_speech: float | None = None
    likeness: float | None = None
    likeness_of_halves: float | None = None


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
STANDS: Final = "shown"
"""The stage of a conversion whose file stands at its place."""
OUTCOMES: Final = ("written", "unchanged", "retagged", "probed", "looked", "said", "cut", "sampled")


def sampled(heard: Iterable[Told]) -> Sampled:
    """The answer among what was said; PluginError `protocol` where there is none."""
    for event in heard:
        if isinstance(event, Sampled):
            return event
    raise PluginError("protocol", "a recording was looked at, and nothing said")


def voice_words(report: Mapping[str, Any]) -> str:
    """Who spoke, by a report: a clone is named with the voice that it speaks over."""
    voice = str(report.get("voice_name") or report.get("voice") or "")
    clone = report.get("clone")
    if not isinstance(clone, Mapping):
        return voice
    name = str(clone.get("name") or clone.get("id") or "")
    return translate(N_("{name} (clone) over {base}")).format(name=name, base=str(report.get("voice") or "") if voice == name else voice)
