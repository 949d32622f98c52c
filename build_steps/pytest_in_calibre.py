"""Run pytest inside Calibre's own interpreter: `calibre-debug -e pytest_in_calibre.py -- PYTEST ARGUMENTS`.

`E2A_PYTEST` is the folder that pytest was installed into.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.environ["E2A_PYTEST"])
import pytest

raise SystemExit(pytest.main(sys.argv[1:]))
