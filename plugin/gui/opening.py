"""A file or a folder is opened by the system's own program, and said in a sentence to be shown where it was asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

from calibre.gui2 import open_local_file  # type: ignore[import-not-found]

from ..environ import for_children
from ..wording import isolated
from ..wording import translate as _

_TYPES: Final = {".m4b": "audio/mp4", ".m4a": "audio/mp4"}
_FOLDER: Final = "inode/directory"
_ASKED_S: Final = 2
_can: set[str] = set()
"""Types for which a program was found. Those without one are asked for again: it may have been installed since."""


def ask_ahead() -> None:
    """Find out in a thread who opens audiobooks and folders, since asking takes a tenth of a second and more: as soon as there is a button for it."""
    kinds = {_FOLDER, *_TYPES.values()} - _can
    if kinds and sys.platform not in ("win32", "darwin"):
        threading.Thread(target=lambda: [_has_program(kind) for kind in kinds], name="audiobook opening", daemon=True).start()


def open_in_system(path: str, named: str = "") -> str:
    """Open it; gives what came of it, in words. named: stands for its path in them, where there is no room for that."""
    folder = os.path.isdir(path)  # noqa: PTH112  (Path's raises where one may not look)
    there = _has_program(_FOLDER if folder else _TYPES.get(os.path.splitext(path)[1].lower(), ""))  # noqa: PTH122
    if there:
        try:
            open_local_file(path)
        except OSError:  # Windows says so at once
            there = False
    if folder:
        text = _("Opened in this computer's file manager: {path}") if there else _("This computer names no program that shows folders. It is here: {path}")
    elif there:
        text = _("Handed to this computer's own player: {path}")
    else:
        text = _("This computer names no program that plays audiobooks (M4B). Install a player, or open this file in one: {path}")
    return text.format(path=isolated(named or path))


def _has_program(kind: str) -> bool:
    """Only Linux opens nothing without a word; the others ask the user themselves. Where nobody can say, it is tried."""
    asker = shutil.which("xdg-mime")
    if not kind or kind in _can or sys.platform in ("win32", "darwin"):
        return True
    if asker is None:
        return shutil.which("xdg-open") is not None
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(
            [asker, "query", "default", kind], env=for_children(), capture_output=True, timeout=_ASKED_S, stdin=subprocess.DEVNULL, check=False
        )
        if asked.stdout.strip():
            _can.add(kind)
        return bool(asked.stdout.strip()) or asked.returncode != 0
    return True
