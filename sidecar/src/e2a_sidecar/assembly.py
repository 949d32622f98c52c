"""Clips in the book's order become the file, while later sentences are still being spoken.

Runs in a thread of its own: it waits for each sentence's clip to be in the store and lays it out. Segments of the book
(`mastering.segments`) are read back, mastered and encoded by threads, one each, as many as there are cores for; their packets
come into the file in order. A few are open at once, so memory does not grow with the book, and the file is the same however many
threads there were. One gain serves the whole book (design rule 1): the voice's own where it is known, else measured over the
first minute of this book's speech; only if the finished book is more than `TOLERANCE_LU` off is it encoded again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from e2a_sidecar.errors import Stopped
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.mastering.loudness import Floats, integrated
from e2a_sidecar.mastering.master import MEASURED_S, TARGET_LUFS, Master, measure_voice
from e2a_sidecar.mastering.pauses import TimeLine
from e2a_sidecar.mastering.segments import Segment, Segments
from e2a_sidecar.mastering.workers import Work, in_order
from e2a_sidecar.model import Book, ChapterMark, Clip, Samples, Speaker, Spoken
from e2a_sidecar.progress import Encoded
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.writing.aac import FRAME, Packet, encoder_rate_hz, packet_number
from e2a_sidecar.writing.m4b import M4bWriter, marks_in_file

log = logging.getLogger(__name__)

TOLERANCE_LU: Final = 1.0
COMMIT_EVERY_S: Final = 0.3
ENCODED_AT_ONCE_S: Final = 20.0
"""Of a clip, so that a stop is heeded within one of minutes, too."""
MOST_ENCODERS: Final = 16
"""Some 2,000 times real time: no device speaks faster."""
_ASK_S: Final = 0.2


class ClipGone(Exception):
    """A clip that was in the store is not any more: damaged, or dropped by another process. It can be spoken again."""


class Ready:
    """Which clips are in the store; the encoder waits here for the next one."""

    def __init__(self, keys: set[str], stopped: Callable[[], bool]) -> None:
        self._keys = keys
        self._changed = threading.Condition()
        self._stopped = stopped
        self._over = False

    def add(self, keys: Sequence[str]) -> None:
        """These are committed."""
        with self._changed:
            self._keys.update(keys)
            self._changed.notify_all()

    def give_up(self) -> None:
        """No more will come: whoever waits for one stops."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait(self, key: str) -> None:
        """Return when the clip is there; raise Stopped when it will not come, or nobody wants the file any more."""
        with self._changed:
            while True:
                self.go_on()
                if key in self._keys:
                    return
                self._changed.wait(_ASK_S)

    def go_on(self) -> None:
        """Raise Stopped when nobody wants the file any more."""
        if self._over or self._stopped():
            raise Stopped


class Keeper:
    """Puts finished clips on the disk and tells the encoder: at once for a voice of some sentences a second, a few
    together for a faster one, since every commit waits for the disk."""

    def __init__(self, store: ClipStore, ready: Ready, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._ready = ready
        self._clock = clock
        self._held: list[Clip] = []
        self._last = float("-inf")

    def add(self, clips: Sequence[Clip]) -> None:
        """Keep clips; on the disk now, or with the next ones where the last commit is less than COMMIT_EVERY_S ago."""
        self._held += clips
        if self._clock() - self._last >= COMMIT_EVERY_S:
            self.commit()

    def commit(self) -> None:
        """Put on the disk what is still held."""
        if self._held:
            self._store.put(self._held)
            self._ready.add([clip.key for clip in self._held])
            self._held = []
        self._last = self._clock()


@dataclass(frozen=True, slots=True)
class Assembled:
    """What came out: the file's length, its chapter marks, each sentence's place, who spoke how many."""

    duration_s: float
    marks: list[ChapterMark]
    spoken: list[Spoken]
    speakers: Counter[Speaker]
    gain_db: float | None
    lufs: float | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment's packets, and how loud each 100 ms of it are."""

    packets: list[Packet]
    energies: Floats


@dataclass(slots=True)
class Assembly:
    """The encoder's work for one book. `writer` opens a fresh file at the hidden path each time it is called."""

    book: Book
    keys: Sequence[str]
    store: ClipStore
    ready: Ready
    rate_hz: int
    voice_key: str
    peak_db: float
    """The limiter's, as `limit_db` gives it for the encoder."""
    writer: Callable[[], M4bWriter]
    pauses: float = 1.0
    """Times the usual ones."""
    shares: Callable[[], bool] = lambda: False
    """True while somebody speaks on the cores that encoding would take: then one thread encodes."""
    threads: int = field(default_factory=lambda: min(usable_cores(), MOST_ENCODERS))
    """That encode at most."""
    result: Assembled | None = None
    error: BaseException | None = None
    _work: Work = field(default_factory=Work)
    _thread: threading.Thread | None = field(default=None)

    def start(self) -> None:
        """Begin encoding in a thread."""
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def so_far(self) -> Encoded:
        """How much is encoded; for the progress of another thread."""
        return Encoded(*self._work.so_far())

    def alive(self) -> bool:
        """True while it works."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            gain_db = self._gain_db()
            result = self._encode(gain_db)
            if result.lufs is not None and abs(result.lufs - TARGET_LUFS) > TOLERANCE_LU:
                log.info("the book came out at %.2f LUFS: encoding it again", result.lufs)
                result = self._encode(gain_db + TARGET_LUFS - result.lufs)
            self.result = result
        except Exception as error:  # noqa: BLE001 -- a thread's edge: handed to the thread that waits for it
            self.error = error

    def _gain_db(self) -> float:
        """The voice's gain; measured where it is not known yet, and kept if it was measured over enough speech."""
        kept = self.store.gain(self.voice_key)
        if kept is not None:
            return kept.gain_db
        found = measure_voice(self._speech(), self.rate_hz, self.peak_db)
        if found.measured_s >= MEASURED_S:
            self.store.put_gain(self.voice_key, found)
        return found.gain_db

    def _speech(self) -> Iterator[Samples]:
        for number, key in enumerate(self.keys):
            self.ready.wait(key)
            yield self._samples(number)

    def _samples(self, number: int) -> Samples:
        clip = self.store.get(self.keys[number])
        if clip is None:
            raise ClipGone(self.keys[number])
        return clip.samples

    def _encode(self, gain_db: float) -> Assembled:
        self._work = Work(sum(len(sentence.spoken) for sentence in self.book.sentences))
        line = TimeLine(self.rate_hz, self.book.chapters, self.pauses)
        spoken, speakers, energies = list[Spoken](), Counter[Speaker](), list[Floats]()
        writer = self.writer()
        try:
            with ThreadPoolExecutor(self.threads, thread_name_prefix="encoder") as pool:
                segments = self._segments(line, spoken, speakers)
                parts = in_order(pool, segments, lambda segment: self._encoded(segment, gain_db, writer), self._at_once, self.ready.go_on)
                with closing(parts):
                    for part in parts:
                        writer.add(part.packets)
                        energies.append(part.energies)
            marks = line.chapter_marks()
            writer.finish(marks_in_file(marks, self.book.metadata.title))
        except BaseException:
            writer.abandon()
            raise
        lufs = integrated(np.concatenate(energies))
        return Assembled(line.duration_s, marks, spoken, speakers, gain_db, lufs if math.isfinite(lufs) else None)

    def _at_once(self) -> int:
        return 1 if self.shares() else self.threads

    def _segments(self, line: TimeLine, spoken: list[Spoken], speakers: Counter[Speaker]) -> Iterator[Segment]:
        """The book's segments, each as soon as all of it is spoken; sentences are laid out on `line` and noted."""
        segments = Segments(self.rate_hz, encoder_rate_hz(self.rate_hz), FRAME)
        for number, sentence in enumerate(self.book.sentences):
            self.ready.wait(self.keys[number])
            clip = self.store.facts(self.keys[number])
            if clip is None:
                raise ClipGone(self.keys[number])
            silence, placed = line.place(sentence, clip.n_samples, None, clip.flags)
            spoken.append(placed)
            speakers[clip.speaker] += 1
            if not clip.n_samples:
                self._work.done(len(sentence.spoken))
            segment = segments.add(number, silence, clip.n_samples)
            if segment is not None:
                yield segment
        yield segments.finish(line.finish())

    def _encoded(self, segment: Segment, gain_db: float, writer: M4bWriter) -> _Part:
        """Master and encode a segment: the work of a thread of its own."""
        master, encoder = Master(self.rate_hz, gain_db, self.peak_db, segment.lead), writer.encoder(segment.lead)
        packets, now, step = list[Packet](), segment.lead, int(ENCODED_AT_ONCE_S * self.rate_hz)
        for piece in segment.pieces:
            self.ready.go_on()
            with self._work.on(len(self.book.sentences[piece.sentence].spoken) if piece.start >= segment.start else 0):
                samples = self._samples(piece.sentence)
                if samples.size != piece.end - piece.start:  # another process spoke it anew meanwhile
                    raise ClipGone(self.keys[piece.sentence])
                packets += encoder.add(master.silence(max(0, piece.start - now)))
                speech = master.clip(samples, max(0, now - piece.start))
                for at in range(0, speech.size, step):
                    self.ready.go_on()
                    packets += encoder.add(speech[at : at + step])
                now = piece.end
        packets += encoder.add(master.silence(segment.end - now))
        packets += encoder.add(master.flush())
        packets += encoder.add(np.zeros(segment.trail, np.int16))
        packets += encoder.finish()
        end = math.inf if segment.end_frame is None else segment.end_frame
        return _Part([p for p in packets if segment.first_frame <= packet_number(p) < end], master.energies(segment.start, segment.end))
