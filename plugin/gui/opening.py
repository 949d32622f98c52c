"""A file or a folder is opened by the system's own program, and said in a sentence to be shown where it was asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import info_dialog, open_local_file  # type: ignore[import-not-found]
from qt.core import QDialogButtonBox, QIcon  # type: ignore[import-not-found]

from .. import paths
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


def open_in_system(path: str) -> str:
    """Open it; gives what came of it, in words."""
    return _words(path, _opened(path))


def open_from_menu(gui: Any, path: str, named: str) -> str:
    """The same where the status bar alone says it, for a moment, and has no room for a path: `named` stands for it there. Where nothing opens the file, a
    window names it with its folder, which it can open, and stays; then there is nothing to say. gui: Calibre's main window."""
    if _opened(path):
        return _words(named, there=True)
    no_player(gui, path).exec()
    return ""


def no_player(gui: Any, path: str) -> Any:
    """The window for an audiobook that nothing here opens."""
    window = info_dialog(gui, _("No player for audiobooks"), _words(path, there=False))
    if _has_program(_FOLDER):
        folder = window.bb.addButton(_("Open its &folder"), QDialogButtonBox.ButtonRole.ActionRole)
        folder.setIcon(QIcon.ic("document_open.png"))
        folder.setAutoDefault(False)
        folder.clicked.connect(lambda: open_local_file(str(Path(path).parent)))
        window.set_details("")  # a new button makes Qt show the one for details, too
    return window


def _opened(path: str) -> bool:
    """Was there a program to hand it to?"""
    kind = _FOLDER if paths.is_folder(Path(path)) else _TYPES.get(os.path.splitext(path)[1].lower(), "")  # noqa: PTH122
    if not _has_program(kind):
        return False
    try:
        open_local_file(path)
    except OSError:  # Windows says so at once
        return False
    return True


def _words(path: str, there: bool) -> str:
    if paths.is_folder(Path(path)):
        text = _("Opened in this computer's file manager: {path}") if there else _("This computer has no program set up that shows folders. It is here: {path}")
    elif there:
        text = _("Handed to this computer's own player: {path}")
    else:
        none = _("This computer has no program set up that plays audiobooks (M4B).")
        text = none + " " + _("Install one, for example VLC media player, then open this file in it: {path}")
    return text.format(path=isolated(path))


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
