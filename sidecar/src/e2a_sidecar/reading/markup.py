"""Bytes of a document to text nodes and tags. Owns encodings, entities and every defence against hostile markup.

Strict XML first (libxml2 by lxml, without DTD, network or its "huge" mode, and never more than STRICT_LIMIT characters),
and what is not well-formed, nested too deep or too big goes through `soup`, with the same handler. Entities are
resolved here, before any parser sees them: HTML's names and a document's own short ones become characters, external,
nested or long ones nothing. libxml2 refuses some of those attacks and expands others, depending on its version.

Text means: the concatenation of all data(); `model.Source` counts its code points.
"""

from __future__ import annotations

import codecs
import html
import html.entities
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from lxml import etree  # type: ignore[import-untyped]

from e2a_sidecar.reading import soup
from e2a_sidecar.reading.soup import Handler

H = TypeVar("H", bound=Handler)

STRICT_LIMIT: Final = 8_000_000
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_XML_DECLARATION: Final = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_META_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_NOT_WINDOWS: Final = re.compile(rb"[\x80-\xff]{3}|[\x81\x8d\x8f\x90\x9d]")  # letters beyond ASCII seldom stand three together; five bytes are none
_WEB_NAMES: Final = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}  # what a declared Latin-1 means in practice
_WINDOWS: Final = {code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
"""What a C1 control stands for in practice: a quotation mark, a dash ... by its number in Windows-1252, as HTML reads it too."""
_C1: Final = re.compile("[\x80-\x9f]")

_OFFICE: Final = "{urn:schemas-microsoft-com:"
"""Word's own elements, of which one is called p and is no paragraph."""
_INSTRUCTION: Final = re.compile(r"<\?xml-stylesheet\s([^>]{0,2000})\?>")
_PSEUDO_ATTRIBUTE: Final = re.compile(r"([a-z]{1,20})\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ELEMENT: Final = re.compile(r"<[a-zA-Z]")
_PROLOG: Final = re.compile(r"\s*(?:<\?xml[^>]*\?>)?")
_DOCTYPE: Final = re.compile(r"<!DOCTYPE\b", re.IGNORECASE)
_DOCTYPE_PART: Final = re.compile(r"<!--.*?(?:-->|\Z)|\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[\[\]>]", re.DOTALL)
_ENTITY: Final = re.compile(r"<!ENTITY\s+([\w.:-]{1,100})\s+(?:\"([^\"]*)\"|'([^']*)')?")
_MAX_ENTITY_CHARS: Final = 200
_REFERENCE: Final = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&([a-zA-Z][\w.:-]{0,100});|&#(?:0*(1[2-5]\d)|[xX]0*([89][0-9a-fA-F]));", re.DOTALL
)
_BY_NUMBER: Final = re.compile(r"&#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});")
_LITERAL: Final = re.compile(rf"(?:[^<&]|{_BY_NUMBER.pattern}|&(?:amp|lt|gt|quot|apos);)*")
_XML_ENTITIES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})


def decode(raw: bytes) -> tuple[str, bool]:
    """The document's characters, newlines normalised as XML does, C1 controls as what they stand for, and whether its encoding had to be guessed.

    Byte order mark, XML declaration, meta charset, UTF-8, in this order, but what is UTF-8 beyond ASCII is that, as for Calibre: nothing else
    looks like it, and converters leave old declarations behind. What is not UTF-8 although it should be is
    Windows-1252 where it looks like it (the commonest lie in old books), else U+FFFD stands for what is bad.
    """
    text, guessed = _decode(raw)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _C1.search(text):
        text = text.translate(_WINDOWS)
    return text, guessed


def parse(source: str, make: Callable[[], H]) -> tuple[H, bool]:
    """Tell a handler, made by `make`, of the document (one made afresh for the second way): (handler, was it well-formed)."""
    start, declared = _head(source)
    source = _resolve(source[start:], declared)
    if len(source) <= STRICT_LIMIT:
        handler = make()
        try:
            parser = etree.XMLParser(
                target=_Target(handler),
                encoding="utf-8",
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                dtd_validation=False,
                attribute_defaults=False,
                huge_tree=False,
                recover=False,
            )
            etree.fromstring(source.encode("utf-8"), parser)
            return handler, True
        except (etree.XMLSyntaxError, UnicodeEncodeError):
            pass
    handler = make()
    soup.feed(source, handler)
    return handler, False


def stylesheets(source: str) -> list[dict[str, str]]:
    """The `<?xml-stylesheet?>` before a document's first element, as attributes of a <link>."""
    element = _ELEMENT.search(source)
    found = _INSTRUCTION.finditer(source, 0, element.start() if element else len(source))
    all_attributes = [{name: html.unescape(one or two) for name, one, two in _PSEUDO_ATTRIBUTE.findall(instruction.group(1))} for instruction in found]
    return [{**attributes, "rel": "alternate stylesheet" if attributes.get("alternate") == "yes" else "stylesheet"} for attributes in all_attributes]


class _Target:
    """lxml's parser target: namespaces taken off on the way to the handler."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tags: dict[str, str] = {}
        self._attributes: dict[str, str] = {}
        self.data = handler.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._handler.start(self._tag(tag), {self._attribute(key): value for key, value in attributes.items()})

    def end(self, tag: str) -> None:
        self._handler.end(self._tag(tag))

    def close(self) -> None:
        """lxml wants it."""

    def _tag(self, tag: str) -> str:
        name = self._tags.get(tag)
        if name is None:
            namespace, _, local = tag.rpartition("}")
            name = self._tags[tag] = ("office:" if namespace.startswith(_OFFICE) else "") + local.lower()
        return name

    def _attribute(self, key: str) -> str:
        name = self._attributes.get(key)
        if name is None:
            namespace, _, local = key.rpartition("}")
            prefix = "epub:" if namespace.endswith("/2007/ops") else "xml:" if namespace.endswith("/XML/1998/namespace") else ""
            name = self._attributes[key] = prefix + local.lower()
        return name


def _decode(raw: bytes) -> tuple[str, bool]:
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return _strict_or_replaced(raw[len(bom) :], encoding)
    head = raw[:2048]
    if head.startswith((b"<\0", b"\0<")):  # UTF-16 without a mark
        return _strict_or_replaced(raw, "utf-16-le" if head[0] else "utf-16-be")
    declared = _XML_DECLARATION.match(head) or _META_CHARSET.search(head)
    encoding = _codec(declared.group(1)) if declared else ""
    if encoding not in ("", "utf-8") and not raw.isascii():
        with suppress(UnicodeDecodeError):
            return raw.decode("utf-8"), True
    return _strict_or_replaced(raw, encoding or "utf-8")


def _strict_or_replaced(raw: bytes, encoding: str) -> tuple[str, bool]:
    try:
        return raw.decode(encoding), False
    except UnicodeDecodeError:
        if encoding == "utf-8" and raw.decode("utf-8", "ignore").isascii() and not _NOT_WINDOWS.search(raw):
            encoding = "cp1252"
        return raw.decode(encoding, "replace"), True


def _codec(name: bytes) -> str:
    """Python's name of a declared encoding; empty where there is no such one that could have spelt its own declaration."""
    try:
        codec = codecs.lookup(name.decode("ascii"))
        if "<?xml".encode(codec.name) != b"<?xml":  # UTF-16 declared by a file that is not; EBCDIC; zip and its like
            return ""
    except (LookupError, UnicodeError, TypeError, ValueError):
        return ""
    return _WEB_NAMES.get(codec.name, codec.name)


def _head(source: str) -> tuple[int, dict[str, str | None]]:
    """Where the document begins behind its XML declaration and DOCTYPE, and the entities of its internal subset: text, or None where it is not believed."""
    prolog = _PROLOG.match(source)
    start = prolog.end() if prolog else 0
    element = _ELEMENT.search(source, start)
    doctype = _DOCTYPE.search(source, start, element.start() if element else len(source))
    if doctype is None:
        return start, {}
    depth, end = 0, len(source)
    for part in _DOCTYPE_PART.finditer(source, doctype.end()):
        mark = part.group()
        depth += (mark == "[") - (mark == "]")
        if mark == ">" and depth <= 0:
            end = part.end()
            break
    else:
        return start, {}  # never closed: nothing of it can be believed
    declared = dict[str, str | None]()
    for entity in _ENTITY.finditer(source, doctype.end(), end):
        name, one, two = entity.groups()
        declared.setdefault(name, _literal(one if one is not None else two))
    return end, declared


def _literal(value: str | None) -> str | None:
    """The text that a declared value is in the end, its characters by number and XML's own five resolved; None where it is or holds anything else."""
    if value is None or len(value) > _MAX_ENTITY_CHARS or set(value) & set("<%"):
        return None
    value = _BY_NUMBER.sub(lambda found: html.unescape(found.group()), value)  # first by the declaration, as XML has it: "&#38;#60;" is "&#60;"
    return html.unescape(value) if _LITERAL.fullmatch(value) else None


def _resolve(source: str, declared: Mapping[str, str | None]) -> str:
    """Every named reference outside CDATA and comments as numbers; one that nobody declared stays as it was written."""

    def numbers(match: re.Match[str]) -> str:
        name, decimal, hexadecimal = match.groups()
        if decimal or hexadecimal:
            code = int(decimal) if decimal else int(hexadecimal, 16)
            return f"&#{ord(_WINDOWS[code])};" if code in _WINDOWS else match.group()
        if name is None or name in _XML_ENTITIES:
            return match.group()
        value = declared.get(name)
        if value is None:
            value = html.entities.html5.get(name + ";")
        if value is None:
            return "" if name in declared else f"&amp;{name};"
        return "".join(f"&#{ord(character)};" for character in value)

    return _REFERENCE.sub(numbers, source) if "&" in source else source
