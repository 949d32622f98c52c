"""Which files are recordings: the kinds that are shown when one is chosen, and one that is dropped on a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

ENDINGS: Final = (
    *("wav", "flac", "mp3", "m4a", "m4b", "aac", "ogg", "oga", "opus", "wma", "aiff", "aif", "amr"),
    *("mp4", "m4v", "mkv", "webm", "mov", "avi", "3gp"),
)
"""Of the files that are shown first; any file can be chosen."""


def dropped(event: Any) -> Path | None:
    """The one file of this computer that an event brings; None for anything else."""
    urls = event.mimeData().urls()
    return Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
