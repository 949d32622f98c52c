"""Which stretches of a text are words. Pure; the same for every engine, so that their clocks agree on it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_RUN = re.compile(r"[^\s\u2012-\u2015\u2026]+")  # dashes and the ellipsis part words, hyphens do not
_SIGNED = re.compile(r"(?:(?<!-)-|(?<!\.)\.)\d|(?<!\.)\.[^\W\d_]")
_SPOKEN_SIGNS: Final = frozenset("&%@#§")  # punctuation to Unicode, words to a speaker
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")  # kana and Han stand without spaces: each is a word


def word_places(text: str) -> list[tuple[int, int]]:
    """[start, end) of every word: runs without white space or dash, without the punctuation around them."""
    places: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        start, end = run.span()
        while start < end and _is_punctuation(text[start]):
            start += 1
        while end > start and _is_punctuation(text[end - 1]):
            end -= 1
        if _SIGNED.match(text, max(run.start(), start - 1), end):  # minus five, point five, dot net
            start -= 1
        if "." in text[start + 1 : end] and text[end : end + 1] == ".":  # e.g. and J.R.R. are other words without their last dot
            end += 1
        at = start
        for single in _UNSPACED.finditer(text, start, end):
            places += [(at, single.start())] if single.start() > at else []
            places.append(single.span())
            at = single.end()
        places += [(at, end)] if end > at else []
    return places


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" and character not in _SPOKEN_SIGNS
