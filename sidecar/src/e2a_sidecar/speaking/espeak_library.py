"""The libespeak of the wheel espeakng-loader (espeak-ng 1.52.0): a process has one, and it has one state, so all of it goes through one lock.

It is another copy than the one inside piper-tts; both live in one process, since each is loaded with its symbols to itself.
Two ask for it. `fresh` gives it in its first state, for speech: what it spoke before is heard in the next line.
`phoneme_lines` keeps it loaded, for what it writes does not depend on what it wrote before.

Phonemes are asked for as the espeak-ng program asks for them: by speaking the text with a trace. The library's own
function for them (`espeak_TextToPhonemes`, piper-tts's way) leaves out the last step, intonation, which gives a clause
without a stressed word one ("and" is ˈænd to the program), takes stress from beside an emphatic word, and changes
Mandarin's tones. The sound is not wanted: once the last clause is written, speaking is broken off.
Structures and numbers are those of espeak-ng's public header `speak_lib.h`.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import espeakng_loader  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.espeak_data import c_text, is_voice_name, short_data_dir

SYNCHRONOUS, UTF8, BY_CHARACTER = 2, 1, 1
_DONT_EXIT, _END_PAUSE, _IPA = 0x8000, 0x1000, 2
_SEPARATED: Final = _IPA | ord("_") << 8  # the program's --ipa=1
_LOCK: Final = threading.Lock()
_unload: Final[Callable[[int], None]] = getattr(_ctypes, "FreeLibrary", None) or _ctypes.dlclose
_OnSound = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_OnPhonemes = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)


class _Voice(ctypes.Structure):
    """espeak_VOICE, as far as a voice is asked for by its language."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender_age_variant", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@contextmanager
def fresh() -> Iterator[tuple[ctypes.CDLL, int]]:
    """The library in its first state, and its rate in Hz; 2 ms. SidecarError `voice_unsupported` where it cannot be had."""
    with _LOCK:
        _give_up_the_kept_one()
        library, rate_hz = _load()
        try:
            yield library, rate_hz
        finally:
            _close(library)


def phoneme_lines(language: str, text: str) -> list[str]:
    """What `espeak-ng -q --ipa=1 -v LANGUAGE` writes of the text: a line for each clause, phonemes parted by `_`.

    `[[` begins no phonemes here, as it does for the program: in a book it is text.
    LookupError for a language that espeak does not have.
    """
    with _LOCK:
        return _kept().lines(language, c_text(text, pictures=False).encode())


class _Tracer:
    """The library, loaded until `close`, writing phonemes."""

    def __init__(self) -> None:
        self._library, _ = _load()
        self._language = ""
        self._clauses = 0
        self._lines: list[str] = []
        self._crt = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        self._crt.fopen.restype = ctypes.c_void_p
        self._nowhere = ctypes.c_void_p(self._crt.fopen(os.devnull.encode(), b"w"))  # it writes to a file, beside calling back
        self._callbacks = (_OnSound(self._on_sound), _OnPhonemes(self._on_phonemes))
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_SetSynthCallback(self._callbacks[0])
        self._library.espeak_SetPhonemeCallback(self._callbacks[1])
        self._library.espeak_SetPhonemeTrace(_SEPARATED, self._nowhere)

    def lines(self, language: str, text: bytes) -> list[str]:
        """See `phoneme_lines`."""
        if not language or language != self._language:
            self._language = ""
            self._choose(language)
            self._language = language
        self._lines = []
        self._clauses = self._count_clauses(text)
        self._library.espeak_Synth(text, len(text) + 1, 0, BY_CHARACTER, 0, UTF8 | _END_PAUSE, None, None)
        return self._lines

    def close(self) -> None:
        _close(self._library)
        self._crt.fclose(self._nowhere)

    def _choose(self, language: str) -> None:
        """By name, else by language (`fr-fr`, `en-gb`), as the program does."""
        if not is_voice_name(language):
            raise LookupError(language[:40])
        name = language.encode("ascii")
        if self._library.espeak_SetVoiceByName(name) and self._library.espeak_SetVoiceByProperties(ctypes.byref(_Voice(languages=name))):
            raise LookupError(language)

    def _count_clauses(self, text: bytes) -> int:
        rest = ctypes.c_char_p(text)
        count = 0
        while rest.value is not None:
            self._library.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, _IPA)
            count += 1
        return count

    def _on_sound(self, _wave: int | None, _count: int, _events: int | None) -> int:
        return int(len(self._lines) >= self._clauses)  # 1 breaks off

    def _on_phonemes(self, line: bytes) -> int:
        self._lines.append(line.decode("utf-8", "replace"))
        return 0


@lru_cache(maxsize=1)
def _kept() -> _Tracer:
    return _Tracer()


def _give_up_the_kept_one() -> None:
    if _kept.cache_info().currsize:
        _kept().close()
        _kept.cache_clear()


def _load() -> tuple[ctypes.CDLL, int]:
    data = short_data_dir(Path(espeakng_loader.get_data_path()))
    try:
        library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    except OSError as error:
        raise SidecarError("voice_unsupported", repr(error), voice="espeak", reason="its library does not load") from None
    text, place, ends = (ctypes.c_char_p, ctypes.c_size_t), (ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint), (ctypes.c_void_p,) * 2
    arguments: Any = (*text, *place, *ends)
    library.espeak_Synth.argtypes = arguments
    library.espeak_SetSynthCallback.restype = None
    rate_hz = int(library.espeak_Initialize(SYNCHRONOUS, 0, str(data).encode("ascii"), _DONT_EXIT))
    if rate_hz <= 0:
        _close(library)
        raise SidecarError("voice_unsupported", f"espeak_Initialize {rate_hz}", voice="espeak", reason="its data was not found")
    return library, rate_hz


def _close(library: ctypes.CDLL) -> None:
    library.espeak_Terminate()
    _unload(library._handle)
