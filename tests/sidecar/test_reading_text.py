"""Reading keeps every word, in order, and knows where in the book's bytes each of them stands."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest
from e2a_sidecar.model import Book, Break, Sentence, Skipped
from e2a_sidecar.reading.blocks import REASONS
from e2a_sidecar.reading.book import read_book
from lxml import etree  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parent))
from reading_bundles import BOOKS, HEAD, epub_bundle, make_bundle, page, read, sample_books, skips, texts

SILENT = {"head", "title", "script", "style", "template", "desc", "metadata", "annotation", "annotation-xml"}
UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")


def nodes(raw: bytes) -> list[tuple[str, bool]]:
    """(text node, can it be seen) by an independent parser: lxml's tree."""
    out: list[tuple[str, bool]] = []

    def walk(element: etree._Element, seen: bool) -> None:
        mine = isinstance(element.tag, str)
        seen_here = seen and mine and element.tag.rpartition("}")[2] not in SILENT
        if mine and element.text:
            out.append((element.text, seen_here))
        for child in element:
            walk(child, seen_here)
        if element.tail:
            out.append((element.tail, seen))

    walk(etree.fromstring(raw, etree.XMLParser(resolve_entities=False, load_dtd=False, strip_cdata=True)), True)
    return out


def assert_nothing_lost(book: Book, documents: dict[str, bytes]) -> None:
    """Every visible character is in exactly one sentence or skipped run, in order, and each says truly where it stands."""
    for name, raw in documents.items():
        parts = nodes(raw)
        text = "".join(part for part, _ in parts)
        visible = bytearray()
        for part, seen in parts:
            visible += bytes([seen]) * len(part)
        taken = bytearray(len(text))
        skipped = [skip for skip in book.skipped if skip.source.document == name]
        for skip in sorted(skipped, key=lambda skip: skip.source.end - skip.source.start):  # one may stand inside another
            assert squeezed(text, visible, taken, skip.source.start, skip.source.end) == skip.text.replace(" ", "")
        last = -1
        for sentence in (sentence for sentence in book.sentences if sentence.source.document == name):
            assert last <= sentence.source.start < sentence.source.end
            last = sentence.source.end
            assert squeezed(text, visible, taken, sentence.source.start, sentence.source.end) == sentence.text.replace(" ", "")
        lost = [text[at] for at in range(len(text)) if visible[at] and not taken[at] and not text[at].isspace() and not UNSEEN.match(text[at])]
        assert lost == []


def squeezed(text: str, visible: bytearray, taken: bytearray, start: int, end: int) -> str:
    """What nobody has taken yet of the visible text in [start, end), without white space (a joined line has none of its own)."""
    out = []
    for at in range(start, end):
        if visible[at] and not taken[at]:
            taken[at] = 1
            out.append(text[at])
    return "".join(UNSEEN.sub("", "".join(out)).split())


def test_a_paragraph_becomes_sentences_that_know_their_place(tmp_path: Path) -> None:
    book = read(tmp_path, "<p>One  is <i>here</i>.\nTwo&#160;is there.</p>")
    assert texts(book) == ["One is here.", "Two is there."]
    whole = "".join(part for part, _ in nodes(page("<p>One  is <i>here</i>.\nTwo&#160;is there.</p>").encode()))
    assert [whole[s.source.start : s.source.end] for s in book.sentences] == ["One  is here.", "Two\xa0is there."]


def test_entities_newlines_and_cdata_count_as_xml_says(tmp_path: Path) -> None:
    body = "<p>Caf&eacute; &amp; bar\r\nend. <![CDATA[5 < 6 &amp; so.]]></p>"
    book = read(tmp_path, body)
    assert texts(book) == ["Café & bar end.", "5 < 6 &amp; so."]
    whole = "Not said" + "Café & bar\nend. 5 < 6 &amp; so."
    assert [whole[s.source.start : s.source.end].replace("\n", " ") for s in book.sentences] == texts(book)


def test_entities_that_the_document_declares_are_read_and_outside_ones_are_not(tmp_path: Path) -> None:
    entities = '<!ENTITY short "Ltd"><!ENTITY file SYSTEM "file:///etc/hostname"><!ENTITY a "&short;&short;">'
    body = "<p>By &short;, [&file;] and [&a;] &nobody; there.</p>"
    book = read_book(make_bundle(tmp_path, {"c.xhtml": f"<!DOCTYPE html [{entities}]>" + page(body)}))
    assert texts(book) == ["By Ltd, [] and [] &nobody; there."]


@pytest.mark.parametrize(
    "raw",
    [
        b'<?xml version="1.0" encoding="windows-1251"?>' + page("<p>Все семьи похожи.</p>").encode("cp1251"),
        page("<p>Все семьи похожи.</p>").encode("utf-16"),
        b"\xef\xbb\xbf" + page("<p>Все семьи похожи.</p>").encode(),
        page("<p>Все семьи похожи.</p>").replace("<head>", '<head><meta charset="koi8-r"/>').encode("koi8-r"),
    ],
)
def test_encodings_are_found(tmp_path: Path, raw: bytes) -> None:
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}, metadata={"language": "ru"}))
    assert texts(book) == ["Все семьи похожи."]
    assert book.warnings == ()


def test_latin_1_that_says_utf_8_is_read_with_a_warning(tmp_path: Path) -> None:
    raw = b'<?xml version="1.0" encoding="utf-8"?>' + page("<p>Le café “est” fermé.</p>").encode("cp1252")
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert texts(book) == ["Le café “est” fermé."]
    assert [warning.code for warning in book.warnings] == ["encoding_guessed"]


def test_a_blank_bad_byte_costs_no_word(tmp_path: Path) -> None:
    raw = page("<p>Good BYTES text.</p>").encode().replace(b"BYTES", b"\xff\xfe\x80\xc3")
    [text] = texts(read_book(make_bundle(tmp_path, {"c.xhtml": raw})))
    assert text.startswith("Good ") and text.endswith(" text.")


def test_what_is_for_the_eye_is_skipped_with_its_reason(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        '<p>Said<a epub:type="noteref" href="#n1">1</a> and<sup><a href="#n2">2</a></sup> done<a href="#n3">[3]</a>.'
        '<span epub:type="pagebreak">17</span> More<a href="#n4">4</a>.</p>'
        '<p hidden="hidden">Secret.</p><p style="color: red; display:none">Secret too.</p><p aria-hidden="true">Third.</p>'
        '<nav><a href="#x">Go on</a></nav><aside epub:type="footnote" id="n1">A note.</aside><div class="footnotes"><p>Another.</p></div>'
        "<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby> sign.</p><p>* * *</p><script>var x;</script><template>T</template>"
        '<section epub:type="copyright-page"><p>All rights.</p></section>',
    )
    assert texts(book) == ["Said and done.", "More.", "漢 sign."]
    assert skips(book) == [
        ("noteref", "1"), ("noteref", "2"), ("noteref", "[3]"), ("pagebreak", "17"), ("noteref", "4"),
        ("hidden", "Secret."), ("hidden", "Secret too."), ("hidden", "Third."), ("nav", "Go on"), ("note", "A note."), ("note", "Another."),
        ("ruby", "(kan)"), ("ornament", "* * *"), ("boilerplate", "All rights."),
    ]  # fmt: skip
    assert {reason for reason, _ in skips(book)} <= set(REASONS)


def test_links_and_raised_numbers_that_are_words_are_said(tmp_path: Path) -> None:
    book = read(tmp_path, '<p>See chapter <a href="#c3">3</a> or <a href="#e">(4)</a>: 3<sup>2</sup> is 9, says <a href="#x">the note</a>.</p>')
    assert texts(book) == ["See chapter 3 or (4): 32 is 9, says the note."]
    assert skips(book) == []


def test_whole_documents_are_skipped_and_reported(tmp_path: Path) -> None:
    documents = {
        "nav.xhtml": page("<h1>Contents</h1><ol><li>One</li></ol>"),
        "half.xhtml": page('<section epub:type="halftitlepage"><h1>The Book</h1></section>'),
        "one.xhtml": page("<p>Said.</p>"),
        "extra.xhtml": page("<p>Aside.</p>"),
        "notes.xhtml": page('<section epub:type="endnotes" role="doc-endnotes"><ol><li>Note one.</li></ol></section>'),
    }
    folder = make_bundle(tmp_path, documents, nav=["nav.xhtml"])
    (folder / "bundle.json").write_text((folder / "bundle.json").read_text().replace('extra.xhtml", "linear": true', 'extra.xhtml", "linear": false'))
    book = read_book(folder)
    assert texts(book) == ["Said."]
    assert skips(book) == [("nav", "Contents"), ("nav", "One"), ("halftitle", "The Book"), ("nonlinear", "Aside."), ("note", "Note one.")]


def test_pauses_follow_the_page(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        "<h1>Title</h1><p>One. Two.</p><p>Three.</p><hr/><p>Four.</p><p>⁂</p><p>Five.</p><p>Rose is red,<br/>Sky is blue</p>"
        "<table><tr><td>a1</td><td>b1</td></tr><tr><td>a2</td><td>b2</td></tr></table><ul><li>x</li><li>y</li></ul>",
    )
    assert [(sentence.text, sentence.before) for sentence in book.sentences] == [
        ("Title", Break.CHAPTER), ("One.", Break.HEADING), ("Two.", Break.SENTENCE), ("Three.", Break.PARAGRAPH), ("Four.", Break.SCENE),
        ("Five.", Break.SCENE),
        ("Rose is red,", Break.PARAGRAPH), ("Sky is blue", Break.LINE),
        ("a1", Break.PARAGRAPH), ("b1", Break.LINE), ("a2", Break.PARAGRAPH), ("b2", Break.LINE), ("x", Break.PARAGRAPH), ("y", Break.PARAGRAPH),
    ]  # fmt: skip
    assert [sentence.heading for sentence in book.sentences][:2] == [True, False]


def test_broken_lines_that_go_on_are_one_sentence(tmp_path: Path) -> None:
    book = read(tmp_path, "<p>He walked<br/>\nto the door.<br/>Then he left.</p><pre>A line\ngoes on\nAnother line</pre>")
    assert texts(book) == ["He walked to the door.", "Then he left.", "A line goes on", "Another line"]


def test_drop_caps_soft_hyphens_and_inline_tags_do_not_break_words(tmp_path: Path) -> None:
    book = read(tmp_path, '<p><span class="dropcap">T</span>he ex&#173;am&#8203;ple <b>wor</b>d.&#xFEFF;</p>')
    assert texts(book) == ["The example word."]


def test_the_language_of_a_passage_is_known(tmp_path: Path) -> None:
    book = read(tmp_path, '<p xml:lang="en-US">He said it.</p><p>She said <i xml:lang="fr">oui</i> to him. <i lang="fr">Je ne sais pas quoi.</i></p>')
    assert [(s.text, s.language) for s in book.sentences] == [("He said it.", ""), ("She said oui to him.", ""), ("Je ne sais pas quoi.", "fr")]


def test_a_wrong_language_on_every_document_does_not_beat_the_library(tmp_path: Path) -> None:
    raw = page("<p>Buongiorno a tutti.</p>").replace("<html ", '<html xml:lang="en" ')
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}, metadata={"language": "ita"}))
    assert (book.metadata.language, book.sentences[0].language) == ("it", "")
    book = read_book(make_bundle(tmp_path / "none", {"c.xhtml": raw}, metadata={"language": "x garbage"}))
    assert book.metadata.language == "en"


def test_tag_soup_is_read_to_its_end(tmp_path: Path) -> None:
    soup = "<html><head><title>C<body><h1>Chapter <b>One<p>Text & more text < 5 <i>never closed<br>line <p>second paragraph &nbsp;&mdash; &unknown; end"
    book = read_book(make_bundle(tmp_path, {"c.xhtml": soup}))
    assert " ".join(texts(book)) == "Chapter One Text & more text < 5 never closed line second paragraph — &unknown; end"
    assert [sentence.heading for sentence in book.sentences] == [True, False, False]
    assert [warning.code for warning in book.warnings] == ["markup_repaired"]


def test_soup_hides_no_more_than_what_is_hidden(tmp_path: Path) -> None:
    soup = "<body><p hidden>Secret<p>Said.<ul><li hidden>No<li>Yes</ul><script>if (a < b) {}</script><p>After & all."
    book = read_book(make_bundle(tmp_path, {"c.xhtml": soup}))
    assert texts(book) == ["Said.", "Yes", "After & all."]


def test_controls_never_reach_the_text(tmp_path: Path) -> None:
    book = read_book(make_bundle(tmp_path, {"c.xhtml": page("<p>Good\0\a \x1b[31m text.</p>")}))
    assert texts(book) == ["Good [31m text."]


def test_random_documents_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    words = ["alpha", "Beta.", "gamma,", "Mr. Delta", "“Epsilon!”", "…", "—", "* * *", "é&#233;", "&amp;", "x&#173;y", "😀", "漢字。"]
    words += ["&#160;", "\r\n", "<br/>", "7", "<!-- no -->", "<?pi no?>"]
    tags = ["p", "p", "p", "i", "b", "span", "div", "h2", "li", "td", "sup", "pre", "rt", "script"]
    tags += ["aside hidden='hidden'", "a href='#n'", "span epub:type='pagebreak'", "p lang='fr'"]

    def element(depth: int) -> str:
        tag = chance.choice(tags)
        inside = []
        for _ in range(chance.randint(0, 6)):
            plain = depth > 4 or chance.random() < 0.7
            inside.append(chance.choice(words) + chance.choice(["", " ", "\n"]) if plain else element(depth + 1))
        return f"<{tag}>{''.join(inside)}</{tag.split()[0]}>"

    documents = {f"d{number}.xhtml": (HEAD + "<body>" + "".join(element(0) for _ in range(8)) + "</body></html>").encode() for number in range(300)}
    book = read_book(make_bundle(tmp_path, documents))
    assert not book.warnings or {warning.code for warning in book.warnings} == {"toc_useless"}
    assert len(book.sentences) > 1000
    assert_nothing_lost(book, documents)


@pytest.mark.parametrize("number", range(11))
def test_sample_books_keep_every_word_and_chapter(tmp_path: Path, number: int) -> None:
    """The manifest counts words between white space and block edges, and each CJK character or mark as one.

    The mark of a note is glued to its word there, so that it is none of its own.
    """
    entries = sample_books("dev")
    if number >= len(entries):
        pytest.skip("no such sample book")
    expected = entries[number]
    book = read_book(epub_bundle(BOOKS / "dev" / expected["file"], tmp_path, expected["language"]))
    cjk = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
    count = dict.fromkeys((document["href"] for document in expected["spine"]), 0)
    runs: list[Sentence | Skipped] = [*book.sentences, *book.skipped]
    for run in runs:
        if getattr(run, "reason", "") != "noteref":
            count[run.source.document] += len(re.findall(rf"[{cjk}]|[^\s{cjk}]+", run.text))
    for document in expected["spine"]:
        assert abs(count[document["href"]] - document["words"]) <= max(3, 0.005 * document["words"]), document["href"]
    assert abs(sum(count.values()) - expected["words"]) <= 0.005 * expected["words"]
    titles = iter([chapter.title for chapter in book.chapters])
    for chapter in expected["expected_toc_chapters"]:
        assert " ".join(chapter["title"].split()) in titles, chapter["title"]
    if expected["words"] < 60_000:
        raws = {name: (tmp_path / "content" / name).read_bytes() for name in count}
        assert_nothing_lost(book, raws)
