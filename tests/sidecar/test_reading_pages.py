"""A PDF's lines, as Calibre writes them, are read as the text that a reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from e2a_sidecar.model import Book, Break
from e2a_sidecar.reading.book import read_book
from reading_bundles import make_bundle, skips, texts

PDF = {"format": "PDF", "sha256": "0"}


def read_pages(folder: Path, *pages: Sequence[str], source: dict[str, str] = PDF) -> Book:
    body = "\n<hr/>\n".join(f'<a id="p{number}"></a>' + "".join(f"{line}<br>\n" for line in lines) for number, lines in enumerate(pages, 1))
    return read_book(make_bundle(folder, {"index.html": f"<html><head><title>index</title></head><body>\n{body}\n<hr/>\n</body></html>"}, source=source))


def test_words_parted_at_the_end_of_a_line_are_whole(tmp_path: Path) -> None:
    page = ["The well-known house was quiet for every-", "body who was asleep in it, and the well-", "known dog, a bro-", "ken old thing, barked."]
    assert texts(read_pages(tmp_path, page)) == [
        "The well-known house was quiet for everybody who was asleep in it, and the well-known dog, a broken old thing, barked."
    ]


def test_a_book_that_parts_no_words_keeps_its_hyphens(tmp_path: Path) -> None:
    page = ["All was well and he was hidden there, in a well-", "hidden place."]
    assert texts(read_pages(tmp_path, page)) == ["All was well and he was hidden there, in a well-hidden place."]


def test_a_place_in_a_parted_word_leads_to_it(tmp_path: Path) -> None:
    book = read_pages(tmp_path, ["It was quiet for every-", "body. Then all went home."])
    raw = (tmp_path / "content" / "index.html").read_text("utf-8")
    source = book.sentences[1].source
    assert book.sentences[1].text == "Then all went home." and "Then" in raw and source.end - source.start == len("Then all went home.")


def test_a_full_line_goes_on_whatever_follows_and_a_heading_does_not(tmp_path: Path) -> None:
    page = [
        "Chapter One",
        "It was the best of times for those who lived in the town of",
        "London, and nobody there had ever seen a thing quite like Mr.",
        "Pickwick before, and so they went to see him on the next day.",
        "Chapter Two",
        "Another day came, and with it rain and wind out of the north.",
        "They stayed at home.",
        "I went too.",
    ]
    book = read_pages(tmp_path, page)
    assert texts(book) == [
        "Chapter One",
        "It was the best of times for those who lived in the town of London, and nobody there had ever seen a thing quite like Mr. Pickwick before, "
        "and so they went to see him on the next day.",
        "Chapter Two",
        "Another day came, and with it rain and wind out of the north.",
        "They stayed at home.",
        "I went too.",
    ]
    assert book.sentences[5].before == Break.LINE


def test_a_page_does_not_end_a_sentence_and_its_number_and_head_are_not_said(tmp_path: Path) -> None:
    pages = [
        ["THE BOOK", f"This is the line that stands on page {number} and that is bro-", "ken at its end, as many are, and that goes on with", str(number + 6)]
        for number in range(1, 7)
    ]
    book = read_pages(tmp_path, *pages)
    said = " ".join(texts(book))
    assert said.startswith("THE BOOK This is the line") and said.count("THE BOOK") == 1, "the first may be the title"
    assert said.count("that is broken at its end, as many are, and that goes on with This is") == 5
    assert all(sentence.before != Break.SCENE for sentence in book.sentences)
    assert [text for reason, text in skips(book) if reason == "pagebreak"].count("THE BOOK") == 5
    assert [text for reason, text in skips(book) if text.isdigit()] == ["7", "8", "9", "10", "11", "12"]


def test_the_small_roman_numbers_of_a_foreword_are_not_said_and_the_capitals_of_poems_are(tmp_path: Path) -> None:
    small = ("iii", "iv", "v", "vi", "- vii -", "viii")
    pages = [[f"This is the line that stands on page {at} of a foreword, said all.", number] for at, number in enumerate(small)]
    assert not {text for text in texts(read_pages(tmp_path / "foreword", *pages)) if "line" not in text}
    poems = [[number, f"This is the line that stands under poem {at}, and it is said."] for at, number in enumerate(("I", "II", "III", "IV", "V"))]
    assert [text for text in texts(read_pages(tmp_path / "poems", *poems)) if len(text) < 4] == ["I", "II", "III", "IV", "V"]


def test_compounds_and_dashes_at_the_end_of_a_line_stand_without_a_blank(tmp_path: Path) -> None:
    page = ["He was as far as anyone there can tell an Anglo-", "Saxon of old, and would not have gone there—", "whoever else had gone there before."]
    assert texts(read_pages(tmp_path, page)) == [
        "He was as far as anyone there can tell an Anglo-Saxon of old, and would not have gone there—whoever else had gone there before."
    ]


def test_the_outline_that_calibre_puts_at_the_end_is_not_said(tmp_path: Path) -> None:
    outline = '<a name="outline"></a><h1>Document Outline</h1>\n<ul>\n<li><a href="#p1">The Only Chapter</a></li>\n</ul>'
    book = read_pages(tmp_path, ["The Only Chapter", "Its text is a line that is rather long."], [outline])
    assert texts(book) == ["The Only Chapter", "Its text is a line that is rather long."] and [reason for reason, _ in skips(book)] == ["nav", "nav"]


def test_numbers_that_do_not_count_with_the_pages_are_said(tmp_path: Path) -> None:
    book = read_pages(tmp_path, ["1", "One text."], ["It goes on."], ["2", "Two texts."], ["More of it."], ["It ends."], ["3", "Three texts."])
    assert not book.skipped and "2" in texts(book)


def test_that_a_pdf_is_guessed_is_told_once_and_of_no_other_book(tmp_path: Path) -> None:
    page = ["A line of text", "Another line."]
    assert [warning.code for warning in read_pages(tmp_path / "pdf", page).warnings] == ["pages_guessed"]
    other = read_pages(tmp_path / "html", ["It was won-", "derful."], source={"format": "HTML", "sha256": "0"})
    assert [warning.code for warning in other.warnings] == ["markup_repaired"] and texts(other) == ["It was won-derful."]


def test_hostile_pages_take_no_time(tmp_path: Path) -> None:
    line = "a" * 300_000
    assert len(read_pages(tmp_path, [line, line, " " * 100_000 + "7", "1 " * 100_000], *[["-"]] * 2000).sentences) > 0
