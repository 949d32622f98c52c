"""The user's cloned voices: a cleaned recording with a name and a converter, each in a folder of its own below `paths.clones_dir`.

A clone is named by its recording: `clone-` and the first 12 digits of its sha256, so that the same recording is the
same clone everywhere. `clone-….knnvc` speaks by another converter than its usual one, `clone-…@en_US-joe-medium` over
a base voice of one's own choice; without one, over the usual voice of the book's language (`voices`). A recording that was
given on the command line without a name is kept in the cache, in no list. Knows nothing of Calibre.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..converting.events import Sampled
from ..errors import PluginError
from ..fetch import plain
from ..wording import N_, translate
from . import converters
from .voice_fetch import give_place

SCHEMA: Final = 1
RECORD: Final = "clone.json"
SAMPLE: Final = "sample.flac"
MOST_LETTERS: Final = 80
"""Of a name."""
MOST_UNLISTED: Final = 20
VERDICTS: Final = ("good", "fair", "poor")
_PREFIX: Final = "clone-"
_OVER: Final = "@"
"""Between a clone and its base voice."""
_ID: Final = re.compile(rf"(clone-[0-9a-f]{{12}})(?:\.([a-z0-9_]+))?(?:{_OVER}(.+))?", re.DOTALL)
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{0,35}")
_REMARK: Final = re.compile(r"[a-z_]{1,40}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_JOINERS: Final = "\u200c\u200d"
"""Invisible, but some scripts and emoji are written with them."""
_MOST_REMARKS: Final = 10
_NUMBERS: Final = ("speech_s", "snr_db", "level_lufs", "bandwidth_hz", "clipped")
_PARTIAL: Final = ".new-"
_ABANDONED_S: Final = 3600


@dataclass(frozen=True)
class Measures:
    """Of a recording, by the sidecar (`events.Sampled`): how much speech, how clean, and its verdict (of VERDICTS) with the reasons."""

    speech_s: float = 0.0
    snr_db: float = 0.0
    level_lufs: float = 0.0
    bandwidth_hz: float = 0.0
    clipped: float = 0.0
    verdict: str = "good"
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clone:
    """sample: its file. sha256: of that. created: UTC. language: that the recording is in, a BCP 47 tag or empty.
    likeness: 0..1 between what it spoke and its recording, None where nobody measured it; likeness_of_halves: between the recording's two halves then."""

    id: str
    name: str
    converter: str
    sample: Path
    sha256: str
    created: str = ""
    language: str = ""
    measures: Measures = field(default_factory=Measures)
    likeness: float | None = None
    likeness_of_halves: float | None = None

    def by(self, converter: str) -> Clone:
        """With that converter; what was heard holds for its own alone."""
        return self if converter == self.converter else replace(self, converter=converter, likeness=None, likeness_of_halves=None)


@dataclass(frozen=True)
class Named:
    """What an id says. converter, base: empty where it leaves them to the clone and to the book's language."""

    clone: str
    converter: str = ""
    base: str = ""


def parse(id: str) -> Named | None:
    """None for what is no clone's id."""
    found = _ID.fullmatch(id)
    if found is None or (found[2] and found[2] not in converters.IDS) or (found[3] or "").startswith(_PREFIX):
        return None
    return Named(found[1], found[2] or "", found[3] or "")


def over(id: str, base: str) -> str:
    """The id of a clone that speaks over a base voice; where that is empty, the clone's as it is."""
    return f"{id}{_OVER}{base}" if base else id


def parted(text: str) -> tuple[str, str]:
    """(clone, base voice) of what `over` put together, the clone by its id or as a user calls it; the second is empty where there is none."""
    if parse(text) is not None:
        id, _mark, base = text.partition(_OVER)
        return id, base
    name, mark, base = text.rpartition(_OVER)
    return (name, base) if mark else (text, "")


def id_of(sha256: str) -> str:
    """Of a recording."""
    return f"{_PREFIX}{sha256[:12]}"


def all_of_them() -> list[Clone]:
    """The user's, by name. What is broken is left out."""
    _sweep(paths.clones_dir())
    found = (_read(folder) for folder in paths.named(paths.clones_dir(), f"{_PREFIX}*"))
    return sorted((clone for clone in found if clone is not None), key=lambda clone: (clone.name.casefold(), clone.id))


def get(named: Named) -> Clone | None:
    """The clone of an id, with the converter that the id asks for; None where there is none."""
    clone = _read(paths.clones_dir() / named.clone) or _read(_unlisted() / named.clone)
    return clone.by(named.converter) if clone is not None and named.converter else clone


def by_name(name: str) -> Clone | None:
    """The one that is called exactly so."""
    wanted = unicodedata.normalize("NFC", name)
    return next((clone for clone in all_of_them() if clone.name == wanted), None)


def add(sample: Path, name: str, converter: str = converters.FREEVC24, language: str = "", measures: Measures = Measures()) -> Clone:
    """Keep a cleaned recording under a name. One that is there already gets the name and the converter.

    Raises PluginError `clone_name` (name, reason), `clone_not_kept` (voice, reason).
    """
    with _said(name):
        return add_to(paths.clones_dir(), sample, Clone("", checked_name(name), converter, sample, "", _now(), language, measures))


def lay_by(sample: Path, converter: str = converters.FREEVC24, measures: Measures = Measures()) -> Clone:
    """Keep a cleaned recording without a name, in no list, if it is in none; the latest MOST_UNLISTED are. PluginError `clone_not_kept`."""
    with _said(sample.name):
        folder, id = _unlisted(), id_of(digest_of(sample))
        known = get(Named(id))
        if known is not None:
            return known
        name = translate(N_("Recording {number}")).format(number=id.removeprefix(_PREFIX)[:4])
        clone = add_to(folder, sample, Clone(id, name, converter, sample, "", _now(), "", measures), unique=False)
        for old in sorted(folder.glob(f"{_PREFIX}*"), key=lambda path: path.stat().st_mtime)[:-MOST_UNLISTED]:
            shutil.rmtree(old, ignore_errors=True)
        return clone


def change(id: str, **changes: Any) -> Clone:
    """Keep another name, converter, language or likeness of a clone; gives it. PluginError `voice_unknown`, `clone_name`, `clone_not_kept`."""
    folder = paths.clones_dir() / id
    clone = _read(folder)
    if clone is None:
        raise unknown(id)
    if "name" in changes:
        changes["name"] = _free_name(checked_name(changes["name"]), id)
    changed = replace(clone.by(changes.get("converter", clone.converter)), **changes)
    with _said(clone.name):
        _write(folder, changed)
    return changed


def remove(id: str) -> None:
    """Take a clone away, with its recording and what the speech engine computed of that; one that is not there is removed.

    PluginError `voice_not_removed` (voice, reason).
    """
    clone = get(Named(id))
    shutil.rmtree(paths.clips_dir() / "references" / id, ignore_errors=True)
    for folder in (paths.clones_dir() / id, _unlisted() / id):
        gone = folder.with_name(f"{_PARTIAL}{id}-{time.time_ns()}")
        try:
            folder.replace(gone)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PluginError("voice_not_removed", repr(error), voice=clone.name if clone else id, reason=plain(error)) from None
        _sweep(gone.parent)


def checked_name(name: str) -> str:
    """A name as it is kept: one line, composed, without what steers a text or a terminal. PluginError `clone_name` where that is not what it is."""
    found = " ".join(unicodedata.normalize("NFC", name).split())
    if not found:
        raise _bad_name(name, translate(N_("it is empty")))
    if len(found) > MOST_LETTERS:
        raise _bad_name(name, translate(N_("it is longer than {count} letters")).format(count=MOST_LETTERS))
    kinds = [unicodedata.category(c) for c in found if c not in _JOINERS]
    if not {"Cc", "Cf", "Cs", "Co"}.isdisjoint(kinds) or all(kind[0] in "ZM" for kind in kinds):
        raise _bad_name(name, translate(N_("it holds characters that cannot be seen")))
    if parse(found) is not None or found.startswith(_PREFIX):
        raise _bad_name(name, translate(N_("it looks like the internal name of a voice")))
    return found


def add_to(home: Path, sample: Path, clone: Clone, unique: bool = True) -> Clone:
    """Copy the recording and describe it as `clone` does, whole or not at all. unique: its name must be free. Raises OSError, PluginError `clone_name`."""
    home.mkdir(parents=True, exist_ok=True)
    new = home / f"{_PARTIAL}{time.time_ns()}"
    new.mkdir(mode=0o700)
    try:
        shutil.copyfile(sample, new / SAMPLE)
        _on_disk(new / SAMPLE)
        sha256 = digest_of(new / SAMPLE)
        folder = home / id_of(sha256)
        name = _free_name(clone.name, folder.name) if unique else clone.name
        known = _read(folder)
        if known is not None and digest_of(known.sample) != sha256:  # damaged since
            known = None
        kept = replace((known or clone).by(clone.converter), name=name, id=folder.name, sample=folder / SAMPLE, sha256=sha256)
        if known is not None:
            _write(folder, kept)
            return kept
        _write(new, kept)
        if folder.exists():  # something broken
            folder.replace(home / f"{_PARTIAL}broken-{time.time_ns()}")
        give_place(new, folder)
        paths.sync_folder(home)
        return kept
    finally:
        shutil.rmtree(new, ignore_errors=True)
        _sweep(home)


def free_name(name: str, id: str) -> str:
    """The name, or one like it that no other clone has: `Anna (2)`."""
    taken = {clone.name for clone in all_of_them() if clone.id != id}
    number, found = 1, name
    while found in taken:
        number += 1
        ending = f" ({number})"
        found = name[: MOST_LETTERS - len(ending)].rstrip() + ending
    return found


def described(clone: Clone) -> dict[str, Any]:
    """As JSON has it."""
    return {"schema": SCHEMA, **{name: value for name, value in asdict(clone).items() if name not in ("id", "sample")}}


def from_description(raw: object, sample: Path) -> Clone:
    """Of JSON that anybody may have written. Raises ValueError, TypeError, KeyError, PluginError `clone_name`."""
    if not isinstance(raw, Mapping) or raw["schema"] != SCHEMA or isinstance(raw["schema"], bool):
        raise ValueError("schema")
    sha256, converter, created, language = (_string(raw[name]) for name in ("sha256", "converter", "created", "language"))
    likenesses = {name: None if raw.get(name) is None else _number(raw[name]) for name in ("likeness", "likeness_of_halves")}
    if not re.fullmatch(r"[0-9a-f]{64}", sha256) or converter not in converters.IDS or not _LANGUAGE.fullmatch(language):
        raise ValueError("sha256, converter or language")
    if not _TIME.fullmatch(created) or not all(figure is None or 0.0 <= figure <= 1.0 for figure in likenesses.values()):
        raise ValueError("created or likeness")
    name = _string(raw["name"])
    if checked_name(name) != name:
        raise ValueError("name")
    return Clone(id_of(sha256), name, converter, sample, sha256, created, language, _measures(raw["measures"]), **likenesses)


def measured(heard: Sampled) -> Measures:
    """Of what the sidecar heard. An unknown verdict is the worst."""
    remarks = tuple(remark for remark in heard.remarks if _REMARK.fullmatch(remark))[:_MOST_REMARKS]
    numbers = {name: number if math.isfinite(number) else 0.0 for name in _NUMBERS for number in (float(getattr(heard, name)),)}
    return Measures(**numbers, verdict=heard.verdict if heard.verdict in VERDICTS else "poor", remarks=remarks)


def digest_of(path: Path) -> str:
    """sha256, in hex. Raises OSError."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def unknown(id: str) -> PluginError:
    """There is no such clone."""
    names = [clone.name for clone in all_of_them()]
    return PluginError("voice_unknown", voice=id, known=", ".join(names) or translate(N_("none that was cloned")))


def _measures(raw: Mapping[str, Any]) -> Measures:
    verdict, remarks = _string(raw.get("verdict", "good")), raw.get("remarks", ())
    if verdict not in VERDICTS or not isinstance(remarks, Sequence) or len(remarks) > _MOST_REMARKS:
        raise ValueError("measures")
    if not all(isinstance(remark, str) and _REMARK.fullmatch(remark) for remark in remarks):
        raise ValueError("remarks")
    numbers = {name: _number(raw.get(name, 0.0)) for name in _NUMBERS}
    return Measures(**numbers, verdict=verdict, remarks=tuple(remarks))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(str(value)[:40])
    return float(value)


def _read(folder: Path) -> Clone | None:
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, PluginError):
        if (folder / SAMPLE).is_file():
            clone = from_description(json.loads((folder / RECORD).read_text(encoding="utf-8")), folder / SAMPLE)
            return clone if clone.id == folder.name else None
    return None


def _write(folder: Path, clone: Clone) -> None:
    part = folder / f"{RECORD}.part"
    part.write_text(json.dumps(described(clone), ensure_ascii=False, indent=1), encoding="utf-8")
    _on_disk(part)
    part.replace(folder / RECORD)
    paths.sync_folder(folder)


def _on_disk(path: Path) -> None:
    """A recording cannot be made again: it and its record last through a power cut."""
    with open(path, "r+b") as f:
        os.fsync(f.fileno())


def _sweep(home: Path) -> None:
    """Remove what was removed or replaced, whatever cut that off, and what somebody began to add an hour ago and left."""
    for left in paths.named(home, f"{_PARTIAL}*"):
        with suppress(OSError):
            being_made = left.name.removeprefix(_PARTIAL).isdecimal() and time.time() - left.stat().st_mtime < _ABANDONED_S
            if not being_made:
                shutil.rmtree(left, ignore_errors=True)


def _free_name(name: str, id: str) -> str:
    if free_name(name, id) != name:
        raise _bad_name(name, translate(N_("another cloned voice is called so")))
    return name


def _bad_name(name: str, reason: str) -> PluginError:
    shown = name if len(name) <= MOST_LETTERS else name[:MOST_LETTERS] + "…"
    return PluginError("clone_name", name=shown, reason=reason)


@contextmanager
def _said(voice: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PluginError("clone_not_kept", repr(error), voice=voice, reason=plain(error)) from None


def _unlisted() -> Path:
    return paths.cache_home() / "clones"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
