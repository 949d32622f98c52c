"""The clip store: every sentence that was ever spoken, by content, in one SQLite file (design rule 4).

Owns what is kept of a spoken sentence and the key it is kept by. A batch is on the disk before `put` returns (WAL,
synchronous=FULL: with NORMAL a power cut may lose all since the last checkpoint). One connection, guarded by a lock.
Other processes use the same file: one that writes is waited for, and what takes long is done in slices (`clip_room`).
Samples are FLAC with a checksum: a damaged row is dropped as if it had never been spoken, a damaged file is set aside
and a new one begun. No text of the book is in it, only its hash.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shutil
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import soundfile  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clip_room import GAP_S, Dropping, in_transaction, pragma, shrunk
from e2a_sidecar.mastering.master import SOUND_VERSION, VoiceGain
from e2a_sidecar.model import Clip, Samples, Speaker, Word

KEY_SCHEMA: Final = 1
"""Part of every key: raised when what a key stands for changes."""
MAX_BYTES: Final = 20 * 10**9
"""Default size limit of the file: about 250 hours of speech."""
PATIENCE_S: Final = 300.0
"""How long others may hold the file until that is an error: a process of an older version prunes in one go, for minutes."""
TIDY_S: Final = 120.0
"""How long pruning may take at a time."""
RESERVE_BYTES: Final = 40 * 10**6
"""Of the disk, left to everybody else: what is asked for before the work is a guess, and a book or a voice may be far longer than that."""

_FILE: Final = "clips.sqlite"
_USER_VERSION: Final = 1
_BUSY_S: Final = 0.5  # SQLite's own waiting, in which nobody can ask whether to stop
_TIDY_PATIENCE_S: Final = 5.0
_ROWS: Final = 100
_MANY: Final = 16
_PACKERS: Final = 4
_CHUNK: Final = 500  # SQLite's oldest limit for variables in a statement is 999
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_ERROR})
_TABLES: Final = """
    CREATE TABLE clips (
        key TEXT PRIMARY KEY, rate_hz INTEGER NOT NULL, n_samples INTEGER NOT NULL, crc INTEGER NOT NULL,
        flac BLOB NOT NULL, words TEXT, take INTEGER NOT NULL, flags TEXT NOT NULL, speaker TEXT NOT NULL,
        used INTEGER NOT NULL);
    CREATE INDEX clips_used ON clips (used);
    CREATE TABLE gains (voice TEXT PRIMARY KEY, gain_db REAL NOT NULL, lufs REAL NOT NULL, measured_s REAL NOT NULL);
"""
_COLUMNS: Final = "rate_hz, n_samples, crc, flac, words, take, flags, speaker"

T = TypeVar("T")
Row = tuple[int, int, int, bytes, str | None, int, str, str]
log = logging.getLogger(__name__)


def clip_key(identity: Mapping[str, str | int | float], text: str) -> str:
    """Hex key of a sentence as one engine speaks it: `Engine.identity` and the spoken text."""
    whole = {"schema": KEY_SCHEMA, "identity": dict(identity), "text": text}
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def gain_key(identity: Mapping[str, str | int | float], peak_db: float) -> str:
    """Key of a voice's gain: how it sounds, how it is mastered, and the limiter's peak."""
    return clip_key({**identity, "sound": SOUND_VERSION, "peak_db": peak_db}, "")


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip without its sound."""

    n_samples: int
    words: tuple[Word, ...] | None
    flags: tuple[str, ...]
    speaker: Speaker


class ClipStore:
    """Clips and gains in `folder`, which is made (for this user only) where it is missing.

    stopped: asked while another process holds the file. Raises SidecarError `disk_full` or `output_unwritable`, never because of what an
    older, newer or broken file holds; Stopped.
    """

    def __init__(self, folder: Path, stopped: Callable[[], bool] = lambda: False) -> None:
        self.path = folder / _FILE
        self._stopped = stopped
        self._lock = threading.Lock()
        self._touched: set[str] = set()
        self._noted: set[str] = set()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SidecarError("output_unwritable", repr(error), path=str(folder), reason=error.strerror or type(error).__name__) from None
        self._db = self._opened()

    def get(self, key: str) -> Clip | None:
        """The clip, or None where it is not there or was damaged (then it is dropped)."""
        row: Row | None = self._guarded(lambda db: db.execute(f"SELECT {_COLUMNS} FROM clips WHERE key = ?", (key,)).fetchone())
        if row is None:
            return None
        try:
            clip = _unpacked(key, row)
        except (ValueError, TypeError, KeyError, soundfile.SoundFileError) as error:
            log.warning("clip %s is damaged (%s) and dropped", key, type(error).__name__)
            self._guarded(partial(in_transaction, work=lambda db: db.execute("DELETE FROM clips WHERE key = ?", (key,))))
            return None
        with self._lock:
            self._touched.add(key)
        return clip

    def facts(self, key: str) -> ClipFacts | None:
        """What is known of a clip without decoding its sound; None where it is not there or damaged."""
        statement = "SELECT n_samples, words, flags, speaker FROM clips WHERE key = ?"
        row = self._guarded(lambda db: db.execute(statement, (key,)).fetchone())
        if row is None:
            return None
        try:
            return ClipFacts(int(row[0]), _words(row[1]), tuple(json.loads(row[2])), _speaker(row[3]))
        except (ValueError, TypeError):
            return None

    def known(self, keys: Iterable[str], but: frozenset[str] = frozenset()) -> set[str]:
        """Those of `keys` that are there, but for clips with one of the flags `but` (not decoded: `get` may still find one damaged)."""
        wanted, found = list(dict.fromkeys(keys)), set[str]()
        for start in range(0, len(wanted), _CHUNK):
            present = self._guarded(partial(_present, keys=wanted[start : start + _CHUNK]))
            found.update(key for key, flags in present if not but or _free_of(but, flags))
        return found

    def intact(self, keys: Iterable[str], but: frozenset[str], each: Callable[[], None]) -> set[str]:
        """As `known`, but every clip is decoded and those that are damaged are dropped; `each` is called before each."""
        found = set[str]()
        for key in dict.fromkeys(keys):
            each()
            clip = self.get(key)
            if clip is not None and but.isdisjoint(clip.flags):
                found.add(key)
        return found

    def put(self, clips: Sequence[Clip]) -> None:
        """Keep clips: one transaction, on the disk when this returns."""
        now = int(time.time())
        rows = [(clip.key, *row, now) for clip, row in zip(clips, _all_packed(clips), strict=True)]
        self._leave_reserve(sum(len(row[4]) for row in rows))
        statement = f"INSERT OR REPLACE INTO clips (key, {_COLUMNS}, used) VALUES (?,?,?,?,?,?,?,?,?,?)"
        self._guarded(partial(in_transaction, work=lambda db: db.executemany(statement, rows)))
        with self._lock:
            self._touched.update(clip.key for clip in clips)

    def gain(self, voice_key: str) -> VoiceGain | None:
        row = self._guarded(lambda db: db.execute("SELECT gain_db, lufs, measured_s FROM gains WHERE voice = ?", (voice_key,)).fetchone())
        return VoiceGain(float(row[0]), float(row[1]), float(row[2])) if row else None

    def put_gain(self, voice_key: str, gain: VoiceGain) -> None:
        values = (voice_key, gain.gain_db, gain.lufs, gain.measured_s)
        self._guarded(partial(in_transaction, work=lambda db: db.execute("INSERT OR REPLACE INTO gains VALUES (?,?,?,?)", values)))

    def prune(self, max_bytes: int | None = None, stopped: Callable[[], bool] = lambda: False, limit_s: float = TIDY_S) -> int:
        """Drop the least recently used clips until the file needs no more than that, and make it so small; returns how many were dropped. Those
        of this run stay in any case. None: MAX_BYTES.

        Housekeeping: what is not done when `stopped` says so or after `limit_s`, or where the disk or another process does not let it, is left
        to a later run.
        """
        dropping = Dropping(MAX_BYTES if max_bytes is None else max_bytes, frozenset(self._touched))
        end = time.monotonic() + limit_s
        try:
            self._note_used()
            for slice_of in (dropping.drop, shrunk):
                while not stopped() and time.monotonic() < end and self._guarded(slice_of, _TIDY_PATIENCE_S):
                    time.sleep(GAP_S)
            self._guarded(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall(), _TIDY_PATIENCE_S)
        except (SidecarError, Stopped) as error:
            log.warning("the clip store was not pruned: %s", error)
        return dropping.count

    def room_bytes(self) -> int:
        """What the file can take before it grows."""
        return self._guarded(lambda db: pragma(db, "freelist_count") * pragma(db, "page_size"))

    def _leave_reserve(self, more_bytes: int) -> None:
        """SidecarError `disk_full` where so many more would take what is left to everybody else."""
        with suppress(OSError):  # writing will say what is wrong
            free = shutil.disk_usage(self.path.parent).free
            if free < RESERVE_BYTES + more_bytes and self.room_bytes() < more_bytes:
                raise _disk_full(self.path.parent, RESERVE_BYTES + more_bytes, free, "the reserve")

    def close(self) -> None:
        """Note what was used, and close; the store takes nothing afterwards. Raises nothing: the book is done or has failed already."""
        try:
            self._note_used()
        except (SidecarError, Stopped) as error:
            log.warning("which clips were used could not be noted: %s", error)
        with self._lock:
            self._db.close()

    def _note_used(self) -> None:
        """Once for each clip, and in parts: SQLite reads it whole to change its row."""
        now, keys = int(time.time()), sorted(self._touched - self._noted)
        for start in range(0, len(keys), _ROWS):
            part = keys[start : start + _ROWS]
            self._guarded(partial(in_transaction, work=partial(_note, values=[(now, key) for key in part])), _TIDY_PATIENCE_S)
            self._noted.update(part)

    def _guarded(self, work: Callable[[sqlite3.Connection], T], patience_s: float | None = None) -> T:
        """Run `work` with the lock held; anew while others hold the file, and once more on a new file where the old one turns out to be damaged."""
        try:
            return self._patiently(lambda: self._worked(work), patience_s)
        except sqlite3.Error as error:
            raise self._refusal(error) from None

    def _worked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                return work(self._db)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                log.warning("the clip store is damaged (%s)", error.sqlite_errorname)
                self._db.close()
                self._set_aside("damaged")
                self._db = self._opened()
            return work(self._db)

    def _patiently(self, work: Callable[[], T], patience_s: float | None = None) -> T:
        """Raises sqlite3.Error, Stopped."""
        end = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
        while True:
            try:
                return work()
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() >= end:
                    raise
            if self._stopped():
                raise Stopped
            time.sleep(0.01)  # mostly SQLite has waited already

    def _opened(self) -> sqlite3.Connection:
        """A connection to a file of this version; anything else there is set aside first."""
        for _ in range(2):
            try:
                db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
                db.text_factory = partial(str, encoding="utf-8", errors="replace")  # a damaged text is a damaged row, not a dead store
                found = self._patiently(partial(_prepared, db))
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise self._refusal(error) from None
                db.close()
                self._set_aside("damaged")
                continue
            if found == _USER_VERSION:
                return db
            db.close()
            self._set_aside(f"version-{found}")
        raise SidecarError("output_unwritable", "a new clip store is unusable", path=str(self.path), reason="the file system damages what is written to it")

    def _set_aside(self, why: str) -> None:
        """Rename the file (over one set aside before) and drop its journal, which belongs to no other file."""
        log.warning("the clip store is set aside (%s) and a new one begun", why)
        try:
            self.path.replace(self.path.with_name(f"{_FILE}.{why}"))
            for suffix in ("-wal", "-shm"):
                self.path.with_name(_FILE + suffix).unlink(missing_ok=True)
        except OSError as error:
            raise SidecarError("output_unwritable", repr(error), path=str(self.path), reason=error.strerror or type(error).__name__) from None

    def _refusal(self, error: sqlite3.Error) -> SidecarError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            free = shutil.disk_usage(self.path.parent).free
            return _disk_full(self.path.parent, free + 100 * 10**6, free, repr(error))
        reason = "another program writes to it all the time" if _is_busy(error) else str(error)
        return SidecarError("output_unwritable", repr(error), path=str(self.path), reason=reason)


def _disk_full(folder: Path, need_bytes: int, have_bytes: int, detail: str) -> SidecarError:
    return SidecarError("disk_full", detail, path=str(folder), need_mb=-(-need_bytes // 10**6), have_mb=have_bytes // 10**6)


def _prepared(db: sqlite3.Connection) -> int:
    """Settings and, in a new file, tables; returns the file's version. Two processes may do this at the same time."""
    begin = not pragma(db, "user_version")
    if begin:  # else there is nothing to write, and nobody to wait for
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if begin:
        in_transaction(db, _begun)
    version = pragma(db, "user_version")
    if version == _USER_VERSION:
        db.execute(f"SELECT key, {_COLUMNS}, used FROM clips LIMIT 1").fetchone()
        db.execute("SELECT voice, gain_db, lufs, measured_s FROM gains LIMIT 1").fetchone()
    return version


def _begun(db: sqlite3.Connection) -> None:
    """The tables, unless another process has just made them, or a file without a version holds others."""
    if not pragma(db, "user_version") and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _TABLES.split(";")[:-1]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_USER_VERSION}")


def _present(db: sqlite3.Connection, keys: list[str]) -> list[tuple[str, str]]:
    """(key, flags as JSON)"""
    marks = ",".join("?" * len(keys))
    return db.execute(f"SELECT key, flags FROM clips WHERE key IN ({marks})", keys).fetchall()


def _free_of(but: frozenset[str], flags: str) -> bool:
    """False also where the flags (JSON) are damaged: the clip is spoken again."""
    try:
        return but.isdisjoint(json.loads(flags))
    except (ValueError, TypeError):
        return False


def _note(db: sqlite3.Connection, values: list[tuple[int, str]]) -> None:
    db.executemany("UPDATE clips SET used = ? WHERE key = ?", values)


def _all_packed(clips: Sequence[Clip]) -> list[Row]:
    """By several threads where there are many, as a graphics card speaks them: FLAC lets go of Python's lock, and one core packs some 1,500
    seconds of speech a second."""
    if len(clips) < _MANY:
        return [_packed(clip) for clip in clips]
    with ThreadPoolExecutor(_PACKERS) as pool:
        return list(pool.map(_packed, clips))


def _packed(clip: Clip) -> Row:
    words = None if clip.words is None else _json([[w.start_s, w.end_s, w.start, w.end] for w in clip.words])
    speaker = _json([clip.speaker.engine, clip.speaker.device, list(clip.speaker.versions)])
    samples = np.ascontiguousarray(clip.samples, dtype="<i2")
    return (clip.rate_hz, samples.size, zlib.crc32(samples.tobytes()), _flac(samples, clip.rate_hz), words, clip.take, _json(clip.flags), speaker)


def _unpacked(key: str, row: Row) -> Clip:
    """Raises ValueError, TypeError, KeyError or soundfile's error where the row is not what `_packed` made."""
    rate_hz, n_samples, crc, flac, words, take, flags, speaker = row
    samples: Samples = np.zeros(0, np.int16)
    if n_samples:
        samples, _ = soundfile.read(io.BytesIO(flac), dtype="int16")
    if samples.ndim != 1 or samples.size != n_samples or zlib.crc32(samples.astype("<i2").tobytes()) != crc:
        raise ValueError("checksum")
    return Clip(
        key=key,
        rate_hz=rate_hz,
        samples=samples,
        words=_words(words),
        take=take,
        flags=tuple(json.loads(flags)),
        speaker=_speaker(speaker),
    )


def _words(text: str | None) -> tuple[Word, ...] | None:
    return None if text is None else tuple(Word(*word) for word in json.loads(text))


def _speaker(text: str) -> Speaker:
    engine, device, versions = json.loads(text)
    return Speaker(engine, device, tuple((name, version) for name, version in versions))


def _flac(samples: Samples, rate_hz: int) -> bytes:
    if not samples.size:
        return b""
    with io.BytesIO() as file:
        soundfile.write(file, samples, rate_hz, format="FLAC", subtype="PCM_16")
        return file.getvalue()


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """A broken file, not a full disk, a lock or a missing right. SQLITE_ERROR: its tables are not ours."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
