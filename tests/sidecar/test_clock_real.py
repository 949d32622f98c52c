"""Words' times in the finished file, against its sound: the real voice by onnxruntime, mastered, encoded, decoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from real_clock import RealBook, edges, offsets, real_book


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> RealBook:
    return real_book(tmp_path_factory.mktemp("clock"), "cpu", cache)


def test_words_beside_pauses_begin_and_end_with_their_sound(book: RealBook) -> None:
    for found in edges(book):
        assert len(found) > 35
        far = [edge for edge in found if abs(edge.late_s) > 0.03]
        assert len(far) <= 0.05 * len(found), far
        assert abs(np.median([edge.late_s for edge in found])) < 0.01


def test_no_sample_moves_between_a_clip_and_its_place_in_the_file(book: RealBook) -> None:
    assert max(map(abs, offsets(book))) <= book.rate_hz * 0.0005 + 1  # the report counts milliseconds
