"""Kokoro's own voices, where Calibre (9.16 and later) has downloaded them for Read Aloud: found and used where they lie, never fetched, never removed.

Calibre lists them in its resource `kokoro-voices.json` and keeps the model as `kokoro/kokoro-<12 digits of its sha256>.onnx` in its cache
folder, a voice as `<id>-<12 digits>.bin` beside it. Only sizes are looked at here; hashes are the sidecar's work. Without Calibre, or with an
older one, there are none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from ..languages import base_language
from ..wording import N_, translate
from .catalogue import KOKORO, CatalogueVoice, licence
from .voice_fetch import Kept

_PREFIX: Final = "kokoro-"
_SPOKEN: Final = frozenset({"en", "es", "fr", "hi", "it", "pt"})
"""What the sidecar can say in its alphabet."""
_PERSONS: Final = {"f": "woman", "m": "man"}
_QUALITY: Final = {"A": "high", "B": "high", "C": "medium", "D": "low", "F": "x_low"}
"""By the first letter of the grade that Kokoro's maker gave the voice."""
_ODD: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class _File:
    """role: as on the wire. name: in Calibre's folder."""

    role: str
    name: str
    size_bytes: int
    sha256: str


def voices_here() -> dict[str, CatalogueVoice]:
    """By id, those of which Calibre has the model and the voice."""
    raw, folder = _calibre()
    if not raw:
        return {}
    sizes: dict[str, int] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # of one that may not be looked at, or has gone meanwhile
                sizes[entry.name] = entry.stat().st_size
    return {voice.id: voice for voice, files in _listed(raw) if all(sizes.get(file.name) == file.size_bytes for file in files)}


def kept(id: str) -> Kept | None:
    """Where its files lie; None where they are not there, or not whole."""
    raw, folder = _calibre()
    files = next((files for voice, files in _listed(raw) if voice.id == id), ())
    with suppress(OSError):
        if files and all((folder / file.name).stat().st_size == file.size_bytes for file in files):
            return Kept({file.role: folder / file.name for file in files}, {file.role: file.sha256 for file in files})
    return None


def _calibre() -> tuple[bytes, Path]:
    """Calibre's list, empty where it has none, and the folder in which it keeps what it lists."""
    try:
        raw = import_module("calibre.utils.resources").get_path("kokoro-voices.json", data=True)
        return bytes(raw), Path(import_module("calibre.constants").cache_dir()) / "kokoro"
    except (ImportError, *_ODD):
        return b"", Path()


@lru_cache(maxsize=2)
def _listed(raw: bytes) -> tuple[tuple[CatalogueVoice, tuple[_File, ...]], ...]:
    """What Calibre's list names in a language that can be spoken; nothing of what is no such list."""
    found: list[tuple[CatalogueVoice, tuple[_File, ...]]] = []
    with suppress(*_ODD):
        table = json.loads(raw) if raw else {"voices": {}}
        for name, about in table["voices"].items():
            with suppress(*_ODD):
                place = table["languages"][about["lang"]]
                if base_language(place["lang"]) in _SPOKEN:
                    files = (_file("model", "kokoro", table["model"]), _file("voice", name, about))
                    found.append((_voice(name, about, place), files))
    return tuple(found)


def _voice(name: str, about: Mapping[str, Any], place: Mapping[str, Any]) -> CatalogueVoice:
    return CatalogueVoice(
        id=_PREFIX + str(name),
        name=translate(N_("{name} (Kokoro)")).format(name=about["name"]),
        language="-".join(filter(None, (str(place["lang"]), str(place["country"])))),
        licence=licence("kokoro", ""),
        kind=KOKORO,
        quality=_QUALITY.get(str(about["grade"])[:1], ""),
        person=_PERSONS.get(str(about["gender"]), ""),
    )


def _file(role: str, prefix: str, about: Mapping[str, Any]) -> _File:
    """ValueError where its name would lead elsewhere."""
    sha256, size_bytes = str(about["sha256"]).lower(), int(about["size"])
    name = f"{prefix}-{sha256[:12]}{PurePosixPath(urlsplit(str(about['url'])).path).suffix}"
    if len(sha256) != 64 or Path(name).name != name or "\\" in name or size_bytes <= 0:
        raise ValueError(name[:100])
    return _File(role, name, size_bytes, sha256)
