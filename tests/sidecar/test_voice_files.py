"""A voice's files are looked at before anything reads them: that they are files, of a size that a voice's can have, and the ones that were promised."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.voice import Voice

CONTENT = b"a voice"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def voice(path: Path, **sha256: str) -> Voice:
    return Voice.from_dict({"id": "v", "kind": "piper", "files": {"model": str(path)}, "sha256": sha256})


def holding(path: Path, content: bytes = CONTENT) -> Path:
    path.write_bytes(content)
    return path


def empty_beyond_all_bounds(path: Path) -> Path:
    """It takes no room on the disk."""
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    return path


def leading_to(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


NO_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda path: path, "No such file"),
    "a folder": (folder, "is no file"),
    "a terabyte of nothing": (empty_beyond_all_bounds, "too large"),
    "a link to itself": (lambda path: leading_to(path, path), "symbolic links"),
    "a pipe": (pipe, "is no file"),
    "a link to a device": (lambda path: leading_to(path, Path("/dev/zero")), "is no file"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and files without data")
@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_voices_file_is_told_and_not_read(what: str, tmp_path: Path) -> None:
    make, reason = NO_FILES[what]
    with pytest.raises(SidecarError) as caught:
        voice(make(tmp_path / "model.onnx")).verified()
    assert caught.value.code == "voice_broken" and reason in str(caught.value.params["reason"])


def test_a_file_is_the_one_that_was_promised_or_refused(tmp_path: Path) -> None:
    path = holding(tmp_path / "model.onnx")
    assert voice(path, model=SHA256.upper()).verified().sha256 == (("model", SHA256),)
    path.write_bytes(b"another")
    with pytest.raises(SidecarError) as caught:
        voice(path, model=SHA256).verified()
    assert caught.value.code == "voice_broken" and "hash differs" in str(caught.value.params["reason"])
