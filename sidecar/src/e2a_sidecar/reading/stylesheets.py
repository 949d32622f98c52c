"""A book's stylesheets, as far as they say what is seen at all: files of the bundle and <style> elements to rules.

tinycss2 takes them apart, each once a book. Nothing outside the folder of the book's files is opened. What is too much, wrong, or meant
for other media than a screen counts for nothing; so does what hides something under conditions that we do not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

import tinycss2  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.reading.bundle import read_capped
from e2a_sidecar.reading.selectors import Selector, Token, Work, read_selectors, split_at_commas
from e2a_sidecar.reading.soup import names

MAX_SHEET_BYTES: Final = 512 << 10
"""Of one stylesheet; those of books are seldom a tenth of it, and tinycss2 reads some 300 KB a second."""
MAX_BOOK_BYTES: Final = 1 << 20
"""Of all stylesheets of a book."""
MAX_SELECTORS: Final = 5_000
"""Of a stylesheet, with what it imports, in rules that matter here."""
MAX_STEPS: Final = 4_000_000
"""Comparisons of a book's elements with selectors; a book of poems takes some 80,000, one of mathematics 290,000."""
_MAX_IMPORTS: Final = 5
"""How deep stylesheets import one another."""
_MAX_NESTED: Final = 4
_MAX_NAME_CHARS: Final = 1_000
_NO_NAME: Final = frozenset("\0\\:")
"""In no name that counts from a folder; a URL has a colon."""
_MAX_INLINE_CHARS: Final = 10_000
_MAX_KEPT: Final = 10_000
_MAX_FILES: Final = 20_000
"""Different names of stylesheets that a book's documents may give, each of which the file system is asked for."""

_BLOCKS: Final = names("block list-item table table-row table-cell table-caption flex grid flow-root")
_OTHER: Final = names(
    "inline inline-block inline-table inline-flex inline-grid contents run-in ruby table-column table-column-group table-row-group table-header-group "
    "table-footer-group initial inherit unset revert"
)
_ABOUT: Final = names("display visibility vertical-align float position")
"""The properties that are read."""
_MATTERS: Final = re.compile("|".join(sorted(_ABOUT)), re.IGNORECASE)
_STEPS_A_CHARACTER: Final = 4


class Applies(IntEnum):
    """Do a medium's rules count? Under conditions that we do not know (a width, colours) only what shows something does."""

    NO = 0
    PERHAPS = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Value:
    """Of a property, in our own few words: display none, block or inline; visibility hidden, visible or inherit; vertical-align sup, sub or none;
    float and position: yes where they take it out of the line, else no."""

    value: str
    important: bool = False


Declarations = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector and what it says."""

    selector: Selector
    declared: Declarations


@dataclass(frozen=True, slots=True)
class Sheet:
    """A stylesheet's rules in their order, imports in their place; by the key of their selectors, with their numbers."""

    by_key: Mapping[str, Sequence[tuple[int, Rule]]]


_NOTHING: Final = Sheet({})


@dataclass(frozen=True, slots=True)
class _Import:
    path: Path | None
    applies: Applies


@dataclass
class Stylesheets:
    """Those of one book, and how much work they may still make. folder: of the book's files; without one no file is read. go_on: as `read_book`'s."""

    folder: Path | None = None
    go_on: Callable[[], None] = lambda: None
    work: Work = field(default_factory=lambda: Work(MAX_STEPS))
    _bytes_left: int = field(default_factory=lambda: MAX_BOOK_BYTES)
    _parts: dict[Path, Sequence[Rule | _Import]] = field(default_factory=dict)
    _sheets: dict[tuple[Path | str, Path | None, Applies], Sheet] = field(default_factory=dict)
    _inline: dict[str, Declarations] = field(default_factory=dict)
    _files: dict[tuple[str, Path], Path | None] = field(default_factory=dict)

    def of_link(self, href: str, folder: Path, media: str) -> Sheet | None:
        """The stylesheet that a link leads to from a document in that folder; None where none is there or it is not meant for us."""
        applies = read_media(tinycss2.parse_component_value_list(media[:1000]))
        path = self.file_of(href, folder) if applies else None
        return self._sheet(path, path.parent, applies) if path else None

    def of_text(self, text: str, folder: Path | None, media: str) -> Sheet | None:
        """That of a <style> element of a document in that folder."""
        applies = read_media(tinycss2.parse_component_value_list(media[:1000]))
        return self._sheet(text, folder, applies) if applies and text.strip() else None

    def inline(self, style: str) -> Declarations:
        """What a style attribute says. Raises WorkDone."""
        found = self._inline.get(style)
        if found is None:
            if not _MATTERS.search(style):
                return {}
            self.work.step(_STEPS_A_CHARACTER * len(style))
            content = tinycss2.parse_component_value_list(style[:_MAX_INLINE_CHARS], skip_comments=True)
            found = _declared(content, Applies.YES)
            if len(self._inline) < _MAX_KEPT:
                self._inline[style] = found
        return found

    def _sheet(self, source: Path | str, base: Path | None, applies: Applies) -> Sheet:
        key = (source, base, applies)
        found = self._sheets.get(key)
        if found is None:
            if isinstance(source, str) and len(source) > min(MAX_SHEET_BYTES, self._bytes_left):
                return _NOTHING
            parts = self._of_file(source) if isinstance(source, Path) else self._of_bytes(source.encode("utf-8", "replace"), base, "utf-8")
            by_key: dict[str, list[tuple[int, Rule]]] = {}
            chain = (source,) if isinstance(source, Path) else ()
            for number, rule in enumerate(self._flat(parts, applies, chain)):
                if number >= MAX_SELECTORS:
                    break
                if rule:
                    by_key.setdefault(rule.selector.key, []).append((number, rule))
            found = self._sheets[key] = Sheet(by_key)
        return found

    def _flat(self, parts: Sequence[Rule | _Import], applies: Applies, chain: tuple[Path, ...]) -> Iterator[Rule | None]:
        """All rules in order, None for each import. chain: the files that import one another down to here."""
        for part in parts:
            if isinstance(part, Rule):
                declared = part.declared if applies is Applies.YES else _only_showing(part.declared)
                if declared:
                    yield Rule(part.selector, declared)
                continue
            yield None
            if part.path is not None and part.path not in chain and len(chain) < _MAX_IMPORTS:
                yield from self._flat(self._of_file(part.path), min(applies, part.applies), (*chain, part.path))

    def _of_file(self, path: Path) -> Sequence[Rule | _Import]:
        found = self._parts.get(path)
        if found is None:
            try:
                raw = read_capped(path, MAX_SHEET_BYTES) or b""
            except SidecarError:
                raw = b""
            found = self._parts[path] = self._of_bytes(raw, path.parent, None)
        return found

    def _of_bytes(self, raw: bytes, base: Path | None, encoding: str | None) -> Sequence[Rule | _Import]:
        """The rules and imports of a stylesheet; nothing of one that is too big, or for which no room is left."""
        self.go_on()
        if len(raw) > min(MAX_SHEET_BYTES, self._bytes_left):
            return ()
        self._bytes_left -= len(raw)
        parsed, _ = tinycss2.parse_stylesheet_bytes(raw, encoding, skip_comments=True, skip_whitespace=True)
        self.go_on()
        return _Sheet(self, base).parts(parsed)

    def file_of(self, href: str, base: Path | None) -> Path | None:
        """The book's file that something in the folder `base` names; None for anything else."""
        name = unquote(href.partition("#")[0].partition("?")[0]).strip()
        if self.folder is None or base is None or not 0 < len(name) <= _MAX_NAME_CHARS or name.startswith("/") or not _NO_NAME.isdisjoint(name):
            return None
        key = (name, base)
        if key not in self._files and len(self._files) < _MAX_FILES:
            self._files[key] = self._file(base / PurePosixPath(name), self.folder)
        return self._files.get(key)

    @staticmethod
    def _file(path: Path, folder: Path) -> Path | None:
        try:
            path = path.resolve()
            return path if path.is_relative_to(folder) and path.is_file() else None
        except (OSError, RuntimeError, ValueError):  # a name that this file system cannot hold, a link that leads to itself
            return None


class _Sheet:
    """One stylesheet on its way to rules. base: the folder that its names count from."""

    def __init__(self, sheets: Stylesheets, base: Path | None) -> None:
        self._sheets, self._base = sheets, base
        self._namespaces: dict[str, str] = {}
        self._imports = True  # may still come
        self._found: list[Rule | _Import] = []

    def parts(self, parsed: Sequence[Token]) -> Sequence[Rule | _Import]:
        self._rules(parsed, Applies.YES, 0)
        return self._found

    def _rules(self, parsed: Sequence[Token], applies: Applies, depth: int) -> None:
        for node in parsed:
            if node.type == "qualified-rule":
                self._imports = False
                self._rule(node, applies)
            elif node.type == "at-rule":
                self._at_rule(node, applies, depth)
            if len(self._found) >= MAX_SELECTORS:
                return

    def _rule(self, node: Token, applies: Applies) -> None:
        if any(token.type == "ident" and token.lower_value in _ABOUT for token in node.content):
            declared = _declared(node.content, applies)
            if declared:
                said = [(selector, _shown_by_a_tap(declared) if selector.tapped else declared) for selector in read_selectors(node.prelude, self._namespaces)]
                self._found += [Rule(selector, says) for selector, says in said if says]

    def _at_rule(self, node: Token, applies: Applies, depth: int) -> None:
        name, prelude = node.lower_at_keyword, [token for token in node.prelude if token.type not in ("whitespace", "comment")]
        if name == "import" and self._imports:
            if prelude and (href := _url(prelude[0])):
                self._found.append(_Import(self._sheets.file_of(href, self._base), read_media(prelude[1:])))
        elif name == "namespace" and prelude:
            prefix = prelude[0].value if len(prelude) == 2 and prelude[0].type == "ident" else ""
            self._namespaces[prefix] = _url(prelude[-1])
        elif name != "charset":
            self._imports = False
        inner = {"media": read_media(prelude), "supports": Applies.PERHAPS, "layer": Applies.YES, "document": Applies.PERHAPS}.get(name)
        if inner and node.content and depth < _MAX_NESTED:
            content = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            self._rules(content, min(applies, inner), depth + 1)


def read_media(tokens: Sequence[Token]) -> Applies:
    """Is a list of media queries for a screen, as an e-reader's is? Those of Kindles (`amzn-kf8`), of print and speech are not."""
    return max(map(_query, split_at_commas(tokens)), default=Applies.YES)


def _query(tokens: Sequence[Token]) -> Applies:
    tokens = [token for token in tokens if token.type != "whitespace"]
    if not tokens:
        return Applies.YES
    words = [token.lower_value for token in tokens if token.type == "ident" and token.lower_value not in ("only", "and")]
    negated = words[:1] == ["not"]
    medium = words[negated] if len(words) > negated else "all"
    applies = Applies.YES if medium in ("all", "screen") else Applies.NO
    if any(token.type != "ident" for token in tokens):  # a condition
        return Applies.PERHAPS if applies or negated else Applies.NO
    return Applies(Applies.YES - applies) if negated else applies


def _url(token: Token) -> str:
    if token.type in ("string", "url"):
        return str(token.value)
    if token.type == "function" and token.lower_name == "url":
        return next((str(argument.value) for argument in token.arguments if argument.type == "string"), "")
    return ""


def _declared(content: Sequence[Token], applies: Applies) -> Declarations:
    """The last valid value of each property that matters."""
    found: dict[str, Value] = {}
    for node in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if node.type != "declaration" or node.lower_name not in _ABOUT:
            continue
        value = _read_value(node.lower_name, [token for token in node.value if token.type not in ("whitespace", "comment")])
        before = found.get(node.lower_name)
        if value and not (before and before.important and not node.important):
            found[node.lower_name] = Value(value, bool(node.important))
    return found if applies is Applies.YES else _only_showing(found)


def _read_value(name: str, tokens: Sequence[Token]) -> str:
    """Empty where it is wrong, or not to be understood."""
    if name == "vertical-align":
        word = tokens[0].lower_value if len(tokens) == 1 and tokens[0].type == "ident" else ""
        return {"super": "sup", "sub": "sub"}.get(word, "none")
    if name == "display":
        words = [token.lower_value for token in tokens if token.type == "ident"]
        if words == ["none"]:
            return "none"
        return "block" if words and words[0] in _BLOCKS else "inline" if words and words[0] in _OTHER else ""
    if len(tokens) != 1 or tokens[0].type != "ident":
        return ""
    word = tokens[0].lower_value
    if name == "visibility":
        return {"hidden": "hidden", "collapse": "hidden", "visible": "visible", "initial": "visible", "inherit": "inherit", "unset": "inherit"}.get(word, "")
    return "no" if word in ("none", "static", "relative", "sticky", "initial", "inherit", "unset", "revert") else "yes"


def _shown_by_a_tap(declared: Declarations) -> Declarations:
    """A paragraph that a tap shows, as an answer below its question, is said: nobody taps who listens. What it shows within a line, as a word's translation,
    would break into the sentence, and stays hidden."""
    return {name: value for name, value in declared.items() if (name, value.value) == ("display", "block")}


def _only_showing(declared: Declarations) -> Declarations:
    """Without what hides or changes something."""
    return {name: value for name, value in declared.items() if (name, value.value) in (("display", "block"), ("display", "inline"), ("visibility", "visible"))}
