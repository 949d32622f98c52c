"""What libespeak can be given: the path of its data (short and ASCII) and text without what C strings cannot hold.

Initialisation fails when the path is about 160 characters long (133 works, 163 does not), and its interface takes
narrow characters. A path that does not fit is reached by a link, or a copy, in the temporary folder. Both copies of
libespeak in this process (piper-tts's own and espeakng-loader's) come through here.
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

from e2a_sidecar.errors import SidecarError

LONGEST: Final = 120
_IGNORED: Final = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_SPELT: Final = rf"[^\s.{_IGNORED}][\s{_IGNORED}]*"
_DOTTED: Final = re.compile(rf"(?<![^\s.{_IGNORED}])(?P<most>(?:{_SPELT}\.[\s.{_IGNORED}]*){{15}}{_SPELT})(?P<last>\.[\s.{_IGNORED}]*)")
_LATIN: Final = "\u024f"
_PICTURES: Final = ("So", "Sk", "Me")  # with skins and keycaps
WITHOUT_PICTURES: Final = frozenset(("de", "hi", "pt"))
"""piper-tts's voices of espeak's that must be given none: of fifty in which 1,691 emoji were said beside five scripts."""


def fits(path: Path) -> bool:
    """Can libespeak be given this path?"""
    return str(path).isascii() and len(str(path)) <= LONGEST


@lru_cache(maxsize=8)
def short_data_dir(data: Path) -> Path:
    """`data`, or a stand-in for it that lives until the process ends. SidecarError `internal` where there is none."""
    if fits(data):
        return data
    folder = Path(tempfile.mkdtemp(prefix="e2a-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    stand_in = folder / "espeak-ng-data"
    if not fits(stand_in):
        raise SidecarError("internal", f"no short ASCII path for espeak-ng's data: {stand_in}")
    try:
        stand_in.symlink_to(data, target_is_directory=True)
    except OSError:  # Windows without the right to make links
        shutil.copytree(data, stand_in)
    return stand_in


def c_text(text: str, pictures: bool = True) -> str:
    """The text, character by character, without what libespeak cannot be given: NUL, lone surrogates, and what ends the process.

    That is more than 16 single letters parted by dots ("a.b.c."), for which it has 80 bytes that it does not count, and emoji (pictures: keep them)
    beside others or another script: espeakng-loader's copy (1.52.0) in many languages, piper-tts's, a later one, in some.
    """
    text = text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    if not pictures:
        text = text.replace("`", " ")  # alone it has no vowel to be looked for, in Vietnamese
    if not pictures and not text.isascii():
        text = "".join(" " if c > _LATIN and unicodedata.category(c) in _PICTURES else c for c in text)
    return _DOTTED.sub(lambda found: found["most"] + found["last"].replace(".", " "), text) if text.count(".") > 15 else text
