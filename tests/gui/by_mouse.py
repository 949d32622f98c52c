"""A whole book in a whole Calibre, by a real right click: minutes from Convert to the M4B that stands at the book.

By hand, on a quiet machine: `E2A_TEST_ZIP=... E2A_ENGINE=<folder of an installed engine> python tests/gui/by_mouse.py BOOK.epub FOLDER [VOICE ...]`.
Prints figures; what was made lies in FOLDER.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from harness import Book, Desk

PATIENCE_S = 3600


def main(book: Path, out: Path, voices: list[str]) -> None:
    """A line for each voice."""
    out.mkdir(parents=True, exist_ok=True)
    engine = Path(os.environ["E2A_ENGINE"])
    for voice in voices:
        with tempfile.TemporaryDirectory(prefix="e2a-by-mouse-") as scratch:
            desk = Desk.made(Path(scratch) / "desk", Path(os.environ["E2A_TEST_ZIP"]), [Book(book.stem, {"EPUB": book})])
            own = Path(desk.env["E2A_ENGINE_DIR"])
            for name in ("layers", "voices"):
                (own / name).symlink_to(engine / name)
            result = desk.play("whole_book", timeout_s=PATIENCE_S, wait_s=PATIENCE_S, E2A_VOICE=voice).fine()
            told = result["report"]
            shutil.copy(result["m4b"], out / f"{book.stem}-{told['voice']}.m4b")
            for picture in Path(scratch).rglob("played-*/*.png"):
                shutil.copy(picture, out / f"{told['voice']}-{picture.name}")
            xrt = told["duration_s"] / result["took_s"]
            words = f"{told['voice']} ({told['engine']}, {told['device']}): {result['took_s']:.0f} s for {told['duration_s']:.0f} s of sound, {xrt:.1f} x"
            print(f"{words}; window after {result['window_after_s']:.1f} s, {told['peak_rss_mb']} MB", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3:] or ["heart"])
