"""In Calibre's interpreter: books of other formats than EPUB become bundles, and the engine's reading says what of them is heard."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from calibre_plugins.e2a.plugin.book.export import export_in_worker  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[2]
READ = """
import json, sys
from pathlib import Path
from e2a_sidecar.reading.book import read_book
book = read_book(Path(sys.argv[1]))
print(json.dumps({"chapters": [chapter.title for chapter in book.chapters], "said": [sentence.text for sentence in book.sentences],
                  "skipped": [(skip.reason, skip.text) for skip in book.skipped]}))
"""

ODT = """<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>
<text:h text:outline-level="1">Chapter One</text:h><text:p>He came<text:note text:id="f1" text:note-class="footnote"><text:note-citation>1</text:note-citation>
<text:note-body><text:p>By sea.</text:p></text:note-body></text:note> home.</text:p><text:h text:outline-level="1">Chapter Two</text:h>
<text:p>He left<text:note text:id="f2" text:note-class="endnote"><text:note-citation>i</text:note-citation><text:note-body><text:p>By land.</text:p>
</text:note-body></text:note> again.</text:p></office:text></office:body></office:document-content>"""
RTF = (
    r"{\rtf1\ansi{\fonttbl{\f0 Times;}}\pard He came{\super\chftn}{\footnote\pard\plain{\super\chftn} By sea.\par} home.\par"
    r"\pard He left{\super\chftn}{\footnote\pard\plain{\super\chftn} By land.\par} again.\par}"
)
FB2 = """<?xml version="1.0" encoding="utf-8"?><FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink">
<description><title-info><genre>prose</genre><author><last-name>Author</last-name></author><book-title>The Lamp</book-title><annotation><p>About a lamp.</p>
</annotation><lang>en</lang></title-info></description><body><title><p>Ada Author</p><p>The Lamp</p></title>
<section><title><p>Chapter One</p></title><p>He came<a l:href="#n1" type="note">[1]</a> home.</p></section>
<section><title><p>Chapter Two</p></title><p>He left<a l:href="#n2" type="note">[2]</a> again.</p></section></body>
<body name="notes"><title><p>Notes</p></title><section id="n1"><title><p>1</p></title><p>By sea.</p></section>
<section id="n2"><title><p>2</p></title><p>By land.</p></section></body></FictionBook>"""
LINES = """, and the lamp burned low all night while the old
keeper sat by the window on the rocks and thought of that one good ship
that was never seen to come round the cape in the years of his long time
there, though it was promised to him that she would be back with spring.
"""
MORE = f"He went to sleep in the evening when all the others were out at sea{LINES}\n" * 8
"""So many lines that Calibre sees that they are wrapped."""
TEXT = f"""The Project Gutenberg EBook of The Lamp, by Ada Author

This eBook is for the use of anyone anywhere.

*** START OF THIS PROJECT GUTENBERG EBOOK THE LAMP ***

CHAPTER I

He came[1] _home_ again that day when all the others were out at sea{LINES}
[Footnote 1: By sea.]

He said nothing to them of what he had seen below the cliffs there{LINES}
{MORE}
CHAPTER II

He left again on the day when all the others had come home at last{LINES}
He wrote nothing of it to those who were waiting for him at the port{LINES}
{MORE}
End of the Project Gutenberg EBook of The Lamp

*** END OF THIS PROJECT GUTENBERG EBOOK THE LAMP ***

Please read the Project Gutenberg License.
"""


def read(book: Path, folder: Path) -> dict[str, Any]:
    """Its bundle, read by the engine in the core layer's Python."""
    python = os.environ.get("E2A_CORE_PYTHON") or "/nowhere"
    if not Path(python).is_file():
        pytest.skip("E2A_CORE_PYTHON does not name the core layer's Python")
    folder.mkdir()
    answer = export_in_worker(str(book), str(folder), None, None)
    assert "error" not in answer, answer
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "sidecar" / "src"), "PYTHONUTF8": "1"}
    return dict(json.loads(subprocess.run([python, "-c", READ, str(folder)], env=env, check=True, capture_output=True, text=True).stdout))


def of_reason(found: dict[str, Any], *reasons: str) -> list[str]:
    return [text for reason, text in found["skipped"] if reason in reasons]


def odt(path: Path) -> Path:
    namespace = "urn:oasis:names:tc:opendocument:xmlns:"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{namespace}manifest:1.0">'
            '<manifest:file-entry manifest:media-type="text/xml" manifest:full-path="content.xml"/>'
            '<manifest:file-entry manifest:media-type="application/vnd.oasis.opendocument.text" manifest:full-path="/"/></manifest:manifest>',
        )
        archive.writestr("content.xml", ODT)
        for name in ("styles", "meta"):
            archive.writestr(f"{name}.xml", f'<?xml version="1.0"?><office:document-{name} xmlns:office="{namespace}office:1.0"/>')
    return path


def test_the_notes_of_an_odt_are_not_read_aloud(tmp_path: Path) -> None:
    found = read(odt(tmp_path / "b.odt"), tmp_path / "bundle")
    assert found["said"] == ["Chapter One", "He came home.", "Chapter Two", "He left again."]
    assert found["chapters"] == ["Chapter One", "Chapter Two"]
    assert [text for text in of_reason(found, "note") if text[0].isalpha()] == ["Notes", "By sea.", "By land."]


def test_the_notes_of_an_rtf_and_their_marks_are_not_read_aloud(tmp_path: Path) -> None:
    (tmp_path / "b.rtf").write_text(RTF)
    found = read(tmp_path / "b.rtf", tmp_path / "bundle")
    assert found["said"] == ["He came home.", "He left again."]
    assert of_reason(found, "note", "noteref") == ["[1]", "[2]", "[1] By sea.", "[2] By land."]


def test_the_list_that_calibre_puts_before_an_fb2_and_its_notes_are_not_read_aloud(tmp_path: Path) -> None:
    (tmp_path / "b.fb2").write_text(FB2)
    found = read(tmp_path / "b.fb2", tmp_path / "bundle")
    assert found["said"] == ["Annotation", "About a lamp.", "Ada Author", "The Lamp", "Chapter One", "He came home.", "Chapter Two", "He left again."]
    assert of_reason(found, "nav") == ["Ada Author", "Chapter One", "Chapter Two", "notes", "1", "2"]
    assert of_reason(found, "note") == ["notes", "Notes", "1", "By sea.", "2", "By land."]


def test_of_a_text_of_project_gutenberg_the_book_alone_is_read_aloud(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text(TEXT)
    found = read(tmp_path / "b.txt", tmp_path / "bundle")
    assert found["chapters"] == ["CHAPTER I", "CHAPTER II"]
    begins = [" ".join(text.split()[:3]) for text in found["said"]]
    more = ["He went to"] * 8
    assert begins == ["CHAPTER I", "He came home", "He said nothing", *more, "CHAPTER II", "He left again", "He wrote nothing", *more]
    assert of_reason(found, "note", "noteref") == ["[1]", "[Footnote 1: By sea.]"]
    assert len(of_reason(found, "boilerplate")) == 6


def test_a_text_without_chapters_has_the_books_title(tmp_path: Path) -> None:
    (tmp_path / "The Lamp.txt").write_text("He came home.\n\nHe left again.\n")
    assert read(tmp_path / "The Lamp.txt", tmp_path / "bundle")["chapters"] == ["The Lamp"]
