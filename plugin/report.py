"""The report of a conversion, as the plugin keeps it: the sidecar writes it, here it gets what only the plugin knows.

That is the user's sentence for each warning (they are translated here) and, for a library, where the audiobook went.
Reports hold the book's text, so their folder is the user's alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import paths
from .errors import N_, PluginError, translate, warning_sentence
from .protocol import Warn


def kept_path(key: str) -> Path:
    """Where the last report of a book, or of an OUT, is kept; the folder is made. PluginError `output_unwritable`."""
    folder = paths.cache_home() / "reports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise PluginError("output_unwritable", repr(error), path=str(folder), reason=str(error.strerror)) from None
    return folder / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.json"


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


def complete(report: Path, audiobook: str | None) -> Warn | None:
    """Add the sentences, and where the audiobook stands if the sidecar could not know; the file is replaced at once.

    The audiobook stands already, so here and in `hand_out` a failure is a warning.
    """
    try:
        raw = json.loads(report.read_text("utf-8"))
        for warning in raw.get("warnings") or ():
            warning["text"] = warning_sentence(str(warning.get("code")), warning.get("params") or {})
        if audiobook is not None:
            raw["path"] = audiobook
        part = report.with_name(report.name + ".new")
        part.write_text(json.dumps(raw, ensure_ascii=False, indent=1), "utf-8")
        part.replace(report)
    except (OSError, ValueError) as error:
        return Warn("report_unwritable", {"path": str(report), "reason": str(error)})
    return None


def hand_out(report: Path, wanted: Path) -> Warn | None:
    """Copy the report to where the user wants it."""
    try:
        shutil.copyfile(report, wanted)
    except OSError as error:
        return Warn("report_unwritable", {"path": str(wanted), "reason": str(error.strerror or error)})
    return None
