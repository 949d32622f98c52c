"""The zip and the wheel: what is in them, and the same bytes each time."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from build_steps import packaging
from plugin.resources import from_zip, sidecar_wheel

ROOT = Path(__file__).resolve().parents[2]


def checkout(target: Path) -> Path:
    """A copy of the tree as another machine might have it: other dates, other permissions, leftovers."""
    for name in ("plugin", "sidecar"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "plugin-import-name-e2a.txt", "LICENSE"):
        shutil.copyfile(ROOT / name, target / name)
    return target


def built(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(packaging, "ROOT", root)
    monkeypatch.setattr(packaging, "BUILD", root / "build")
    monkeypatch.setattr(packaging, "ZIP", root / "dist" / "plugin.zip")
    return packaging.build()


def test_the_zip_is_the_same_bytes_whatever_the_files_dates_and_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(checkout(tmp_path / "a"), monkeypatch).read_bytes()
    other = checkout(tmp_path / "b")
    for path in other.rglob("*.py"):
        os.utime(path, (10**9, 10**9))
        path.chmod(0o600)
    (other / "plugin" / "__pycache__").mkdir()
    (other / "plugin" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    (other / "plugin" / "notes.md").write_text("mine")
    (other / "secret.txt").write_text("mine")
    assert built(other, monkeypatch).read_bytes() == first


def test_line_ends_of_a_windows_checkout_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(checkout(tmp_path / "a"), monkeypatch).read_bytes()
    other = checkout(tmp_path / "b")
    for path in (*other.rglob("*.py"), *other.rglob("*.txt")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert built(other, monkeypatch).read_bytes() == first


def test_the_zip_holds_the_plugin_and_the_wheel_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = built(checkout(tmp_path), monkeypatch)
    with zipfile.ZipFile(path) as z:
        names = z.namelist()
    assert {"__init__.py", "plugin-import-name-e2a.txt", "LICENSE", "plugin/__init__.py", "plugin/sources.json", "plugin/locks/core.txt"} <= set(names)
    assert not [n for n in names if n.startswith(("sidecar/", "tests/", "build")) or n.endswith((".in", ".pyc", ".so")) or "dev.txt" in n]
    assert [n for n in names if n.endswith(".whl")] == [sidecar_wheel(from_zip(path)).path]


def test_the_wheel_is_the_one_that_the_index_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = from_zip(built(checkout(tmp_path), monkeypatch))
    wheel = sidecar_wheel(resources)
    assert hashlib.sha256(resources(wheel.path)).hexdigest() == wheel.sha256
    assert json.loads(resources("plugin/wheels/index.json"))["name"].startswith("e2a_sidecar-")
    with pytest.raises(FileNotFoundError):
        resources("plugin/none.txt")


def test_the_wheels_record_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = from_zip(built(checkout(tmp_path), monkeypatch))
    with zipfile.ZipFile(io.BytesIO(resources(sidecar_wheel(resources).path))) as z:
        record = next(n for n in z.namelist() if n.endswith(".dist-info/RECORD"))
        rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(z.read(record).decode()))}
        assert set(rows) == set(z.namelist())
        for name in z.namelist():
            if name != record:
                digest = base64.urlsafe_b64encode(hashlib.sha256(z.read(name)).digest()).rstrip(b"=").decode()
                assert rows[name] == (f"sha256={digest}", str(len(z.read(name))))
        assert "e2a_sidecar/__main__.py" in rows
