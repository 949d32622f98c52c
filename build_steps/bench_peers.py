"""`build.py bench --peers`: sherpa-onnx, which speaks Piper's voices too, in an environment of its own in the engine's folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from build_steps.bench_rounds import Answer, Side
from build_steps.console import Console
from plugin import environ, paths
from plugin.commands import run

PACKAGE: Final = "sherpa-onnx==1.13.8"
"""Its 2.x has no espeak front end."""


def environment(console: Console) -> Path:
    """Its Python; installed by pip where it is missing. SystemExit with pip's words where that fails."""
    folder = paths.engine_dir() / "bench-sherpa"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "done"
    if not done.exists():
        console.title(f"Installing {PACKAGE}")
        shutil.rmtree(folder, ignore_errors=True)
        commands = ([sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "-q", PACKAGE, "numpy"])
        for command in commands:
            finished = run(command, environ.for_children())
            if finished.code != 0:
                raise SystemExit(f"{PACKAGE} could not be installed:\n{finished.tail}")
        done.touch()
    return python


def given(voice: Mapping[str, Any], folder: Path, core: Path) -> Answer:
    """What its process is started with for a Piper voice."""
    with Side(core, "sherpa_files", {"voice": voice, "folder": str(folder / "sherpa")}, folder / "sherpa_files.log") as files:
        return files.ready
