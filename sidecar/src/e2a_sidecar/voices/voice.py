"""A voice as the plugin names it on the wire: its kind, its files and their hashes. Checked before it is used.

Kinds: `piper` (an .onnx and its .onnx.json), `coqui` (checkpoint and config.json, perhaps more files beside them),
`kokoro_student` (an .onnx; `heart` without files is the one that the package hibari-tts brings),
`kokoro` (Kokoro's own .onnx and a voice's .bin, as Calibre keeps them), `espeak` and `tone` (no files).
A voice with a `Clone` speaks the text, and a converter turns its speech into the sample's voice.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from e2a_sidecar.errors import SidecarError

KINDS: Final = ("piper", "coqui", "kokoro_student", "kokoro", "espeak", "tone")
STUDENT: Final = "kokoro_student"
KOKORO: Final = "kokoro"
ON_CPU: Final = (STUDENT, KOKORO)
"""Always spoken on the CPU by onnxruntime, and by nothing else."""
SAMPLE: Final = "sample"
"""The role of a clone's recording among its files; the others are the converter's, but for SPEAKER_ENCODER."""
SPEAKER_ENCODER: Final = ("encoder", "encoder_config")
"""Roles of what hears how like its recording a clone is, whichever converter it has."""


@dataclass(frozen=True, slots=True)
class ConverterKind:
    """rate_hz: of what it gives; None where the voice itself speaks, with the sample's vector in its speaker's place.

    roles: of its files; some: of those that one of its kind may lean on. revision: raised when the same speech, sample and files sound otherwise.
    """

    rate_hz: int | None
    roles: tuple[str, ...]
    some: tuple[str, ...] = ()
    revision: int = 1


CONVERTERS: Final = {
    "freevc24": ConverterKind(24_000, ("config", "model", "wavlm"), ("speaker_encoder",)),
    "knnvc": ConverterKind(16_000, ("vocoder", "vocoder_config", "wavlm")),
    "openvoice_v2": ConverterKind(22_050, ("config", "model")),
    "d_vector": ConverterKind(None, SPEAKER_ENCODER),
}
_LARGE: Final = 256 << 20
_LARGEST: Final = 4 << 30
"""Of a file; a converter's has 1.3 GB. A file without data may claim any size, and all of it would be hashed."""
_IN_PACKAGE: Final = {"heart": ("hibari", "assets/hibari.onnx", "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8")}
"""Voices that need no file of the plugin's: id -> module, the model below it, its sha256."""
_CLONE_ID: Final = re.compile(r"clone-[0-9a-f]{12}")


def usable_path(text: str) -> bool:
    """Can the system be given this as a path? Not with a NUL in it, nor with half a character."""
    try:
        return bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


@dataclass(frozen=True, slots=True)
class Clone:
    """A sample with a name and a converter. id: `clone-` and the first 12 digits of the sample's sha256. files, sha256: as a voice's."""

    id: str
    name: str
    converter: str
    files: tuple[tuple[str, Path], ...] = ()
    sha256: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Clone:
        """Parse the wire's `clone` object; SidecarError `bad_request` if it is none."""
        clone_id, converter = str(raw["id"]), str(raw["converter"])
        if not _CLONE_ID.fullmatch(clone_id) or converter not in CONVERTERS:
            raise SidecarError("bad_request", f"clone {clone_id[:40]!r} with converter {converter[:40]!r}")
        files, sha256 = _files(raw)
        return cls(clone_id, str(raw.get("name") or clone_id), converter, files, sha256)

    def file(self, role: str) -> Path:
        """Path of a role; SidecarError `voice_broken` where the clone has none."""
        return _file(self.files, role, self.id)

    def verified(self) -> Clone:
        """As `Voice.verified`; the sample must be the one that the id names."""
        for role in (SAMPLE, *CONVERTERS[self.converter].roles):
            self.file(role)
        found = replace(self, sha256=_found(self.files, self.sha256, self.id))
        if self.id != f"clone-{found.sample_hash()[:12]}":
            raise SidecarError("voice_broken", found.sample_hash(), voice=self.id, reason="its recording is another one than it was made of")
        return found

    def alone(self) -> Clone:
        """With its recording and its converter's files alone: what only hears how like it is changes nothing of how it speaks."""
        roles = {SAMPLE, *CONVERTERS[self.converter].roles, *CONVERTERS[self.converter].some}
        files = tuple((role, path) for role, path in self.files if role in roles)
        return replace(self, files=files, sha256=tuple((role, digest) for role, digest in self.sha256 if role in roles))

    def sample_hash(self) -> str:
        """Of a verified clone's recording."""
        return dict(self.sha256)[SAMPLE]

    def converter_hash(self) -> str:
        """One hash over the hashes of the converter's own files (of a verified clone)."""
        kind = CONVERTERS[self.converter]
        roles = (*kind.roles, *kind.some)
        return hashlib.sha256("\n".join(f"{role} {digest}" for role, digest in self.sha256 if role in roles).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Voice:
    """files: role (`model`, `config`, ...) -> path. sha256: role -> hex, as found on disk after `verified`. clone: whom it is to sound like."""

    id: str
    kind: str
    name: str = ""
    language: str = ""
    speaker: str = ""
    files: tuple[tuple[str, Path], ...] = ()
    sha256: tuple[tuple[str, str], ...] = ()
    clone: Clone | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Voice:
        """Parse the wire's `voice` object; SidecarError `bad_request` if it is none."""
        try:
            kind = str(raw["kind"])
            if kind not in KINDS:
                raise SidecarError("bad_request", f"voice kind {kind!r}")
            files, sha256 = _files(raw)
            return cls(
                id=str(raw["id"]),
                kind=kind,
                name=str(raw.get("name") or raw["id"]),
                language=str(raw.get("language") or ""),
                speaker=str(raw.get("speaker") or ""),
                files=files,
                sha256=sha256,
                clone=None if raw.get("clone") is None else Clone.from_dict(raw["clone"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SidecarError("bad_request", f"voice: {error!r}") from None

    @property
    def heard_as(self) -> str:
        """The name of whom a listener hears."""
        return self.name if self.clone is None else self.clone.name

    def file(self, role: str) -> Path:
        """Path of a role; SidecarError `voice_broken` where the voice has none."""
        return _file(self.files, role, self.id)

    def verified(self) -> Voice:
        """This voice with the hash of every file, its clone's too, as found on disk.

        Raises SidecarError `voice_broken` where a file is missing, unreadable, or not the one that was promised.
        """
        clone = None if self.clone is None else self.clone.verified()
        voice = self._in_package() if self.kind == STUDENT and not self.files else self
        if voice.kind == STUDENT:
            voice.file("model")
        return replace(voice, sha256=_found(voice.files, voice.sha256, voice.id), clone=clone)

    def _in_package(self) -> Voice:
        """With the file that an installed package brings, and its hash as we know it; `voice_unsupported` where it is not installed."""
        module, below, sha256 = _IN_PACKAGE.get(self.id, ("", "", ""))
        if not module:
            return self
        package = find_spec(module)  # imports nothing
        if package is None or not package.submodule_search_locations:
            raise SidecarError("voice_unsupported", module, voice=self.id, reason="the package that this voice comes with (hibari-tts) is not installed")
        return replace(self, files=(("model", Path(package.submodule_search_locations[0], below)),), sha256=(("model", sha256),))

    def content_hash(self) -> str:
        """One hash over the files' hashes (call on a verified voice), without a clone's; voices without files hash their kind and id."""
        text = "\n".join(f"{role} {digest}" for role, digest in self.sha256) or f"{self.kind} {self.id}"
        return hashlib.sha256(text.encode()).hexdigest()


def _files(raw: Mapping[str, Any]) -> tuple[tuple[tuple[str, Path], ...], tuple[tuple[str, str], ...]]:
    """Paths and promised hashes of a wire object, by role; SidecarError `bad_request`."""
    files = {str(role): str(path) for role, path in (raw.get("files") or {}).items()}
    if not all(map(usable_path, files.values())):
        raise SidecarError("bad_request", "a voice's file is no path")
    paths = tuple(sorted((role, Path(path)) for role, path in files.items()))
    return paths, tuple(sorted((str(k), str(v).lower()) for k, v in (raw.get("sha256") or {}).items()))


def _file(files: tuple[tuple[str, Path], ...], role: str, voice: str) -> Path:
    for name, path in files:
        if name == role:
            return path
    raise SidecarError("voice_broken", f"no {role}", voice=voice, reason=f"no {role} file")


def _found(files: tuple[tuple[str, Path], ...], promised: tuple[tuple[str, str], ...], voice: str) -> tuple[tuple[str, str], ...]:
    """The hash of every file as it is on disk, which must be the promised one where one was; SidecarError `voice_broken`."""
    expected, found = dict(promised), []
    for role, path in files:
        try:
            if path.exists() and not path.is_file():  # a pipe would be waited for, a device read for ever
                raise SidecarError("voice_broken", role, voice=voice, reason=f"{path.name} is no file")
            at = path.stat()
            if at.st_size > _LARGEST:
                raise SidecarError("voice_broken", role, voice=voice, reason=f"{path.name} is too large to be a part of a voice")
            digest = (_large_digest if at.st_size >= _LARGE else _digest)(path, at.st_size, at.st_mtime_ns, at.st_ino)
        except OSError as error:
            raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{path.name}: {error.strerror}") from None
        if expected.get(role, digest) != digest:
            raise SidecarError("voice_broken", f"{role}: {digest}", voice=voice, reason=f"{path.name} is not the file that was expected (its hash differs)")
        found.append((role, digest))
    return tuple(found)


def _digest(path: Path, *at: int) -> str:
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


_large_digest: Final = lru_cache(maxsize=16)(_digest)
"""Of a file that is still the same by size, time and place: a converter's gigabyte is read once a process, not at each question."""
