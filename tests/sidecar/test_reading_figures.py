"""What figures, abbreviations and letters of print are said as: those that espeak says wrongly."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from e2a_sidecar.reading.spoken import spoken
from reading_bundles import read, texts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It cost $5, then $3,000,000 or £1", "It cost 5 dollars, then 3,000,000 dollars or 1 pound"),
        ("$5 million, $1.5m, €2.5bn, a $100-million plan", "5 million dollars, 1.5 million dollars, 2.5 billion euros, a 100 million dollar plan"),
        ("$1.50, £3.05, $0.99, £2.00, US$7", "1 dollar 50, 3 pounds and 5 pence, 99 cents, 2 pounds, 7 U.S. dollars"),
        ("$5–10, $5-$10, a $5 bill, $5-a-day", "5 to 10 dollars, 5 to 10 dollars, a 5 dollar bill, 5 dollar-a-day"),
        ("a $500 car, a £5 rent, the $64,000 question", "a 500 dollar car, a 5 pound rent, the 64,000 dollar question"),
        ("It was 5s. 6d. He paid", "It was 5 shillings and 6 pence. He paid"),
        ("£3 10s. 6d. or 2s. 6d.", "3 pounds 10 shillings and 6 pence or 2 shillings and 6 pence."),
        ("1s. 1d., 6½d. each", "1 shilling and 1 penny, 6 pence halfpenny each"),
        ("in 1805, 1850 and 1900", "in eighteen oh five, eighteen fifty and nineteen hundred"),
        ("In 1066; 1,066 men; 1066 men", "In ten sixty-six; 1,066 men; 1066 men"),
        ("the 1850s, the 1990’s, the 1800s", "the eighteen fifties, the nineteen nineties, the eighteen hundreds"),
        ("1914-18, 1776–1783; 1999-03-12; 1850.5", "nineteen fourteen to eighteen, seventeen seventy-six to seventeen eighty-three; 1999-03-12; 1850.5"),
        ("in 2014, 2001", "in 2014, 2001"),
        ("3/4 of it, 2 1/2 cups, 1/3", "three quarters of it, 2 and a half cups, one third"),
        ("9/11, 24/7, 1/2/1999", "9/11, 24/7, 1/2/1999"),
        ("Matt. 5:3-12, John 3:16, 1 Cor. 13:4–7", "Matthew 5 3 to 12, John 3 16, 1 Corinthians 13 4 to 7"),
        ("At 7:05, 7:00 p.m., 7:00 PM or 19:00; 12:30; 2:30:05; 7:00 o’clock", "At 7 oh 5, 7 p.m., 7 PM or 19 hundred; 12:30; 2:30:05; 7:00 o’clock"),
        ("he was 5'10\" or 5′ 10″, at 12°30′15″", "he was 5 foot 10 or 5 foot 10, at 12°30′15″"),
        ("100km/h, 5kg, 1 km, a 5-km run", "100 kilometres an hour, 5 kilograms, 1 kilometre, a 5 kilometre run"),
        ("$1905, a 35mm camera, 2.5 cm. deep, 7:00 hours", "1,905 dollars, a 35 millimetre camera, 2.5 centimetres deep, 7 hundred hours"),
        ("in 1905 ships sailed, December 1843 was", "in nineteen oh five ships sailed, December eighteen forty-three was"),
        ("odds of 3:1, a 1:500 scale, 4/5 of it, 1½d. each", "odds of 3 to 1, a 1 to 500 scale, four fifths of it, 1 penny halfpenny each"),
        ("1 Sam 3:4, Phil. 2:5", "1 Samuel 3 4, Philippians 2 5"),
        ("#5, C#, c. 1850 (b. 1801)", "number 5, C#, circa eighteen fifty (born eighteen oh one)"),
    ],
)
def test_english_figures_are_said_as_a_reader_would(text: str, said: str) -> None:
    assert spoken(text, "en")[0] == said


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("de", "z. B. Dr. Müller, d.h. er, usw.", "zum Beispiel Doktor Müller, das heißt er, und so weiter."),
        ("de", "vgl. Abb. 3 und S. 12 f., Kap. IV", "vergleiche Abbildung 3 und Seite 12 folgende, Kapitel 4"),
        ("de", "3,5 Mio. € oder € 5 Mrd.", "3,5 Millionen € oder 5 Milliarden €"),
        ("de", "Karl V. und Ludwig XIV. kamen", "Karl der fünfte und Ludwig der vierzehnte kamen"),
        ("de", "mit Friedrich II. zur Zeit Friedrichs II.", "mit Friedrich dem zweiten zur Zeit Friedrichs des zweiten."),
        ("de", "Katharina II. lebte", "Katharina die zweite lebte"),
        ("de", "Heinrich VIII.", "Heinrich der achte."),
        ("de", "um 12:30 Uhr, 8.00 Uhr; 12:30", "um 12 Uhr 30, 8 Uhr; 12:30"),
        ("de", "am 24.12.2020, am 3. 5. 1999", "am vierundzwanzigsten Dezember 2020, am dritten Mai neunzehnhundertneunundneunzig"),
        ("de", "vom 1. bis 3. Mai, im 18. und 19. Jahrhundert", "vom ersten bis dritten Mai, im achtzehnten und neunzehnten Jahrhundert"),
        ("de", "1914–1918, die 1850er, 1.850", "neunzehnhundertvierzehn bis neunzehnhundertachtzehn, die achtzehnhundertfünfziger, 1.850"),
        ("de", "3/4 davon", "drei Viertel davon"),
        ("de", "der Palast, den Ludwig XIV. baute, Thutmosis III. starb", "der Palast, den Ludwig der vierzehnte baute, Thutmosis der dritte starb"),
        ("de", "am 3.5.1999, geb. am 1. Mai", "am dritten Mai neunzehnhundertneunundneunzig, geboren am ersten Mai"),
        ("de", "Käse, etc. Die Frau ging.", "Käse, et cetera. Die Frau ging."),
        ("fr", "Louis XIV, François Ier et Pie X", "Louis 14, François premier et Pie 10"),
        ("fr", "Les XIXe et XXe siècles, la Ve", "Les dix-neuvième et vingtième siècles, la cinquième"),
        ("fr", "la 3ème, la 71e, la 99e", "la troisième, la soixante et onzième, la quatre-vingt-dix-neuvième"),
        ("fr", "Le 1er, la 1re ; Ce CV, Les", "Le premier, la première ; Ce CV, Les"),
        ("fr", "au XIX e siècle, 2 1/2 heures", "au dix-neuvième siècle, 2 et demi heures"),
        ("fr", "à 12 h 30, 1 h, 8h05", "à 12 heures 30, 1 heure, 8 heures 5"),
        ("fr", "n° 5, p. 3–7, nos 3 enfants", "numéro 5, page 3 à 7, nos 3 enfants"),
        ("fr", "c.-à-d. 44 av. J.-C.", "c’est-à-dire 44 avant Jésus-Christ."),
        ("es", "Felipe II, Isabel II, Luis XIV, el siglo V", "Felipe segundo, Isabel segunda, Luis XIV, el siglo quinto"),
        ("es", "D. Juan, D. García, pág. 5, n.º 3, 2.ª", "don Juan, D. García, página 5, número 3, segunda"),
        ("es", "EE. UU. (y EE.UU.).", "Estados Unidos (y Estados Unidos)."),
        ("es", "S. M. el rey, s. XV, 2 1/2 litros", "Su Majestad el rey, siglo XV, 2 y medio litros"),
        ("it", "il 1° maggio, 20°C, 20 °C, il 3° piano", "il primo maggio, 20°C, 20 °C, il terzo piano"),
        ("it", "il sig. Rossi, la sig.ra Bianchi, ore 12.30, pag. 3, ecc.", "il signor Rossi, la signora Bianchi, ore 12 e 30, pagina 3, eccetera."),
    ],
)
def test_other_languages_are_said_as_a_reader_would(language: str, text: str, said: str) -> None:
    assert spoken(text, language)[0] == said


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "There were 1905 ships and 1843 men."),  # no year
        ("en", "1850/51, 1999-03, 1234-5678, ISBN 0-1234-5678-9, 3.4.1, 1,2,3"),
        ("en", "He drew the 2s."),
        ("en", "It lasted 5s. then stopped."),
        ("en", "He saw it in 3d."),
        ("en", "5$ 3 times, R$50, $1,50, £1.2.3, $10 000"),
        ("en", "Quran 2:2, see 3:5, they won 3:1, Sam 10:30, Phil 10:30"),
        ("en", "on 3/4 he left, rated 3/5, in 6/8 time, 3/4 time"),
        ("en", "40° 26' 6\" north, 4'33\""),
        ("en", "&#39; C#5, a.b.c. Vitamin C, Malcolm X, MIX"),
        ("en", "½ 1½ ¼ ﾊﾟﾝ"),
        ("de", "Er lebt von Hartz IV."),
        ("de", "Er las Faust II. Dann schlief er."),
        ("de", "Karl I. Müller, Franz X. Kroetz, Johann C. Meyer, Ludwig C."),
        ("de", "Klasse C, Teil C, Punkt X"),
        ("fr", "la partie C, au livre L"),
        ("de", "S. I. Müller und S. C. Johnson"),
        ("de", "Dinge dieser Art. 2014 kam er"),
        ("de", "6 St. lang; Frau Meier, geb. Schulz; US$ 500; 5$ 3 mal"),
        ("de", "978–3–16–148410–0, 5 – 3 = 2, am 3/4"),
        ("fr", "Louis I. Kahn, Charles C. Smith, Paul C."),
        ("fr", "l’œuvre d’art. 2014 vit, 8/10e, le 3/4, US$ 5"),
        ("es", "Francisco I. Madero y José V. García, (n. 23 de enero de 1954)"),
        ("es", "S. M. Pérez, 0.º, US$ 500, R$ 50"),
        ("it", "(n. 1923), N. I. Bucharin, 30 sec. 2 serie"),
        ("it", "a 5° nord, 3° sotto zero, 8° di notte"),
    ],
)
def test_what_may_be_something_else_is_left_as_it_stands(language: str, text: str) -> None:
    assert spoken(text, language)[0] == text


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "schön größer"), ("fr", "été à l’hôtel"), ("en", "a naïve café"), ("vi", "đã đọc một"), ("ko", "한국어"), ("ru", "мой ёлка"), ("ja", "がぎぐ")],
)
def test_letters_in_pieces_are_put_together_and_each_knows_where_it_stands(language: str, text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    said, places = spoken(apart, language)
    assert said == text != apart
    for start, end, first, last in places:
        assert unicodedata.normalize("NFC", apart[first:last]) == said[start:end]


def test_letters_of_print_are_said_as_letters() -> None:
    assert spoken("oﬃce, ＡＢＣ１２, 𝐇𝐞𝐥𝐥𝐨, Ⅳ, ①", "en")[0].split() == ["office,", "ABC12,", "Hello,", "4,", "1"]
    assert spoken("Dᴇs ᴍᴇᴍᴇs ᴀᴜᴛᴇᴜʀs", "fr")[0] == "Des memes auteurs"
    assert spoken("said as dɪˈfɛns", "en")[0] == "said as dɪˈfɛns"


@pytest.mark.parametrize(
    ("language", "sentence", "more"),
    [
        ("en", "It cost 2s. 6d. and more.", "He paid."),
        ("en", "See Matt. 5:3 and vv. 4–6.", "It ends."),
        ("en", "He came at 5 p.m.", "3 men left."),
        ("it", "Vedi pag. 3 e n. 5.", "Fine."),
        ("de", "Siehe S. 12 und Art. 3.", "Ende."),
    ],
)
def test_what_goes_on_in_figures_is_one_sentence(tmp_path: Path, language: str, sentence: str, more: str) -> None:
    assert texts(read(tmp_path, f"<p>{sentence} {more}</p>", metadata={"language": language})) == [sentence, more]


def test_a_dash_before_a_full_stop_ends_the_sentence_as_that_does() -> None:
    assert spoken("—preguntó él—.", "es")[0] == "preguntó él."
