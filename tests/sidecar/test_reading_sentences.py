"""A book is cut where a reader breathes, and never into pieces that no engine can take."""

from __future__ import annotations

import unicodedata

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


def test_marks_that_open_a_sentence_stand_in_it() -> None:
    assert pieces("He left. ’Tis true. 'Twas so! “Yes.” (He left.) ‘’Tis so,’ he said.")[:3] == ["He left.", "’Tis true.", "'Twas so!"]
    assert pieces("Hij kwam. ’t Is zo. ’s Avonds ook.", "nl") == ["Hij kwam.", "’t Is zo.", "’s Avonds ook."]
    assert pieces("“How can you ask?” he said. “If it were so, ‘all’ would go.”") == ["“How can you ask?” he said.", "“If it were so, ‘all’ would go.”"]


def test_an_exclamation_inside_a_sentence_does_not_end_it() -> None:
    assert pieces("Oh! but he was a hand at it, Scrooge! a squeezing old sinner! Hard as flint.") == [
        "Oh! but he was a hand at it, Scrooge! a squeezing old sinner!",
        "Hard as flint.",
    ]


@pytest.mark.parametrize(("language", "text"), [("th", "เขาเดินไปที่ตลาดในตอนเช้าเพื่อซื้อผักและน้ำ" * 40), ("km", "ខ្ញុំចូលចិត្តអានសៀវភៅ" * 60)])
def test_where_words_are_not_parted_no_letter_is_cut_from_its_vowels(language: str, text: str) -> None:
    cut = pieces(text, language)
    assert len(cut) > 1 and "".join(cut) == text
    assert not any(unicodedata.category(piece[0])[0] == "M" or piece[0] in "ะาำ" or piece[-1] in "เแโใไ\u17d2" for piece in cut)


def test_a_long_paragraph_without_blanks_is_cut_where_its_sentences_end() -> None:
    assert pieces("ខ្ញុំចូលចិត្តអានសៀវភៅ។" * 30, "km")[0].endswith("។")


CUT_NOWHERE = [
    ("de", "Im 19. Jahrhundert war alles anders.", "Dann kam der 1. Weltkrieg.", "Er fuhr in der 2. Klasse."),
    ("de", "Frau Meier, geb. Schulz, kam am 3. Mai.", "Er war 12.", "Dann ging er."),
    ("de", "Das ist z. B. Berlin, d. h. die Stadt.", "Genau."),
    ("fr", "Bonjour à M. Dupont.", "On a vu M. Roy et MM. Petit et Blanc."),
    ("fr", "Le Dr. Petit vint.", "En 52 av. J.-C. César vint.", "C'est fini."),
    ("nl", "Ik zag mevr. de Vries.", "Hij kwam, d.w.z. Jan.", "Dag."),
    ("pl", "To jest tj. Jan.", "Był m.in. Adam i in. poszli.", "Koniec."),
    ("pt", "Vi D. Pedro.", "No séc. XIX foi assim."),
    ("sv", "Den 3. maj kom han, t.ex. Anna.", "Slut."),
    ("ru", "Это было т. е. сегодня.", "Конец.", "Он ушёл."),
    ("es", "Vi al Sr. López y a la Sra. García.", "Fin."),
    ("en", "He met Mr. Smith.", "Then J. R. R. Tolkien came."),
]


@pytest.mark.parametrize(("language", *"abcd"), [(row + ("",) * 4)[:5] for row in CUT_NOWHERE])
def test_no_sentence_ends_behind_an_abbreviation_or_an_ordinal_number(language: str, a: str, b: str, c: str, d: str) -> None:
    sentences = [sentence for sentence in (a, b, c, d) if sentence]
    assert pieces(" ".join(sentences), language) == sentences


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
