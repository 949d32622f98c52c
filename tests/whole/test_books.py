"""Real books, whole: every chapter of the table of contents, every word by document and in order, chapters where they begin."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import mutagen.mp4
import pytest
from calibre_profile import Profile

from .test_convert import ffprobe

BOOKS = ["yellow-wallpaper", "christmas-carol", "flatland", "pinocchio-it"]


def book(dev_books: Path, name: str) -> dict[str, Any]:
    rows = json.loads((dev_books / "MANIFEST.json").read_text("utf-8"))["books"]
    found: dict[str, Any] = next(row for row in rows if row["id"] == name)
    return found


def in_order(wanted: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(title in rest for title in wanted)


def collapsed(text: str) -> str:
    return " ".join(text.split())


def words_by_document(report: dict[str, Any]) -> dict[str, int]:
    """The manifest counts what blanks separate."""
    counts: dict[str, int] = defaultdict(int)
    for row in [*report["sentences"], *report["skipped"]]:
        counts[row["source"][0]] += len(row["text"].split())
    return counts


def convert(profile: Profile, source: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    out, kept = folder / "book.m4b", folder / "report.json"
    asked = ("--voice", "tone", "--speed", "2", "--report", str(kept))
    ran = profile.run("calibre-debug", "-r", "Convert to Audiobook", "--", str(source), "-o", str(out), *asked, timeout=600)
    assert ran.returncode == 0, ran.stderr
    return out, json.loads(kept.read_text("utf-8"))


def check_chapters(out: Path, report: dict[str, Any], wanted: list[str]) -> None:
    titles = [collapsed(c["title"]) for c in report["chapters"]]
    assert in_order([collapsed(t) for t in wanted], titles)
    found = [collapsed(c["tags"]["title"]) for c in ffprobe(out)["chapters"]]
    assert in_order([collapsed(t) for t in wanted], found)
    nero = [c.title for c in mutagen.mp4.MP4(out).chapters]
    assert len(nero) == len(found) and all(full.startswith(collapsed(cut)[:100]) for cut, full in zip(nero, found, strict=True))
    first = {}
    for sentence in report["sentences"]:
        if sentence["chapter"] is not None:
            first.setdefault(sentence["chapter"], sentence)
    for number, sentence in first.items():
        assert 0 <= sentence["start_s"] - report["chapters"][number]["start_s"] <= 2.5, report["chapters"][number]["title"]


@pytest.mark.parametrize("name", BOOKS)
def test_a_real_book_has_its_chapters_and_all_its_words(profile: Profile, dev_books: Path, tmp_path: Path, name: str) -> None:
    expected = book(dev_books, name)
    out, report = convert(profile, dev_books / expected["file"], tmp_path)
    check_chapters(out, report, [c["title"] for c in expected["expected_toc_chapters"]])
    counts = words_by_document(report)
    total = sum(row["words"] for row in expected["spine"])
    assert sum(counts.values()) == pytest.approx(total, rel=0.005)
    for row in expected["spine"]:
        found = counts[row["href"]]
        assert abs(found - row["words"]) <= max(3, 0.005 * row["words"]), row["href"]
    places = [tuple(row["source"]) for row in report["sentences"]]
    order = {row["href"]: number for number, row in enumerate(expected["spine"])}
    assert [order[p[0]] for p in places] == sorted(order[p[0]] for p in places)
    for before, after in pairwise(places):
        assert before[0] != after[0] or before[2] <= after[1]


def test_a_mobi_of_a_real_book_has_the_same_chapters_and_words(profile: Profile, dev_books: Path, tmp_path: Path) -> None:
    expected = book(dev_books, "pinocchio-it")
    mobi = tmp_path / "pinocchio.mobi"
    made = profile.run("ebook-convert", str(dev_books / expected["file"]), str(mobi), timeout=300)
    assert made.returncode == 0, made.stderr
    out, report = convert(profile, mobi, tmp_path)
    check_chapters(out, report, [c["title"] for c in expected["expected_toc_chapters"]])
    said = sum(len(sentence["text"].split()) for sentence in report["sentences"])
    assert said == pytest.approx(expected["words"], rel=0.005)
    assert {row["reason"] for row in report["skipped"]} == {"nav"}, "a MOBI holds a contents page of its own besides the book's words"
    text = re.sub(r"\s", "", "".join(s["text"] for s in report["sentences"]))
    assert "C'erauna" in text.replace("’", "'")
