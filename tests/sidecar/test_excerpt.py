"""A piece of an audiobook for a player: exactly the piece that was asked for, and a plain word where there is none."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Metadata, Samples
from e2a_sidecar.writing import excerpt
from e2a_sidecar.writing.excerpt import MOST_S, cut
from e2a_sidecar.writing.m4b import M4bWriter
from e2a_sidecar.writing.tags import Tags, write_tags
from session_driver import Driver
from writing_samples import MARK, write_book

FRAME = 1024


def never() -> bool:
    return False


def heard(path: Path) -> tuple[Samples, int]:
    with wave.open(str(path)) as f:
        assert (f.getnchannels(), f.getsampwidth()) == (1, 2)
        return np.frombuffer(f.readframes(f.getnframes()), dtype="<i2"), f.getframerate()


def book_with_bursts(path: Path, rate_hz: int, bursts_s: list[float], length_s: float) -> Path:
    """Silence, and a burst of 0.1 s at each of these times."""
    sound = np.zeros(round(length_s * rate_hz), dtype=np.int16)
    burst = np.rint(12000 * np.sin(2 * np.pi * 500 / rate_hz * np.arange(rate_hz // 10))).astype(np.int16)
    for at_s in bursts_s:
        at = round(at_s * rate_hz)
        sound[at : at + burst.size] = burst
    writer = M4bWriter(path, rate_hz, 64000)
    writer.write(sound)
    writer.finish([])
    write_tags(path, Tags(Metadata("A Book"), "Joe", "test"), MARK.to_json())
    return path


@pytest.mark.parametrize("rate_hz", [16000, 22050, 44100])
@pytest.mark.parametrize("at_s", [0.3, 5.0, 61.37, 88.0])
def test_a_piece_is_what_stands_there_to_within_a_frame(tmp_path: Path, rate_hz: int, at_s: float) -> None:
    book = book_with_bursts(tmp_path / "a.m4b", rate_hz, [0.3, 5.0, 61.37, 88.0], 90.0)
    start_s, end_s = max(0.0, at_s - 0.5), at_s + 0.75
    length_s = cut(book, start_s, end_s, tmp_path / "piece.wav", never)
    samples, file_rate_hz = heard(tmp_path / "piece.wav")
    assert file_rate_hz == rate_hz and length_s == samples.size / rate_hz == pytest.approx(end_s - start_s, abs=1 / rate_hz)
    loud = np.flatnonzero(np.abs(samples) > 6000)
    assert loud[0] == pytest.approx((at_s - start_s) * rate_hz, abs=FRAME) and loud[-1] - loud[0] == pytest.approx(0.1 * rate_hz, abs=FRAME)


def test_a_piece_in_the_middle_sounds_as_it_does_when_all_is_decoded(tmp_path: Path) -> None:
    write_book(tmp_path / "a.m4b", ["One", "Two", "Three"])
    cut(tmp_path / "a.m4b", 0.0, 3.0, tmp_path / "all.wav", never)
    cut(tmp_path / "a.m4b", 1.0, 2.0, tmp_path / "piece.wav", never)
    whole, rate_hz = heard(tmp_path / "all.wav")
    piece, _ = heard(tmp_path / "piece.wav")
    assert int(np.abs(whole[rate_hz : 2 * rate_hz].astype(int) - piece).max()) <= 2


def test_an_end_behind_the_books_is_its_end_and_no_piece_is_longer_than_some_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duration_s, _ = write_book(tmp_path / "a.m4b", ["One", "Two"])
    assert cut(tmp_path / "a.m4b", 0.5, 1e12, tmp_path / "piece.wav", never) == pytest.approx(duration_s - 0.5, abs=FRAME / 22050)
    monkeypatch.setattr(excerpt, "MOST_S", 0.25)
    assert cut(tmp_path / "a.m4b", 0.5, 1e12, tmp_path / "piece.wav", never) == pytest.approx(0.25, abs=1e-3)
    assert MOST_S <= 300


def broken(folder: Path, kind: str) -> Path:
    path = folder / "a.m4b"
    write_book(path, ["One", "Two"])
    whole = path.read_bytes()
    if kind == "gone":
        path.unlink()
    elif kind == "text":
        path.write_text("this is no audiobook")
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "short":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "foreign":
        writer = M4bWriter(path, 22050, 64000)
        writer.write(np.zeros(22050, dtype=np.int16))
        writer.finish([])
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    return path


@pytest.mark.parametrize("kind", ["gone", "text", "playlist", "empty", "short", "foreign", "folder", "pipe"])
def test_what_is_no_audiobook_of_ours_is_told(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SidecarError) as caught:
        cut(broken(tmp_path, kind), 0.0, 1.0, tmp_path / "piece.wav", never)
    assert caught.value.code == "audio_unreadable" and caught.value.params["reason"]
    assert not list(tmp_path.glob("piece*"))


def test_a_place_behind_the_end_is_told(tmp_path: Path) -> None:
    write_book(tmp_path / "a.m4b", ["One"])
    with pytest.raises(SidecarError) as caught:
        cut(tmp_path / "a.m4b", 5.0, 6.0, tmp_path / "piece.wav", never)
    assert caught.value.code == "audio_unreadable" and not list(tmp_path.glob("piece*"))


def test_damaged_bytes_give_a_word_or_a_noise_and_never_a_fault(tmp_path: Path) -> None:
    write_book(tmp_path / "a.m4b", ["One", "Two"])
    whole = (tmp_path / "a.m4b").read_bytes()
    random, endings = np.random.default_rng(7), set()
    for number in range(60):
        damaged = bytearray(whole)
        for at in random.integers(0, len(whole), 1 + number % 40):
            damaged[at] = int(random.integers(256))
        (tmp_path / "a.m4b").write_bytes(damaged)
        try:
            assert cut(tmp_path / "a.m4b", 0.2, 1.5, tmp_path / "piece.wav", never) <= 1.3 + 1e-3
            endings.add("heard")
        except SidecarError as error:
            assert error.code == "audio_unreadable"
            endings.add(error.code)
    assert endings == {"heard", "audio_unreadable"}


def test_a_file_that_takes_for_ever_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_book(tmp_path / "a.m4b", ["One"])
    monkeypatch.setattr(excerpt, "TIME_S", -1.0)
    with pytest.raises(SidecarError) as caught:
        cut(tmp_path / "a.m4b", 0.0, 1.0, tmp_path / "piece.wav", never)
    assert caught.value.code == "audio_unreadable"


def test_it_is_stopped_and_leaves_no_file(tmp_path: Path) -> None:
    write_book(tmp_path / "a.m4b", ["One"])
    with pytest.raises(Stopped):
        cut(tmp_path / "a.m4b", 0.0, 1.0, tmp_path / "piece.wav", lambda: True)
    assert not list(tmp_path.glob("piece*"))


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    write_book(tmp_path / "a.m4b", ["One"])
    with pytest.raises(SidecarError) as caught:
        cut(tmp_path / "a.m4b", 0.0, 1.0, tmp_path / "nowhere" / "piece.wav", never)
    assert caught.value.code == "output_unwritable"


def test_a_process_gives_one_over_the_wire(tmp_path: Path) -> None:
    write_book(tmp_path / "a.m4b", ["One", "Two"])
    with Driver() as driver:
        driver.send(type="excerpt", id=4, path=str(tmp_path / "a.m4b"), start_s=0.25, end_s=1.0, out=str(tmp_path / "piece.wav"))
        assert driver.end() == {"type": "done", "id": 4, "outcome": "cut", "report": {"duration_s": 0.75}}
        driver.send(type="excerpt", id=5, path=str(tmp_path / "b.m4b"), start_s=0.25, end_s=1.0, out=str(tmp_path / "piece.wav"))
        assert driver.end()["code"] == "audio_unreadable"
