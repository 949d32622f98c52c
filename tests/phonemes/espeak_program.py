"""The espeak-ng program, driven without the program: what `src/espeak-ng.c` calls of its library, in its order, from the first state each time.

It is what coqui runs for each clause. So it can be had of any version whose library is there, as that of the wheel espeakng-loader.
"""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from _ctypes import dlclose
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import espeakng_loader

SYNCHRONOUS, DONT_EXIT, FLAGS, IPA_SEPARATED = 2, 0x8000, 0x1101, 2 | ord("_") << 8
"""FLAGS: UTF-8, phoneme input in [[ ]], pause at the end; the last is --ipa=1."""
_LIBC: Final = ctypes.CDLL(None)
_LIBC.fopen.restype = ctypes.c_void_p
_LIBC.fclose.argtypes = (ctypes.c_void_p,)
_Sound = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Voice(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("languages", ctypes.c_char_p), ("others", ctypes.c_char_p), ("bytes", ctypes.c_ubyte * 16))


@dataclass(frozen=True)
class Program:
    """library: a copy of its own, so that nothing else in this process has it loaded."""

    library: Path
    data: Path

    @classmethod
    def of_loader(cls, folder: Path) -> Program:
        """The version that our coqui front end asks; the copy goes into `folder`."""
        return cls(Path(shutil.copy(espeakng_loader.get_library_path(), folder)), Path(espeakng_loader.get_data_path()))

    def run(self, language: str, text: str) -> str:
        """What `espeak-ng -q -b 1 -v LANGUAGE --ipa=1 -f FILE` prints, FILE holding the text. ValueError for an unknown language."""
        library = ctypes.CDLL(str(self.library))
        sound = _Sound(lambda _wave, _count, _events: 0)
        place, ends = (ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint), (ctypes.c_void_p,) * 2
        library.espeak_Synth.argtypes = (ctypes.c_char_p, ctypes.c_size_t, *place, *ends)
        library.espeak_SetPhonemeTrace.argtypes = (ctypes.c_int, ctypes.c_void_p)
        with tempfile.NamedTemporaryFile() as written:
            try:
                assert library.espeak_Initialize(SYNCHRONOUS, 0, str(self.data).encode(), DONT_EXIT) > 0
                library.espeak_SetSynthCallback(sound)
                name = language.encode()
                if library.espeak_SetVoiceByName(name) and library.espeak_SetVoiceByProperties(ctypes.byref(_Voice(languages=name))):
                    raise ValueError(language)
                out = _LIBC.fopen(written.name.encode(), b"w")
                library.espeak_SetPhonemeTrace(IPA_SEPARATED, out)
                encoded = text.encode()
                library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, FLAGS, None, None)
                _LIBC.fclose(out)
            finally:
                library.espeak_Terminate()
                dlclose(library._handle)
            return Path(written.name).read_text("utf-8")
