"""pytest in Calibre's interpreter: `calibre-debug -e pytest_inside.py -- ARGUMENTS`. E2A_PYTEST: the folder that holds pytest.

That folder comes last in the path, so that Calibre's own packages stay Calibre's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.append(os.environ["E2A_PYTEST"])

import pytest
from calibre.customize.ui import find_plugin  # type: ignore[import-not-found]

assert find_plugin("Convert to Audiobook"), "the plugin is not installed"  # also registers calibre_plugins.e2a
os.chdir(Path(__file__).resolve().parents[2])  # pyproject.toml names folders of the checkout
raise SystemExit(pytest.main(["-o", "python_files=inside_*.py", "-W", "ignore", "-p", "no:cacheprovider", *sys.argv[1:]]))
