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


def test_what_an_older_revision_made_of_the_same_voice_gives_way(tmp_path: Path) -> None:
    model, cuts = tmp_path / "voice.onnx", tmp_path / "cache" / "cuts"
    model.write_bytes(b"model")
    others = [cuts / name for name in ("aa-5", "aa-7", "aa-old", "bb-5", "aa", "a-1")]
    for other in (cuts / "aa-3", cuts / "aa-4", *others):
        other.mkdir(parents=True)
        (other / "graph").write_bytes(b"x")
    keep(cuts / "aa-5", model, lambda folder: (folder / "whole").is_file(), lambda folder: (folder / "whole").touch())
    assert sorted(cuts.iterdir()) == sorted(others), "a newer one, another voice's and what has no revision stay"
    assert (cuts / "aa-5" / "whole").is_file()
