"""What is said for what is written, and the way back."""

from __future__ import annotations

import random

import pytest
from e2a_sidecar.reading.spoken import Map, spoken


def way_back(text: str, said: str, pieces: Map) -> None:
    """The map covers both strings, in order, and where a piece was not changed both are equal."""
    if not pieces:
        assert said == text
        return
    at_said = at_text = 0
    for said_start, said_end, text_start, text_end in pieces:
        assert (said_start, text_start) == (at_said, at_text)
        assert said_start <= said_end and text_start <= text_end
        at_said, at_text = said_end, text_end
    assert (at_said, at_text) == (len(said), len(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mr. Darcy met Dr. Smith at St. James’s.", "Mister Darcy met Doctor Smith at Saint James’s."),
        ("“Mrs. Bennet,” said Prof. Jones.", "“Missus Bennet,” said Professor Jones."),
        ("J. R. R. Tolkien and T. S. Eliot", "J R R Tolkien and T S Eliot"),
        ("It was I. He knew.", "It was I. He knew."),
        ("George Wickham, Esq., of No. 5, vol. II", "George Wickham, Esquire, of Number 5, volume 2"),
        ("There is no. He said no.", "There is no. He said no."),
        ("No. I am sure; no. 7, Nos. 8 and 9", "No. I am sure; number 7, Numbers 8 and 9"),
        ("Smith & Co. of London, the Acme Inc.", "Smith & Company of London, the Acme Incorporated."),
        ("Main St. was near St. Paul’s", "Main Street was near Saint Paul’s"),
        ("5 ft. 6 in. tall, 1 lb. of tea, in. fig. ed. Sun.", "5 feet 6 inches tall, 1 pound of tea, in. fig. ed. Sun."),
        ("Wm. Pitt, approx. 5 km off", "William Pitt, approximately 5 kilometres off"),
        ("Charles V, Henry V. of George V. Smith", "Charles the 5th, Henry the 5th. of George V Smith"),
        ("He died in Dec. 1941, on 3 Sept., not in Oct. 1939", "He died in December nineteen forty-one, on 3 September, not in October nineteen thirty-nine"),
        ("See chapter xii, page xiv, vol. iii, pp. xi–xv; Act v, scene i", "See chapter 12, page 14, volume 3, pages 11 to 15; Act 5, scene 1"),
        ("The page ill, act in i, chapter civil", "The page ill, act in i, chapter civil"),
        ("Louis XVI’s wife, Henry VIII's, the XIXth century", "Louis the 16th’s wife, Henry the 8th's, the 19th century"),
        ("Pope John X and Leo X; John X marks it, James X-ray", "Pope John the 10th and Leo the 10th; John X marks it, James X-ray"),
        ("Sir John Smith, Bart., saw Bart. run", "Sir John Smith, Baronet, saw Bart. run"),
        ("1.1 ft. long; at 5 in. the morning; 5 in. long", "1.1 feet long; at 5 in. the morning; 5 inches long"),
        ("The reply was no. 3 men left.", "The reply was no. 3 men left."),
        ("1½ tsp. salt, ¾ lb. of it and 1/2 tbsp oil", "1½ teaspoons salt, ¾ pound of it and one half tablespoon oil"),
        ("Add 2 tbsp. Stir.", "Add 2 tablespoons. Stir."),
        ("Mr. & Mrs. Smith", "Mister & Missus Smith"),
        ("He lived at no. 3 then", "He lived at number 3 then"),
        ("They came to St. and then to Main St. and 5th St., too", "They came to St. and then to Main Street and 5th Street, too"),
        ("On the 2d. of May the 3d. Regiment left", "On the 2nd of May the 3rd Regiment left"),
        ("The 22d Infantry of 3d Corps, June 3d, 1864", "The 22nd Infantry of 3rd Corps, June 3rd, eighteen sixty-four"),
        ("He came on 3d. of June, or on the 2d.", "He came on 3rd of June, or on the 2nd."),
        ("for 3d. of tea, the 3d. stamp, 2d. or 12d. He", "for 3 pence of tea, the 3 pence stamp, 2 pence or 12d. He"),
        ("the 3d model and the 13d", "the 3d model and the 13d"),
        ("He said—no, never.", "He said, no, never."),
        ("“I never—” she began.", "“I never,” she began."),
        ("such manners!—so much ease", "such manners! so much ease"),
        ("—Ho, he said", "Ho, he said"),
        ("Wait… what?", "Wait, what?"),
        ("I wonder…", "I wonder."),
        ("Really...?", "Really?"),
        ("He went -- slowly -- home.", "He went, slowly, home."),
        ("the road – a long one – ended", "the road, a long one, ended"),
        ("a well-known man - Mr. B⸺ - from ⸺shire", "a well-known man, Mister B, from shire"),
        ("in 1914–1918", "in nineteen fourteen to nineteen eighteen"),
        ("What?!! No!!!", "What? No!"),
        ("_Never_ say* that | again", "Never say that  again"),
        ("Louis XIV and Henry VIII fought World War II.", "Louis the 14th and Henry the 8th fought World War 2."),
        ("The book I read; the part I like.", "The book I read; the part I like."),
        ("In Part I, Act V. See chapter XII.", "In Part 1, Act 5. See chapter 12."),
        ("Section C and Appendix L", "Section C and Appendix L"),
        ("Don’t MIX it, DID you?", "Don’t MIX it, DID you?"),
        ("drôle Dr.", "drôle Dr."),
        ("THE END OF IT", "The End Of It"),
        ("NASA", "NASA"),
        ("I MEAN it", "I MEAN it"),
    ],
)
def test_english_is_said_as_a_reader_would(text: str, said: str) -> None:
    assert spoken(text, "en-GB")[0] == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("If p < 0.05 and x > 3, then 0<x<1", "If p less than 0.05 and x more than 3, then 0 less than x less than 1"),
        ("3 * 4 = 12, 3*4, a * b; ~5 of 10", "3 times 4 = 12, 3 times 4, a times b; about 5 of 10"),
        ("2^8, x^2 and e ^t; <5% (>100)", "2 to the power of 8, x squared and e to the power of t; less than 5% (more than 100)"),
        ("3² is 9, 10⁵, 10⁻³ m, 2ⁿ⁺¹, x ² y", "3 squared is 9, 10 to the power of 5, 10 to the power of minus 3 m, 2 to the power of n plus 1, x squared y"),
        ("CO₂, log₂8, 10₂, Ca²⁺, ¹⁴C, the ¹⁴C", "CO2, log2 8, 10 2, Ca 2 plus, 14C, the 14C"),
        ("1 ⁄2 and 1¹/₂ or ¹/₂", "1 over 2 and 1 1/2 or 1/2"),
        ("Click File > Open, <b>then</b> A -> B", "Click File  Open, b then/b A - B"),
        ("> He said so* and 5* 6; * * *", " He said so and 5 6;"),
        ("See p.12 and vol.2", "See page 12 and volume 2"),
    ],
)
def test_signs_and_small_figures_are_words_where_they_are_arithmetic(text: str, said: str) -> None:
    assert " ".join(spoken(text, "en")[0].split()) == " ".join(said.split())


def test_signs_are_words_in_other_languages_or_left_to_the_voice() -> None:
    assert spoken("p < 0,05 und 3²", "de")[0] == "p kleiner als 0,05 und 3 hoch 2"
    assert spoken("10⁵ és CO₂", "hu")[0] == "10⁵ és CO2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Stave I: Marley’s Ghost", "Stave 1: Marley’s Ghost"),
        ("CHAPTER XII.", "Chapter 12."),
        ("IV", "4"),
        ("I", "1"),
        ("I. The Beginning", "1. The Beginning"),
        ("MARLEY’S GHOST", "Marley’s Ghost"),
        ("C", "C"),
        ("I Am Legend", "I Am Legend"),
        ("BOOK I THE COMING", "Book 1 The Coming"),
    ],
)
def test_numbers_of_headings_are_said(text: str, said: str) -> None:
    assert spoken(text, "en", heading=True)[0] == said


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("cs", "Sešli se i v mi."),
        ("fr", "C’est drôle, dr. Knock, n’est-ce pas ?"),
        ("de", "Kapitel Drei, Herr Faust"),
        ("zh", "學而時習之，不亦說乎？"),
        ("ar", "قال: نعم، لا."),
    ],
)
def test_other_languages_keep_their_words(language: str, text: str) -> None:
    assert spoken(text, language) == (text, ())


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("de", "Im 19. Jahrhundert", "Im neunzehnten Jahrhundert"),
        ("de", "der 1. Weltkrieg", "der erste Weltkrieg"),
        ("de", "in der 2. Klasse", "in der zweiten Klasse"),
        ("de", "am 3. Mai, den 31. Dezember", "am dritten Mai, den einunddreißigsten Dezember"),
        ("de", "21. Kapitel", "einundzwanzigstes Kapitel"),
        ("de", "Es war 12. Dann ging er.", "Es war 12. Dann ging er."),
        ("de", "der 3. mai", "der 3. mai"),
        ("fr", "M. Dupont et MM. Roy", "Monsieur Dupont et Messieurs Roy"),
        ("fr", "M. de Tréville, M. d’Artagnan", "Monsieur de Tréville, Monsieur d’Artagnan"),
        ("es", "M. Dupont en el 3. Mai", "M. Dupont en el 3. Mai"),
    ],
)
def test_what_a_full_stop_makes_of_a_word_in_other_languages(language: str, text: str, said: str) -> None:
    found, pieces = spoken(text, language)
    assert found == said
    way_back(text, found, pieces)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The Letter I Never Sent", "The Letter I Never Sent"),
        ("The Part I Played", "The Part I Played"),
        ("Part I Childhood", "Part 1 Childhood"),
        ("Letter I", "Letter 1"),
        ("Of Mice, Chapter I.", "Of Mice, Chapter 1."),
        ("CHAPTER V THE RETURN", "Chapter 5 The Return"),
    ],
)
def test_in_a_heading_i_is_a_number_only_where_it_can_be_one(text: str, said: str) -> None:
    assert spoken(text, "en", heading=True)[0] == said


def test_a_dash_beside_another_mark_is_no_pause_of_its_own_in_chinese_and_japanese_either() -> None:
    assert spoken("他来了，——她说", "zh")[0] == "他来了， 她说"
    assert spoken("彼は——「はい」", "ja")[0] == "彼は, 「はい」"


def test_the_map_finds_every_character_again() -> None:
    text = "Mr. B said—no…"
    said, pieces = spoken(text, "en")
    assert said == "Mister B said, no."
    assert pieces == ((0, 6, 0, 3), (6, 13, 3, 10), (13, 15, 10, 11), (15, 17, 11, 13), (17, 18, 13, 14))


def test_the_map_is_right_for_any_text() -> None:
    chance = random.Random(3)
    parts = ["Mr.", "St.", " ", " ", "—", "--", "…", "...", ". . .", "!", "?!", "XIV", "Louis ", "Chapter ", "I", "V.", "*", "_", "“", "”"]
    parts += ["word", "A.", "B.", "1–2", "²", "⁻¹", "₂", "⁄", " < ", "3", "x", "^", "~", "⸺", "😀", "漢", "\ufffd", ",", " - ", "IT", "p. 5", "■", "the 2d."]
    changed = 0
    for _ in range(5000):
        text = "".join(chance.choice(parts) for _ in range(chance.randint(1, 14))).strip() or "x"
        for language, heading in (("en", False), ("en", True), ("it", False)):
            said, pieces = spoken(text, language, heading)
            way_back(text, said, pieces)
            assert said.strip()
            changed += said != text
            if any(character.isalpha() for character in text):
                assert any(character.isalnum() for character in said)
    assert changed > 5000
