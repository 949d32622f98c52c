"""In Calibre's interpreter: a real library with one book, whose engine is a scripted sidecar."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import job, sidecars, sources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import runtime  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
import books  # type: ignore[import-not-found]

FAKE = Path(__file__).parents[1] / "plugin" / "fake_sidecar.py"
PYTHON = shutil.which("python3") or "python3"


@dataclass(frozen=True)
class FakeLayer:
    name: str
    folder: Path
    script: str

    def command(self) -> list[str]:
        return [PYTHON, str(FAKE), self.script]


class Shelf:
    """A library with one book, and a way to convert it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.db = LibraryDatabase(str(folder / "lib"))
        self.api = self.db.new_api
        mi = Metadata("Title of the library", ["First Author", "Second Author"])
        mi.languages, mi.series, mi.series_index, mi.tags = ["eng"], "Lamps", 3.0, ["light"]
        mi.comments = "<p>One.</p><p>Two &amp; three.</p>"
        self.id = self.api.create_book_entry(mi)
        self.api.add_format(self.id, "EPUB", str(books.epub(folder / "b.epub")), run_hooks=False)
        self.script = "convert"
        monkeypatch.setattr(runtime, "find_layer", lambda name, resources: FakeLayer(name, folder, self.script))

    @contextmanager
    def library(self) -> Iterator[Any]:
        yield self.api

    def convert(self, stop: Any = lambda: False, **options: Any) -> Any:
        kept = sidecars.Sidecars()
        try:
            work = job.Job(job.Options(voice="tone", **options), lambda name: b'{"voices": [], "other_voices": []}', kept, lambda step: None, stop)
            return work.run(sources.FromLibrary(self.library, self.id))
        finally:
            kept.close()

    @property
    def m4b(self) -> Path | None:
        place = self.api.format_abspath(self.id, "M4B")
        return Path(place) if place else None
