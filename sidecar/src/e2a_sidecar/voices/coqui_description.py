"""What of a coqui voice is not weights: rates, alphabet, cleaner, speakers, languages, scales. No torch, no TTS.

`voices.coqui` makes it of a loaded voice; it is kept beside what is exported of the voice (`voices.coqui_onnx`), so that
the other runtime speaks without loading any of that. Either way it comes from a stranger's files and is checked.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.espeak_data import is_voice_name
from e2a_sidecar.speaking.identity import VITS_REVISION, scale
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.coqui_text import Alphabet, CoquiFrontEnd, InProcessEspeak
from e2a_sidecar.voices.described import LONGEST_NAME, MOST_SPEAKERS, MOST_SYMBOLS, listed, table, text
from e2a_sidecar.voices.voice import Voice

_ESPEAK_NAMES: Final = {"en": "en-us", "zh-cn": "cmn"}  # as coqui's own wrapper maps them
_COUNTS: Final = ("rate_hz", "hop_length", "upsampling", "channels", "context", "symbols")
_SCALES: Final = ("noise_scale", "noise_w", "length_scale")
_TEXTS: Final = ("cleaner", "espeak_language")
_FLAGS: Final = ("add_blank", "marked", "stochastic", "speaker_vectors", "language_vectors")
_LISTS: Final = ("speakers", "languages")
_MOST_SYMBOLS: Final = 4 * MOST_SYMBOLS  # an alphabet's letters, phonemes, punctuation and marks


@dataclass(frozen=True, slots=True)
class Chosen:
    """A speaker or language by name (empty: the voice has no names), and its row in the voice's table of vectors, if any."""

    name: str
    row: int | None


@dataclass(frozen=True, slots=True)
class Description:
    """A coqui voice."""

    rate_hz: int
    hop_length: int
    """Samples a frame of the clock."""
    upsampling: int
    """Frames of the decoder for each frame of the clock."""
    channels: int
    context: int
    """Frames that the decoder sees on each side."""
    symbols: int
    """Size of the voice's embedding: every id is below it."""
    stochastic: bool
    """Durations take noise."""
    alphabet: Alphabet
    cleaner: str
    """coqui's name of what the text goes through first; empty: nothing."""
    add_blank: bool
    marked: bool
    """Ids begin and end with the alphabet's own marks."""
    espeak_language: str
    """As the voice's description says; empty: it is given letters. A multilingual voice's language decides instead."""
    speakers: tuple[str, ...]
    speaker_vectors: bool
    languages: tuple[str, ...]
    language_vectors: bool
    noise_scale: float
    noise_w: float
    length_scale: float
    """Of the voice at speed 1.0: greater is slower."""

    @classmethod
    def from_dict(cls, raw: Any, voice: str) -> Description:
        """Parse what `to_dict` gave; `voice` names it in errors. SidecarError `voice_broken` for what is none."""
        try:
            alphabet = raw["alphabet"]
            marks = {name: None if alphabet[name] is None else int(alphabet[name]) for name in ("blank", "begin", "end")}
            given: dict[str, Any] = {name: int(raw[name]) for name in _COUNTS}
            given |= {name: float(raw[name]) for name in _SCALES}
            given |= {name: bool(raw[name]) for name in _FLAGS}
            given |= {name: text(raw[name]) for name in _TEXTS}
            given |= {name: tuple(map(text, listed(raw[name], MOST_SPEAKERS))) for name in _LISTS}
            ids = {text(symbol): int(number) for symbol, number in table(alphabet["ids"], _MOST_SYMBOLS).items()}
            found = cls(**given, alphabet=Alphabet(ids, **marks))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise SidecarError("voice_broken", f"description: {error!r}"[:500], voice=voice, reason="its description lacks what a coqui voice needs") from None
        return found.checked(voice)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def checked(self, voice: str) -> Description:
        """The same; SidecarError `voice_broken` for numbers that would only fail later, in the middle of a book."""
        marks = [mark for mark in (self.alphabet.blank, self.alphabet.begin, self.alphabet.end) if mark is not None]
        scales = (self.noise_scale, self.noise_w, self.length_scale)
        names = (*self.speakers, *self.languages, *self.alphabet.ids, self.cleaner)
        spoken = (*(self.languages if self.language_vectors else ()), self.espeak_language) if self.espeak_language else ()
        reasons = {
            "its sample rate is not one of speech": 4000 <= self.rate_hz <= 192_000,
            "its hop length is none": 1 <= self.hop_length <= 65_536 and 1 <= self.upsampling <= 16,
            "its network has no size": 1 <= self.channels <= 65_536 and 0 <= self.context <= 65_536,
            "its alphabet points beyond its symbols": all(0 <= i < self.symbols for i in (*self.alphabet.ids.values(), *marks)),
            "its alphabet lacks the marks that it is to be given": not self.add_blank or self.alphabet.blank is not None,
            "its alphabet lacks the marks of begin and end": not self.marked or None not in (self.alphabet.begin, self.alphabet.end),
            "its names are none": max(len(self.speakers), len(self.languages)) <= MOST_SPEAKERS and all(len(name) <= LONGEST_NAME for name in names),
            "its languages are none of espeak's": all(is_voice_name(espeak_name(language)) for language in spoken),
            "its scales are none": all(map(math.isfinite, scales)) and 0.05 <= self.length_scale <= 20 and all(0 <= s <= 10 for s in scales[:2]),
            "it names no speaker and needs one": bool(self.speakers) or not self.speaker_vectors,
            "it names no language and needs one": bool(self.languages) or not self.language_vectors,
        }
        for reason, good in reasons.items():
            if not good:
                raise SidecarError("voice_broken", "description", voice=voice, reason=reason)
        return self

    def speaker(self, voice: Voice) -> Chosen:
        """The voice's speaker, the first where none is asked for; SidecarError `voice_unsupported` for one whom it does not have."""
        if not self.speaker_vectors:
            if voice.speaker:
                raise SidecarError("voice_unsupported", "", voice=voice.id, reason=f"it has no speaker {voice.speaker!r}")
            return Chosen("", None)
        name = voice.speaker or self.speakers[0]
        if name not in self.speakers:
            raise SidecarError("voice_unsupported", "", voice=voice.id, reason=f"it has no speaker {voice.speaker!r}")
        return Chosen(name, self.speakers.index(name))

    def language(self, asked: str, voice: Voice) -> Chosen:
        """The nearest of a multilingual voice's languages to `asked` (BCP 47); another voice's only one without a row."""
        if not self.language_vectors:
            return Chosen(self.languages[0] if len(self.languages) == 1 else "", None)
        rows = {name.lower(): row for row, name in enumerate(self.languages)}
        wanted = asked.replace("_", "-").lower()
        near = [name for name in rows if name.split("-")[0] == wanted.split("-")[0]]
        found = wanted if wanted in rows else near[0] if near else next(iter(rows)) if len(rows) == 1 else ""
        if not found:
            raise SidecarError("voice_unsupported", asked, voice=voice.id, reason=f"it does not speak {asked or 'a language that is not told'}")
        return Chosen(self.languages[rows[found]], rows[found])

    def front_end(self, language: Chosen, voice: str) -> CoquiFrontEnd:
        """Opens espeak, and TTS where the cleaner is one of coqui's own (`coqui_text.cleaner`)."""
        espeak = self._espeak(language)
        phonemizer = InProcessEspeak(espeak, voice) if espeak else None
        return CoquiFrontEnd(self.alphabet, self.cleaner, phonemizer, self.add_blank, self.marked, language.name, voice)

    def scales(self, settings: SpeechSettings) -> tuple[float, float, float]:
        """(noise scale, duration noise scale, length scale), the settings applied."""
        length = round(self.length_scale / settings.speed, 6)
        return scale(settings.noise_scale, self.noise_scale), scale(settings.noise_w, self.noise_w), length

    def identity(self, voice: Voice, language: str, settings: SpeechSettings) -> dict[str, str | int | float]:
        """See speaking.engine.Engine; the same in both runtimes. Opens nothing; SidecarError as `speaker`, `language`."""
        chosen = self.language(language, voice)
        noise_scale, noise_w, length_scale = self.scales(settings)
        return {
            "engine": "vits",
            "engine_revision": VITS_REVISION,
            "front_end": CoquiFrontEnd.name_of(bool(self.espeak_language)),
            "front_end_version": CoquiFrontEnd.version_of(self.cleaner, voice.id),
            "voice": voice.content_hash(),
            "speaker": self.speaker(voice).name,
            "language": chosen.name or self.espeak_language,
            "noise_scale": noise_scale,
            "noise_w": noise_w,
            "length_scale": length_scale,
            "precision": settings.precision,
        }

    def _espeak(self, language: Chosen) -> str:
        return espeak_name(language.name) if self.espeak_language and language.row is not None else self.espeak_language


def espeak_name(language: str) -> str:
    """espeak's name of one of coqui's languages."""
    return _ESPEAK_NAMES.get(language.lower(), language.lower())
