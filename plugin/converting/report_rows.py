"""A report's file row by row: one of a long book has tens of megabytes, and parsing it at once would hold every other thread for that long.

The sidecar writes a head, then the lists of LISTS, each row on a line of its own. A small report may have any layout.
Whoever wrote it: sizes are bounded, and what is no report is a ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

LISTS: Final = ("sentences", "skipped", "warnings")
"""Of the file, in this order. Every other name is of the head."""
SMALL_BYTES: Final = 1 << 19
MOST_BYTES: Final = 1 << 29
MOST_LINE: Final = 1 << 22
_USUAL_HEAD: Final = 1 << 16
"""Characters, more than most heads have."""
HEAD: Final = ""
Row = tuple[str, Any]
"""(HEAD, an object), then (a name of LISTS, a row of it)."""


def rows(path: Path) -> Iterator[Row]:
    """The head first, then each row of each list. Raises OSError, ValueError."""
    size_bytes = path.stat().st_size
    if size_bytes > MOST_BYTES:
        raise ValueError("a report of that size")
    with open(path, encoding="utf-8") as f:
        try:
            yield from _whole(f) if size_bytes <= SMALL_BYTES else _by_line(f)
        except RecursionError:
            raise ValueError("a report of that depth") from None


def head_of(path: Path) -> Any:
    """The head alone; of a report in the sidecar's layout nothing else is read, since it is asked of each book of a shelf. Raises as `rows`."""
    with suppress(ValueError, RecursionError), open(path, encoding="utf-8") as f:
        head, found, _rest = f.read(_USUAL_HEAD).partition(f'\n"{LISTS[0]}": [')
        if found:
            return json.loads(head.rstrip().rstrip(",") + "}")
    return next(rows(path))[1]


def write(path: Path, found: Iterable[Row]) -> None:
    """In the sidecar's layout; the file is replaced at once. Raises OSError, ValueError."""
    part = path.with_name(path.name + ".new")
    try:
        with open(part, "w", encoding="utf-8") as out:
            _write(out, iter(found))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write(out: TextIO, found: Iterator[Row]) -> None:
    name, head = next(found)
    if name != HEAD or not head:
        raise ValueError("a report without a head")
    out.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2])
    at, first = -1, True
    for name, row in found:
        while LISTS.index(name) > at:
            at, first = _next_list(out, at), True
        out.write(("" if first else ",") + "\n " + json.dumps(row, ensure_ascii=False))
        first = False
    while at + 1 < len(LISTS):
        at = _next_list(out, at)
    out.write("]\n}\n")


def _next_list(out: TextIO, at: int) -> int:
    out.write(("]" if at >= 0 else "") + f',\n"{LISTS[at + 1]}": [')
    return at + 1


def _whole(f: TextIO) -> Iterator[Row]:
    raw = json.loads(f.read())
    if not isinstance(raw, dict):
        raise ValueError("not a report")
    yield HEAD, {name: value for name, value in raw.items() if name not in LISTS}
    for name in LISTS:
        found = raw.get(name) or ()
        if not isinstance(found, list | tuple):
            raise ValueError(f"{name} is no list")
        for row in found:
            yield name, row


def _by_line(f: TextIO) -> Iterator[Row]:
    head: list[str] = []
    name = HEAD
    while line := f.readline(MOST_LINE):
        if len(line) >= MOST_LINE:
            raise ValueError("a line of that length")
        opened = next((known for known in LISTS if line.startswith(f'"{known}": [')), "")
        if opened:
            if name == HEAD:
                yield HEAD, json.loads("".join(head).rstrip().rstrip(",") + "}")
            name = opened
        elif name == HEAD:
            head.append(line)
            if len(head) > MOST_LINE:
                raise ValueError("a head of that length")
        elif line.startswith(" {"):
            yield name, json.loads(line.strip().rstrip("],"))
    if name == HEAD:
        raise ValueError("not a report")
