"""Words' times in the finished file, against its sound: the real voice by coqui's class, mastered, encoded, decoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from real_clock import edges, real_book


def test_words_beside_pauses_begin_and_end_with_their_sound(tmp_path: Path, cache: Path) -> None:
    for found in edges(real_book(tmp_path, "cpu-torch", cache)):
        assert len(found) > 35
        far = [edge for edge in found if abs(edge.late_s) > 0.03]
        assert len(far) <= 0.05 * len(found), far
        assert abs(np.median([edge.late_s for edge in found])) < 0.01
