"""A few sentences of no book, spoken as a book's would be, into a WAV file: so that a voice can be heard before hours of it.

The same clean text, ladder of devices, takes and loudness as in a conversion, and the voice stays loaded for it. A clone may
be compared with its recording then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from e2a_sidecar.convert import Voices
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore, clip_key, gain_key
from e2a_sidecar.mastering.master import Master, limit_db, measure_voice
from e2a_sidecar.mastering.pauses import PAUSE_S
from e2a_sidecar.model import Line, Samples, Take, Warn
from e2a_sidecar.plan import speech_settings
from e2a_sidecar.progress import Progress
from e2a_sidecar.reading.language import normalise
from e2a_sidecar.reading.passage import Part, passage
from e2a_sidecar.request import Say
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.ladder import NOT_SPOKEN, Ladder
from e2a_sidecar.speaking.make import rungs
from e2a_sidecar.voices.voice import Clone
from e2a_sidecar.writing.aac import encoder_rate_hz
from e2a_sidecar.writing.wav import write_wav

MOST_CHARACTERS: Final = 1000
_EDGE_S: Final = 0.1
"""Silence at both ends: players cut the first moment off."""


class Saying:
    """One text, once: `run` it."""

    def __init__(self, request: Say, voices: Voices, progress: Callable[[Progress], None], warn: Callable[[Warn], None], stopped: Callable[[], bool]) -> None:
        self._request = request
        self._voices = voices
        self._progress = progress
        self._warn = warn
        self._stopped = stopped

    def run(self) -> dict[str, Any]:
        """The report. Raises SidecarError as a conversion does, `no_text` where nothing in the text can be said; Stopped."""
        request = self._request
        language = normalise(request.language) or request.language
        parts = passage(request.text, language, MOST_CHARACTERS)
        if not parts:
            raise SidecarError("no_text")
        self._tell("voice", 0, len(parts), "")
        voice = request.voice.verified()
        if self._stopped():
            raise Stopped
        clone = voice.clone
        speech = speech_settings(request.settings)
        alone = replace(voice, clone=None if clone is None else clone.alone())
        opened = self._voices.rungs(alone, language, speech, request.cache_dir)
        ladder = Ladder(rungs(voice, request.device), opened, self._warn, chosen=not request.auto)
        engine = ladder.engine()
        self._tell("speak", 0, len(parts), engine.device)
        began = time.monotonic()
        takes, speaker = self._spoken(ladder, engine, parts)
        speech_s, wall_s = sum(take.samples.size for take in takes) / engine.rate_hz, time.monotonic() - began
        if not speech_s:
            raise SidecarError("speech_failed", "no samples", reason="it can pronounce nothing of this text")
        duration_s = write_wav(request.out, self._mastered(engine, parts, takes), engine.rate_hz)
        likeness = {} if clone is None or not request.likeness else self._likeness(clone, takes, engine.rate_hz, speaker.device)
        return {
            "duration_s": round(duration_s, 3),
            "xrt_speech": round(speech_s / wall_s, 2),
            "device": speaker.device,
            "engine": speaker.name,
            "voice": voice.id,
            "voice_name": voice.heard_as,
            **likeness,
        }

    def _spoken(self, ladder: Ladder, engine: Engine, parts: list[Part]) -> tuple[list[Take], Engine]:
        """In order, and who spoke the first of them."""
        lines = [Line(n, part.spoken, clip_key(engine.identity, part.spoken)) for n, part in enumerate(parts)]
        takes: dict[int, Take] = {}
        speakers: dict[int, Engine] = {}

        def check(line: Line, take: Take) -> tuple[str, ...]:
            return check_take(take, line.text, engine.rate_hz, self._request.settings.speed)

        batches = ladder.speak(lines, check, self._stopped)
        try:
            for batch in batches:
                takes.update((take.index, take) for take in batch.takes)
                speakers.update((take.index, batch.engine) for take in batch.takes)
                self._tell("speak", len(takes), len(parts), ladder.device)
                if self._stopped():
                    raise Stopped
        finally:
            batches.close()
            ladder.rest()
        if all(not NOT_SPOKEN.isdisjoint(take.flags) for take in takes.values()):
            raise SidecarError("speech_failed", "none spoken", reason="it gives no sound")
        return [takes[n] for n in sorted(takes)], speakers[0]

    def _likeness(self, clone: Clone, takes: list[Take], rate_hz: int, device: str) -> dict[str, float]:
        """To its recording, beside that of the recording's halves to each other."""
        from e2a_sidecar.speaking.clone.likeness import likeness

        self._tell("check", len(takes), len(takes), device)
        found = likeness(clone, np.concatenate([take.samples for take in takes]), rate_hz, device, self._stopped)
        return {"likeness": round(found.clone, 3), "likeness_of_halves": round(found.halves, 3)}

    def _mastered(self, engine: Engine, parts: list[Part], takes: list[Take]) -> Iterator[Samples]:
        """As loud as in a book: by the voice's kept gain, else by that of this text; true peaks are limited in any case."""
        peak_db = limit_db(self._request.settings.bitrate, encoder_rate_hz(engine.rate_hz))
        store = ClipStore(self._request.cache_dir)
        try:
            kept = store.gain(gain_key(engine.identity, peak_db))
        finally:
            store.close()
        gain = kept or measure_voice((take.samples for take in takes), engine.rate_hz, peak_db)
        master = Master(engine.rate_hz, gain.gain_db, peak_db)
        edge = round(_EDGE_S * engine.rate_hz)
        for number, (part, take) in enumerate(zip(parts, takes, strict=True)):
            yield master.silence(round(PAUSE_S[part.before] * self._request.settings.pausing * engine.rate_hz) if number else edge)
            yield master.clip(take.samples)
        yield master.silence(edge)
        yield master.flush()

    def _tell(self, stage: str, done: int, of: int, device: str) -> None:
        self._progress(Progress(stage, round(done / of, 4), None, done, of, 0.0, device))
