"""The sidecar's wheel and the plugin's zip: by allow-list, and the same bytes from the same sources on every machine.

So: sorted names, one fixed date, fixed permissions, text files with line feeds, and stored, not deflated, since zlib's
output differs between its versions (and Calibre loads a stored zip faster).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from build_steps.places import BUILD, ROOT, ZIP

DATE: Final = (2020, 1, 1, 0, 0, 0)
TEXT: Final = (".py", ".json", ".txt", ".md", ".svg", ".toml")

ALLOWED: Final = (
    "__init__.py",
    "plugin-import-name-e2a.txt",
    "LICENSE",
    "plugin/**/*.py",
    "plugin/sources.json",
    "plugin/locks/*.txt",
    "plugin/images/*.png",
    "plugin/images/*.svg",
    "translations/*.mo",
)
"""What of the checkout goes into the zip; besides it only the sidecar's wheel. locks/dev.txt is for developers."""
LEFT_OUT: Final = frozenset({"plugin/locks/dev.txt"})


def build() -> Path:
    """Make the wheel and the zip; returns the zip's path."""
    wheel = build_wheel()
    entries = {name: _bytes(ROOT / name) for name in allowed_names(ROOT)}
    for path in (wheel, wheel.with_name("index.json")):
        entries[f"plugin/wheels/{path.name}"] = path.read_bytes()
    ZIP.parent.mkdir(parents=True, exist_ok=True)
    write_zip(ZIP, entries)
    return ZIP


def build_wheel() -> Path:
    """The sidecar as a wheel in `build/plugin/wheels/`, and `index.json` that names it."""
    package = ROOT / "sidecar" / "src" / "e2a_sidecar"
    version = sidecar_version(package / "__init__.py")
    entries = {f"e2a_sidecar/{path.relative_to(package).as_posix()}": _bytes(path) for path in sorted(package.rglob("*")) if _of_package(path)}
    info = f"e2a_sidecar-{version}.dist-info"
    entries[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: e2a-sidecar\nVersion: {version}\n"
        "Summary: The sidecar process of the Calibre plugin Convert to Audiobook\nLicense: GPL-3.0-only\nRequires-Python: >=3.11\n"
    ).encode()
    entries[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: convert-to-audiobook\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    entries[f"{info}/RECORD"] = record(entries, f"{info}/RECORD")
    folder = BUILD / "plugin" / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"e2a_sidecar-{version}-py3-none-any.whl"
    for old in folder.glob("*.whl"):
        if old != wheel:
            old.unlink()
    write_zip(wheel, entries)
    index = {"name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    (folder / "index.json").write_text(json.dumps(index) + "\n", encoding="utf-8", newline="\n")
    return wheel


def allowed_names(root: Path) -> list[str]:
    """The checkout's files that go into the zip, sorted."""
    found = {path.relative_to(root).as_posix() for pattern in ALLOWED for path in root.glob(pattern) if path.is_file()}
    return sorted(name for name in found - LEFT_OUT if "__pycache__" not in name)


def sidecar_version(init: Path) -> str:
    """From the package's own `__version__`."""
    match = re.search(r'^__version__ = "([^"]+)"', init.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise SystemExit(f"{init.name} names no version")
    return match.group(1)


def record(entries: Mapping[str, bytes], own_name: str) -> bytes:
    """A wheel's RECORD: name, hash and size of each file, its own line without."""
    lines = []
    for name in sorted(entries):
        digest = base64.urlsafe_b64encode(hashlib.sha256(entries[name]).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(entries[name])}")
    return "\n".join([*lines, f"{own_name},,", ""]).encode()


def write_zip(path: Path, entries: Mapping[str, bytes]) -> None:
    """A zip whose bytes depend on names and contents alone; it replaces an older one at once."""
    part = path.with_name(path.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as z:
        for name in _sorted(entries):
            info = zipfile.ZipInfo(name, DATE)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            z.writestr(info, entries[name])
    part.replace(path)


def _sorted(names: Iterable[str]) -> list[str]:
    """Calibre looks for the import name's file first; a wheel's dist-info comes last, as its format recommends."""
    return sorted(names, key=lambda name: (".dist-info/" in name, name))


def _of_package(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return data.replace(b"\r\n", b"\n") if path.suffix in TEXT else data
