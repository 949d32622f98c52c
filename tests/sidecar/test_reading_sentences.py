"""A book is cut where a reader breathes, and never into pieces that no engine can take."""

from __future__ import annotations

import pytest
from e2a_sidecar.model import Break
from e2a_sidecar.reading.language import normalise, primary
from e2a_sidecar.reading.sentences import MAX_CHARS, is_scene_break, split


def pieces(text: str, language: str = "en") -> list[str]:
    return [text[piece.start : piece.end] for piece in split(text, language)]


def test_sentences_are_found() -> None:
    assert pieces("Mr. Smith came. “Did he?” she asked. He did, at 5 p.m. on Monday!") == [
        "Mr. Smith came.",
        "“Did he?” she asked.",
        "He did, at 5 p.m. on Monday!",
    ]


def test_other_scripts_are_cut_too() -> None:
    assert pieces("學而時習之。不亦說乎？", "zh") == ["學而時習之。", "不亦說乎？"]


def test_an_exclamation_inside_a_sentence_does_not_end_it() -> None:
    assert pieces("Oh! but he was a hand at it, Scrooge! a squeezing old sinner! Hard as flint.") == [
        "Oh! but he was a hand at it, Scrooge! a squeezing old sinner!",
        "Hard as flint.",
    ]


def test_a_piece_without_words_goes_with_its_neighbour() -> None:
    assert pieces("“…! Well. . . . ?") == ["“…! Well. . . . ?"]
    assert pieces("* * *") == ["* * *"]
    assert pieces("") == []


def test_long_sentences_are_cut_at_their_marks() -> None:
    text = ", ".join(["and then there was a long clause that says something"] * 30) + "."
    cut = pieces(text)
    assert len(cut) > 3
    assert all(len(piece) <= MAX_CHARS for piece in cut)
    assert all(piece.endswith((",", ".")) for piece in cut)
    assert " ".join(cut) == text
    assert [piece.before for piece in split(text, "en")] == [Break.SENTENCE] + [Break.NONE] * (len(cut) - 1)


@pytest.mark.parametrize(
    "unit",
    ["word ", "x", "這", "a, ", "e\u0301", "Mr. ", "a—", "“a” (", "a ", "Oh! but "],
    ids=["words", "letters", "han", "commas", "accents", "dots", "dashes", "quotes", "blanks", "oh"],
)
def test_texts_without_end_are_cut_into_bounded_pieces_and_nothing_is_lost(unit: str) -> None:
    text = unit * 100_000
    cut = pieces(text)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert max(len(piece) for piece in cut) <= MAX_CHARS


def test_marks_without_end_are_bounded_too() -> None:
    cut = pieces("?! " * 90_000 + "a")
    assert max(len(piece) for piece in cut) <= MAX_CHARS
    assert cut[-1].endswith("?! a")


def test_ornaments_are_told_from_speech() -> None:
    assert all(is_scene_break(text) for text in ("* * *", "⁂", "———", "~ ~ ~", "•", "#"))
    assert not any(is_scene_break(text) for text in ("?", "“…!”", "...", "a"))


@pytest.mark.parametrize(
    ("tag", "normal"),
    [
        ("eng", "en"),
        ("EN_gb", "en-GB"),
        ("zh-hant", "zh-Hant"),
        ("zho", "zh"),
        ("und", ""),
        ("x garbage", ""),
        ("english", ""),
        ("", ""),
        ("sr-latn-rs", "sr-Latn-RS"),
    ],
)
def test_language_tags_are_made_comparable(tag: str, normal: str) -> None:
    assert normalise(tag) == normal
    assert primary(normalise(tag)) == normal[:2]
