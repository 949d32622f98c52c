"""Reports as windows get them: in words, bounded, and never a crash, whoever wrote the file."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from plugin.converting import report, report_words
from plugin.converting.report_rows import MOST_LINE, SMALL_BYTES
from plugin.errors import PluginError, warning_sentence


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


def test_another_file_in_the_place_of_the_audiobook_is_seen_and_an_older_report_sees_none(tmp_path: Path) -> None:
    book, other = tmp_path / "book.m4b", tmp_path / "moved.m4b"
    book.write_bytes(b"ours")
    path = write(tmp_path / "r.json", head(), [sentence(0)], SKIPPED, WARNINGS)
    assert report.complete(path, str(tmp_path / "gone.m4b")) is None and not report.as_it_stands(report.read(path), str(book)).replaced
    assert report.complete(path, str(book)) is None
    assert not report.as_it_stands(report.read(path), "").replaced
    book.rename(other)
    moved = report.as_it_stands(report.read(path), str(other))
    assert moved.path == other and not moved.replaced, "a title was edited"
    other.write_bytes(b"bought elsewhere")
    assert report.as_it_stands(report.read(path), str(other)).replaced


def test_lists_are_bounded_and_counted(tmp_path: Path) -> None:
    rows = [sentence(number, "clipped", text="x" * 5000) for number in range(3000)]
    others = [{"chapter": None, "text": "x", "reason": f"newer {number}"} for number in range(50)]
    path = write(tmp_path / "r.json", head(), rows, [*SKIPPED * 15_000, *others], WARNINGS * 3000)
    found = report.read(path)
    assert (len(found.doubtful), found.doubtful_count) == (report.MOST_ROWS, 3000)
    assert (len(found.warnings), found.warning_count) == (report.MOST_ROWS, 3000)
    assert found.left_out_by[report_words.REASONS["boilerplate"]] == found.left_out_by["of a newer engine"] == 15_000
    assert sum(left.reason == "of a newer engine" for left in found.left_out) == report.MOST_OF_A_REASON
    assert found.left_out_count == 30_050 and len(found.left_out_by) == report.MOST_REASONS + 1
    assert len(found.doubtful[0].text) == report.MOST_TEXT
    whole = report.all_of(found)
    assert (len(whole.doubtful), len(whole.left_out), len(whole.warnings), len(whole.doubtful[0].text)) == (3000, 30_050, 3000, 5000)
    counted = Counter[str]()
    assert report.complete(path, None, None, counted) is None and found.left_out_by == counted


@pytest.mark.parametrize("many", [3, 6000])
def test_a_long_text_is_told_in_full_where_it_is_wanted(tmp_path: Path, many: int) -> None:
    note, missing = "A long note. " * 100_000, "Never said. " * 200
    skipped = [{"chapter": None, "part": "Endnotes", "text": note, "reason": "note"}, {"chapter": 0, "part": "", "text": "2", "reason": "noteref"}]
    rows = [sentence(number) for number in range(many)]
    rows[2] = sentence(2, "failed", text=missing)
    path = write(tmp_path / "r.json", head(), rows, [SKIPPED[0], *skipped], [])
    found = report.read(path)
    _, long, short = found.left_out
    assert [(left.chapter, left.cut) for left in (long, short)] == [("Endnotes", True), ("One", False)] and short.text == "2"
    assert report.in_full(found, long) == note.strip() and report.in_full(found, found.doubtful[0]) == missing.strip()
    path.write_text(path.read_text("utf-8").replace("long", "new"), "utf-8")
    os.utime(path, (1, 1))
    for asks in (lambda: report.in_full(found, long), lambda: report.all_of(found)):
        with pytest.raises(PluginError, match="report_unreadable"):
            asks()


def test_a_sentence_says_which_of_its_words_were_not_said(tmp_path: Path) -> None:
    known, older = {**sentence(0, "words_unspoken"), "unspoken": ["ᎠᎡ", "x⊕\n"]}, sentence(1, "words_unspoken", "clipped")
    hostile = {**sentence(2, "words_unspoken"), "unspoken": ["y" * 5000, 7] * 50}
    found = report.read(write(tmp_path / "r.json", head(), [known, older, hostile], [], [])).doubtful
    assert found[0].all_of_why == "some of its words could not be pronounced: “ᎠᎡ”, “x⊕”"
    assert found[1].all_of_why == found[1].why == "some of its words could not be pronounced, too loud, crackles"
    assert len(found[2].all_of_why) < report.MOST_UNSPOKEN * (report.MOST_TEXT + 10)
    assert [row.lacks for row in found] == [True, True, True], "also where no clip names them"


@pytest.mark.parametrize("code", report_words.TO_CHECK)
def test_what_only_counts_sentences_stands_above_them_and_is_no_message(tmp_path: Path, code: str) -> None:
    """And it does not send who reads the report to the report."""
    counts, other = {"code": code, "params": {"count": 3}, "text": "Some (3); the report marks them."}, {"code": "toc_empty", "params": {}}
    found = report.read(write(tmp_path / "r.json", head(), [], [], [counts, other, counts]))
    (said,) = found.to_check
    assert ": 3." in said and "report" not in said
    assert found.warning_count == 1 and found.warnings == (warning_sentence("toc_empty", {}),)


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


@pytest.mark.parametrize("many", [3, 3000])
def test_how_much_was_spoken_is_counted(tmp_path: Path, many: int) -> None:
    path = write(tmp_path / "r.json", head(), [{**sentence(n), "spoken": "Twelve signs"} for n in range(many)], [], [])
    assert report.spoken_text(path) == (12 * many, many)
    path.write_text("[]", "utf-8")
    with pytest.raises(PluginError, match="report_unreadable"):
        report.spoken_text(path)
    counted = Counter[str]()
    assert report.complete(path, None, None, counted) is not None and not counted, "the audiobook is there all the same"
