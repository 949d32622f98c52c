"""Which languages eSpeak NG reads. What it does not know it speaks by the rules of English, and nobody understands that.

As its release in the engine has them (`tests/contract/test_espeak_languages.py`).
"""

from __future__ import annotations

from typing import Final

from ..languages import base_language

_READ: Final = """
af am an ar as az ba be bg bn bs ca cs cv cy da de el en eo es et eu fa fi fr ga gd gn gu he hi hr ht hu hy ia id io is it ka kk kl kn ko ku ky la lb
lt lv mi mk ml mr ms mt my ne nl no om or pa pl pt qu ro ru sd sh si sk sl sq sr sv sw ta te th ti tk tn tr tt ug uk ur uz vi zh
bpy grc hak haw hyw jbo kok lfn ltg mto nci nog pap piqd py qdb quc qya shn sjn smj yue
"""
READ: Final = frozenset(_READ.split())
"""By their codes of two letters, those that have none by espeak's own."""
NAMED: Final = frozenset(("ja", "chr"))
"""Of these it has rules for another script than books are in: of Japanese it reads kana and names each kanji, of Cherokee it reads Latin letters."""


def unread(language: str) -> str:
    """Why eSpeak does not read a language (BCP 47 or ISO 639): the code of a warning whose parameter is `language`; empty where it does."""
    base = base_language(language)
    return "" if base in READ else "espeak_named" if base in NAMED else "espeak_unknown"
