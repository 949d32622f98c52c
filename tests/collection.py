"""Where the collection of real and hostile books is: E2A_TEST_BOOKS, else `shared/books` beside the checkout. It may be missing."""

from __future__ import annotations

import os
from pathlib import Path

BOOKS = Path(os.environ.get("E2A_TEST_BOOKS") or Path(__file__).resolve().parents[2] / "shared" / "books")
