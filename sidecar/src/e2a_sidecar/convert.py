"""The order of one conversion, and the only file of the sidecar that knows it whole.

    read the bundle -> look at what stands at the target -> pre-flight -> speak what the store lacks, encode along
    -> tag, read back, verify -> show -> report

Every stage is another module's; here stands who comes after whom, what is checked before hours of work (design rule 7)
and what is undone when it stops: the hidden file beside the target goes, clips stay.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from e2a_sidecar import __version__
from e2a_sidecar import report as reports
from e2a_sidecar.assembly import Assembled, Assembly, Ready
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore, clip_key
from e2a_sidecar.mastering.master import SOUND_VERSION, limit_db
from e2a_sidecar.mastering.pauses import TimeLine
from e2a_sidecar.model import Book, Clip, Line, Speaker, Spoken, Take, Warn
from e2a_sidecar.progress import Tracker
from e2a_sidecar.protocol import Convert
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.engine import Engine, Transfers
from e2a_sidecar.speaking.make import Description, describe
from e2a_sidecar.speaking.rounds import speak_checked
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice
from e2a_sidecar.writing.cover import read_cover
from e2a_sidecar.writing.m4b import M4bWriter, encoder_rate_hz, marks_in_file
from e2a_sidecar.writing.mark import Mark, Verdict, judge, make_mark
from e2a_sidecar.writing.nero import NERO_CHAPTERS
from e2a_sidecar.writing.tags import Tags, narrator_name, write_tags
from e2a_sidecar.writing.target import Target, check_space, estimated_bytes
from e2a_sidecar.writing.verify import encoder_check, retag, verify_m4b

log = logging.getLogger(__name__)

CHARACTERS_A_SECOND: Final = 14.0
"""Of speech, roughly: for estimates of time and space only."""
CLIP_BYTES_A_SECOND: Final = 24_000
"""FLAC in the store, at 22.05 kHz."""


class Engines(Protocol):
    """Whoever makes engines, and may keep one for the next book."""

    def get(self, voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> Engine: ...


@dataclass(frozen=True, slots=True)
class Result:
    """outcome: `written`, `retagged`, `unchanged`. summary: the report without its long lists."""

    outcome: str
    summary: dict[str, Any]


class Conversion:
    """One book, once: `run` it."""

    def __init__(self, request: Convert, engines: Engines, tracker: Tracker, warn: Callable[[Warn], None], stopped: Callable[[], bool]) -> None:
        self._request = request
        self._engines = engines
        self._tracker = tracker
        self._warn = warn
        self._stopped = stopped
        self._warnings: list[Warn] = []
        self._started = time.monotonic()
        self._spoken_now = reports.SpokenNow()
        self._transfers = Transfers()

    def run(self) -> Result:
        """Raises SidecarError, or Stopped; then nothing at the target has changed."""
        request = self._request
        for warning in request.warnings:
            self._note(warning)
        self._tracker.stage("read")
        book = read_book(request.bundle)
        for warning in book.warnings:
            self._note(warning)
        if not book.sentences:
            raise SidecarError("no_text")
        self._go_on()
        self._tracker.stage("check")
        voice = request.voice.verified()
        speech = SpeechSettings(request.settings.speed, request.settings.noise_scale, request.settings.noise_w)
        described = describe(voice, speech, lambda: self._engine(voice, book, speech))
        tags = self._tags(book, voice)
        mark = make_mark(self._shaping(described), book, tags)
        verdict, existing = self._existing(mark)
        keys = [clip_key(described.identity, s.spoken) for s in book.sentences]
        store = ClipStore(request.cache_dir)
        try:
            if verdict == "same":
                return self._unchanged(book, keys, store, described, existing)
            target = Target(request.out)
            try:
                if verdict == "tags":
                    return self._retagged(book, keys, store, described, existing, target, tags, mark)
                return self._written(book, keys, store, described, voice, speech, target, tags, mark)
            finally:
                target.drop()
        finally:
            store.close()

    def _engine(self, voice: Voice, book: Book, speech: SpeechSettings) -> Engine:
        return self._engines.get(voice, self._request.device, book.metadata.language, speech, self._request.cache_dir)

    def _note(self, warning: Warn) -> None:
        self._warnings.append(warning)
        self._warn(warning)

    def _go_on(self) -> None:
        if self._stopped():
            raise Stopped

    def _tags(self, book: Book, voice: Voice) -> Tags:
        cover = None
        if book.cover is not None:
            found = read_cover(book.cover)
            if isinstance(found, str):
                self._note(Warn("cover_left_out", {"reason": found}))
            else:
                cover = found
        return Tags(book.metadata, narrator_name(voice.name), f"Convert to Audiobook {__version__}", cover)

    def _shaping(self, described: Description) -> Mapping[str, str | int | float]:
        return {**described.identity, "rate_hz": described.rate_hz, "bitrate": self._request.settings.bitrate, "sound": SOUND_VERSION}

    def _existing(self, mark: Mark) -> tuple[Verdict, Path]:
        """What stands where the file is to go, compared with what it would be; a foreign one stops us here."""
        request = self._request
        existing = request.existing or request.out
        if existing != request.out:
            judge(request.out, mark, request.replace)
        return judge(existing, mark, request.replace), existing

    def _unchanged(self, book: Book, keys: list[str], store: ClipStore, described: Description, existing: Path) -> Result:
        laid = self._laid_out(book, keys, store, described)
        return self._report("unchanged", existing, book, keys, store, laid)

    def _retagged(
        self, book: Book, keys: list[str], store: ClipStore, described: Description, existing: Path, target: Target, tags: Tags, mark: Mark
    ) -> Result:
        self._tracker.stage("verify")
        check_space(target.path.parent, existing.stat().st_size)
        retag(existing, target.part, tags, mark)
        self._go_on()
        target.show()
        return self._report("retagged", self._request.out, book, keys, store, self._laid_out(book, keys, store, described))

    def _written(
        self, book: Book, keys: list[str], store: ClipStore, described: Description, voice: Voice, speech: SpeechSettings, target: Target, tags: Tags, mark: Mark
    ) -> Result:
        known = store.known(keys)
        lines = self._missing(book, keys, known)
        self._preflight(book, lines, described, target, tags)
        assembly = self._assembly(book, keys, store, known, described, target)
        assembly.start()
        try:
            if lines:
                self._speak(voice, speech, book, lines, store, assembly)
            laid = self._finish(assembly)
        except BaseException:
            assembly.ready.give_up()
            assembly.join(5.0)
            raise
        self._tracker.stage("verify")
        marks = marks_in_file(laid.marks, book.metadata.title)
        write_tags(target.part, tags, mark.to_json())
        verify_m4b(target.part, laid.duration_s, marks, tags.cover is not None)
        self._go_on()
        target.show()
        store.prune()
        return self._report("written", self._request.out, book, keys, store, laid)

    def _missing(self, book: Book, keys: list[str], known: set[str]) -> list[Line]:
        """What has to be spoken: each different sentence once, in the book's order."""
        lines: dict[str, Line] = {}
        for sentence, key in zip(book.sentences, keys, strict=True):
            if key not in known and key not in lines:
                lines[key] = Line(sentence.index, sentence.spoken, key)
        return list(lines.values())

    def _preflight(self, book: Book, lines: list[Line], described: Description, target: Target, tags: Tags) -> None:
        """Everything that can be known to fail is tried before hours of work."""
        audio_s = sum(len(s.spoken) for s in book.sentences) / CHARACTERS_A_SECOND + len(book.sentences)
        check_space(target.path.parent, estimated_bytes(audio_s, self._request.settings.bitrate))
        speech_s = sum(len(line.text) for line in lines) / CHARACTERS_A_SECOND
        check_space(self._request.cache_dir, int(speech_s * CLIP_BYTES_A_SECOND))
        encoder_check(target.part, described.rate_hz, self._request.settings.bitrate, tags)
        self._go_on()

    def _assembly(self, book: Book, keys: list[str], store: ClipStore, known: set[str], described: Description, target: Target) -> Assembly:
        bitrate, many = self._request.settings.bitrate, len(book.chapters) + 1 > NERO_CHAPTERS
        peak_db = limit_db(bitrate, encoder_rate_hz(described.rate_hz))
        return Assembly(
            book=book,
            keys=keys,
            store=store,
            ready=Ready(known, self._stopped),
            rate_hz=described.rate_hz,
            voice_key=clip_key({**described.identity, "sound": SOUND_VERSION, "peak_db": peak_db}, ""),
            peak_db=peak_db,
            writer=lambda: M4bWriter(target.part, described.rate_hz, bitrate, book.metadata.language, many),
        )

    def _speak(self, voice: Voice, speech: SpeechSettings, book: Book, lines: list[Line], store: ClipStore, assembly: Assembly) -> None:
        self._tracker.stage("voice")
        engine = self._engine(voice, book, speech)
        speaker = Speaker(engine.name, engine.device, tuple(sorted(engine.versions.items())))
        by_index = {line.index: line for line in lines}
        self._tracker.speaking(sum(len(line.text) for line in lines), len(lines))
        began, audio_s, first_s, count = time.monotonic(), 0.0, None, 0

        def check(line: Line, take: Take) -> tuple[str, ...]:
            return check_take(take, line.text, engine.rate_hz, self._request.settings.speed)

        for batch in speak_checked(engine, lines, check, self._stopped):
            clips = [self._clip(by_index[take.index], take, engine.rate_hz, speaker) for take in batch]
            store.put(clips)
            assembly.ready.add([clip.key for clip in clips])
            first_s = first_s or time.monotonic() - self._started
            audio_s += sum(take.samples.size for take in batch) / engine.rate_hz
            count += len(batch)
            self._tracker.spoken(sum(len(by_index[take.index].text) for take in batch), len(batch), audio_s, assembly.share())
            if assembly.error is not None:
                raise assembly.error
            self._go_on()
        self._spoken_now = reports.SpokenNow(count, round(audio_s, 3), round(time.monotonic() - began, 3), round(first_s or 0.0, 3))
        self._transfers = engine.transfers()

    @staticmethod
    def _clip(line: Line, take: Take, rate_hz: int, speaker: Speaker) -> Clip:
        return Clip(line.key, rate_hz, take.samples, take.words, take.take, take.flags, speaker)

    def _finish(self, assembly: Assembly) -> Assembled:
        """Wait for the encoder, showing how far it is."""
        self._tracker.stage("write")
        while assembly.alive():
            assembly.join(0.2)
            self._tracker.written(assembly.share())
            self._go_on()
        if assembly.error is not None:
            raise assembly.error
        assert assembly.result is not None
        return assembly.result

    def _laid_out(self, book: Book, keys: list[str], store: ClipStore, described: Description) -> Assembled | None:
        """Where everything stands in a file that exists already, from the clips; None where they are gone."""
        if not set(keys) <= store.known(keys):
            self._note(Warn("clips_gone"))
            return None
        line, spoken, speakers = TimeLine(described.rate_hz, book.chapters), list[Spoken](), Counter[Speaker]()
        for sentence, key in zip(book.sentences, keys, strict=True):
            self._go_on()
            clip = store.get(key)
            if clip is None:
                self._note(Warn("clips_gone"))
                return None
            spoken.append(line.place(sentence, clip.samples.size, None, clip.flags)[1])
            speakers[clip.speaker] += 1
        line.finish()
        return Assembled(line.duration_s, line.chapter_marks(), spoken, speakers, None, None)

    def _report(self, outcome: str, path: Path, book: Book, keys: list[str], store: ClipStore, laid: Assembled | None) -> Result:
        laid = laid or Assembled(0.0, [], [], Counter(), None, None)
        flagged = sum(1 for s in laid.spoken if s.flags)
        if flagged:
            self._note(Warn("sentences_flagged", {"count": flagged}))
        facts = reports.Facts(
            voice=self._request.voice.id,
            voice_name=self._request.voice.name,
            path=path,
            outcome=outcome,
            duration_s=laid.duration_s,
            wall_s=time.monotonic() - self._started,
            spoken_now=self._spoken_now,
            transfers=self._transfers,
            loudness={name: round(value, 2) for name, value in (("gain_db", laid.gain_db), ("lufs", laid.lufs)) if value is not None},
            peak_rss_mb=reports.peak_rss_mb(),
        )
        index_key = dict(enumerate(keys))
        summary = reports.write_report(
            self._request.report, book, facts, laid.marks, laid.spoken, laid.speakers, self._warnings, lambda s: store.words(index_key[s.index])
        )
        return Result(outcome, summary)
