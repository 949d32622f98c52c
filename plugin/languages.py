"""Languages by their codes: BCP 47 tags as books have them, ISO 639-2 and 639-3 as Calibre stores them. Knows no voices."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_PAIRS: Final = """
aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bibis bmbam bnben bobod brbre bsbos cacat ceche chcha cocos
crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla
glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav
kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg
mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs
papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag shhbs sisin skslk slslv smsmo snsna sosom sqsqi srsrp
ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie
vovol wawln wowol xhxho yiyid yoyor zazha zhzho zuzul
"""
"""ISO 639-1, then ISO 639-2 (for terminology)."""

_MORE: Final = {
    # ISO 639-2 for libraries
    "alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "chi": "zh", "cze": "cs", "dut": "nl", "fre": "fr", "geo": "ka", "ger": "de",
    "gre": "el", "ice": "is", "mac": "mk", "mao": "mi", "may": "ms", "per": "fa", "rum": "ro", "slo": "sk", "tib": "bo", "wel": "cy",
    # one language of a group that has the code of two letters
    "arb": "ar", "cmn": "zh", "ekk": "et", "lvs": "lv", "npi": "ne", "ory": "or", "pes": "fa", "prs": "fa", "swc": "sw", "swh": "sw", "zsm": "ms",
    # both written Norwegians, and codes that were given up
    "nb": "no", "nn": "no", "nob": "no", "nno": "no", "in": "id", "iw": "he", "ji": "yi", "mo": "ro", "mol": "ro", "scc": "sr",
}  # fmt: skip
_TWO_LETTERS: Final = {pair[2:]: pair[:2] for pair in _PAIRS.split()} | _MORE
_NONE: Final = ("", "und", "mul", "mis", "zxx")
_NORTH_AMERICA: Final = ("", "US", "CA", "PH", "PR")


def is_unknown(tag: str) -> bool:
    """Does the tag name no language? ISO 639-2 has codes for that too."""
    return _parts(tag)[0] in _NONE


def base_language(tag: str) -> str:
    """The code of two letters (three where there are no two): `deu`, `de-AT` and `de_DE` are `de`. What names no language is read as English: `en`."""
    base = _parts(tag)[0]
    return "en" if base in _NONE else _TWO_LETTERS.get(base, base)


def region(tag: str) -> str:
    """`AT` of `de-AT`, `419` of `es-419`; empty where the tag has none."""
    for part in _parts(tag)[1:]:
        if len(part) == 1:  # what follows is no part of the language's name
            return ""
        if (len(part) == 2 and part.isalpha()) or (len(part) == 3 and part.isdigit()):
            return part.upper()
    return ""


def distance(tag: str, spoken: str) -> int | None:
    """How far a voice's language is from a book's: 0 the same region, 1 the nearest other one, 2 farther; None for another language."""
    if base_language(tag) != base_language(spoken):
        return None
    wanted, has = region(tag), region(spoken)
    nearest = _nearest(base_language(tag), wanted)
    if has == wanted or (not wanted and has == nearest):
        return 0
    return 1 if has == nearest else 2


def _nearest(base: str, wanted: str) -> str:
    """The region, of those that voices come from, whose speech is the nearest to the wanted one's."""
    if base == "en":
        return "US" if wanted in _NORTH_AMERICA else "GB"
    if base == "es":
        return "ES" if wanted in ("", "ES", "GQ") else "MX"
    if base == "pt":
        return "BR" if wanted == "BR" else "PT"
    return base.upper()


@lru_cache(maxsize=256)  # a window of many books asks for each of them, again and again
def _parts(tag: str) -> tuple[str, ...]:
    return tuple(tag.strip().lower().replace("_", "-").split("-"))
