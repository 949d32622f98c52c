"""The test engine: a tone for every word, its pitch by the word, its length by the word's letters; three times as fast as speech. Needs nothing.

Its words' times are exact, its samples the same on every machine, so tests and the plugin's walking skeleton can be
checked against it without a voice.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from e2a_sidecar.errors import Stopped
from e2a_sidecar.model import Line, Samples, Take, Word
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.words import word_places

LETTER_S = 0.02
GAP_S = 0.02
_AMPLITUDE = 0.25
_BATCH = 16


class Tone:
    """Engine `tone`. See engine.Engine for the contract."""

    name = "tone"
    device = "cpu"
    rate_hz = 16000

    def __init__(self, settings: SpeechSettings) -> None:
        self.identity: Mapping[str, str | int | float] = {"engine": "tone", "engine_revision": 2, "speed": settings.speed}
        self.versions: Mapping[str, str] = {}
        self._speed = settings.speed

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """In order, some lines a batch."""
        batch: list[Take] = []
        for line in lines:
            if stopped():
                raise Stopped
            batch.append(self._take(line))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def transfers(self) -> Transfers:
        """There is no device."""
        return Transfers()

    def close(self) -> None:
        """Nothing is held."""

    def _take(self, line: Line) -> Take:
        sound: list[Samples] = []
        words: list[Word] = []
        at = 0
        for start, end in word_places(line.text):
            tone = self._tone(line.text[start:end])
            words.append(Word(at / self.rate_hz, (at + len(tone)) / self.rate_hz, start, end))
            gap = np.zeros(round(GAP_S / self._speed * self.rate_hz), dtype=np.int16)
            sound += [tone, gap]
            at += len(tone) + len(gap)
        if not words:
            return Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, ("unpronounceable",))
        return Take(line.index, np.concatenate(sound[:-1]), tuple(words), line.take)

    def _tone(self, word: str) -> Samples:
        pitch_hz = 150 + zlib.crc32(word.encode("utf-8", "replace")) % 450
        length = round(LETTER_S * (1 + len(word)) / self._speed * self.rate_hz)
        wave = np.sin(2 * np.pi * pitch_hz / self.rate_hz * np.arange(length))
        tone: Samples = np.rint(wave * np.hanning(length) ** 0.25 * _AMPLITUDE * 32767).astype(np.int16)
        return tone
