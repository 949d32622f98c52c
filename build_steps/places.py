"""Where things lie in a checkout, and what is started from it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
DIST: Final = ROOT / "dist"
ZIP: Final = DIST / "convert-to-audiobook.zip"
PLUGIN_NAME: Final = "Convert to Audiobook"
DEFAULT_VOICE: Final = "en_US-joe-medium"
