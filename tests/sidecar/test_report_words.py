"""Words in the report: whatever is said otherwise than it is written, they stand in order in the book's own text."""

from __future__ import annotations

import random

from e2a_sidecar.model import Break, Sentence, Source, Spoken, Word
from e2a_sidecar.reading.spoken import spoken
from e2a_sidecar.report import MOST_WORD, _sentence, words_of
from e2a_sidecar.speaking.flags import MOST_UNSPOKEN, unspoken_flags
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


def test_words_of_which_something_was_not_said_are_named_as_they_stand_in_the_book() -> None:
    text = "Mr. ᎠᎡ and x⊕."
    said, pieces = spoken(text, "en", False)
    places = [(said.index(word), said.index(word) + len(word)) for word in ("x⊕", "ᎠᎡ")]
    sentence = Sentence(0, None, Source("d", 0, len(text)), text, said, Break.SENTENCE, spoken_map=pieces)
    row = _sentence(Spoken(sentence, 0.0, 1.0, None, ("edge", *unspoken_flags(places))), None)
    assert said != text and (row["flags"], row["unspoken"]) == (["edge", "words_unspoken"], ["ᎠᎡ", "x⊕"])
    assert "unspoken" not in _sentence(Spoken(sentence, 0.0, 1.0, None, ("words_unspoken",)), None), "of an older clip nobody knows"
    assert unspoken_flags([]) == ()


def test_words_that_were_not_said_are_bounded() -> None:
    word = "ᎠᎡ" * MOST_WORD
    text = " ".join([word] * (2 * MOST_UNSPOKEN))
    sentence = Sentence(0, None, Source("d", 0, len(text)), text, text, Break.SENTENCE)
    row = _sentence(Spoken(sentence, 0.0, 1.0, None, unspoken_flags(word_places(text))), None)
    assert len(row["unspoken"]) == MOST_UNSPOKEN and {len(found) for found in row["unspoken"]} == {MOST_WORD}
