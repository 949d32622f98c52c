"""What libespeak can be given: the path of its data (short and ASCII), a voice's name that is one, and text without what C strings cannot hold.

Initialisation fails when the path is about 160 characters long (133 works, 163 does not), and its interface takes
narrow characters. A path that does not fit is given as it is called from the folder of packages, where this process then
stands: nothing is written anywhere, and nothing is left when it ends. Both copies of libespeak in this process (piper-tts's
own and espeakng-loader's) come through here.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Final

from e2a_sidecar.errors import SidecarError

LONGEST: Final = 120
_LONGEST_NAME: Final = 40
_NAME: Final = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\+|\Z))[a-z\d]+(?:-[a-z\d]+)*(?:\+[a-z\d]+)?", re.ASCII | re.IGNORECASE)
"""Not what Windows takes for a device, wherever it stands."""
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


def is_voice_name(name: str) -> bool:
    """Can it be one of espeak's voices or languages ("en-gb-x-rp", "de+f2")? espeak opens a file of whatever name it is given: a path, a device."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def short_data_dir(data: Path) -> Path:
    """`data` (in a package's folder), or its short way from the folder of packages, which is the process's own from then on.

    SidecarError `internal` where there is none.
    """
    if fits(data):
        return data
    try:
        if _Here.packages is None:
            os.chdir(data.parents[1])
            _Here.packages = data.parents[1]
        near = Path(os.path.relpath(data, _Here.packages))
    except (OSError, ValueError) as error:  # ValueError: on another drive
        raise SidecarError("internal", f"espeak-ng's data: {type(error).__name__}") from None
    if not fits(near):
        raise SidecarError("internal", "no short ASCII path for espeak-ng's data")
    return near


class _Here:
    packages: Path | None = None
    """Where the process went: a second folder's way begins there, too, for the first one's stays in use."""


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
