"""The whole way: the built plugin in a real Calibre, the installed layers, the real voice. Skipped with a word where they are not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
from calibre_profile import Profile, install  # noqa: E402 -- after its folder is on the path
from collection import BOOKS  # noqa: E402


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profile]:
    """A Calibre with the plugin, which finds the engine that is installed already; clips are the session's own."""
    engine = os.environ.get("E2A_ENGINE_DIR", "")
    if not engine or not list(Path(engine).glob("layers/core-*")):
        pytest.skip("E2A_ENGINE_DIR does not name an installed engine")
    root = tmp_path_factory.mktemp("whole")
    made = install(root)
    yield replace(made, env={**made.env, "E2A_ENGINE_DIR": engine})
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's sample book."""
    from build_steps.sample import make_sample

    return make_sample(tmp_path_factory.mktemp("sample") / "The Lamp.epub")


@pytest.fixture(scope="session")
def dev_books() -> Path:
    """Real books, where they are."""
    found = BOOKS / "dev"
    if not (found / "MANIFEST.json").is_file():
        pytest.skip("the collection of real books is not here")
    return found
