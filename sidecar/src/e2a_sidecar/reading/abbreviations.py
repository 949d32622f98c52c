"""Where a full stop ends no sentence, by language, although sentencex cuts there: abbreviations, initials and ordinal numbers.

Only what was seen to go wrong.
"""

from __future__ import annotations

import re
from typing import Final

from e2a_sidecar.reading.figures import BOOKS

_BEFORE_ANYTHING: Final = {
    "de": "Dr|Prof|Hr|Frl|St|Nr|geb|gest|ca|vgl|bzw|ggf|evtl|Bd|Abb|Kap|Dipl|Ing|z\\. ?B|d\\. ?h|u\\. ?a|i\\. ?d\\. ?R|o\\. ?ä|v\\. ?a|z\\. ?T",
    "fr": "M|MM|Dr|Mgr|St|Ste|Pr|av|apr|env|cf|chap|fig|éd|p\\. ?ex",
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
_BEFORE_FIGURES: Final = {
    "en": "vv?|ll|bks?",
    "de": "S|Abs|Art|Rn|Nrn|Kap|Anm",
    "fr": "pp?|t|nos?|chap|fig|art|vol",
    "es": "pp?|n|nn|art|arts|fig|figs",
    "it": "pp?|nn?|pagg|artt?|fig|figg",
    "pt": "pp?|n|art|fig",
    "nl": "pp?|art|afb|hfdst",
}
"""The same where figures follow that are no year."""
_NUMBERED: Final = {language: re.compile(rf"(?<![\w.])(?:{words})\.$") for language, words in _BEFORE_FIGURES.items()}
_SHILLINGS: Final = re.compile(r"(?<!\d)1?\ds\.$")
_PENCE: Final = re.compile(r"1?\d½?d\b")
_VERSE: Final = re.compile(r"\d{1,3}:[1-9]")
_BOOK: Final = re.compile(rf"(?<![\w.])(?:{'|'.join(BOOKS)})\.$")
_YEAR: Final = re.compile(r"\d{4}\b")
_JOINED: Final = {language: re.compile(rf"(?<![\w.])(?:{words})\.$") for language, words in _BEFORE_ANYTHING.items()}
_INITIAL: Final = re.compile(r"(?<![^\s.(«„“\"'-])[^\W\d_IVX]\.$")
"""A name's; as a number of a chapter or a king I, V and X end sentences."""
_WITH_DOT: Final = re.compile(r"(?<![\d.,:/])(\d{1,2})\.$")
CASES_DE: Final = "am|im|vom|zum|zur|beim|dem|den|des|der|das|die|ein|eine|einem|einen|einer|eines|ins|seit|bis|ab|jedem|jeden|diesem|diesen|ihrem|seinem"
_BEHIND_CASE: Final = re.compile(rf"(?<!\w)(?:{CASES_DE})\s+\d{{1,2}}\.$", re.IGNORECASE)
MONTHS_DE: Final = "Jänner|Januar|Februar|Feber|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_COUNTED_DE: Final = "Jahrhundert|Jahrtausend|Kapitel|Buch|Band|Akt|Aufzug|Auftritt|Szene|Gesang|Klasse|Stock|Tag|Mal|Platz|Weltkrieg|Auflage|Lebensjahr"
NOUN_DE: Final = re.compile(rf"(?:{MONTHS_DE}|(?:{_COUNTED_DE})(?:e?s|e|en|er)?)\b")
_LETTER: Final = re.compile(r"[^\W\d_]")


def goes_on(before: str, after: str, language: str) -> bool:
    """Is it one sentence? before: what ends in a full stop; after: what follows, without blanks at its beginning. language: of two letters."""
    if not before.endswith(".") or not after or before.endswith(".."):
        return False
    if after[0] == "-" and _LETTER.match(after, 1):  # "av. J.-C."
        return True
    if after[0].isdigit():
        return _goes_on_in_figures(before, after, language)
    if not _LETTER.match(after):
        return False
    if after[0].islower():
        return True
    joined = _JOINED.get(language)
    if joined is not None and joined.search(before):
        return True
    if language == "de" and _WITH_DOT.search(before):
        return bool(_BEHIND_CASE.search(before) or NOUN_DE.match(after))
    return language in _JOINED and _INITIAL.search(before) is not None


def _goes_on_in_figures(before: str, after: str, language: str) -> bool:
    if language == "en" and ((_SHILLINGS.search(before) and _PENCE.match(after)) or (_BOOK.search(before) and _VERSE.match(after))):
        return True
    joined, numbered = _JOINED.get(language), _NUMBERED.get(language)
    if joined is not None and joined.search(before):
        return True
    return numbered is not None and numbered.search(before) is not None and not _YEAR.match(after)
