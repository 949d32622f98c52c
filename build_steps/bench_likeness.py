"""`build.py bench --clone --quality`: does a clone sound like its recording, and how wide is its sound.

Heard by Resemblyzer, whose package has its weights in it; of its voice detection, which wants a compiler, nothing is used.
Words are not checked: no recogniser is part of the project.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from build_steps.bench_figures import Figures
from build_steps.bench_rounds import Side
from build_steps.console import Console, table
from build_steps.sample import sample_bundle
from plugin import environ, paths
from plugin.commands import run

PACKAGE: Final = "resemblyzer==0.1.4"
_SENTENCES: Final = 8
_ROWS: Final = (
    ("the recording's two halves", "halves"),
    ("other recordings of the same person", "same"),
    ("the clone", "clone"),
    ("the base voice", "base"),
    ("espeak", "espeak"),
    ("two strangers: base voice and espeak", "strangers"),
)


def environment(python: Path, console: Console) -> Path:
    """The folder with it, beside the neural layer, which has all that it needs; filled by pip where it is missing. SystemExit with pip's words."""
    folder = paths.engine_dir() / "bench-resemblyzer"
    done = folder / "done"
    if not done.exists():
        console.title(f"Installing {PACKAGE}")
        shutil.rmtree(folder, ignore_errors=True)
        finished = run([str(python), "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), PACKAGE], environ.for_children())
        if finished.code != 0:
            raise SystemExit(f"{PACKAGE} could not be installed:\n{finished.tail}")
        done.touch()
    return folder


def compared(
    neural: Path,
    resemblyzer: Path,
    base: Mapping[str, Any],
    converter: str,
    recordings: tuple[Path, Sequence[Path]],
    trained: Mapping[str, str] | None,
    folder: Path,
    device: str = "cpu-torch",
    sentences: int = 0,
) -> Figures:
    """One converter's figures. recordings: the sample, and others of the same person. trained: its files by role; None: small ones with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    sample, same = recordings
    shared = {"language": "en", "cache_dir": str(folder / "graphs"), "voice": base, "sentences": sentences or _SENTENCES}
    given = {**shared, "bundle": str(sample_bundle(folder / "book")), "converter": converter, "files": trained, "sample": str(sample), "full": False}
    with Side(neural, "clone_speech", {**given, "folder": str(folder), "device": device}, folder / "speech.log") as speech:
        spoken = speech.ask(do="speak")
    groups = {**spoken["groups"], **({"same": [str(path) for path in same]} if same else {})}
    with Side(neural, "likeness", {"resemblyzer": str(resemblyzer)}, folder / "likeness.log") as likeness:
        heard = likeness.ask(do="compare", sample=spoken["sample"], groups=groups)
    about = {"converter": converter, "base": base["id"], "device": device, "trained": trained is not None}
    return {**about, "likeness": heard["likeness"], "bandwidth_hz": heard["bandwidth_hz"]}


def report(found: Sequence[Figures]) -> str:
    """Likeness to the recording, 0 to 1, and up to where there is sound, beside one another."""
    rows = [["", *(f["converter"] + ("" if f["trained"] else ", random weights") for f in found)]]
    for title, field in _ROWS:
        if any(field in f["likeness"] for f in found):
            rows.append([f"likeness: {title}", *(f"{f['likeness'][field]:.2f}" if field in f["likeness"] else "–" for f in found)])
    for field in found[0]["bandwidth_hz"]:
        rows.append([f"sound up to: {field}", *(f"{f['bandwidth_hz'][field] / 1000:.1f} kHz" for f in found)])
    return table(rows)
