"""In Calibre: does each EPUB's bundle hold its documents to the byte? `calibre-debug -e same_bytes.py -- BOOK...`"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from pathlib import Path

from calibre.customize.ui import find_plugin  # type: ignore[import-not-found]

assert find_plugin("Convert to Audiobook")
from calibre_plugins.e2a.plugin.book.export import export_book  # type: ignore[import-not-found]  # noqa: E402

for book in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(book) as archive:
        export_book(Path(book), Path(folder))
        bundle = json.loads((Path(folder) / "bundle.json").read_text("utf-8"))
        for item in bundle["spine"]:
            assert (Path(folder) / item["path"]).read_bytes() == archive.read(item["name"]), (book, item["name"])
        assert bundle["spine"] and bundle["toc_from"] == "book", book
        print("same", book)
