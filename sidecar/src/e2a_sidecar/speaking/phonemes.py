"""Text to a Piper voice's phoneme ids, and which ids are which word. No torch, no voice weights.

The phonemes are piper-tts's own (`EspeakPhonemizer`, espeak-ng in this process) and so are the ids, so a voice hears
what it was trained with. espeak ends a sentence after "Mr." and piper would speak two: here the dot of such a word is
left away before, and what is still split is joined with a space, since one line is spoken whole.
libespeak's state is global to the process: every call goes through one lock.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from piper.phoneme_ids import phonemes_to_ids
from piper.phonemize_espeak import ESPEAK_DATA_DIR, EspeakPhonemizer

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import align
from e2a_sidecar.speaking.espeak_data import short_data_dir
from e2a_sidecar.voices.piper import PiperConfig

REVISION: Final = 1  # raised when the same text gives other ids
_ESPEAK: Final = threading.Lock()
_CACHED_WORDS: Final = 20_000
_BOS, _EOS, _PAD = "^", "$", "_"

_RUN = re.compile(r"[^\s\u2012-\u2015\u2026]+")  # dashes and the ellipsis part words, hyphens do not
_SPOKEN_SIGNS: Final = frozenset("&%@#§")  # punctuation to Unicode, words to espeak
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")  # kana and Han stand without spaces: each is a word
_ABBREVIATION = re.compile(r"(?<![^\W_])(?P<word>[^\W\d_]{1,6})\.(?=\s+[^\s])")
_KNOWN_ABBREVIATIONS: Final = frozenset(
    ("Prof", "Capt", "Gen", "Col", "Rev", "Hon", "Gov", "Sen", "Maj", "Sig", "Mme", "Mlle", "Esq", "Messrs", "Sra", "Srta", "Dott", "Ing", "Hrn")
)
_SMALL_VOWELS: Final = re.compile("[aeiouyàáâäæèéêëìíîïòóôöøùúûü]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word at [start, end) of the text, spoken by the ids [first_id, last_id)."""

    start: int
    end: int
    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a voice is given. `words` are in order and do not overlap; a word that nothing is said of is left out."""

    ids: tuple[int, ...]
    words: tuple[WordSpan, ...]

    @property
    def empty(self) -> bool:
        """True where the text has nothing that could be pronounced (begin, pad and end are there always)."""
        return not self.words


class PhonemeFrontEnd:
    """The front end of one Piper voice. `name` and `version` belong into a clip's key."""

    def __init__(self, config: PiperConfig) -> None:
        self.name = self.name_of(config)
        self.version = self.version_of()
        self._config = config
        self._clusters = set(config.vowel_clusters) or None
        self._alone = lru_cache(maxsize=_CACHED_WORDS)(self._phonemes)
        if config.phoneme_type == "espeak":
            self._phonemes("a")  # an unknown espeak voice is found here, not in the book

    def encode(self, text: str) -> Encoded:
        """Ids as Piper makes them for the text as one sentence, with every word's place among them."""
        spans = word_places(text)
        phonemes = self._known(self._phonemes(text))
        if self._config.phoneme_type == "text":
            owner = _owners_of_letters(text, spans)
            if len(owner) != len(phonemes):  # letters unknown to the voice were dropped
                owner = align.owners(phonemes, [self._alone(text[a:b]) for a, b in spans])
        else:
            owner = align.owners(phonemes, [self._known(self._alone(text[a:b])) for a, b in spans])
        ids = tuple(phonemes_to_ids(list(phonemes), self._config.phoneme_id_map))
        return Encoded(ids, self._spans(phonemes, owner, spans))

    @staticmethod
    def name_of(config: PiperConfig) -> str:
        """`name` without opening espeak."""
        return f"piper-{config.phoneme_type}"

    @staticmethod
    def version_of() -> str:
        """`version` without opening espeak: piper-tts's, and how its lists are joined here."""
        return f"{version('piper-tts')}+{REVISION}"

    def _spans(self, phonemes: Sequence[str], owner: Sequence[int], places: Sequence[tuple[int, int]]) -> tuple[WordSpan, ...]:
        table, pad = self._config.phoneme_id_map, len(self._config.phoneme_id_map[_PAD])
        at = len(table[_BOS]) + pad
        bounds: dict[int, tuple[int, int]] = {}
        for phoneme, word in zip(phonemes, owner, strict=True):
            end = at + len(table[phoneme]) + pad
            if word >= 0:
                bounds[word] = (bounds[word][0] if word in bounds else at, end)
            at = end
        return tuple(WordSpan(*places[word], *bounds[word]) for word in sorted(bounds))

    def _known(self, phonemes: Sequence[str]) -> tuple[str, ...]:
        """Without those that the voice has no id for, as piper does (it also warns of each, which floods a log)."""
        return tuple(p for p in phonemes if p in self._config.phoneme_id_map)

    def _phonemes(self, text: str) -> tuple[str, ...]:
        """Of one text; the several lists that espeak makes of it joined by spaces."""
        clean = _clean(text)
        if self._config.phoneme_type == "text":
            return tuple(unicodedata.normalize("NFD", clean))
        with _ESPEAK:
            try:
                lists = _phonemizer().phonemize(self._config.espeak_voice, without_abbreviation_dots(clean), self._clusters)
            except RuntimeError as error:  # espeakbridge raises this for a voice that espeak does not have
                raise SidecarError("voice_unsupported", repr(error), voice=self._config.espeak_voice, reason="espeak does not know its language") from None
        joined: list[str] = []
        for phonemes in lists:
            if joined and phonemes and not joined[-1].isspace():
                joined.append(" ")
            joined += phonemes
        return tuple(joined)


def word_places(text: str) -> list[tuple[int, int]]:
    """[start, end) of every word: runs without white space or dash, without the punctuation around them."""
    places: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        start, end = run.span()
        while start < end and _is_punctuation(text[start]):
            start += 1
        while end > start and _is_punctuation(text[end - 1]):
            end -= 1
        if "." in text[start:end] and text[end : end + 1] == ".":  # e.g. and J.R.R. are other words without their last dot
            end += 1
        at = start
        for single in _UNSPACED.finditer(text, start, end):
            places += [(at, single.start())] if single.start() > at else []
            places.append(single.span())
            at = single.end()
        places += [(at, end)] if end > at else []
    return places


def without_abbreviation_dots(text: str) -> str:
    """A space for the dot of an abbreviation inside the text, so that espeak makes no pause there; same length.

    Such are a single capital, a capitalised word without a vowel (Mr, Mrs, Dr, St, Lt, Hr), and a short list.
    """
    return _ABBREVIATION.sub(lambda m: m["word"] + (" " if _abbreviates(m["word"]) else "."), text)


def _abbreviates(word: str) -> bool:
    if not word[0].isupper():
        return False
    if len(word) == 1:
        return word != "I"
    return word in _KNOWN_ABBREVIATIONS or (len(word) <= 4 and word[1:].islower() and not _SMALL_VOWELS.search(word))


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" and character not in _SPOKEN_SIGNS


def _clean(text: str) -> str:
    """What libespeak's C strings can take, character by character: no NUL, no lone surrogate."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _owners_of_letters(text: str, places: Sequence[tuple[int, int]]) -> list[int]:
    """For the front end `text`: a phoneme is a code point of the decomposed text."""
    word_of = {i: number for number, (start, end) in enumerate(places) for i in range(start, end)}
    return [word_of.get(i, -1) for i, character in enumerate(text) for _ in unicodedata.normalize("NFD", character)]


@lru_cache(maxsize=1)
def _phonemizer() -> EspeakPhonemizer:
    """One for the process, as libespeak is; called under the lock."""
    return EspeakPhonemizer(short_data_dir(ESPEAK_DATA_DIR))
