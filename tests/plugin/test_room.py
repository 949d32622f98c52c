"""What Calibre's status bar and a job's details hold of what we say."""

from __future__ import annotations

import pytest
import said

from plugin import wording
from plugin.room import DETAILS, LEAST_MS, MOST_MS, STATUS_BAR, columns, in_details, short, shown_ms

ALICE = "Alice’s Adventures in Wonderland, the second volume"


@pytest.mark.parametrize("translated", [None, said.longer])
def test_what_is_said_in_usual_cases_fits_into_the_status_bar_of_a_small_window(translated: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_", translated, raising=False)
    found = said.sentences()
    assert len(found) > 60 and any("Select a book" not in text and "nothing spoken yet" in text for text in found)
    wide = [(columns(text), text) for text in found if columns(text) > STATUS_BAR]
    assert not wide, "\n".join(f"{width} {text}" for width, text in sorted(set(wide)))


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("One", 32, "One"),
        (ALICE, 32, "Alice’s Adventures in…ond volume"),
        ("山月記と李陵と名人伝", 12, "山月記…人伝"),
        ("e\u0301" * 8, 8, "e\u0301" * 8),
        ("e\u0301" * 12, 8, "e\u0301" * 5 + "…" + "e\u0301" * 2),
        ("One\r\n\x00Two\u2028\u202ethree\u2069", 32, "One Two three"),
    ],
)
def test_of_a_long_title_beginning_and_end_are_said(text: str, most: int, shown: str) -> None:
    assert short(text, most) == shown and columns(shown) <= most


def test_a_sentence_is_shown_as_long_as_it_takes_to_be_read() -> None:
    assert shown_ms("Audiobook ready: One") == LEAST_MS
    assert LEAST_MS < shown_ms(" ".join(["word"] * 20)) < shown_ms(" ".join(["word"] * 30)) < MOST_MS == shown_ms("word " * 200)
    assert shown_ms("山" * 60) > LEAST_MS, "where no spaces part the words"


def test_a_sentence_is_broken_into_lines_that_a_jobs_details_hold() -> None:
    lines = in_details("It was stopped. 45 % of the book is spoken, and kept. " * 4).splitlines()
    assert len(lines) > 2 and max(map(columns, lines)) <= DETAILS
    assert max(map(columns, in_details("山" * 200).splitlines())) <= DETAILS and in_details("") == ""


def test_a_share_is_the_same_percents_wherever_it_is_told_and_all_is_told_of_all_alone() -> None:
    for whole in range(101):
        assert wording.percents(whole / 100) == wording.percents(round(whole / 100 - 3e-5, 4)) == whole
    assert (wording.percents(0.32997), wording.percents(0.3298), wording.percents(0.99999), wording.percents(1.0)) == (33, 32, 99, 100)
