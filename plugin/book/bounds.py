"""What a stranger's book may reach while Calibre's input plugins read it: itself, a folder of the worker's own, and Calibre's files.

Input plugins follow whatever a book names: HTML's links, the addresses in an OPF, linked pictures, the links that an
archive holds. So every file is asked about before Python opens, changes or removes it (an audit hook, which nobody can
take away and which needs no name of Calibre's code), and nothing speaks to a network. What C code opens by itself is not
seen, nor what programs do that Calibre starts; none of these is given a path that a book has chosen.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

READING: Final = "reading"
"""In the worker's folder: for its files for a while."""
BESIDE: Final = frozenset({"htm", "html", "xhtm", "xhtml", "shtm", "shtml", "opf", "txt", "text", "md", "markdown", "textile", "pml"})
"""Formats of one bare file whose further documents or pictures lie below its folder."""
_PLACES: Final = ("prefix", "base_prefix", "exec_prefix", "executables_location", "extensions_location", "resources_location", "frozen_path")
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEVICES: Final = (os.devnull, "/dev/urandom", "/dev/random", "/etc/localtime")
_NETWORK: Final = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"})
_ENTRIES: Final[dict[str, tuple[int, ...]]] = {
    **dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir"), (0,)),
    **dict.fromkeys(("os.rename", "os.link"), (0, 1)),
    "os.symlink": (1,),
}
"""Changes of a folder's entry: which arguments name it. What the entry points to stays as it is."""
_CHANGES: Final = frozenset({"os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr"})


class Outside(PermissionError):
    """The book asks for something that is no part of it."""


class Bounds:
    """own: folders that may be written to. book: what else of the book's may be read. trusted: Calibre's and Python's own, where links are believed."""

    def __init__(self, own: Iterable[Path], book: Iterable[Path], trusted: Iterable[str]) -> None:
        self._own = _forms(map(str, own))
        self._readable = (*self._own, *_forms(map(str, book)))
        self._trusted = _forms(trusted)

    def check(self, path: Any, writes: bool = False, entry: bool = False) -> None:
        """Outside, unless that file may be opened. entry: it is the folder's entry that is changed, not what a link there leads to."""
        if isinstance(path, int):  # is open already
            return
        given, named = os.fsdecode(path), _named(path)
        if not writes and ".." not in given and _below(named, self._trusted):
            return
        allowed = self._own if writes else (*self._readable, *self._trusted)
        # By the name first: asking the disk about a name may be a question to another computer.
        if not _below(named, allowed) or not _below(_true(given, entry), allowed):
            raise Outside(f"the book reaches for a file outside itself: {given}")

    def holds(self, path: Any) -> bool:
        """Does it lie, by its name, where something may be read?"""
        return _below(_named(path), (*self._readable, *self._trusted))


_bounds: Bounds | None = None
_hooked = False


def _named(path: Any) -> str:
    return _form(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100  (Path has no such thing)


def _form(path: str) -> str:
    return os.path.normcase(path.removeprefix("\\\\?\\"))


def _forms(paths: Iterable[str]) -> tuple[str, ...]:
    """Each as it is named and where it really is. Nothing that holds the user's home: a way to Python may lie there."""
    home = _form(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111  (never raises)
    named = dict.fromkeys(_form(form(path)) for path in paths if path for form in (os.path.abspath, os.path.realpath))
    return tuple(path for path in named if not _below(home, (path,)))


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _true(path: str, entry: bool) -> str:
    """Where it is when all links are followed, but the entry itself."""
    if entry:
        path = path.rstrip(os.sep)
        return os.path.join(_form(os.path.realpath(os.path.dirname(path))), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120
    return _form(os.path.realpath(path))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _bounds is None:
        return
    if event == "open":
        path, _mode, flags = arguments
        _bounds.check(path, bool(flags and flags & _WRITES))
    elif event in _ENTRIES:
        for index in _ENTRIES[event]:
            _bounds.check(arguments[index], writes=True, entry=True)
    elif event in _CHANGES:
        _bounds.check(arguments[0], writes=True)
    elif event in _NETWORK:
        raise Outside("the book reaches for the network")


def _hide(platform: str = sys.platform) -> None:
    """What lies outside is as if it were not there, so that an honest book goes on without it, as one whose pictures lay on its author's disk.

    Windows turns to another computer, and tells it who the user is, as soon as something is asked about a name like `//there/share/x`: of that no event
    tells.
    """
    for module, name in ((os, "access"), *((os.path, name) for name in ("exists", "isfile", "isdir", "islink"))):
        setattr(module, name, partial(_asked, getattr(module, name), lambda path: False, ""))
    if platform == "win32":
        for module, name, otherwise in ((os, "stat", _refuse), (os, "lstat", _refuse), (os.path, "realpath", os.path.abspath)):
            setattr(module, name, partial(_asked, getattr(module, name), otherwise, "//"))


def _asked(ask: Callable[..., Any], otherwise: Callable[[Any], Any], start: str, path: Any, *more: Any, **named: Any) -> Any:
    """start: of those names that are judged."""
    bounds = _bounds
    if bounds is not None and not isinstance(path, int) and os.fsdecode(path).replace("\\", "/").startswith(start) and not bounds.holds(path):
        return otherwise(path)
    return ask(path, *more, **named)


def _refuse(path: Any) -> None:
    raise Outside(errno.ENOENT, "outside of the book", os.fsdecode(path))


@contextmanager
def bounded(book: Path, folder: Path) -> Iterator[None]:
    """Within it, this process opens the book and Calibre's files, and whatever lies in `folder`, where its files for a while go too; Outside for all else.

    For a process that reads one book: the current folder and the one for temporary files stay there.
    """
    global _bounds, _hooked
    from calibre.constants import cache_dir, config_dir  # type: ignore[import-not-found]

    (folder / READING).mkdir(exist_ok=True)
    keep_temporaries(folder / READING)
    os.chdir(folder)
    places = [str(getattr(sys, name, None) or "") for name in _PLACES]
    trusted = [*places, *map(str, sys.path), os.path.dirname(sys.executable or ""), config_dir, cache_dir(), *mimetypes.knownfiles, *_DEVICES]  # noqa: PTH120
    beside = [book.parent] if book.suffix[1:].lower() in BESIDE else []
    _bounds = Bounds([folder, Path(os.devnull)], [book, *beside], trusted)
    if not _hooked:
        sys.addaudithook(_hook)
        _hide()
        _hooked = True
    try:
        yield
    finally:
        _bounds = None


@contextmanager
def lifted() -> Iterator[None]:
    """Without bounds for a while: for what is the user's own, as a plugin of theirs."""
    global _bounds
    kept, _bounds = _bounds, None
    try:
        yield
    finally:
        _bounds = kept


def keep_temporaries(folder: Path) -> None:
    """Python's and Calibre's files for a while go there, so that one look tells how much has been unpacked, and what a killed worker leaves goes with it."""
    from calibre import ptempfile  # type: ignore[import-not-found]

    os.environ.pop("CALIBRE_WORKER_TEMP_DIR", None)  # else it is stronger
    os.environ["CALIBRE_TEMP_DIR"] = tempfile.tempdir = str(folder)
    ptempfile.reset_base_dir()
