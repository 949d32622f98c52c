"""The plugin's log file: what happened, for the user to send to whoever gave them the plugin; small, and without a word of any book.

    <cache folder>/logs/plugin.log      256 KiB at most, and one older file of that size

Whoever logs says no title, no text and no author. What slips in by an exception does not get here: of one, only its
class and the plugin's own lines are written, since its message may name a book's file; so it is with what the engine
says of a fault or said last. Passwords in addresses are taken out, the user's home is written `~`. Nothing is opened
before there is something to write.
"""

from __future__ import annotations

import errno
import logging
import logging.handlers
import os
import platform
import re
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from . import paths
from .errors import PluginError
from .wording import without_passwords

MOST_BYTES: Final = 256 * 1024
_OURS: Final = logging.getLogger(__package__)
_OF_A_BOOK: Final = ("book_unreadable", "drm")
_QUOTING: Final = (
    *_OF_A_BOOK,
    *("internal", "engine_broken", "engine_died", "engine_stuck", "engine_silent"),
    *("bundle_broken", "book_removed", "audio_unreadable", "encoder_failed", "report_unreadable"),
)
"""Codes whose technical text is somebody else's words, which may be a book's: of it only what is known to be none is told."""
_SAFE: Final = ("voice", "step", "reason", "layer", "device", "need_mb", "have_mb", "seconds", "minutes")
_FRAME: Final = re.compile(r'\s*File "([^"]+)", line (\d+),? in (\S+)')
_PLACE: Final = re.compile(r"\s*at ((?:[\w-]+\.pyx?|<\w+>|calibre_plugins[\w.]*):\d+ [\w.<>]+)")
_PLAIN: Final = re.compile(
    r"^exit code -?\d+|^unknown error code '\w+'|^cannot be started: .*|^(?:ModuleNotFoundError|ImportError): .*"
    r"|^Fatal Python error: .*|^terminate called .*|^\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ e2a_sidecar[\w.]*: .*"
    r"|out of memory|std::bad_alloc|CUDA error",
    re.IGNORECASE,
)
"""Of the engine's last words those that name no book: the system's, Python's, and the sidecar's log, which is as this one."""
_KIND: Final = re.compile(r"\s*(?:\w+\.)*(\w+(?:Error|Exception))\b")
_SYSTEMS: Final = frozenset(map(os.strerror, errno.errorcode))


def path() -> Path:
    """Where it is written."""
    return paths.cache_home() / "logs" / "plugin.log"


def setup() -> None:
    """Begin to keep what the plugin's modules log; once more does nothing. Opens no file."""
    if any(isinstance(handler, _File) for handler in _OURS.handlers):
        return
    handler = _File(path())
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(module)s: %(message)s"))
    _OURS.addHandler(handler)
    _OURS.setLevel(logging.INFO)


def text() -> str:
    """What is kept, the oldest first; empty where there is nothing."""
    kept = []
    for file in (path().with_name(path().name + ".1"), path()):
        with suppress(OSError):
            kept.append(file.read_text(encoding="utf-8", errors="replace"))
    return "".join(kept)


class _File(logging.handlers.RotatingFileHandler):
    """Makes its folder with the first line; what cannot be written is left out."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", delay=True, errors="backslashreplace")

    def _open(self) -> Any:
        """Begins with a line of versions, each time and in each file."""
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        stream = super()._open()
        stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {_versions()}\n")
        return stream

    def rotate(self, source: str, dest: str) -> None:
        """Windows renames no file that another Calibre holds open: then it grows until that is possible."""
        with suppress(OSError):
            super().rotate(source, dest)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must not end what was worth a line."""


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return shortened(super().format(record))

    def formatException(self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]) -> str:
        return "" if ei[1] is None else trace_of(ei[1])


def trace_of(error: BaseException) -> str:
    """What it is and where it was raised, without its words."""
    lines = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    return "\n".join([f"  {type(error).__name__}{why}", *(f"    at {line}" for line in lines)])


def as_plugin_error(error: Exception) -> PluginError:
    """Any exception as one that has a sentence, without its own words."""
    return error if isinstance(error, PluginError) else PluginError("internal", trace_of(error))


def detail_of(error: PluginError) -> str:
    """What is technical about it, without what somebody else's words may quote of a book: of those, its kind and where it was."""
    return error.detail if error.code not in _QUOTING else "\n".join(dict.fromkeys(filter(None, map(_unquoted, error.detail.splitlines()))))


def _unquoted(line: str) -> str:
    """What of a line can be no book's; empty where that is nothing."""
    if frame := _FRAME.match(line):
        return f"  at {Path(frame[1]).name}:{frame[2]} {frame[3]}"
    if place := _PLACE.fullmatch(line):
        return f"  at {place[1]}"
    if plain := _PLAIN.search(line):
        return plain[0]
    if kind := _KIND.match(line):
        why = line[kind.end() :].strip(" ()")
        return f"{kind[1]} ({why})" if why in _SYSTEMS else kind[1]
    return ""


def told(error: PluginError) -> str:
    """For a line: its code, those parameters that can hold nothing of a book, what is technical about it."""
    safe = [] if error.code in _OF_A_BOOK else [f"{name} {error.params[name]}" for name in _SAFE if name in error.params]
    detail = detail_of(error)
    return " | ".join([error.code, *safe, *([detail] if detail and detail != error.params.get("reason") else [])])


def _versions() -> str:
    """Ours, Calibre's and the system's, as far as they can be known: no log is read without them."""
    words = []
    with suppress(ImportError, AttributeError, ValueError):  # outside of Calibre there is nothing above us
        ours = import_module(__package__.rpartition(".")[0]).ConvertToAudiobookBase
        words.append("Convert to Audiobook " + ".".join(map(str, ours.version)))
    with suppress(ImportError):
        words.append("Calibre " + ".".join(map(str, import_module("calibre.constants").numeric_version)))
    return ", ".join([*words, f"{platform.system()} {platform.release()} {platform.machine()}", f"Python {platform.python_version()}"])


def shortened(text: str) -> str:
    """Without passwords, and with the home folder as `~`."""
    home = str(Path.home())
    return without_passwords(text).replace(home, "~") if len(home) > 1 else without_passwords(text)
