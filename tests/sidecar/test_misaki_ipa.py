"""espeak's sounds in the alphabet of Kokoro's students."""

from __future__ import annotations

import pytest
from e2a_sidecar.speaking.misaki.ipa import AMERICAN, BRITISH, Alphabet
from e2a_sidecar.speaking.misaki.package import Package
from e2a_sidecar.speaking.phonemes import espeak_phonemes


@pytest.mark.parametrize(
    ("espeak", "american", "british"),
    [
        ("həlˈoʊ", "həlˈO", "həlˈQ"),
        ("həlˈəʊ", None, "həlˈQ"),
        ("tʃˈɜːtʃ", "ʧˈɜɹʧ", "ʧˈɜːʧ"),
        ("dʒˈʌdʒ", "ʤˈʌʤ", "ʤˈʌʤ"),
        ("lˈɪɾəl", "lˈɪTᵊl", "lˈɪtᵊl"),
        ("bˈʌʔn̩", "bˈʌtn", "bˈʌtn"),
        ("fˈaɪɚ", "fˈIəɹ", None),
        ("dʒˈiːʲoʊ", "ʤˈiO", None),
        ("lˈɑːx", "lˈɑk", "lˈɑːk"),
        ("ɡɑːɹsˈɔ̃", "ɡɑɹsˈɔ", "ɡɑːɹsˈɔ"),
        ("tʃˈeə", None, "ʧˈɛː"),
        ("ɲˈoʁy˥", "njˈOɹu", "njˈɔːɹu"),
    ],
)
def test_sounds_are_written_as_the_lexicons_write_them(espeak: str, american: str | None, british: str | None) -> None:
    for told, is_british in ((american, False), (british, True)):
        if told is not None:
            assert Alphabet(is_british).of_espeak(espeak) == (told, "")


def test_a_sign_without_a_sound_is_told() -> None:
    assert Alphabet(False).of_espeak("aЖ")[1] == "Ж"


@pytest.mark.parametrize("british", [False, True])
def test_every_sound_of_espeak_has_its_letter(british: bool) -> None:
    """Over 20,000 words of the package's own lexicon; which is also written in these letters alone."""
    lexicon = Package(british)._lexicon
    letters = {letter for said in lexicon.golds.d.values() for form in (said.values() if isinstance(said, dict) else [said]) if form for letter in form}
    assert {"ɾ": "T", "ʔ": "t"}.keys() >= letters - (BRITISH if british else AMERICAN)
    words = sorted(lexicon.golds.d)[:: max(1, len(lexicon.golds.d) // 20_000)]
    assert len(words) >= 20_000
    alphabet, unknown = Alphabet(british), ""
    for start in range(0, len(words), 40):
        for phonemes in espeak_phonemes("en" if british else "en-us", ", ".join(words[start : start + 40])):
            unknown += alphabet.of_espeak("".join(phonemes))[1]
    assert unknown == ""
