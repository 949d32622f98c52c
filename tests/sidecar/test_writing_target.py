"""Nothing half-made is shown, nothing foreign is touched, and what will not work is told before it is begun."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import ChapterMark, Metadata
from e2a_sidecar.writing import target as target_module
from e2a_sidecar.writing.excerpt import cut
from e2a_sidecar.writing.m4b import M4bWriter
from e2a_sidecar.writing.mark import read_mark
from e2a_sidecar.writing.tags import write_tags
from e2a_sidecar.writing.target import Target, check_space, drop_all, estimated_bytes, refused, sweep
from e2a_sidecar.writing.verify import encoder_check, retag, verify_m4b
from mutagen.mp4 import MP4

sys.path.insert(0, str(Path(__file__).parent))
from writing_samples import MARK, RATE_HZ, jpeg, png, probe, tags, write_book


def code(caught: pytest.ExceptionInfo[SidecarError]) -> str:
    return caught.value.code


def test_the_file_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "Book.m4b"
    out.write_bytes(b"old")
    target = Target(out)
    target.part.write_bytes(b"new")
    assert target.part.parent == tmp_path
    assert target.part.name.startswith(".")
    assert out.read_bytes() == b"old"
    target.show()
    target.drop()
    assert out.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.skipif(sys.platform == "win32", reason="no such call there")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EBADF, errno.EPERM, errno.EIO])
def test_what_stands_is_shown_though_its_folder_cannot_be_opened_or_synced(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(tmp_path / "Book.m4b")
    target.part.write_bytes(b"new")
    real = os.open

    def refuse(path: Path, flags: int, *rest: int) -> int:
        if Path(path) == tmp_path:
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest)

    monkeypatch.setattr(target_module.os, "open", refuse)
    target.show()
    assert (tmp_path / "Book.m4b").read_bytes() == b"new"


def test_what_is_dropped_leaves_no_trace(tmp_path: Path) -> None:
    target = Target(tmp_path / "Book.m4b")
    target.part.write_bytes(b"half")
    target.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_must_leave_drops_what_it_writes_and_nothing_else(tmp_path: Path) -> None:
    shown, open_one = Target(tmp_path / "shown.m4b"), Target(tmp_path / "open.m4b")
    shown.part.write_bytes(b"whole")
    shown.show()
    drop_all()
    assert not open_one.part.exists() and [path.name for path in tmp_path.iterdir()] == ["shown.m4b"]


@pytest.mark.parametrize("name", ["gone/b.m4b", "a_folder", "a_file/b.m4b", "n" * 300 + ".m4b", "nul\0.m4b"])
def test_a_target_that_cannot_be_is_told_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "a_file").write_bytes(b"")
    with pytest.raises(SidecarError) as caught:
        Target(tmp_path / name)
    assert code(caught) == "output_unwritable"
    assert not list(tmp_path.glob("**/*.part"))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "link.m4b").symlink_to(tmp_path / "shelf" / "real.m4b")
    target = Target(tmp_path / "link.m4b")
    target.part.write_bytes(b"new")
    target.show()
    assert (tmp_path / "link.m4b").is_symlink()
    assert (tmp_path / "shelf" / "real.m4b").read_bytes() == b"new"


def test_leftovers_of_killed_runs_are_swept_and_others_files_are_not(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    running = Target(tmp_path / "running.m4b")
    dead = running.part.with_name(running.part.name.replace(f"-{os.getpid()}-", f"-{process.pid}-"))
    elsewhere = running.part.with_name(".convert-to-audiobook-00000000-1-abcdef01.part")
    old = running.part.with_name(".convert-to-audiobook-00000000-2-abcdef01.part")
    foreign = [tmp_path / ".convert-to-audiobook-notes.part", tmp_path / "video.part"]
    for path in (dead, elsewhere, old, *foreign):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 3 * 86400,) * 2)
    sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {running.part, elsewhere, *foreign}


def test_a_full_disk_is_told_before_the_work(tmp_path: Path) -> None:
    check_space(tmp_path, 1000)
    with pytest.raises(SidecarError) as caught:
        check_space(tmp_path, 10**18)
    assert code(caught) == "disk_full"
    assert int(caught.value.params["need_mb"]) > int(caught.value.params["have_mb"])
    assert refused(OSError(errno.ENOSPC, "full"), tmp_path / "x").code == "disk_full"


def test_the_estimate_is_on_the_safe_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    writer = M4bWriter(tmp_path / "b.m4b", RATE_HZ, 64000)
    for _ in range(60):
        writer.write(rng.normal(0, 3000, RATE_HZ).astype(np.int16))
    writer.finish([])
    assert 0.8 < (tmp_path / "b.m4b").stat().st_size / estimated_bytes(60, 64000) < 1.0


def test_windows_gets_patience_where_somebody_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    target = Target(tmp_path / "b.m4b")
    real = Path.replace

    def held(self: Path, to: Path) -> Path:
        if len(waits) < 3:
            raise PermissionError(errno.EACCES, "in use")
        return real(self, to)

    monkeypatch.setattr(target_module.sys, "platform", "win32")
    monkeypatch.setattr(target_module.time, "sleep", waits.append)
    monkeypatch.setattr(Path, "replace", held)
    target.show()
    assert len(waits) == 3
    assert (tmp_path / "b.m4b").exists()


def test_the_encoder_is_tried_before_the_work(tmp_path: Path) -> None:
    for rate_hz in (16000, 20000, 22050, 24000):
        encoder_check(tmp_path / "x.part", rate_hz, 64000, tags(picture=jpeg()))
    with pytest.raises(SidecarError) as caught:
        encoder_check(tmp_path / "gone" / "x.part", RATE_HZ, 64000, tags())
    assert code(caught) == "output_unwritable"


# what verifying finds


def spoiled(path: Path, duration_s: float, wanted: list[ChapterMark], cover: bool = True) -> str:
    with pytest.raises(SidecarError) as caught:
        verify_m4b(path, duration_s, wanted, cover)
    assert code(caught) == "encoder_failed"
    return str(caught.value.params["reason"])


def test_a_good_file_passes_and_each_fault_is_found(tmp_path: Path) -> None:
    path = tmp_path / "b.m4b"
    duration_s, wanted = write_book(path, ["One", "Two", "Three"], book=tags(picture=png()))
    verify_m4b(path, duration_s, wanted, cover=True)
    assert "lasts" in spoiled(path, duration_s + 0.2, wanted) or "ends" in spoiled(path, duration_s + 0.2, wanted)
    assert "2" in spoiled(path, duration_s, wanted[:2])
    assert "another title" in spoiled(path, duration_s, [*wanted[:2], ChapterMark("Four", 1, 2.0, 3.0)])
    assert "starts" in spoiled(path, duration_s, [*wanted[:2], ChapterMark("Three", 1, 2.01, 3.0)])
    assert "cover" in spoiled(path, duration_s, wanted, cover=False)


def test_nothing_of_a_cover_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a stranger's picture: a small file may unfold into half a gigabyte, and what is damaged meets ffmpeg's decoders."""
    path, seen, opened = tmp_path / "b.m4b", list[object](), av.open
    duration_s, wanted = write_book(path, ["One"], book=tags(picture=png()))

    def watched(*given: Any, **options: Any) -> Any:
        container = opened(*given, **options)
        seen.extend(stream.codec_context.pix_fmt for stream in getattr(container.streams, "video", ()) if len(given) == 1)
        return container

    monkeypatch.setattr(av, "open", watched)
    verify_m4b(path, duration_s, wanted, cover=True)
    cut(path, 0.0, 0.5, tmp_path / "piece.wav", lambda: False)
    retag(path, tmp_path / "again.m4b", tags(picture=png()), MARK)
    assert seen == [None] * 4


def test_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "b.m4b"
    duration_s, wanted = write_book(path, ["One", "Two", "Three"], book=tags(picture=png()))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert spoiled(path, duration_s, wanted)
    path.write_bytes(b"")
    assert spoiled(path, duration_s, wanted)
    path.unlink()
    assert spoiled(path, duration_s, wanted)
    path.write_bytes(whole[:200] + os.urandom(len(whole) // 2 - 200) + whole[len(whole) // 2 :])
    assert spoiled(path, duration_s, wanted)


def test_a_file_without_our_mark_does_not_pass(tmp_path: Path) -> None:
    path = tmp_path / "b.m4b"
    duration_s, wanted = write_book(path, ["One"])
    file = MP4(path)
    del file.tags["----:org.convert-to-audiobook:mark"]
    file.save()
    assert "mark" in spoiled(path, duration_s, wanted, cover=False)


# only the tags


def test_new_tags_leave_the_sound_and_the_old_file_as_they_are(tmp_path: Path) -> None:
    old, new = tmp_path / "old.m4b", tmp_path / "new.part"
    write_book(old, ["One", "é" * 300], book=tags(picture=png()))
    before = old.read_bytes()
    retag(old, new, tags(Metadata("Another title"), picture=jpeg()), MARK)
    assert old.read_bytes() == before
    found = probe(new)
    assert found.tags["title"] == "Another title"
    assert "artist" not in found.tags
    assert found.chapters == probe(old).chapters
    assert read_mark(new) == MARK
    assert packets(old) == packets(new)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0)]


def test_a_file_that_cannot_be_read_is_not_retagged(tmp_path: Path) -> None:
    (tmp_path / "old.m4b").write_bytes(b"broken")
    with pytest.raises(SidecarError) as caught:
        retag(tmp_path / "old.m4b", tmp_path / "new.part", tags(), MARK)
    assert code(caught) == "encoder_failed"


def test_tags_survive_being_written_twice(tmp_path: Path) -> None:
    duration_s, wanted = write_book(tmp_path / "b.m4b", ["One"], book=tags(picture=png()))
    for _ in range(3):
        write_tags(tmp_path / "b.m4b", tags(), MARK.to_json())
    verify_m4b(tmp_path / "b.m4b", duration_s, wanted, cover=False)
