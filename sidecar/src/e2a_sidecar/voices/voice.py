"""A voice as the plugin names it on the wire: its kind, its files and their hashes. Checked before it is used.

Kinds: `piper` (an .onnx and its .onnx.json), `coqui` (checkpoint and config.json, perhaps more files beside them),
`espeak` and `tone` (no files).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from e2a_sidecar.errors import SidecarError

KINDS: Final = ("piper", "coqui", "espeak", "tone")


def usable_path(text: str) -> bool:
    """Can the system be given this as a path? Not with a NUL in it, nor with half a character."""
    try:
        return bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


@dataclass(frozen=True, slots=True)
class Voice:
    """files: role (`model`, `config`, ...) -> path. sha256: role -> hex, as found on disk after `verified`."""

    id: str
    kind: str
    name: str = ""
    language: str = ""
    speaker: str = ""
    files: tuple[tuple[str, Path], ...] = ()
    sha256: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Voice:
        """Parse the wire's `voice` object; SidecarError `bad_request` if it is none."""
        try:
            kind = str(raw["kind"])
            if kind not in KINDS:
                raise SidecarError("bad_request", f"voice kind {kind!r}")
            files = {str(role): str(path) for role, path in (raw.get("files") or {}).items()}
            if not all(map(usable_path, files.values())):
                raise SidecarError("bad_request", "a voice's file is no path")
            return cls(
                id=str(raw["id"]),
                kind=kind,
                name=str(raw.get("name") or raw["id"]),
                language=str(raw.get("language") or ""),
                speaker=str(raw.get("speaker") or ""),
                files=tuple(sorted((role, Path(path)) for role, path in files.items())),
                sha256=tuple(sorted((str(k), str(v).lower()) for k, v in (raw.get("sha256") or {}).items())),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SidecarError("bad_request", f"voice: {error!r}") from None

    def file(self, role: str) -> Path:
        """Path of a role; SidecarError `voice_broken` where the voice has none."""
        for name, path in self.files:
            if name == role:
                return path
        raise SidecarError("voice_broken", f"no {role}", voice=self.id, reason=f"no {role} file")

    def verified(self) -> Voice:
        """This voice with the hash of every file as found on disk.

        Raises SidecarError `voice_broken` where a file is missing, unreadable, or not the one that was promised.
        """
        promised, found = dict(self.sha256), []
        for role, path in self.files:
            try:
                if path.exists() and not path.is_file():  # a pipe would be waited for, a device read for ever
                    raise SidecarError("voice_broken", role, voice=self.id, reason=f"{path.name} is no file")
                with open(path, "rb") as f:
                    digest = hashlib.file_digest(f, "sha256").hexdigest()
            except OSError as error:
                raise SidecarError("voice_broken", repr(error), voice=self.id, reason=f"{path.name}: {error.strerror}") from None
            if promised.get(role, digest) != digest:
                raise SidecarError(
                    "voice_broken", f"{role}: {digest}", voice=self.id, reason=f"{path.name} is not the file that was expected (its hash differs)"
                )
            found.append((role, digest))
        return Voice(self.id, self.kind, self.name, self.language, self.speaker, self.files, tuple(found))

    def content_hash(self) -> str:
        """One hash over the files' hashes (call on a verified voice); voices without files hash their kind and id."""
        text = "\n".join(f"{role} {digest}" for role, digest in self.sha256) or f"{self.kind} {self.id}"
        return hashlib.sha256(text.encode()).hexdigest()
