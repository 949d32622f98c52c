"""Small books for the tests, of their own making."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, TypeVar

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
OPF = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:isbn:9780000000002</dc:identifier>
<dc:title>The Lamp &amp; the Sea</dc:title><dc:creator>Ada Author</dc:creator><dc:creator>Ben Both</dc:creator><dc:language>en-GB</dc:language>
<dc:date>1843</dc:date><dc:description>&lt;p&gt;A &lt;b&gt;lamp&lt;/b&gt;.&lt;/p&gt;&lt;p&gt;A sea.&lt;/p&gt;</dc:description>
<meta property="dcterms:modified">2020-01-01T00:00:00Z</meta></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/><item id="b" href="text/two%20and%20three.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="text/notes.xhtml" media-type="application/xhtml+xml"/><item id="gone" href="text/gone.xhtml" media-type="application/xhtml+xml"/>
<item id="cover" href="cover.svg" media-type="image/svg+xml" properties="cover-image"/></manifest>
<spine><itemref idref="a"/><itemref idref="n" linear="no"/><itemref idref="b"/><itemref idref="gone"/></spine></package>"""
NAV = """<?xml version="1.0"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>Contents</title></head><body>
<nav epub:type="toc"><ol><li><a href="text/one.xhtml">One</a></li><li><span>Part</span><ol><li><a href="text/two%20and%20three.xhtml">Two</a></li>
<li><a href="text/two%20and%20three.xhtml#three">Three</a></li></ol></li></ol></nav></body></html>"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>\r
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head><body>{body}</body></html>"""
TWO = '<h2>Two</h2><p>The sea is wide.</p>  <h2 id="three">Three</h2><p>The lamp is &#233;teinte.</p>'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="80"><rect width="60" height="80" fill="red"/></svg>'

FILES = {
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": OPF,
    "OEBPS/nav.xhtml": NAV,
    "OEBPS/text/one.xhtml": PAGE.format(title="One", body="<h2>One</h2><p>The lamp is lit.</p>"),
    "OEBPS/text/two and three.xhtml": PAGE.format(title="Two", body=TWO),
    "OEBPS/text/notes.xhtml": PAGE.format(title="Notes", body="<p>A note.</p>"),
    "OEBPS/cover.svg": SVG,
}
DRM = """<?xml version="1.0"?><encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
<CipherData><CipherReference URI="OEBPS/text/one.xhtml"/></CipherData></EncryptedData></encryption>"""

Book = TypeVar("Book", Path, IO[bytes])


def epub(path: Book, **changes: str | None) -> Book:
    """An EPUB 3 of three chapters, two of them in one file; `changes`: files by name (`__` for `/`, `_dot_` for `.`), None leaves one out."""
    files: dict[str, str | None] = dict(FILES)
    files.update({name.replace("__", "/").replace("_dot_", "."): text for name, text in changes.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return path
