"""What a bundle says about its book (`metadata` of bundle.json), from Calibre's Metadata or from the book's own package.

The library is the truth where the book comes from one (design rule 11); the file only adds what a library does not
keep: the region of its language. Texts are plain, dates ISO 8601, languages BCP 47.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final


def metadata_of_file(container: Any) -> dict[str, Any]:
    """Of the unpacked book itself: its own tag of the language and its own precision of the date kept."""
    found = describe(container.mi)
    raw = _dublin_core(container, "language")
    found["language"] = agreed_language(found["language"], raw)
    date = _dublin_core(container, "date")
    if re.fullmatch(r"\d{4}(-\d\d){0,2}", date):  # Calibre makes 1843 a day of 1843
        found["date"] = date
    return found


def _dublin_core(container: Any, element: str) -> str:
    for node in container.opf_xpath(f"//*[local-name()='metadata']//*[local-name()='{element}']"):
        text = str(node.text or "").strip()
        if text:
            return text
    return ""


def describe(mi: Any) -> dict[str, Any]:
    """The bundle's `metadata` of a calibre.ebooks.metadata Metadata; texts plain."""
    from calibre.utils.date import as_local_time, is_date_undefined  # type: ignore[import-not-found]
    from calibre.utils.localization import lang_as_iso639_1  # type: ignore[import-not-found]

    language = next((code for code in mi.languages or () if code and code != "und"), "")
    date = getattr(mi, "pubdate", None)
    return {
        "title": mi.title or "",
        "authors": [author for author in mi.authors or () if author],
        "language": (lang_as_iso639_1(language) or language) if language else "",
        "series": mi.series or "",
        "series_index": float(mi.series_index) if mi.series and mi.series_index is not None else None,
        "publisher": mi.publisher or "",
        "date": "" if date is None or is_date_undefined(date) else as_local_time(date).date().isoformat(),
        "identifiers": {str(scheme): str(value) for scheme, value in mi.get_identifiers().items()},
        "comments": plain_text(mi.comments or ""),
        "tags": list(mi.tags or ()),
        "rights": plain_text(str(getattr(mi, "rights", None) or "")),
    }


def agreed_language(known: str, tag: str) -> str:
    """`known` decides; the file's fuller tag (en-GB) is taken where it says the same language."""
    tag = tag.replace("_", "-")
    well_formed = re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag)
    if not known:
        return tag if well_formed else ""
    from calibre.utils.localization import canonicalize_lang

    fuller = well_formed and "-" in tag  # else known is as good, and shorter: BCP 47 says it, not ita
    same = fuller and canonicalize_lang(tag.split("-")[0]) == canonicalize_lang(known.split("-")[0])
    return tag if same else known


BLOCKS: Final = {
    *("address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"),
}


def plain_text(html: str) -> str:
    """HTML comments as paragraphs of plain text, one a line."""
    if "<" not in html and "&" not in html:
        return html.strip()
    from lxml.html import fromstring  # type: ignore[import-untyped]

    lines = "".join(_pieces(fromstring(f"<div>{html}</div>"))).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _pieces(element: Any) -> Iterator[str]:
    block = element.tag in BLOCKS
    if isinstance(element.tag, str) and element.tag not in ("script", "style"):
        yield ("\n" if block else "") + (" ".join((element.text or "").split("\n")))
        for child in element:
            yield from _pieces(child)
            yield " ".join((child.tail or "").split("\n"))
        if block:
            yield "\n"
