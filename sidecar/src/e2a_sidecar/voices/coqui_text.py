"""Text to the phoneme ids of a coqui voice, by that voice's own alphabet and cleaner, espeak being asked in this process.

coqui runs the espeak binary once for every clause (and users do not have it); here its steps are kept (clean, part at
punctuation, phonemise each part, put the punctuation back) and piper-tts's libespeak is asked. coqui's tokenizer logs
the text of a sentence in which it finds an unknown character; here such characters are dropped without a word.
Imports nothing of TTS: alphabet and cleaner are handed in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import align
from e2a_sidecar.speaking.phonemes import Encoded, WordSpan, espeak_phonemes, word_places

REVISION: Final = 1  # raised when the same text gives other ids
_PUNCTUATION: Final = re.compile(r'(?:\s*[;:,.!?¡¿—…"«»“”]+\s*)+')  # the marks that coqui keeps out of espeak


class InProcessEspeak:
    """Phonemes of text without punctuation, as coqui's espeak wrapper gives them. SidecarError for an unknown language."""

    def __init__(self, language: str, voice: str) -> None:
        self._language = self._known(language, voice)

    def __call__(self, text: str) -> str:
        parts = ["".join(phonemes) for phonemes in espeak_phonemes(self._language, text)]
        return unicodedata.normalize("NFC", " ".join(part.strip() for part in parts))  # piper-tts decomposes, coqui does not

    def _known(self, language: str, voice: str) -> str:
        """The language as this espeak names it: `fr-fr`, which the binary lists, is `fr` to the library."""
        for name in dict.fromkeys((language, language.split("-")[0])):
            try:
                espeak_phonemes(name, "a")
            except RuntimeError:  # what espeakbridge raises for a voice that espeak does not have
                continue
            return name
        raise SidecarError("voice_unsupported", language, voice=voice, reason="espeak does not know its language")


class CoquiFrontEnd:
    """The front end of one coqui voice (see voices.loaded.FrontEnd)."""

    def __init__(
        self, alphabet: Any, cleaner: Callable[..., str] | None, phonemizer: Callable[[str], str] | None, add_blank: bool, marked: bool, language: str
    ) -> None:
        """alphabet: coqui's characters. marked: ids begin and end with the alphabet's own marks."""
        self.name = "coqui-espeak" if phonemizer is not None else "coqui-letters"
        self.version = f"{version('coqui-tts')}+{version('piper-tts')}+{REVISION}"
        self._alphabet = alphabet
        self._known = frozenset(alphabet.vocab)
        self._cleaner = cleaner
        self._phonemizer = phonemizer
        self._add_blank = add_blank
        self._marked = marked
        self._language = language.split("-")[0] or None
        self._alone = lru_cache(maxsize=20_000)(self.symbols)

    def encode(self, text: str) -> Encoded:
        """Ids as coqui's tokenizer makes them, with every word's place among them."""
        symbols, places = self.symbols(text), word_places(text)
        owner = align.owners(symbols, [self._alone(text[start:end]) for start, end in places]) if symbols else []
        numbers = [int(self._alphabet.char_to_id(symbol)) for symbol in symbols]
        stride, first = (2, 1) if self._add_blank else (1, 0)
        if self._add_blank:
            blank = int(self._alphabet.char_to_id(self._alphabet.blank)) if self._alphabet.blank else int(self._alphabet.char_to_id(self._alphabet.pad))
            spaced = [blank] * (2 * len(numbers) + 1)
            spaced[1::2] = numbers
            numbers = spaced
        if self._marked:
            numbers = [int(self._alphabet.bos_id), *numbers, int(self._alphabet.eos_id)]
            first += 1
        bounds: dict[int, tuple[int, int]] = {}
        for position, word in enumerate(owner):
            if word >= 0:
                start = first + stride * position
                bounds[word] = (bounds[word][0] if word in bounds else start, start + stride)
        return Encoded(tuple(numbers), tuple(WordSpan(*places[word], *bounds[word]) for word in sorted(bounds)))

    def pieces(self, encoded: Encoded, longest: int) -> tuple[Encoded, ...]:
        """The same in pieces of at most `longest` ids (a longer word is one piece), cut before words; most are one piece."""
        pieces: list[Encoded] = []
        start, words = 0, list(encoded.words)
        while words:
            fitting = [w for w in words if w.last_id - start <= longest] or words[:1]
            words = words[len(fitting) :]
            stop = words[0].first_id if words else len(encoded.ids)
            moved = tuple(replace(w, first_id=w.first_id - start, last_id=w.last_id - start) for w in fitting)
            pieces.append(Encoded(encoded.ids[start:stop], moved))
            start = stop
        return tuple(pieces) or (encoded,)

    def symbols(self, text: str) -> tuple[str, ...]:
        """What of the text the voice's alphabet knows, cleaned and phonemised, one character each."""
        if self._cleaner is not None:
            text = self._cleaner(text, lang=self._language)
        if self._phonemizer is not None:
            text = self._phonemised(text.strip())
        return tuple(character for character in text if character in self._known)

    def _phonemised(self, text: str) -> str:
        """Phonemes of the parts between punctuation, the punctuation as it stood."""
        assert self._phonemizer is not None
        said, at = [], 0
        for mark in _PUNCTUATION.finditer(text):
            said += [self._phonemizer(text[at : mark.start()]) if mark.start() > at else "", mark.group()]
            at = mark.end()
        if at < len(text):
            said.append(self._phonemizer(text[at:]))
        return "".join(said)
