"""How much text Calibre's own places hold: its status bar, and the window with the details of a job. Neither breaks a line; what does not fit is cut off.

Measured in Calibre 6.13 with its usual font. The status bar of a window of 1,024 pixels has 853 of them for a sentence, that of one of 1,440 has 1,269, and
a character takes some 6.4. A translation may be 40 % longer, so a sentence of ours has about 90 characters, and names in it are shortened. The details
of a job are 700 pixels wide, in a font of one width. Nothing of Calibre here.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import Final

STATUS_BAR: Final = 128
"""Columns of the status bar in a window of 1,024 pixels."""
TITLE: Final = 28
NAME: Final = 24
"""Columns of a title, and of a voice's or a folder's name, in a sentence of the status bar."""
DETAILS: Final = 78
"""Columns of the details of a job."""
LEAST_MS: Final = 5_000
MOST_MS: Final = 15_000
_NOTICED_MS: Final = 2_000
_WORD_MS: Final = 300
_WORD: Final = 6
"""Columns of a word, where a script has no spaces between them."""


_MARKS: Final = ("Mn", "Me", "Cf")
"""Categories of characters that are set over the one before, or not seen."""


def columns(text: str) -> int:
    """How wide it is: a Chinese or Japanese character takes two columns; one that is set over another, or not seen, takes none."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else int(unicodedata.category(char) not in _MARKS) for char in text)


_STEERING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def short(text: str, most: int) -> str:
    """The text in one line, and so many columns at most: of a longer one its beginning and its end, where volumes differ. Nothing in it turns the sentence
    around it."""
    text = _BREAKS.sub(" ", _STEERING.sub("", text))
    if columns(text) <= most:
        return text
    tail = _within(text[::-1], most // 3)[::-1]
    while tail and (tail[0].isspace() or unicodedata.category(tail[0]) in (*_MARKS, "Mc")):  # what it is set over is left out
        tail = tail[1:]
    return _within(text, most - 1 - columns(tail)).rstrip() + "…" + tail


def _within(text: str, most: int) -> str:
    taken = 0
    for at, char in enumerate(text):
        taken += columns(char)
        if taken > most:
            return text[:at]
    return text


def shown_ms(text: str) -> int:
    """How long the status bar shows a sentence: it has to be noticed, and then read."""
    words = max(len(text.split()), columns(text) // _WORD)
    return max(LEAST_MS, min(MOST_MS, _NOTICED_MS + _WORD_MS * words))


def in_details(text: str) -> str:
    """A sentence in lines."""
    return textwrap.fill(text, max(1, DETAILS * len(text) // max(1, columns(text))))
