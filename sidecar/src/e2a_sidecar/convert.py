"""The order of one conversion, and the only file of the sidecar that knows it whole.

    read the bundle -> look at what stands at the target -> pre-flight -> speak what the store lacks, encode along
    -> tag, read back, verify -> show -> report; and when that has been answered: tidy

Every stage is another module's; here stands who comes after whom, what is checked before hours of work (design rule 7)
and what is undone when it stops: the hidden file beside the target goes, clips stay. What is shown is done: nothing stops
it or fails it any more.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from e2a_sidecar import report as reports
from e2a_sidecar.assembly import Assembled, Assembly, ClipGone, Keeper, Ready
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore, gain_key
from e2a_sidecar.mastering.master import limit_db
from e2a_sidecar.mastering.pauses import TimeLine
from e2a_sidecar.model import Book, Clip, Line, Sentence, Speaker, Spoken, Take, Warn, Word
from e2a_sidecar.plan import sounds, speech_settings
from e2a_sidecar.progress import ON_CORES, Tracker
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.request import Convert
from e2a_sidecar.speaking.check import FLAGS as FAULTS
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.clock import on_the_sound
from e2a_sidecar.speaking.engine import Engine, Transfers
from e2a_sidecar.speaking.flags import WORDS_UNSPOKEN
from e2a_sidecar.speaking.ladder import NOT_SPOKEN, Ladder, Rungs
from e2a_sidecar.speaking.make import Description, rungs
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import STUDENT, Voice
from e2a_sidecar.writing.aac import encoder_rate_hz
from e2a_sidecar.writing.m4b import M4bWriter, marks_in_file
from e2a_sidecar.writing.mark import Mark, Verdict, judge
from e2a_sidecar.writing.nero import NERO_CHAPTERS
from e2a_sidecar.writing.tags import Tags, write_tags
from e2a_sidecar.writing.target import Target, check_space, estimated_bytes
from e2a_sidecar.writing.verify import encoder_check, retag, verify_m4b

log = logging.getLogger(__name__)

CHARACTERS_A_SECOND: Final = 14.0
"""Of speech, roughly: for estimates of time and space only."""
ENCODER_GRACE_S: Final = 5.0
"""How long the encoder may take to notice that nothing more will come, before its file is removed under it."""
_TOLD: Final = {
    "sentences_flagged": frozenset((*FAULTS, WORDS_UNSPOKEN)),
    "sentences_unpronounceable": frozenset(("unpronounceable",)),
    "sentences_again": frozenset(("again",)),
    "sentences_on_cpu": frozenset(("cpu",)),
    "memory_halved": frozenset(("halved",)),
}
"""Warning at the end -> the flags of the sentences that it counts, of those that are there; the others are `sentences_failed`."""
_ONE_THREAD: Final = ("espeak", "tone")
_FAST_VOICES: Final = (*_ONE_THREAD, STUDENT)
"""Kinds that speak about as fast as the encoder works, on a CPU too."""
CLIP_BYTES_A_SECOND: Final = 24_000
"""FLAC in the store, at 22.05 kHz."""


class Voices(Protocol):
    """Whoever makes engines of a voice, and may keep them for the next book."""

    def rungs(self, voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path) -> Rungs: ...


@dataclass(frozen=True, slots=True)
class Result:
    """outcome: `written`, `retagged`, `unchanged`. summary: the report without its long lists."""

    outcome: str
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of a conversion before anything is written. keys: each sentence's clip."""

    book: Book
    voice: Voice
    speech: SpeechSettings
    ladder: Ladder
    described: Description
    tags: Tags
    mark: Mark
    keys: tuple[str, ...]

    def chapter(self, sentences: Iterable[int]) -> int:
        """Of the furthest of them, from 1; 0 before the first."""
        numbers = (self.book.sentences[index].chapter for index in sentences)
        return max((number + 1 for number in numbers if number is not None), default=0)


class Conversion:
    """One book, once: `run` it."""

    def __init__(self, request: Convert, voices: Voices, tracker: Tracker, warn: Callable[[Warn], None], stopped: Callable[[], bool]) -> None:
        self._request = request
        self._voices = voices
        self._tracker = tracker
        self._warn = warn
        self._stopped = stopped
        self._warnings: list[Warn] = []
        self._started = time.monotonic()
        self._spoken_now = reports.SpokenNow()
        self._spoken_keys = set[str]()
        self._transfers = Transfers()
        self._speaking = False
        self._shown = False
        self._left: ClipStore | None = None

    def run(self) -> Result:
        """Raises SidecarError, or Stopped; then nothing at the target has changed. Else `tidy` is to follow, once whoever asked has their answer."""
        self._tracker.stage("read")
        plan = self._plan()
        verdict, existing = self._existing(plan.mark)
        store = ClipStore(self._request.cache_dir, self._stops)
        try:
            result = self._made(plan, store, verdict, existing)
        except BaseException:
            store.close()
            raise
        self._left = store
        return result

    def tidy(self, stopped: Callable[[], bool]) -> None:
        """Drop the clips of other books that are too many now, as far as `stopped` lets it; takes seconds, and raises nothing."""
        store, self._left = self._left, None
        if store is not None:
            if self._shown:
                store.prune(self._request.cache_bytes, stopped)
            store.close()

    def _made(self, plan: _Plan, store: ClipStore, verdict: Verdict, existing: Path) -> Result:
        if verdict == "same":
            return self._report("unchanged", existing, plan, store, self._laid_out(plan, store))
        target = Target(self._request.out)
        try:
            if verdict == "tags":
                return self._retagged(plan, store, existing, target)
            try:
                return self._written(plan, store, target, store.known(plan.keys, NOT_SPOKEN))
            except ClipGone as error:
                log.warning("clip %s is gone from the store: all are looked at, and what is missing is spoken", error)
                return self._written(plan, store, target, store.intact(plan.keys, NOT_SPOKEN, self._go_on))
        finally:
            target.drop()

    def _plan(self) -> _Plan:
        """Read the book and look at the voice: all that is known before anything is written."""
        request = self._request
        for warning in request.warnings:
            self._note(warning)
        book = read_book(request.bundle, self._go_on)
        for warning in book.warnings:
            self._note(warning)
        if not book.sentences:
            raise SidecarError("no_text")
        self._go_on()
        self._tracker.stage("check")
        voice = request.voice.verified()
        speech = speech_settings(request.settings)
        ladder = self._ladder(voice, book, speech)
        found = sounds(book, voice, request.settings, ladder.engine, request.cache_dir)
        if found.cover_fault:
            self._note(Warn("cover_left_out", {"reason": found.cover_fault}))
        return _Plan(book, voice, speech, ladder, found.described, found.tags, found.mark, found.keys)

    def _ladder(self, voice: Voice, book: Book, speech: SpeechSettings) -> Ladder:
        request = self._request
        opened = self._voices.rungs(voice, book.metadata.language, speech, request.cache_dir)
        return Ladder(rungs(voice, request.device), opened, self._note, chosen=not request.auto)

    def _note(self, warning: Warn) -> None:
        self._warnings.append(warning)
        self._warn(warning)

    def _stops(self) -> bool:
        return not self._shown and self._stopped()

    def _go_on(self) -> None:
        if self._stops():
            raise Stopped

    def _existing(self, mark: Mark) -> tuple[Verdict, Path]:
        """What stands where the file is to go, compared with what it would be; a foreign one stops us here."""
        request = self._request
        existing = request.existing or request.out
        if existing != request.out:
            judge(request.out, mark, request.replace)
        return judge(existing, mark, request.replace), existing

    def _retagged(self, plan: _Plan, store: ClipStore, existing: Path, target: Target) -> Result:
        self._tracker.stage("verify")
        check_space(target.path.parent, existing.stat().st_size)
        retag(existing, target.part, plan.tags, plan.mark)
        laid = self._laid_out(plan, store)
        self._show(plan, target)
        return self._report("retagged", self._request.out, plan, store, laid)

    def _written(self, plan: _Plan, store: ClipStore, target: Target, known: set[str]) -> Result:
        lines = self._missing(plan, known)
        self._tell_what_is_kept(plan, lines, known)
        self._preflight(plan, lines, target, store)
        assembly = self._assembly(plan, store, known, target)
        self._speaking = bool(lines)
        assembly.start()
        try:
            if lines:
                self._speak(plan, lines, store, assembly)
            laid = self._finish(assembly)
        except BaseException:
            assembly.ready.give_up()
            assembly.join(ENCODER_GRACE_S)
            raise
        self._tracker.stage("verify")
        there = _there(laid.spoken)
        if not there:
            raise SidecarError("speech_failed", f"{len(laid.spoken)} sentences, none spoken", reason="it gives no sound")
        whole = len(there) == len(laid.spoken)
        write_tags(target.part, plan.tags, (plan.mark if whole else plan.mark.incomplete()).to_json())
        verify_m4b(target.part, laid.duration_s, marks_in_file(laid.marks, plan.book.metadata.title), plan.tags.cover is not None)
        self._show(plan, target)
        return self._report("written", self._request.out, plan, store, laid)

    def _show(self, plan: _Plan, target: Target) -> None:
        """The last moment to stop; also looks again at what stands there, since hours may have passed: it may have come meanwhile."""
        self._go_on()
        judge(self._request.out, plan.mark, self._request.replace)
        target.show()
        self._shown = True
        self._tracker.stage("shown")

    @staticmethod
    def _missing(plan: _Plan, known: set[str]) -> list[Line]:
        """What has to be spoken: each different sentence once, in the book's order."""
        lines: dict[str, Line] = {}
        for sentence, key in zip(plan.book.sentences, plan.keys, strict=True):
            if key not in known and key not in lines:
                lines[key] = Line(sentence.index, sentence.spoken, key)
        return list(lines.values())

    def _tell_what_is_kept(self, plan: _Plan, lines: list[Line], known: set[str]) -> None:
        sentences = plan.book.sentences
        whole = sum({key: len(s.spoken) for key, s in zip(plan.keys, sentences, strict=True)}.values())
        fast = plan.voice.kind in _FAST_VOICES or plan.ladder.device not in ON_CORES
        self._tracker.book(whole, len(sentences), len(plan.book.chapters), fast, plan.voice.kind in _ONE_THREAD)
        spoken, first_missing = whole - sum(len(line.text) for line in lines), lines[0].index if lines else len(sentences)
        there = [len(s.spoken) for key, s in zip(plan.keys, sentences, strict=True) if key in known]
        self._tracker.kept(spoken, len(there), plan.chapter(range(first_missing)), (sum(there), sum(len(s.spoken) for s in sentences)))

    def _preflight(self, plan: _Plan, lines: list[Line], target: Target, store: ClipStore) -> None:
        """Everything that can be known to fail is tried before hours of work."""
        bitrate = self._request.settings.bitrate
        audio_s = sum(len(s.spoken) for s in plan.book.sentences) / CHARACTERS_A_SECOND + len(plan.book.sentences) * self._request.settings.pausing
        check_space(target.path.parent, estimated_bytes(audio_s, bitrate))
        speech_s = sum(len(line.text) for line in lines) / CHARACTERS_A_SECOND
        check_space(self._request.cache_dir, max(0, int(speech_s * CLIP_BYTES_A_SECOND) - store.room_bytes()))
        encoder_check(target.part, plan.described.rate_hz, bitrate, plan.tags)
        self._go_on()

    def _assembly(self, plan: _Plan, store: ClipStore, known: set[str], target: Target) -> Assembly:
        book, described = plan.book, plan.described
        bitrate, many = self._request.settings.bitrate, len(book.chapters) + 1 > NERO_CHAPTERS
        peak_db = limit_db(bitrate, encoder_rate_hz(described.rate_hz))
        return Assembly(
            book=book,
            keys=plan.keys,
            store=store,
            ready=Ready(known, self._stopped),
            rate_hz=described.rate_hz,
            voice_key=gain_key(described.identity, peak_db),
            peak_db=peak_db,
            writer=lambda: M4bWriter(target.part, described.rate_hz, bitrate, book.metadata.language, many),
            pauses=self._request.settings.pausing,
            shares=lambda: self._speaking and plan.ladder.device in ("", *ON_CORES),  # "": nobody speaks yet, the voice is being loaded
        )

    def _speak(self, plan: _Plan, lines: list[Line], store: ClipStore, assembly: Assembly) -> None:
        """Speak `lines` into the store, batch by batch; each batch is on the disk before the encoder hears of it."""
        self._tracker.stage("voice")
        rate_hz = self._rate_hz(plan)
        by_index = {line.index: line for line in lines}
        times = Counter(plan.keys)
        failed_before = store.known(line.key for line in lines)
        tried = frozenset(line.index for line in lines if line.key in failed_before)
        self._tracker.speaking(plan.ladder.device)
        began, audio_s, first_s, count = time.monotonic(), 0.0, None, 0

        def check(line: Line, take: Take) -> tuple[str, ...]:
            return check_take(take, line.text, rate_hz, plan.speech.speed)

        kept, batches = Keeper(store, assembly.ready), plan.ladder.speak(lines, check, self._stopped, tried)
        try:
            for batch in batches:
                takes, speaker = batch.takes, _speaker(batch.engine)
                kept.add([_clip(t, by_index[t.index].key, rate_hz, speaker) for t in takes])
                self._spoken_keys.update(by_index[t.index].key for t in takes)
                first_s = first_s or time.monotonic() - self._started
                audio_s += sum(take.samples.size for take in takes) / rate_hz
                count += len(takes)
                self._tracker.spoken(
                    sum(len(by_index[t.index].text) for t in takes),
                    sum(times[by_index[t.index].key] for t in takes),
                    audio_s=audio_s,
                    chapter=plan.chapter(take.index for take in takes),
                    device=plan.ladder.device,
                    encoded=assembly.so_far(),
                )
                if assembly.error is not None:
                    raise assembly.error
                self._go_on()
        finally:
            self._speaking = False
            batches.close()  # the engine rests now, not when the error has been told
            kept.commit()
            self._spoken_now = self._spoken_now.plus(count, audio_s, time.monotonic() - began, first_s)
            self._transfers = plan.ladder.transfers()
            plan.ladder.rest()

    def _rate_hz(self, plan: _Plan) -> int:
        """Load the voice; its description must have told the truth, since keys and encoder are made by it."""
        engine = plan.ladder.engine()
        if engine.rate_hz != plan.described.rate_hz or dict(engine.identity) != dict(plan.described.identity):
            raise SidecarError("internal", f"{engine.name} is not what was described")
        return engine.rate_hz

    def _finish(self, assembly: Assembly) -> Assembled:
        """Wait for the encoder, showing how far it is."""
        self._tracker.stage("write")
        while assembly.alive():
            assembly.join(0.2)
            self._tracker.written(assembly.so_far())
            self._go_on()
        if assembly.error is not None:
            raise assembly.error
        assert assembly.result is not None
        return assembly.result

    def _laid_out(self, plan: _Plan, store: ClipStore) -> Assembled | None:
        """Where everything stands in a file that exists already, from the clips; None where they are gone."""
        line = TimeLine(plan.described.rate_hz, plan.book.chapters, self._request.settings.pausing)
        spoken, speakers = list[Spoken](), Counter[Speaker]()
        for sentence, key in zip(plan.book.sentences, plan.keys, strict=True):
            self._go_on()
            clip = store.facts(key)
            if clip is None:
                self._note(Warn("clips_gone"))
                return None
            spoken.append(line.place(sentence, clip.n_samples, None, clip.flags)[1])
            speakers[clip.speaker] += 1
        line.finish()
        return Assembled(line.duration_s, line.chapter_marks(), spoken, speakers, None, None)

    def _report(self, outcome: str, path: Path, plan: _Plan, store: ClipStore, laid: Assembled | None) -> Result:
        laid = laid or Assembled(0.0, [], [], Counter(), None, None)
        there = _there(laid.spoken)
        counts = {code: sum(1 for s in there if not flags.isdisjoint(s.flags)) for code, flags in _TOLD.items()}
        for code, count in {"sentences_failed": len(laid.spoken) - len(there), **counts}.items():
            if count:
                self._note(Warn(code, {"count": count}))
        facts = reports.Facts(
            voice=plan.voice.id,
            voice_name=plan.voice.name,
            clone=plan.voice.clone,
            path=path,
            outcome=outcome,
            duration_s=laid.duration_s,
            wall_s=time.monotonic() - self._started,
            spoken_now=self._spoken_now,
            kept=sum(key not in self._spoken_keys for key in plan.keys),
            transfers=self._transfers,
            loudness={name: round(value, 2) for name, value in (("gain_db", laid.gain_db), ("lufs", laid.lufs)) if value is not None},
            peak_rss_mb=reports.peak_rss_mb(),
        )

        def words(sentence: Sentence) -> tuple[Word, ...] | None:
            clip = store.facts(plan.keys[sentence.index])
            return None if clip is None else clip.words

        def report(path: Path | None) -> dict[str, Any]:
            return reports.write_report(path, plan.book, facts, laid.marks, laid.spoken, laid.speakers, self._warnings, words)

        try:
            return Result(outcome, report(self._request.report))
        except (OSError, SidecarError) as error:  # the audiobook stands already: that is no failure any more
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._note(Warn("report_unwritable", {"path": str(self._request.report), "reason": str(reason)}))
            return Result(outcome, report(None))


def _there(spoken: Sequence[Spoken]) -> list[Spoken]:
    """The sentences that somebody could speak."""
    return [s for s in spoken if NOT_SPOKEN.isdisjoint(s.flags)]


def _clip(take: Take, key: str, rate_hz: int, speaker: Speaker) -> Clip:
    return Clip(key, rate_hz, take.samples, on_the_sound(take.words, take.samples, rate_hz), take.take, take.flags, speaker)


def _speaker(engine: Engine) -> Speaker:
    return Speaker(engine.name, engine.device, tuple(sorted(engine.versions.items())))
