"""A folder that all processes of one run of pytest share, for what takes long to make and is the same for each test: voices, and what is made of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This run's."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    """A sidecar's cache folder: cuts, exports and trials of voices lie there by the content of their files. Not for tests of how these come about."""
    return shared / "cache"


def of_its_own(folder: Path, cache: Path) -> Path:
    """`folder` as a cache folder without clips, in which what is made of voices is that of `cache`."""
    folder.mkdir(exist_ok=True)
    for name in ("cuts", "exports", "checks"):
        (cache / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(cache / name, target_is_directory=True)
    return folder
