"""A sentence once spoken is kept: through kills, damage and other versions, and within a size."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering import clip_room, clips
from e2a_sidecar.mastering.clips import ClipStore, clip_key
from e2a_sidecar.mastering.master import VoiceGain
from e2a_sidecar.model import Clip, Speaker, Word

SPEAKER = Speaker("vits_onnx", "cpu", (("onnxruntime", "1.32.0"), ("piper-tts", "1.8.0")))


def clip(key: str, n: int = 3000) -> Clip:
    samples = np.random.default_rng(len(key)).integers(-9000, 9000, n).astype(np.int16)
    return Clip(key, 22050, samples, (Word(0.0, 1 / 3, 0, 5), Word(1 / 3, 0.7, 6, 9)), 1, ("halved",), SPEAKER)


def same(a: Clip | None, b: Clip) -> bool:
    return a is not None and np.array_equal(a.samples, b.samples) and replace(a, samples=b.samples) == b


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ClipStore]:
    opened = ClipStore(tmp_path / "clips")
    yield opened
    opened.close()


def test_a_clip_comes_back_as_it_was(store: ClipStore) -> None:
    wordless, empty = replace(clip("b"), words=None, flags=()), replace(clip("c", 0), flags=("unpronounceable",))
    store.put([clip("a"), wordless, empty])
    assert same(store.get("a"), clip("a"))
    assert same(store.get("b"), wordless)
    assert same(store.get("c"), empty)
    assert store.get("d") is None


def test_another_run_finds_what_was_kept(tmp_path: Path) -> None:
    first = ClipStore(tmp_path)
    first.put([clip("a")])
    first.put_gain("joe", VoiceGain(1.25, -19.5, 60.0))
    first.close()
    second = ClipStore(tmp_path)
    assert same(second.get("a"), clip("a"))
    assert second.gain("joe") == VoiceGain(1.25, -19.5, 60.0)
    assert second.gain("amy") is None
    second.close()


def test_many_keys_are_asked_for_at_once(store: ClipStore) -> None:
    store.put([clip(f"k{n}", 10) for n in range(0, 3000, 2)])
    assert store.known(f"k{n}" for n in range(3000)) == {f"k{n}" for n in range(0, 3000, 2)}
    assert store.known([]) == set()


def test_keys_tell_voices_and_texts_apart_and_nothing_else() -> None:
    identity = {"engine": "vits", "version": 1, "speed": 1.0}
    assert clip_key(identity, "Yes.") == clip_key(dict(reversed(identity.items())), "Yes.")
    keys = {clip_key(identity, "Yes."), clip_key(identity, "No."), clip_key({**identity, "speed": 1.1}, "Yes."), clip_key({**identity, "sped": 1.0}, "Yes.")}
    assert len(keys) == 4
    assert all(len(key) == 64 for key in keys)


def test_the_book_is_not_in_the_store(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    store.put([clip(clip_key({"engine": "tone"}, "A secret sentence."))])
    store.close()
    assert b"secret" not in (tmp_path / "clips.sqlite").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_nobody_else_may_look(store: ClipStore) -> None:
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def edit(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "damage", ["flac = x'00'", "flac = substr(flac, 1, length(flac) - 200)", "crc = crc + 1", "words = '[[1]]'", "speaker = '{'", "flags = '7'"]
)
def test_a_damaged_clip_is_as_if_it_had_never_been_spoken(store: ClipStore, damage: str) -> None:
    store.put([clip("a"), clip("bb")])
    edit(store.path, f"UPDATE clips SET {damage} WHERE key = 'a'")
    assert store.get("a") is None
    assert store.known(["a", "bb"]) == {"bb"}
    assert same(store.get("bb"), clip("bb"))


@pytest.mark.parametrize("content", [b"", b"no database " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_no_store_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clips.sqlite").write_bytes(content)
    store = ClipStore(tmp_path)
    store.put([clip("a")])
    assert same(store.get("a"), clip("a"))
    store.close()
    assert not content or (tmp_path / "clips.sqlite.damaged").read_bytes() == content


def test_a_store_that_breaks_while_in_use_is_set_aside(tmp_path: Path) -> None:
    before = ClipStore(tmp_path)
    before.put([clip(f"k{n}", 20000) for n in range(20)])
    before.close()
    whole = (tmp_path / "clips.sqlite").read_bytes()
    (tmp_path / "clips.sqlite").write_bytes(whole[: 4096 * 5] + bytes(len(whole) - 4096 * 5))
    store = ClipStore(tmp_path)
    assert [store.get(f"k{n}") for n in range(20)].count(None) > 0
    store.put([clip("new")])
    assert same(store.get("new"), clip("new"))
    store.close()


def test_another_versions_store_is_set_aside_whole(tmp_path: Path) -> None:
    ClipStore(tmp_path).close()
    edit(tmp_path / "clips.sqlite", "PRAGMA user_version = 99")
    store = ClipStore(tmp_path)
    assert store.known(["a"]) == set()
    store.close()
    assert (tmp_path / "clips.sqlite.version-99").exists()


def test_foreign_tables_are_set_aside(tmp_path: Path) -> None:
    edit(tmp_path / "clips.sqlite", "CREATE TABLE clips (name TEXT)")
    edit(tmp_path / "clips.sqlite", "PRAGMA user_version = 1")
    store = ClipStore(tmp_path)
    store.put([clip("a")])
    assert same(store.get("a"), clip("a"))
    store.close()


def test_the_least_recently_used_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for run, key in enumerate("abcd"):
        monkeypatch.setattr(clips.time, "time", lambda run=run: 1000.0 + run)
        store = ClipStore(tmp_path)
        store.put([clip(key, 20000)])
        store.close()
    monkeypatch.setattr(clips.time, "time", lambda: 2000.0)
    store = ClipStore(tmp_path)
    assert store.get("a") is not None
    assert store.prune(10**9) == 0
    assert store.prune(130_000) == 2
    assert store.known("abcd") == {"a", "d"}
    assert store.prune(0) == 1
    assert store.known("abcd") == {"a"}, "what this run uses stays"
    store.close()


def filled(folder: Path, count: int = 60) -> int:
    """A store with the clips k0, k1, ... of some 40 kB each; gives its size in bytes."""
    store = ClipStore(folder)
    store.put([clip(f"k{n}", 20000) for n in range(count)])
    store.close()
    return store.path.stat().st_size


def test_what_is_dropped_is_given_back_to_the_disk(tmp_path: Path) -> None:
    assert filled(tmp_path) > 2_000_000
    store = ClipStore(tmp_path)
    dropped = store.prune(500_000)
    assert 400_000 < sum(path.stat().st_size for path in tmp_path.iterdir() if path.name != "clips.sqlite-shm") <= 500_000
    assert len(store.known(f"k{n}" for n in range(60))) == 60 - dropped and store.room_bytes() == 0
    store.close()


def test_between_two_slices_another_process_writes_and_a_stop_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = filled(tmp_path)
    monkeypatch.setattr(clip_room, "_SLICE_S", 0.0)
    monkeypatch.setattr(clip_room, "_PAGES", 10)
    store, other, turns = ClipStore(tmp_path), ClipStore(tmp_path), list[float]()
    other._db.execute("PRAGMA busy_timeout = 0")
    monkeypatch.setattr(clips, "PATIENCE_S", 0.0)

    def others_turn(seconds: float) -> None:
        other.put([clip(f"new{len(turns)}", 100)])
        turns.append(seconds)

    monkeypatch.setattr(clips.time, "sleep", others_turn)
    assert store.prune(500_000, stopped=lambda: len(turns) == 5) == 5, "one at a time"
    assert store.room_bytes() > 5 * 35_000, "which new clips can take meanwhile"
    assert store.prune(500_000) > 40 and len(turns) > 60 and set(turns) == {clip_room.GAP_S}
    assert store.room_bytes() == 0 and other.known(f"new{n}" for n in range(len(turns))) == {f"new{n}" for n in range(len(turns))}
    store.close()
    other.close()
    assert store.path.stat().st_size < size / 3


def test_pruning_that_takes_too_long_is_gone_on_with_by_a_later_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    store = ClipStore(tmp_path)
    assert store.prune(0, limit_s=0.0) == 0 and len(store.known(f"k{n}" for n in range(60))) == 60
    assert store.prune(0) == 60
    store.close()


def test_whoever_writes_is_waited_for(tmp_path: Path) -> None:
    store, other = ClipStore(tmp_path), sqlite3.connect(tmp_path / "clips.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    asked = list[bool]()

    def until_it_has_asked_twice() -> bool:
        asked.append(True)
        if len(asked) == 2:
            other.execute("COMMIT")
        return False

    waiting = ClipStore(tmp_path, until_it_has_asked_twice)
    waiting.put([clip("a")])
    assert same(store.get("a"), clip("a")) and len(asked) == 2
    for opened in (waiting, store, other):
        opened.close()


def test_waiting_for_another_process_can_be_stopped_and_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "_BUSY_S", 0.05)
    store, stopping = ClipStore(tmp_path), ClipStore(tmp_path, lambda: True)
    other = sqlite3.connect(tmp_path / "clips.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Stopped):
        stopping.put([clip("a")])
    monkeypatch.setattr(clips, "PATIENCE_S", 0.1)
    with pytest.raises(SidecarError, match="output_unwritable") as caught:
        store.put([clip("a")])
    assert "another program" in str(caught.value.params["reason"])
    reader = ClipStore(tmp_path)
    assert reader.known(["a"]) == set(), "who only reads waits for nobody"
    for opened in (reader, stopping, store, other):
        opened.close()


def test_no_room_is_told_as_no_room(store: ClipStore) -> None:
    store._db.execute(f"PRAGMA max_page_count = {store._db.execute('PRAGMA page_count').fetchone()[0] + 2}")
    with pytest.raises(SidecarError) as caught:
        store.put([clip(f"k{n}", 20000) for n in range(20)])
    assert caught.value.code == "disk_full"
    assert store.known(["k0"]) == set()


def test_the_last_of_a_disk_is_left_to_others_but_where_the_file_has_room(store: ClipStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put([clip(f"k{n}", 20000) for n in range(20)])
    nearly_full = shutil.disk_usage(store.path.parent)._replace(free=clips.RESERVE_BYTES)
    monkeypatch.setattr(clips.shutil, "disk_usage", lambda folder: nearly_full)
    with pytest.raises(SidecarError) as caught:
        store.put([clip("another", 20000)])
    assert caught.value.code == "disk_full" and caught.value.params["need_mb"] > caught.value.params["have_mb"]
    assert store.known(["k0", "another"]) == {"k0"}
    store._db.execute("DELETE FROM clips WHERE key != 'k0'")
    store.put([clip("another", 20000)])
    assert store.known(["another"]) == {"another"}


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SidecarError) as caught:
        ClipStore(tmp_path / "file" / "clips")
    assert caught.value.code == "output_unwritable"


def test_two_processes_may_use_one_store(tmp_path: Path) -> None:
    one, two = ClipStore(tmp_path), ClipStore(tmp_path)
    for n in range(20):
        (one, two)[n % 2].put([clip(f"k{n}")])
    assert len(one.known(f"k{n}" for n in range(20))) == 20
    one.close()
    two.close()


WORKER = """
import sys
from pathlib import Path
import numpy as np
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.model import Clip, Speaker
store = ClipStore(Path(sys.argv[1]))
for batch in range(int(sys.argv[2]), 100000):
    store.put([Clip(f"{batch}-{n}", 22050, np.full(4000, batch % 30000, np.int16), None, 0, (), Speaker("tone", "cpu", ())) for n in range(4)])
    sys.stdout.write(f"{batch}\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_whatever_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    acknowledged, dice = 0, random.Random(1)
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(acknowledged)], stdout=subprocess.PIPE, text=True, env={**os.environ})
        assert process.stdout is not None
        for _ in range(dice.randint(3, 25)):
            acknowledged = int(process.stdout.readline()) + 1
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        acknowledged = int(rest[-1]) + 1 if rest else acknowledged
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        store = ClipStore(tmp_path)
        for batch in range(acknowledged):
            for n in range(4):
                kept = store.get(f"{batch}-{n}")
                assert kept is not None and (kept.samples == batch).all()
        store.close()
    assert acknowledged > 15
    assert not list(tmp_path.glob("*.damaged"))


@pytest.mark.parametrize("flags", ["'no JSON'", "'7'", "CAST(X'5B22FF225D' AS TEXT)"])
def test_a_clip_whose_flags_are_damaged_is_spoken_again_and_the_others_are_known(tmp_path: Path, flags: str) -> None:
    first = ClipStore(tmp_path)
    first.put([clip("a"), clip("b")])
    first.close()
    db = sqlite3.connect(tmp_path / "clips.sqlite")
    db.execute(f"UPDATE clips SET flags = {flags} WHERE key = 'a'")
    db.commit()
    db.close()
    second = ClipStore(tmp_path)
    assert "b" in second.known(["a", "b"], frozenset(("failed",)))
    assert second.known(["a", "b"], frozenset(("failed",))) - {"b"} <= second.intact(["a", "b"], frozenset(("failed",)), lambda: None)
    second.close()
