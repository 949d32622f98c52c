"""espeak-ng's own speech, in this process, for languages that have no voice yet. Honest about its sound: it is a robot.

What the library spoke before is heard in the next line (phases go on, a line's length differs by 10 ms), so it is loaded
anew for every line, and the same text gives the same bytes.
Structures and numbers are those of espeak-ng's public header `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Samples, Take, Word
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.espeak_data import c_text, is_voice_name
from e2a_sidecar.speaking.espeak_library import BY_CHARACTER, UTF8, fresh
from e2a_sidecar.speaking.espeak_limits import origins, roomy
from e2a_sidecar.speaking.espeak_scripts import named
from e2a_sidecar.speaking.flags import unspoken_flags
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.words import word_places

FALLBACK: Final = "en-us"
_REVISION: Final = 4
_ALIASES: Final = {
    "en": "en-us",
    **{f"en-{country}": "en" for country in ("gb", "uk", "au", "nz", "ie", "za", "in")},  # espeak's plain `en` is the British one
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-yue": "yue",
    "no": "nb",
    "nn": "nb",
    "sh": "hr",
    "mo": "ro",
    "iw": "he",  # the old codes of Hebrew and Indonesian
    "in": "id",
}
_MUTE: Final = frozenset(("fo", "kaa", "xex"))
"""Languages of espeak's whose dictionaries did not come with it: it would say nothing."""
_WORDS_A_MINUTE: Final = 175  # espeak's normal rate
_SLOWEST, _FASTEST = 80, 450
_MOST_SUBTAGS: Final = 8  # of a language
_BATCH_S: Final = 20.0  # of speech: small for a stop, large for the clip store's commit

_RATE: Final = 1
_WORD_EVENT, _END_EVENT, _LIST_ENDS = 1, 5, 0


class _Event(ctypes.Structure):
    """espeak_EVENT; text_position counts characters from 1, audio_position milliseconds of the utterance."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """Engine `espeak`. See engine.Engine for the contract."""

    name = "espeak"
    device = "cpu"

    def __init__(self, language: str, settings: SpeechSettings) -> None:
        """language: BCP 47; one that espeak does not know is spoken by English rules, and every take flagged `other_language`."""
        with fresh() as (library, rate_hz):
            self.rate_hz = rate_hz
            self._voice, known = _voice_for(library, language)
        self._flags = () if known else ("other_language",)
        self._rate = min(_FASTEST, max(_SLOWEST, round(_WORDS_A_MINUTE * settings.speed)))
        self.versions: Mapping[str, str] = {"espeakng-loader": version("espeakng-loader")}
        self.identity: Mapping[str, str | int | float] = {
            "engine": "espeak",
            "engine_revision": _REVISION,
            "espeak": version("espeakng-loader"),
            "voice": self._voice,
            "words_a_minute": self._rate,
        }

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """In order; a batch is some twenty seconds of speech."""
        batch: list[Take] = []
        length = 0
        for line in lines:
            if stopped():
                raise Stopped
            batch.append(self._take(line, stopped))
            length += len(batch[-1].samples)
            if length > _BATCH_S * self.rate_hz:
                yield batch
                batch, length = [], 0
        if batch:
            yield batch

    def transfers(self) -> Transfers:
        """There is no device."""
        return Transfers()

    def close(self) -> None:
        """Nothing is held between lines."""

    def _take(self, line: Line, stopped: Callable[[], bool]) -> Take:
        utterance = _Utterance(stopped)
        written = c_text(line.text, pictures=False)
        said = roomy(written)
        text = said.encode()
        with fresh() as (library, _):
            library.espeak_SetVoiceByName(self._voice.encode("ascii"))
            library.espeak_SetParameter(_RATE, self._rate, 0)
            callback = _Callback(utterance.receive)
            library.espeak_SetSynthCallback(callback)
            status = library.espeak_Synth(text, len(text) + 1, 0, BY_CHARACTER, 0, UTF8, None, None)
        if utterance.aborted:
            raise Stopped
        if status != 0:
            raise SidecarError("speech_failed", f"line {line.index}: espeak_Synth {status}", reason="espeak")
        samples = utterance.samples()
        back = origins(written, said)
        words = _words(line.text, [(back[min(at, len(said))], at_s) for at, at_s in utterance.events], samples, self.rate_hz)
        if not words:
            return Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, ("unpronounceable", *self._flags))
        return Take(line.index, samples, words, line.take, (*unspoken_flags(named(line.text, self._voice)), *self._flags))


class _Utterance:
    """What the library hands over while it speaks one line."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self.events: list[tuple[int, float]] = []
        """(offset in the text, seconds) of each word as espeak counts words."""
        self.aborted = False
        self._stopped = stopped
        self._pieces: list[bytes] = []

    def receive(self, wave: Any, count: int, events: Any) -> int:
        """espeak's callback: 0 goes on, 1 stops."""
        if wave and count > 0:
            self._pieces.append(ctypes.string_at(wave, 2 * count))
        i = 0
        while events[i].type != _LIST_ENDS:
            if events[i].type == _WORD_EVENT:
                self.events.append((events[i].text_position - 1, events[i].audio_position / 1000))
            i += 1
        self.aborted = self.aborted or self._stopped()
        return int(self.aborted)

    def samples(self) -> Samples:
        return np.frombuffer(b"".join(self._pieces), dtype=np.int16)


def _words(text: str, events: list[tuple[int, float]], samples: Samples, rate_hz: int) -> tuple[Word, ...]:
    """A word begins with its first event and ends where the next one begins, the last where the sound does."""
    sounding = np.flatnonzero(np.abs(samples.astype(np.int32)) > 100)
    end_s = (int(sounding[-1]) + 1) / rate_hz if len(sounding) else 0.0
    places = word_places(text)
    starts: list[tuple[int, float]] = []
    number = 0
    for offset, at_s in events:
        while number < len(places) and places[number][1] <= offset:
            number += 1
        if number < len(places) and places[number][0] <= offset and (not starts or starts[-1][0] != number):
            starts.append((number, min(at_s, end_s)))
    ends = [at_s for _, at_s in starts[1:]] + [end_s]
    return tuple(Word(at_s, max(at_s, until_s), *places[number]) for (number, at_s), until_s in zip(starts, ends, strict=False))


def _voice_for(library: ctypes.CDLL, language: str) -> tuple[str, bool]:
    """(espeak's voice, whether it is of that language): the tag, then without its last part, then what stands for it."""
    parts = language.lower().replace("_", "-").split("-", _MOST_SUBTAGS)[:_MOST_SUBTAGS]
    tags = ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]
    for tag in tags:
        for name in (_ALIASES.get(tag, tag), tag):
            if name not in _MUTE and is_voice_name(name) and library.espeak_SetVoiceByName(name.encode("ascii")) == 0:
                return name, True
    return FALLBACK, not language
