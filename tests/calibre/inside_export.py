"""In Calibre's interpreter: books become bundles, by the installed plugin."""

from __future__ import annotations

import colorsys
import errno
import importlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from calibre.constants import config_dir  # type: ignore[import-not-found]
from calibre.customize import ui  # type: ignore[import-not-found]
from calibre.ebooks.conversion.plugins.epub_input import EPUBInput  # type: ignore[import-not-found]
from calibre.ptempfile import PersistentTemporaryDirectory, reset_base_dir  # type: ignore[import-not-found]
from calibre.utils.ipc import simple_worker  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import bounds, export, library, unpack  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book.bounds import bounded  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book.export import REASONS, export_book, export_in_worker  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book.unpack import _composed_names, reason_of  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
import books  # type: ignore[import-not-found]

PATIENCE_S = 60


def in_child(call: Callable[[], Any]) -> Any:
    """What it gives, as JSON knows it."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(PATIENCE_S)  # one that waits for ever
        try:
            os.write(writing, json.dumps(call()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        raw = answer.read()
    os.waitpid(child, 0)
    return json.loads(raw)


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of this very process in place of Calibre's worker: it has all of Calibre loaded already, and need not load it again."""

    def fork_job(module: str, function: str, args: tuple[Any, ...], **more: Any) -> dict[str, Any]:
        try:
            return {"result": in_child(lambda: getattr(sys.modules[module], function)(*args))}
        except ValueError:
            raise simple_worker.WorkerError("Worker failed") from None

    monkeypatch.setattr(simple_worker, "fork_job", fork_job)


@pytest.fixture
def real_worker(_forked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()


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


def test_an_epub_keeps_its_documents_to_the_byte(tmp_path: Path, real_worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    book = books.epub(tmp_path / "b.epub")
    monkeypatch.chdir(tmp_path)  # named as on a command line
    bundle = bundle_of(Path("b.epub"), tmp_path / "bundle")
    assert [(item["name"], item["linear"]) for item in bundle["spine"]] == [
        ("OEBPS/text/one.xhtml", True),
        ("OEBPS/text/notes.xhtml", False),
        ("OEBPS/text/two and three.xhtml", True),
    ]
    with zipfile.ZipFile(book) as archive:
        for item in bundle["spine"]:
            assert (tmp_path / "bundle" / item["path"]).read_bytes() == archive.read(item["name"])


@pytest.fixture
def _missed(_forked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine so busy that the worker was seen to end before its answer was: then Calibre's fork_job fails."""
    answering = simple_worker.fork_job

    def fork_job(*args: Any, **more: Any) -> None:
        answering(*args, **more)
        raise simple_worker.WorkerError("Something strange happened. The worker process was aborted without an exception.")

    monkeypatch.setattr(simple_worker, "fork_job", fork_job)


def test_an_answer_that_calibre_missed_still_counts(tmp_path: Path, _missed: None) -> None:
    bundle = bundle_of(books.epub(tmp_path / "b.epub"), tmp_path / "bundle")
    assert len(bundle["spine"]) == 3
    assert not (tmp_path / "bundle" / "answer.json").exists()
    empty = packed(tmp_path / "empty.epub", {"mimetype": "application/epub+zip"})
    assert refused(empty, tmp_path / "other").params["reason"] == REASONS["damaged"]


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


def test_without_contents_the_pipeline_is_asked_and_only_believed_in_the_books_own_places(tmp_path: Path, real_worker: None) -> None:
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


def test_drm_is_named(tmp_path: Path, real_worker: None) -> None:
    locked = books.epub(tmp_path / "b.epub", **{"META-INF__encryption_dot_xml": books.DRM})
    assert refused(locked, tmp_path / "bundle").code == "drm"
    mobi = tmp_path / "b.mobi"
    subprocess.run(["ebook-convert", str(books.epub(tmp_path / "c.epub")), str(mobi)], check=True, capture_output=True)
    raw = bytearray(mobi.read_bytes())
    record = int.from_bytes(raw[78:82], "big")  # PalmDOC header of the first record; encryption type at 12
    raw[record + 12 : record + 14] = b"\x00\x02"
    mobi.write_bytes(raw)
    assert refused(mobi, tmp_path / "other").code == "drm"


def lying(size_bytes: int, **changes: str | None) -> bytes:
    """A book that says of one of its files that it were so large."""
    path = io.BytesIO()
    with zipfile.ZipFile(books.epub(path, **changes), "a") as archive:
        archive.writestr("OEBPS/zeros", "")
    raw = bytearray(path.getvalue())
    entry = raw.rindex(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = size_bytes.to_bytes(4, "little")
    return bytes(raw)


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    (tmp_path / "b.epub").write_bytes(lying((2 << 30) + 1))
    error = refused(tmp_path / "b.epub", tmp_path / "bundle")
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


def test_too_many_files_are_refused_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"{unpack.MAX_FILES:,} files" in REASONS["too_many"]
    monkeypatch.setattr(unpack, "MAX_FILES", 100)
    book = books.epub(tmp_path / "b.epub")
    with zipfile.ZipFile(book, "a") as archive:
        for number in range(100):
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


# ---- hostile books ---------------------------------------------------------------------------------------------------

PAGE = "<html><head><title>Novel</title></head><body><h1>One</h1><p>A quiet novel.</p>{}</body></html>"
UP = "../" * 40


def read(book: Path, folder: Path) -> dict[str, Any]:
    """What the worker answers."""
    folder.mkdir()
    return dict(in_child(lambda: export_in_worker(str(book), str(folder), None, None)))


def packed(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of the user's, with what is nobody's business."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "diary.html").write_text(PAGE.format("<p>swordfish</p>"))
    (folder / "nav.xhtml").write_text(books.NAV.replace(">One<", ">swordfish<"))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\nswordfish")
    os.mkfifo(folder / "pipe.html")
    return folder


RECIPE = """open({!r}, "w").write("ran")
from calibre.web.feeds.news import BasicNewsRecipe
class R(BasicNewsRecipe): title = "r"
"""


@pytest.mark.parametrize("name", ["b.recipe", "b.downloaded_recipe", "within.zip", "twice.zip"])
def test_no_code_of_a_book_runs(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "ran"
    recipe = RECIPE.format(str(mark))
    archive = packed(tmp_path / "b.downloaded_recipe", {"download.recipe": recipe, "content.opf": books.OPF, "text/one.xhtml": PAGE})
    if name == "b.recipe":
        (tmp_path / name).write_text(recipe)
    elif name.endswith(".zip"):
        packed(tmp_path / name, {"novel.downloaded_recipe": archive.read_bytes(), "index.html": PAGE})
    answer = read(tmp_path / name, tmp_path / "bundle")
    assert answer.get("error") == "program" and not mark.exists()
    if not name.endswith(".zip"):
        assert "program" in refused(tmp_path / name, tmp_path / "other").sentence()


def test_a_program_is_no_format_of_a_book_in_a_library() -> None:
    class Api:
        def formats(self, book_id: int) -> tuple[str, ...]:
            return ("RECIPE", "DOWNLOADED_RECIPE", "TXT")

    assert library.source_formats(Api(), 1) == ["TXT"]


def test_what_html_links_to_outside_the_book_is_neither_read_nor_waited_for(tmp_path: Path, home: Path) -> None:
    links = [f"{home}/diary.html", f"file://{home}/diary.html", f"{UP}{home}/diary.html", f"{home}/pipe.html", "two.html"]
    shown = [f"{home}/picture.png", f"file://{home}/picture.png", f"{UP}{home}/picture.png"]
    body = "".join(f"<a href='{link}'>x</a>" for link in links) + "".join(f"<img src='{link}'/>" for link in shown)
    style = "<link rel='stylesheet' href='s.css'/>"
    css = f"@import url({home}/picture.png); p {{background: url(file://{home}/picture.png)}}"
    files: dict[str, str | bytes] = {
        "index.html": PAGE.format(body).replace("<title>", style + "<title>"),
        "two.html": PAGE.format("<p>Two.</p>"),
        "s.css": css,
    }
    assert "error" not in read(packed(tmp_path / "b.zip", files), tmp_path / "bundle")
    said = everything(tmp_path / "bundle")
    assert b"A quiet novel." in said and b"Two." in said and b"swordfish" not in said


def test_a_bare_html_file_is_read_with_what_lies_beside_it_but_not_with_what_a_link_there_leads_to(tmp_path: Path, home: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (book / "index.html").write_text(PAGE.format("<a href='two.html'>2</a><a href='three.html'>3</a>"))
    (book / "two.html").write_text(PAGE.format("<p>Two.</p>"))
    (book / "three.html").symlink_to(home / "diary.html")
    assert "error" not in read(book / "index.html", tmp_path / "bundle")
    said = everything(tmp_path / "bundle")
    assert b"Two." in said and b"swordfish" not in said


DOCX = {
    "[Content_Types].xml": """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>""",
    "_rels/.rels": """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>""",
    "word/document.xml": """<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"
 xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<w:body><w:p><w:r><w:t>A quiet novel.</w:t></w:r></w:p><w:p><w:r><w:drawing><wp:inline><wp:extent cx="990000" cy="990000"/><wp:docPr id="1" name="p"/>
<a:graphic><a:graphicData><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="p.png"/></pic:nvPicPr><pic:blipFill><a:blip r:link="r1"/></pic:blipFill></pic:pic>
</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p></w:body></w:document>""",
    "word/_rels/document.xml.rels": """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" TargetMode="External" Target="file://HOME/picture.png"/></Relationships>""",
}
LONE_OPF = books.OPF.replace("text/one.xhtml", UP + "HOME/diary.html").replace("text/two%20and%20three.xhtml", "a.xhtml")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("b.docx", DOCX),
        ("b.zip", {"novel.opf": LONE_OPF, "a.xhtml": PAGE.format("")}),
        ("b.md", {"": f"# One\n\nA quiet novel.\n\n![p]({UP}HOME/picture.png)\n"}),
    ],
)
def test_nothing_of_the_users_gets_into_a_book_of_another_kind(tmp_path: Path, home: Path, name: str, files: dict[str, str]) -> None:
    filled = {member: text.replace("HOME", str(home)[1:] if UP in text else str(home)) for member, text in files.items()}
    (tmp_path / "book").mkdir()
    book = tmp_path / "book" / name
    if "" in filled:
        book.write_text(filled[""])
    else:
        packed(book, dict(filled))
    answer = read(book, tmp_path / "bundle")
    assert "error" not in answer, answer
    said = everything(tmp_path / "bundle")
    assert b"A quiet novel." in said and b"swordfish" not in said


def test_contents_outside_the_book_are_not_read_and_nothing_is_written_beside_them(tmp_path: Path, home: Path) -> None:
    """Calibre would put its own form of them there."""
    before = sorted(home.iterdir())
    opf = books.OPF.replace('href="nav.xhtml"', f'href="{UP}{str(home)[1:]}/nav.xhtml"')
    read(books.epub(tmp_path / "b.epub", OEBPS__book_dot_opf=opf), tmp_path / "bundle")
    assert sorted(home.iterdir()) == before and b"swordfish" not in everything(tmp_path / "bundle")


def opened(path: Path | str, mode: str) -> None:
    with open(path, mode):
        pass


REACHES = {
    "reads": lambda home, own: opened(home / "diary.html", "rb"),
    "reads by another name": lambda home, own: os.open(f"{own}/../home/diary.html", os.O_RDONLY),
    "reads through a link": lambda home, own: opened(own / "link" / "diary.html", "rb"),
    "reads beside what a link leads to": lambda home, own: opened(f"{own}/link/../home/diary.html", "rb"),
    "writes": lambda home, own: opened(home / "new", "wb"),
    "writes through a link": lambda home, own: opened(own / "link" / "new", "wb"),
    "changes": lambda home, own: opened(home / "diary.html", "r+b"),
    "appends": lambda home, own: opened(home / "diary.html", "ab"),
    "takes away": lambda home, own: (home / "diary.html").unlink(),
    "takes away through a link": lambda home, own: (own / "link" / "diary.html").unlink(),
    "renames": lambda home, own: (home / "diary.html").rename(own / "diary.html"),
    "overwrites": lambda home, own: (own / "file").replace(home / "diary.html"),
    "makes a folder": lambda home, own: (home / "new").mkdir(),
    "makes a link": lambda home, own: (home / "new").symlink_to(own),
    "cuts off": lambda home, own: os.truncate(home / "diary.html", 0),
    "lets nobody read": lambda home, own: (home / "diary.html").chmod(0),
    "writes into Calibre": lambda home, own: opened(Path(config_dir) / "new.py", "wb"),
    "calls": lambda home, own: socket.create_connection(("127.0.0.1", 9), 1),
    "asks for a name": lambda home, own: socket.getaddrinfo("localhost", 80),
}
"""What a book might have done, whatever part of Calibre does it."""
WITHIN = {
    "reads": lambda home, own: opened(own / "file", "rb"),
    "writes": lambda home, own: (own / "new").write_bytes(b"x"),
    "takes away a link": lambda home, own: (own / "link").unlink(),
    "writes for a while": lambda home, own: tempfile.TemporaryFile().close(),
    "makes a folder for a while": lambda home, own: shutil.rmtree(PersistentTemporaryDirectory()),
    "throws away": lambda home, own: opened(os.devnull, "wb"),
    "reads Calibre": lambda home, own: opened(ui.__file__, "rb"),
    "loads a module": lambda home, own: importlib.reload(colorsys),
    "runs a program": lambda home, own: subprocess.run(["true"], check=True, stdin=subprocess.DEVNULL),
}


@pytest.mark.parametrize("what", REACHES)
def test_nothing_of_the_users_can_be_reached(tmp_path: Path, home: Path, what: str) -> None:
    before = {path.name: path.stat().st_mode for path in home.iterdir()}
    assert tried(REACHES[what], tmp_path, home) == "Outside"
    assert {path.name: path.stat().st_mode for path in home.iterdir()} == before and "swordfish" in (home / "diary.html").read_text()


@pytest.mark.parametrize("what", WITHIN)
def test_what_reading_a_book_needs_is_within_bounds(tmp_path: Path, home: Path, what: str) -> None:
    assert tried(WITHIN[what], tmp_path, home) == ""


def tried(reach: Callable[[Path, Path], object], tmp_path: Path, home: Path) -> str:
    """The name of the error that it ends with, within bounds."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "file").write_bytes(b"x")
    (own / "link").symlink_to(home)

    def attempt() -> str:
        try:
            with bounded(tmp_path / "b.epub", own):
                reach(home, own)
        except OSError as error:
            return type(error).__name__
        return ""

    return str(in_child(attempt))


def test_what_lies_outside_is_as_if_it_were_not_there(tmp_path: Path, home: Path) -> None:
    def looked() -> list[bool]:
        with bounded(tmp_path / "b.epub", tmp_path / "own"):
            places = (home / "diary.html", home, tmp_path / "own", Path(ui.__file__))
            return [os.path.exists(place) or os.access(place, os.R_OK) for place in places]  # noqa: PTH110

    (tmp_path / "own").mkdir()
    assert in_child(looked) == [False, False, True, True]


def test_on_windows_no_other_computer_is_asked_for_anything(tmp_path: Path) -> None:
    def looked() -> list[Any]:
        bounds._hide("win32")
        with bounded(tmp_path / "b.epub", tmp_path):
            try:
                os.stat("//there/share/x.html")  # noqa: PTH116
            except bounds.Outside:
                return [os.path.realpath("//there/share/../x.html"), os.path.exists("//there/share/x.html"), os.stat(tmp_path).st_size > 0]  # noqa: PTH110, PTH116
        return []

    assert in_child(looked) == ["//there/x.html", False, True]


def test_an_archive_within_an_archive_is_judged_before_it_is_unpacked(tmp_path: Path) -> None:
    answer = read(packed(tmp_path / "b.zip", {"novel.epub": lying((2 << 30) + 1)}), tmp_path / "bundle")
    assert answer.get("error") == "too_big" and not list((tmp_path / "bundle" / "content").iterdir())


def test_whatever_fills_the_folder_is_stopped(tmp_path: Path, real_worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats that declare nothing, and those that lie."""
    monkeypatch.setattr(unpack, "MAX_BYTES", 10_000)
    monkeypatch.setattr(unpack, "MAX_FILES", 10)
    monkeypatch.setattr(export, "LOOK_S", 0.0)
    (tmp_path / "before").write_bytes(bytes(50_000))
    watch = export._Watch(lambda: False, tmp_path)
    (tmp_path / "reading").mkdir()
    (tmp_path / "reading" / "a").write_bytes(bytes(12_000))
    assert not watch.is_set()
    (tmp_path / "reading" / "b").write_bytes(bytes(9_000))
    watch._next_s = 0.0
    assert watch.is_set() and watch.refused == "too_big"
    (tmp_path / "reading" / "b").unlink()
    for number in range(20):
        (tmp_path / "reading" / f"empty{number}").mkdir()
    watch._next_s = 0.0
    assert watch.is_set() and watch.refused == "too_many"
    monkeypatch.undo()
    monkeypatch.setattr(export, "outgrown", lambda files, size_bytes: "too_big")
    assert "2 GB" in refused(books.epub(tmp_path / "b.epub"), tmp_path / "bundle").sentence()
    assert not (tmp_path / "bundle" / "reading").exists()


@pytest.mark.parametrize("filler", ["<g/>" * 200_000, " " * (33 << 20)])
def test_a_package_that_is_too_long_is_refused_in_seconds(tmp_path: Path, filler: str) -> None:
    opf = books.OPF.replace("</package>", filler + "</package>")
    assert read(books.epub(tmp_path / "b.epub", OEBPS__book_dot_opf=opf), tmp_path / "bundle").get("error") == "too_long_a_list"


def test_a_book_that_takes_all_memory_is_refused_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "limit_memory", lambda: unpack.limit_memory(unpack.MEMORY_BYTES // 4))
    monkeypatch.setattr(export, "unpack", lambda book, content: bytearray(unpack.MEMORY_BYTES // 2))
    assert read(books.epub(tmp_path / "b.epub"), tmp_path / "bundle") == {"error": "no_memory", "detail": "MemoryError: "}


def test_of_calibres_code_all_is_there_that_is_changed_against_hostile_books() -> None:
    """A Calibre in which it is not reads no book with this plugin, until somebody has looked where it went."""
    from calibre import ebooks
    from calibre.customize import conversion
    from calibre.ebooks.conversion import plumber
    from calibre.ebooks.metadata import opf2

    assert callable(vars(conversion.InputFormatPlugin)["__call__"]) and callable(EPUBInput.process_encryption) and callable(reset_base_dir)
    assert callable(opf2.parse_opf) and callable(ebooks.render_html_data)
    assert callable(ui.run_plugins_on_preprocess) and callable(plumber.run_plugins_on_preprocess)
    for plugin in ui.input_format_plugins():  # none goes a way of its own
        assert type(plugin).__call__ is conversion.InputFormatPlugin.__call__, plugin.name


def test_it_can_be_stopped(tmp_path: Path, real_worker: None) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(Stopped):
        export_book(books.epub(tmp_path / "b.epub"), tmp_path / "bundle", stopped=lambda: True)
