"""The longest chapter of a book as lines for `on_the_device`: read and turned into phonemes by the sidecar's own code, without torch.

    PYTHONPATH=sidecar/src:tests:tests/sidecar python lines_of_book.py BOOK VOICE.onnx.json LINES.json [BUNDLE]

BOOK: an EPUB (unpacked here without Calibre, by the tests' own reader), or a folder with a bundle. BUNDLE: a folder for the
whole book as a bundle. Needs pytest, which that reader imports. Prints what it found.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.voices.piper import PiperConfig
from reading_bundles import epub_bundle

from gpu.lines import encoded_lines, write_lines


def main(book: Path, config_path: Path, out: Path, bundle: Path | None = None) -> None:
    """Write the lines, and the bundle."""
    config = PiperConfig.load(config_path)
    with tempfile.TemporaryDirectory() as scratch:
        folder = book if book.is_dir() else epub_bundle(book, Path(scratch), config.language)
        read = read_book(folder)
        if bundle is not None:
            shutil.copytree(folder, bundle, dirs_exist_ok=True)
    chapters: dict[int | None, list[str]] = defaultdict(list)
    for sentence in read.sentences:
        chapters[sentence.chapter].append(sentence.spoken)
    if not chapters:
        sys.exit(f"There is nothing to read aloud in {book.name}.")
    number, texts = max(chapters.items(), key=lambda chapter: sum(map(len, chapter[1])))
    lines = encoded_lines(texts, PhonemeFrontEnd(config))
    write_lines(out, lines)
    title = "the whole book" if number is None else read.chapters[number].title
    print(f"{title}: {len(lines.lines)} lines, {sum(len(line.text) for line in lines.lines)} characters")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
