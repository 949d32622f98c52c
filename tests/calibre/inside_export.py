"""In Calibre's interpreter: books become bundles, by the installed plugin, in real workers."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calibre_plugins.e2a.plugin.book.export import REASONS, export_book  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book.unpack import _composed_names, reason_of  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]

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


def test_however_many_documents_are_missing_they_are_one_warning(tmp_path: Path) -> None:
    items = "".join(f'<item id="m{n}" href="text/missing-{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(3000))
    refs = "".join(f'<itemref idref="m{n}"/>' for n in range(3000))
    opf = books.OPF.replace("</manifest>", items + "</manifest>").replace("</spine>", refs + "</spine>")
    (tmp_path / "bundle").mkdir()
    exported = export_book(books.epub(tmp_path / "b.epub", OEBPS__book_dot_opf=opf), tmp_path / "bundle")
    told = [(warning.params["count"], warning.params["name"]) for warning in exported.warnings if warning.code == "spine_file_missing"]
    assert told == [(3001, "OEBPS/text/gone.xhtml")]


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


def encrypted(path: Path, algorithm: str, address: str) -> Path:
    """With a file of 3000 bytes at OEBPS/f.otf that `encryption.xml` may name."""
    listed = books.DRM.replace("http://www.w3.org/2001/04/xmlenc#aes128-cbc", algorithm).replace("OEBPS/text/one.xhtml", address)
    return books.epub(path, **{"META-INF__encryption_dot_xml": listed, "OEBPS__f_dot_otf": "x" * 3000})


OBFUSCATED = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


@pytest.mark.parametrize("algorithm", OBFUSCATED)
def test_fonts_that_are_only_obfuscated_are_no_drm(tmp_path: Path, algorithm: str) -> None:
    assert len(bundle_of(encrypted(tmp_path / "b.epub", algorithm, "OEBPS/f.otf"), tmp_path / "bundle")["spine"]) == 3


@pytest.mark.parametrize("algorithm", OBFUSCATED)
def test_a_book_that_asks_to_deobfuscate_a_file_of_the_user_is_refused(tmp_path: Path, algorithm: str) -> None:
    letter = tmp_path / "letter"
    letter.write_bytes(b"mine" * 1000)
    error = refused(encrypted(tmp_path / "b.epub", algorithm, "&#46;&#46;/" * 40 + str(letter)[1:]), tmp_path / "bundle")
    assert error.code == "book_unreadable" and "outside the book" in error.detail and letter.read_bytes() == b"mine" * 1000


def test_too_many_files_are_refused_as_such(tmp_path: Path) -> None:
    book = books.epub(tmp_path / "b.epub")
    with zipfile.ZipFile(book, "a") as archive:
        for number in range(50_000):
            archive.writestr(f"OEBPS/{number}.txt", "")
    assert "50,000 files" in refused(book, tmp_path / "bundle").sentence()


def test_what_calibre_can_still_read_of_a_damaged_zip_is_read(tmp_path: Path) -> None:
    raw = bytearray(books.epub(tmp_path / "b.epub").read_bytes())
    directory = raw.index(b"PK\x01\x02")
    raw[directory : directory + 2] = b"XX"
    (tmp_path / "damaged.epub").write_bytes(raw)
    assert len(bundle_of(tmp_path / "damaged.epub", tmp_path / "bundle")["spine"]) == 3


def test_contents_nested_beyond_reading_are_not_believed(tmp_path: Path) -> None:
    deep = '<ol><li><a href="text/one.xhtml">x</a>' * 200 + "</li></ol>" * 200
    nav = books.NAV.split("<ol>")[0] + deep + "</nav></body></html>"
    assert bundle_of(books.epub(tmp_path / "b.epub", OEBPS__nav_dot_xhtml=nav), tmp_path / "bundle")["toc_from"] != "book"


def test_a_pipe_is_no_book(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.epub")
    assert "not a file" in refused(tmp_path / "pipe.epub", tmp_path / "bundle").sentence()


def test_a_disk_that_is_full_is_not_called_a_damaged_book() -> None:
    assert [reason_of(OSError(number, "x")) for number in (errno.ENOSPC, errno.EFBIG, errno.EIO)] == ["no_space", "too_big", "damaged"]
    assert {"no_space", "too_big", "damaged", "too_many"} <= set(REASONS)


def test_links_in_an_unpacked_book_are_removed(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "page.xhtml").symlink_to("/etc/passwd")
    (tmp_path / "content" / "folder").symlink_to("/etc")
    assert _composed_names(tmp_path / "content") == [] and not list((tmp_path / "content").iterdir())


def test_it_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(Stopped):
        export_book(books.epub(tmp_path / "b.epub"), tmp_path / "bundle", stopped=lambda: True)
