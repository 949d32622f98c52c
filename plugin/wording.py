"""Words for the user: translated, with names in place of codes, without passwords and without what steers a terminal.

Knows nothing of Calibre but its translation function and its names of languages, if they are there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

with suppress(NameError):  # Calibre's zip loader puts this function here; it defines `_` in this module
    load_translations()  # type: ignore[name-defined]  # noqa: F821


def N_(text: str) -> str:
    """Mark a string for translation; `translate` looks it up when it is shown."""
    return text


def translate(text: str) -> str:
    """The text in the user's language where Calibre gives one, else as it is."""
    lookup = globals().get("_")
    return str(lookup(text)) if callable(lookup) else text


CHOOSING: Final = N_("Convert to audiobook, choosing voice and settings…")
"""The menu's entry that always asks, where the other one does not."""
LISTED_CHARS: Final = 60
"""Of titles in one line of a status bar."""


class _Known(dict[str, object]):
    """Gives `?` for a parameter that the other side did not send: a poor sentence is better than none."""

    def __missing__(self, key: str) -> str:
        return "?"


_TWO_ENDS: Final = re.compile("(?:(?<=[\\w)”][?!….])|(?<=[\\w)”][?!….]\u2069))\\.(?=\\s|$)")
"""A sentence's full stop behind a parameter that is a sentence itself."""
_LANGUAGES: Final = ("language", "voice_language")
"""Params that are codes of languages."""


def language_words(tag: str) -> str:
    """`Italian` for `it`, in the user's language, where Calibre is there to ask; else the tag."""
    with suppress(ImportError):
        words = import_module("calibre.utils.localization")
        code = words.canonicalize_lang(tag.replace("_", "-").partition("-")[0])
        return str(words.get_language(code)).partition(" (")[0] if code else tag
    return tag


def filled(template: str, params: Mapping[str, object], shown: bool = False) -> str:
    """The translated template with its parameters, of which a book may have chosen some: no line breaks, nothing that steers a terminal.
    shown: in a window, so each of them is `isolated`."""
    named = {name: language_words(value) if name in _LANGUAGES and isinstance(value, str) else value for name, value in params.items()}
    safe = {name: printable(without_passwords(plain(value))) if isinstance(value, str) else value for name, value in named.items()}
    put = {name: isolated(value) if shown and isinstance(value, str) else value for name, value in safe.items()}
    return _TWO_ENDS.sub("", translate(template).format_map(_Known(put)))


_FROM_LEFT: Final = "\u200f\u2066"
_BY_ITSELF: Final = "\u200f\u2068"
_END: Final = "\u2069"
"""Unicode's isolates: what stands between is laid out for itself, from left to right or as its own first letter has it. Before them a mark of the direction
around it, since Qt takes a paragraph's from its first letter, isolated or not."""
_PATH: Final = re.compile(r"[/~\\]|[A-Za-z]:[/\\]")
_UNSEEN: Final = re.compile("[\u2066-\u2069\u200b\u200f]")
_PROBE: Final = N_("graphics card")


def isolated(text: str) -> str:
    """A path, a file's name, an id or a name, to stand in a sentence that is shown: where the user's language runs from right to left, it is read as it is
    written, and the sentence as its language has it. A path runs from left to right whatever its folders are called. What is copied or logged: `plain`."""
    if not text or not _is_from_right(translate(_PROBE)):
        return text
    return f"{_FROM_LEFT if _PATH.match(text) else _BY_ITSELF}{text}{_END}"


def plain(text: str) -> str:
    """Without what only lays a text out: isolates, and the places where a long word may be broken."""
    return _UNSEEN.sub("", text)


def _is_from_right(text: str) -> bool:
    """Is its first letter one of a script that runs from right to left?"""
    return next((kind != "L" for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")), False)


_PROCESSORS: Final[Mapping[str, str]] = {"cpu": N_("CPU"), "cpu-torch": N_("CPU (PyTorch)"), "coreml": N_("Apple CoreML")}


def device_name(device: str) -> str:
    """A device of the wire's in a user's words, shortly: `CPU`, `CPU (PyTorch)`, `graphics card`, `graphics card 2`."""
    if device in _PROCESSORS:
        return translate(_PROCESSORS[device])
    kind, _colon, number = device.partition(":")
    if kind not in ("cuda", "xpu", "mps", "dml"):
        return device
    if number.isdecimal() and number != "0":
        return translate(N_("graphics card {number}")).format(number=int(number) + 1)
    return translate(N_("graphics card"))


def speed_words(speed: float) -> str:
    """How fast a device speaks. speed: times real time."""
    return translate(N_("Speaks {speed} times as fast as one listens.")).format(speed=f"{speed:.1f}")


def percents(share: float) -> int:
    """Whole ones, 100 only of all. share: 0..1, of which the wire tells four places: what lies below them makes no other number of one thing."""
    return 100 if share >= 1.0 else min(99, int(round(share, 4) * 100 + 1e-6))


def times_words(speed: float) -> str:
    """The speed of speech as where it is chosen: `1.20 ×`, in one line."""
    return f"{speed:.2f}\u00a0×"


def listed(titles: Sequence[str], most_chars: int = LISTED_CHARS) -> str:
    """As many as there is room for, each whole and the first in any case, and how many more there are: `One, Two and 3 more`."""
    shown = [title for number, title in enumerate(titles) if number == 0 or len(", ".join(titles[: number + 1])) <= most_chars]
    more = translate(N_("{titles} and {count} more")) if len(shown) < len(titles) else "{titles}"
    return more.format(titles=", ".join(map(isolated, shown)), count=len(titles) - len(shown))


def and_more(count: int) -> str:
    """The last line of a list that is not shown as a whole, as `listed` says it."""
    return translate(N_("and {count} more")).format(count=count)


def counted(what: str, count: int) -> str:
    """`Paragraphs of footnotes and endnotes (9)`."""
    return translate(N_("{what} ({count})")).format(what=what, count=count)


def printable(text: str) -> str:
    """Control characters as spaces, and what no terminal can show as `?`."""
    return "".join(c if c.isprintable() else "?" if "\ud800" <= c <= "\udfff" else " " for c in text)


def without_passwords(text: str) -> str:
    """Name and password taken out of addresses: an index may have them."""
    return re.sub(r"(\w://)[^/\s]+@", r"\1****@", text)
