"""Clips in the book's order become the file, while later sentences are still being spoken.

Runs in a thread of its own: it waits for each sentence's clip to be in the store, reads it back, and sends it through
mastering into the writer, so that memory does not grow with the book and the encoder works while the engine speaks.
One gain serves the whole book (design rule 1): the voice's own where it is known, else measured over the first minute
of this book's speech; only if the finished book is more than `TOLERANCE_LU` off is it encoded again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from e2a_sidecar.errors import Stopped
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.mastering.master import MEASURED_S, TARGET_LUFS, Master, measure_voice
from e2a_sidecar.mastering.pauses import TimeLine
from e2a_sidecar.model import Book, ChapterMark, Clip, Samples, Speaker, Spoken
from e2a_sidecar.progress import NOTHING, Encoded
from e2a_sidecar.writing.m4b import M4bWriter, marks_in_file

log = logging.getLogger(__name__)

TOLERANCE_LU: Final = 1.0
COMMIT_EVERY_S: Final = 0.3


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
                if self._over or self._stopped():
                    raise Stopped
                if key in self._keys:
                    return
                self._changed.wait(0.2)


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
    result: Assembled | None = None
    error: BaseException | None = None
    _so_far: Encoded = NOTHING
    _thread: threading.Thread | None = field(default=None)

    def start(self) -> None:
        """Begin encoding in a thread."""
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def so_far(self) -> Encoded:
        """How much is in the file; for the progress of another thread."""
        return self._so_far

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

    def _clip(self, number: int) -> Clip:
        self.ready.wait(self.keys[number])
        clip = self.store.get(self.keys[number])
        if clip is None:
            raise ClipGone(self.keys[number])
        return clip

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
        for number in range(len(self.keys)):
            yield self._clip(number).samples

    def _encode(self, gain_db: float) -> Assembled:
        characters, whole, worked_s = 0, sum(len(sentence.spoken) for sentence in self.book.sentences), 0.0
        self._so_far = NOTHING
        master, line = Master(self.rate_hz, gain_db, self.peak_db), TimeLine(self.rate_hz, self.book.chapters, self.pauses)
        spoken: list[Spoken] = []
        speakers = Counter[Speaker]()
        writer = self.writer()
        try:
            for number, sentence in enumerate(self.book.sentences):
                self.ready.wait(self.keys[number])
                began = time.monotonic()
                clip = self._clip(number)
                silence, placed = line.place(sentence, clip.samples.size, None, clip.flags)
                writer.write(master.silence(silence))
                writer.write(master.clip(clip.samples))
                spoken.append(placed)
                speakers[clip.speaker] += 1
                characters += len(sentence.spoken)
                worked_s += time.monotonic() - began
                self._so_far = Encoded(characters / whole, worked_s)
            writer.write(master.silence(line.finish()))
            writer.write(master.flush())
            marks = line.chapter_marks()
            writer.finish(marks_in_file(marks, self.book.metadata.title))
        except BaseException:
            writer.abandon()
            raise
        lufs = master.lufs()
        return Assembled(line.duration_s, marks, spoken, speakers, gain_db, lufs if math.isfinite(lufs) else None)
