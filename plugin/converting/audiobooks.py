"""Which audiobook and which report are a book's: the audiobook stands at the book, in a record of its own, or in a folder of the user's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..book import library
from ..speaking import clones
from ..wording import printable
from .events import voice_words
from .report import all_but, latest_for
from .report_rows import head_of

Head = Mapping[str, Any]
"""The head of a report (`report_rows`)."""
_MOST_NAME: Final = 200


def audiobook(api: Any, book_id: int) -> str:
    """Where the book's audiobook stands, ours before one from elsewhere; empty where there is none."""
    return _ours_apart(api, book_id) or str(api.format_abspath(book_id, library.FORMAT) or "")


def is_apart(api: Any, book_id: int) -> bool:
    """Does our audiobook of this book stand elsewhere than at the book?"""
    return bool(_ours_apart(api, book_id))


def report_of(api: Any, book_id: int) -> Path | None:
    """Also of a record that holds nothing but our audiobook of another book."""
    original = library.original_of(api, book_id)
    return latest_for(library.key_of(api, book_id if original is None else original))


def speaker_in(head: Head) -> tuple[str, str]:
    """(id, name) of the voice that spoke ours, by the head of its report; empty where it does not say."""
    voice = voice_in(head)
    return printable(voice)[:_MOST_NAME], printable(voice_words(head) or voice)[:_MOST_NAME]


def voice_in(head: Head) -> str:
    """The id of the voice that spoke ours, by the head of its report, a clone's with its base voice; empty where it does not say."""
    voice, clone = str(head.get("voice") or ""), head.get("clone")
    return clones.over(str(clone["id"]), voice) if isinstance(clone, Mapping) and clone.get("id") else voice


def speed_in(head: Head) -> float | None:
    """How fast it was spoken, times the voice's own speed; None where an older report does not say."""
    return _number(head.get("speed"))


def length_in(head: Head) -> float | None:
    """How long ours is, in seconds; None where the head of its report does not say."""
    length_s = _number(head.get("duration_s"))
    return length_s if length_s is not None and length_s > 0 else None


def _number(value: object) -> float | None:
    """None for what is none, or none that can be reckoned with."""
    with suppress(OverflowError):
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def is_made_otherwise(head: Head, voice: str, speed: float) -> bool:
    """Was ours, by the head of its report, spoken by another voice (its id, as a report has it) or at another speed? Of what it does not say, nobody knows."""
    return voice_in(head) not in ("", voice) or speed_in(head) not in (None, speed)


def _ours_apart(api: Any, book_id: int) -> str:
    record = library.own_record(api, book_id)
    return str((record is not None and api.format_abspath(record, library.FORMAT)) or in_a_folder(api, book_id) or "")


def in_a_folder(api: Any, book_id: int, head: Head | None = None) -> Path | None:
    """Where the last conversion put it, if that is in no library and it is there still. head: of its report, where that was read already."""
    with suppress(OSError, ValueError):  # a path that no system takes
        path = _path(head_of_report(api, book_id) if head is None else head)
        if path.is_absolute() and path.is_file() and not _in_a_library(api, path):
            return path
    return None


def _in_a_library(api: Any, path: Path) -> bool:
    """In this one, by whatever names and links, or at a book of another: a copy of a library has the reports of the one that it was copied from."""
    at_a_book = len(path.parents) > 2 and (path.parents[2] / "metadata.db").is_file()
    return at_a_book or path.resolve().is_relative_to(Path(str(api.backend.library_path)).resolve())


def is_anothers(path: Path, key: str) -> bool:
    """Did the last conversion of another book than `key`'s put it there? That book goes on there, whatever stands there then."""
    for report in all_but(key):
        there = _path(_head(report))
        if there.name.casefold() == path.name.casefold() and paths.same(there.parent, path.parent):
            return True
    return False


def left_its_place(book_id: int, head: Head) -> bool:
    """Did the last conversion, by the head of its report, put it elsewhere than at the book, where it is no more? A book's own folder ends in its number, in
    a library that was moved since, too."""
    with suppress(OSError, ValueError):  # a path that no system takes
        path = _path(head)
        return path.is_absolute() and not path.parent.name.endswith(f"({book_id})") and not path.is_file()
    return False


def was_changed(api: Any, book_id: int, head: Head) -> bool:
    """Is what stands at the book another file than the last conversion, by the head of its report, left there? Another audiobook, perhaps, that was put in its
    place. Not where nothing stands there, nor where the report does not say how large ours was."""
    size, standing = head.get("bytes"), api.format_abspath(book_id, library.FORMAT)
    if not isinstance(size, int) or not standing or not _path(head).parent.name.endswith(f"({book_id})"):
        return False
    with suppress(OSError):
        return Path(standing).stat().st_size != size
    return False


def head_of_report(api: Any, book_id: int) -> Head:
    """What the book's report says but for its lists; empty where there is none, or a damaged one."""
    report = report_of(api, book_id)
    return {} if report is None else _head(report)


def _path(head: Head) -> Path:
    """Where it says that the audiobook is."""
    return Path(str(head.get("path") or ""))


def _head(report: Path) -> Head:
    with suppress(OSError, ValueError, TypeError, StopIteration):
        return dict(head_of(report))
    return {}
