"""The package that the student voices speak by (their rules of English, and the model of Heart): in which layer it is, and putting it there.

It is young and one person's, so it has a lock of its own and an installation of its own: where it cannot be had the layer
is whole without it, the stamp says why, and other voices read. One of an earlier plugin's lock stays in use until the newer
one could be had, and goes along into a layer that is made anew. Nothing of Calibre here.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..resources import Resources
from ..wording import N_, translate

LOCK: Final = "plugin/locks/heart.txt"
KEY: Final = "students"
"""Of a layer's stamp: {"lock": of which lock, "version": ...}, or {"lock": ..., "missing": why, in words}; not there where nobody has tried."""
SILENT: Final = "students_silent"
"""Of a layer's stamp: why its check could not speak by the package, in words; empty where it could, or there is none."""
DISTRIBUTION: Final = "hibari_tts"


def lock_token(resources: Resources) -> str:
    """What tells this plugin's version of the package from all others."""
    return hashlib.sha256(resources(LOCK).replace(b"\r\n", b"\n")).hexdigest()[:16]


def package_mb(resources: Resources) -> int:
    """About how much it is to download."""
    return round(int(json.loads(resources("plugin/sources.json")).get("students", {}).get("package_bytes", 0)) / 1e6)


def pinned(resources: Resources) -> str:
    """`name==version`, as the lock has it."""
    found = re.search(r"^[\w.-]+==[\w.]+", resources(LOCK).decode(), re.MULTILINE)
    return found[0] if found else ""


def is_in(stamp: Mapping[str, Any]) -> bool:
    """Does the layer of that stamp hold the package, be it an earlier version?"""
    told = _told(stamp)
    return bool(told) and "missing" not in told


def is_current(stamp: Mapping[str, Any], resources: Resources) -> bool:
    """Does it hold this plugin's version of it?"""
    return is_in(stamp) and _told(stamp).get("lock") == lock_token(resources)


def why_missing(stamp: Mapping[str, Any], resources: Resources) -> str:
    """Why it could not be had, in words; empty where it is there, or nobody has tried to get this plugin's version."""
    told = _told(stamp)
    return str(told.get("missing") or "") if told.get("lock") == lock_token(resources) else ""


def judged(stamp: Mapping[str, Any], tried: str = "") -> dict[str, Any]:
    """The stamp, which says so where the layer's check could not speak by the package that is in: then it is as if it were not there.

    tried: of which lock one was to be had just now; empty where only what was in was looked at.
    """
    silent = str(stamp.get(SILENT) or "")
    kept = {key: value for key, value in stamp.items() if key != SILENT}
    return kept | {KEY: {"lock": tried or _told(stamp).get("lock"), "missing": silent}} if silent and is_in(stamp) else kept


def missed_words(reason: str) -> str:
    """For whoever has just installed, or looks at the engine's page."""
    text = N_("The voice Heart could not be had, so English books are read by Joe; everything else works. What was said: {reason}.")
    return translate(text).format(reason=reason.rstrip("."))


def put_by() -> Path:
    """The package of a layer that is being made anew."""
    return paths.downloads_dir() / "students"


def carry(from_: Path, to: Path) -> bool:
    """Copy the package from one folder of packages into another, by its RECORD. False where it is not there, or not as it was installed."""
    names = _as_installed(from_)
    with suppress(OSError):
        for name in names:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(from_ / name, to / name)
        return bool(names)
    return False


def set_aside(from_: Path) -> None:
    """Copy it to `put_by`, in place of what is there; nothing where there is none to copy."""
    if _as_installed(from_):
        shutil.rmtree(put_by(), ignore_errors=True)
        carry(from_, put_by())


def _as_installed(place: Path) -> tuple[str, ...]:
    """The package's files in a folder of packages, where all are as its RECORD has them; else none."""
    for info in place.glob(f"{DISTRIBUTION}-*.dist-info"):
        with suppress(OSError, ValueError, csv.Error):
            rows = [row for row in csv.reader((info / "RECORD").read_text("utf-8").splitlines()) if row]
            own = [row for row in rows if ".." not in Path(row[0]).parts and not Path(row[0]).is_absolute() and not row[0].endswith(".pyc")]
            if all(len(row) > 1 and _as_recorded(place / row[0], row[1]) for row in own):
                return tuple(row[0] for row in own)
    return ()


def _as_recorded(path: Path, told: str) -> bool:
    """told: `sha256=` and its 32 bytes in base64, without padding; empty for RECORD itself and what an installer added."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    return not told or told == f"sha256={digest}"


def _told(stamp: Mapping[str, Any]) -> Mapping[str, Any]:
    told = stamp.get(KEY)
    return told if isinstance(told, Mapping) else {}
