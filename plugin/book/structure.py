"""A table of contents for a book that has none: asked of Calibre's conversion pipeline, told in the bundle's own names.

The pipeline (Plumber) detects chapters by headings and links, but in documents that it has rewritten, at anchors that it
has invented; the bundle holds the documents' own bytes. So an entry is taken only if its place can be named honestly
in the original: the document has the same name, and the anchor is the original's own or stands before any text of the
document. If one entry cannot be placed, or they are out of order, or there is only one, none is taken (toc_from stays "none") and the
sidecar finds chapters by headings. Runs in a worker with a limit of time and memory: Plumber has no bound of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .unpack import guard, limit_memory

MEMORY_BYTES: Final = 2 << 30
OWN_ANCHOR: Final = re.compile(rb"""\s(?:id|name)\s*=\s*["']([^"'<>]+)["']""")


def find_toc(book: Path, folder: Path) -> list[dict[str, Any]]:
    """The tree as bundle.json has it; empty if there is none that can be placed."""
    from calibre.ebooks.oeb.polish.toc import get_toc  # type: ignore[import-not-found]

    limit_memory(MEMORY_BYTES)
    guard()
    names = {item["name"] for item in json.loads((folder / "bundle.json").read_text("utf-8"))["spine"]}
    rewritten = _run_pipeline(book, folder)
    positions = {name: index for index, (name, _) in enumerate(rewritten.spine_names)}
    places = _Places(folder, rewritten, names)
    placed = [places.node(entry) for entry in get_toc(rewritten, verify_destinations=False)]
    tree = [node for node in placed if node is not None]
    order = [positions[node["name"]] for root in tree for node in _walk(root)]
    return tree if len(tree) == len(placed) and len(order) > 1 and order == sorted(order) else []


def _run_pipeline(book: Path, folder: Path) -> Any:
    from calibre.ebooks.conversion.plumber import Plumber  # type: ignore[import-not-found]
    from calibre.ebooks.oeb.polish.container import Container  # type: ignore[import-not-found]
    from calibre.utils.logging import Log  # type: ignore[import-not-found]

    log = Log()
    log.outputs = []
    out = folder / "structure"
    out.mkdir()
    Plumber(str(book), str(out), log).run()
    return Container(str(out), str(next(out.glob("*.opf"))), log)


class _Places:
    """Where the pipeline's anchors stand in the original documents."""

    def __init__(self, folder: Path, rewritten: Any, names: set[str]) -> None:
        self._content = folder / "content"
        self._rewritten = rewritten
        self._names = names
        self._anchors: dict[str, frozenset[str]] = {}

    def node(self, entry: Any) -> dict[str, Any] | None:
        """The bundle's node; None if it, or one below it, cannot be placed."""
        children = [self.node(child) for child in entry]
        name, frag = entry.dest or None, entry.frag or None
        if name is None or name not in self._names or any(child is None for child in children):
            return None
        if frag is not None and frag not in self._own(name):
            if not self._first(name, frag):
                return None
            frag = None
        return {"title": entry.title or "", "name": name, "frag": frag, "children": children}

    def _own(self, name: str) -> frozenset[str]:
        if name not in self._anchors:
            raw = (self._content / name).read_bytes()
            self._anchors[name] = frozenset(found.decode("utf-8", "replace") for found in OWN_ANCHOR.findall(raw))
        return self._anchors[name]

    def _first(self, name: str, frag: str) -> bool:
        """Does nothing stand before the anchor but white space?"""
        root = self._rewritten.parsed(name)
        targets = root.xpath("//*[@id=$id]", id=frag)
        if not targets:
            return False
        before = targets[0].xpath("preceding::text()[not(ancestor::*[local-name()='head'])]")
        return not "".join(before).strip()


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from _walk(child)
