"""What a full stop does besides ending a sentence, by language: abbreviations and ordinal numbers, where sentencex cuts and espeak says it wrongly.

Only what was seen to go wrong. For English sentencex and `spoken` know them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_BEFORE_ANYTHING: Final = {
    "de": "Dr|Prof|Hr|Frl|St|Nr|geb|gest|ca|vgl|bzw|ggf|evtl|Bd|Abb|Kap|Dipl|Ing|z\\. ?B|d\\. ?h|u\\. ?a|i\\. ?d\\. ?R|o\\. ?ä|v\\. ?a|z\\. ?T",
    "fr": "M|MM|Dr|Mgr|St|Ste|Pr|av|apr|env|cf|vol|chap|fig|art|éd|p\\. ?ex",
    "es": "Sr|Sra|Srta|Sres|Dr|Dra|D|Dña|Ud|Uds|Vd|Vds|pág|págs|cap|vol|núm|p\\. ?ej",
    "it": "Sig|sig|Sig\\.ra|sig\\.ra|Dott|dott|Prof|prof|Ing|ing|Avv|avv|On|on|pag|cap|vol|fig|cfr|ca|p\\. ?es",
    "pt": "Sr|Sra|Srs|Dr|Dra|D|Exmo|Exma|Exa|Prof|Profa|séc|pág|págs|cap|vol|núm|p\\. ?ex",
    "nl": "dhr|mevr|mw|mej|dr|drs|mr|ir|jhr|prof|St|nr|blz|bijv|ca|d\\. ?w\\. ?z|o\\. ?a|t\\. ?w",
    "sv": "hr|fr|dr|prof|kap|nr|bl\\. ?a|t\\. ?ex|d\\. ?v\\. ?s|m\\. ?a\\. ?o|s\\. ?k|f\\. ?d",
    "da": "hr|fr|dr|prof|kap|nr|bl\\. ?a|f\\. ?eks|d\\. ?v\\. ?s|s\\. ?k",
    "nb": "hr|fr|dr|prof|kap|nr|bl\\. ?a|f\\. ?eks|d\\. ?v\\. ?s|s\\. ?k",
    "pl": "dr|prof|ks|św|ul|im|mjr|płk|gen|por|np|tj|tzw|ok|m\\. ?in|i in",
    "cs": "dr|prof|ing|mgr|sv|ul|např|tzv|tj|p|pí|čís|str",
    "ru": "т\\. ?е|т\\. ?к|т\\. ?н|им|ул|проф|св|стр|см|напр|акад|ген",
    "uk": "т\\. ?е|т\\. ?зв|ім|вул|проф|св|стор|див|напр",
}
"""Those behind which no sentence ends, whatever follows; without their last full stop."""
_JOINED: Final = {language: re.compile(rf"(?<![\w.])(?:{words})\.$") for language, words in _BEFORE_ANYTHING.items()}
_INITIAL: Final = re.compile(r"(?<![^\s.(«„“\"'-])[^\W\d_IVX]\.$")
"""A name's; as a number of a chapter or a king I, V and X end sentences."""
_WITH_DOT: Final = re.compile(r"(?<![\d.,:/])(\d{1,2})\.$")
_CASES: Final = "am|im|vom|zum|zur|beim|dem|den|des|der|das|die|ein|eine|einem|einen|einer|eines|ins|seit|bis|ab|jedem|jeden|diesem|diesen|ihrem|seinem"
_BEHIND_CASE: Final = re.compile(rf"(?<!\w)(?:{_CASES})\s+\d{{1,2}}\.$", re.IGNORECASE)
_MONTHS_DE: Final = "Jänner|Januar|Februar|Feber|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_COUNTED_DE: Final = "Jahrhundert|Jahrtausend|Kapitel|Buch|Band|Akt|Aufzug|Auftritt|Szene|Gesang|Klasse|Stock|Tag|Mal|Platz|Weltkrieg|Auflage|Lebensjahr"
_NOUN_DE: Final = re.compile(rf"(?:{_MONTHS_DE}|(?:{_COUNTED_DE})(?:e?s|e|en|er)?)\b")
_LETTER: Final = re.compile(r"[^\W\d_]")

_MONSIEUR: Final = re.compile(r"(?<![\w.])(MM?)\.(?=\s+(?:de |d[’']|du |des |l[ea] |le )?[A-ZÀ-Þ][\w’'-])")
_SAID_FR: Final = {"M": "Monsieur", "MM": "Messieurs"}
_WITH: Final = "in|an|auf|aus|bei|mit|nach|seit|von|zu|unter|vor|während|trotz|wegen|außer|gegenüber"
_ORDINAL_DE: Final = re.compile(
    rf"(?<![\d.,:/-])(?P<before>\b(?:(?:{_WITH})\s+der|{_CASES})\s+)?(?P<number>[1-9]\d?)\.(?=\s+(?P<noun>[A-ZÄÖÜ]\w+))", re.IGNORECASE
)
_ENDS_IN_E: Final = frozenset(("der", "das", "die", "eine", "ins"))
_NEUTERS: Final = frozenset(("Kapitel", "Buch", "Jahrhundert", "Jahrtausend", "Mal", "Lebensjahr"))
_ONES_DE: Final = (
    *("", "erst", "zweit", "dritt", "viert", "fünft", "sechst", "siebt", "acht", "neunt", "zehnt", "elft", "zwölft", "dreizehnt", "vierzehnt", "fünfzehnt"),
    *("sechzehnt", "siebzehnt", "achtzehnt", "neunzehnt"),
)
_UNITS_DE: Final = ("", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_TENS_DE: Final = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")


def goes_on(before: str, after: str, language: str) -> bool:
    """Is it one sentence? before: what ends in a full stop; after: what follows, without blanks at its beginning. language: of two letters."""
    if not before.endswith(".") or not after or before.endswith(".."):
        return False
    if after[0] == "-" and _LETTER.match(after, 1):  # "av. J.-C."
        return True
    if not _LETTER.match(after):
        return False
    if after[0].islower():
        return True
    joined = _JOINED.get(language)
    if joined is not None and joined.search(before):
        return True
    if language == "de" and _WITH_DOT.search(before):
        return bool(_BEHIND_CASE.search(before) or _NOUN_DE.match(after))
    return language in _JOINED and _INITIAL.search(before) is not None


def words(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, what is said for that) of such as espeak says wrongly."""
    if "." not in text:
        return
    if language == "fr":
        for found in _MONSIEUR.finditer(text):
            yield found.start(), found.end(), _SAID_FR[found[1]]
    if language == "de":
        for found in _ORDINAL_DE.finditer(text):
            before = (found["before"] or "").strip().lower()
            if found["noun"][0].isupper() and (before or _NOUN_DE.match(found["noun"])):
                yield found.start("number"), found.end(), ordinal_de(int(found["number"]), before, found["noun"])


def ordinal_de(value: int, before: str, noun: str) -> str:
    """`value` from 1 to 99 in words, with the ending that it has behind that article or preposition; the noun says it where there is none."""
    stem = _ONES_DE[value] if value < 20 else f"{_UNITS_DE[value % 10]}{'und' if value % 10 else ''}{_TENS_DE[value // 10]}st"
    if before in ("", "ein"):
        masculine = before or re.match(_MONTHS_DE, noun)
        return f"{stem}{'es' if noun in _NEUTERS else 'er' if masculine else 'e'}"
    return f"{stem}{'e' if before in _ENDS_IN_E else 'en'}"
