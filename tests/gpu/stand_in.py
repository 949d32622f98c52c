"""What the sidecar imports of piper-tts, for a machine that has none and speaks phoneme ids that were made elsewhere.

The sidecar's front ends import it (for espeak), and loading a voice opens its front end. Here espeak knows no phoneme;
the voices of these checks get `lines.IdsFrontEnd` in its place. To be called before anything of the sidecar is imported.
"""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

PIPER: Final = "piper"
_PACKAGE: Final = "piper-tts"


def install_where_missing() -> bool:
    """True where piper-tts is not there and something stands in for it now."""
    if sys.modules.get(PIPER) is not None or find_spec(PIPER) is not None:
        return False
    real = importlib.metadata.version
    vars(importlib.metadata)["version"] = lambda name: "0" if name == _PACKAGE else real(name)
    marks = {"_": [0], "^": [1], "$": [2]}
    _put(PIPER)
    _put(f"{PIPER}.phoneme_ids", DEFAULT_PHONEME_ID_MAP=marks, phonemes_to_ids=lambda phonemes, table: [])
    _put(f"{PIPER}.phonemize_espeak", ESPEAK_DATA_DIR=Path(), EspeakPhonemizer=_NoEspeak)
    _put(f"{PIPER}.espeakbridge", initialize=lambda data: None, set_voice=lambda voice: None, get_phonemes=lambda text: [])
    _put(f"{PIPER}.tashkeel", TashkeelDiacritizer=object)
    return True


def stands_in() -> bool:
    """Is what is imported as piper the stand-in?"""
    return PIPER in sys.modules and getattr(sys.modules[PIPER], "__file__", None) is None


class _NoEspeak:
    def __init__(self, data: Path) -> None: ...

    def phonemize(self, voice: str, text: str, clusters: Any = None) -> list[list[str]]:
        return []


def _put(name: str, **contents: Any) -> None:
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
