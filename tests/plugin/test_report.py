"""Reports as windows get them: in words, bounded, and never a crash, whoever wrote the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.converting import report
from plugin.converting.report_rows import MOST_LINE, SMALL_BYTES
from plugin.errors import PluginError


def sentence(number: int, *flags: str, chapter: int = 0, text: str = "It was a bright cold day.") -> dict[str, Any]:
    return {"chapter": chapter, "text": text, "start_s": number * 2.0, "end_s": number * 2.0 + 1.5, "words": None, "flags": list(flags)}


def head(**more: Any) -> dict[str, Any]:
    chapters = [{"title": "One", "level": 1, "start_s": 0.0, "end_s": 9.0}, {"title": "Two", "level": 1, "start_s": 9.0, "end_s": 99.0}]
    return {
        "schema": 1,
        "book": {"title": "A Book"},
        "voice": "x",
        "voice_name": "Joe",
        "engine": "vits_onnx",
        "device": "cpu",
        "path": "/home/reader/audiobook.m4b",
        "outcome": "written",
        "duration_s": 99.5,
        "wall_s": 12.5,
        "kept": 2,
        "chapters": chapters,
        **more,
    }


def write(path: Path, head: dict[str, Any], sentences: list[Any], skipped: list[Any], warnings: list[Any]) -> Path:
    """As the sidecar does, a row a line."""
    lists = {"sentences": sentences, "skipped": skipped, "warnings": warnings}
    text = json.dumps(head, indent=1)[:-2]
    for name, found in lists.items():
        text += f',\n"{name}": [' + ",".join("\n " + json.dumps(row) for row in found) + "]"
    path.write_text(text + "\n}\n", "utf-8")
    return path


SKIPPED = [{"chapter": 1, "text": "Copyright 1843", "reason": "boilerplate"}, {"chapter": None, "text": "*", "reason": "of a newer engine"}]
WARNINGS = [{"code": "toc_empty", "params": {}}]


@pytest.mark.parametrize("many", [3, 6000])
def test_a_report_small_or_large_tells_what_to_look_at(tmp_path: Path, many: int) -> None:
    rows = [sentence(number) for number in range(many)]
    rows[1] = sentence(1, "too_long", "edge", "again", chapter=1)
    rows[2] = sentence(2, "failed", text="Never\nmind.")
    path = write(tmp_path / "r.json", head(), rows, SKIPPED, WARNINGS)
    assert (path.stat().st_size > SMALL_BYTES) == (many > 3)
    found = report.read(path)
    assert (found.title, found.duration_s, found.wall_s, found.kept, found.voice, found.sentences) == ("A Book", 99.5, 12.5, 2, "Joe", many)
    assert found.chapters == (report.Chapter("One", 0.0, 9.0), report.Chapter("Two", 9.0, 99.0))
    odd, missing = found.doubtful
    assert (odd.start_s, odd.end_s, odd.chapter, odd.spoken) == (2.0, 3.5, "Two", True) and "slow" in odd.why
    assert (missing.text, missing.spoken) == ("Never mind.", False) and "could not be spoken" in missing.why
    assert [(place.chapter, place.text) for place in found.left_out] == [("Two", "Copyright 1843"), ("", "*")]
    assert "copyright" in found.left_out[0].reason and found.left_out[1].reason == "of a newer engine"
    assert found.warnings == ("The book has no table of contents; its headings are used as chapters.",)


@pytest.mark.parametrize("many", [3, 6000])
def test_completing_it_adds_sentences_and_the_place_and_keeps_the_rest(tmp_path: Path, many: int) -> None:
    rows = [sentence(number) for number in range(many)]
    path = write(tmp_path / "r.json", head(speakers=[1, 2]), rows, SKIPPED, WARNINGS)
    assert report.complete(path, "/library/book.m4b") is None
    raw = json.loads(path.read_text("utf-8"))
    assert raw == {**head(speakers=[1, 2], path="/library/book.m4b"), "sentences": rows, "skipped": SKIPPED, "warnings": raw["warnings"]}
    assert raw["warnings"] == [{**WARNINGS[0], "text": "The book has no table of contents; its headings are used as chapters."}]
    assert report.read(path).path == Path("/library/book.m4b") and [p.name for p in tmp_path.iterdir()] == ["r.json"]
    before = path.read_bytes()
    assert report.complete(path, None) is None and path.read_bytes() == before


def test_lists_are_bounded_and_counted(tmp_path: Path) -> None:
    rows = [sentence(number, "clipped", text="x" * 5000) for number in range(3000)]
    found = report.read(write(tmp_path / "r.json", head(), rows, SKIPPED * 15_000, []))
    assert (len(found.doubtful), found.doubtful_count) == (report.MOST_ROWS, 3000)
    assert (len(found.left_out), found.left_out_count) == (report.MOST_LEFT_OUT, 30_000)
    assert len(found.doubtful[0].text) == report.MOST_TEXT


def test_what_was_left_out_is_told_in_full_under_the_title_of_what_it_stands_in(tmp_path: Path) -> None:
    note = "A long note. " * 200
    skipped = [{"chapter": None, "part": "Endnotes", "text": note, "reason": "note"}, {"chapter": 0, "part": "", "text": "2", "reason": "noteref"}]
    found = report.read(write(tmp_path / "r.json", head(), [], skipped, []))
    assert [(left.chapter, left.text) for left in found.left_out] == [("Endnotes", note.strip()), ("One", "2")]


@pytest.mark.parametrize("code", ["sentences_failed", "sentences_unpronounceable", "sentences_flagged"])
def test_a_note_in_the_report_leads_to_its_list_and_not_to_the_report(tmp_path: Path, code: str) -> None:
    kept = {"code": code, "params": {"count": 3}, "text": "Some (3); the report marks them."}
    (said,) = report.read(write(tmp_path / "r.json", head(), [], [], [kept])).warnings
    assert "(3)" in said and "“To check”" in said and "report" not in said


BROKEN = {
    "empty": b"",
    "half": b'{"schema": 1, "book": {"title": "A',
    "no object": b"[1, 2]",
    "no utf-8": b"\xff\xfe\x00",
    "deep": b"[" * 200_000,
    "rows that are none": b'{"sentences": [1, 2]}',
    "lists that are none": b'{"sentences": {"a": 1}}',
    "large and no report": b'{"a": 1,\n' + b' "b": 2,\n' * SMALL_BYTES,
    "one long line": b'{"a": "' + b"x" * (MOST_LINE + 10) + b'"}',
    "large and cut": b'{"schema": 1,\n"sentences": [' + b'\n {"text": "a", "flags": []},' * 30_000 + b'\n {"te',
    "chapters that are none": b'{"chapters": 7}',
    "a number of that size": b'{"duration_s": 1' + b"0" * 400 + b"}",
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_report_is_one_error_with_a_sentence(tmp_path: Path, what: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(BROKEN[what])
    with pytest.raises(PluginError) as caught:
        report.read(path)
    assert caught.value.code == "report_unreadable" and "{" not in caught.value.what()


def test_a_report_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="report_unreadable"):
        report.read(tmp_path / "none.json")


def test_numbers_and_texts_of_a_hostile_report_are_tamed(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    odd = {"chapter": 10**9, "text": ["\x1b[31m"], "start_s": -5, "end_s": "x", "flags": ["silent"]}
    head = {"duration_s": float("inf"), "wall_s": "fast", "kept": [], "book": {"title": "a\nb\x1b"}}
    told = {**head, "chapters": [{"start_s": "x", "end_s": -1}], "sentences": [odd]}
    path.write_text(json.dumps(told), "utf-8")
    found = report.read(path)
    assert (found.duration_s, found.wall_s, found.kept, found.title) == (0.0, 0.0, 0, "a b") and not found.doubtful[0].spoken
    assert found.doubtful[0].text.isprintable() and found.doubtful[0].chapter == "" and found.chapters == (report.Chapter("", 0.0, 0.0),)


def test_the_latest_report_of_a_book_is_found_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert report.latest_for("library 7") is None and not list(tmp_path.iterdir()), "asking makes nothing"
    report.kept_path("library 7").write_text("{}", "utf-8")
    assert report.latest_for("library 7") == report.kept_path("library 7") and report.latest_for("library 8") is None
