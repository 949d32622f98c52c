"""The report of a conversion, as the plugin keeps it: the sidecar writes it, here it gets what only the plugin knows, and is read.

That is the user's sentence for each warning (they are translated here) and, for a library, where the audiobook went.
Reports hold the book's text, so their folder is the user's alone. What is read is for a window: in words, and bounded; `in_full` reads
the rest of a text when somebody wants it.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..errors import PluginError, warning_sentence
from ..wording import N_, filled, printable, translate
from .events import voice_words
from .report_rows import HEAD, Row, rows, write
from .report_words import REASONS, TO_CHECK, UNSPOKEN, WHY
from .requests import Warn

MOST_ROWS: Final = 2_000
"""Of each list, for a window; how many there are is said besides."""
MOST_OF_A_REASON: Final = 5_000
"""Of the places that were left out for one reason."""
MOST_REASONS: Final = 20
MOST_TEXT: Final = 400
"""Characters of a row; a text that is longer is `cut`."""
MOST_UNSPOKEN: Final = 20


@dataclass(frozen=True)
class Doubtful:
    """A sentence that sounds odd or could not be spoken. start_s, end_s: in the audiobook. why: in words. spoken: is it to be heard?
    lacks: could words of it not be pronounced? unspoken: those that are known, as a text. number: of its row in the file's list. cut: is its text longer?"""

    start_s: float
    end_s: float
    text: str
    why: str
    chapter: str
    spoken: bool
    unspoken: str = ""
    number: int = 0
    cut: bool = False
    lacks: bool = False

    @property
    def all_of_why(self) -> str:
        """Why, with the words that it is about."""
        return translate(N_("{why}: {words}")).format(why=self.why, words=self.unspoken) if self.unspoken else self.why


@dataclass(frozen=True)
class Chapter:
    """start_s, end_s: in the audiobook."""

    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class LeftOut:
    """A place of the book that was not said; reason: in words. chapter: or the title of what it stands in, where nothing of that is said.
    number, cut: as of a Doubtful."""

    chapter: str
    text: str
    reason: str
    number: int = 0
    cut: bool = False


@dataclass(frozen=True)
class Report:
    """duration_s: of the audiobook. wall_s: that the run took which made it. kept: of its sentences, spoken by earlier runs. path: the audiobook's.
    when: the report's file is of then, seconds since 1970. size: of the audiobook, bytes; 0 where an older report does not say. replaced: is another file in
    the audiobook's place now? speed: times the voice's own; None where an older report does not say.

    warnings, doubtful: at most MOST_ROWS, of as many as their counts say. to_check: the warnings that only count the doubtful ones, apart from the
    others. left_out: at most MOST_OF_A_REASON of each reason, of as many as left_out_by says.
    """

    title: str
    outcome: str
    duration_s: float
    wall_s: float
    kept: int
    device: str
    voice: str
    engine: str
    chapters: tuple[Chapter, ...]
    sentences: int
    warnings: tuple[str, ...]
    warning_count: int
    doubtful: tuple[Doubtful, ...]
    doubtful_count: int
    left_out: tuple[LeftOut, ...]
    left_out_by: Mapping[str, int]
    path: Path
    when: float
    file: Path = Path()
    size: int = 0
    replaced: bool = False
    to_check: tuple[str, ...] = ()
    speed: float | None = None

    @property
    def left_out_count(self) -> int:
        return sum(self.left_out_by.values())


@dataclass(frozen=True)
class _Most:
    """How much is read. text: None for all."""

    rows: float = MOST_ROWS
    of_a_reason: float = MOST_OF_A_REASON
    text: int | None = MOST_TEXT


_ALL: Final = _Most(math.inf, math.inf, None)


def read(path: Path) -> Report:
    """What a window shows of it. Takes some seconds for a very long book. PluginError `report_unreadable`."""
    return _read_file(path, _Most())


def as_it_stands(report: Report, audiobook: str) -> Report:
    """The same, of the file that stands there now. audiobook: where that is, taken if it is not where the report says, since Calibre moves a book's files
    when its title is edited."""
    path = Path(audiobook) if audiobook and not paths.is_file(report.path) else report.path
    with suppress(OSError):
        return replace(report, path=path, replaced=report.size not in (0, path.stat().st_size))
    return replace(report, path=path)


def all_of(report: Report) -> Report:
    """The same without bounds, read anew. PluginError `report_unreadable`, also where the book was converted again meanwhile."""
    with _readable():
        _check_same(report)
    return replace(_read_file(report.file, _ALL), path=report.path)


def spoken_text(path: Path) -> tuple[int, int]:
    """(characters that were spoken, sentences). PluginError `report_unreadable`."""
    with _readable():
        lengths = [len(str(row.get("spoken") or "")) for name, row in rows(path) if name == "sentences"]
    return sum(lengths), len(lengths)


def _check_same(report: Report) -> None:
    if report.file.stat().st_mtime != report.when:
        raise ValueError("another report")


def _read_file(path: Path, most: _Most) -> Report:
    with _readable():
        when = path.stat().st_mtime
        found = rows(path)
        head = next(found)[1]
        told = (chapter for chapter in head.get("chapters") or () if isinstance(chapter, dict))
        chapters = tuple(Chapter(_text(chapter.get("title")), _number(chapter.get("start_s")), _number(chapter.get("end_s"))) for chapter in told)
        return _read(path, head, chapters, found, when, most)


def in_full(report: Report, row: Doubtful | LeftOut) -> str:
    """The text of a row that is `cut`. As `all_of`."""
    name = "sentences" if isinstance(row, Doubtful) else "skipped"
    with _readable():
        _check_same(report)
        return _shortened(next(islice((found for its, found in rows(report.file) if its == name), row.number, None)).get("text"), None)[0]


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PluginError("report_unreadable", repr(error), reason=str(error.strerror or error)) from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, StopIteration) as error:
        raise PluginError("report_unreadable", repr(error)[:200], reason=translate(N_("it is damaged"))) from None


def _read(path: Path, head: Mapping[str, Any], chapters: tuple[Chapter, ...], found: Iterator[Row], when: float, most: _Most) -> Report:
    doubtful: list[Doubtful] = []
    left_out: list[LeftOut] = []
    warnings: list[str] = []
    to_check: dict[str, str] = {}
    counts, by_reason = Counter[str](), Counter[str]()
    for name, row in found:
        number = counts[name]
        counts[name] += 1
        if name == "warnings" and (code := str(row.get("code"))) in TO_CHECK:
            to_check[code] = _text(filled(TO_CHECK[code], row.get("params") or {}))
        elif name == "warnings":
            counts["messages"] += 1
            if counts["messages"] <= most.rows:
                warnings.append(_text(row.get("text") or warning_sentence(code, row.get("params") or {})))
        elif name == "skipped":
            reason = _reason(row, by_reason)
            by_reason[reason] += 1
            if by_reason[reason] <= most.of_a_reason:
                text, cut = _shortened(row.get("text"), most.text)
                left_out.append(LeftOut(_text(row.get("part")) or _chapter(chapters, row), text, reason, number, cut))
        elif name == "sentences" and (flags := [flag for flag in row.get("flags") or () if flag in WHY]):
            counts["doubtful"] += 1
            if counts["doubtful"] <= most.rows:
                doubtful.append(_doubtful(row, flags, chapters, number, most.text))
    return Report(
        title=_text((head.get("book") or {}).get("title")),
        outcome=_text(head.get("outcome")),
        duration_s=_number(head.get("duration_s")),
        wall_s=_number(head.get("wall_s")),
        kept=int(_number(head.get("kept"))),
        device=_text(head.get("device")),
        voice=_text(voice_words(head)),
        engine=_text(head.get("engine")),
        chapters=chapters,
        sentences=counts["sentences"],
        warnings=tuple(warnings),
        warning_count=counts["messages"],
        doubtful=tuple(doubtful),
        doubtful_count=counts["doubtful"],
        left_out=tuple(left_out),
        left_out_by=dict(by_reason),
        path=Path(str(head.get("path") or "")),
        when=when,
        file=path,
        size=int(_number(head.get("bytes"))),
        to_check=tuple(to_check.values()),
        speed=_number(head.get("speed")) or None,
    )


def _doubtful(row: Mapping[str, Any], flags: list[str], chapters: tuple[Chapter, ...], number: int, most: int | None) -> Doubtful:
    start_s, end_s = _number(row.get("start_s")), _number(row.get("end_s"))
    comma = translate(N_(", "))
    why = comma.join(dict.fromkeys(translate(WHY[flag]) for flag in flags))
    text, cut = _shortened(row.get("text"), most)
    words = row.get("unspoken")
    unspoken = comma.join(translate(N_("“{word}”")).format(word=_text(word)) for word in words[:MOST_UNSPOKEN]) if isinstance(words, list) else ""
    spoken = end_s > start_s and UNSPOKEN.isdisjoint(flags)
    return Doubtful(start_s, end_s, text, why, _chapter(chapters, row), spoken, unspoken, number, cut, "words_unspoken" in flags)


def _reason(row: Mapping[str, Any], known: Mapping[str, int]) -> str:
    """In words; one of a newer engine as it is, unless there are too many of these."""
    reason = str(row.get("reason"))
    if reason in REASONS:
        return translate(REASONS[reason])
    return _text(reason) if _text(reason) in known or len(known) < MOST_REASONS else translate(N_("Other reasons"))


def _chapter(chapters: tuple[Chapter, ...], row: Mapping[str, Any]) -> str:
    number = row.get("chapter")
    return chapters[number].title if isinstance(number, int) and 0 <= number < len(chapters) else ""


def _text(value: object) -> str:
    return _shortened(value, MOST_TEXT)[0]


def _shortened(value: object, most: int | None) -> tuple[str, bool]:
    """One line of bounded length, and whether there is more of it."""
    raw = str("" if value is None else value)
    text = " ".join(printable(raw if most is None else raw[: 4 * most]).split())
    if most is None or (len(text) <= most and len(raw) <= 4 * most):
        return text, False
    return text[: most - 1] + "…", True


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value >= 0 else 0.0


def latest_for(key: str) -> Path | None:
    """The last report of a book (`library.key_of`) or of an OUT, if there is one."""
    path = _path(key)
    return path if paths.is_file(path) else None


def all_but(key: str) -> Iterator[Path]:
    """The last report of every other book and OUT."""
    return (path for path in paths.named(_path(key).parent, "*.json") if path != _path(key))


def _path(key: str) -> Path:
    return paths.cache_home() / "reports" / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.json"


def kept_path(key: str) -> Path:
    """Where the last report of a book, or of an OUT, is kept; the folder is made. PluginError `output_unwritable`."""
    path = _path(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    except OSError as error:
        raise PluginError("output_unwritable", repr(error), path=str(path.parent), reason=str(error.strerror)) from None
    return path


def check_wanted(report: Path, others: Mapping[str, Path]) -> None:
    """Can the report go where the user wants it? Asked before hours of work.

    others: files that it must not be, by what they are (BOOK, OUT). PluginError `output_unwritable`, `usage`.
    """
    for what, other in others.items():
        if paths.same(report, other):
            raise PluginError("usage", reason=translate(N_("the report and {what} are the same file")).format(what=what))
    try:
        reason = _unfit(report)
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise PluginError("output_unwritable", path=str(report), reason=reason)


def _unfit(report: Path) -> str:
    if report.is_dir():
        return translate(N_("it is a folder"))
    if not report.parent.is_dir():
        return translate(N_("the folder does not exist"))
    if not os.access(report if report.exists() else report.parent, os.W_OK):
        return translate(N_("you may not write there"))
    return ""


def complete(report: Path, audiobook: str | None, speed: float | None = None, left_out: Counter[str] | None = None) -> Warn | None:
    """Add the sentences, where the audiobook stands if the sidecar could not know, its size (`bytes`), by which another file in its place is known, and
    its `speed`; the file is replaced at once. left_out: counts what was, as `Report.left_out_by`; nothing where it fails.

    The audiobook stands already, so here and in `hand_out` a failure is a warning. Where there is no report the sidecar has said why.
    """
    if not paths.is_file(report):
        return None

    def amended() -> Iterator[Row]:
        for name, row in rows(report):
            if name == HEAD:
                row = {**row, **({} if audiobook is None else {"path": audiobook}), **({} if speed is None else {"speed": speed})}
                with suppress(OSError, ValueError):
                    row["bytes"] = Path(str(row.get("path") or "")).stat().st_size
            elif name == "warnings":
                row = {**row, "text": warning_sentence(str(row.get("code")), row.get("params") or {})}
            elif name == "skipped" and left_out is not None:
                left_out[_reason(row, left_out)] += 1
            yield name, row

    try:
        write(report, amended())
    except (OSError, ValueError, TypeError, AttributeError) as error:
        if left_out is not None:
            left_out.clear()
        return Warn("report_unwritable", {"path": str(report), "reason": getattr(error, "strerror", None) or translate(N_("it is damaged"))})
    return None


def forget(report: Path) -> None:
    """What stands there is the former audiobook's: the new one's could not be written. What cannot be removed stays."""
    with suppress(OSError):
        report.unlink(missing_ok=True)


def hand_out(report: Path, wanted: Path) -> Warn | None:
    """Copy the report to where the user wants it."""
    try:
        shutil.copyfile(report, wanted)
    except OSError as error:
        return Warn("report_unwritable", {"path": str(wanted), "reason": str(error.strerror or error)})
    return None
