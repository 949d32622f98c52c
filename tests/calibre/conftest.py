"""A Calibre of its own for these tests, with the plugin and without an engine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from calibre_profile import Profile, install


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profile]:
    root = tmp_path_factory.mktemp("calibre")
    yield install(root)
    shutil.rmtree(root, ignore_errors=True)
