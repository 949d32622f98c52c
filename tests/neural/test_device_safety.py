"""The mission's fault and its absence, as the demo shows both."""

from __future__ import annotations

import json

import pytest
from fake_accelerator import show
from fake_accelerator.device import NUMPY_REFUSED


def test_the_demo_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    show.main()
    shown = json.loads(capsys.readouterr().out)
    assert shown["naive"] == f"TypeError: {NUMPY_REFUSED}"
    assert shown["ours"] == "ok" and shown["host_copies_per_batch"] == 2 and shown["hidden_syncs"] == 0
