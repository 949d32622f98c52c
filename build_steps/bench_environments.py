"""What `build.py bench` compares with and listens by, and no conversion needs: packages of the index, in folders of their own in the engine's folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from build_steps.console import Console
from plugin import environ, paths
from plugin.commands import run


def own(name: str, packages: Sequence[str], console: Console) -> Path:
    """The Python of an environment with these packages and what they need. SystemExit with pip's words where that cannot be had."""
    folder = paths.engine_dir() / f"bench-{name}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _filled(folder, packages, [[sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "-q", *packages]], console)
    return python


def beside(name: str, package: str, python: Path, console: Console) -> Path:
    """A folder with that package alone, for a Python that has what it needs. SystemExit as above."""
    folder = paths.engine_dir() / f"bench-{name}"
    _filled(folder, [package], [[str(python), "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), package]], console)
    return folder


def _filled(folder: Path, packages: Sequence[str], commands: Sequence[Sequence[str]], console: Console) -> None:
    """Run the commands where this folder does not hold these very packages yet."""
    done, wanted = folder / "done", "\n".join(packages)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    console.title(f"Installing {', '.join(packages)}")
    shutil.rmtree(folder, ignore_errors=True)
    for command in commands:
        finished = run(list(command), environ.for_children())
        if finished.code != 0:
            raise SystemExit(f"{', '.join(packages)} could not be installed:\n{finished.tail}")
    done.write_text(wanted, encoding="utf-8")
