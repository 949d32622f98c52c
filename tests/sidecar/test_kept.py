"""What is made of a voice once stands in its place whole or not at all, and what hinders that is told by its name."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.kept import keep


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EACCES, "output_unwritable")])
def test_why_it_could_not_be_kept_is_told_and_nothing_half_made_stays(tmp_path: Path, number: int, code: str) -> None:
    model = tmp_path / "voice.onnx"
    model.write_bytes(b"model")

    def make(folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise OSError(number, "as the system says it")

    with pytest.raises(SidecarError, match=code):
        keep(tmp_path / "cache" / "cuts" / "voice", model, Path.is_dir, make)
    assert list((tmp_path / "cache" / "cuts").iterdir()) == []
