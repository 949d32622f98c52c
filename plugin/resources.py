"""Reading the plugin's own files, whether they lie in the installed zip or in a checkout.

`Resources` is a function from a path relative to the zip's root ("plugin/sources.json") to bytes; a file that is not
there raises FileNotFoundError. In a checkout the sidecar's wheel, which only the zip holds, is taken from `build/`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Resources = Callable[[str], bytes]

WHEEL_INDEX: Final = "plugin/wheels/index.json"
"""Says which wheel of the sidecar is there: {"name": "e2a_sidecar-...whl", "sha256": "..."}."""


@dataclass(frozen=True)
class WheelName:
    """The sidecar's wheel: its file name and its hash."""

    name: str
    sha256: str

    @property
    def path(self) -> str:
        return f"plugin/wheels/{self.name}"


def sidecar_wheel(resources: Resources) -> WheelName:
    """The wheel that this plugin brings."""
    raw = json.loads(resources(WHEEL_INDEX))
    return WheelName(str(raw["name"]), str(raw["sha256"]))


def from_zip(path: Path) -> Resources:
    """The files of a plugin zip."""

    def read(name: str) -> bytes:
        with zipfile.ZipFile(path) as z:
            try:
                return z.read(name)
            except KeyError:
                raise FileNotFoundError(f"{path.name} has no {name}") from None

    return read


def from_folder(root: Path) -> Resources:
    """The files of a checkout; `build.py` has put the wheel into `build/`."""

    def read(name: str) -> bytes:
        base = root / "build" if name.startswith("plugin/wheels/") else root
        return (base / name).read_bytes()

    return read
