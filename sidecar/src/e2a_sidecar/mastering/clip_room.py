"""How much room the clips' file takes: dropping what was used least recently, giving back to the disk what is free in it.

In slices, each a moment long and whole in itself, so that whoever else writes gets a turn between two of them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final, TypeVar

GAP_S: Final = 0.12
"""Between two slices: whoever waits for SQLite's lock looks every 0.1 s."""
_SLICE_S: Final = 0.2
_ROWS: Final = 100
_PAGES: Final = 256

T = TypeVar("T")


class Dropping:
    """Drops the least recently used clips but `keep`, slice by slice, until those that are left take `most` bytes of the file. count: of those dropped."""

    def __init__(self, most: int, keep: frozenset[str]) -> None:
        self.count = 0
        self._most = most
        self._keep = keep
        self._behind = (-(1 << 63), 0)
        """(used, rowid) of the last that was looked at."""

    def drop(self, db: sqlite3.Connection) -> bool:
        """One slice; may there be more to drop?"""
        dropped, self._behind, more = in_transaction(db, self._slice)
        self.count += dropped
        return more

    def _slice(self, db: sqlite3.Connection) -> tuple[int, tuple[int, int], bool]:
        end, dropped, behind = time.monotonic() + _SLICE_S, 0, self._behind
        statement = "SELECT used, rowid, key FROM clips WHERE (used, rowid) > (?, ?) ORDER BY used, rowid LIMIT ?"
        while rows := db.execute(statement, (*behind, _ROWS)).fetchall():
            for used, rowid, key in rows:
                if (pragma(db, "page_count") - pragma(db, "freelist_count")) * pragma(db, "page_size") <= self._most:
                    return dropped, behind, False
                behind = (used, rowid)
                if key not in self._keep:
                    dropped += db.execute("DELETE FROM clips WHERE rowid = ?", (rowid,)).rowcount
                if time.monotonic() >= end:
                    return dropped, behind, True
        return dropped, behind, False


def shrunk(db: sqlite3.Connection) -> bool:
    """One slice of giving free pages back to the disk; are there more?"""
    end, free = time.monotonic() + _SLICE_S, pragma(db, "freelist_count")
    while free:
        db.executescript(f"PRAGMA incremental_vacuum({_PAGES})")  # `execute` would take its first step alone, which is one page
        before, free = free, pragma(db, "freelist_count")
        if time.monotonic() >= end or free >= before:  # not less: another process drops clips meanwhile, and will give their room back, too
            return 0 < free < before
    return False


def pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def in_transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return result
