"""A listener finds the book's own chapters, where they begin, in the order of the text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from e2a_sidecar.model import Book, Break
from e2a_sidecar.reading.book import read_book

sys.path.insert(0, str(Path(__file__).parent))
from reading_bundles import entry, make_bundle, page

THREE = {
    "part.xhtml": page("<div><img alt='Part One'/></div>"),
    "a.xhtml": page('<h2 id="one">One</h2><p>First words.</p><h2>Two <a id="two"></a></h2><p>Second words.</p>'),
    "b.xhtml": page('<p>Third <span id="mid">words</span> here. <span id="next">Fourth</span> words.</p>'),
}


def chapters(book: Book) -> list[tuple[str, int, str]]:
    """(title, level, first words); no words for one that has none of its own."""
    out = []
    for chapter in book.chapters:
        out.append((chapter.title, chapter.level, book.sentences[chapter.first].text))
    return out


def test_chapters_begin_at_their_anchors(tmp_path: Path) -> None:
    toc = [entry(" Chapter\n one ", "a.xhtml", "one"), entry("Two", "a.xhtml", "two"), entry("Three", "b.xhtml"), entry("Four", "b.xhtml", "next")]
    book = read_book(make_bundle(tmp_path, THREE, toc))
    assert chapters(book) == [("Chapter one", 1, "One"), ("Two", 1, "Two"), ("Three", 1, "Third words here."), ("Four", 1, "Fourth words.")]
    assert [sentence.chapter for sentence in book.sentences] == [0, 0, 1, 1, 2, 3]
    assert [sentence.before for sentence in book.sentences if sentence.before == Break.CHAPTER] == [Break.CHAPTER] * 4


def test_an_anchor_inside_a_sentence_begins_at_that_sentence(tmp_path: Path) -> None:
    book = read_book(make_bundle(tmp_path, THREE, [entry("One", "a.xhtml"), entry("Mid", "b.xhtml", "mid")]))
    assert chapters(book)[1] == ("Mid", 1, "Third words here.")


def test_parts_and_containers_without_words_stay_and_share_the_first_sentence(tmp_path: Path) -> None:
    toc = [entry("Part One", "part.xhtml", None, [entry("One", "a.xhtml", "one")]), entry("Rest", None, None, [entry("Three", "b.xhtml")])]
    book = read_book(make_bundle(tmp_path, THREE, toc))
    assert chapters(book) == [("Part One", 1, "One"), ("One", 2, "One"), ("Rest", 1, "Third words here."), ("Three", 2, "Third words here.")]
    assert [sentence.chapter for sentence in book.sentences] == [1, 1, 1, 1, 3, 3]


def test_chapters_stand_in_the_order_of_the_text(tmp_path: Path) -> None:
    book = read_book(make_bundle(tmp_path, THREE, [entry("Three", "b.xhtml"), entry("One", "a.xhtml")]))
    assert [title for title, _, _ in chapters(book)] == ["One", "Three"]


def test_what_is_not_said_is_no_chapter(tmp_path: Path) -> None:
    documents = {
        "cover.xhtml": page("<p>The Book</p>"),
        "imprint.xhtml": page('<section epub:type="imprint"><p>Printed in.</p></section>'),
        **THREE,
        "notes.xhtml": page('<section epub:type="endnotes"><p>1. Note.</p></section>'),
        "back.xhtml": page("<img alt='Back'/>"),
    }
    titles = {"Cover": "cover.xhtml", "Imprint": "imprint.xhtml", "One": "a.xhtml", "Notes": "notes.xhtml", "Back": "back.xhtml"}
    toc = [entry(title, name) for title, name in titles.items()]
    book = read_book(make_bundle(tmp_path, documents, toc, cover_page="cover.xhtml"))
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"], "the one entry that leads to words, and the other heading"
    left_out = [("cover", None, "Cover"), ("boilerplate", None, "Imprint"), ("note", None, "Notes")]
    assert [(skip.reason, skip.chapter, skip.part) for skip in book.skipped] == left_out, "each under its own title, not under the chapter before"


def test_what_is_left_out_stands_in_its_chapter_or_under_the_heading_of_its_own_document(tmp_path: Path) -> None:
    documents = {
        "half.xhtml": page('<section epub:type="halftitlepage"><p>The Book</p></section>'),
        "a.xhtml": page('<h1 id="one">One</h1><p>First words.</p><aside epub:type="footnote"><p>Below.</p></aside>'),
        "middle.xhtml": page('<aside epub:type="footnote"><p>Alone.</p></aside>'),
        "b.xhtml": page('<h1>Two</h1><p>More words.</p><section epub:type="endnotes" id="notes"><p>At the end.</p></section>'),
        "c.xhtml": page('<section epub:type="endnotes"><h2>Remarks</h2><p>1. Note.</p></section>'),
    }
    toc = [entry("One", "a.xhtml", "one"), entry("Two", "b.xhtml"), entry("Notes to Two", "b.xhtml", "notes")]
    book = read_book(make_bundle(tmp_path, documents, toc))
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]
    assert [(skip.text, skip.chapter, skip.part) for skip in book.skipped] == [
        ("The Book", None, ""),
        ("Below.", 0, ""),
        ("Alone.", 0, ""),
        ("At the end.", None, "Notes to Two"),
        ("Remarks", None, "Remarks"),
        ("1. Note.", None, "Remarks"),
    ]


def test_what_stood_below_a_page_that_is_not_said_does_not_hang_below_its_neighbour(tmp_path: Path) -> None:
    documents = {"life.xhtml": page("<p>His life.</p>"), "half.xhtml": page('<section epub:type="halftitlepage"><p>The Book</p></section>'), **THREE}
    below = [entry("One", "a.xhtml", "one", [entry("Two", "a.xhtml", "two")]), entry("Three", "b.xhtml")]
    book = read_book(make_bundle(tmp_path, documents, [entry("The Man", "life.xhtml"), entry("The Book", "half.xhtml", None, below)]))
    assert [(title, level) for title, level, _ in chapters(book)] == [("The Man", 1), ("One", 1), ("Two", 2), ("Three", 1)]


def test_short_front_matter_is_in_no_chapter_and_long_has_one_of_its_own(tmp_path: Path) -> None:
    toc = [entry("Three", "b.xhtml")]
    book = read_book(make_bundle(tmp_path / "short", THREE, toc))
    assert [chapter.title for chapter in book.chapters] == ["Three"]
    assert book.sentences[0].chapter is None
    documents = {"front.xhtml": page("<p>" + "So many words. " * 80 + "</p>"), **THREE}
    book = read_book(make_bundle(tmp_path / "long", documents, toc))
    assert chapters(book)[0] == ("The Book", 1, "So many words.")
    assert book.sentences[0].chapter == 0


def test_entries_that_lead_nowhere_are_told_and_their_documents_found_by_heading(tmp_path: Path) -> None:
    documents = {"a.xhtml": page("<h1>Chapter 1</h1><p>Words.</p>"), "b.xhtml": page("<h1>Chapter 2</h1><p>Words.</p>")}
    book = read_book(make_bundle(tmp_path, documents, [entry("Chapter 1", "a.xhtml"), entry("Lost", "nope.xhtml", "x"), entry("Lost too", "a.xhtml", "gone")]))
    assert [chapter.title for chapter in book.chapters] == ["Chapter 1", "Chapter 2"]
    assert [(warning.code, warning.params) for warning in book.warnings] == [("toc_target_missing", {"count": 2, "title": "Lost"})]


def test_a_lost_anchor_means_the_beginning_of_its_document(tmp_path: Path) -> None:
    book = read_book(make_bundle(tmp_path, THREE, [entry("One", "a.xhtml"), entry("Three", "b.xhtml", "gone")]))
    assert chapters(book)[1] == ("Three", 1, "Third words here.")


def test_without_a_table_headings_are_chapters(tmp_path: Path) -> None:
    documents = {
        "a.xhtml": page("<h1>Part I</h1><h2>Chapter 1</h2><h3>The Beginning</h3><p>Words.</p><h2>Chapter 2</h2><p>Words.</p><h3>Scene</h3><p>Words.</p>"),
        "b.xhtml": page("<p>More of it.</p>"),
    }
    book = read_book(make_bundle(tmp_path, documents))
    assert [(chapter.title, chapter.level) for chapter in book.chapters] == [("Part I: Chapter 1: The Beginning", 1), ("Chapter 2", 2)]
    assert book.warnings == ()


def test_a_title_page_does_not_hide_the_chapters_behind_it(tmp_path: Path) -> None:
    documents = {"t.xhtml": page("<h1>My Title</h1><p>by</p><h2>The Author</h2>")}
    documents |= {f"{number}.xhtml": page(f"<h3>Chapter {number}</h3><p>{'Words of this one, and more of them. ' * 9}</p>") for number in range(1, 6)}
    book = read_book(make_bundle(tmp_path, documents))
    assert [chapter.title for chapter in book.chapters] == ["My Title", "The Author", *(f"Chapter {number}" for number in range(1, 6))]


def test_a_heading_of_two_sentences_is_one_title(tmp_path: Path) -> None:
    documents = {"a.xhtml": page("<h2>What Now? The End.</h2><p>Words.</p>"), "b.xhtml": page("<h2>Who Goes? Two Go!</h2><p>Words.</p>")}
    assert [chapter.title for chapter in read_book(make_bundle(tmp_path / "none", documents)).chapters] == ["What Now? The End.", "Who Goes? Two Go!"]
    toc = [entry("First", "a.xhtml"), entry("Second", "gone.xhtml")]
    assert [chapter.title for chapter in read_book(make_bundle(tmp_path / "gone", documents, toc)).chapters] == ["First", "Who Goes? Two Go!"]


def test_without_headings_documents_are_chapters(tmp_path: Path) -> None:
    documents = {"a.xhtml": page("<p>It was the best of times, it was the worst.</p>"), "b.xhtml": page("<p>Short.</p>"), "c.xhtml": page("<hr/>")}
    book = read_book(make_bundle(tmp_path, documents))
    assert [chapter.title for chapter in book.chapters] == ["It was the best of times, it was…", "Short."]


TEXT = "<p>" + "These are words of a chapter. " * 5 + "</p>"
LONG = TEXT * 20
LIST = "<p>CONTENTS</p><p>Chapter 1</p><p>Chapter 2</p>"


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        (f"<h1>A Tale</h1><p>CHAPTER ONE</p>{TEXT}<p>CHAPTER TWO</p>{TEXT}<p>Epilogue</p>{TEXT}", ["CHAPTER ONE", "CHAPTER TWO", "Epilogue"]),
        (f"<p>CHAPTER I. The Hill</p>{TEXT}<p>CHAPTER II</p><p>THE RIVER</p>{TEXT}", ["CHAPTER I. The Hill", "CHAPTER II: THE RIVER"]),
        (f"{LIST}<p>Preface</p>{TEXT}<p>Chapter 1</p>{TEXT}<p>Chapter 2</p>{TEXT}", ["Preface", "Chapter 1", "Chapter 2"]),
        (f"{LIST}{TEXT}<p>Chapter 1</p>{TEXT}<p>Chapter 2</p>{TEXT}", ["Chapter 1", "Chapter 2"]),
        (f"<p>1. Kapitel</p>{TEXT}<p>Zweites Kapitel</p>{TEXT}", ["1. Kapitel", "Zweites Kapitel"]),
        (f"<p>Глава первая</p>{TEXT}<p>Глава II</p>{TEXT}", ["Глава первая", "Глава II"]),
        (f"<p>第一章　开始</p>{TEXT}<p>第二章</p>{TEXT}", ["第一章 开始", "第二章"]),
        (f"<p>CHAP. I.</p>{TEXT}<p>CHAP. II.</p>{TEXT}", ["CHAP. I.", "CHAP. II."]),
        (f"<p>I.</p>{LONG}<p>II.</p>{LONG}<p>1905</p><p>7</p><p>III.</p>{LONG}", ["I.", "II.", "III."]),
    ],
)
def test_without_headings_lines_that_say_so_are_chapters(tmp_path: Path, body: str, titles: list[str]) -> None:
    """Also where a converter's table of contents leads to the beginning alone, as Calibre's of a text file does."""
    for number, toc in enumerate([(), [entry("Start", "c.xhtml")]]):
        book = read_book(make_bundle(tmp_path / str(number), {"c.xhtml": page(body)}, toc))
        assert [chapter.title for chapter in book.chapters] == titles


@pytest.mark.parametrize(
    "body",
    [
        f"<p>Chapter 5 deals with it.</p>{TEXT}<p>Chapter 6 goes on</p>{TEXT}<p>Chapter by chapter they read.</p>{TEXT}",
        f"<p>1</p>{TEXT}<p>2</p>{TEXT}<p>3</p>{TEXT}",  # verses, or pages
        f"<p>3</p>{LONG}<p>4</p>{LONG}<p>5</p>{LONG}",
        f"<p>1</p>{LONG}<p>2</p>{LONG}<p>40</p>{LONG}",
        f"<p>Chapter 1</p>{TEXT}<p>Chapter 2</p>{LONG * 3}",  # not the book's, of which they divide nothing
    ],
)
def test_lines_that_say_something_else_are_no_chapters(tmp_path: Path, body: str) -> None:
    assert len(read_book(make_bundle(tmp_path, {"c.xhtml": page(body)})).chapters) == 1


def test_documents_are_chapters_where_lines_divide_only_some(tmp_path: Path) -> None:
    documents = {"a.xhtml": page(f"<p>Chapter 1</p>{TEXT}<p>Chapter 2</p>{TEXT}"), **{f"{number}.xhtml": page(LONG) for number in range(4)}}
    assert len(read_book(make_bundle(tmp_path, documents)).chapters) == 5


def test_a_table_with_one_entry_for_many_documents_is_not_believed(tmp_path: Path) -> None:
    documents = {f"{number}.xhtml": page(f"<h1>Chapter {number}</h1><p>Words.</p>") for number in range(1, 6)}
    book = read_book(make_bundle(tmp_path, documents, [entry("Start", "1.xhtml")]))
    assert [chapter.title for chapter in book.chapters] == [f"Chapter {number}" for number in range(1, 6)]
    assert [warning.code for warning in book.warnings] == ["toc_useless"]


def test_a_table_that_leads_to_the_beginning_alone_leaves_the_chapters_to_the_headings(tmp_path: Path) -> None:
    """As Calibre makes one for a text file."""
    one = page("<h2>Chapter One</h2><p>Words.</p><h2>Chapter Two</h2><p>Words.</p><h2>Chapter Three</h2><p>Words.</p>")
    for title, first in (("Unknown", "Chapter One"), ("The Book", "Chapter One"), ("The Whole Story", "The Whole Story")):
        book = read_book(make_bundle(tmp_path / title, {"c.xhtml": one}, [entry(title, "c.xhtml")]))
        assert [chapter.title for chapter in book.chapters] == [first, "Chapter Two", "Chapter Three"]
        assert [warning.code for warning in book.warnings] == ["toc_useless"]


def test_two_entries_do_not_hide_the_chapters_of_a_long_book(tmp_path: Path) -> None:
    pages = {f"c{number}.xhtml": page(f"<h2>Chapter {number}</h2><p>Words.</p>") for number in range(1, 31)}
    documents = {"t.xhtml": page("<h1>The Book</h1><p>by A</p>"), **pages}
    toc = [entry("Title Page", "t.xhtml"), entry("Start", "c1.xhtml")]
    book = read_book(make_bundle(tmp_path, documents, toc))
    assert [chapter.title for chapter in book.chapters] == ["Title Page", *(f"Chapter {number}" for number in range(1, 31))]
    few = read_book(make_bundle(tmp_path / "few", dict(list(documents.items())[:5]), [entry("Title Page", "t.xhtml"), entry("The Story", "c1.xhtml")]))
    assert [chapter.title for chapter in few.chapters] == ["Title Page", "The Story"]


def test_a_table_of_any_depth_is_read(tmp_path: Path) -> None:
    toc = entry("Deep", "b.xhtml")
    for _ in range(120):
        toc = entry("", None, None, [toc])
    book = read_book(make_bundle(tmp_path, THREE, [entry("One", "a.xhtml"), toc]))
    assert book.chapters[-1].level == 121


SIX = ["I. The Hill", "II. The River", "III. The Town", "IV. The Sea", "V. The Ship", "VI. Home"]


def _six(contents: str) -> tuple[dict[str, str], list[dict[str, object]]]:
    pages = {f"c{n}.xhtml": page(f"<h2>{title}</h2><p>Words of number {n}.</p>") for n, title in enumerate(SIX)}
    return {**pages, "contents.xhtml": page(contents)}, [entry(title, f"c{n}.xhtml") for n, title in enumerate(SIX)]


def test_a_page_of_contents_in_the_text_is_not_read_aloud(tmp_path: Path) -> None:
    documents, toc = _six("<h2>Contents</h2>" + "".join(f"<p><a href='c{n}.xhtml'>{title}</a> .... {n + 3}</p>" for n, title in enumerate(SIX)))
    book = read_book(make_bundle(tmp_path, documents, toc))
    assert [c.title for c in book.chapters] == SIX
    assert book.sentences[-1].text == "Words of number 5."
    assert [(s.reason, s.text) for s in book.skipped] == [("nav", "Contents"), *(("nav", f"{title} .... {n + 3}") for n, title in enumerate(SIX))]


def test_titles_with_text_between_them_and_a_short_list_are_the_books_own_words(tmp_path: Path) -> None:
    documents, toc = _six("<p>" + "</p><p>He said so.</p><p>".join(SIX) + "</p><p>Then:</p><p>" + "</p><p>".join(SIX[:4]) + "</p>")
    book = read_book(make_bundle(tmp_path, documents, toc))
    assert not book.skipped
    assert sum(s.text == "He said so." for s in book.sentences) == 5


def _titled(titles: list[str], body: str = "<p>Words of {0}.</p>", before: str = "", after: str = "") -> tuple[dict[str, str], list[dict[str, object]]]:
    """A book of one document: chapters with anchors, and what stands before and behind them."""
    chapters = "".join(f'<h2 id="c{n}">{title}</h2>' + body.format(title) for n, title in enumerate(titles))
    return {"c.xhtml": page(before + chapters + after)}, [entry(title, "c.xhtml", f"c{n}") for n, title in enumerate(titles)]


DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
COUNTED = [str(n) for n in range(1, 7)]


def test_tables_counting_and_chapters_of_pictures_are_no_page_of_contents(tmp_path: Path) -> None:
    row = "<p>It was so:</p><table><tr>" + "".join(f"<td>{day}</td>" for day in DAYS) + "</tr></table>"
    counted = "<p>He counted.</p>" + "".join(f"<p>{n}</p>" for n in COUNTED)
    pictures = ("<figure><img src='x.png' alt=''/></figure>", "", "<p>The end.</p>")
    for number, (titles, parts) in enumerate(
        [
            (DAYS, ("<p>Words of {0}.</p>", row, row)),
            (COUNTED, ("<p>Words of {0}.</p>", counted, counted)),
            ([f"Plate {n}" for n in COUNTED], pictures),
            ([f"<a href='#toc'>Plate {n}</a>" for n in COUNTED], pictures),
        ]
    ):
        documents, toc = _titled(titles, *parts)
        book = read_book(make_bundle(tmp_path / str(number), documents, toc))
        assert not book.skipped
        assert len(book.chapters) == 6


def test_short_titles_are_a_page_of_contents_as_links_or_below_its_name(tmp_path: Path) -> None:
    links = "<p>Some words.</p>" + "".join(f"<p><a href='#c{n}'>{day}</a></p>" for n, day in enumerate(DAYS))
    named = "<p>Inhalt</p>" + "".join(f"<p>{day} {n + 7}</p>" for n, day in enumerate(DAYS))
    table = "<h2>Days</h2><table>" + "".join(f"<tr><td>{n}.</td><td>{day}</td><td>{n + 7}</td></tr>" for n, day in enumerate(DAYS, 1)) + "</table>"
    inside = "<table><tr><td>" + named + "</td><td></td></tr></table>"
    for number, (parts, first) in enumerate([(("", links), "Some words."), ((named, ""), DAYS[0]), ((table, ""), DAYS[0]), ((inside, ""), DAYS[0])]):
        documents, toc = _titled(DAYS, "<p>Words of {0}.</p>", *parts)
        book = read_book(make_bundle(tmp_path / str(number), documents, toc))
        assert {skip.reason for skip in book.skipped} == {"nav"}
        words = [sentence.text for sentence in book.sentences]
        assert len(words) == 12 + (number == 0) and first in (words[0], words[-1])


def test_links_that_lead_about_in_the_book_are_not_read_aloud(tmp_path: Path) -> None:
    ways = ("ToC", "[Contents]", "↑ Back to top", "Next chapter →", "Zum Inhaltsverzeichnis")
    body = "".join(f'<h2>Chapter</h2><p><a href="#top">{way}</a></p><p>The <a href="#x">top</a> is here.</p>' for way in ways)
    book = read_book(make_bundle(tmp_path, {"c.xhtml": page(body + "<p>Contents</p>")}))
    assert [sentence.text for sentence in book.sentences] == ["Chapter", "The top is here."] * len(ways) + ["Contents"]
    assert [(skipped.reason, skipped.text) for skipped in book.skipped] == [("nav", way) for way in ways]


def test_links_of_a_page_of_contents_that_word_a_title_otherwise_are_not_read_aloud(tmp_path: Path) -> None:
    worded = [*SIX[:2], "III. A Town by the Water", *SIX[3:], "VII. Home Again"]
    links = "".join(f"<p><a href='c{n}.xhtml'>{title}</a></p>" for n, title in enumerate(worded))
    documents, toc = _six(f"<h2>Contents</h2>{links}<p>There <a href='c1.xhtml'>is</a> more.</p>")
    book = read_book(make_bundle(tmp_path, documents, [*toc, entry("Contents", "contents.xhtml")]))
    assert [sentence.text for sentence in book.sentences if sentence.source.document == "contents.xhtml"] == ["There is more."]
    assert [skipped.text for skipped in book.skipped] == ["Contents", *worded]


def test_a_short_list_of_links_below_its_name_is_a_page_of_contents(tmp_path: Path) -> None:
    def book(folder: str, head: str, toc: bool) -> Book:
        links = "".join(f'<p><a href="#c{n}">{title}</a></p>' for n, title in enumerate(SIX[:3]))
        chapters = "".join(f'<h2 id="c{n}">{title}</h2><p>Words of number {n}.</p>' for n, title in enumerate(SIX[:3]))
        entries = [entry(title, "c.xhtml", f"c{n}") for n, title in enumerate(SIX[:3])] if toc else []
        return read_book(make_bundle(tmp_path / folder, {"c.xhtml": page(f"<p>A Tale</p>{head}{links}{chapters}")}, entries))

    for toc in (True, False):
        assert [sentence.text for sentence in book(f"name{toc}", "<p>CONTENTS</p>", toc).sentences][:2] == ["A Tale", "I."]
        assert len(book(f"none{toc}", "<p>She said:</p>", toc).sentences) > 10


def test_a_short_list_of_links_to_other_documents_is_one_too(tmp_path: Path) -> None:
    documents, toc = _six("<h2>Inhalt</h2>" + "".join(f"<p><a href='c{n}.xhtml'>{title}</a></p>" for n, title in enumerate(SIX[:4])))
    assert read_book(make_bundle(tmp_path, documents, toc[:4])).sentences[-1].text == "Words of number 5."


def test_a_paragraph_of_any_length_is_compared_with_titles_in_no_time(tmp_path: Path) -> None:
    documents, toc = _six("<p>" + "." * 500_000 + "x</p><p>" + "3" * 500_000 + "x</p>")
    assert len(read_book(make_bundle(tmp_path, documents, toc)).chapters) == 6


def test_a_single_chapter_that_is_called_nothing_has_the_books_title(tmp_path: Path) -> None:
    raw = page("<p>He came home.</p><p>He left.</p>")
    for number, title in enumerate(("Unknown", "Start")):  # as Calibre calls that of a text
        book = read_book(make_bundle(tmp_path / str(number), {"c.xhtml": raw}, [entry(title, "c.xhtml")]))
        assert [chapter.title for chapter in book.chapters] == ["The Book"]
    own = read_book(make_bundle(tmp_path / "own", {"c.xhtml": raw}, [entry("Home", "c.xhtml")]))
    assert [chapter.title for chapter in own.chapters] == ["Home"]


def test_a_title_is_text_and_an_entry_without_one_has_its_beginning(tmp_path: Path) -> None:
    documents = {f"{number}.xhtml": page(f"<p>Chapter {number} begins with these words and goes on.</p>") for number in "12"}
    book = read_book(make_bundle(tmp_path, documents, [entry("Ein\u00adlei\u200btung\ufeff", "1.xhtml"), entry(" ", "2.xhtml")]))
    assert [chapter.title for chapter in book.chapters] == ["Einleitung", "Chapter 2 begins with these words and goes…"]
