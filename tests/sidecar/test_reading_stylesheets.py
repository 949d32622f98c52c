"""What a book's stylesheets hide is not said but reported, as Calibre's viewer shows the book; nothing else changes."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.model import Book, Break
from e2a_sidecar.reading import stylesheets
from e2a_sidecar.reading.book import read_book

sys.path.insert(0, str(Path(__file__).parent))
from reading_bundles import entry, make_bundle, skips, texts

LINK = '<link rel="stylesheet" type="text/css" href="../styles/a.css"/>'
DOCUMENT = "text/c.xhtml"


def page(body: str, head: str = LINK, before: str = "", root: str = "") -> str:
    return (
        f'{before}<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"{root}><head><title>Not said</title>{head}</head>'
        f"<body>{body}</body></html>"
    )


def styled(folder: Path, css: str | bytes, body: str, head: str = LINK, before: str = "", **files: str | bytes) -> Book:
    """The book of one document, whose stylesheet is `css`; files: others beside that, by name without `.css`."""
    beside = {f"styles/{name}.css": content for name, content in {"a": css, **files}.items()}
    return read_book(make_bundle(folder, {DOCUMENT: page(body, head, before)}, files=beside))


@pytest.mark.parametrize(
    "css",
    [
        ".x {display: none}",
        ".y.x { DISPLAY : NONE }",
        "p .x, h6 {display: none !important; display: block}",
        "body > p > span.x {visibility: hidden}",
        "#it {visibility: collapse}",
        "b + span {display: none}",
        "b ~ span {display: none}",
        "span:not(.z):not(:first-child) {display: none}",
        ":is(.x, .z) {display: none}",
        '@namespace epub "http://www.idpf.org/2007/ops"; [epub|type~="aside"] {display: none}',
        '[title^="Pa" i] {display: none}',
        "@media screen, print {.x {display: none}}",
        "@media not amzn-mobi {.x {display: none}}",
        "@media only screen {@media all {.x {display: none}}}",
        ".x {display: none} @media print {.x {display: block}}",
        ".x {display: none} @media amzn-kf8 {.x {display: inline}}",
        ".x {display: none} .x {display: nonsense}",
        ".x {display: none} span {display: inline}",
        "#it {display: none} .x.y {display: inline}",
        ".x {display: none !important} #it {display: inline}",
        "} p {color: red} .x {display: none",
        "/* a { */ <!-- .x {display: none} -->",
        ".x::before {content: 'a'} .x {display: none}",
    ],
)
def test_what_a_stylesheet_hides_is_reported_and_not_said(tmp_path: Path, css: str) -> None:
    book = styled(tmp_path, css, '<p><b>One</b> is <span class="y x" id="it" epub:type="other aside" title="pages">hidden</span> here.</p>')
    assert (texts(book), skips(book)) == (["One is here."], [("hidden", "hidden")])


@pytest.mark.parametrize(
    "css",
    [
        "",
        ".X {display: none}",
        ".x::before {display: none}",
        ".x:hover {display: none}",
        ".x:last-child, .x:nth-child(2) {display: none}",
        "span:first-child {display: none}",
        "i + span, p > b > span, div span {display: none}",
        '[epub|type~="aside"] {display: none}',
        ".x, .y:: {display: none}",
        ".x, ..y {display: none}",
        "} .x {display: none}",
        ".x::selection, .x::part(a):hover, .x:first-line {display: none}",
        ".x {display: none} .x {display: inline}",
        ".x {display: none} p .x {display: inherit}",
        ".x {display: inline !important} #it {display: none}",
        ".x {display: none none}",
        ".x {display: var(--none)}",
        ".x {visibility: hidden} .x {visibility: visible}",
        ".x {opacity: 0; font-size: 0; position: absolute; left: -9999px; color: white}",
        ".x {content: 'display: none'}",
        "@media print {.x {display: none}}",
        "@media amzn-kf8 {.x {display: none}}",
        "@media amzn-mobi, speech {.x {display: none}}",
        "@media not screen {.x {display: none}}",
        "@media (max-width: 400px) {.x {display: none}}",
        "@media screen and (orientation: portrait) {.x {visibility: hidden}}",
        "@supports (display: grid) {.x {display: none}}",
        ".x {display: none} @media (min-width: 400px) {.x {display: block}}",
        "@font-face {font-family: x; display: none} @page {display: none}",
        "@import 'b.css' print; ",
        "p {} @import 'b.css';",
    ],
)
def test_what_no_reader_would_find_hidden_is_said(tmp_path: Path, css: str) -> None:
    body = '<p><b>One</b> is <span class="y x" id="it" epub:type="other aside" title="pages">seen</span> here.</p>'
    book = styled(tmp_path, css, body, b=".x {display: none}")
    assert (texts(book), skips(book)) == (["One is seen here."], [])


def test_style_attributes_go_before_stylesheets_but_for_what_is_important(tmp_path: Path) -> None:
    css = ".a {display: none} .b {display: none !important} .c {display: inline}"
    shown, gone = 'style="display: inline"', 'style="display:none"'
    book = styled(tmp_path, css, f'<p>Said. <i class="a" {shown}>Shown.</i> <i class="b" {shown}>Gone.</i> <i class="c" {gone}>Gone too.</i></p>')
    assert (texts(book), skips(book)) == (["Said.", "Shown."], [("hidden", "Gone."), ("hidden", "Gone too.")])


def test_visibility_is_inherited_and_may_be_given_back_and_display_may_not(tmp_path: Path) -> None:
    css = ".v {visibility: hidden} .n {display: none} .seen {visibility: visible; display: block}"
    book = styled(tmp_path, css, '<div class="v">A<p>B</p><p class="seen">Seen <i class="v">C</i> here.</p></div><div class="n">D<p class="seen">E</p></div>')
    assert (texts(book), [text for _, text in skips(book)]) == (["Seen here."], ["A", "B", "C", "D", "E"])


@pytest.mark.parametrize(
    ("head", "before"),
    [
        ('<link rel="StyleSheet" href="../styles/a.css#x"/>', ""),
        ('<link rel="stylesheet" href="%2E%2E/styles/a.css?v=1" media="screen, amzn-kf8"/>', ""),
        ("<style>.x {display: none}</style>", ""),
        ('<style type="text/css" media="all"><![CDATA[ .x {display: none} p > i {color: red} ]]></style>', ""),
        ("<style>@import '../styles/a.css';</style>", ""),
        ("", "<?xml version='1.0'?>\n<?xml-stylesheet type='text/css' href='../styles/a.css'?>"),
    ],
)
def test_stylesheets_are_found_where_documents_name_them(tmp_path: Path, head: str, before: str) -> None:
    book = styled(tmp_path, ".x {display: none}", '<p>Said. <i class="x">Not.</i></p>', head, before)
    assert texts(book) == ["Said."]


@pytest.mark.parametrize(
    ("head", "before"),
    [
        ('<link rel="alternate stylesheet" href="../styles/a.css"/>', ""),
        ('<link rel="stylesheet" href="../styles/a.css" media="print"/>', ""),
        ('<link rel="stylesheet" href="../styles/a.css" type="text/x-less"/>', ""),
        ('<link rel="next" href="../styles/a.css"/>', ""),
        ('<link rel="stylesheet" href="../styles/missing.css"/>', ""),
        ('<link rel="stylesheet" href="a.css"/>', ""),
        ('<link rel="stylesheet"/>', ""),
        ('<style media="amzn-mobi">.x {display: none}</style>', ""),
        ('<style type="text/template">.x {display: none}</style>', ""),
        ("", "<?xml-stylesheet href='../styles/a.css' alternate='yes'?>"),
    ],
)
def test_stylesheets_for_others_count_for_nothing(tmp_path: Path, head: str, before: str) -> None:
    book = styled(tmp_path, ".x {display: none}", '<p>Said. <i class="x">Said too.</i></p>', head, before)
    assert texts(book) == ["Said.", "Said too."]


def test_later_stylesheets_go_before_earlier_ones_and_imports_before_what_imports_them(tmp_path: Path) -> None:
    head = LINK + '<link rel="stylesheet" href="../styles/b.css"/>'
    rules = {"b": ".y {display: block}", "c": ".z {display: none} .w {display: none}"}
    body = '<p class="x">X.</p><p class="y">Y.</p><p class="z">Z.</p><p class="w">W.</p>'
    book = styled(tmp_path, "@charset 'utf-8'; @import url(c.css); .x {display: none} .y {display: none} .z {display: block}", body, head, **rules)
    assert texts(book) == ["Y.", "Z."]


@pytest.mark.parametrize(
    "css",
    [
        ".é {display: none}".encode(),
        b"\xef\xbb\xbf" + ".é {display: none}".encode(),
        '@charset "iso-8859-1"; .é {display: none}'.encode("latin-1"),
        b"\xff\xfe" + ".é {display: none}".encode("utf-16-le"),
        b"\xfe\xff" + ".é {display: none}".encode("utf-16-be"),
        b'@charset "nonsense"; .x\xff {color: red} ' + ".é {display: none}".encode(),
    ],
)
def test_stylesheets_are_read_in_their_encoding(tmp_path: Path, css: bytes) -> None:
    assert texts(styled(tmp_path, css, '<p>Said. <i class="é">Not.</i></p>')) == ["Said."]


def test_books_of_project_gutenberg_and_shops_are_read_as_they_are_seen(tmp_path: Path) -> None:
    css = """
        body {margin: 5%} .pagenum {position: absolute; left: 92%; visibility: hidden} .x-ebookmaker-drop {display: none}
        h1.toc-title, .hidden {display: none} .kindle {display: none} @media amzn-kf8 {.kindle {display: block} .others {display: none}}
        .fnanchor {vertical-align: super; font-size: .8em} .sq {vertical-align: sub}
    """
    body = (
        '<h1 class="toc-title">Chapter One</h1><h2>One</h2><p>It was <span class="pagenum">[Pg 7]</span>late<a class="fnanchor" href="#n">12</a> '
        'in 1944<span class="fnanchor">3</span>. H<span class="sq">2</span>O.</p><p class="kindle">Rate this book.</p><p class="others">Thank you.</p>'
        '<div class="x-ebookmaker-drop">Cover</div>'
    )
    book = styled(tmp_path, css, body)
    assert texts(book) == ["One", "It was late in 1944.", "H2O.", "Thank you."]
    assert [chapter.title for chapter in book.chapters] == ["One"]
    assert sorted(skips(book)) == sorted(
        [("hidden", "Chapter One"), ("hidden", "[Pg 7]"), ("noteref", "12"), ("noteref", "3"), ("hidden", "Rate this book."), ("hidden", "Cover")]
    )


def test_a_hidden_heading_still_is_where_its_chapter_begins(tmp_path: Path) -> None:
    documents = {DOCUMENT: page('<p>Before.</p><h1 id="one">1</h1><h2>One</h2><p>Text.</p><h1 id="two">2</h1><p>More.</p>')}
    toc = [entry("The First", DOCUMENT, "one"), entry("The Second", DOCUMENT, "two")]
    book = read_book(make_bundle(tmp_path, documents, toc, {"styles/a.css": "h1 {display: none}"}))
    assert [(chapter.title, book.sentences[chapter.first].text) for chapter in book.chapters] == [("The First", "One"), ("The Second", "More.")]
    assert skips(book) == [("hidden", "1"), ("hidden", "2")]


def test_words_that_stand_on_lines_of_their_own_do_not_run_together(tmp_path: Path) -> None:
    css = ".l {display: block} .l + br {display: none} .drop {display: block; float: left}"
    body = (
        '<h2><span class="l">One</span><span class="l">The Beginning</span></h2><p><span class="l">Tyger tyger, burning bright,</span><br/>\n'
        '<span class="l">in the forests</span>\n<br/><span class="l">Of the night.</span></p><p><span class="drop">O</span>nce more.</p>'
    )
    assert texts(styled(tmp_path, css, body)) == ["One", "The Beginning", "Tyger tyger, burning bright, in the forests", "Of the night.", "Once more."]


def test_numbers_beside_the_line_are_not_said_and_other_things_are(tmp_path: Path) -> None:
    css = ".n {float: right} .p {position: absolute; right: 0} .in {float: none; position: relative}"
    body = (
        '<p>Of man’s first disobedience <span class="n">5</span><br/>And <span class="p">12</span> the fruit<span class="p">[Pg xii]</span>.</p>'
        '<p>Engineer <span class="n">1998</span>.</p><p><span class="n">1</span>984 was cold.</p><p><span class="p">I</span> saw <span class="in">15</span> of '
        '<span class="n">x<sup>2</sup></span>.</p><p><span class="p">10</span> <span class="p">ducks</span></p>'
    )
    book = styled(tmp_path, css, body)
    assert texts(book) == ["Of man’s first disobedience", "And the fruit.", "Engineer 1998.", "1984 was cold.", "I saw 15 of x².", "10 ducks"]
    assert skips(book) == [("pagebreak", text) for text in ("5", "12", "[Pg xii]")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<span class="f">5</span> men came.', ["5 men came."]),  # a large first figure
        ('<span class="f">5</span>Thou shalt not.', ["5 Thou shalt not."]),
        ('<span class="f">1</span> God said. <span class="f">5</span> God called.', ["1 God said.", "5 God called."]),  # verses of the Bible
        ('<span class="p">3</span> The law. <br/> <span class="p">5</span> The court.', ["3 The law.", "5 The court."]),  # paragraphs by numbers
        ('<span class="f">(5)</span> The law.', ["(5) The law."]),
        ('<span class="p">[10]</span> The court.', ["[10] The court."]),
        ('<span class="p">1485</span>In that year he died.', ["1485 In that year he died."]),  # in the margin
        ('<span class="f">5</span>th of May.', ["5th of May."]),
        ('x = y <span class="r">(5)</span>', ["x = y (5)"]),
        ('In all<span class="r">250</span>', ["In all 250"]),
        ('Soup <span class="r">5</span><br/>Bread<span class="r">7</span>', ["Soup 5", "Bread 7"]),
        ('Baker <span class="r">1990</span><br/>Cook <span class="p">1995</span>', ["Baker 1990", "Cook 1995"]),
    ],
)
def test_a_number_that_a_listener_would_miss_is_said(tmp_path: Path, body: str, said: list[str]) -> None:
    book = styled(tmp_path, ".f {float: left} .p {position: absolute} .r {float: right}", f"<p>{body}</p>")
    assert (texts(book), skips(book)) == (said, [])


def test_a_headings_own_number_is_said_wherever_it_stands(tmp_path: Path) -> None:
    css = ".f {float: left} .p {position: absolute} .s {vertical-align: super}"
    body = (
        '<h2><span class="f">5</span> Five</h2><h2>Part <span class="p">6</span></h2><h2>Chapter <span class="s">7</span></h2>'
        '<h2><span class="p">[Pg 8]</span>Eight<span class="s">1</span></h2>'
    )
    book = styled(tmp_path, css, body)
    assert (texts(book), skips(book)) == (["5 Five", "Part 6", "Chapter 7", "Eight"], [("pagebreak", "[Pg 8]"), ("noteref", "1")])


def test_a_hidden_first_letter_that_a_picture_shows_is_said(tmp_path: Path) -> None:
    css = ".h {visibility: hidden} .n {display: none} .b {display: block}"
    body = (
        '<p><img src="t.png" alt=""/><span class="h">T</span>he day.</p><p><img src="t.png" alt="T"/><span class="n">T</span>he day.</p>'
        '<p class="w">T<span class="n">T</span>he day.</p><p><span class="n">A</span> man.</p><p><span class="b"><img src="t.png" alt="T"/></span>he day.</p>'
    )
    book = styled(tmp_path, css, body)
    assert (texts(book), skips(book)) == (["The day.", "The day.", "The day.", "man.", "The day."], [("hidden", "T"), ("hidden", "T"), ("hidden", "A")])


def test_a_pause_stays_where_a_picture_stands_for_hidden_asterisks(tmp_path: Path) -> None:
    body = '<p>One<i class="x">*</i>.</p><p>Two.</p><div><img src="o.png" alt=""/><p class="x">* * *</p></div><p>Three.</p>'
    book = styled(tmp_path, ".x {display: none}", body)
    assert [(sentence.text, sentence.before) for sentence in book.sentences[1:]] == [("Two.", Break.PARAGRAPH), ("Three.", Break.SCENE)]
    assert skips(book) == [("hidden", "*"), ("hidden", "* * *")]


def test_a_break_that_is_hidden_still_parts_words(tmp_path: Path) -> None:
    assert texts(styled(tmp_path, "br {display: none}", "<p>One<br/>Two</p>")) == ["One", "Two"]


LONG = "<p>Word after word it goes on. </p>" * 40


def test_a_document_that_its_stylesheet_hides_is_read_and_it_is_said(tmp_path: Path) -> None:
    """No listener is to lose a chapter because a script would have shown it."""
    body = f'<h1>Press to open</h1><div class="chapter">{LONG}</div><p class="x">Shown too.</p>'
    book = styled(tmp_path, ".chapter {display: none} .x {visibility: hidden}", body)
    assert len(book.sentences) == 42 and book.skipped == ()
    assert [(warning.code, warning.params) for warning in book.warnings] == [("text_hidden", {"count": 1, "name": DOCUMENT})]


def test_a_second_version_of_a_text_stays_hidden(tmp_path: Path) -> None:
    book = styled(tmp_path, ".kindle {display: none}", f'<div class="kindle">{LONG}</div><div>{LONG}</div>')
    assert (len(book.sentences), len(book.skipped), book.warnings) == (40, 40, ())


def test_what_a_document_hides_itself_stays_hidden_however_long(tmp_path: Path) -> None:
    book = styled(tmp_path, "", f'<p>Said.</p><div style="display: none">{LONG}</div><div hidden="">{LONG}</div>')
    assert (texts(book), len(book.skipped), book.warnings) == (["Said."], 80, ())


def test_no_stylesheet_hides_a_whole_page(tmp_path: Path) -> None:
    assert texts(styled(tmp_path, "html {display: none} body {visibility: hidden; display: none}", "<p>Said.</p>")) == ["Said."]


def test_a_stylesheet_is_read_once_for_all_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    read_capped = stylesheets.read_capped

    def counted(path: Path, limit: int) -> bytes | None:
        opened.append(path)
        return read_capped(path, limit)

    monkeypatch.setattr(stylesheets, "read_capped", counted)
    documents = {f"text/{number}.xhtml": page('<p>Said.</p><p class="x">Not.</p>') for number in range(50)}
    book = read_book(make_bundle(tmp_path, documents, files={"styles/a.css": "@import 'b.css';", "styles/b.css": ".x {display: none}"}))
    assert (len(book.sentences), len(book.skipped)) == (50, 50)
    assert sorted(path.name for path in opened) == ["a.css", "b.css"]


def test_a_style_element_that_all_documents_have_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylesheets, "MAX_BOOK_BYTES", 1_000)
    style = f"<style>.x {{display: none}} /* {'x' * 400} */</style>"
    book = read_book(make_bundle(tmp_path, {f"{number}.xhtml": page('<p>Said.</p><p class="x">Not.</p>', style) for number in range(50)}))
    assert (len(book.sentences), len(book.skipped)) == (50, 50)


# ---- hostile stylesheets ----

FLOOD = "".join(f".c{number} p ~ span > i {{display: none}}\n" for number in range(8_000))
HOSTILE: dict[str, str | bytes] = {
    "five megabytes": ".x {display: none}\n" * 280_000,
    "brackets": "{" * 200_000 + "(" * 200_000,
    "open comments": "/*" * 200_000,
    "open strings": "'\\" * 100_000,
    "nested media": "@media screen {" * 20_000 + ".x {display: none}",
    "nested not": "p" + ":not(" * 50_000 + "p" + ")" * 50_000 + " {display: none}",
    "a long selector": " ".join(["p"] * 100_000) + " {display: none}",
    "many selectors": ",".join(["b"] * 100_000) + " {display: none}",
    "many rules": FLOOD,
    "bytes": bytes(range(256)) * 500,
    "half a letter": b"\xff\xfe.",
    "names that end": "a| {display: none} [a|] {display: none} [ {display: none} :not() {display: none} :is( {display: none}",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_stylesheets_hide_nothing(tmp_path: Path, kind: str) -> None:
    assert texts(styled(tmp_path, HOSTILE[kind], '<p>Before <b>and</b> <i class="x">after</i>.</p>')) == ["Before and after."]


def test_a_stylesheet_that_hides_all_loses_no_page(tmp_path: Path) -> None:
    book = styled(tmp_path, "*{display:none}", LONG)
    assert (len(book.sentences), [warning.code for warning in book.warnings]) == (40, ["text_hidden"])


def test_imports_that_never_end_do(tmp_path: Path) -> None:
    circle = {"b": "@import 'c.css';", "c": "@import 'a.css'; @import 'c.css'; .x {display: none}"}
    assert texts(styled(tmp_path / "circle", "@import 'b.css';", '<p>Said. <i class="x">Not.</i></p>', **circle)) == ["Said."]
    chain = {f"b{number}": f"@import 'b{number + 1}.css'; .x{number} {{display: none}}" for number in range(500)}
    book = styled(tmp_path / "chain", "@import 'b0.css';", '<p>Said. <i class="x0">Not.</i> <i class="x400">Said too.</i></p>', **chain)
    assert texts(book) == ["Said.", "Said too."]
    flood = {f"b{number}": f"@import 'b{number + 1}.css';" * 4_000 for number in range(5)}
    assert texts(styled(tmp_path / "flood", "@import 'b0.css';" * 4_000, "<p>Said.</p>", **flood)) == ["Said."]


def test_slow_selectors_end_with_their_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylesheets, "MAX_STEPS", 100_000)
    slow = ".never " + "b " * 15 + "{display: none} .x {display: none}"
    book = styled(tmp_path, slow, '<p class="x">Not.</p><p>' + "<b>" * 60 + "Said." + "</b>" * 60 + '</p><p class="x">Said too.</p>')
    assert texts(book) == ["Said.", "Said too."]


def test_links_to_stylesheets_without_end_are_given_up(tmp_path: Path) -> None:
    head = '<link rel="stylesheet" href="missing.css"/>' * 20_000 + LINK
    assert texts(styled(tmp_path, ".x {display: none}", '<p>Said. <i class="x">Said too.</i></p>', head)) == ["Said.", "Said too."]


def test_thousands_of_empty_lines_are_read(tmp_path: Path) -> None:
    assert texts(styled(tmp_path, "b {display: block; float: none}", "<p>Said." + "<b> </b>" * 50_000 + "<b>Said too.</b></p>")) == ["Said.", "Said too."]


def test_style_attributes_without_end_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylesheets, "MAX_STEPS", 10_000)
    body = "".join(f'<p style="display: none; margin: {number}px">Word.</p>' for number in range(1_000))
    book = styled(tmp_path, "", body)
    assert len(book.sentences) > 900 and len(book.sentences) + len(book.skipped) == 1_000


def test_long_attributes_and_thousands_of_classes_cost_their_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylesheets, "MAX_STEPS", 10_000)
    body = '<p class="x">Not.</p>{}<p class="x">Said too.</p>'
    searched = styled(tmp_path / "1", '[title*="b"], .x {display: none}', body.format(f'<p title="{"a" * 400_000}">Said.</p>'))
    classes = " ".join(f"c{number}" for number in range(30_000))
    named = styled(tmp_path / "2", ".x {display: none}", body.format(f'<p class="{classes}">Said.</p>'))
    rule = "".join(f".c{number}" for number in range(1_000)) + ".never {display: none}\n"
    held = styled(tmp_path / "3", rule * 60 + ".x {display: none}", body.format(f'<p class="{classes[:12_000]}">Said.</p>'))
    assert [texts(book) for book in (searched, named, held)] == [["Said.", "Said too."]] * 3


def test_documents_ask_for_so_many_stylesheets_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylesheets, "_MAX_FILES", 3)
    body, link = '<p class="x">Hidden.</p><p>Said.</p>', '<link rel="stylesheet" href="{}"/>'
    many = "".join(link.format(f"{number}.css") for number in range(9)) + link.format("b.css")
    documents = {"a.xhtml": page(body, link.format("a.css")), "b.xhtml": page(body, many), "c.xhtml": page(body, link.format("a.css?2"))}
    book = read_book(make_bundle(tmp_path, documents, files=dict.fromkeys(("a.css", "b.css"), ".x {display: none}")))
    assert texts(book) == ["Said.", "Hidden.", "Said.", "Said."]


OUTSIDE = ["../../outside.css", "../../../outside.css", "{outside}", "file://{outside}", "http://127.0.0.1:9/a.css", "//127.0.0.1/a.css"]


@pytest.mark.parametrize("name", [*OUTSIDE, "..\\..\\outside.css", "link.css"])
def test_nothing_outside_the_books_files_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    outside = tmp_path / "outside.css"
    outside.write_text(".x {display: none}")
    name = name.format(outside=outside)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "outside.css").write_text(".x {display: none}")
    head = f'<link rel="stylesheet" href="{name}"/><link rel="stylesheet" href="../{name}"/><style>@import url("{name}"); @import "../{name}";</style>'

    def refused(*_: Any) -> None:
        raise AssertionError("asked for the network")

    monkeypatch.setattr(socket, "socket", refused)
    folder = make_bundle(tmp_path / "bundle", {DOCUMENT: page('<p>Said. <i class="x">Said too.</i></p>', head)})
    (folder / "content" / "text" / "link.css").symlink_to(outside)
    assert texts(read_book(folder)) == ["Said.", "Said too."]


def test_stylesheets_of_a_book_share_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylesheets, "MAX_BOOK_BYTES", 1_000)
    style = f"<style>.x {{display: none}} /* {'x' * 400}%d */</style>"
    documents = {f"{number}.xhtml": page('<p>Said.</p><p class="x">Hidden.</p>', style % number) for number in range(5)}
    book = read_book(make_bundle(tmp_path, documents))
    assert (len(book.sentences), len(book.skipped)) == (8, 2)


@pytest.mark.parametrize("css", [".a:target {display: block}", "input:checked ~ .a {display: block !important}", "#q:target ~ .a {display: flex}"])
def test_a_paragraph_that_a_tap_shows_is_said(tmp_path: Path, css: str) -> None:
    """An answer below its question: who listens taps nothing."""
    body = '<div id="q">Who came?</div><input type="checkbox"/><div class="a" id="it">Odysseus.</div><p>On.</p>'
    book = styled(tmp_path, f".a {{display: none}} {css}", body)
    assert (texts(book), skips(book)) == (["Who came?", "Odysseus.", "On."], [])


@pytest.mark.parametrize(
    "css",
    [
        ".a {display: none} .a:target {display: inline}",
        ".a {display: none} .a:target {visibility: visible}",
        ".a {display: none} p:hover .a {display: block}",
        ".a:target {display: block} .a {display: none !important}",
        ".a {display: none} .a:not(:target) {display: block}",
    ],
)
def test_what_a_tap_shows_within_a_line_or_a_mouse_alone_is_told_and_not_said(tmp_path: Path, css: str) -> None:
    book = styled(tmp_path, css, '<p>He said salve <span class="a">hello</span> and went.</p>')
    assert (texts(book), skips(book)) == (["He said salve and went."], [("hidden", "hello")])


def test_what_a_tap_would_hide_is_said(tmp_path: Path) -> None:
    assert texts(styled(tmp_path, ".a:target {display: none}", '<p class="a">Here.</p>')) == ["Here."]
