"""piper-tts's bridge to espeak without what it forgets: told a voice only where it may have another, its answers let go of.

`EspeakPhonemizer` tells it before each text, and each time espeak-ng (1.52.0) allocates 1.4 kB that it frees when it has spoken; here it
never speaks: 3 MB an hour of a book and its new words. A voice stands until another one is told, but for texts in which espeak changes to
another language and back, which it marks by `(en)`: those begin with a voice that was just told, and so does the next.

Nor is it begun twice: espeak-ng then reads its tables anew and goes on in those that it has freed, until it is told a voice of another
language ("Invalid instruction 0000"). Here one phonemizer is made; whoever makes another, as piper-tts's own voices do, gets the same espeak.

Each clause that it answers (1.8.0) it holds once too often, so that it would never be freed: half a megabyte an hour.
"""

from __future__ import annotations

import ctypes
import sys
from types import ModuleType
from typing import Final

Clauses = list[tuple[str, str, bool]]
"""Of a text: phonemes, what ends the clause, whether it ends the sentence."""


_drop = ctypes.pythonapi.Py_DecRef
_drop.argtypes, _drop.restype = (ctypes.py_object,), None


class ToldOnce:
    """`initialize`, `set_voice` and `get_phonemes` of a bridge, as `EspeakPhonemizer` calls them, under the lock of its callers."""

    def __init__(self, bridge: ModuleType) -> None:
        self._initialize, self._set_voice, self._get_phonemes = bridge.initialize, bridge.set_voice, bridge.get_phonemes
        self._voice = self._told = ""
        self._begun = self._fresh = False

    def initialize(self, data: str) -> None:
        if not self._begun:
            self._initialize(data)
            self._begun = True

    def set_voice(self, voice: str) -> None:
        self._voice = voice
        if voice != self._told:
            self._tell()

    def get_phonemes(self, text: str) -> Clauses:
        fresh, self._fresh = self._fresh, False
        found = let_go(self._get_phonemes(text))
        if not any("(" in phonemes for phonemes, _, _ in found):
            return found
        if not fresh:
            self._tell()
            found = let_go(self._get_phonemes(text))
        self._told = ""
        return found

    def _tell(self) -> None:
        self._told = ""
        self._set_voice(self._voice)  # RuntimeError where espeak does not have it
        self._told, self._fresh = self._voice, True


def let_go(found: Clauses) -> Clauses:
    """The same clauses, held by their list alone. Where a bridge does that itself, or Python counts otherwise, nothing is done."""
    counts = _counted(found)
    for clause, count in zip(found, counts, strict=True):
        if count == _HELD_ONCE + 1:
            _drop(clause)
    return found


def _counted(held: Clauses) -> list[int]:
    return [sys.getrefcount(clause) for clause in held]


_HELD_ONCE: Final = _counted([tuple([str(sys.maxsize), "", False])])[0]  # type: ignore[list-item]  # noqa: C409  (one that no constant is)


def tell_once(bridge: ModuleType) -> None:
    """Put it into the bridge's place, before that is begun."""
    once = ToldOnce(bridge)
    bridge.initialize, bridge.set_voice, bridge.get_phonemes = once.initialize, once.set_voice, once.get_phonemes  # type: ignore[attr-defined]
