"""How long a book will be as an audiobook, how large, and when it will be ready: honest guesses from what is known before a word is spoken.

Measured on real conversions with the usual pauses (characters of the spoken text for a second of speech, without pauses):
A Christmas Carol 18.0 and Pinocchio 17.5 by espeak, Flatland 18.4 by en_US-joe-medium, an Arabic book 11.6,
Sun Tzu in Chinese 4.2; all with 0.48 to 0.59 seconds of pause for a sentence. Other languages are taken to be as the first
three. Knows nothing of Calibre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..languages import base_language
from ..wording import N_, translate
from .catalogue import ESPEAK, STUDENT

CHARACTERS_A_SECOND: Final = 18.0
OF_LANGUAGE: Final[Mapping[str, float]] = {"ar": 11.6, "zh": 4.2}
PAUSE_S: Final = 0.53
"""For a sentence, with those between paragraphs and chapters."""
OVERHEAD: Final = 1.03
"""Of the file over its sound: chapters, tags, cover; AAC's encoder a little over what was asked for."""
ESPEAK_OVERHEAD: Final = 1.12
"""With eSpeak's sound the encoder is further over it: 32 MB an hour were written where 28.8 were asked for."""
ENCODER_XRT: Final = 400.0
ESPEAK_XRT: Final = 75.0
"""At least, also on a busy computer: it needs no measuring."""
STUDENT_XRT: Final = 30.0
"""At least, of a student of Kokoro on two cores, until one was heard here: 70 to 97 were measured, the half of it on one core."""
KOKORO_XRT: Final = 1.5
"""Of Kokoro itself, for each core up to four, until one was heard here: 2.8 were measured on two, of its model in eight bits."""
WHOLE_FRAMES: Final = 0.28
"""Of a neural voice's speech, the share that no speed shortens: every sound lasts whole frames, one at least. en_US-joe-medium spoke 0.58, 0.77, 1.18,
1.43, 1.57 times as fast when told 0.5, 0.7, 1.3, 1.6, 2.0."""
STUDENT_FRAMES: Final = 0.10
"""The same of a student of Kokoro, where it is to speak faster than usual; slower it is as it is told: 0.5, 0.9, 1.1, 1.3, 1.5, 2.0 were heard as 0.50,
0.90, 1.09, 1.27, 1.43, 1.81."""
CLONED: Final[Mapping[str, float]] = {"freevc24": 0.12, "knnvc": 0.2, "openvoice_v2": 0.2, "d_vector": 1.0}
"""What is left of a voice's speed (times real time) when a converter follows, until the clone itself was measured: of a voice of medium quality on
a processor (`build.py bench --clone`). More is left of a slower voice; a graphics card was not measured."""
START_S: Final = 10.0
"""Taking the text out, loading the voice, checking the file."""


@dataclass(frozen=True)
class Text:
    """What is to be spoken. language: a BCP 47 tag, may be empty."""

    characters: int
    sentences: int
    language: str = ""


@dataclass(frozen=True)
class Estimate:
    """audio_s: length. size_bytes: of the file. ready_s: until it stands; None where nobody has measured the device. kept: the share that was spoken before."""

    audio_s: float
    size_bytes: float
    ready_s: float | None
    kept: float = 0.0


def cloned(xrt: float | None, converter: str) -> float | None:
    """How fast a clone will be spoken by a device that speaks its base voice so fast (times real time); None where that is not known."""
    return None if xrt is None else xrt * CLONED[converter]


def student_xrt(cores: int) -> float:
    """How fast a student of Kokoro speaks at least."""
    return STUDENT_XRT if cores > 1 else STUDENT_XRT / 2


def kokoro_xrt(cores: int) -> float:
    """How fast Kokoro itself speaks, about."""
    return KOKORO_XRT * min(cores, 4)


def in_frames(speed: float, kind: str = "") -> float:
    """How much faster a voice truly speaks when it is told to. kind: its own."""
    whole = {ESPEAK: 0.0, STUDENT: STUDENT_FRAMES if speed > 1.0 else 0.0}.get(kind, WHOLE_FRAMES)
    return 1.0 / ((1.0 - whole) / speed + whole)


def estimate(text: Text, speed: float = 1.0, pauses: float = 1.0, bitrate: int = 64_000, xrt: float | None = None, spoken: int = 0, kind: str = "") -> Estimate:
    """Of one book. speed, pauses: times the usual; who speaks faster pauses shorter. bitrate: bit/s. xrt: seconds of speech that the device makes in one.

    spoken: characters, before. kind: the voice's."""
    speech_s = text.characters / OF_LANGUAGE.get(base_language(text.language), CHARACTERS_A_SECOND) / in_frames(speed, kind)
    audio_s = speech_s + text.sentences * PAUSE_S * pauses / speed
    kept = min(1.0, spoken / text.characters) if text.characters else 0.0
    left_s = speech_s * (1.0 - kept)
    ready_s = START_S + (left_s / xrt if xrt else 0.0) + audio_s / ENCODER_XRT if xrt or not left_s else None
    size_bytes = audio_s * bitrate / 8 * (ESPEAK_OVERHEAD if kind == ESPEAK else OVERHEAD)
    return Estimate(audio_s, size_bytes, ready_s, kept)


def total(parts: list[Estimate]) -> Estimate:
    """Of several books, one after another."""
    known = [part.ready_s for part in parts if part.ready_s is not None]
    audio_s = sum(part.audio_s for part in parts)
    kept = sum(part.kept * part.audio_s for part in parts) / audio_s if audio_s else 0.0
    return Estimate(audio_s, sum(part.size_bytes for part in parts), sum(known) if len(known) == len(parts) else None, kept)


def sentence(guess: Estimate) -> str:
    """`About 5 h 40 min of audio, 160 MB, ready in about 25 min on this device.`"""
    known = {"length": length(guess.audio_s), "size": size(guess.size_bytes), "percent": int(100 * guess.kept)}
    if guess.kept == 1.0:
        text = translate(N_("About {length} of audio, {size}. All of it was spoken before: ready in about {time}."))
        return text.format(**known, time=length(guess.ready_s or 0))
    if guess.kept >= 0.01 and guess.ready_s is None:
        text = translate(N_("About {length} of audio, {size}. {percent} % of it was spoken before; how long the rest takes is known after the first minutes."))
        return text.format(**known)
    if guess.ready_s is None:
        return translate(N_("About {length} of audio, {size}. How long it takes on this device is known after the first minutes.")).format(**known)
    if guess.kept >= 0.01:
        text = translate(N_("About {length} of audio, {size}. {percent} % of it was spoken before; about {time} for the rest on this device."))
        return text.format(**known, time=length(guess.ready_s))
    return translate(N_("About {length} of audio, {size}, ready in about {time} on this device.")).format(**known, time=length(guess.ready_s))


def length(seconds: float) -> str:
    """A length that is a guess: `5 h 40 min`, `25 min`, `1 min` for anything shorter."""
    minutes = max(1, round(seconds / 60))
    if minutes >= 60:
        minutes = round(minutes / 5) * 5
    hours, minutes = divmod(minutes, 60)
    if hours and minutes:
        return translate(N_("{hours} h {minutes} min")).format(hours=hours, minutes=minutes)
    if hours:
        return translate(N_("{hours} h")).format(hours=hours)
    return translate(N_("{minutes} min")).format(minutes=minutes)


def size(size_bytes: float) -> str:
    """`1 MB`, `45 MB`, `160 MB`, `1.3 GB`: no nearer than the guess is."""
    mb = size_bytes / 1e6
    if mb >= 995:
        return translate(N_("{size} GB")).format(size=f"{mb / 1000:.1f}")
    step = 1 if mb < 20 else 5 if mb < 100 else 10
    return translate(N_("{size} MB")).format(size=max(1, round(mb / step) * step))
