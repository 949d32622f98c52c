"""Is every visible character of a document in a sentence or a skipped run, in order? By a parser that is not the sidecar's."""

from __future__ import annotations

import re

from e2a_sidecar.model import Book
from lxml import etree  # type: ignore[import-untyped]

SILENT = {"head", "title", "script", "style", "template", "desc", "metadata", "annotation", "annotation-xml"}
UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
LEVEL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ₀₁₂₃₄₅₆₇₈₉", "0123456789+-ni0123456789", "⁄√^ ")
"""Back from what reading makes of raised characters, one for one, and of a formula's layout."""


def nodes(raw: bytes) -> list[tuple[str, bool]]:
    """(text node, can it be seen) by an independent parser: lxml's tree."""
    out: list[tuple[str, bool]] = []

    def walk(element: etree._Element, seen: bool) -> None:
        mine = isinstance(element.tag, str)
        seen_here = seen and mine and element.tag.rpartition("}")[2] not in SILENT
        if mine and element.text:
            out.append((element.text, seen_here))
        for child in element:
            walk(child, seen_here)
        if element.tail:
            out.append((element.tail, seen))

    walk(etree.fromstring(raw, etree.XMLParser(resolve_entities=False, load_dtd=False, strip_cdata=True)), True)
    return out


def assert_nothing_lost(book: Book, documents: dict[str, bytes]) -> None:
    """Every visible character is in exactly one sentence or skipped run, in order, and each says truly where it stands."""
    for name, raw in documents.items():
        parts = nodes(raw)
        text = "".join(part for part, _ in parts)
        visible = bytearray()
        for part, seen in parts:
            visible += bytes([seen]) * len(part)
        taken = bytearray(len(text))
        skipped = [skip for skip in book.skipped if skip.source.document == name]
        for skip in sorted(skipped, key=lambda skip: skip.source.end - skip.source.start):  # one may stand inside another
            assert squeezed(text, visible, taken, skip.source.start, skip.source.end) == bare(skip.text)
        last = -1
        for sentence in (sentence for sentence in book.sentences if sentence.source.document == name):
            assert last <= sentence.source.start < sentence.source.end
            last = sentence.source.end
            assert squeezed(text, visible, taken, sentence.source.start, sentence.source.end) == bare(sentence.text)
        lost = [text[at] for at in range(len(text)) if visible[at] and not taken[at] and not text[at].isspace() and not UNSEEN.match(text[at])]
        assert lost == []


def squeezed(text: str, visible: bytearray, taken: bytearray, start: int, end: int) -> str:
    """What nobody has taken yet of the visible text in [start, end), without white space (a joined line has none of its own)."""
    out = []
    for at in range(start, end):
        if visible[at] and not taken[at]:
            taken[at] = 1
            out.append(text[at])
    return bare("".join(UNSEEN.sub("", "".join(out)).split()))


def bare(text: str) -> str:
    return text.translate(LEVEL).replace("−", "-").replace("–", "-")
