"""The real voice en_US-joe-medium, where E2A_JOE_DIR says that it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from e2a_sidecar.voices.voice import Voice


@pytest.fixture(scope="session")
def joe() -> Voice:
    """Verified; without it the test is skipped."""
    folder = Path(os.environ.get("E2A_JOE_DIR", ""))
    files = (("config", folder / "en_US-joe-medium.onnx.json"), ("model", folder / "en_US-joe-medium.onnx"))
    if not all(path.is_file() for _, path in files):
        pytest.skip("the real voice is not here (E2A_JOE_DIR)")
    return Voice("en_US-joe-medium", "piper", "Joe", "en-US", files=files).verified()
