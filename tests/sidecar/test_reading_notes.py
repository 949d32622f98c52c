"""Notes, and lists of links, of books whose format calls them nothing: what Calibre makes of FB2 and DOCX."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2a_sidecar.reading.book import read_book
from nothing_lost import assert_nothing_lost
from reading_bundles import entry, make_bundle, page, read, skips, texts

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


def mark(number: str, href: str, name: str) -> str:
    return f'<a id="{name}" href="{href}"><sup>{number}</sup></a>'


@pytest.mark.parametrize(
    "note",
    [
        '<p class="fn"><a id="n1" href="#r1">1</a> The note.</p>',  # older EPUBs, InDesign
        '<div id="ftn1"><p class="MsoFootnoteText"><a id="n1" href="#r1"><span class="MsoFootnoteReference"><sup>[1]</sup></span></a> The note.</p></div>',
        '<p id="n1"><a href="#r1"><sup>1</sup></a> The note.</p>',  # Kindle
        '<p id="n1">[1] The note.</p>',
        '<p><a name="n1"></a>1The note.</p>',
        '<p id="n1">The note. <a href="#r1">↩</a></p>',
        '<ol><li id="n1">The note.</li></ol>',
        '<ol>\n    <li id="n1">\n        <span><a href="#r1">^</a></span>\n        <span>The note.</span></li></ol>',  # Wikipedia
        '<table><tr>\n   <td><a id="n1" href="#r1">[1]</a></td>\n   <td>The note.</td></tr></table>',
        '<p>1. <a id="n1"></a>The note.</p>',
    ],
)
def test_a_paragraph_that_a_mark_leads_to_is_a_note_whatever_it_is_called(tmp_path: Path, note: str) -> None:
    book = read(tmp_path, f"<h1>One</h1><p>He came{mark('1', '#n1', 'r1')} home.</p><hr/>{note}<p>He left.</p>")
    assert texts(book) == ["One", "He came home.", "He left."]
    told = [text.lstrip("[1]. ") for reason, text in skips(book) if reason == "note"]
    assert [text for text in told if text] == ["The note."]


def test_notes_at_the_end_of_the_book_are_no_chapters(tmp_path: Path) -> None:
    chapter = f"<p>He came{mark('1', 'Notes/all%20notes.xhtml#a1', 'r1')} home{mark('2', 'Notes/all%20notes.xhtml#a2', 'r2')}.</p>"
    second = f"<p>He left{mark('1', 'Notes/all%20notes.xhtml#b1', 'r1')}.</p>"
    notes = (
        '<h1>Sources</h1><h2>One</h2><p><a id="a1" href="../c1.xhtml#r1">1</a>. Smith.</p><blockquote><p>Said he.</p></blockquote>'
        '<p><a id="a2" href="../c1.xhtml#r2">2</a>. Ibid.</p><h2>Two</h2><p><a id="b1" href="../c2.xhtml#r1">1</a>. Jones.</p>'
    )
    documents = {
        "c1.xhtml": page(f"<h1>One</h1>{chapter}"),
        "c2.xhtml": page(f"<h1>Two</h1>{second}"),
        "Notes/all notes.xhtml": page(notes),
        "z.xhtml": page("<h1>Thanks</h1><p>To all.</p>"),
    }
    names = {"One": "c1.xhtml", "Two": "c2.xhtml", "Sources": "Notes/all notes.xhtml", "Thanks": "z.xhtml"}
    book = read_book(make_bundle(tmp_path, documents, [entry(title, name) for title, name in names.items()]))
    assert texts(book) == ["One", "He came home.", "Two", "He left.", "Thanks", "To all."]
    assert [chapter.title for chapter in book.chapters] == ["One", "Two", "Thanks"]
    assert [text for reason, text in skips(book) if reason == "note"] == ["Sources", "One", "1. Smith.", "Said he.", "2. Ibid.", "Two", "1. Jones."]


def test_a_note_of_several_paragraphs_ends_where_the_text_goes_on(tmp_path: Path) -> None:
    text = f"<p>One{mark('1', '#n1', 'r1')} and two{mark('2', '#n2', 'r2')}.</p>"
    inside = '<p id="n1">1. First.</p><p>More of it.</p><div id="n2"><p>2. Second.</p><p>More, too.</p></div>'
    assert texts(read(tmp_path / "end", f"{text}{inside}<p>Third.</p>")) == ["One and two.", "Third."]
    below = f'<p>One{mark("1", "#n1", "r1")}.</p><p id="n1">1 First.</p><p>Text{mark("2", "#n2", "r2")}.</p><p id="n2">2 Second.</p><p>Third.</p>'
    assert texts(read(tmp_path / "below", below)) == ["One.", "Text.", "Third."]


@pytest.mark.parametrize(
    "body",
    [
        '<p><a href="#A">[A]</a> <a href="#B">[B]</a></p><h2 id="A">A</h2><p>Abbey.</p><h2 id="B">B</h2><p>Bee.</p>',  # a dictionary
        '<p>Go to |<a href="#A">[A]</a>|<a href="#B">[B]</a></p><p id="A">A</p><p>Abbey.</p><p id="B">B</p><p>Bee.</p>',
        '<p>Turn to <a href="#A">[A]</a>.</p><p id="A">A</p><p>Abbey.</p><p id="B">B</p><p>Bee.</p>',  # a game
        f'<p>See{mark("1", "#A", "r")}.</p><p>It goes on<a id="A"></a>.</p><p>A</p><p>Abbey.</p><p>B</p><p>Bee.</p>',
        f'<p>See{mark("1", "#A", "r")}.</p><h2 id="A">A</h2><p>Abbey.</p><h2>B</h2><p>Bee.</p>',
        f'<p>Do{mark("1", "#A", "r")} this:</p><ol><li id="A">A</li><li>Abbey.</li><li>B</li><li>Bee.</li></ol>',
        '<p>走到<a href="#A">1</a>。</p><ol><li id="A">A</li></ol><p>Abbey.</p><p>B</p><p>Bee.</p>',
    ],
)
def test_what_marks_lead_to_and_is_no_note_is_said(tmp_path: Path, body: str) -> None:
    assert texts(read(tmp_path, body))[-4:] == ["A", "Abbey.", "B", "Bee."]


def test_sections_that_lead_to_one_another_are_no_notes(tmp_path: Path) -> None:
    sections = [f'<p id="s{at}">{at} He went on{mark(str(at + 2), f"#s{at + 2}", f"r{at}")}.</p>' for at in range(1, 9)]
    assert len(texts(read(tmp_path / "lines", "".join(sections)))) == 8
    headed = [f'<h2 id="s{at}">{at}</h2><p>He went on{mark(str(at + 2), f"#s{at + 2}", f"r{at}")}.</p>' for at in range(1, 9)]
    assert len(texts(read(tmp_path / "headed", "".join(headed)))) == 16


def test_a_number_that_says_where_to_go_on_is_said(tmp_path: Path) -> None:
    body = "".join(f'<p id="s{at}">{at}. He came. Turn to <a href="#s{at + 2}">[{at + 2}]</a>.</p>' for at in range(1, 4))
    assert [text for text in texts(read(tmp_path, body)) if "Turn" in text] == ["Turn to [3].", "Turn to [4].", "Turn to [5]."]


def test_the_paragraphs_of_the_last_note_are_not_said_either(tmp_path: Path) -> None:
    text = f"<h1>One</h1><p>One{mark('1', 'n.xhtml#n1', 'r1')} and two{mark('2', 'n.xhtml#n2', 'r2')}.</p>"
    notes = '<p id="n1">1. First.</p><p>As he said.</p><p id="n2">2. Second.</p>'

    def said(folder: str, below: str, above: str = "") -> list[str]:
        documents = {"c.xhtml": page(text), "head.xhtml": page("<h1>Notes</h1>"), "n.xhtml": page(f"<h2>One</h2>{above}{notes}{below}")}
        return texts(read_book(make_bundle(tmp_path / folder, documents)))

    assert said("one", "<p>As she said.</p>") == ["One", "One and two."]  # the heading apart, as Calibre divides a Kindle book
    assert said("two", "<p>He left.</p><p>She left.</p>")[-2:] == ["He left.", "She left."]
    assert said("title", "<p>THE END</p>")[-1] == "THE END"
    assert said("text", "<p>He left.</p>", "<p>He came.</p>")[-1] == "He left."


@pytest.mark.parametrize("head", ["<h1>Two</h1>", "<p>Two</p>"])
def test_a_chapter_between_a_footnote_and_the_endnotes_is_said(tmp_path: Path, head: str) -> None:
    one = f'<p>Star{mark("*", "#s1", "r1")} and end{mark("1", "#e1", "r2")}.</p><p id="s1"><a href="#r1">*</a> By sea.</p>'
    notes = '<p>Notes</p><p id="e1"><a href="#r2">1</a> By land.</p><p id="e2"><a href="#r3">2</a> By air.</p>'
    book = read(tmp_path, f'{one}{head}<p>He left{mark("2", "#e2", "r3")}.</p><p>She left.</p>{notes}')
    assert texts(book) == ["Star and end.", "Two", "He left.", "She left."]


def test_a_list_of_notes_may_have_one_that_no_mark_leads_to(tmp_path: Path) -> None:
    text = "".join(f"<p>He came{mark(str(at), f'#n{at}', f'r{at}')}.</p>" for at in (1, 2, 3, 5))
    items = "".join(f'<li id="n{at}">Note.</li>' for at in range(1, 6))
    assert texts(read(tmp_path, f"{text}<ol>{items}</ol><p>He left.</p>")) == ["He came."] * 4 + ["He left."]


def test_the_notes_of_an_odt_are_not_said(tmp_path: Path) -> None:
    def note(at: int) -> str:
        return f'<dt id="footnote-{at}">[<a href="#citation-{at}">←{at}</a>\n] </dt>\n<dd><p>Note {at}.</p></dd>'

    text = "".join(f'<p>He came<sup><a href="#footnote-{at}" class="citation" id="citation-{at}">{at}</a>\n</sup> home.</p>' for at in (1, 2))
    book = read(tmp_path, f"<h1>One</h1>{text}<h1>Notes</h1><dl>{note(1)}{note(2)}</dl>")
    assert texts(book) == ["One", "He came home.", "He came home."]
    assert [text for reason, text in skips(book) if reason == "note"] == ["Notes", "[ ]", "Note 1.", "[ ]", "Note 2."]


def test_the_list_that_calibre_puts_before_an_fb2_is_not_said_below_an_annotation(tmp_path: Path) -> None:
    body = f"<h3>Annotation</h3><div>About a lamp.</div><hr/>{FRONT}<h1>The Book</h1>{CHAPTERS}{NOTES}"
    book = read(tmp_path / "fb2", body, source={"format": "FB2"})
    assert texts(book)[:4] == ["Annotation", "About a lamp.", "The Book", "Chapter One"]
    assert [text for reason, text in skips(book) if reason == "nav"] == ["The Book", "Chapter One", "Chapter Two", "1"]
    other = '<ul><li><a href="#x">Go left</a></li><li><a href="#y">Go right</a></li></ul><h1 id="x">Left</h1><h1 id="y">Right</h1>'
    assert skips(read(tmp_path / "said", f"<p>About a lamp.</p>{other}", source={"format": "FB2"})) == []


def test_an_entry_that_leads_to_a_note_is_no_chapter(tmp_path: Path) -> None:
    text = f"<h1 id='c1'>One</h1><p>One{mark('1', '#n1', 'r1')}.</p><h1 id='c2'>Two</h1><p>Two{mark('2', '#n2', 'r2')}.</p>"
    notes = '<p id="n1">1. First.</p><p id="n2">2. Second.</p>'
    toc = [entry(title, "c.xhtml", anchor) for title, anchor in (("One", "c1"), ("Two", "c2"), ("1", "n1"), ("2", "n2"))]  # as Calibre makes one of links
    headed = read_book(make_bundle(tmp_path / "headed", {"c.xhtml": page(f"{text}{notes}<h1>Thanks</h1><p>To all.</p>")}, toc))
    assert [chapter.title for chapter in headed.chapters] == ["One", "Two", "Thanks"]
    plain = read_book(make_bundle(tmp_path / "plain", {"c.xhtml": page(f"{text}{notes}<p>To all.</p>")}, toc))
    assert [chapter.title for chapter in plain.chapters] == ["One", "Two"] and texts(plain)[-1] == "To all."


def test_the_marks_of_an_rtfs_notes_are_not_said(tmp_path: Path) -> None:
    raw = page('<p>He came[1] home.</p><p>He left.</p><hr/><div class="footnote"><p>[1] By sea.</p></div>')
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert texts(book) == ["He came home.", "He left."]
    assert skips(book) == [("noteref", "[1]"), ("note", "[1] By sea.")]
    assert_nothing_lost(book, {"c.xhtml": raw.encode()})


def test_a_note_in_brackets_ends_with_its_own_bracket(tmp_path: Path) -> None:
    closed = read(tmp_path / "closed", "<p>He came[1].</p><p>[Footnote 1: By [the] sea.</p><p>Or [so] they say.]</p><p>He left.</p>")
    assert texts(closed) == ["He came.", "He left."]
    never = read(tmp_path / "never", "<p>He came[1].</p><p>[Footnote 1: By sea.</p><p>He left.</p><p>He wrote [sic]</p>")
    assert texts(never) == ["He came.", "He left.", "He wrote [sic]"]
    assert texts(read(tmp_path / "behind", "<p>[Footnote 1: By sea.] He left.</p>")) == ["[Footnote 1: By sea.] He left."]


def test_the_notes_and_pictures_of_plain_text_are_told_and_not_said(tmp_path: Path) -> None:
    raw = page(
        "<p>[Illustration]</p><p>He came[1] with <i xml:lang='de'>Hans[A]</i> home.[1] “Yes.”[2]</p><p>[Footnote 1: From Rome.</p><p>By sea.]</p>"
        "<p>[2] He said so.</p><p>[Footnote A: A friend.]</p><p>[Illustration: The house]</p><p>He left.</p>"
    )
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert texts(book) == ["He came with Hans home.", "“Yes.”", "[Illustration: The house]", "He left."]
    assert skips(book) == [
        ("picture", "[Illustration]"), ("noteref", "[1]"), ("noteref", "[A]"), ("noteref", "[1]"), ("noteref", "[2]"),
        ("note", "[Footnote 1: From Rome."), ("note", "By sea.]"), ("note", "[2] He said so."), ("note", "[Footnote A: A friend.]"),
    ]  # fmt: skip
    assert_nothing_lost(book, {"c.xhtml": raw.encode()})


@pytest.mark.parametrize(
    "body",
    [
        "<p>Where list[1] is the second, list[0] the first.</p><p>[a] It is so.</p>",
        "<p>He came [1] home.</p><p>[1] He left.</p>",
        "<p>[1] He left.</p><p>He came[1] home.</p>",
        "<p>[1] The claimant appeals, as in Smith[2].</p><p>[2] The defendant answers.</p><p>[3] The court finds so.</p>",
        "<p>[Note this: he left.]</p>",
    ],
)
def test_brackets_that_are_no_notes_are_said(tmp_path: Path, body: str) -> None:
    assert skips(read(tmp_path, body)) == []
