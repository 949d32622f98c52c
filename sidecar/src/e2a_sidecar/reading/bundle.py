"""The bundle (docs/architecture.md, schema 1): bundle.json parsed once into frozen records, each path proven inside the folder.

The bundle holds a stranger's files, so nothing of it is believed: sizes are capped, names must be relative, links that
lead out of the folder and anything that is no plain file are refused. What a book's bytes mean is `markup`'s affair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from e2a_sidecar.errors import SidecarError, trace_of
from e2a_sidecar.model import Metadata
from e2a_sidecar.reading.runs import plain

SCHEMA: Final = 1
MAX_INDEX_BYTES: Final = 64 << 20
MAX_DOCUMENT_BYTES: Final = 32 << 20
"""Of one document; War and Peace is 3.5 MB. A larger one is left out with a warning, so that memory stays bounded."""
MAX_COVER_BYTES: Final = 64 << 20
MAX_DOCUMENTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """One spine item. path is None where its file is not there."""

    name: str
    path: Path | None
    linear: bool = True
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class TocEntry:
    """One line of the table of contents, flattened in its own order; level 1 is the outermost."""

    title: str
    level: int
    name: str | None
    frag: str | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the plugin exported. folder: of the book's own files. toc_from: `book`, `plumber` or `none`. format: of the book's file, as EPUB, PDF."""

    metadata: Metadata
    documents: tuple[Document, ...]
    toc: tuple[TocEntry, ...]
    toc_from: str = "none"
    nav: frozenset[str] = frozenset()
    cover_page: str | None = None
    cover: Path | None = None
    format: str = ""
    folder: Path | None = None


def load_bundle(folder: Path) -> Bundle:
    """Parse `folder`/bundle.json; SidecarError `bundle_broken` where it is not what the plugin writes."""
    root = folder.resolve()
    raw = _index(root)
    try:
        if raw["schema"] != SCHEMA:
            raise SidecarError("bundle_broken", f"schema {raw['schema']!r}")
        spine = raw["spine"]
        if len(spine) > MAX_DOCUMENTS:
            raise SidecarError("bundle_broken", f"{len(spine)} documents")
        return Bundle(
            metadata=_metadata(raw["metadata"]),
            documents=tuple(_document(root, item) for item in spine),
            toc=_flat(raw.get("toc") or []),
            toc_from=str(raw.get("toc_from") or "none"),
            nav=frozenset(str(name) for name in raw.get("nav") or ()),
            cover_page=_optional(raw.get("cover_page")),
            cover=_inside(root, str(raw["cover"])) if raw.get("cover") else None,
            format=str((raw.get("source") or {}).get("format") or "").upper(),
            folder=root / "content",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SidecarError("bundle_broken", trace_of(error)) from None


def read_capped(path: Path, limit: int) -> bytes | None:
    """The file's bytes, None where it holds more than `limit`; SidecarError `bundle_broken` where it cannot be read."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise SidecarError("bundle_broken", f"{path.name}: {error.strerror}") from None
    return data if len(data) <= limit else None


def _document(root: Path, item: Mapping[str, Any]) -> Document:
    return Document(str(item["name"]), _inside(root, str(item["path"])), bool(item.get("linear", True)), str(item.get("media_type") or ""))


def _index(root: Path) -> Any:
    data = read_capped(root / "bundle.json", MAX_INDEX_BYTES)
    if data is None:
        raise SidecarError("bundle_broken", "bundle.json is too big")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SidecarError("bundle_broken", f"bundle.json: {type(error).__name__}") from None


def _inside(root: Path, name: str) -> Path | None:
    """The plain file of that relative name, None where there is none; SidecarError where the name leads out of the folder."""
    parts = PurePosixPath(name)
    if not name or "\0" in name or "\\" in name or parts.is_absolute() or ".." in parts.parts or Path(name).drive:
        raise SidecarError("bundle_broken", f"not a name inside the bundle: {name[:200]!r}")
    try:
        path = (root / Path(*parts.parts)).resolve()
        if not path.is_relative_to(root):
            raise SidecarError("bundle_broken", f"leads out of the bundle: {name[:200]!r}")
        return path if path.is_file() else None
    except OSError:  # a name that this file system cannot hold
        return None


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _flat(toc: list[Mapping[str, Any]]) -> tuple[TocEntry, ...]:
    """The tree in its own order; without recursion, since its depth is the book's choice."""
    out: list[TocEntry] = []
    stack = [(1, entry) for entry in reversed(toc)]
    while stack:
        level, entry = stack.pop()
        out.append(TocEntry(plain(str(entry.get("title") or "")), level, _optional(entry.get("name")), _optional(entry.get("frag"))))
        stack.extend((level + 1, child) for child in reversed(entry.get("children") or []))
    return tuple(out)


def _metadata(raw: Mapping[str, Any]) -> Metadata:
    def text(key: str) -> str:
        return str(raw.get(key) or "").strip()

    index = raw.get("series_index")
    return Metadata(
        title=text("title"),
        authors=tuple(str(author) for author in raw.get("authors") or ()),
        language=text("language"),
        series=text("series"),
        series_index=None if index is None else float(index),
        publisher=text("publisher"),
        date=text("date"),
        identifiers=tuple(sorted((str(scheme), str(value)) for scheme, value in (raw.get("identifiers") or {}).items())),
        comments=text("comments"),
        tags=tuple(str(tag) for tag in raw.get("tags") or ()),
        rights=text("rights"),
    )
