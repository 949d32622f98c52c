"""How long a book will be as an audiobook, how large, and when it will be ready: honest guesses from what is known before a word is spoken.

Measured on real conversions with the usual pauses (characters of the spoken text for a second of speech, without pauses and `ENDS_S`):
19.7 to 20.2 in three books by en_US-joe-medium, 17.0 to 17.4 in three by heart, one of verse, an Arabic book 12.2, Sun Tzu in Chinese 4.6; all with
0.48 to 0.59 seconds of pause for a sentence. Other languages are taken to be as English, until a voice has spoken a book (`Manner`). Knows nothing
of Calibre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..languages import base_language
from ..wording import N_, percents, translate
from . import file_size
from .catalogue import DEFAULT_ENGLISH, ESPEAK, KOKORO, STUDENT

CHARACTERS_A_SECOND: Final = 19.6
OF_LANGUAGE: Final[Mapping[str, float]] = {"ar": 12.2, "zh": 4.6}
OF_KIND: Final[Mapping[str, float]] = {STUDENT: 17.2, KOKORO: 17.2}
"""Of English, in which they speak; of Kokoro itself taken to be as of its student."""
OF_VOICE: Final[Mapping[str, float]] = {DEFAULT_ENGLISH: 20.0}
ENDS_S: Final = 0.5
"""Of speech, what a sentence takes besides its characters, since its last words are drawn out: without it, what a book of verse has taught of a voice would
make the next novel a seventh too long."""
ESPEAK_SHARE: Final = 0.92
"""Of those characters a second, what eSpeak speaks, which draws no last words out: 18.0 in A Christmas Carol, 18.2 in The Yellow Wallpaper (18.1 at 0.8),
17.8 at 0.8 in a book of verse, 17.3 in Pinocchio."""
PAUSE_S: Final = 0.53
"""For a sentence, with those between paragraphs and chapters."""
ENCODER_XRT: Final = 400.0
ESPEAK_XRT: Final = 75.0
"""At least, also on a busy computer: it needs no measuring."""
STUDENT_XRT: Final = 30.0
"""At least, of a student of Kokoro on two cores, until one was heard here: 70 to 97 were measured, the half of it on one core."""
KOKORO_XRT: Final = 1.5
"""Of Kokoro itself, for each core up to four, until one was heard here: 2.8 were measured on two, of its model in eight bits."""
COSTS: Final[Mapping[str, float]] = {STUDENT: 4.0, KOKORO: 0.13, "coqui": 0.13, "high": 0.13, "medium": 1.0, "low": 1.0, "x_low": 1.0}
"""How many times as fast as a Piper voice of medium quality the processor speaks others, by kind or quality (docs/performance.md: Heart 92 and Joe 21 times
real time, 51 and 15 on a busy machine; the stock shape of high quality and of coqui's voices 3.0 where Joe has 23). The simple ones are faster than that one,
nobody has measured by how much."""
A_CORE: Final = (3.5, 16.0)
"""Times real time of a voice of medium quality where nothing was measured: at least, for each core up to four, and at most, up to eight. 10.5 on an idle
server, 2.5 beside seven other processes."""
BY_TORCH: Final = 0.62
"""Of a Piper voice's speed by onnxruntime, what is left by PyTorch on the processor: 9.4 of 15.2."""
WHOLE_FRAMES: Final = 0.28
"""Of a neural voice's speech, the share that no speed shortens: every sound lasts whole frames, one at least. en_US-joe-medium spoke 0.58, 0.77, 1.18,
1.43, 1.57 times as fast when told 0.5, 0.7, 1.3, 1.6, 2.0."""
STUDENT_FRAMES: Final = 0.10
"""The same of a student of Kokoro, where it is to speak faster than usual; slower it is as it is told: 0.5, 0.9, 1.1, 1.3, 1.5, 2.0 were heard as 0.50,
0.90, 1.09, 1.27, 1.43, 1.81."""
CLONED: Final[Mapping[str, float]] = {"freevc24": 0.12, "knnvc": 0.2, "openvoice_v2": 0.2, "d_vector": 1.0}
"""What is left of a voice's speed (times real time) when a converter follows, until a clone by it was measured: of a voice of medium quality on
a processor (`build.py bench --clone`). More is left of a slower voice; a graphics card was not measured."""
CLONED_WITHIN: Final = (0.75, 1.3)
"""Of that speed, since it is no more than a guess."""
CHARACTERS: Final = "characters besides ends"
"""Under which a voice's characters a second are kept; its overheads are under their bitrates."""
SOON_S: Final = 300.0
"""What takes no longer than this, at most, is made before anything could be known better."""
START_S: Final = 10.0
"""Taking the text out, loading the voice, checking the file."""


@dataclass(frozen=True)
class Text:
    """What is to be spoken. language: a BCP 47 tag, may be empty."""

    characters: int
    sentences: int
    language: str = ""


@dataclass(frozen=True)
class Rate:
    """How many times as fast as one listens a voice is spoken: between these two, which are the same where it was measured or is known about."""

    low: float
    high: float

    @classmethod
    def about(cls, xrt: float) -> Rate:
        """One number."""
        return cls(xrt, xrt)

    def times(self, low: float, high: float | None = None) -> Rate:
        """So many times as fast. high: of the upper end, if it is another."""
        return Rate(self.low * low, self.high * (low if high is None else high))


@dataclass(frozen=True)
class Manner:
    """How a voice speaks, from what it has spoken. kind: its own. characters_s: characters of text a second at its own speed, without pauses and ends;
    overhead: of the file over the bits that were asked for. None: as others do."""

    kind: str = ""
    characters_s: float | None = None
    overhead: float | None = None


@dataclass(frozen=True)
class Estimate:
    """audio_s: length. size_bytes: of the file. ready_s: until it stands; None where nobody knows. most_s: at most, where that is another figure.
    kept: the share that was spoken before."""

    audio_s: float
    size_bytes: float
    ready_s: float | None
    kept: float = 0.0
    most_s: float | None = None


def manner(voice: str, kind: str, learned: Mapping[str, float], bitrate: int) -> Manner:
    """voice: its id. learned: `speeds.manner`."""
    return Manner(kind, learned.get(CHARACTERS) or OF_VOICE.get(voice) or OF_KIND.get(kind), learned.get(f"{bitrate}"))


def characters_s(text: Text, audio_s: float, speed: float, pauses: float, kind: str) -> float:
    """What `Manner` has, from a finished audiobook; 0 where that says nothing. The rest as for `estimate`."""
    speech_s = (audio_s - text.sentences * PAUSE_S * pauses / speed) * in_frames(speed, kind)
    ends_s = text.sentences * ENDS_S
    return text.characters / (speech_s - (0.0 if kind == ESPEAK else ends_s)) if speech_s > 2 * ends_s else 0.0


def cost(kind: str, quality: str) -> float | None:
    """How many times as fast as one of medium quality the processor speaks such a voice; None where nobody has measured its like."""
    return COSTS.get(quality) if kind == "piper" else COSTS.get(kind)


def guessed(kind: str, quality: str, by_torch: bool, measured: Mapping[str, float], cores: int) -> Rate | None:
    """How fast the processor will speak a voice that nobody has measured here; None where nothing can be said. measured: by device, what a voice of medium
    quality reaches."""
    share = cost(kind, quality)
    if share is None:
        return None
    here, other, factor = ("cpu-torch", "cpu", BY_TORCH) if by_torch else ("cpu", "cpu-torch", 1.0 / BY_TORCH)
    known = measured.get(here) or (measured[other] * factor if measured.get(other) else None)
    if known:
        return Rate.about(known * share)
    return Rate(A_CORE[0] * min(cores, 4), A_CORE[1] * min(cores, 8)).times(share * (BY_TORCH if by_torch else 1.0))


def cloned(base: Rate | None, converter: str) -> Rate | None:
    """How fast a clone will be spoken by a device that speaks its base voice so fast; None where that is not known."""
    return None if base is None else base.times(CLONED[converter] * CLONED_WITHIN[0], CLONED[converter] * CLONED_WITHIN[1])


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


def estimate(
    text: Text,
    speed: float = 1.0,
    pauses: float = 1.0,
    bitrate: int = 64_000,
    rate: Rate | None = None,
    spoken: int = 0,
    voice: Manner = Manner(),
) -> Estimate:
    """Of one book. speed, pauses: times the usual; who speaks faster pauses shorter. bitrate: bit/s. rate: of the device. spoken: characters, before."""
    usual = OF_LANGUAGE.get(base_language(text.language), CHARACTERS_A_SECOND) * (ESPEAK_SHARE if voice.kind == ESPEAK else 1.0)
    ends_s = 0.0 if voice.kind == ESPEAK else text.sentences * ENDS_S
    own_s = text.characters / (voice.characters_s or usual) + ends_s
    speech_s = own_s / in_frames(speed, voice.kind)
    audio_s = speech_s + text.sentences * PAUSE_S * pauses / speed
    kept = min(1.0, spoken / text.characters) if text.characters else 0.0
    left_s, around_s = speech_s * (1.0 - kept), START_S + audio_s / ENCODER_XRT
    size_bytes = audio_s * bitrate / 8 * voice.overhead if voice.overhead else file_size.size_bytes(speech_s, audio_s, voice.kind, bitrate)
    if not left_s:
        return Estimate(audio_s, size_bytes, around_s, kept)
    if rate is None:
        return Estimate(audio_s, size_bytes, None, kept)
    most_s = None if rate.low == rate.high else around_s + left_s / rate.low
    return Estimate(audio_s, size_bytes, around_s + left_s / rate.high, kept, most_s)


def total(parts: list[Estimate]) -> Estimate:
    """Of several books, one after another."""
    known = [(part.ready_s, part.most_s or part.ready_s) for part in parts if part.ready_s is not None]
    least_s, most_s = sum(least for least, _most in known), sum(most for _least, most in known)
    audio_s = sum(part.audio_s for part in parts)
    kept = sum(part.kept * part.audio_s for part in parts) / audio_s if audio_s else 0.0
    all_known = len(known) == len(parts)
    size_bytes = sum(part.size_bytes for part in parts)
    return Estimate(audio_s, size_bytes, least_s if all_known else None, kept, most_s if all_known and most_s > least_s else None)


LOOKING: Final = N_("{estimate} Looking whether some of it was spoken before…")


def when(guess: Estimate) -> str:
    """`about 25 min`, `10 min to 1 h`; only where something is known."""
    least, most = length(guess.ready_s or 0), length(guess.most_s or guess.ready_s or 0)
    if least == most:
        return translate(N_("about {time}")).format(time=least)
    return translate(N_("{least} to {most}")).format(least=least, most=most)


def sentence(guess: Estimate) -> str:
    """`About 5 h 40 min of audio, 160 MB, ready in about 25 min.`"""
    known = {"length": length(guess.audio_s), "size": size(guess.size_bytes), "percent": percents(guess.kept)}
    if guess.kept == 1.0:
        text = translate(N_("About {length} of audio, {size}. All of it was spoken before; only the file is still to be made: ready in {time}."))
        return text.format(**known, time=when(guess))
    if guess.kept >= 0.01 and guess.ready_s is None:
        text = translate(N_("About {length} of audio, {size}. {percent} % of it was spoken before; how long the rest takes is known after the first minutes."))
        return text.format(**known)
    if guess.ready_s is None:
        return translate(N_("About {length} of audio, {size}. How long it takes is known after the first minutes.")).format(**known)
    text = translate(N_("About {length} of audio, {size}, ready in {time}."))
    if guess.kept >= 0.01:
        text = translate(N_("About {length} of audio, {size}. {percent} % of it was spoken before; {time} for the rest."))
    text = text.format(**known, time=when(guess))
    return text if (guess.most_s or 0.0) <= SOON_S else translate(N_("{estimate} After the first minutes that is known better.")).format(estimate=text)


def length(seconds: float) -> str:
    """A length that is a guess: `5 h 40 min`, `25 min`, `40 s`, `5 s` for anything shorter."""
    fives = max(1, round(seconds / 5))
    if fives < 60 // 5:
        return translate(N_("{seconds} s")).format(seconds=5 * fives)
    minutes = round(seconds / 60)
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
