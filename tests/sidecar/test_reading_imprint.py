"""Copyright pages, and Project Gutenberg's words about itself, which nothing in the book calls so."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2a_sidecar.reading.book import read_book
from reading_bundles import entry, make_bundle, page, skips, texts

CHAPTER = page("<h1>One</h1><p>He came home.</p>")
ENGLISH = (
    "<p>Published by Foo Press, 2019</p><p>Copyright © 2019 by A. Writer</p><p>All rights reserved.</p><p>The moral right has been asserted.</p>"
    "<p>To the best of our knowledge.</p><p>ISBN 978-3-16-148410-0</p><p>10 9 8 7 6 5 4 3 2 1</p>"
)
SELF_MADE = (
    "<p>Copyright 2012 A. Writer</p><p>License Notes: This ebook is licensed for your personal enjoyment only.</p>"
    "<p>It may not be re-sold.</p><p>eISBN: 9781234567890</p>"
)
GERMAN = "<p>© 2019 Foo Verlag, Bonn</p><p>Alle Rechte vorbehalten.</p><p>Satz: Meier</p><p>ISBN 978-3-16-148410-0</p>"
START = "<h2>The Project Gutenberg eBook of X</h2><p>This eBook is for anyone.</p><div>*** START OF THE PROJECT GUTENBERG EBOOK X ***</div>"
END = "<p>*** END OF THE PROJECT GUTENBERG EBOOK X ***</p>"


@pytest.mark.parametrize("imprint", [ENGLISH, GERMAN, SELF_MADE])
def test_a_copyright_page_is_told_and_not_said(tmp_path: Path, imprint: str) -> None:
    rights = page(f"<h1>The Book</h1><p>A. Writer</p>{imprint}<p>For Anna</p>")
    toc = [entry("Rights", "r.xhtml"), entry("The Book", "t.xhtml"), entry("One", "c.xhtml")]
    book = read_book(make_bundle(tmp_path, {"r.xhtml": page(imprint), "t.xhtml": rights, "c.xhtml": CHAPTER}, toc))
    assert texts(book) == ["The Book", "A. Writer", "For Anna", "One", "He came home."]
    assert [chapter.title for chapter in book.chapters] == ["The Book", "One"]
    lines = [line.removeprefix("<p>") for line in imprint.split("</p>") if line]
    assert [text for reason, text in skips(book) if reason == "boilerplate"] == lines * 2


@pytest.mark.parametrize(
    "body",
    [
        "<p>“All rights reserved,” he said, “and no part of this book is yours.”</p>",
        "<p>Who has the copyright?</p><p>I have.</p>",
        "<h1>Using Examples</h1><p>An attribution has the title, the publisher and the ISBN. For example: “The Book by A. Writer. Copyright 2012.”</p>",
        "<h1>1</h1><p>Copyright was the word he hated most.</p><p>“All rights reserved,” she read.</p><p>He laughed. The ISBN was wrong, too.</p>",
        "<p>“Copyright 1922,” said he, “is what it says. All rights reserved!”</p><p>Nobody at the press had seen the ISBN 1.</p><p>“Then we are lost.”</p>",
        "<p>This book is about copyright. It was published in 1990, by permission.</p><p>All rights reserved is a phrase the Library of Congress likes.</p>",
        "<p>Copyright office, London, 3 May 1904.</p><p>I write about my book. All rights are reserved to me, you say.</p>",
        "<p>Thanks to my mother.</p><p>“Clocks” © 1936 by Auden.</p><p>No part of this book would exist without the press and the British Library.</p>",
        f"<p>© 2019. All rights reserved.</p><p>{'He went on, and on. ' * 20}</p><p>ISBN 978-3-16-148410-0</p>",
        f"<p>© 2019.</p><p>All rights reserved.</p>{'<p>He went on, and on, and on.</p>' * 120}",
    ],
)
def test_a_chapter_that_speaks_of_rights_is_said(tmp_path: Path, body: str) -> None:
    book = read_book(make_bundle(tmp_path, {"a.xhtml": page(body), "c.xhtml": CHAPTER}))
    assert skips(book) == []


def test_a_dedication_and_a_motto_among_the_lines_of_a_copyright_page_are_said(tmp_path: Path) -> None:
    body = (
        "<p>Published by Foo Press</p><p>© 2019 A. Writer. All rights reserved.</p><p>To my mother, who never saw the sea.</p><p>For Anna</p>"
        "<p>“Light is all.”</p><p>Sea House, Bonn</p><p>ISBN 978-3-16-148410-0</p>"
    )
    book = read_book(make_bundle(tmp_path, {"a.xhtml": page(body), "c.xhtml": CHAPTER}))
    assert texts(book)[:3] == ["To my mother, who never saw the sea.", "For Anna", "“Light is all.”"]
    assert ("boilerplate", "Sea House, Bonn") in skips(book)


@pytest.mark.parametrize(
    "body",
    [
        "<p>© 2019 A. Writer</p><p>He came home to the sea.</p><p>The lamp was out, and nobody had seen it.</p><p>ISBN 978-3-16-148410-0</p>",
        "<p>He came home to the press.</p><p>The publisher had gone to the cover of the woods.</p><p>© 2019 A. Writer. All rights reserved.</p>",
    ],
)
def test_of_a_text_with_its_rights_above_or_below_they_alone_are_not_said(tmp_path: Path, body: str) -> None:
    book = read_book(make_bundle(tmp_path, {"a.xhtml": page(body), "c.xhtml": CHAPTER}))
    assert all("©" in text or "ISBN" in text for _, text in skips(book)) and book.skipped
    assert len(texts(book)) == 4


@pytest.mark.parametrize("toc", [True, False])
def test_the_copyright_page_of_a_book_in_one_document_is_found(tmp_path: Path, toc: bool) -> None:
    head = "<p id='a'>One</p>" if toc else "<h1>One</h1>"  # an old Kindle book; a text
    raw = page(f"<p>The Book</p>{ENGLISH}<p>For Anna</p>{head}{'<p>He came home, and he left again.</p>' * 200}")
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}, [entry("One", "c.xhtml", "a"), entry("End", "c.xhtml", "e")] if toc else []))
    assert texts(book)[:4] == ["The Book", "For Anna", "One", "He came home, and he left again."]
    assert {reason for reason, _ in skips(book)} == {"boilerplate"} and len(book.skipped) == 7


def test_a_book_that_quotes_project_gutenbergs_last_line_goes_on(tmp_path: Path) -> None:
    book = read_book(make_bundle(tmp_path, {"c.xhtml": page(f"<p>They typed:</p>{END}<p>And so it was.</p>")}))
    assert texts(book) == ["They typed:", "And so it was."]


def test_project_gutenbergs_own_words_are_told_and_not_said(tmp_path: Path) -> None:
    licence = page(f"{END}<h2>THE FULL LICENSE</h2><p>{'Please read this. ' * 900}</p>")
    last = page("<h1>Two</h1><p>He left.</p><p>End of Project Gutenberg’s X, by A. Writer</p>")
    documents = {"h.xhtml": page(START), "c.xhtml": CHAPTER, "d.xhtml": last, "l.xhtml": licence}
    titles = {"The Project Gutenberg eBook of X": "h.xhtml", "One": "c.xhtml", "Two": "d.xhtml", "THE FULL LICENSE": "l.xhtml"}
    book = read_book(make_bundle(tmp_path, documents, [entry(title, name) for title, name in titles.items()]))
    assert texts(book) == ["One", "He came home.", "Two", "He left."]
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]
    assert {reason for reason, _ in skips(book)} == {"boilerplate"} and len(book.skipped) == 7


def test_what_follows_project_gutenbergs_last_line_and_is_a_book_is_said(tmp_path: Path) -> None:
    second = {"e.xhtml": page(f"{END}<p>Licence.</p>"), "s.xhtml": page(START), "t.xhtml": page("<h1>Second Book</h1><p>He left.</p>")}
    book = read_book(make_bundle(tmp_path / "two", {"h.xhtml": page(START), "c.xhtml": CHAPTER, **second, "l.xhtml": page(END)}))
    assert texts(book) == ["One", "He came home.", "Second Book", "He left."]
    long = page(f"{END}<p>{'He went on, and on. ' * 1500}</p>")
    assert len(read_book(make_bundle(tmp_path / "long", {"c.xhtml": CHAPTER, "l.xhtml": long})).sentences) > 1000
