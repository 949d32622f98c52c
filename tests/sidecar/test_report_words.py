"""Words in the report: whatever is said otherwise than it is written, they stand in order in the book's own text."""

from __future__ import annotations

import random

from e2a_sidecar.model import Break, Sentence, Source, Word
from e2a_sidecar.reading.spoken import spoken
from e2a_sidecar.report import words_of
from e2a_sidecar.speaking.words import word_places

PIECES = (
    *("Mr.", "Darcy", "CHAPTER", "XII", "Henry", "VIII", "J.", "R.", "Tolkien", "1914–18", "No.", "7", "B⸺", "said—no", "wait…", "what?!", "etc.,"),
    *("—", "...", "*", "“Oh!”", "it’s", "don't", "IV.", "£5", "_so_", "naïve", "e.g.", "vs.", "吾輩は猫", "مرحبا", "\ufffd", "a|b", "--", ",,", "St."),
)


def test_words_are_in_order_inside_the_text_and_none_of_those_said_is_lost() -> None:
    chance = random.Random(11)
    for number in range(3000):
        text = " ".join(chance.choices(PIECES, k=chance.randint(1, 9)))
        if number % 7 == 0:
            text = text.upper()
        said, pieces = spoken(text, chance.choice(("en", "de", "")), number % 3 == 0)
        sentence = Sentence(0, None, Source("d", 0, len(text)), text, said, Break.SENTENCE, spoken_map=pieces)
        rows = words_of(sentence, 1.0, [Word(i, i + 1, *place) for i, place in enumerate(word_places(said))])
        at: float = 0
        now = 1.0
        for start_s, end_s, start, end in rows:
            assert at <= start < end <= len(text) and now <= start_s < end_s, (text, said, rows)
            at, now = end, end_s
        if not pieces:
            assert [(start, end) for _, _, start, end in rows] == word_places(text)
