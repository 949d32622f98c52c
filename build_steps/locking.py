"""`build.py lock`: the pins with hashes, in `plugin/locks/*.txt`, from the `.in` files beside them.

Universal: one file for Python 3.11 to 3.14 on Linux, Windows and macOS. Core's pins are those of neural's resolution.
torch takes part in resolving but is not written, nor what only it needs. Afterwards it is checked that each package has
a wheel for each platform; what has none is said.

`heart.txt`, the student voices' package, is written by hand. Another version fails `tests/sidecar/test_misaki_front_end.py` where it says other
phonemes than before, and `tests/sidecar/test_kokoro_student.py` where a word is as much as three milliseconds longer or shorter: what differs is
looked at, the ears of docs/voices.md are asked again, and then the golden figures there are made anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from build_steps.console import Console
from build_steps.places import ROOT
from plugin import environ, paths
from plugin.commands import never
from plugin.engine.installer import fetch_uv, find_uv, pip_settings
from plugin.engine.pythons import find_python
from plugin.resources import from_folder

LOCKS: Final = ROOT / "plugin" / "locks"
PLATFORMS: Final = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "aarch64-apple-darwin")
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
BY_TORCH: Final = re.compile(r"^((?:torch|triton|nvidia-|cuda-)[\w-]*)==", re.MULTILINE)
PINNED: Final = re.compile(r"^([\w.-]+)==", re.MULTILINE)
DROPPED: Final = "docopt ; python_version < '0'\n"
"""num2words asks for docopt for its own command alone, and docopt has no wheel."""


def lock() -> int:
    """Write all lock files; 1 where a package of core lacks a wheel for a platform."""
    console, uv = Console(), _uv()
    with tempfile.TemporaryDirectory() as folder:
        overrides = Path(folder) / "overrides.txt"
        overrides.write_text(DROPPED, encoding="utf-8")
        first = Path(folder) / "neural.txt"
        common = ["--overrides", str(overrides)]
        _compile(uv, "neural", first, common)
        not_written = sorted({*BY_TORCH.findall(first.read_text(encoding="utf-8")), "torchaudio", "torchcodec"})
        _compile(uv, "neural", LOCKS / "neural.txt", [*common, "--constraints", str(first), *(f"--no-emit-package={name}" for name in not_written)])
        _compile(uv, "core", LOCKS / "core.txt", ["--constraints", str(LOCKS / "neural.txt")])
        _compile(uv, "tools", LOCKS / "tools.txt", [])
        in_layers = PINNED.findall((LOCKS / "core.txt").read_text(encoding="utf-8"))  # the tools' folder comes before the layer's own
        _compile(uv, "dev", LOCKS / "dev.txt", ["--constraints", str(first), *(f"--no-emit-package={name}" for name in in_layers)])
    missing = {name: _without_wheel(uv, LOCKS / f"{name}.txt") for name in ("core", "neural")}
    for name, places in missing.items():
        for place in places:
            console.say(f"{name}: no wheel: {place}")
    return 1 if missing["core"] else 0


def _compile(uv: Path, name: str, target: Path, more: list[str]) -> None:
    command = [str(uv), "pip", "compile", f"{name}.in", "--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "python3 build.py lock", "--quiet", "--upgrade"]
    # The user's find-links may offer local builds ("+cpu"), which no lock may name.
    env = {key: value for key, value in environ.for_children().items() if key not in ("UV_FIND_LINKS", "PIP_FIND_LINKS")}
    subprocess.run([*command, "--output-file", str(target), *more], check=True, cwd=LOCKS, env=env)


def _without_wheel(uv: Path, lock_file: Path) -> list[str]:
    """`platform, Python: what uv says` for each place where a package would have to be compiled."""
    found = []
    for platform in PLATFORMS:
        for version in PYTHONS:
            command = [str(uv), "pip", "compile", str(lock_file), "--no-deps", "--only-binary", ":all:", "--python-platform", platform]
            env = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
            done = subprocess.run([*command, "--python-version", version, "--quiet", "--output-file", os.devnull], capture_output=True, text=True, env=env)
            if done.returncode:
                names = re.findall(r"Because (\S+) has no", done.stderr) or [done.stderr.strip()[:200]]
                found.append(f"{platform}, {version}: {', '.join(names)}")
    return found


def _uv() -> Path:
    env = environ.for_children()
    uv = find_uv(env, paths.tools_dir(), never)
    if uv is None:
        python = find_python(env)
        uv = fetch_uv(python, from_folder(ROOT), env, pip_settings(python, env, never), paths.tools_dir(), never)
    if uv is None:
        raise SystemExit("uv is needed to write the lock files: pip install uv")
    return uv
