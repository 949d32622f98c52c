"""piper-tts's bridge to espeak, which is told a voice only where it may have another.

`EspeakPhonemizer` tells it before each text, and each time espeak-ng (1.52.0) allocates 1.4 kB that it frees when it has spoken; here it
never speaks: 3 MB an hour of a book and its new words. A voice stands until another one is told, but for texts in which espeak changes to
another language and back, which it marks by `(en)`: those begin with a voice that was just told, and so does the next.
"""

from __future__ import annotations

from types import ModuleType

Clauses = list[tuple[str, str, bool]]
"""Of a text: phonemes, what ends the clause, whether it ends the sentence."""


class ToldOnce:
    """`set_voice` and `get_phonemes` of a bridge, as `EspeakPhonemizer` calls them, under the lock of its callers."""

    def __init__(self, bridge: ModuleType) -> None:
        self._set_voice, self._get_phonemes = bridge.set_voice, bridge.get_phonemes
        self._voice = self._told = ""
        self._fresh = False

    def set_voice(self, voice: str) -> None:
        self._voice = voice
        if voice != self._told:
            self._tell()

    def get_phonemes(self, text: str) -> Clauses:
        fresh, self._fresh = self._fresh, False
        found: Clauses = self._get_phonemes(text)
        if not any("(" in phonemes for phonemes, _, _ in found):
            return found
        if not fresh:
            self._tell()
            found = self._get_phonemes(text)
        self._told = ""
        return found

    def _tell(self) -> None:
        self._told = ""
        self._set_voice(self._voice)  # RuntimeError where espeak does not have it
        self._told, self._fresh = self._voice, True


def tell_once(bridge: ModuleType) -> None:
    """Put it into the bridge's place."""
    once = ToldOnce(bridge)
    bridge.set_voice, bridge.get_phonemes = once.set_voice, once.get_phonemes  # type: ignore[attr-defined]
