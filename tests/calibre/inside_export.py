"""In Calibre's interpreter: books become bundles, by the installed plugin, in real workers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.export import export_book  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
import books  # type: ignore[import-not-found]


def bundle_of(book: Path, folder: Path, **more: Any) -> dict[str, Any]:
    folder.mkdir()
    export_book(book, folder, **more)
    return dict(json.loads((folder / "bundle.json").read_text("utf-8")))


def titles_of(nodes: list[dict[str, Any]]) -> Iterator[str]:
    for node in nodes:
        yield node["title"]
        yield from titles_of(node["children"])


def refused(book: Path, folder: Path) -> Any:
    folder.mkdir()
    with pytest.raises(PluginError) as caught:
        export_book(book, folder)
    return caught.value


def test_an_epub_keeps_its_documents_to_the_byte(tmp_path: Path) -> None:
    book = books.epub(tmp_path / "b.epub")
    bundle = bundle_of(book, tmp_path / "bundle")
    assert [(item["name"], item["linear"]) for item in bundle["spine"]] == [
        ("OEBPS/text/one.xhtml", True),
        ("OEBPS/text/notes.xhtml", False),
        ("OEBPS/text/two and three.xhtml", True),
    ]
    with zipfile.ZipFile(book) as archive:
        for item in bundle["spine"]:
            assert (tmp_path / "bundle" / item["path"]).read_bytes() == archive.read(item["name"])


def test_an_epubs_contents_metadata_and_cover(tmp_path: Path) -> None:
    bundle = bundle_of(books.epub(tmp_path / "b.epub"), tmp_path / "bundle")
    two = "OEBPS/text/two and three.xhtml"
    assert bundle["toc_from"] == "book" and bundle["nav"] == ["OEBPS/nav.xhtml"] and bundle["missing"] == ["OEBPS/text/gone.xhtml"]
    assert bundle["toc"] == [
        {"title": "One", "name": "OEBPS/text/one.xhtml", "frag": None, "children": []},
        {
            "title": "Part",
            "name": None,
            "frag": None,
            "children": [{"title": "Two", "name": two, "frag": None, "children": []}, {"title": "Three", "name": two, "frag": "three", "children": []}],
        },
    ]
    told = bundle["metadata"]
    assert (told["title"], told["authors"], told["language"], told["date"]) == ("The Lamp & the Sea", ["Ada Author", "Ben Both"], "en-GB", "1843")
    assert told["comments"] == "A lamp.\nA sea." and told["identifiers"] == {"isbn": "9780000000002"} and told["series_index"] is None
    assert bundle["cover"] == "cover.jpg" and (tmp_path / "bundle" / "cover.jpg").read_bytes().startswith(b"\xff\xd8")
    assert bundle["schema"] == 1 and bundle["source"]["format"] == "EPUB" and len(bundle["source"]["sha256"]) == 64


def test_what_the_library_knows_wins_but_a_language_keeps_its_region(tmp_path: Path) -> None:
    book = books.epub(tmp_path / "b.epub")
    known = {"title": "Mine", "authors": ["Me"], "language": "en", "series": "S", "series_index": 2.0}
    bundle = bundle_of(book, tmp_path / "bundle", metadata=known, cover=b"\x89PNG mine")
    assert bundle["metadata"] == {**known, "language": "en-GB"} and (tmp_path / "bundle" / "cover.png").read_bytes() == b"\x89PNG mine"
    other = bundle_of(book, tmp_path / "other", metadata={**known, "language": "fr"})
    assert other["metadata"]["language"] == "fr"


@pytest.mark.parametrize("kind", ["mobi", "azw3", "docx"])
def test_other_formats_go_the_same_way(tmp_path: Path, kind: str) -> None:
    made = tmp_path / f"b.{kind}"
    subprocess.run(["ebook-convert", str(books.epub(tmp_path / "b.epub")), str(made)], check=True, capture_output=True)
    bundle = bundle_of(made, tmp_path / "bundle")
    text = b"".join((tmp_path / "bundle" / item["path"]).read_bytes() for item in bundle["spine"])
    assert b"The lamp is lit." in text and b"The sea is wide." in text
    titles = [title for title in titles_of(bundle["toc"]) if title in ("One", "Two", "Three")]
    assert titles == ["One", "Two", "Three"] or (kind == "docx" and titles == ["Two", "Three"])  # Calibre's DOCX writer drops the first bookmark
    assert bundle["metadata"]["language"].split("-")[0] == "en"
    assert bundle["source"]["format"] == kind.upper() and bundle["metadata"]["title"] == "The Lamp & the Sea"


def test_without_contents_the_pipeline_is_asked_and_only_believed_in_the_books_own_places(tmp_path: Path) -> None:
    opf = books.OPF.replace(' properties="nav"', "").replace('<itemref idref="n" linear="no"/>', "").replace('<itemref idref="gone"/>', "")
    page = books.PAGE.format(title="t", body="<h2>Chapter {0}</h2><p>Words.</p>")
    changes = {"OEBPS__book_dot_opf": opf, "OEBPS__text__one_dot_xhtml": page.format("1"), "OEBPS__text__two and three_dot_xhtml": page.format("2")}
    bundle = bundle_of(books.epub(tmp_path / "b.epub", **changes), tmp_path / "bundle")
    assert bundle["toc_from"] == "plumber"
    assert [(node["title"], node["name"], node["frag"]) for node in bundle["toc"]] == [
        ("Chapter 1", "OEBPS/text/one.xhtml", None),
        ("Chapter 2", "OEBPS/text/two and three.xhtml", None),
    ]
    within = page.format("1").replace("</body>", "<h2>Chapter 1b</h2><p>x</p></body>")
    changes["OEBPS__text__one_dot_xhtml"] = within
    assert bundle_of(books.epub(tmp_path / "c.epub", **changes), tmp_path / "other")["toc_from"] == "none"


def test_what_is_no_book_is_refused_with_a_reason(tmp_path: Path) -> None:
    cases = {
        "empty.epub": (b"", "empty"),
        "garbage.epub": (b"garbage" * 100, "damaged"),
        "garbage.mobi": (b"garbage" * 100, "damaged"),
        "notes.xyz": (b"text", "kind of file"),
        "song.m4b": (b"text", "kind of file"),
    }
    for name, (raw, reason) in cases.items():
        path = tmp_path / name
        path.write_bytes(raw)
        error = refused(path, tmp_path / f"{name}.bundle")
        assert (error.code, error.exit) == ("book_unreadable", 3) and reason in error.sentence(), name
    whole = books.epub(tmp_path / "b.epub").read_bytes()
    (tmp_path / "half.epub").write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path / "half.epub", tmp_path / "h").code == "book_unreadable"
    assert "no such file" in refused(tmp_path / "none.epub", tmp_path / "n").sentence()
    assert "folder" in refused(tmp_path, tmp_path / "f").sentence()


def test_drm_is_named(tmp_path: Path) -> None:
    locked = books.epub(tmp_path / "b.epub", **{"META-INF__encryption_dot_xml": books.DRM})
    assert refused(locked, tmp_path / "bundle").code == "drm"
    mobi = tmp_path / "b.mobi"
    subprocess.run(["ebook-convert", str(books.epub(tmp_path / "c.epub")), str(mobi)], check=True, capture_output=True)
    raw = bytearray(mobi.read_bytes())
    record = int.from_bytes(raw[78:82], "big")  # PalmDOC header of the first record; encryption type at 12
    raw[record + 12 : record + 14] = b"\x00\x02"
    mobi.write_bytes(raw)
    assert refused(mobi, tmp_path / "other").code == "drm"


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    class Zeros(io.RawIOBase):
        left = (2 << 30) + 1

        def readinto(self, buffer: Any) -> int:
            n = min(len(buffer), self.left)
            buffer[:n] = bytes(n)
            self.left -= n
            return n

        def readable(self) -> bool:
            return True

    book = books.epub(tmp_path / "b.epub")
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("OEBPS/zeros", "w", force_zip64=True) as out:
        source = Zeros()
        while chunk := source.read(1 << 24):
            out.write(chunk)
    error = refused(book, tmp_path / "bundle")
    assert error.code == "book_unreadable" and "2 GB" in error.sentence()
    assert not (tmp_path / "bundle" / "content").exists()


def test_it_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(Stopped):
        export_book(books.epub(tmp_path / "b.epub"), tmp_path / "bundle", stopped=lambda: True)
