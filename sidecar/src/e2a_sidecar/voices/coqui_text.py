"""Text to the phoneme ids of a coqui voice, by that voice's own alphabet and cleaner, espeak being asked in this process.

coqui runs the espeak program once for every clause (and users do not have it); here its steps are kept (clean, part at
punctuation, phonemise each part, put the punctuation back) and the library is asked for what the program would write.
Where espeak finds several clauses in a part, coqui glues the last word of one to the first of the next; here a space
stands between them. coqui's tokenizer logs the text of a sentence in which it finds an unknown character; here such
characters are dropped without a word. How equal the ids are: docs/phonemes.md.

Cleaners: the plain ones (case, white space, signs) are written here and cost nothing. Those that say numbers, times and
abbreviations of a language are coqui's own; asking for one imports TTS and with it torch (2 to 4 s and some 250 MB, once
a process), and cannot be had where the core layer is alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import align
from e2a_sidecar.speaking.espeak_library import phoneme_lines
from e2a_sidecar.speaking.espeak_limits import whole
from e2a_sidecar.speaking.phonemes import Encoded, WordSpan, unsounded, word_places

REVISION: Final = 3  # raised when the same text gives other ids
_PUNCTUATION: Final = re.compile(r'(?:\s*[;:,.!?¡¿—…"«»“”]+\s*)+')  # the marks that coqui keeps out of espeak
_OTHER_LANGUAGE: Final = re.compile(r"\(.+?\)")  # espeak's (en) and (fr) around a foreign word
_SPACE: Final = re.compile(r"\s+")
_SIGNS: Final = re.compile(r'[<>()\[\]"]+')
_AND: Final = {"en": " and ", "fr": " et ", "it": " e ", "pt": " e ", "ca": " i "}

Cleaner = Callable[[str, str | None], str]
"""Text and the language's first subtag (None: not known) -> text."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """A voice's symbols with their ids, and the ids of what is put between symbols and around them, where it has such."""

    ids: Mapping[str, int]
    blank: int | None
    begin: int | None
    end: int | None


class InProcessEspeak:
    """Phonemes of text without punctuation, as coqui's espeak wrapper gives them. SidecarError for an unknown language."""

    def __init__(self, language: str, voice: str) -> None:
        self._language = language
        try:
            phoneme_lines(language, "a")
        except LookupError:
            raise SidecarError("voice_unsupported", language, voice=voice, reason="espeak does not know its language") from None

    def __call__(self, text: str) -> str:
        lines = whole(text, lambda part: phoneme_lines(self._language, part), str)
        parts = [_OTHER_LANGUAGE.sub("", line).strip() for line in lines]
        return " ".join(part for part in parts if part).replace("_", "")


class CoquiFrontEnd:
    """The front end of one coqui voice (see voices.loaded.FrontEnd)."""

    def __init__(
        self, alphabet: Alphabet, cleaner_name: str, phonemizer: Callable[[str], str] | None, add_blank: bool, marked: bool, language: str, voice: str
    ) -> None:
        """cleaner_name: see `cleaner`. marked: ids begin and end with the alphabet's own marks. SidecarError `voice_unsupported`."""
        self.name = self.name_of(phonemizer is not None)
        self.version = self.version_of(cleaner_name, voice)
        self._alphabet = alphabet
        self._cleaner = cleaner(cleaner_name, voice)
        self._phonemizer = phonemizer
        self._add_blank = add_blank
        self._marked = marked
        self._language = language.split("-")[0] or None
        self._alone = lru_cache(maxsize=20_000)(self.symbols)

    @staticmethod
    def name_of(espeak: bool) -> str:
        """`name` without opening anything."""
        return "coqui-espeak" if espeak else "coqui-letters"

    @staticmethod
    def version_of(cleaner_name: str, voice: str) -> str:
        """`version` without opening anything; SidecarError `voice_unsupported` where the cleaner is not installed."""
        try:
            cleaned_by = "" if cleaner_name in _PLAIN else version("coqui-tts") + "+"
        except PackageNotFoundError:
            raise _not_installed(cleaner_name, voice) from None
        return f"{cleaned_by}{version('espeakng-loader')}+{REVISION}"

    def encode(self, text: str) -> Encoded:
        """Ids as coqui's tokenizer makes them, with every word's place among them."""
        symbols, places = self.symbols(text), word_places(text)
        owner = align.owners(symbols, [self._alone(text[start:end]) for start, end in places]) if symbols else []
        numbers = [self._alphabet.ids[symbol] for symbol in symbols]
        stride, first = (2, 1) if self._add_blank else (1, 0)
        if self._add_blank:
            assert self._alphabet.blank is not None, "checked with the description"
            spaced = [self._alphabet.blank] * (2 * len(numbers) + 1)
            spaced[1::2] = numbers
            numbers = spaced
        if self._marked:
            assert self._alphabet.begin is not None and self._alphabet.end is not None, "checked with the description"
            numbers = [self._alphabet.begin, *numbers, self._alphabet.end]
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

    def lost(self, text: str) -> tuple[tuple[int, int], ...]:
        """[start, end) of the words that a voice of letters has no letter of. espeak has a sound for each."""
        return unsounded(text, self._alone) if self._phonemizer is None else ()

    def symbols(self, text: str) -> tuple[str, ...]:
        """What of the text the voice's alphabet knows, cleaned and phonemised, one character each."""
        if self._cleaner is not None:
            text = self._cleaner(text, self._language)
        if self._phonemizer is not None:
            text = self._phonemised(text.strip())
        return tuple(character for character in text if character in self._alphabet.ids)

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


def cleaner(name: str, voice: str) -> Cleaner | None:
    """The cleaner of that name among coqui's; None where the name is empty.

    SidecarError `voice_unsupported` where it is not known or what it needs is not installed.
    """
    if name in _PLAIN:
        return _PLAIN[name]
    try:
        from TTS.tts.utils.text import cleaners  # type: ignore[import-untyped]

        found = getattr(cleaners, name, None) if name.endswith("_cleaners") else None
        if not callable(found):
            raise SidecarError("voice_unsupported", name, voice=voice, reason="its text cleaner is not known")
        found("a", lang="en")  # some need a package of their own, and say so only now
    except ImportError:
        raise _not_installed(name, voice) from None

    def theirs(text: str, language: str | None) -> str:
        return str(found(text, lang=language))

    return theirs


def _not_installed(name: str, voice: str) -> SidecarError:
    return SidecarError("voice_unsupported", name, voice=voice, reason="it has its text cleaned by a part of coqui-tts that is not installed here")


def _lower(text: str, language: str | None) -> str:
    return _spaced(unicodedata.normalize("NFC", text).lower())


def _turkish(text: str, language: str | None) -> str:
    return _spaced(unicodedata.normalize("NFC", text).replace("I", "ı").lower())


def _without_newlines(text: str, language: str | None) -> str:
    return text.replace("\n", "")


def _lower_without_signs(text: str, language: str | None) -> str:
    return _without_signs(unicodedata.normalize("NFC", text).lower(), language)


def _without_signs(text: str, language: str | None) -> str:
    """As coqui's `replace_symbols` and `remove_aux_symbols`: a Greek semicolon asks, a Catalan hyphen is inside a word."""
    text = unicodedata.normalize("NFC", text)
    text = text if language == "el" else text.replace(";", ",")
    text = text.replace("-", "" if language == "ca" else " ").replace(":", ",")
    text = text.replace("&", _AND.get(language or "", "&"))
    text = text.replace("'", "") if language == "ca" else text
    return _spaced(_SIGNS.sub("", text))


def _spaced(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


_PLAIN: Final[Mapping[str, Cleaner | None]] = {
    "": None,
    "no_cleaners": _without_newlines,
    "basic_cleaners": _lower,
    "basic_german_cleaners": _lower,
    "transliteration_cleaners": _lower,
    "basic_turkish_cleaners": _turkish,
    "multilingual_cleaners": _lower_without_signs,
    "portuguese_cleaners": _lower_without_signs,
    "multilingual_phoneme_cleaners": _without_signs,
}
