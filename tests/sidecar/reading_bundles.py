"""What the tests of reading share: small bundles, the sample books' bundles, and an independent reader of documents."""

from __future__ import annotations

import json
import posixpath
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from collection import BOOKS
from e2a_sidecar.model import Book
from e2a_sidecar.reading.book import read_book

HEAD = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>Not said</title></head>'


def page(body: str) -> str:
    """A well-formed document around a body."""
    return f"{HEAD}<body>{body}</body></html>"


def entry(title: str, name: str | None, frag: str | None = None, children: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return {"title": title, "name": name, "frag": frag, "children": list(children)}


def make_bundle(
    folder: Path,
    documents: Mapping[str, str | bytes],
    toc: Sequence[Mapping[str, Any]] = (),
    files: Mapping[str, str | bytes] | None = None,
    **changes: Any,
) -> Path:
    """Write a bundle as the plugin does. documents: name -> content, in the order of the spine; beside them `files`; changes: of bundle.json's keys."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**documents, **(files or {})}.items():
        path = folder / "content" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    metadata = {"title": "The Book", "authors": ["A. Writer"], "language": "en", "series": "", "series_index": None, "publisher": "", "date": ""}
    bundle = {
        "schema": 1,
        "source": {"format": "EPUB", "sha256": "0"},
        "metadata": {**metadata, "identifiers": {"isbn": "1"}, "comments": "", "tags": [], "rights": "", **changes.pop("metadata", {})},
        "cover": None,
        "spine": [{"name": name, "path": f"content/{name}", "linear": True, "media_type": "application/xhtml+xml"} for name in documents],
        "missing": [],
        "toc": list(toc),
        "toc_from": "book" if toc else "none",
        "nav": [],
        "cover_page": None,
        **changes,
    }
    (folder / "bundle.json").write_text(json.dumps(bundle, ensure_ascii=False), "utf-8")
    return folder


def read(folder: Path, body: str, **changes: Any) -> Book:
    """The book of one well-formed document."""
    return read_book(make_bundle(folder, {"c.xhtml": page(body)}, **changes))


def texts(book: Book) -> list[str]:
    return [sentence.text for sentence in book.sentences]


def skips(book: Book) -> list[tuple[str, str]]:
    return [(skip.reason, skip.text) for skip in book.skipped]


def sample_books(kind: str) -> list[dict[str, Any]]:
    """The manifest's entries of shared/books/<kind>; the test is skipped where they are not there."""
    manifest = BOOKS / kind / "MANIFEST.json"
    if not manifest.is_file():
        pytest.skip(f"no sample books at {BOOKS} (E2A_TEST_BOOKS says where they are)")
    return list(json.loads(manifest.read_text("utf-8"))["books"])


def epub_bundle(epub: Path, folder: Path, language: str) -> Path:
    """A bundle of an EPUB without Calibre: package, spine, and table of contents read here by the standard library."""
    with zipfile.ZipFile(epub) as archive:
        container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
        opf = next(node.attrib["full-path"] for node in container.iter() if _local(node) == "rootfile")
        package = ElementTree.fromstring(archive.read(opf))
        base = posixpath.dirname(opf)
        items = {node.attrib["id"]: node.attrib for node in package.iter() if _local(node) == "item"}
        name_of = {key: posixpath.normpath(posixpath.join(base, item["href"])) for key, item in items.items()}
        spine = [node.attrib for node in package.iter() if _local(node) == "itemref"]
        there = set(archive.namelist())
        kept = [item for item in spine if name_of[item["idref"]] in there]
        documents = {name_of[item["idref"]]: archive.read(name_of[item["idref"]]) for item in kept}
        sheets = {name: archive.read(name) for name in there if name.endswith(".css")}
        nav = [name_of[key] for key, item in items.items() if "nav" in item.get("properties", "").split()]
        ncx = [name_of[key] for key, item in items.items() if item["media-type"] == "application/x-dtbncx+xml"]
        toc = _nav_toc(archive.read(nav[0]), nav[0]) if nav else _ncx_toc(archive.read(ncx[0]), ncx[0]) if ncx else []
    make_bundle(folder, documents, toc, sheets, nav=nav, metadata={"language": language})
    path = folder / "bundle.json"
    bundle = json.loads(path.read_text("utf-8"))
    for item, attributes in zip(bundle["spine"], kept, strict=True):
        item["linear"] = attributes.get("linear") != "no"
    path.write_text(json.dumps(bundle), "utf-8")
    return folder


def _local(node: ElementTree.Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _target(href: str | None, where: str) -> tuple[str | None, str | None]:
    if not href:
        return None, None
    path, _, frag = href.partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(where), path)), frag or None


def _nav_toc(raw: bytes, where: str) -> list[dict[str, Any]]:
    root = ElementTree.fromstring(raw)
    nav = next(node for node in root.iter() if _local(node) == "nav" and "toc" in str(node.attrib.get("{http://www.idpf.org/2007/ops}type")).split())

    def items(parent: ElementTree.Element) -> list[dict[str, Any]]:
        out = []
        for li in (node for ol in parent if _local(ol) == "ol" for node in ol):
            label = next(node for node in li if _local(node) in ("a", "span"))
            out.append(entry("".join(label.itertext()), *_target(label.attrib.get("href"), where), items(li)))
        return out

    return items(nav)


def _ncx_toc(raw: bytes, where: str) -> list[dict[str, Any]]:
    def items(parent: ElementTree.Element) -> list[dict[str, Any]]:
        out = []
        for point in (node for node in parent if _local(node) == "navPoint"):
            label = next("".join(node.itertext()) for node in point if _local(node) == "navLabel")
            target = next(node.attrib["src"] for node in point if _local(node) == "content")
            out.append(entry(label, *_target(target, where), items(point)))
        return out

    return items(next(node for node in ElementTree.fromstring(raw).iter() if _local(node) == "navMap"))
