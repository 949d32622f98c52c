"""Books come from strangers: whatever they hold, reading ends, in bounded memory, and nothing outside the bundle is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.reading import bundle as bundles
from e2a_sidecar.reading.book import read_book

sys.path.insert(0, str(Path(__file__).parent))
from reading_bundles import BOOKS, HEAD, epub_bundle, make_bundle, page, read, sample_books, texts

LAUGHS = "".join(f'<!ENTITY {chr(98 + n)} "{(f"&{chr(97 + n)};") * 10}">' for n in range(9))
HOSTILE = {
    "billion laughs": f'<!DOCTYPE html [<!ENTITY a "lol">{LAUGHS}]>' + page("<p>Before &j; after.</p>"),
    "outside entity": '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + page("<p>Before &x; after.</p>"),
    "outside parameter entity": '<!DOCTYPE html [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>' + page("<p>Before after.</p>"),
    "document type from the net": '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://127.0.0.1:9/x.dtd">' + page("<p>Before &nbsp;after.</p>"),
    "inclusion": page('<p>Before <xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>after.</p>'),
    "deep": HEAD + "<body>" + "<div>" * 100_000 + "Before after." + "</div>" * 100_000 + "</body></html>",
    "deep and open": HEAD + "<body>" + "<b><i><a href='#'>" * 50_000 + "Before after.",
    "open paragraphs": HEAD + "<body><p>Before after." + "<p><b>" * 100_000,
    "open lists": HEAD + "<body><p>Before after." + "<ul><li>" * 50_000,
    "huge attribute": page(f'<p title="{"x" * 12_000_000}">Before after.</p>'),
    "many attributes": page(f"<p {' '.join(f'a{number}=1' for number in range(100_000))}>Before after.</p>"),
    "open quotes": HEAD + "<body><p>Before after.</p>" + "<a b=\"<a b='" * 50_000,
    "open comments": HEAD + "<body><p>Before after.</p>" + "<!-- <![CDATA[" * 100_000,
    "open references": HEAD + "<body><p>Before after.</p>" + "&" * 500_000 + "&#" + "9" * 100_000 + ";",
    "titles": HEAD + "<body><p>Before after.</p>" + "<title>" * 100_000,
    "open brackets": HEAD + "<body><p>Before after.</p><p>" + "<" * 1_000_000,
    "pieces": HEAD + "<body><p>Before after.</p><p>" + "x<i>" * 150_000,
    "anchors": HEAD + "<body><h1>Before after. " + "".join(f"<a id='a{number}'/> " for number in range(100_000)) + "</h1>",
    "links": page("<p>Before after. " + "<a href='#x'>" * 200 + "</a>" * 200 + "</p>"),
    "raised": page("<p>Before after.</p><p>" + "x<sup>2</sup>" * 20_000 + "</p><p>" + "x²" * 20_000 + "</p>"),
    "formulas": page("<p>Before after.</p><math>" + "<msup><mfrac>" * 100 + "<mn>1</mn>" * 50_000 + "</mfrac></msup>" * 100 + "</math>"),
    "numbers of pages": HEAD + "<body><p>Before after.</p><p>" + "<span class='pagenum'>x" * 20_000,
    "pictures": page("<p>Before after.</p><h1>" + f"<img alt='{'x ' * 500}'/>" * 1_000 + "</h1>"),
    "first letters": page("<p>Before after.</p>" + "<p class='dropcap'>A</p>" * 10_000),
    "numbers of characters": page("<p>Before after.</p><p>" + "&#" + "0" * 1_000_000 + "146;" + "&#0" * 300_000 + "</p>"),
    "values": "<!DOCTYPE html [" + "".join(f'<!ENTITY e{n} "{"&#38;" * 40}">' for n in range(5_000)) + "]>" + page("<p>Before &e1; after.</p>"),
    "declarations": "<!DOCTYPE html [" + "<!ENTITY a 'b' " * 100_000 + page("<p>Before after.</p>"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_words_are_read_and_nothing_else(tmp_path: Path, kind: str) -> None:
    book = read_book(make_bundle(tmp_path, {"c.xhtml": HOSTILE[kind]}))
    assert texts(book)[0].replace("  ", " ") == "Before after."
    assert "root:" not in " ".join(texts(book))


def test_thousands_of_languages_in_one_paragraph_are_read(tmp_path: Path) -> None:
    book = read(tmp_path, "<p>" + "".join(f"<i lang='{'fr' if number % 2 else 'it'}'>word </i>" for number in range(50_000)) + "</p>")
    assert sum(len(text.split()) for text in texts(book)) == 50_000


def test_an_oversized_document_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2a_sidecar.reading.book.MAX_DOCUMENT_BYTES", 1000)
    book = read_book(make_bundle(tmp_path, {"big.xhtml": page("<p>" + "x" * 1000 + "</p>"), "c.xhtml": page("<p>Said.</p>")}))
    assert texts(book) == ["Said."]
    assert [(warning.code, warning.params["name"]) for warning in book.warnings] == [("document_too_big", "big.xhtml")]


@pytest.mark.parametrize("limit", ["MAX_BLOCKS", "MAX_SENTENCES"])
def test_a_document_without_end_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(f"e2a_sidecar.reading.book.{limit}", 50)
    documents = {"a.xhtml": page("<p>Said.</p>"), "endless.xhtml": page("<p>Word.</p>" * 51), "c.xhtml": page("<p>Said too.</p>")}
    book = read_book(make_bundle(tmp_path, documents))
    assert texts(book) == ["Said.", "Said too."]
    assert [(warning.code, warning.params["name"]) for warning in book.warnings] == [("document_too_big", "endless.xhtml")]


def test_pictures_and_holes_in_the_spine_are_told(tmp_path: Path) -> None:
    spine = [
        {"name": "p.png", "path": "content/c.xhtml", "linear": True, "media_type": "image/png"},
        {"name": "gone.xhtml", "path": "content/gone.xhtml", "linear": True, "media_type": "application/xhtml+xml"},
        {"name": "c.xhtml", "path": "content/c.xhtml", "linear": True, "media_type": "application/xhtml+xml"},
    ]
    book = read_book(make_bundle(tmp_path, {"c.xhtml": page("<p>Said.</p>")}, spine=spine))
    assert texts(book) == ["Said."]
    assert [warning.code for warning in book.warnings] == ["document_not_text", "spine_file_missing"]


def test_books_without_words_have_no_sentences(tmp_path: Path) -> None:
    for number, body in enumerate(("", "<img alt='A picture'/>", "<p>* * *</p><p>— … !!!</p>")):
        book = read(tmp_path / str(number), body)
        assert (book.sentences, book.chapters) == ((), ())
    assert read_book(make_bundle(tmp_path / "empty", {"c.xhtml": b""})).sentences == ()


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside.xhtml", "content/../../outside.xhtml", "content\\c.xhtml", "", "a\0b"])
def test_paths_out_of_the_bundle_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.xhtml").write_text(page("<p>Outside.</p>"))
    folder = make_bundle(tmp_path / "bundle", {"c.xhtml": page("<p>Said.</p>")}, spine=[{"name": "c.xhtml", "path": name, "linear": True}])
    with pytest.raises(SidecarError) as caught:
        read_book(folder)
    assert caught.value.code == "bundle_broken"


def test_links_out_of_the_bundle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.xhtml").write_text(page("<p>Outside.</p>"))
    folder = make_bundle(tmp_path / "bundle", {"c.xhtml": page("<p>Said.</p>")})
    (folder / "content" / "c.xhtml").unlink()
    (folder / "content" / "c.xhtml").symlink_to(tmp_path / "outside.xhtml")
    with pytest.raises(SidecarError, match="bundle_broken"):
        read_book(folder)


@pytest.mark.parametrize(
    "index",
    [b"", b"{", b"[]", b"null", b'{"schema": 2}', b'{"schema": 1}', b'{"schema": 1, "spine": [1], "metadata": {}}', b"[" * 100_000, b"\xff\xfe\xff"],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, index: bytes) -> None:
    (tmp_path / "bundle.json").write_bytes(index)
    with pytest.raises(SidecarError) as caught:
        read_book(tmp_path)
    assert caught.value.code == "bundle_broken"


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        bundles.load_bundle(tmp_path)
    assert caught.value.code == "bundle_broken"


def test_metadata_and_cover_come_from_the_bundle(tmp_path: Path) -> None:
    metadata = {"title": " T ", "series": "S", "series_index": 2, "identifiers": {"b": "2", "a": "1"}, "tags": ["x"]}
    folder = make_bundle(tmp_path, {"c.xhtml": page("<p>Said.</p>")}, cover="cover.jpg", metadata=metadata)
    (folder / "cover.jpg").write_bytes(b"picture")
    book = read_book(folder)
    assert (book.metadata.title, book.metadata.series_index, book.metadata.identifiers) == ("T", 2.0, (("a", "1"), ("b", "2")))
    assert book.cover == b"picture"
    (folder / "cover.jpg").unlink()
    book = read_book(folder)
    assert book.cover is None


WITHOUT_WORDS = {"empty-book", "images-only", "punctuation-only", "zip-bomb"}
CONFINED = """
import json, resource, sys
from pathlib import Path
from e2a_sidecar.reading.book import read_book
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
print(json.dumps({path.name: " ".join(s.text for s in read_book(path).sentences) for path in map(Path, sys.argv[1:])}))
"""


def test_the_hostile_sample_books_are_read_within_a_gigabyte(tmp_path: Path) -> None:
    """Those that are EPUBs at all; Calibre refuses the others. 30 seconds a book are what the manifest allows."""
    names = []
    for sample in sample_books("hostile"):
        try:
            names.append(str(epub_bundle(BOOKS / "hostile" / sample["file"], tmp_path / sample["id"], "en")))
        except (zipfile.BadZipFile, KeyError, zlib.error, ElementTree.ParseError):
            continue
    assert len(names) > 25
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", CONFINED, *names], capture_output=True, check=True, encoding="utf-8", env=environment, timeout=30 * len(names))
    said = json.loads(done.stdout)
    assert {name for name, text in said.items() if not text} <= WITHOUT_WORDS | {"drm-adobe"}
    assert said["deep-nesting"] == "DEEP TEXT"
    assert said["script-and-iframe"] == "Visible."
    assert said["enc-cp1251-declared"] == "Все счастливые семьи похожи друг на друга."
    assert "root:" not in said["xxe-file"]


@pytest.mark.parametrize(
    "body",
    ["<p>He was not there.</p>" * 5000, f"<p>{'He was not there. ' * 5000}</p>", f"<p>{'and he went on ' * 6000}</p>", f"<p>{'a' * 100_000}</p>"],
    ids=["paragraphs", "a paragraph", "a sentence", "a word"],
)
def test_a_stop_is_heeded_all_along_a_long_document(tmp_path: Path, body: str) -> None:
    folder, asked = make_bundle(tmp_path, {"c.xhtml": page(body)}), [0]

    def count() -> None:
        asked[0] += 1

    read_book(folder, count)
    assert asked[0] > len(body) / 1000
    for moment in (1, asked[0] // 2, asked[0]):
        left = [moment]

        def stop(left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise Stopped

        with pytest.raises(Stopped):
            read_book(folder, stop)
        assert left == [0]
