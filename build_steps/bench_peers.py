"""`build.py bench --peers`: sherpa-onnx, which speaks Piper's voices too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from build_steps import bench_environments
from build_steps.bench_rounds import Answer, Side
from build_steps.console import Console

PACKAGE: Final = "sherpa-onnx==1.13.8"
"""Its 2.x has no espeak front end."""


def environment(console: Console) -> Path:
    """Its Python; see `bench_environments.own`."""
    return bench_environments.own("sherpa", [PACKAGE, "numpy"], console)


def given(voice: Mapping[str, Any], folder: Path, core: Path) -> Answer:
    """What its process is started with for a Piper voice."""
    with Side(core, "sherpa_files", {"voice": voice, "folder": str(folder / "sherpa")}, folder / "sherpa_files.log") as files:
        return files.ready
