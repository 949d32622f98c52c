"""Languages in the user's words, as Calibre has them; and which of them the library's books are in."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from calibre.utils.localization import get_lang  # type: ignore[import-not-found]
from qt.core import QLocale  # type: ignore[import-not-found]

from ..languages import base_language
from ..wording import language_words
from ..wording import translate as _

_SCRIPTS: Final = {
    "Arab": QLocale.Script.ArabicScript,
    "Cyrl": QLocale.Script.CyrillicScript,
    "Deva": QLocale.Script.DevanagariScript,
    "Hans": QLocale.Script.SimplifiedHanScript,
    "Hant": QLocale.Script.TraditionalHanScript,
    "Latn": QLocale.Script.LatinScript,
}
"""Those that books name, by their codes; Qt looks up none."""


@cache
def language_name(language: str) -> str:
    """`German` for `de`, `deu` or `de-AT`; a word for none."""
    if not language:
        return _("unknown")
    return language_words(language)


def short_name(tag: str) -> str:
    """`English (GB)` for `en-GB`, `Chinese (Traditional Han)` for `zh-Hant`."""
    base, _hyphen, region = tag.replace("_", "-").partition("-")
    region = ", ".join(QLocale.scriptToString(_SCRIPTS[part]) if part in _SCRIPTS else part for part in region.split("-"))
    return _("{language} ({region})").format(language=language_name(base), region=region) if region else language_name(base)


@cache
def full_name(tag: str) -> str:
    """`English (United Kingdom)` for `en-GB`."""
    base, _hyphen, region = tag.replace("_", "-").partition("-")
    name = language_name(base)
    locale = QLocale(f"{base}_{region}")
    if not region or locale.name() != f"{base}_{region}":
        return short_name(tag)
    return _("{language} ({region})").format(language=name, region=QLocale.territoryToString(locale.territory()))


def of_the_user() -> str:
    """The language that Calibre speaks, by its code of two letters where there is one."""
    return base_language(str(get_lang() or "en"))


def of_the_library(gui: Any) -> tuple[str, ...]:
    """The languages of its books by their codes, those of most books first; empty without a library."""
    if gui is None:
        return ()
    api = gui.current_db.new_api
    usage, codes = api.get_usage_count_by_id("languages"), api.get_id_map("languages")
    counted = sorted(((count, codes[item]) for item, count in usage.items() if count and item in codes), reverse=True)
    return tuple(dict.fromkeys(base_language(code) for _count, code in counted))
