"""CSS selectors of the kinds that books use, matched against a document's elements while it is being read.

What stands behind an element is not known yet, so selectors that ask for it (`:last-child`, `:has`), and those that a reader's
hand decides (`:hover`), are taken as never matching; of those that a tap makes match (`:target`, `:checked`) it is told. Each
comparison costs a step of `Work`, so that no stylesheet can make a document endless.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from e2a_sidecar.reading.soup import names

Token = Any
"""A component value of tinycss2, which has no types of its own."""

MAX_COMPOUNDS: Final = 16
MAX_TOKENS: Final = 4_000
"""Of a rule's selectors together."""
_CHARACTERS_A_STEP: Final = 32
"""Of an attribute's value, which is searched."""
_SIBLINGS: Final = 64
"""So many elements before one in the same parent are known; bounds memory and work."""
_NAMESPACES: Final = {"http://www.idpf.org/2007/ops": "epub:", "http://www.w3.org/XML/1998/namespace": "xml:"}
_NEVER: Final = names(
    "active autofill default defined disabled empty enabled first-of-type focus focus-visible focus-within fullscreen hover in-range indeterminate "
    "invalid last-child last-of-type local-link only-child only-of-type optional out-of-range placeholder-shown read-only read-write required "
    "target-within valid visited dir has lang nth-child nth-col nth-last-child nth-last-of-type nth-of-type"
)
_TAPPED: Final = names("checked target")
_NO_CLASSES: Final[frozenset[str]] = frozenset()
_PSEUDO_ELEMENTS: Final = names("before after first-line first-letter")  # with one colon


class WorkDone(Exception):
    """No more steps are left."""


@dataclass(slots=True)
class Work:
    """How many comparisons are still allowed."""

    left: int

    def step(self, steps: int = 1) -> None:
        """Raises WorkDone."""
        self.left -= steps
        if self.left < 0:
            raise WorkDone


class Element:
    """An element that is open, or one before it in the same parent: what selectors ask of it."""

    __slots__ = ("attributes", "children", "classes", "parent", "previous", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], parent: Element | None = None, previous: Element | None = None) -> None:
        self.tag, self.attributes, self.parent, self.previous = tag, attributes, parent, previous
        self.classes = frozenset(attributes["class"].split()) if "class" in attributes else _NO_CLASSES
        self.children: deque[Element] | None = None  # the last of them

    def child(self, tag: str, attributes: Mapping[str, str]) -> Element:
        """The element that opens now inside this one."""
        children = self.children
        if children is None:
            element = Element(tag, attributes, self)
            self.children = deque((element,))
            return element
        element = Element(tag, attributes, self, children[-1])
        if len(children) > _SIBLINGS:
            del children[1]  # the first stays, to tell it from the others
            children[1].previous = None
        children.append(element)
        return element

    @property
    def first(self) -> bool:
        """Is it the first in its parent?"""
        return self.parent is None or self.parent.children is None or self.parent.children[0] is self


@dataclass(frozen=True, slots=True)
class Attribute:
    """[name], or [name operator value]; operator as in CSS, without its "=" for all but equality."""

    name: str
    operator: str = ""
    value: str = ""
    any_case: bool = False

    def matches(self, element: Element, work: Work) -> bool:
        held = element.attributes.get(self.name)
        if held is None or not self.operator:
            return held is not None
        work.step(len(held) // _CHARACTERS_A_STEP)
        value = self.value
        if self.any_case:
            held, value = held.lower(), value.lower()
        match self.operator:
            case "=":
                return held == value
            case "~":
                return value in held.split()
            case "|":
                return held == value or held.startswith(value + "-")
            case "^":
                return value != "" and held.startswith(value)
            case "$":
                return value != "" and held.endswith(value)
            case _:
                return value != "" and value in held


@dataclass(slots=True)
class Compound:
    """What is asked of one element. never: something that we cannot know. tapped: what a tap brings about. unless: none of these; anyof: one of each."""

    tag: str = ""
    id: str = ""
    classes: set[str] = field(default_factory=set)
    attributes: list[Attribute] = field(default_factory=list)
    first: bool = False
    root: bool = False
    link: bool = False
    never: bool = False
    tapped: bool = False
    unless: list[Compound] = field(default_factory=list)
    anyof: list[list[Compound]] = field(default_factory=list)
    plain: bool = True  # is nothing asked but its tag and classes?

    def matches(self, element: Element, work: Work) -> bool:
        classes = self.classes  # `work.step` written out: this is called millions of times
        work.left -= 1 + (len(classes) >> 2)
        if work.left < 0:
            raise WorkDone
        if (self.tag and self.tag != element.tag) or (classes and not classes <= element.classes):
            return False
        return self.plain or self._matches_more(element, work)

    def _matches_more(self, element: Element, work: Work) -> bool:
        if self.never or (self.id and self.id != element.attributes.get("id")) or (self.first and not element.first):
            return False
        if (self.root and element.tag != "html") or (self.link and not (element.tag == "a" and "href" in element.attributes)):
            return False
        return (
            all(attribute.matches(element, work) for attribute in self.attributes)
            and not any(compound.matches(element, work) for compound in self.unless)
            and all(any(compound.matches(element, work) for compound in compounds) for compounds in self.anyof)
        )


@dataclass(frozen=True, slots=True)
class Selector:
    """Compounds from left to right, and the combinators between them: blank, ">", "+" or "~"."""

    compounds: tuple[Compound, ...]
    combinators: tuple[str, ...]
    specificity: tuple[int, int, int]

    @property
    def key(self) -> str:
        """What an element must have for the selector to match: ".class", "#id", a tag; empty for any."""
        last = self.compounds[-1]
        if last.id:
            return "#" + last.id
        return "." + min(last.classes) if last.classes else last.tag

    @property
    def tapped(self) -> bool:
        """Does it match only after a reader's tap?"""
        return any(compound.tapped for compound in self.compounds)

    def matches(self, element: Element, work: Work) -> bool:
        """Raises WorkDone."""
        return self._matches(len(self.compounds) - 1, element, work)

    def _matches(self, number: int, element: Element, work: Work) -> bool:
        if not self.compounds[number].matches(element, work):
            return False
        if number == 0:
            return True
        combinator = self.combinators[number - 1]
        beside, far = combinator in "+~", combinator in " ~"
        other = element.previous if beside else element.parent
        while other is not None and other.tag:
            if self._matches(number - 1, other, work):
                return True
            other = (other.previous if beside else other.parent) if far else None
        return False


class _Invalid(Exception):
    """Not CSS: the whole rule counts for nothing."""


def read_selectors(prelude: Sequence[Token], namespaces: Mapping[str, str]) -> list[Selector]:
    """The selectors before a rule's block that can match an element; empty where one of them is wrong, as CSS has it. namespaces: prefix -> URL."""
    if len(prelude) > MAX_TOKENS:
        return []
    try:
        found = [_Reader(tokens, namespaces).selector() for tokens in split_at_commas(prelude)]
    except _Invalid:
        return []
    return [selector for selector in found if selector and not any(compound.never for compound in selector.compounds)]


def split_at_commas(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The parts between commas, without comments."""
    part: list[Token] = []
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            yield part
            part = []
        elif token.type != "comment":
            part.append(token)
    yield part


class _Reader:
    """One selector's tokens."""

    def __init__(self, tokens: Sequence[Token], namespaces: Mapping[str, str], inside: bool = False) -> None:
        self._tokens = list(tokens)
        while self._tokens and self._tokens[-1].type == "whitespace":
            self._tokens.pop()
        self._at = 0
        self._namespaces = namespaces
        self._inside = inside
        self._specificity = [0, 0, 0]

    def selector(self) -> Selector | None:
        """None for a pseudo-element, or for more than is ever needed."""
        self._skip_blanks()
        compounds, combinators = [self._compound()], list[str]()
        while self._at < len(self._tokens):
            combinator = self._combinator()
            if combinator == ":":
                self._pseudo_element()
                return None
            combinators.append(combinator)
            compounds.append(self._compound())
        if len(compounds) > MAX_COMPOUNDS or (self._inside and combinators):
            return None
        a, b, c = self._specificity
        return Selector(tuple(compounds), tuple(combinators), (a, b, c))

    def _peek(self, ahead: int = 0) -> Token | None:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else None

    def _is(self, sign: str, ahead: int = 0) -> bool:
        token = self._peek(ahead)
        return token is not None and token.type == "literal" and token.value == sign

    def _next(self, *types: str) -> Token:
        token = self._peek()
        if token is None or token.type not in types:
            raise _Invalid
        self._at += 1
        return token

    def _skip_blanks(self) -> bool:
        before = self._at
        while (token := self._peek()) is not None and token.type == "whitespace":
            self._at += 1
        return self._at > before

    def _combinator(self) -> str:
        blank = self._skip_blanks()
        for sign in (">", "+", "~"):
            if self._is(sign):
                self._at += 1
                self._skip_blanks()
                return sign
        if blank:
            return " "
        if self._is(":"):
            return ":"
        raise _Invalid

    def _compound(self) -> Compound:
        compound, begin = Compound(), self._at
        self._type(compound)
        while (token := self._peek()) is not None:
            if token.type == "hash" and token.is_identifier:
                self._at += 1
                compound.never = compound.never or compound.id not in ("", token.value)
                compound.id = token.value
                self._specificity[0] += 1
            elif self._is("."):
                self._at += 1
                compound.classes.add(self._next("ident").value)
                self._specificity[1] += 1
            elif token.type == "[] block":
                self._at += 1
                compound.attributes.append(_attribute(token.content, self._namespaces))
                self._specificity[1] += 1
            elif self._is(":") and not self._is_pseudo_element():
                self._at += 1
                self._pseudo_class(compound)
            else:
                break
        compound.plain = compound == Compound(compound.tag, classes=compound.classes)
        if self._at == begin and not self._is(":"):
            raise _Invalid
        return compound

    def _type(self, compound: Compound) -> None:
        """`p`, `*`, `svg|text`, `*|p`: elements are told by their local names."""
        token = self._peek()
        if token is not None and (token.type == "ident" or self._is("*")) and self._is("|", 1):
            if token.type == "ident" and token.value not in self._namespaces:
                raise _Invalid
            self._at += 2
            token = self._peek()
        if token is not None and token.type == "ident":
            compound.tag = token.lower_value
            self._specificity[2] += 1
            self._at += 1
        elif self._is("*"):
            self._at += 1

    def _is_pseudo_element(self) -> bool:
        token = self._peek(1)
        return self._is(":", 1) or (token is not None and token.type == "ident" and token.lower_value in _PSEUDO_ELEMENTS)

    def _pseudo_element(self) -> None:
        """What ends a selector."""
        self._at += 2 if self._is(":", 1) else 1
        self._next("ident", "function")
        while self._is(":"):  # ::before:hover
            self._at += 1
            self._next("ident", "function")
        if self._at < len(self._tokens):
            raise _Invalid

    def _pseudo_class(self, compound: Compound) -> None:
        token = self._next("ident", "function")
        name = token.lower_value if token.type == "ident" else token.lower_name
        if token.type == "function" and name in ("not", "is", "where", "matches", "-webkit-any", "-moz-any"):
            self._listed(compound, name, token.arguments)
            return
        self._specificity[1] += 1
        if name == "first-child":
            compound.first = True
        elif name == "root":
            compound.root = True
        elif name in ("link", "any-link"):
            compound.link = True
        elif name in _TAPPED:
            compound.tapped = True
        elif name in _NEVER or name.startswith("-"):
            compound.never = True
        else:
            raise _Invalid

    def _listed(self, compound: Compound, name: str, arguments: Sequence[Token]) -> None:
        """:not(...), :is(...): of plain compounds alone, one level deep."""
        if self._inside:
            compound.never = True
            return
        found = [_Reader(tokens, self._namespaces, inside=True).selector() for tokens in split_at_commas(arguments)]
        compounds = [selector.compounds[0] for selector in found if selector]
        if len(compounds) < len(found) or any(inner.never or inner.tapped for inner in compounds):
            compound.never = True
        elif name == "not":
            compound.unless += compounds
        else:
            compound.anyof.append(compounds)
        if name != "where":
            heaviest = max((selector.specificity for selector in found if selector), default=(0, 0, 0))
            self._specificity = [one + other for one, other in zip(self._specificity, heaviest, strict=True)]


def _attribute(content: Sequence[Token], namespaces: Mapping[str, str]) -> Attribute:
    tokens = [token for token in content if token.type not in ("whitespace", "comment")]
    prefix = ""
    if len(tokens) > 2 and _literal(tokens[1]) == "|" and tokens[0].type == "ident":
        if tokens[0].value not in namespaces:
            raise _Invalid
        prefix, tokens = _NAMESPACES.get(namespaces[tokens[0].value], "?:"), tokens[2:]
    elif tokens and _literal(tokens[0]) == "|":
        tokens = tokens[1:]
    if not tokens or tokens[0].type != "ident":
        raise _Invalid
    name = prefix + tokens[0].lower_value
    if len(tokens) == 1:
        return Attribute(name)
    operator = _literal(tokens[1])
    if operator not in ("=", "~=", "|=", "^=", "$=", "*=") or len(tokens) not in (3, 4) or tokens[2].type not in ("ident", "string"):
        raise _Invalid
    any_case = len(tokens) == 4 and tokens[3].type == "ident" and tokens[3].lower_value == "i"
    return Attribute(name, operator[0], tokens[2].value, any_case)


def _literal(token: Token) -> str:
    return str(token.value) if token.type == "literal" else ""
