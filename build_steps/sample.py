"""The sample book: a short story of the project's own, as an EPUB 3 with what real books have.

Cover, title page, a chapter in a file of its own, two chapters that share one file, a footnote, a table, a poem, an
image with alt text, a foreign phrase. Written by hand here, so that nobody's rights are touched; the same bytes each
time. Standard library only.
"""

from __future__ import annotations

import json
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path

TITLE = "The Lamp at Low Water"
AUTHOR = "Convert to Audiobook"

_CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""

_OPF = f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">urn:uuid:6f0d3a52-8f0e-4c5e-9a6b-2b1f3c7d9e10</dc:identifier>
    <dc:title>{TITLE}</dc:title>
    <dc:creator>{AUTHOR}</dc:creator>
    <dc:language>en</dc:language>
    <dc:publisher>Convert to Audiobook</dc:publisher>
    <dc:date>2026-11-01</dc:date>
    <dc:description>A lamp keeper, a tide table and a visitor. A short story to try an audiobook with.</dc:description>
    <dc:subject>Short stories</dc:subject>
    <meta property="dcterms:modified">2026-11-01T00:00:00Z</meta>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>
    <item id="title" href="title.xhtml" media-type="application/xhtml+xml"/>
    <item id="one" href="one.xhtml" media-type="application/xhtml+xml"/>
    <item id="two" href="two.xhtml" media-type="application/xhtml+xml"/>
    <item id="map" href="map.png" media-type="image/png"/>
  </manifest>
  <spine><itemref idref="title"/><itemref idref="one"/><itemref idref="two"/></spine>
</package>
"""

_HEAD = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en" lang="en">
"""

_NAV = (
    _HEAD
    + """<head><title>Contents</title></head>
<body><nav epub:type="toc"><h1>Contents</h1><ol>
  <li><a href="title.xhtml">Before the Tide</a></li>
  <li><a href="one.xhtml">1. The Keeper</a></li>
  <li><a href="two.xhtml#visitor">2. The Visitor</a></li>
  <li><a href="two.xhtml#morning">3. The Morning</a></li>
</ol></nav></body></html>
"""
)

_TITLE = (
    _HEAD
    + f"""<head><title>{TITLE}</title></head>
<body><section epub:type="frontmatter">
<h1>{TITLE}</h1>
<p>A short story, written to be read aloud.</p>
<p><em>For everyone who falls asleep before the last page.</em></p>
</section></body></html>
"""
)

_ONE = (
    _HEAD
    + """<head><title>1. The Keeper</title></head>
<body><section epub:type="chapter">
<h2>1. The Keeper</h2>
<p>Every evening, when the water had gone out as far as it meant to go, Mrs. Arden walked down the causeway with a can of oil
and a box of matches. The lamp at the far end had been electric for thirty years. She went all the same. Somebody, she said,
ought to ask it how it was.</p>
<p>The village thought her odd, and was fond of her. The children called the lamp “the spoon”, because of its shape, and
dared one another to touch it after dark. “Is it warm?” they asked her. “It is when you are cold,” she answered; and that was
all they ever got out of her on the subject.</p>
<p>She kept the tides in a small green book.<a epub:type="noteref" role="doc-noteref" href="#n1">1</a> On the first of
November she had written:</p>
<table>
<tr><th>Tide</th><th>Hour</th><th>Remark</th></tr>
<tr><td>Low water</td><td>half past six</td><td>still, with stars</td></tr>
<tr><td>High water</td><td>a quarter to one</td><td>asleep; heard nothing</td></tr>
</table>
<p>It was an honest book. Where she had been asleep, it said so.</p>
<aside epub:type="footnote" role="doc-footnote" id="n1"><p>1. The book is lost; the colour is certain.</p></aside>
</section></body></html>
"""
)

_TWO = (
    _HEAD
    + """<head><title>2 and 3</title></head>
<body>
<section epub:type="chapter" id="visitor">
<h2>2. The Visitor</h2>
<p>The man who came in the second week of November carried a suitcase full of instruments, and he was very polite to them.
He had been sent, he explained, to find out why a lamp that used no oil should be charged for eleven litres of it a year.</p>
<p>“Come at low water,” said Mrs. Arden, “and bring a coat.”</p>
<p>They stood under the lamp together. From there the coast was a dark line, bent like the map that hung in her kitchen:</p>
<p><img src="map.png" alt="A hand-drawn map: the village on the left, the causeway running out to a small lamp on the right."/></p>
<p>He measured the lamp, the wind and the distance. Then he sat down on the suitcase, and for a long time measured nothing at
all. <i xml:lang="fr">“C’est la vie,”</i> he said at last, which was the only French he had. Out of politeness she recited the
only poem she had:</p>
<blockquote epub:type="z3998:verse">
<p><span>The tide goes out to count its stones,</span><br/>
<span>And finds that none are gone;</span><br/>
<span>It comes again, and turns them all,</span><br/>
<span>And so the world goes on.</span></p>
</blockquote>
<hr/>
<p>In his report he wrote that the oil was needed. He did not say for what.</p>
</section>
<section epub:type="chapter" id="morning">
<h2>3. The Morning</h2>
<p>She died in spring, at high water, at the age of ninety-one; asleep, and hearing nothing. The green book stopped in the
middle of a page.</p>
<p>That evening nobody had planned anything, and yet there they were, at the near end of the causeway: the baker, the two
doctors, the children who were no longer children, and a polite man with an empty suitcase. Someone had brought oil. Someone
had brought matches. They walked out without hurrying, since the tide would wait for them; it always had.</p>
<p>“Is it warm?” asked the smallest.</p>
<p>And they all, one after another, put out a hand to see.</p>
</section>
</body></html>
"""
)


def _png(width: int, height: int, pixel: object) -> bytes:
    """An RGB PNG; `pixel(x, y)` gives (r, g, b)."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(pixel(x, y))  # type: ignore[operator]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b"")


def _cover(x: int, y: int) -> tuple[int, int, int]:
    """A night sea with a lamp and its light on the water."""
    dx, dy = x - 300, y - 250
    glow = math.exp(-(dx * dx + dy * dy) / 14000)
    if dx * dx + dy * dy < 900:
        return (255, 240, 190)
    if abs(dx) < 5 and 280 <= y < 470:
        return (20, 20, 32)
    if y > 460 + 14 * math.sin(x / 55):
        shine = math.exp(-(dx * dx) / 2600) * (0.55 + 0.45 * math.sin(y / 5 + math.sin(x / 11)))
        base = (14, 34, 58)
        return (min(255, int(base[0] + 200 * shine)), min(255, int(base[1] + 170 * shine)), min(255, int(base[2] + 90 * shine)))
    night = (18 + y // 18, 22 + y // 14, 56 + y // 9)
    return (min(255, int(night[0] + 190 * glow)), min(255, int(night[1] + 160 * glow)), min(255, int(night[2] + 70 * glow)))


def _map(x: int, y: int) -> tuple[int, int, int]:
    """Paper, a coast, a causeway, a lamp."""
    coast = 60 + 12 * math.sin(y / 17)
    if (x - 205) ** 2 + (y - 75) ** 2 < 30:
        return (200, 60, 40)
    if abs(x - coast) < 2 or (coast < x < 200 and abs(y - 75) < 2):
        return (70, 60, 50)
    return (243, 234, 210) if x > coast else (222, 205, 165)


def make_sample(path: Path) -> Path:
    """Write the sample book to `path` and return it."""
    members = {
        "META-INF/container.xml": _CONTAINER.encode(),
        "OEBPS/book.opf": _OPF.encode(),
        "OEBPS/nav.xhtml": _NAV.encode(),
        "OEBPS/title.xhtml": _TITLE.encode(),
        "OEBPS/one.xhtml": _ONE.encode(),
        "OEBPS/two.xhtml": _TWO.encode(),
        "OEBPS/cover.png": _png(600, 800, _cover),
        "OEBPS/map.png": _png(240, 150, _map),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"mimetype": b"application/epub+zip", **members}.items():
            info = zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" or name.endswith(".png") else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path


def sample_bundle(folder: Path, documents: int | None = None) -> Path:
    """The book as the sidecar is given it (docs/architecture.md), its first documents or all; `folder` itself."""
    book = make_sample(folder / "sample.epub")
    with zipfile.ZipFile(book) as archive:
        names = ("title.xhtml", "one.xhtml", "two.xhtml")[:documents]
        files = {name: archive.read(f"OEBPS/{name}") for name in (*names, "cover.png")}
    (folder / "content").mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / "content" / name).write_bytes(data)
    entries = [(title, name, anchor or None) for name, anchor, title in re.findall(r'<a href="([\w.]+)#?(\w*)">([^<]+)</a>', _NAV) if name in names]
    bundle = {
        "schema": 1,
        "source": {"format": "EPUB", "sha256": ""},
        "metadata": {"title": TITLE, "authors": [AUTHOR], "language": "en"},
        "cover": "content/cover.png",
        "spine": [{"name": name, "path": f"content/{name}", "linear": True, "media_type": "application/xhtml+xml"} for name in names],
        "missing": [],
        "toc": [{"title": title, "name": name, "frag": frag, "children": []} for title, name, frag in entries],
        "toc_from": "book",
        "nav": [],
        "cover_page": None,
    }
    (folder / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    return folder
