"""Text to a Piper voice's phoneme ids, and which ids are which word. No torch, no voice weights.

The phonemes are piper-tts's own (`EspeakPhonemizer`, espeak-ng in this process) and so are the ids, so a voice hears
what it was trained with. espeak ends a sentence after "Mr." and piper would speak two: here the dot of such a word is
left away before, and what is still split is joined with a space, since one line is spoken whole.
libespeak's state is global to the process: every call goes through one lock.
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from piper import espeakbridge
from piper.phoneme_ids import phonemes_to_ids
from piper.phonemize_espeak import ESPEAK_DATA_DIR, EspeakPhonemizer
from piper.tashkeel import TashkeelDiacritizer

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import align
from e2a_sidecar.speaking.espeak_bridge import tell_once
from e2a_sidecar.speaking.espeak_data import WITHOUT_PICTURES, c_text, is_voice_name, short_data_dir
from e2a_sidecar.speaking.espeak_limits import whole
from e2a_sidecar.speaking.espeak_scripts import named
from e2a_sidecar.speaking.words import word_places as word_places
from e2a_sidecar.voices.piper import PiperConfig

REVISION: Final = 3  # raised when the same text gives other ids
_ESPEAK: Final = threading.Lock()
_CACHED_WORDS: Final = 20_000
_DIACRITICS_THRESHOLD: Final = 0.8  # piper's own
_BOS, _EOS, _PAD = "^", "$", "_"

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

    def lost(self, text: str) -> tuple[tuple[int, int], ...]:
        """[start, end) of the words that a voice of letters has no letter of, and of those that espeak would only spell."""
        if self._config.phoneme_type != "text":
            return tuple(named(text, self._config.espeak_voice))
        return unsounded(text, lambda word: self._known(self._alone(word)))

    @staticmethod
    def name_of(config: PiperConfig) -> str:
        """`name` without opening espeak."""
        return f"piper-{config.phoneme_type}"

    @staticmethod
    def version_of() -> str:
        """`version` without opening espeak: piper-tts's, and how its lists are joined here."""
        return f"{version('piper-tts')}+{REVISION}"

    def pieces(self, encoded: Encoded, longest: int) -> tuple[Encoded, ...]:
        """The same in pieces of at most `longest` ids, each with begin and end of its own, cut between words.

        For lines far longer than a sentence: the text encoder's memory grows with their square. Most are one piece.
        """
        if len(encoded.ids) <= longest:
            return (encoded,)
        table = self._config.phoneme_id_map
        begin, end = table[_BOS] + table[_PAD], table[_EOS]
        inner = encoded.ids[len(begin) : len(encoded.ids) - len(end)]
        borders = [word.first_id - len(begin) for word in encoded.words]
        pieces: list[Encoded] = []
        start, room = 0, max(2, longest - len(begin) - len(end))
        while start < len(inner):
            stop = start + room
            if stop < len(inner):
                stop = max((b for b in borders if start < b <= stop), default=stop)
            moved = [replace(w, first_id=w.first_id - start, last_id=min(w.last_id, stop + len(begin)) - start) for w in encoded.words]
            words = tuple(w for w in moved if len(begin) <= w.first_id < stop - start + len(begin))
            pieces.append(Encoded(begin + inner[start:stop] + end, words))
            start = stop
        return tuple(pieces)

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
        clean = c_text(text, pictures=self._config.espeak_voice not in WITHOUT_PICTURES)
        if self._config.phoneme_type == "text":
            return tuple(unicodedata.normalize("NFD", clean))
        try:
            lists = whole(without_abbreviation_dots(clean), self._lists, "".join)
        except RuntimeError as error:
            raise SidecarError("voice_unsupported", repr(error), voice=self._config.espeak_voice, reason="espeak does not know its language") from None
        joined: list[str] = []
        for phonemes in lists:
            if joined and phonemes and not joined[-1].isspace():
                joined.append(" ")
            joined += phonemes
        return tuple(map(sys.intern, joined))  # words' are kept: each phoneme once

    def _lists(self, text: str) -> list[list[str]]:
        """As `espeak_phonemes`; Arabic with the vowels that it leaves away and espeak needs, put in by piper's own net."""
        if self._config.espeak_voice == "ar":
            with _ESPEAK:
                text = _diacritizer()(text, taskeen_threshold=_DIACRITICS_THRESHOLD)
        return espeak_phonemes(self._config.espeak_voice, text, self._clusters)


def unsounded(text: str, symbols: Callable[[str], Sequence[str]]) -> tuple[tuple[int, int], ...]:
    """[start, end) of the text's words of which nothing sounds. symbols: those that a voice has for a word alone."""
    return tuple((start, end) for start, end in word_places(text) if all(map(_is_silent, symbols(text[start:end]))))


def _is_silent(symbol: str) -> bool:
    return all(unicodedata.category(character)[0] in "PZC" for character in symbol)


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


def _owners_of_letters(text: str, places: Sequence[tuple[int, int]]) -> list[int]:
    """For the front end `text`: a phoneme is a code point of the decomposed text."""
    word_of = {i: number for number, (start, end) in enumerate(places) for i in range(start, end)}
    return [word_of.get(i, -1) for i, character in enumerate(text) for _ in unicodedata.normalize("NFD", character)]


def espeak_phonemes(voice: str, text: str, clusters: set[tuple[str, ...]] | None = None) -> list[list[str]]:
    """piper-tts's phonemes by espeak, in lists as espeak ends sentences. The only way to its libespeak, whose state is global.

    RuntimeError (as espeakbridge's) for a voice that espeak does not have.
    """
    if not is_voice_name(voice):
        raise RuntimeError("no name of a voice")
    with _ESPEAK:
        return _phonemizer().phonemize(voice, text, clusters)


@lru_cache(maxsize=1)
def _diacritizer() -> TashkeelDiacritizer:
    return TashkeelDiacritizer()


@lru_cache(maxsize=1)
def _phonemizer() -> EspeakPhonemizer:
    """One for the process, as libespeak is; called under the lock."""
    tell_once(espeakbridge)
    return EspeakPhonemizer(short_data_dir(ESPEAK_DATA_DIR))
