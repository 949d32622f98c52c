"""The front ends that are laid beside each other, ours and theirs, and what of a language's name each of them knows.

coqui's is its real tokenizer with its real espeak wrapper; what that wrapper starts is the installed program, or `espeak_program.Program`.
Alphabets know every character, so that no difference is hidden by what some voice's alphabet lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.voices.coqui_text import _PLAIN, Alphabet, CoquiFrontEnd, InProcessEspeak
from e2a_sidecar.voices.piper import PiperConfig
from piper import PiperVoice
from piper.config import PiperConfig as TheirConfig
from piper.const import BOS, EOS, PAD
from TTS.tts.utils.text import cleaners
from TTS.tts.utils.text.phonemizers import espeak_wrapper
from TTS.tts.utils.text.tokenizer import TTSTokenizer

from phonemes.espeak_program import Program

COQUI_NAMES: Final = {"fr": "fr-fr"}
PIPER_NAMES: Final = {"en-gb": "en-gb-x-rp", "pt": "pt-br"}
PLAIN_CLEANERS: Final = tuple(name for name in _PLAIN if name)
_MARKS: Final = {PAD: 0, BOS: 1, EOS: 2}


class Numbers(Mapping[str, Any]):
    """Every character has an id: its code point behind those of the marks. Piper's ids are lists."""

    def __init__(self, listed: bool = False) -> None:
        self._listed = listed

    def __getitem__(self, character: str) -> Any:
        number = _MARKS.get(character, ord(character[0]) + 3)
        return [number] if self._listed else number

    def __contains__(self, character: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(_MARKS)

    def __len__(self) -> int:
        return len(_MARKS)


class _Vocabulary:
    """What coqui's tokenizer asks of an alphabet."""

    pad = blank = "\0"
    blank_id = bos_id = eos_id = 0

    def char_to_id(self, character: str) -> int:
        return 0 if character == "\0" else int(Numbers()[character])


def said(ids: tuple[int, ...]) -> str:
    """The characters behind ids of either kind."""
    return "".join(chr(number - 3) for number in ids if number > 2)


def our_coqui(language: str, cleaner: str, espeak: bool = True) -> CoquiFrontEnd:
    """With a blank around every symbol, as coqui's voices have it."""
    name = COQUI_NAMES.get(language, language)
    return CoquiFrontEnd(Alphabet(Numbers(), 0, None, None), cleaner, InProcessEspeak(name, "test") if espeak else None, True, False, name, "test")


def their_coqui(language: str, cleaner: str, espeak: bool = True) -> TTSTokenizer:
    """Inside `coquis_espeak_is` where espeak is wanted."""
    phonemizer = espeak_wrapper.ESpeak(COQUI_NAMES.get(language, language)) if espeak else None
    clean = getattr(cleaners, cleaner)
    return TTSTokenizer(use_phonemes=espeak, text_cleaner=clean, characters=_Vocabulary(), phonemizer=phonemizer, add_blank=True)


def cleaner_of(language: str) -> str:
    """Of coqui's voices that take phonemes, the usual one."""
    return "phoneme_cleaners" if language.startswith("en") else "multilingual_phoneme_cleaners"


@contextmanager
def coquis_espeak_is(program: Program) -> Iterator[None]:
    """coqui's wrapper runs this one, and believes that it is installed."""

    def run(_name: str, arguments: list[str]) -> list[str]:
        language, file = arguments[arguments.index("-v") + 1], arguments[arguments.index("-f") + 1]
        lines = program.run(language, Path(file).read_text("utf-8")).strip().split("\n")
        return [line.strip() for line in lines if line.strip()]

    known = {"_espeak_exe": run, "_DEF_ESPEAK_LIB": "espeak-ng", "get_espeakng_version": lambda: "of the library", "_is_tool": lambda _name: True}
    with mock.patch.multiple(espeak_wrapper, **known), mock.patch.object(espeak_wrapper.ESpeak, "is_supported_language", lambda *_: True):
        yield


def our_piper(language: str) -> PhonemeFrontEnd:
    """Every character has an id."""
    return PhonemeFrontEnd(replace(PiperConfig.from_dict(_described(language), "test"), phoneme_id_map=Numbers(listed=True)))


def their_piper(language: str) -> PiperVoice:
    """piper-tts's voice without a network: its phonemes and ids are those of a voice with one."""
    config = TheirConfig.from_dict(_described(language))
    config.phoneme_id_map = Numbers(listed=True)  # type: ignore[assignment]
    return PiperVoice(session=None, config=config)  # type: ignore[arg-type]


def _described(language: str) -> dict[str, Any]:
    return {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": PIPER_NAMES.get(language, language)},
        "phoneme_type": "espeak",
        "phoneme_id_map": {mark: [number] for mark, number in _MARKS.items()},
        "num_symbols": 256,
        "num_speakers": 1,
        "inference": {"noise_scale": 0.5, "length_scale": 1.0, "noise_w": 0.7},
        "language": {"code": language},
    }
