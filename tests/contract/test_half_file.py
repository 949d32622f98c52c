"""What a killed sidecar was writing is found by the plugin, through a link too."""

from __future__ import annotations

import os
from pathlib import Path

from e2a_sidecar.writing.target import Target

from plugin.converting.client import drop_parts


def test_the_plugin_knows_a_half_file_by_its_name(tmp_path: Path) -> None:
    there, named = tmp_path / "there", tmp_path / "named"
    for folder in (there, named):
        folder.mkdir()
    (there / "book.m4b").write_bytes(b"an older one")
    out = named / "book.m4b"
    out.symlink_to(there / "book.m4b")
    target = Target(out)
    drop_parts(out, os.getpid() + 1)
    assert target.part.exists()
    drop_parts(out, os.getpid())
    assert [path.name for path in there.iterdir()] == ["book.m4b"] and (there / "book.m4b").read_bytes() == b"an older one"
