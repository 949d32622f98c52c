"""Language tags as books give them, made comparable. Knows nothing of voices.

Calibre's database keeps ISO 639-2/3 codes (`eng`, `zho`), documents carry BCP 47 tags (`en-GB`), and strangers write
anything (`x garbage`, `english_UK`). The two-letter codes are ISO 639-1, the bibliographic ones of 639-2 included.
"""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*", re.IGNORECASE)

_LONG: Final = (
    "afr:af amh:am ara:ar asm:as aze:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs cze:cs cym:cy wel:cy dan:da deu:de ger:de ell:el gre:el eng:en epo:eo "
    "est:et eus:eu baq:eu fas:fa per:fa fin:fi fra:fr fre:fr gle:ga glg:gl guj:gu heb:he hin:hi hrv:hr hun:hu hye:hy arm:hy ind:id isl:is ice:is ita:it "
    "jpn:ja kan:kn kat:ka geo:ka kaz:kk kir:ky kor:ko lat:la lav:lv lit:lt ltz:lb mal:ml mar:mr mkd:mk mac:mk mlt:mt msa:ms may:ms mya:my bur:my nep:ne "
    "nld:nl dut:nl nno:nn nob:nb nor:no ori:or pan:pa pol:pl por:pt ron:ro rum:ro rus:ru sin:si slk:sk slo:sk slv:sl spa:es sqi:sq alb:sq srp:sr swa:sw "
    "swe:sv tam:ta tat:tt tel:te tha:th tur:tr ukr:uk urd:ur uzb:uz vie:vi yid:yi zho:zh chi:zh "
    "arg:an bak:ba chv:cv gla:gd grn:gn hat:ht hbs:sh ina:ia kal:kl kur:ku mri:mi mao:mi mol:ro orm:om que:qu scc:sr snd:sd tir:ti tsn:tn tuk:tk uig:ug "
    "arb:ar ekk:et lvs:lv npi:ne ory:or pes:fa prs:fa swc:sw swh:sw zsm:ms"  # one language of a group that has the code of two letters
)
_SHORT: Final = {pair[:3]: pair[4:] for pair in _LONG.split()}
_NO_LANGUAGE: Final = frozenset({"und", "mul", "zxx", "mis"})


def normalise(tag: str) -> str:
    """The tag in BCP 47's usual spelling (`en-GB`, `zh-Hant`), or empty where it is none or names no language."""
    tag = tag.strip().replace("_", "-")
    if not _TAG.fullmatch(tag):
        return ""
    first, *rest = tag.split("-")
    first = _SHORT.get(first.lower(), first.lower())
    if first in _NO_LANGUAGE:
        return ""
    return "-".join([first, *(_subtag(part) for part in rest)])


def primary(tag: str) -> str:
    """The language alone: `en` of `en-GB`."""
    return tag.partition("-")[0].lower()


def _subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()  # a script
    return part.upper() if len(part) == 2 else part.lower()
