"""A real sidecar process on a real pipe: what it makes of a bundle, what it refuses, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import mutagen.mp4
import pytest
from e2a_sidecar.mastering.master import SOUND_VERSION
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.tone import Tone
from e2a_sidecar.writing.mark import make_mark, read_mark
from e2a_sidecar.writing.tags import Tags
from session_driver import WAIT_S, Driver, conversion, write_bundle

CHAPTERS = {
    "One": ["The first sentence is here. And a second one follows it.", "Another paragraph."],
    "Two": ["What comes last is short."],
}


def convert(folder: Path, chapters: dict[str, list[str]] = CHAPTERS, metadata: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """One conversion in a process of its own; returns the message that ended it."""
    bundle = folder / "bundle"
    if not bundle.exists():
        write_bundle(bundle, chapters, **(metadata or {}))
    with Driver() as driver:
        driver.send(**conversion(bundle, folder / "book.m4b", folder / "cache", report=str(folder / "report.json"), **fields))
        return driver.end()


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def test_a_bundle_becomes_an_audiobook_with_its_chapters(tmp_path: Path) -> None:
    end = convert(tmp_path)
    assert end["type"] == "done" and end["outcome"] == "written", end
    with av.open(str(tmp_path / "book.m4b")) as container:
        assert [c["metadata"]["title"] for c in container.chapters()] == ["One", "Two"]
        duration_s = container.duration / av.time_base
    rep = report(tmp_path)
    assert rep["duration_s"] == pytest.approx(duration_s, abs=0.1)
    first = ["One", "The first sentence is here.", "And a second one follows it.", "Another paragraph."]
    assert [s["text"] for s in rep["sentences"]] == [*first, "Two", "What comes last is short."]
    assert [s["chapter"] for s in rep["sentences"]] == [0, 0, 0, 0, 1, 1]
    assert (rep["engine"], rep["device"], rep["voice"]) == ("tone", "cpu", "tone")
    assert mutagen.mp4.MP4(tmp_path / "book.m4b").tags["\xa9nam"] == ["A Book"]


def test_every_word_has_its_time_within_its_sentence(tmp_path: Path) -> None:
    convert(tmp_path)
    for sentence in report(tmp_path)["sentences"]:
        assert [sentence["text"][a:b] for _, _, a, b in sentence["words"]] == sentence["text"].replace(".", "").split()
        times = [t for start, end, _, _ in sentence["words"] for t in (start, end)]
        assert times == sorted(times) and sentence["start_s"] <= times[0] and times[-1] <= sentence["end_s"] + 1e-3


def test_the_same_book_again_is_left_as_it_is_and_nothing_is_spoken(tmp_path: Path) -> None:
    convert(tmp_path)
    before = (tmp_path / "book.m4b").stat()
    end = convert(tmp_path)
    after = (tmp_path / "book.m4b").stat()
    assert end["outcome"] == "unchanged" and (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert end["report"]["spoken_now"]["sentences"] == 0
    assert len(report(tmp_path)["sentences"]) == 6


def test_a_deleted_file_comes_back_without_speaking(tmp_path: Path) -> None:
    convert(tmp_path)
    first = (tmp_path / "book.m4b").read_bytes()
    (tmp_path / "book.m4b").unlink()
    end = convert(tmp_path)
    assert end["outcome"] == "written" and end["report"]["spoken_now"]["sentences"] == 0
    assert (tmp_path / "book.m4b").read_bytes() == first


def test_other_metadata_rewrite_the_tags_alone(tmp_path: Path) -> None:
    convert(tmp_path)
    index = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    index["metadata"]["series"], index["metadata"]["series_index"] = "A Series", 2
    (tmp_path / "bundle" / "bundle.json").write_text(json.dumps(index))
    end = convert(tmp_path)
    assert end["outcome"] == "retagged", end
    tags = mutagen.mp4.MP4(tmp_path / "book.m4b").tags
    assert bytes(tags["----:com.apple.iTunes:SERIES"][0]) == b"A Series"


def test_other_pauses_make_another_file_of_the_same_clips_and_the_usual_ones_the_first_again(tmp_path: Path) -> None:
    usual = convert(tmp_path)["report"]["duration_s"]
    first = (tmp_path / "book.m4b").read_bytes()
    assert convert(tmp_path, settings={"pauses": 1.0})["outcome"] == "unchanged"
    end = convert(tmp_path, settings={"pauses": 2.0})
    assert end["outcome"] == "written" and end["report"]["spoken_now"]["sentences"] == 0 and end["report"]["duration_s"] > usual + 3
    rep = report(tmp_path)
    assert rep["sentences"][2]["start_s"] - rep["sentences"][1]["end_s"] == pytest.approx(0.7, abs=1e-2)
    assert convert(tmp_path, settings={"pauses": 2.0})["outcome"] == "unchanged" and report(tmp_path)["duration_s"] == rep["duration_s"]
    assert convert(tmp_path, settings={"pauses": 0.4})["code"] == "bad_request"
    assert convert(tmp_path)["outcome"] == "written" and (tmp_path / "book.m4b").read_bytes() == first


def test_who_speaks_faster_pauses_shorter(tmp_path: Path) -> None:
    usual = convert(tmp_path)["report"]["duration_s"]
    end = convert(tmp_path, settings={"speed": 2.0})
    rep = report(tmp_path)
    assert rep["sentences"][2]["start_s"] - rep["sentences"][1]["end_s"] == pytest.approx(0.175, abs=1e-2)
    assert end["report"]["duration_s"] == pytest.approx(usual / 2, rel=0.05)
    assert convert(tmp_path, settings={"speed": 2.0})["outcome"] == "unchanged"


def test_the_mark_is_made_of_what_it_was_before_pauses_could_be_chosen(tmp_path: Path) -> None:
    convert(tmp_path)
    shaping = {**Tone(SpeechSettings()).identity, "rate_hz": Tone.rate_hz, "bitrate": 64_000, "sound": SOUND_VERSION}
    book = read_book(tmp_path / "bundle")
    wanted, found = make_mark(shaping, book, Tags(book.metadata, "", "")), read_mark(tmp_path / "book.m4b")
    assert found is not None and (found.settings, found.text, found.chapters) == (wanted.settings, wanted.text, wanted.chapters)


def test_progress_says_in_which_chapter_it_is(tmp_path: Path) -> None:
    chapters = {f"Chapter {n}": [f"Sentence number {n * 100 + k} of a book that takes its time." for k in range(40)] for n in range(4)}
    write_bundle(tmp_path / "bundle", chapters)
    told = []
    with Driver() as driver:
        driver.send(**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache"))
        while (message := driver.next())["type"] != "done":
            told.append(message)
    found = [m["chapter"] for m in told if m["type"] == "progress"]
    assert found == sorted(found) and found[0] == 0 and found[-1] == 4
    assert {m["chapters"] for m in told if m["type"] == "progress" and m["stage"] in ("speak", "write", "verify")} == {4}


def test_a_changed_sentence_is_spoken_and_nothing_else(tmp_path: Path) -> None:
    convert(tmp_path)
    page = tmp_path / "bundle" / "content" / "c1.xhtml"
    page.write_text(page.read_text().replace("is short", "is now longer"))
    end = convert(tmp_path)
    assert end["outcome"] == "written" and end["report"]["spoken_now"]["sentences"] == 1


def test_a_sentence_that_stands_twice_is_spoken_once(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", {"A": ["Again and again.", "Again and again.", "Again and again."]})
    told = []
    with Driver() as driver:
        driver.send(**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache"))
        while (end := driver.next())["type"] != "done":
            told.append(end)
    assert end["report"]["spoken_now"]["sentences"] == 2 and end["report"]["sentences"] == 4 and end["report"]["kept"] == 0
    assert (told[-1]["sentences"], told[-1]["of"]) == (4, 4), "all of them are done then"


def test_somebody_elses_file_is_never_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "book.m4b").write_bytes(b"bought with money")
    end = convert(tmp_path)
    assert (end["type"], end["code"]) == ("error", "exists_foreign")
    assert (tmp_path / "book.m4b").read_bytes() == b"bought with money"
    assert convert(tmp_path, replace=True)["outcome"] == "written"


@pytest.mark.parametrize("chapters", [{}, {"…": ["***", "— !"]}])
def test_nothing_to_say_is_an_error_and_leaves_no_file(tmp_path: Path, chapters: dict[str, list[str]]) -> None:
    end = convert(tmp_path, chapters)
    assert end["code"] == "no_text"
    assert not (tmp_path / "book.m4b").exists()


def test_a_voice_with_another_hash_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "voice.onnx"
    model.write_bytes(b"not what was promised")
    voice = {"id": "v", "kind": "piper", "files": {"model": str(model), "config": str(model)}, "sha256": {"model": "00" * 32}}
    end = convert(tmp_path, voice=voice)
    assert end["code"] == "voice_broken" and "hash" in end["params"]["reason"]


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    end = convert(tmp_path, device="warp:9")
    assert (end["code"], end["params"]["device"]) == ("device_unusable", "warp:9")


def test_a_target_that_cannot_be_written_is_said_before_anything_is_spoken(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", CHAPTERS)
    with Driver() as driver:
        driver.send(**conversion(tmp_path / "bundle", tmp_path / "missing" / "book.m4b", tmp_path / "cache"))
        end = driver.end()
    assert end["code"] == "output_unwritable"


LONG = {f"Chapter {n}": [f"Sentence number {n * 100 + k} of a long book, with some words in it." for k in range(30)] for n in range(8)}


def test_cancel_answers_soon_keeps_the_process_and_leaves_no_file(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", LONG)
    with Driver() as driver:
        driver.send(**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache"))
        while (stopped := driver.until("progress"))["sentences"] == 0:
            pass
        driver.send(type="cancel", id=1)
        assert driver.end()["type"] == "cancelled"
        assert driver.process.poll() is None
        assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []
        driver.send(**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache", id=2))
        while (began := driver.until("progress"))["of"] == 0:
            pass
        end = driver.end()
    assert (end["id"], end["outcome"]) == (2, "written")
    assert end["report"]["spoken_now"]["sentences"] + began["sentences"] == end["report"]["sentences"] == began["of"] == stopped["of"]
    assert end["report"]["kept"] == began["sentences"]
    assert began["sentences"] >= stopped["sentences"] and began["chapter"] >= 1, "it goes on from there"
    assert began["done"] > 0.4 * began["sentences"] / began["of"], "what is kept counts as done"


@pytest.mark.parametrize("how", ["eof", "sigterm", "shutdown"])
def test_the_end_of_the_other_side_ends_the_process_and_leaves_no_half_file(tmp_path: Path, how: str) -> None:
    write_bundle(tmp_path / "bundle", LONG)
    with Driver() as driver:
        driver.send(**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache"))
        while driver.until("progress")["sentences"] == 0:
            pass
        if how == "eof":
            assert driver.process.stdin is not None
            driver.process.stdin.close()
        elif how == "sigterm":
            driver.process.send_signal(signal.SIGTERM)
        else:
            driver.send(type="shutdown")
        assert driver.process.wait(5) == 0
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []


def test_what_the_wire_does_not_know_is_an_error_and_the_process_goes_on(tmp_path: Path) -> None:
    with Driver() as driver:
        for line in (b"not json\n", b'{"type": "dance", "id": 7}\n', b'{"type": "convert", "id": 8}\n', b"[1]\n", b'{"type": "probe"}\n'):
            driver.raw(line)
        errors = [driver.until("error") for _ in range(5)]
        assert {e["code"] for e in errors} == {"bad_request"}
        assert [e["id"] for e in errors] == [None, 7, 8, None, None]
        driver.send(type="probe", id=9, unknown_field=True)
        assert driver.until("devices")["devices"][0]["device"] == "cpu"
        assert driver.end()["outcome"] == "probed"


def test_a_line_without_end_is_refused_and_ends_the_session() -> None:
    with Driver() as driver:
        driver.raw(b"x" * ((1 << 20) + 10))
        assert driver.until("error")["code"] == "bad_request"
        assert driver.process.wait(WAIT_S) == 0


def test_the_core_layer_never_imports_torch(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", CHAPTERS)
    code = (
        "import sys, json\n"
        f"sys.path[:0] = [{str(Path(__file__).parents[2] / 'sidecar' / 'src')!r}, {str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1])!r}]\n"
        "from pathlib import Path\n"
        "from session_driver import conversion\n"
        "from e2a_sidecar.protocol import parse\n"
        "from e2a_sidecar.serve import KeptVoice\n"
        "from e2a_sidecar.convert import Conversion\n"
        "from e2a_sidecar.progress import Tracker\n"
        f"here = Path({str(tmp_path)!r})\n"
        "request = parse(json.dumps(conversion(here / 'bundle', here / 'b.m4b', here / 'c')).encode())\n"
        "print(Conversion(request, KeptVoice(), Tracker(lambda p: None), lambda w: None, lambda: False).run().outcome)\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('torch', 'TTS', 'transformers', 'scipy')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["written", "[]"]
