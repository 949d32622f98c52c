"""Tags and text of a document that is no well-formed XML: a small tokeniser of our own, linear in the document's length.

It is not the standard library's HTMLParser, because what that calls text has changed between patch releases (comments,
CDATA, script) and offsets into the text are kept for years; older releases take quadratic time on hostile input too.
What it gives is balanced: each start has its end, in order, whatever the document did. It reads as XHTML does where
that differs from HTML (`<x/>` is empty, CDATA is text), for that is what the books are that nearly were XHTML.
"""

from __future__ import annotations

import html
import re
from typing import Final, Protocol


def names(blank_separated: str) -> frozenset[str]:
    """A set of element names, types or classes."""
    return frozenset(blank_separated.split())


VOID: Final = names("area base br col embed hr img input link meta param source track wbr")
_RAW: Final = names("script style title textarea")
_HEAD: Final = names("head title meta link base script style noscript template object")
_PARAGRAPH_ENDS_AT: Final = names(
    "address article aside blockquote body center details dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre "
    "section table td th tr ul"
)
_SIBLINGS: Final = {
    "li": ("li",),
    "dt": ("dt", "dd"),
    "dd": ("dt", "dd"),
    "tr": ("tr", "td", "th"),
    "td": ("td", "th"),
    "th": ("td", "th"),
    "option": ("option",),
}
"""Opening the one ends an open one of the others."""
_NO_BLOCKS_INSIDE: Final = ("p", "h1", "h2", "h3", "h4", "h5", "h6")
_HOLDERS: Final = names("ul ol dl table select body html")
_LOOK_BACK: Final = 24
"""How many open elements are looked at for one that the new one closes: bounds the work in hostile nesting."""
OFFICE: Final = names("o w v")
"""Prefixes of Word's own elements, of which `o:p` stands inside a line and is no paragraph."""
MAX_DEPTH: Final = 10_000
"""Elements nested deeper are taken as empty, so that memory stays bounded; their text is the outer element's."""

_MARKUP: Final = re.compile(r"<(?:[a-zA-Z!?]|/[a-zA-Z])")
_NAME: Final = re.compile(r"[a-zA-Z][^\s/>]{0,100}")
_ATTRIBUTE: Final = re.compile(r"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"'][^\s>]*)))?")
_COMMENT_END: Final = re.compile(r"--!?\s{0,20}>")
_EMPTY_COMMENT: Final = re.compile(r"<!---?>")
_HUGE_REFERENCE: Final = re.compile(r"&#(?:[xX][0-9a-fA-F]{7,}|[0-9]{8,});?")  # int() of a very long one raises


class Handler(Protocol):
    """Who is told of a document. Tags are lower-case local names; attributes keep `epub:` and `xml:`, and no other prefix."""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


def feed(source: str, handler: Handler) -> None:
    """Tell the handler of the whole document; never raises for what stands in it."""
    _Soup(source, handler).run()


class _Soup:
    def __init__(self, source: str, handler: Handler) -> None:
        self.source, self.handler = source, handler
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.unclosed: set[str] = set()  # raw-text elements of which no end tag follows any more; "!" for comments

    def run(self) -> None:
        source, at, length = self.source, 0, len(self.source)
        while at < length:
            found = _MARKUP.search(source, at)
            tag = found.start() if found else length
            if tag > at:
                self._text(source[at:tag])
            at = self._markup(tag) if found else length
        while self.open:
            self._pop()

    def _text(self, text: str) -> None:
        if "&" in text:
            text = html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))
        if text:
            self.handler.data(text)

    def _markup(self, at: int) -> int:
        """Read what begins with `<` at `at`; the offset behind it."""
        source = self.source
        if source.startswith("<!--", at):
            return self._behind_comment(at)
        if source.startswith("<![CDATA[", at):
            end = self._behind("]]>", at + 9)
            text = source[at + 9 : end].removesuffix("]]>")
            if text:
                self.handler.data(text)
            return end
        if source.startswith(("<!", "<?"), at):
            return self._behind(">", at + 2)
        closing = source.startswith("</", at)
        name = _NAME.match(source, at + 1 + closing)
        assert name is not None  # or it would be text
        tag = _local(name.group()).lower()
        if closing:
            if tag in ("br", "p") and not self.count.get(tag):  # a line break, and an empty paragraph, as browsers have it
                self.handler.start(tag, {})
                self.handler.end(tag)
            self._end(tag)
            return self._behind(">", name.end())
        return self._start(tag, name.end())

    def _behind(self, mark: str, at: int) -> int:
        found = self.source.find(mark, at)
        return len(self.source) if found < 0 else found + len(mark)

    def _behind_comment(self, at: int) -> int:
        """As in HTML; a comment that never ends is over at its first `>`, so that it takes no words with it."""
        if empty := _EMPTY_COMMENT.match(self.source, at):
            return empty.end()
        end = None if "!" in self.unclosed else _COMMENT_END.search(self.source, at + 4)
        if end is None:
            self.unclosed.add("!")
            return self._behind(">", at + 4)
        return end.end()

    def _start(self, tag: str, at: int) -> int:
        source, attributes = self.source, dict[str, str]()
        while match := _ATTRIBUTE.match(source, at):
            key, *values = match.groups()
            value = next((value for value in values if value is not None), "")
            attributes.setdefault(_attribute(key), html.unescape(_HUGE_REFERENCE.sub("\ufffd", value)) if "&" in value else value)
            at = match.end()
        behind = self._behind(">", at)
        empty = tag in VOID or source.endswith("/>", 0, behind)
        self._make_room(tag)
        self.handler.start(tag, attributes)
        if empty or len(self.open) >= MAX_DEPTH:
            self.handler.end(tag)
            return behind
        self.open.append(tag)
        self.count[tag] = self.count.get(tag, 0) + 1
        return self._raw(tag, behind) if tag in _RAW else behind

    def _raw(self, tag: str, at: int) -> int:
        """Text up to the end tag, in which `<` is a letter; where no end tag follows, tags are tags again."""
        if tag in self.unclosed:
            return at
        end = re.compile(f"</{tag}", re.IGNORECASE).search(self.source, at)
        if end is None:
            self.unclosed.add(tag)
            return at
        text = self.source[at : end.start()]
        if tag in ("script", "style"):
            if text:
                self.handler.data(text)
        else:
            self._text(text)
        return end.start()

    def _make_room(self, tag: str) -> None:
        """Close what cannot hold `tag`: an unclosed <title>, <head>, <p>, <li> ..."""
        if self.open and self.open[-1] in _RAW:
            self._pop()
        if self.count.get("head") and tag not in _HEAD:
            self._end("head")
        if tag in _PARAGRAPH_ENDS_AT:
            self._close_nearest(_NO_BLOCKS_INSIDE, stop=_PARAGRAPH_ENDS_AT)
        if tag in _SIBLINGS:
            self._close_nearest(_SIBLINGS[tag], stop=_HOLDERS)

    def _close_nearest(self, tags: tuple[str, ...], stop: frozenset[str]) -> None:
        found = 0
        for depth, tag in enumerate(reversed(self.open[-_LOOK_BACK:]), 1):
            if tag in tags:
                found = depth
                if "tr" not in tags:
                    break
            elif tag in stop:
                break
        for _ in range(found):
            self._pop()

    def _end(self, tag: str) -> None:
        if not self.count.get(tag):
            return
        while self._pop() != tag:
            pass

    def _pop(self) -> str:
        tag = self.open.pop()
        self.count[tag] -= 1
        self.handler.end(tag)
        return tag


def _local(name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return name if prefix.lower() in OFFICE else local


def _attribute(name: str) -> str:
    name = name.lower()
    prefix, _, local = name.rpartition(":")
    return name if prefix in ("epub", "xml") else local
