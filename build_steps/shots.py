"""`build.py shots`: every window, page, menu and state of the plugin as a picture, made by real Calibre, and one sheet of all.

In each of LANGUAGES, light and dark, narrow and wide (tests/gui/scenarios/shots.py); no engine is needed. What the
geometry of the windows says against them is told at the end, and is the exit code.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from build_steps import machine, packaging
from build_steps.console import Console, result
from build_steps.places import ROOT
from build_steps.sample import make_sample

LANGUAGES: Final = ("", "long", "rtl")
"""English, one that is 40 % longer, one from right to left."""
SHEET: Final = "all.png"


def shots(folder: Path, only: list[str]) -> int:
    """0 where nothing is wrong with any window, else 1. only: the states whose names begin so; all, where empty."""
    console = Console()
    machine.need(machine.CALIBRE, console)
    sys.path.insert(0, str(ROOT / "tests" / "gui"))
    from harness import Desk, shelf_of_states  # type: ignore[import-not-found, unused-ignore]

    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    plugin = packaging.build()
    flaws: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="e2a-shots-") as scratch:
        book = make_sample(Path(scratch) / "sample.epub")
        desk = Desk.made(Path(scratch) / "desk", plugin, shelf_of_states(book))
        desk.give_voice()
        for language in LANGUAGES:
            console.title(f"Pictures: {language or 'English'}")
            more = {"E2A_SHOTS": str(folder), "E2A_STATES": " ".join(only), "E2A_PSEUDO": language}
            flaws |= desk.play("shots", screen=False, timeout_s=600, **more).fine()["flaws"]
        desk.must("calibre-debug", "-e", str(ROOT / "tests" / "gui" / "sheet.py"), "--", str(folder), SHEET)
    console.end()
    for name, said in sorted(flaws.items()):
        result("\n  ".join([name, *said]))
    result(f"{len(list(folder.glob('*.png'))) - 1} pictures in {folder}, all of them in {SHEET}; {sum(map(len, flaws.values()))} flaws")
    return 1 if flaws else 0

