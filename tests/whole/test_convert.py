"""A book in a library becomes an audiobook of that book, by both runtimes, read back by other programs than ours."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import mutagen.mp4
import numpy as np
import pytest
import soundfile
from calibre_profile import Profile

JOE = "en_US-joe-medium"
RUNS = {"cpu": ("--voice", JOE, "--device", "cpu"), "cpu-torch": ("--voice", JOE, "--device", "cpu-torch"), "unasked": ("--device", "cpu")}
CHAPTERS = ["Before the Tide", "1. The Keeper", "2. The Visitor", "3. The Morning"]


def ffprobe(path: Path) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-show_format", "-show_chapters", "-show_streams", "-of", "json", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def sound(path: Path, start_s: float, length_s: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Mono samples at 16 kHz, decoded by ffmpeg."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-ss",
        str(start_s),
        "-t",
        str(length_s),
        "-i",
        str(path),
        "-map",
        "0:a",
        "-ac",
        "1",
        "-ar",
        "16000",
        "-f",
        "f32le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def library_with(profile: Profile, folder: Path, book: Path) -> Path:
    added = profile.run("calibredb", "add", "--with-library", str(folder), str(book))
    assert added.returncode == 0, added.stderr
    return folder


@pytest.fixture(scope="module")
def converted(profile: Profile, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The sample book by a VITS in each runtime, and as it is spoken where nobody has chosen a voice: (the library's M4B, its report)."""
    found = {}
    for name, chosen in RUNS.items():
        folder = tmp_path_factory.mktemp(name)
        library = library_with(profile, folder / "Library", sample)
        report = folder / "report.json"
        ran = profile.convert("--library", str(library), "--book", "1", *chosen, "--report", str(report), E2A_CACHE_DIR=str(folder / "clips"))
        assert ran.returncode == 0, ran.stderr
        audiobooks = list(library.rglob("*.m4b"))
        assert len(audiobooks) == 1, ran.stdout
        found[name] = (audiobooks[0], json.loads(report.read_text("utf-8")))
    return found


@pytest.mark.parametrize(
    ("asked", "engine", "device", "voice"),
    [("cpu", "vits_onnx", "cpu", JOE), ("cpu-torch", "vits_torch", "cpu-torch", JOE), ("unasked", "kokoro_student", "cpu", "heart")],
)
def test_the_library_gets_an_audiobook_of_the_book(
    converted: dict[str, tuple[Path, dict[str, Any]]], asked: str, engine: str, device: str, voice: str
) -> None:
    audiobook, report = converted[asked]
    assert (report["engine"], report["device"], report["voice"]) == (engine, device, voice)
    probed = ffprobe(audiobook)
    assert [c["tags"]["title"] for c in probed["chapters"]] == CHAPTERS == [c["title"] for c in report["chapters"]]
    assert float(probed["format"]["duration"]) == pytest.approx(report["duration_s"], abs=0.1)
    kinds = sorted((s["codec_type"], s["codec_name"]) for s in probed["streams"] if s["codec_type"] in ("audio", "video"))
    assert kinds[0] == ("audio", "aac") and kinds[1][0] == "video", kinds
    tags = mutagen.mp4.MP4(audiobook).tags
    assert tags["\xa9nam"] == ["The Lamp at Low Water"] and tags["\xa9ART"] == ["Convert to Audiobook"] and tags["covr"]
    assert "synthetic" in tags["\xa9nrt"][0] and tags["stik"] == [2]
    assert [c.title for c in mutagen.mp4.MP4(audiobook).chapters] == CHAPTERS


def test_the_torch_run_counts_its_transfers(converted: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    torch, onnx = converted["cpu-torch"][1], converted["cpu"][1]
    assert torch["transfers"] == {"host_copies_per_batch": 2, "uploads_per_batch": 2, "hidden_syncs": 0}
    assert set(onnx["transfers"].values()) == {None}
    assert {"torch", "coqui-tts"} <= set(torch["versions"]) and "onnxruntime" in onnx["versions"]


def test_both_runtimes_say_the_same_at_the_same_times(converted: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    one, other = converted["cpu"][1], converted["cpu-torch"][1]
    rows = [[(s["text"], s["start_s"], s["end_s"], s["words"]) for s in report["sentences"]] for report in (one, other)]
    assert rows[0] == rows[1] and len(rows[0]) > 30


def test_both_runtimes_keep_the_same_sound(converted: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    """Clip by clip, before anything is encoded: within 1e-3 of full scale (design rule 9)."""
    kept = {}
    for device in ("cpu", "cpu-torch"):
        folder = next(p for p in converted[device][0].parents if (p / "clips").is_dir()) / "clips"
        with contextlib.closing(sqlite3.connect(folder / "clips.sqlite")) as db:
            kept[device] = {key: soundfile.read(io.BytesIO(flac), dtype="float32")[0] for key, flac in db.execute("SELECT key, flac FROM clips")}
    assert kept["cpu"].keys() == kept["cpu-torch"].keys() and len(kept["cpu"]) > 30
    for key, samples in kept["cpu"].items():
        other = kept["cpu-torch"][key]
        assert samples.size == other.size and float(np.abs(samples - other).max()) < 1e-3


def test_every_word_of_the_sample_is_said_or_listed(converted: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    report = converted["cpu"][1]
    said = " ".join(s["text"] for s in report["sentences"])
    for expected in ("half past six", "C’est la vie", "And so the world goes on.", "put out a hand to see"):
        assert expected in said
    assert "The book is lost" not in said
    skipped = {s["reason"]: s["text"] for s in report["skipped"]}
    assert skipped["noteref"] == "1" and "The book is lost" in skipped["note"]


@pytest.mark.parametrize("run", ["cpu", "unasked"])
def test_words_stand_where_their_sound_is(converted: dict[str, tuple[Path, dict[str, Any]]], run: str) -> None:
    audiobook, report = converted[run]
    checked = 0
    for sentence in report["sentences"]:
        words = sentence["words"]
        assert words and re.sub(r"\W", "", "".join(sentence["text"][a:b] for *_, a, b in words)) == re.sub(r"\W", "", sentence["text"])
        if len(words) < 6:
            continue
        x = np.square(sound(audiobook, sentence["start_s"], sentence["end_s"] - sentence["start_s"]))
        inside = np.zeros(x.size, bool)
        for start_s, end_s, *_ in words:
            inside[int((start_s - sentence["start_s"]) * 16000) : int((end_s - sentence["start_s"]) * 16000)] = True
        assert x[inside].sum() > 0.9 * x.sum()
        checked += 1
    assert checked > 10


def test_a_second_run_does_nothing_and_other_tags_speak_nothing(profile: Profile, sample: Path, tmp_path: Path) -> None:
    library = library_with(profile, tmp_path / "Library", sample)
    arguments = ("--library", str(library), "--book", "1", "--voice", "tone")
    first = profile.convert(*arguments)
    assert first.returncode == 0, first.stderr
    audiobook = next(library.rglob("*.m4b"))
    before = audiobook.read_bytes()
    again = profile.convert(*arguments)
    assert again.returncode == 0 and "nothing was done" in again.stdout and audiobook.read_bytes() == before
    renamed = profile.run("calibredb", "set_metadata", "1", "--field", "series:Lamps", "--field", "series_index:3", "--with-library", str(library))
    assert renamed.returncode == 0, renamed.stderr
    third = profile.convert(*arguments, "--report", str(tmp_path / "r.json"))
    assert third.returncode == 0 and json.loads((tmp_path / "r.json").read_text())["outcome"] == "retagged", third.stderr
    tags = mutagen.mp4.MP4(next(library.rglob("*.m4b"))).tags
    assert bytes(tags["----:com.apple.iTunes:SERIES"][0]) == b"Lamps" and bytes(tags["----:com.apple.iTunes:SERIES-PART"][0]) == b"3"


def test_an_audiobook_that_was_not_ours_stays(profile: Profile, sample: Path, tmp_path: Path) -> None:
    library = library_with(profile, tmp_path / "Library", sample)
    bought = tmp_path / "bought.m4b"
    bought.write_bytes(b"bought with money")
    assert profile.run("calibredb", "add_format", "1", str(bought), "--with-library", str(library)).returncode == 0
    arguments = ("--library", str(library), "--book", "1", "--voice", "tone")
    refused = profile.convert(*arguments)
    assert refused.returncode == 10 and "--replace" in refused.stderr and "Traceback" not in refused.stderr
    assert next(library.rglob("*.m4b")).read_bytes() == b"bought with money"
    assert profile.convert(*arguments, "--replace").returncode == 0
    assert ffprobe(next(library.rglob("*.m4b")))["chapters"]
