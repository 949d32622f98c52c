"""What a book holds, before anything is spoken: for the dialog in which the user decides. Reads as a conversion does, and opens no model."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.model import Book, Break, Sentence, Skipped
from e2a_sidecar.plan import sounds, speech_settings
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.request import Look
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.ladder import NOT_SPOKEN
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.voices.voice import Voice
from e2a_sidecar.writing.mark import compare, read_mark, whose

log = logging.getLogger(__name__)

MOST_CHAPTERS: Final = 2000
TITLE_CHARACTERS: Final = 200
FIRST_PASSAGES: Final = 5
"""Of what is left out for one reason; then all, up to MOST_PASSAGES in all: the answer is one line of the wire."""
MOST_PASSAGES: Final = 1000
PASSAGE_CHARACTERS: Final = 120
REAL_CHAPTER: Final = 1500
"""Characters: what is shorter is rather a title page or a dedication, unless the book has no longer chapter."""
_LETTERS: Final = 0.85
"""And blanks: the least share of a good sample."""
_FITS: Final = range(60, 201)
_FITS_DENSE: Final = range(20, 81)
"""Characters of a good sample; and in scripts whose letters are syllables or words."""
_WHOLE: Final = re.compile(r"[.!?…。！？؟।]['\"”’»」』)]*$")
_IMPRINT: Final = re.compile(r"copyright|©|licen[cs]e|gutenberg|isbn|all rights|e-?book|www\.|https?:|@|transcri|produced by", re.IGNORECASE)


def look(request: Look, stopped: Callable[[], bool]) -> dict[str, Any]:
    """The fields of the wire's `looked`. Raises SidecarError `bundle_broken`, `no_text`; Stopped."""

    def go_on() -> None:
        if stopped():
            raise Stopped

    book = read_book(request.bundle, go_on)
    if not book.sentences:
        raise SidecarError("no_text")
    characters = Counter[int | None]()
    for sentence in book.sentences:
        characters[sentence.chapter] += len(sentence.spoken)
    shown = list(enumerate(book.chapters))[:MOST_CHAPTERS]
    return {
        "title": book.metadata.title[:TITLE_CHARACTERS],
        "language": book.metadata.language,
        "chapters": [{"title": chapter.title[:TITLE_CHARACTERS], "level": chapter.level, "characters": characters[n]} for n, chapter in shown],
        "chapter_count": len(book.chapters),
        "sentences": len(book.sentences),
        "characters": characters.total(),
        "sample": sample(book, characters),
        "skipped": len(book.skipped),
        "left_out": left_out(book.skipped),
        "existing": whose(request.existing),
        **_there(request, book),
    }


def _there(request: Look, book: Book) -> dict[str, Any]:
    """What earlier conversions left for the voice that was asked about, if one was: characters that need not be spoken again, what the audiobook needs."""
    if request.voice is None or request.cache_dir is None:
        return {}
    try:
        voice = request.voice.verified()
        found = sounds(book, voice, request.settings, partial(_engine, voice, book, request), request.cache_dir)
        store = ClipStore(request.cache_dir)
        try:
            known = store.known(found.keys, NOT_SPOKEN)
        finally:
            store.close()
    except SidecarError as error:  # a conversion says it, when it is asked for
        log.info("what is there of the book is not known: %s", error.code)
        return {}
    mark = next((read_mark(path) for path in (request.own, request.existing) if path is not None and whose(path) == "ours"), None)
    spoken = sum(len(sentence.spoken) for key, sentence in zip(found.keys, book.sentences, strict=True) if key in known)
    return {"spoken": spoken, "standing": "none" if mark is None else compare(mark, found.mark)}


def _engine(voice: Voice, book: Book, request: Look) -> Engine:
    """Only what is opened in a moment."""
    if voice.kind not in ("espeak", "tone") or request.cache_dir is None:
        raise SidecarError("voice_unsupported", reason="it was never opened")
    return make_engine(voice, "cpu", book.metadata.language, speech_settings(request.settings), request.cache_dir)


def left_out(skipped: Sequence[Skipped]) -> list[dict[str, Any]]:
    """By reason, that of the most places first: how many they are, and what stands in them, of a great many in the first."""
    texts: dict[str, list[str]] = {}
    for place in skipped:
        texts.setdefault(place.reason, []).append(place.text)
    by_count = sorted(texts.items(), key=lambda found: -len(found[1]))
    room, told = MOST_PASSAGES, []
    for reason, found in reversed(by_count):  # so that the many leave room for the few
        shown = found[: max(FIRST_PASSAGES, room)]
        room -= len(shown)
        told.append({"reason": reason, "count": len(found), "texts": list(map(_beginning, shown))})
    return told[::-1]


def _beginning(text: str) -> str:
    return text if len(text) <= PASSAGE_CHARACTERS else text[: PASSAGE_CHARACTERS - 1] + "…"


def sample(book: Book, characters: Counter[int | None]) -> str:
    """A sentence of the body to try a voice with: the first good one of the first real chapter; what comes nearest in a book without."""
    longest = max(characters.values())
    real = {chapter for chapter, length in characters.items() if length >= min(REAL_CHAPTER, longest)}
    begins = next(s.index for s in book.sentences if s.chapter in real)
    whole = _whole(book.sentences[begins:])
    for good in (_good, _said):
        for sentence in whole:
            if good(sentence):
                return sentence.text
    return book.sentences[begins].text


def _whole(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Those that are no pieces of a longer one, in the book's own language, and no headings."""
    pairs = zip(sentences, [*sentences[1:], None], strict=True)
    return [one for one, after in pairs if one.before != Break.NONE and (after is None or after.before != Break.NONE) and not one.heading and not one.language]


def _good(sentence: Sentence) -> bool:
    text = sentence.text
    begins = next(character for character in text if character.isalnum())
    return len(text) in (_FITS if " " in text else _FITS_DENSE) and not begins.islower() and _WHOLE.search(text) is not None and _said(sentence)


def _said(sentence: Sentence) -> bool:
    """Is it mostly letters, and of the book itself?"""
    text = sentence.text
    letters = sum(1 for character in text if character.isalpha() or character.isspace() or unicodedata.combining(character))
    return letters >= _LETTERS * len(text) and len(text) >= _FITS_DENSE.start and _IMPRINT.search(text) is None
