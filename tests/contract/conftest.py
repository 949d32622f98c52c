"""Both programs from the checkout, side by side: only tests may see them both."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "sidecar" / "src", ROOT / "tests", ROOT / "tests" / "sidecar"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
