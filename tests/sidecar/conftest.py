"""The tools that these tests share lie beside them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE.parents[1] / "sidecar" / "src", HERE.parent, HERE):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from made_once import cache, shared  # noqa: E402, F401  (fixtures)
from real_voice import joe  # noqa: E402, F401  (a fixture)
