"""The file a listener gets: read by ffprobe, by mutagen and by PyAV."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import ChapterMark
from e2a_sidecar.writing.aac import encoder_rate_hz
from e2a_sidecar.writing.m4b import M4bWriter, marks_in_file
from e2a_sidecar.writing.nero import nero_title
from e2a_sidecar.writing.verify import verify_m4b
from mutagen.mp4 import MP4

sys.path.insert(0, str(Path(__file__).parent))
from writing_samples import RATE_HZ, jpeg, probe, tags, tone, write_book

LONG = [
    "Chapter 1: " + "How it happened that " * 12,
    "a" * 255,
    "a" * 254 + "é",
    "é" * 300,
    "章" * 85 + "x",
    "😀" * 64,
    "-dash = # ; \\ ' \"",
]


def test_both_kinds_of_chapters_say_the_same(tmp_path: Path) -> None:
    duration_s, in_file = write_book(tmp_path / "b.m4b", ["Stave One", "Stave Two", "Die Straße"])
    found = probe(tmp_path / "b.m4b")
    assert found.chapters == [(m.start_s, m.title) for m in in_file]
    assert [(c.start, c.title) for c in MP4(tmp_path / "b.m4b").chapters] == [(0.0, "Stave One"), (1.0, "Stave Two"), (2.0, "Die Straße")]
    assert found.duration_s == duration_s == 3.0
    assert found.language == "eng"


@pytest.mark.parametrize("n_samples", [1023, 1024, 1025, 22050, 50001])
def test_the_length_is_exact_to_the_millisecond_and_no_sample_moves(tmp_path: Path, n_samples: int) -> None:
    path, sound = tmp_path / "b.m4b", tone(n_samples)
    writer = M4bWriter(path, RATE_HZ, 64000)
    writer.write(sound)
    writer.finish([ChapterMark("1", 1, 0.0, n_samples / RATE_HZ)])
    with av.open(str(path)) as container:
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])[:n_samples]
        assert container.duration / av.time_base == pytest.approx(n_samples / RATE_HZ, abs=0.001)
    if n_samples > 5000:
        middle = slice(2000, n_samples - 2000)
        assert np.abs(heard[middle] * 32768 - sound[middle]).max() < 300


@pytest.mark.parametrize("title", LONG)
def test_titles_of_any_length_are_whole_in_quicktime_and_cut_at_a_character_in_nero(tmp_path: Path, title: str) -> None:
    _, in_file = write_book(tmp_path / "b.m4b", ["First", title, "Last"])
    whole = [" ".join(t.split()) for t in ("First", title, "Last")]
    assert [t for _, t in probe(tmp_path / "b.m4b").chapters] == whole
    nero = [c.title for c in MP4(tmp_path / "b.m4b").chapters]
    assert nero == [nero_title(t) for t in whole]
    assert len(nero[1].encode()) > 250 or nero[1] == whole[1]
    verify_m4b(tmp_path / "b.m4b", 3.0, in_file, cover=False)


@pytest.mark.parametrize("count", [255, 256, 1000])
def test_with_more_than_255_chapters_quicktime_has_them_all_alone(tmp_path: Path, count: int) -> None:
    titles = [f"Chapter {n}" for n in range(count)]
    duration_s, in_file = write_book(tmp_path / "b.m4b", titles, rate_hz=8000, each_s=0.1)
    assert [t for _, t in probe(tmp_path / "b.m4b").chapters] == titles
    nero = MP4(tmp_path / "b.m4b").chapters
    assert ([c.title for c in nero] == titles) if count <= 255 else not nero
    verify_m4b(tmp_path / "b.m4b", duration_s, in_file, cover=False)


def test_a_book_that_starts_before_its_first_chapter_opens_with_its_title(tmp_path: Path) -> None:
    _, in_file = write_book(tmp_path / "b.m4b", ["One", "Two"], start_s=1.5)
    assert [(m.start_s, m.title) for m in in_file] == [(0.0, "The Book"), (1.5, "One"), (2.5, "Two")]
    assert probe(tmp_path / "b.m4b").chapters == [(0.0, "The Book"), (1.5, "One"), (2.5, "Two")]


def test_titles_that_are_empty_or_full_of_control_characters_become_readable() -> None:
    raw = [ChapterMark(title, 1, float(n), n + 1.0) for n, title in enumerate(["", "\0\x07", "a\r\n\tb\u2028c", "x" * 5000, "\ud800y"])]
    assert [m.title for m in marks_in_file(raw, "")] == ["1", "2", "a b c", "x" * 1000, "y"]


def test_a_book_without_chapters_is_a_book(tmp_path: Path) -> None:
    write_book(tmp_path / "b.m4b", ["x"])
    writer = M4bWriter(tmp_path / "c.m4b", RATE_HZ, 64000)
    writer.write(tone(RATE_HZ))
    writer.finish([])
    assert probe(tmp_path / "c.m4b").chapters == []


@pytest.mark.parametrize(
    ("rate_hz", "in_file_hz"), [(8000, 8000), (16000, 16000), (20000, 22050), (22050, 22050), (24000, 24000), (44100, 44100), (192000, 96000)]
)
def test_every_voices_rate_has_an_encoder(tmp_path: Path, rate_hz: int, in_file_hz: int) -> None:
    assert encoder_rate_hz(rate_hz) == in_file_hz
    duration_s, in_file = write_book(tmp_path / "b.m4b", ["a", "b"], rate_hz=rate_hz)
    with av.open(str(tmp_path / "b.m4b")) as container:
        assert container.streams.audio[0].rate == in_file_hz
    assert duration_s == 2.0
    verify_m4b(tmp_path / "b.m4b", 2.0, in_file, cover=False)


def test_the_cover_is_a_picture_to_every_reader(tmp_path: Path) -> None:
    write_book(tmp_path / "b.m4b", ["a"], book=tags(picture=jpeg()))
    assert "mjpeg" in probe(tmp_path / "b.m4b").codecs
    assert bytes(MP4(tmp_path / "b.m4b").tags["covr"][0]) == jpeg()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_as_one() -> None:
    with pytest.raises(SidecarError) as caught:
        writer = M4bWriter(Path("/dev/full"), RATE_HZ, 64000)
        for _ in range(100):
            writer.write(tone(RATE_HZ * 10))
        writer.finish([])
    assert caught.value.code == "disk_full"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        M4bWriter(tmp_path / "gone" / "b.m4b", RATE_HZ, 64000)
    assert caught.value.code == "output_unwritable"


def test_nothing_is_left_of_what_is_abandoned(tmp_path: Path) -> None:
    writer = M4bWriter(tmp_path / "b.m4b", RATE_HZ, 64000)
    writer.write(tone(RATE_HZ))
    writer.abandon()
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


MEASURE = """
import resource, sys
import numpy as np
from pathlib import Path
from e2a_sidecar.writing.m4b import M4bWriter
writer = M4bWriter(Path(sys.argv[1]), 22050, 64000)
minute = np.random.default_rng(0).normal(0, 900, 22050 * 60).astype(np.int16)
writer.write(minute)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(60):
    writer.write(minute)
writer.finish([])
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_memory_does_not_grow_with_the_book(tmp_path: Path) -> None:
    """An hour is 159 MB of samples."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path / "b.m4b")], capture_output=True, check=True, text=True)
    assert int(done.stdout) < 30_000
