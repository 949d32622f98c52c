"""A cloned voice as one file (`.e2aclone`, a zip of its description and its recording), to be carried to another computer.

What comes in is a stranger's: two members by name and nothing else, bounded whatever the archive says of itself, and
believed only when the speech engine has heard speech in the recording. Nothing of it is kept before that.
"""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from .. import paths
from ..errors import PluginError
from ..fetch import plain
from ..wording import N_, translate
from . import clones
from .clones import RECORD, SAMPLE, Clone, Measures

ENDING: Final = ".e2aclone"
MOST_BYTES: Final = 32 * 10**6
MOST_SAMPLE_BYTES: Final = 24 * 10**6
"""A minute at 48 kHz and 16 bit is 6 MB before it is compressed."""
MOST_RECORD_BYTES: Final = 64 * 1024
MOST_SAMPLE_S: Final = 61.0
_RATES_HZ: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""That the sidecar gives a sample."""
_STREAMINFO_BYTES: Final = 42
_WHOLE_ZIP: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)

Check = Callable[[Path], Measures]
"""Asks the speech engine what a recording is; raises PluginError `sample_unusable`."""


def file_name(clone: Clone) -> str:
    """Proposed for its file: the name without what no file may be called."""
    kept = "".join(c if c.isalnum() or c in " -_()'" else "_" for c in clone.name).strip(" .") or clone.id
    return kept + ENDING


def export(id: str, target: Path) -> None:
    """Write a clone into a file, all or nothing. PluginError `voice_unknown`, `clone_not_kept` (voice, reason)."""
    clone = clones.get(clones.Named(id))
    if clone is None:
        raise clones.unknown(id)
    part = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(part, "w") as z:
            z.writestr(zipfile.ZipInfo(RECORD, _FIXED_TIME), json.dumps(clones.described(clone), ensure_ascii=False, indent=1))
            z.writestr(zipfile.ZipInfo(SAMPLE, _FIXED_TIME), clone.sample.read_bytes())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PluginError("clone_not_kept", repr(error), voice=clone.name, reason=plain(error)) from None


def take_in(path: Path, check: Check) -> Clone:
    """Keep the clone of a file; one whose recording is here already stays as it is, and a name that another has gets a number.

    Raises PluginError `clone_not_imported` (reason), and what `check` says of the recording.
    """
    try:
        record, sample = _members(path)
        with tempfile.TemporaryDirectory(prefix="clone-") as folder:
            copy = Path(folder) / SAMPLE
            copy.write_bytes(sample)
            clone = _described(record, copy)
            if clones.digest_of(copy) != clone.sha256:
                raise _refused(N_("its recording is another one than it says"))
            _check_flac(sample)
            known = clones.get(clones.Named(clone.id))
            if known is not None and known.sample.parent.parent == paths.clones_dir() and clones.digest_of(known.sample) == clone.sha256:
                return known
            clone = replace(clone, measures=check(copy), likeness=None, likeness_of_halves=None, name=clones.free_name(clone.name, clone.id))
            return clones.add_to(paths.clones_dir(), copy, clone)
    except OSError as error:
        raise PluginError("clone_not_imported", repr(error), reason=plain(error)) from None


def _members(path: Path) -> tuple[bytes, bytes]:
    """(description, recording) as they are, of a file that may be anything. PluginError `clone_not_imported`; OSError."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise _refused(N_("it is no cloned voice"))
    try:
        with zipfile.ZipFile(path) as z:
            infos = z.infolist()
            if sorted(info.filename for info in infos) != [RECORD, SAMPLE]:
                raise _refused(N_("it holds other things than a recording and its description"))
            if any(stat.S_ISLNK(info.external_attr >> 16) or info.flag_bits & 1 or info.compress_type not in _WHOLE_ZIP for info in infos):
                raise _refused(N_("it is packed in another way than this program does"))
            return _read(z, RECORD, MOST_RECORD_BYTES), _read(z, SAMPLE, MOST_SAMPLE_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _refused(N_("it is damaged, or no cloned voice"), repr(error)) from None


def _read(z: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """However much the archive says that it is."""
    with z.open(name) as member:
        data = member.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise _refused(N_("it is larger than a cloned voice can be"))
    return data


def _described(record: bytes, sample: Path) -> Clone:
    try:
        return clones.from_description(json.loads(record.decode("utf-8")), sample)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, PluginError) as error:
        if isinstance(error, PluginError):
            reason = translate(N_("its name cannot be used: {why}")).format(why=error.params["reason"])
            raise PluginError("clone_not_imported", reason=reason) from None
        raise _refused(N_("its description is none that this program writes; it may be of a later version"), repr(error)[:200]) from None


def _check_flac(sample: bytes) -> None:
    """Mono, 16 bit, at most 48 kHz and a minute, by what the FLAC says of itself; whether it is speech, the speech engine hears."""
    head = sample[:_STREAMINFO_BYTES]
    if len(head) < _STREAMINFO_BYTES or head[:4] != b"fLaC" or head[4] & 0x7F or head[5:8] != b"\0\0\x22":
        raise _refused(N_("its recording is no FLAC"))
    packed = int.from_bytes(head[18:26], "big")
    rate_hz, channels, bits, samples = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & (1 << 36) - 1
    if rate_hz not in _RATES_HZ or channels != 1 or bits != 16 or not 0 < samples <= MOST_SAMPLE_S * rate_hz:
        raise _refused(N_("its recording is none that this program has cleaned"))


def _refused(reason: str, detail: str = "") -> PluginError:
    return PluginError("clone_not_imported", detail, reason=translate(reason))
