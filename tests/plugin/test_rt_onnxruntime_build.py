"""Which onnxruntime a layer is made with: the locked one for everybody, DirectML's for who asks for it on Windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugin.engine.onnxruntime_build import layer_lock, wanted_onnxruntime
from plugin.engine.runtime import layer_key
from plugin.resources import from_folder

FILES = from_folder(Path(__file__).resolve().parents[2])


@pytest.mark.parametrize(
    ("given", "system", "machine", "expected"),
    [
        ("directml", "win32", "AMD64", "directml"),
        ("", "win32", "AMD64", ""),
        ("directml", "win32", "ARM64", ""),
        ("directml", "linux", "x86_64", ""),
        ("directml", "darwin", "arm64", ""),
        ("cuda", "win32", "AMD64", ""),
    ],
)
def test_only_who_asks_for_it_on_windows_gets_directml(given: str, system: str, machine: str, expected: str) -> None:
    assert wanted_onnxruntime({"E2A_ONNXRUNTIME": given}, FILES, system, machine) == expected
    assert wanted_onnxruntime({}, FILES, system, machine) == ""


def pins(lock: bytes) -> dict[str, list[str]]:
    """Each package with its version, and its hashes."""
    found = re.findall(r"^([a-z0-9][^\s\\;]*)(.*(?:\n[ \t]+--hash=.*)*)", lock.decode(), re.MULTILINE)
    return {package: re.findall(r"sha256:([0-9a-f]{64})\b", rest) for package, rest in found}


@pytest.mark.parametrize("name", ["core", "neural"])
def test_it_takes_the_locked_ones_place_with_its_hashes_and_nothing_else_changes(name: str) -> None:
    plain, swapped = pins(layer_lock(name, FILES, "")), pins(layer_lock(name, FILES, "directml"))
    assert layer_lock(name, FILES, "") == FILES(f"plugin/locks/{name}.txt")
    (gone,), (came,) = plain.keys() - swapped.keys(), swapped.keys() - plain.keys()
    assert gone.startswith("onnxruntime==")
    assert came.startswith("onnxruntime-directml==")
    assert len(set(swapped[came])) == 4, "a wheel for each Python from 3.11 to 3.14"
    assert all(swapped[package] == hashes and hashes for package, hashes in plain.items() if package != gone)


def test_a_layer_with_it_is_another_layer() -> None:
    assert len({layer_key("core", FILES, "cpython-3.12", "cpu", build) for build in ("", "directml")}) == 2
    assert layer_key("core", FILES, "cpython-3.12", "cpu") == layer_key("core", FILES, "cpython-3.12", "cpu", "")
