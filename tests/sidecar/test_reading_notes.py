"""Notes, and lists of links, of books whose format calls them nothing: what Calibre makes of FB2 and DOCX."""

from __future__ import annotations

from pathlib import Path

from reading_bundles import read, skips, texts

FRONT = (
    '<ul><li><a href="#t1">The Book</a><ul><li><a href="#t2">Chapter One</a></li><li><a href="#t3">Chapter Two</a></li></ul></li>'
    '<li><a href="#t4">1</a></li></ul><hr/>'
)
CHAPTERS = (
    '<h1><a id="t2"/>Chapter One</h1><div>He came<a href="#n1" title="x"><sup>[1]</sup></a> and left<a href="#n2"><sup>{2}</sup></a> home.</div>'
    '<h1><a id="t3"/>Chapter Two</h1><div>Second text.</div>'
)
NOTES = (
    '<hr/><h4>notes</h4><h1>Notes <br/></h1><h1 id="n1"><a id="t4"/>1 <br/></h1><div>The first note.</div>'
    '<h1 id="n2">2</h1><div>The second note.</div><div>More of it.</div>'
)


def test_the_notes_of_an_fb2_and_its_list_of_contents_are_not_said(tmp_path: Path) -> None:
    book = read(tmp_path, FRONT + CHAPTERS + NOTES)
    assert texts(book) == ["Chapter One", "He came and left home.", "Chapter Two", "Second text."]
    assert [chapter.title for chapter in book.chapters] == ["Chapter One", "Chapter Two"]
    told = skips(book)
    assert [text for reason, text in told if reason == "note"] == ["notes", "Notes", "1", "The first note.", "2", "The second note.", "More of it."]
    assert [text for reason, text in told if reason == "nav"] == ["The Book", "Chapter One", "Chapter Two", "1"]
    assert [text for reason, text in told if reason == "noteref"] == ["[1]", "{2}"]


def test_chapters_that_are_numbers_are_said_where_no_mark_leads_to_them(tmp_path: Path) -> None:
    body = '<h1 id="c1">1</h1><p>One<a href="#c3"><sup>2</sup></a> text.</p><h1 id="c2">2</h1><p>Two texts.</p><h1 id="c3">3</h1><p>Three texts.</p>'
    assert texts(read(tmp_path, body)) == ["1", "One text.", "2", "Two texts.", "3", "Three texts."]


def test_what_stands_behind_notes_is_said(tmp_path: Path) -> None:
    body = '<h1>One</h1><p>Text<a href="#n"><sup>1</sup></a>.</p><h2>After</h2><h3 id="n">1</h3><p>Note.</p><h1>Two</h1><p>More.</p>'
    assert texts(read(tmp_path, body)) == ["One", "Text.", "After", "Two", "More."]


def test_a_heading_above_notes_alone_is_no_chapter(tmp_path: Path) -> None:
    note = '<dl id="note_1" class="footnote"><dt>[<a href="#b">←1</a>]</dt><dd><p>The note.</p></dd></dl>'
    book = read(tmp_path / "docx", f"<h1>One</h1><p>He came.</p><h1>Two</h1><p>He went.</p><h1>Notes</h1>{note}")
    assert texts(book) == ["One", "He came.", "Two", "He went."] and ("note", "Notes") in skips(book)
    assert len(book.chapters) == 2
    assert "Notes" in texts(read(tmp_path / "said", f"<h1>One</h1><p>He came.</p><h1>Notes</h1><p>Of the author.</p>{note}"))
    assert "Two" in texts(read(tmp_path / "other", f"<h1>One</h1><p>He came.</p><h1>Two</h1>{note}"))


def test_a_list_of_links_behind_text_may_be_choices_and_is_said(tmp_path: Path) -> None:
    choices = '<ul><li><a href="#a">Go left</a></li><li><a href="#b">Go right</a></li><li><a href="#c">Wait</a></li></ul><p id="a">Left.</p>'
    assert texts(read(tmp_path / "behind", f"<h1>12</h1><p>You stand here.</p>{choices}")) == ["12", "You stand here.", "Go left", "Go right", "Wait", "Left."]
    assert texts(read(tmp_path / "away", '<ul><li><a href="http://x.org/#a">A</a></li><li><a href="y.html">B</a></li><li>C</li></ul>')) == ["A", "B", "C"]
