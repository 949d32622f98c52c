"""English text to the phoneme ids of a student of Kokoro (hibari-tts), and which ids are which word. No voice weights.

    front = MisakiFrontEnd(british)           # SidecarError voice_unsupported where the package is missing or of an unknown make
    encoded = front.encode(text)              # ids with the pad at both ends
    front.lost(text)                          # places of words of which something could not be said; free behind `encode` of the same text
    front.pieces(encoded, longest)

Who says what: `reading.spoken` words, titles, Roman numbers and pauses, before; `figures` figures and signs; the package's lexicons and rules
all words that they know; its net a word of Latin letters that it can read whole; espeak the rest. Nothing is left out in silence.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import accumulate, groupby, pairwise, takewhile
from typing import Final, NamedTuple

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clauses import PAD, cut
from e2a_sidecar.speaking.espeak_data import c_text
from e2a_sidecar.speaking.espeak_limits import whole
from e2a_sidecar.speaking.misaki.figures import Figures
from e2a_sidecar.speaking.misaki.ipa import Alphabet
from e2a_sidecar.speaking.misaki.package import Package, Token, package_version, says_something
from e2a_sidecar.speaking.misaki.speech import ELISION, elided
from e2a_sidecar.speaking.phonemes import Encoded, WordSpan, espeak_phonemes
from e2a_sidecar.speaking.words import word_places

REVISION: Final = 1  # raised when the same text gives other ids
_CACHED_WORDS: Final = 20_000
_LOST: Final = "\ufffc"  # stands among phonemes for what has none
_MARKS: Final = frozenset(' ;:,.!?—…"“”()')
_CLAUSE_ENDS: Final = frozenset(";:,.!?—…")
_CLOSING: Final = frozenset("”)")
_KEPT_MARKS: Final = frozenset("—…")
_LINE_END: Final = re.compile(r"""([.!?…])["”’')\]]*\s*\Z""")
_NOISES: Final = {"sh": "ʃ", "br": "bɹ", "gr": "ɡɹ", "pst": "pst", "pft": "pft", "tsk": "tsk", "pf": "pf", "ps": "ps", "z": "z"}
"""What people utter without a vowel and espeak spells; by their letters, each once. Not those in capitals, which may be initials."""
_LATIN: Final = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ'’]+")
_VOWELS: Final = frozenset("aeiouyæøœı")
_LETTER, _FIGURE, _OTHER = "letter", "figure", "other"
_Place = tuple[int, int]


class _Sound(NamedTuple):
    """A phoneme or a mark, and the number of its word, -1 for none."""

    phoneme: str
    number: int


_SPACE: Final = _Sound(" ", -1)


class MisakiFrontEnd:
    """Of one accent. Several threads may use it at once."""

    def __init__(self, british: bool) -> None:
        self.name = self.name_of(british)
        self.version = self.version_of()
        self._package = Package(british)
        self._figures = Figures(self._package.rules, british, lambda word: bool(self._package.looked_up(word, "UH")))
        self._alphabet = Alphabet(british)
        self._espeak_voice = "en" if british else "en-us"
        self._unknown = lru_cache(maxsize=_CACHED_WORDS)(self._found)
        self._by_espeak = lru_cache(maxsize=_CACHED_WORDS)(self._asked_espeak)
        self._ids = self._package.ids
        self._last = threading.local()
        if missing := (self._alphabet.sounds | _MARKS) - self._ids.keys():
            raise SidecarError("voice_unsupported", f"no ids for {sorted(missing)}", voice=self.name, reason="its alphabet is not known")

    @staticmethod
    def name_of(british: bool) -> str:
        """`name` without opening anything."""
        return "misaki-gb" if british else "misaki-us"

    @staticmethod
    def version_of() -> str:
        """`version` without opening anything: the package's, that of piper-tts, whose espeak says the rest, and what is done here."""
        return f"{package_version()}+{version('piper-tts')}+{REVISION}"

    def encode(self, text: str) -> Encoded:
        """Ids for the text as one line, with every word's place among them. Nothing to pronounce: no words, and no ids but the pads."""
        words = word_places(text)
        sounds = self._sounds(text, words)
        lost = tuple(words[n] for n in sorted({sound.number for sound in sounds if sound.phoneme == _LOST and sound.number >= 0}))
        sounds = _ended(_trimmed([sound for sound in sounds if sound.phoneme != _LOST]), text)
        spans: dict[int, _Place] = {}
        for at, (phoneme, number) in enumerate(sounds, 1):
            if number >= 0 and phoneme not in _MARKS:
                spans[number] = (spans.get(number, (at, at))[0], at + 1)
        self._last.text, self._last.lost = text, lost
        ids = (self._ids[sound.phoneme] for sound in sounds) if spans else ()
        return Encoded((PAD, *ids, PAD), tuple(WordSpan(*words[number], *spans[number]) for number in sorted(spans)))

    def lost(self, text: str) -> tuple[_Place, ...]:
        """[start, end) of the words of which something could not be said: no phonemes were found for it, or for letters of it."""
        if getattr(self._last, "text", None) != text:
            self.encode(text)
        return tuple(self._last.lost)

    def pieces(self, encoded: Encoded, longest: int) -> tuple[Encoded, ...]:
        """See clauses.cut."""
        ends, closing = (frozenset(self._ids[mark] for mark in marks) for marks in (_CLAUSE_ENDS, _CLOSING))
        return cut(encoded, longest, self._ids[" "], ends, closing)

    def _sounds(self, text: str, words: Sequence[_Place]) -> list[_Sound]:
        """All of them in order; words' numbers never decrease."""
        said = self._figures.said(text)
        found: list[tuple[int, _Sound]] = []
        last = 0
        for start, end, phonemes in _stretches(self._package.said(said.text, self._unknown), said.text):
            owners = _owners(words, last, said.places[start][0], said.places[end - 1][1]) if end > start else []
            last = owners[-1] if owners else last
            found += [(start, sound) for sound in _shared(phonemes, owners, words)]
        sounding = {sound.number for _, sound in found if sound.phoneme not in _MARKS}
        if len(sounding - {-1}) == len(words):
            return [sound for _, sound in found]
        silent = [
            (number, bisect_right(said.places, start, key=lambda place: place[1]), self._by_espeak(text[start:end]))
            for number, (start, end) in enumerate(words)
            if number not in sounding
        ]
        return _with_silent(found, silent)

    def _found(self, text: str, tag: str) -> str:
        """Of what the lexicon does not know as a whole: its parts by the lexicon, the net or espeak."""
        return " ".join(filter(None, (self._part("".join(part), kind, tag) for kind, part in groupby(text, _kind))))

    def _part(self, part: str, kind: str, tag: str) -> str:
        if kind == _LETTER:
            word = unicodedata.normalize("NFKC", part).replace("’", "'").strip("'")
            if ELISION in word:
                if said := elided(word, lambda asked: self._package.looked_up(asked, tag)):
                    return said
                word = word.replace(ELISION, "'").strip("'")
            return self._package.looked_up(word, tag) or self._guessed(word) or _noise(word) or self._by_espeak(word) if word else ""
        if kind == _FIGURE and any(map(str.isdecimal, part)):
            return self._package.looked_up(part, "CD") or self._by_espeak(part)
        return " ".join(c if c in _KEPT_MARKS else self._by_espeak(c) for c in part if c in _KEPT_MARKS or c == "/" or says_something(c))

    def _guessed(self, word: str) -> str:
        """By the package's net, where that makes an English word of it; it has seen other scripts too seldom, and letters without a vowel are spelt."""
        spelt = _VOWELS.isdisjoint(unicodedata.normalize("NFD", word.casefold()))
        phonemes = self._package.guessed(word) if _LATIN.fullmatch(word) and not spelt else ""
        return phonemes if self._alphabet.is_word(phonemes) else ""

    def _asked_espeak(self, text: str) -> str:
        """Phonemes by espeak, `_LOST` where it has none."""
        lists = whole(c_text(text), lambda part: espeak_phonemes(self._espeak_voice, part), "".join)
        phonemes, unknown = self._alphabet.of_espeak(" ".join("".join(phonemes) for phonemes in lists))
        return phonemes + _LOST * bool(unknown) if phonemes.strip("ˈˌː ") else _LOST


def _noise(word: str) -> str:
    letters = "".join(letter for letter, _ in groupby(word.casefold()))
    return _NOISES.get(letters, "") if len(word) > 2 and not word.isupper() else ""


def _kind(character: str) -> str:
    if character.isalpha() or character in "'’" or unicodedata.category(character)[0] == "M":
        return _LETTER
    return _FIGURE if character.isdecimal() or character in ",." else _OTHER


def _stretches(tokens: Sequence[Token], text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, phonemes) of parts of the text that are said as one, in order, with the spaces between them as the package joins them."""
    at = 0
    for token in tokens:
        joined = token.phonemes
        for number, part in enumerate(token.parts):
            start = text.index(part.text, at)
            at = start + len(part.text)
            if not part.phonemes:
                continue
            behind = joined.index(part.phonemes) + len(part.phonemes)
            end = at
            for follower in takewhile(lambda other: not other.phonemes, token.parts[number + 1 :]):
                end = text.index(follower.text, end) + len(follower.text)
            yield start, end, joined[:behind]
            joined = joined[behind:]
        if token.spaced:
            yield at, at, " "


def _owners(words: Sequence[_Place], last: int, start: int, end: int) -> list[int]:
    """Numbers of the words in [start, end) of the text, none before `last`; of an empty place that it stands in or at."""
    number = max(last, bisect_left(words, start, key=lambda word: word[1]) if start == end else bisect_right(words, start, key=lambda word: word[1]))
    if start == end:
        return [number] if number < len(words) and words[number][0] <= start else []
    owners = []
    while number < len(words) and words[number][0] < end:
        owners.append(number)
        number += 1
    return owners


def _shared(phonemes: str, owners: Sequence[int], words: Sequence[_Place]) -> list[_Sound]:
    """Each phoneme with its word: several words share by their length, at spaces where there are some."""
    if len(owners) < 2:
        return [_Sound(phoneme, owners[0] if owners else -1) for phoneme in phonemes]
    reach = list(accumulate(words[number][1] - words[number][0] for number in owners))
    spaces = [i for i, phoneme in enumerate(phonemes) if phoneme == " "]
    sounds: list[_Sound] = []
    for left, (number, far) in enumerate(zip(owners, reach, strict=True), 1 - len(owners)):
        cut = round(len(phonemes) * far / reach[-1])
        if left and (near := [space for space in spaces if space > len(sounds)]):
            cut = min(near, key=lambda space: abs(space - cut))
        cut = max(min(cut, len(phonemes) + left), len(sounds) + 1)  # something for each
        sounds += [_Sound(phoneme, number) for phoneme in phonemes[len(sounds) : cut]]
    return sounds


def _with_silent(found: Sequence[tuple[int, _Sound]], silent: Sequence[tuple[int, int, str]]) -> list[_Sound]:
    """Words of which the package said nothing, in their places. silent: (number, where it stands in what is said, phonemes) in order."""
    following = len(found) + len(silent)  # the next word's number, from each place on
    nexts: list[int] = []
    for _, sound in reversed(found):
        following = sound.number if sound.number >= 0 else following
        nexts.append(following)
    sounds: list[_Sound] = []
    waiting = 0
    for (start, sound), after in zip(found, reversed(nexts), strict=True):
        while waiting < len(silent) and silent[waiting][0] < after and (sound.number >= 0 or silent[waiting][1] <= start):
            sounds += _said_apart(*silent[waiting])
            waiting += 1
        sounds.append(sound)
    return sounds + [sound for word in silent[waiting:] for sound in _said_apart(*word)]


def _said_apart(number: int, at: int, phonemes: str) -> list[_Sound]:
    return [_SPACE, *(_Sound(phoneme, number) for phoneme in phonemes), _SPACE]


def _ended(sounds: list[_Sound], text: str) -> list[_Sound]:
    """With the mark that ends the line, which an abbreviation or an unknown word takes with it."""
    last = next((sound.phoneme for sound in reversed(sounds) if sound.phoneme not in "“”()"), "")
    end = None if last in _CLAUSE_ENDS else _LINE_END.search(text)
    return [*sounds, _Sound(end[1], -1)] if end else sounds


def _trimmed(sounds: list[_Sound]) -> list[_Sound]:
    """Without spaces at its ends and beside each other's doubles."""
    kept = [sound for before, sound in pairwise([_SPACE, *sounds]) if sound.phoneme != " " or before.phoneme != " "]
    while kept and kept[-1].phoneme == " ":
        kept.pop()
    return kept
