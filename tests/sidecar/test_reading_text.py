"""Reading keeps every word, in order, and knows where in the book's bytes each of them stands."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest
from e2a_sidecar.model import Break, Sentence, Skipped
from e2a_sidecar.reading.block import REASONS
from e2a_sidecar.reading.book import read_book

sys.path.insert(0, str(Path(__file__).parent))
from nothing_lost import assert_nothing_lost, nodes
from reading_bundles import BOOKS, HEAD, entry, epub_bundle, make_bundle, page, read, sample_books, skips, texts


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


def test_entities_that_stand_for_characters_by_number_are_read(tmp_path: Path) -> None:
    entities = (
        '<!ENTITY nbsp "&#160;"><!ENTITY mdash "&#x2014;"><!ENTITY eacute "&#233;"><!ENTITY co "A &amp; B"><!ENTITY less "&#38;#60;"><!ENTITY auml "<b/>">'
    )
    book = read_book(make_bundle(tmp_path, {"c.xhtml": f"<!DOCTYPE html [{entities}]>" + page("<p>caf&eacute;&nbsp;&co;&mdash;5 &less; 6 B&auml;r</p>")}))
    assert texts(book) == ["café A & B—5 < 6 Bär"]
    assert book.warnings == ()


def test_characters_by_their_number_in_windows_are_what_browsers_show(tmp_path: Path) -> None:
    said = "It’s the 1914–1918 war, he said—“no”… "
    for number, body in enumerate(
        ("It&#146;s the 1914&#150;1918 war, he said&#x97;&#147;no&#148;&#133;", "It\x92s the 1914\x961918 war, he said\x97\x93no\x94\x85")
    ):
        for end in ("</p>", "<br></p>"):
            book = read_book(make_bundle(tmp_path / f"{number}{len(end)}", {"c.xhtml": page(f"<p>{body} {end}")}))
            assert texts(book) == [said.strip()]


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


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "iso-8859-2", "koi8-r"])
def test_utf_8_that_says_something_else_is_read_with_a_warning(tmp_path: Path, declared: str) -> None:
    raw = f'<?xml version="1.0" encoding="{declared}"?>'.encode() + page("<p>Le café “est” fermé, žluťoučký.</p>").encode()
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert texts(book) == ["Le café “est” fermé, žluťoučký."]
    assert [warning.code for warning in book.warnings] == ["encoding_guessed"]


def test_latin_1_that_says_utf_8_is_read_with_a_warning(tmp_path: Path) -> None:
    raw = b'<?xml version="1.0" encoding="utf-8"?>' + page("<p>Le café “est” fermé.</p>").encode("cp1252")
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert texts(book) == ["Le café “est” fermé."]
    assert [warning.code for warning in book.warnings] == ["encoding_guessed"]


def test_a_blank_bad_byte_costs_no_word(tmp_path: Path) -> None:
    raw = page("<p>Good BYTES text.</p>").encode().replace(b"BYTES", b"\xff\xfe\x80\xc3")
    [text] = texts(read_book(make_bundle(tmp_path, {"c.xhtml": raw})))
    assert text.startswith("Good ") and text.endswith(" text.")


@pytest.mark.parametrize(
    ("picture", "rest", "said"),
    [
        ("T", "HE day.", "THE day."),
        ("I", " saw it.", "I saw it."),
        ("Illuminated letter T", "he man.", "The man."),
        ("T", "The day.", "The day."),
        ("A", "ABBEY walls.", "ABBEY walls."),
        ("B", " The point.", "The point."),
    ],
)
def test_a_pictures_letter_is_said_where_the_word_goes_on_without_it(tmp_path: Path, picture: str, rest: str, said: str) -> None:
    assert texts(read(tmp_path, f'<p><img alt="{picture}" src="x.png"/>{rest}</p>')) == [said]


def test_a_pictures_words_take_no_time(tmp_path: Path) -> None:
    """Each "drop-cap" could once be taken in two ways."""
    assert texts(read(tmp_path, f'<p><img alt="{"drop-cap-" * 33}!" src="x.png"/>Said.</p>')) == ["Said."]


def test_a_poems_line_numbers_are_not_said(tmp_path: Path) -> None:
    book = read(tmp_path, '<p>And twinkle <span class="linenum">10</span><br/>On the milky way</p>')
    assert (texts(book), skips(book)) == (["And twinkle", "On the milky way"], [("pagebreak", "10")])


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


def test_links_that_are_words_are_said(tmp_path: Path) -> None:
    links = (
        '<p>See chapter <a href="#c3">3</a> or <a href="#e">(4)</a>, p.<a href="#p">12</a>, pp.<a href="#p">12</a>-15, §<a href="#s">4</a>, '
        '<a href="#x">note 2</a>.</p>'
    )
    book = read(tmp_path, links)
    assert texts(book) == ["See chapter 3 or (4), p.12, pp.12-15, §4, note 2."]
    assert skips(book) == []


@pytest.mark.parametrize(
    ("body", "said", "marks"),
    [
        ("It grew by 10<sup>5</sup>, 10<sup>−3</sup>, x<sup>2</sup>y<sup>3</sup>z².", "It grew by 10⁵, 10⁻³, x²y³z².", []),
        ("In 5 km<sup>2</sup> of 3<sup>2</sup>, 2<sup>n</sup> and (a+b)<sup>2</sup>", "In 5 km² of 3², 2ⁿ and (a+b)²", []),
        ("The 1<sup>st</sup> and the XIX<sup>e</sup>, M<sup>r</sup> H<sub>2</sub>O", "The 1st and the XIXe, Mr H2O", []),
        ("Half of 1<sup>1</sup>/<sub>2</sub> or <sup>3</sup>/<sub>4</sub>", "Half of 1 1/2 or 3/4", []),
        ("Base 10<sub>2</sub> and log<sub>2</sub>8, Ca<sup>2+</sup>", "Base 10₂ and log₂8, Ca²⁺", []),
        ("1914–18<sup>3</sup> for $5<sup>2</sup>, $5<sup>99</sup> at 8<sup>30</sup> a.m.", "1914–18 for $5, $5 99 at 8 30 a.m.", ["3", "2"]),
        ("The queen came.<sup>12</sup> He went<sup>3</sup>", "The queen came. He went", ["12", "3"]),
        ("He was born in 1944<sup>3</sup> (in Rome)<sup>[4]</sup>", "He was born in 1944 (in Rome)", ["3", "[4]"]),
        ("It rained<sup>*</sup> and<sup>1, 2</sup> stopped.¹² So", "It rained and stopped. So", ["*", "1, 2", "¹²"]),
        ('<sup>16</sup>For God so loved <span class="superscript">17</span>For', "For God so loved For", ["16", "17"]),
        ("Of <sup>14</sup>C and m², ¹⁴C", "Of 14C and m², ¹⁴C", []),
        ('Then<a href="n.xhtml"><sup>3</sup></a> and <a href="n.xhtml">3</a>', "Then and 3", ["3"]),
        ('One<a href="#n"><sup>[Note 2]</sup></a> two <a href="#n">{2}</a>', "One two", ["[Note 2]", "{2}"]),
        ("By 10⁻³ m s⁻¹, Ca²⁺ and SO₄²⁻, not so.⁴", "By 10⁻³ m s⁻¹, Ca²⁺ and SO₄²⁻, not so.", ["⁴"]),
        ('A note. <a href="#r">↩︎</a> <a href="#r">↑</a> <a href="#r">[back]</a>', "A note.", ["↩︎", "↑", "[back]"]),
    ],
)  # fmt: skip
def test_small_figures_are_powers_fractions_or_marks_and_never_make_another_number(tmp_path: Path, body: str, said: str, marks: list[str]) -> None:
    raw = page(f"<p>{body}</p>")
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert " ".join(texts(book)) == said
    assert skips(book) == [("noteref", mark) for mark in marks]
    if "/" not in said and "¹⁴" not in body:
        assert_nothing_lost(book, {"c.xhtml": raw.encode()})


def test_a_formula_is_read_as_it_is_laid_out(tmp_path: Path) -> None:
    def math(inside: str) -> str:
        return f'<p><math xmlns="http://www.w3.org/1998/Math/MathML">{inside}</math></p>'

    half = "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
    power = "<msup><mn>10</mn><mn>5</mn></msup><mo>=</mo><msup> <mi>x</mi> <mrow> <mo>−</mo> <mn>1</mn> </mrow> </msup>"
    rows = "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable><msqrt> <mn>3</mn></msqrt>"
    summed = "<msubsup><mo>∑</mo><mn>1</mn><mi>k</mi></msubsup><msup><mi>A</mi><mi>t</mi></msup>"
    book = read(tmp_path, math(half) + math(power) + math(rows) + math(summed))
    assert [" ".join(text.split()) for text in texts(book)] == ["1 ⁄2", "10⁵ = x ⁻ ¹", "1 2 √3", "∑ 1 k A^t"]
    assert [" ".join(s.spoken.split()) for s in book.sentences][:2] == ["1 over 2", "10 to the power of 5 = x to the power of minus 1"]


def test_numbers_of_printed_pages_are_known_by_their_class_if_they_are_numbers(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        '<p>He went <span class="pagenum"><a id="p12">[Pg 12]</a></span>home and sle<span class="x pageno">13</span>pt.</p><div class="pagenum">xiv</div>'
        '<div class="pagebreak"><p>A whole page.</p></div><p>The <span class="page-number">second</span> one.</p>',
    )
    assert texts(book) == ["He went home and slept.", "A whole page.", "The second one."]
    assert skips(book) == [("pagebreak", "[Pg 12]"), ("pagebreak", "13"), ("pagebreak", "xiv")]


def test_numbers_of_printed_pages_that_stand_in_the_text_are_told_and_not_said(tmp_path: Path) -> None:
    raw = page("<p>He went [Pg 12] home and sle[Pg 13]pt, 5 km².</p><p>[Page xiv]</p><p>See [page 21], on p. 5.</p>")
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert texts(book) == ["He went home and slept, 5 km².", "See [page 21], on p. 5."]
    assert skips(book) == [("pagebreak", "[Pg 12]"), ("pagebreak", "[Pg 13]"), ("pagebreak", "[Page xiv]")]
    assert_nothing_lost(book, {"c.xhtml": raw.encode()})


@pytest.mark.parametrize("html", ['<html xmlns:o="urn:schemas-microsoft-com:office:office">', "<HTML>"])
def test_words_own_elements_end_no_paragraph(tmp_path: Path, html: str) -> None:
    raw = f"{html}<body><p>It was<o:p>&#160;</o:p> here.<o:p></o:p></p><p>It is<o:p/> gone.</p></body></html>"
    assert texts(read_book(make_bundle(tmp_path, {"c.xhtml": raw}))) == ["It was here.", "It is gone."]


def test_words_that_are_pictures_are_said_or_told(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        '<h1><img src="h.png" alt="Chapter One"/></h1><p><img src="o.png" alt="O"/>nce upon a time.</p><h2>Two <img src="x.png" alt="a leaf"/></h2>'
        '<p>We saw <img src="p.png" alt="π"/> and <img src="q.png" alt="q.png"/> it.</p><figure><img src="m.png" alt="A map of France"/></figure>',
    )
    assert texts(book) == ["Chapter One", "Once upon a time.", "Two", "We saw and it."]
    assert skips(book) == [("picture", "a leaf"), ("picture", "π")]
    assert [chapter.title for chapter in book.chapters] == ["Chapter One", "Two"]


def test_a_word_that_is_parted_at_the_end_of_a_line_has_no_blank_in_it(tmp_path: Path) -> None:
    book = read(tmp_path, "<p>A well- <br/>\n known <i>mis-</i><br/><b>take</b>, two-<br/>or three-year<br/>old, x-<br/>axis.</p>")
    assert texts(book) == ["A well-known mis-take, two- or three-year old, x- axis."]


def test_a_picture_that_is_a_chapters_title_is_said_without_a_heading_too(tmp_path: Path) -> None:
    pictures = ("CHAPTER II. THE START", "Chapter Three", "Kapitel 4", "Chapter heading", "A chapter", "The end of Chapter One")
    book = read(tmp_path, "".join(f'<p class="c"><img src="x.png" alt="{words}"/></p><p>Text.</p>' for words in pictures))
    assert [text for text in texts(book) if text != "Text."] == ["CHAPTER II.", "THE START", "Chapter Three", "Kapitel 4"]


def test_lines_of_a_pictures_text_do_not_run_together(tmp_path: Path) -> None:
    rows = '<text><tspan x="0" y="0">A</tspan><tspan x="5" y="0">nna</tspan><tspan x="0" y="20">Bob</tspan><tspan x="0" dy="1.2em">Carl</tspan></text>'
    book = read(tmp_path, f'<svg xmlns="http://www.w3.org/2000/svg">{rows}<text><tspan x="0">Do</tspan><tspan x="9" dy="0">ra</tspan></text></svg>')
    assert texts(book) == ["Anna", "Bob", "Carl", "Dora"]


def test_first_letters_set_apart_join_their_words(tmp_path: Path) -> None:
    label = '<span aria-label="Once"><span aria-hidden="true"><span>O</span>nce</span></span>'
    apart = '<div class="dropcap">O</div>\n<p>nce more.</p><p class="initial">A</p><p>The end.</p><p>B</p><p>eta.</p><p class="initial">C</p><p>cause</p>'
    book = read(tmp_path, f'<p>{label} upon a time.</p><section aria-label="x"><p aria-hidden="true">Gone.</p></section>{apart}')
    assert texts(book) == ["Once upon a time.", "Once more.", "A", "The end.", "B", "eta.", "C", "cause"]
    assert skips(book) == [("hidden", "Gone.")]
    beside = '<div style="float: left">S</div><p>he came.</p><div style="float: left">A note</div><p>beside it.</p><div style="float: left">B</div><p>Eta.</p>'
    assert texts(read(tmp_path / "beside", beside)) == ["She came.", "A note", "beside it.", "B", "Eta."]


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


def test_soup_ends_lines_and_comments_where_browsers_do_and_no_comment_takes_the_rest(tmp_path: Path) -> None:
    soup = "<body>line one</br>line two</p>three<!-->four<!--->five<!-- x --!>six<!-- y -- >seven<p>eight<!-- never ended <i>nine"
    book = read_book(make_bundle(tmp_path, {"c.xhtml": soup}))
    assert texts(book) == ["line one line two", "threefourfivesixseven", "eightnine"]


def test_a_document_that_is_called_cover_or_navigation_is_read_where_it_holds_more(tmp_path: Path) -> None:
    whole = page('<h1 id="cover">The Book</h1><h2 id="one">One</h2><p>All of the first text.</p><h2 id="two">Two</h2><p>And the second.</p>')
    toc = [entry("One", "b.xhtml", "one"), entry("Two", "b.xhtml", "two")]
    more = {"b.xhtml": whole, "c.xhtml": page("<h2>Three</h2><p>Third.</p>")}
    long = page(f"<h1>The Book</h1><p>{'Many words are here. ' * 20}</p>")
    nav = page('<nav><ol><li><a href="#one">One</a></li></ol></nav><h2 id="one">One</h2><p>This is no list, and more than a line or two of words in it.</p>')
    for number, (documents, contents, called) in enumerate(
        [
            ({"b.xhtml": whole}, [], {"cover_page": "b.xhtml"}),
            (more, toc, {"cover_page": "b.xhtml"}),
            ({"b.xhtml": long, "c.xhtml": whole}, [], {"cover_page": "b.xhtml"}),
            ({"b.xhtml": nav, "c.xhtml": whole}, [], {"nav": ["b.xhtml"]}),
        ]
    ):
        book = read_book(make_bundle(tmp_path / str(number), documents, contents, **called))
        assert texts(book)[0] in ("The Book", "One")
        assert {skip.reason for skip in book.skipped} <= {"nav"} and len(book.skipped) == (number == 3)
    book = read_book(make_bundle(tmp_path / "cover", {"cover.xhtml": page("<p>The Book</p>"), "c.xhtml": whole}, cover_page="cover.xhtml"))
    assert skips(book) == [("cover", "The Book")]


def test_a_book_of_which_nothing_is_in_the_reading_order_is_read(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path, {"c.xhtml": page("<p>Said.</p>")})
    (folder / "bundle.json").write_text((folder / "bundle.json").read_text().replace('"linear": true', '"linear": false'))
    assert texts(read_book(folder)) == ["Said."]


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
