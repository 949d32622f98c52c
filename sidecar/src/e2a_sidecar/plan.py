"""What a book becomes with a voice and settings, known before a word of it is spoken: tags, the file's mark, each sentence's clip.

A conversion does its work by it; a look compares it with what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from e2a_sidecar import __version__
from e2a_sidecar.mastering.clips import clip_key
from e2a_sidecar.mastering.master import SOUND_VERSION
from e2a_sidecar.model import Book
from e2a_sidecar.request import Settings
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.make import Description, describe
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice
from e2a_sidecar.writing.cover import read_cover
from e2a_sidecar.writing.mark import Mark, make_mark
from e2a_sidecar.writing.tags import Tags, narrator_name


@dataclass(frozen=True, slots=True)
class Sounds:
    """described: of the voice. keys: each sentence's clip. cover_fault: why the book's cover is left out, else empty."""

    described: Description
    tags: Tags
    mark: Mark
    keys: tuple[str, ...]
    cover_fault: str = ""


def speech_settings(settings: Settings) -> SpeechSettings:
    """Those of them that the engine is given."""
    return SpeechSettings(settings.speed, settings.noise_scale, settings.noise_w, settings.precision)


def sounds(book: Book, voice: Voice, settings: Settings, make: Callable[[], Engine], cache_dir: Path) -> Sounds:
    """voice: verified. make: opens its engine, where its description does not say enough; SidecarError as `describe`."""
    described = describe(voice, speech_settings(settings), make, book.metadata.language, cache_dir)
    found = None if book.cover is None else read_cover(book.cover)
    fault, cover = (found, None) if isinstance(found, str) else ("", found)
    tags = Tags(book.metadata, narrator_name(voice.heard_as), f"Convert to Audiobook {__version__}", cover)
    shaping = {**described.identity, "rate_hz": described.rate_hz, "bitrate": settings.bitrate, "sound": SOUND_VERSION}
    if settings.pausing != 1.0:  # else it is the mark of all the files that were made before there was a choice
        shaping["pauses"] = settings.pausing
    keys = tuple(clip_key(described.identity, s.spoken) for s in book.sentences)
    return Sounds(described, tags, make_mark(shaping, book, tags), keys, fault)
