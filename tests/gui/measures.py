"""What the plugin costs: time added to Calibre's start, and the longest block of the GUI's thread in a whole conversion by real clicks.

By hand, on a quiet machine: `E2A_TEST_ZIP=... python tests/gui/measures.py [STARTS]`. Prints figures, judges nothing.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "calibre"))
import books  # type: ignore[import-not-found]
from harness import Book, Desk

STARTED = re.compile(r"Started up in ([\d.]+) seconds")
PARTS = """
import sys, time, threading
from calibre.gui2.ui import Main
from calibre.customize.ui import find_plugin
plugin = find_plugin("Convert to Audiobook")
before, began = set(sys.modules), time.perf_counter()
from calibre_plugins.e2a.plugin import action, placement, prefs
print("import", round((time.perf_counter() - began) * 1000, 1), "ms,", len(set(sys.modules) - before), "modules")
"""


def main(starts: int) -> None:
    """Each figure on a line."""
    plugin = Path(os.environ["E2A_TEST_ZIP"])
    with tempfile.TemporaryDirectory(prefix="e2a-measures-") as scratch:
        shelf = [Book("One", {"EPUB": books.epub(Path(scratch) / "b.epub")})]
        without = Desk.made(Path(scratch) / "without", None, shelf)
        with_it = Desk.made(Path(scratch) / "with", plugin, shelf)
        found: dict[str, list[float]] = {"without": [], "with": []}
        for _n in range(starts):
            for name, desk in (("without", without), ("with", with_it)):
                log = desk.play("starts", screen=False).log
                found[name].append(float(STARTED.findall(log)[0]) * 1000)
        for name, times in found.items():
            print(f"start {name}: median {statistics.median(times):.0f} ms, least {min(times):.0f} ms, of {len(times)}")
        script = Path(scratch) / "parts.py"
        script.write_text(PARTS, "utf-8")
        print(*(with_it.run("calibre-debug", "-e", str(script)).stdout.strip() for _n in range(3)), sep="\n")
        with_it.give_voice()
        with_it.env.update({"E2A_SCRIPT_M4B": str(script), "E2A_SCRIPT_STEP_S": "0.15"})
        blocks = with_it.play("clicks").fine()["blocks"]
        print(f"longest block: {blocks['ours_ms']} ms of ours, {blocks['longest_ms']} ms of all")
        for block in blocks["longest"]:
            print(f"  {block['ms']} ms ({block['cpu_ms']} ms computing){' ours' if block['ours'] else ''}: {'; '.join(block['in'][:3])}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
