"""The sentences that are compared: our own (own.txt, a language and a sentence a line), and those of books, read as the product reads them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

Sentences = dict[str, list[str]]
"""By language, as espeak names it."""

_NAMES: Final = {"en": "en-us", "zh": "cmn"}
_OWN: Final = Path(__file__).with_name("own.txt")


def own() -> Sentences:
    found: Sentences = {}
    for line in _OWN.read_text("utf-8").splitlines():
        language, text = line.split("\t")
        found.setdefault(language, []).append(text)
    return found


def of_books(folder: Path, most: int) -> Sentences:
    """Of each book in the folder's manifest at most so many, spread over the book, as they are given to a voice. Needs tests/sidecar in the search path."""
    from e2a_sidecar.reading.book import read_book
    from reading_bundles import epub_bundle

    found: Sentences = {}
    for book in json.loads((folder / "MANIFEST.json").read_text("utf-8"))["books"]:
        with tempfile.TemporaryDirectory() as scratch:
            read = read_book(epub_bundle(folder / book["file"], Path(scratch), book["language"]))
        language = book["language"].lower()
        name = "en-gb" if language == "en-gb" else _NAMES.get(language.split("-")[0], language.split("-")[0])
        texts = [sentence.spoken for sentence in read.sentences]
        found.setdefault(name, []).extend(texts[:: max(1, -(-len(texts) // most))])
    return found


def together(*many: Sentences) -> Sentences:
    return {language: [text for some in many for text in some.get(language, [])] for language in sorted(set().union(*many))}
