"""What is used of hibari-tts's front end, all of it named here, so that another version is refused when it is opened and not in the book.

Of its `normalize` only single rules are taken (`figures`); `G2P.__call__` and `tokenize` are never called, since they take `[a](b)` for markup
and drop b. What it holds once opened is only read, so threads share it; what one text needs is in a copy (`said`).
Open, the American tables and nets take 125 MB, the British 98 MB; both are there in half a second.
"""

from __future__ import annotations

import copy
import importlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

from e2a_sidecar.errors import SidecarError

PACKAGE: Final = "hibari-tts"

_ODD_TOKENS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_MARKS: Final = {
    **dict.fromkeys("“‘«„‹", "``"),
    **dict.fromkeys("”»›", "''"),
    **dict.fromkeys("([{", "-LRB-"),
    **dict.fromkeys(")]}", "-RRB-"),
    **dict.fromkeys(("…", "——", "..", "..."), ":"),
}
"""Tags of marks. The tagger was taught without most of them and takes a quotation mark for a noun or a verb: then the word behind it is not looked up
but guessed ("“The" became ð), and the mark is not given to the voice, which was taught with it."""
_NAMED_MARKS: Final = frozenset("&%@#§")
_RULES: Final = (
    "RE_TIME", "RE_DATE_ISO", "RE_CURRENCY", "RE_DEG", "RE_UNIT", "RE_MONTH_DAY", "RE_DAY_MONTH", "RE_HASH", "RE_RANGE", "RE_PLUS", "SYMBOLS",
    "_time", "_date_iso", "_date_us", "_currency", "_deg", "_unit", "_month_day", "_day_month",
)  # fmt: skip


class Part(NamedTuple):
    """A part of a token that the package's lexicon was asked for. `phonemes` is empty where those of the part before it speak for it."""

    text: str
    phonemes: str


class Token(NamedTuple):
    """What stands between two white spaces, or a mark beside it. phonemes: the parts' together, as the package joins them."""

    parts: tuple[Part, ...]
    phonemes: str
    spaced: bool


class Package:
    """The package's G2P and what goes with it. SidecarError `voice_unsupported` where it is missing or of a make that this does not know."""

    def __init__(self, british: bool) -> None:
        try:
            module: Any = importlib.import_module("hibari.g2p")
            self.rules: Mapping[str, Any] = _needed(importlib.import_module("hibari.g2p.normalize"), _RULES)
            self._token, self._context = module.Tok, module.Context
            self.ids: Mapping[str, int] = json.loads((Path(module.ASSETS) / "vocab.json").read_text("utf-8"))
            self._g2p = module.G2P(british=british)
            self._g2p.tagger.tagdict = dict(self._g2p.tagger.tagdict) | _MARKS
            self._lexicon, self._net = self._g2p.lexicon, self._g2p.oov
            self._known_to_net, self._longest_for_net = frozenset(self._net.cin), int(self._net.maxlen)
            self._net.cout, self._g2p._tokens, self._g2p.retokenize, self._g2p.phonemize_tokens, self._g2p.fallback  # noqa: B018
            self._currencies = frozenset(module.CURRENCIES)
        except ModuleNotFoundError as error:
            raise SidecarError("voice_unsupported", repr(error), voice=PACKAGE, reason=f"{PACKAGE} is not installed") from None
        except (*_ODD_TOKENS, OSError, RuntimeError) as error:
            raise SidecarError("voice_unsupported", repr(error), voice=PACKAGE, reason=f"this version of {PACKAGE} is not known") from None

    def said(self, text: str, unknown: Callable[[str, str], str]) -> list[Token]:
        """The text's tokens, in order. unknown: phonemes of what the lexicon does not know, by its text and its part of speech."""
        call = copy.copy(self._g2p)
        tokens = call._tokens(text)
        try:
            return self._with_phonemes(call, tokens, unknown)
        except _ODD_TOKENS:
            return [one for token in call._tokens(text) for one in self._alone(call, token, unknown)]

    def _with_phonemes(self, call: Any, tokens: list[Any], unknown: Callable[[str, str], str]) -> list[Token]:
        found: list[Any] = []

        def retokenize(tokens: list[Any]) -> list[Any]:
            found.extend(type(call).retokenize(tokens))
            for part in (part for word in found for part in _parts(word)):
                if part.phonemes is not None and self._unsaid(part):
                    part.phonemes = None
            return found

        call.retokenize, call.lexicon = retokenize, self._asked
        call.fallback = lambda token: (unknown(token.text, token.tag), 2)
        return [
            Token(tuple(Part(part.text, _common(part.phonemes)) for part in _parts(word)), token.phonemes or "", bool(token.whitespace))
            for word, token in zip(found, call.phonemize_tokens(tokens), strict=True)
        ]

    def _alone(self, call: Any, token: Any, unknown: Callable[[str, str], str]) -> list[Token]:
        """One token, where the package stumbles over one of its line; that one is unknown."""
        text, tag, spaced = token.text, token.tag, bool(token.whitespace)
        try:
            return self._with_phonemes(call, [token], unknown)
        except _ODD_TOKENS:
            phonemes = unknown(text, tag)
            return [Token((Part(text, phonemes),), phonemes, spaced)]

    def looked_up(self, word: str, tag: str) -> str:
        """A word's phonemes in the lexicon, empty where it is not there."""
        return _common(self._asked(self._token(word, tag), self._context())[0])

    def guessed(self, word: str) -> str:
        """The package's net for unknown words; empty where it would leave a letter out."""
        letters = word.replace("'", "")
        if not 0 < len(letters) <= self._longest_for_net or not self._known_to_net.issuperset(letters):
            return ""
        return _common(self._net(letters))

    def _asked(self, token: Any, context: Any) -> tuple[str | None, int | None]:
        """The lexicon, which stumbles over some numbers (of more than 36 digits, or with signs of other scripts): those it does not know."""
        try:
            phonemes, rating = self._lexicon(token, context)
        except _ODD_TOKENS:
            return None, None
        return (phonemes, rating) if phonemes else (None, None)

    def _unsaid(self, part: Any) -> bool:
        """Did its tag (a mark, money) silence a part that has something to say?"""
        return part.text not in self._currencies and any(map(says_something, part.text))


def says_something(character: str) -> bool:
    """Letters, figures and signs with a name, but no punctuation and no bare accent."""
    return character.isalnum() or character in _NAMED_MARKS or unicodedata.category(character) in ("So", "Sc", "Sm", "Nl", "No")


def package_version() -> str:
    """Of the installed package. SidecarError `voice_unsupported` where there is none."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError as error:
        raise SidecarError("voice_unsupported", repr(error), voice=PACKAGE, reason=f"{PACKAGE} is not installed") from None


def _needed(module: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names}


def _parts(word: Any) -> list[Any]:
    """`retokenize` gives a token of one part as it is, others as a list."""
    return word if isinstance(word, list) else [word]


def _common(phonemes: str | None) -> str:
    """As `phonemize_tokens` writes them at its end: two sounds of the lexicons have other signs in the vocabulary."""
    return (phonemes or "").replace("ɾ", "T").replace("ʔ", "t")
