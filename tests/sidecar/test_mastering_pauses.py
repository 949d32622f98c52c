"""Where sentences and chapters stand in the finished book."""

from __future__ import annotations

from itertools import pairwise

import pytest
from e2a_sidecar.mastering.pauses import CHAPTER_LEAD_S, LEAD_IN_S, PAUSE_S, SILENT_CHAPTER_S, TAIL_S, TimeLine
from e2a_sidecar.model import Break, Chapter, ChapterMark, Sentence, Source, Spoken, Word

RATE_HZ = 22050


def sentence(index: int, before: Break = Break.SENTENCE) -> Sentence:
    return Sentence(index, None, Source("a.xhtml", 0, 1), "x", "x", before)


def told(breaks: list[Break], chapters: list[int], lengths: list[int] | None = None) -> tuple[list[Spoken], list[ChapterMark], list[int], int]:
    """Places of sentences of a second each, marks, silences before them, samples of all."""
    line = TimeLine(RATE_HZ, [Chapter(f"Chapter {n}", 1, first) for n, first in enumerate(chapters)])
    spoken, silences, total = [], [], 0
    for index, before in enumerate(breaks):
        length = lengths[index] if lengths else RATE_HZ
        silence, place = line.place(sentence(index, before), length, None)
        spoken.append(place)
        silences.append(silence)
        total += silence + length
    tail = line.finish()
    assert line.duration_s == (total + tail) / RATE_HZ
    return spoken, line.chapter_marks(), silences, total + tail


def test_the_longer_the_break_the_longer_the_pause() -> None:
    spoken, *_ = told([Break.CHAPTER, *Break], [])
    gaps = [after.start_s - before.end_s for before, after in pairwise(spoken)]
    assert gaps == sorted(gaps)
    assert gaps == pytest.approx([PAUSE_S[kind] for kind in Break], abs=1 / RATE_HZ)
    assert spoken[0].start_s == LEAD_IN_S


def test_places_are_what_the_silences_say_to_the_sample() -> None:
    spoken, _, silences, total = told([Break.PARAGRAPH] * 5000, [0, 40, 41], [7919] * 5000)
    now = 0
    for place, silence in zip(spoken, silences, strict=True):
        now += silence
        assert round(place.start_s * RATE_HZ) == now
        now += 7919
        assert round(place.end_s * RATE_HZ) == now
    assert total - now == round(TAIL_S * RATE_HZ)


def test_words_get_the_books_time() -> None:
    line = TimeLine(RATE_HZ, [])
    line.place(sentence(0), RATE_HZ, None)
    _, place = line.place(sentence(1), RATE_HZ, (Word(0.1, 0.4, 0, 3), Word(0.4, 0.9, 4, 8)), ("halved",))
    assert place.words is not None
    assert [(w.start, w.end) for w in place.words] == [(0, 3), (4, 8)]
    assert place.words[0].start_s == pytest.approx(place.start_s + 0.1)
    assert place.words[1].end_s == pytest.approx(place.start_s + 0.9)
    assert place.flags == ("halved",)


def test_a_chapter_begins_within_its_pause_just_before_its_first_sentence() -> None:
    spoken, marks, *_ = told([Break.CHAPTER, Break.SENTENCE, Break.CHAPTER, Break.HEADING], [0, 2, 3])
    assert marks[0].start_s == 0.0
    assert marks[1].start_s == pytest.approx(spoken[2].start_s - CHAPTER_LEAD_S, abs=1e-3)
    assert marks[2].start_s == pytest.approx(spoken[3].start_s - CHAPTER_LEAD_S, abs=1e-3)
    assert spoken[1].end_s < marks[1].start_s < spoken[2].start_s


def test_chapters_touch_and_the_last_ends_with_the_book() -> None:
    _, marks, _, total = told([Break.CHAPTER] * 4, [0, 1, 3])
    assert [m.end_s for m in marks] == [*(m.start_s for m in marks[1:]), total / RATE_HZ]


def test_front_matter_before_the_first_chapter_is_in_none() -> None:
    spoken, marks, *_ = told([Break.CHAPTER] * 3, [2])
    assert marks[0].start_s == pytest.approx(spoken[2].start_s - CHAPTER_LEAD_S, abs=1e-3)


@pytest.mark.parametrize("chapters", [[0, 0, 0, 1], [0, 1, 1, 1, 1, 2], [0, 2, 3, 3], [3], [0, 0], [1, 3, 3, 3]])
def test_a_chapter_without_words_gets_a_second_of_the_pause_before_the_next(chapters: list[int]) -> None:
    spoken, marks, _, total = told([Break.CHAPTER, Break.SENTENCE, Break.CHAPTER], chapters)
    assert [m.title for m in marks] == [f"Chapter {n}" for n in range(len(chapters))]
    for mark, following, first in zip(marks, [*marks[1:], None], chapters, strict=True):
        end_s = following.start_s if following else total / RATE_HZ
        assert end_s - mark.start_s >= SILENT_CHAPTER_S - 1e-3
        if first < 3:
            assert mark.start_s < spoken[first].start_s
        if first:
            assert mark.start_s >= spoken[first - 1].end_s


@pytest.mark.parametrize("pauses", [0.5, 2.0])
def test_all_pauses_are_as_much_longer_or_shorter_as_the_user_wants(pauses: float) -> None:
    places = []
    for factor in (1.0, pauses):
        line = TimeLine(RATE_HZ, [Chapter("One", 1, 0), Chapter("Empty", 1, 2), Chapter("Two", 1, 2)], factor)
        spoken = [line.place(sentence(index, before), RATE_HZ, None)[1] for index, before in enumerate([Break.CHAPTER, Break.SENTENCE, Break.CHAPTER])]
        line.finish()
        gaps = [spoken[0].start_s, *(after.start_s - before.end_s for before, after in pairwise(spoken)), line.duration_s - spoken[-1].end_s]
        leads = [spoken[2].start_s - mark.start_s for mark in line.chapter_marks()[1:]]
        places.append([*gaps, *leads])
    assert places[1] == pytest.approx([pauses * place for place in places[0]], abs=4 / RATE_HZ)


def test_sentences_that_nobody_can_pronounce_do_not_add_up_to_a_hole() -> None:
    lengths = [RATE_HZ, *[0] * 50, RATE_HZ]
    spoken, *_ = told([Break.PARAGRAPH] * 26 + [Break.SCENE] + [Break.SENTENCE] * 25, [], lengths)
    assert spoken[-1].start_s - spoken[0].end_s == pytest.approx(PAUSE_S[Break.SCENE], abs=1e-3)


def test_a_book_of_silence_still_has_all_its_chapters() -> None:
    _, marks, _, total = told([], [0, 0, 0])
    assert [m.start_s for m in marks] == pytest.approx([0, 1, 2])
    assert total / RATE_HZ == pytest.approx(3.0)
