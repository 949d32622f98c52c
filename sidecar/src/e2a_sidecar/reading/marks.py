"""What of a page is for the eye alone: by the types and classes of its elements, and by words as few and plain as a mark's are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from e2a_sidecar.reading.soup import names

_TYPES: Final = {
    **dict.fromkeys(("noteref", "doc-noteref", "backlink", "doc-backlink", "referrer"), "noteref"),
    **dict.fromkeys(names("footnote footnotes endnote endnotes rearnote rearnotes doc-footnote doc-endnote doc-endnotes"), "note"),
    **dict.fromkeys(("pagebreak", "doc-pagebreak"), "pagebreak"),
    **dict.fromkeys(names("toc toc-brief landmarks page-list doc-toc doc-pagelist"), "nav"),
    **dict.fromkeys(names("copyright-page imprint colophon doc-colophon loi lot loa lov index doc-index"), "boilerplate"),
    "halftitlepage": "halftitle",
    "cover": "cover",
    "doc-cover": "cover",
}
"""epub:type or role -> reason. A title page, a dedication, thanks and a bibliography are said."""
TAGS: Final = {
    "nav": "nav",
    **dict.fromkeys(("rt", "rp", "rtc"), "ruby"),
    **dict.fromkeys(names("audio video iframe canvas noscript object case"), "fallback"),
}
"""Element -> reason."""
_NOTE_CLASSES: Final = names("footnote footnotes endnote endnotes rearnote rearnotes")
_NO_NOTE_BLOCKS: Final = frozenset({"body", "html"})
NOTEREF_CLASSES: Final = names("noteref footnoteref footnote-ref fnref endnote-ref footnote-back")
PAGE_CLASSES: Final = names(
    "pagenum pageno pagenumber page-num page-number page-no page_num page_number page_no pgnum pgno folio pagebreak x-ebookmaker-pageno "
    "linenum lineno linenumber line-number line-num lnum"
)
_SCRIPT_CLASSES: Final = {**dict.fromkeys(names("sup super superscript"), "sup"), **dict.fromkeys(names("sub subscript"), "sub")}
_DROPPED: Final = re.compile(r"drop|initial|lettrine|first-?letter", re.IGNORECASE)

_MAX_MARK_CHARS: Final = 30
_NOTE: Final = r"(?i:note|footnote|fn|anm|nota)\.?\s?\d{1,4}"
_BACK: Final = r"(?i:back|return|top|zurück|retour|volver|torna)"
_ARROWS: Final = r"[\s↩↪↵↲↰⏎⤴⤶⮌⮍⮐←↑⇐⇑⇦⇧⬅⬆▲△◄◂«‹^\ufe0e\ufe0f]+"
_NOTE_MARK: Final = re.compile(
    rf"[\[({{]?\s?(?:\d{{1,4}}|[ivxlc]{{1,6}}|[a-zA-Z]|[*†‡§¶#‖]{{1,4}}|{_NOTE})\s?[\])}}]?|[\[({{]{_BACK}[\])}}]|{_ARROWS}(?:{_BACK}|\d{{1,4}})?|{_BACK}{_ARROWS}"
)
_PLAIN_MARK: Final = re.compile(rf"\(?(?:\d{{1,4}}|[ivxlc]{{1,6}}|[a-zA-Z])\)?|{_NOTE}")  # may be a reference that is part of the sentence: "by (3)"
_REFERS: Final = re.compile(r"(?:(?<![\w.])(?:pp?|[Nn]os|No|[Nn]r|[Ff]igs?|[Cc]h|[Cc]hap|[Vv]ol|[Vv]v?|S|cf|Abb|Kap|Art)\.|[§#№¶$£€])$")
_LEADS: Final = re.compile(r"\b(?:to|page|section|paragraph|entry|chapter|zu|Seite|Abschnitt|au|paragraphe|chapitre)\s$")
"""Words that want what follows: "turn to [14]"."""
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff]$")
"""Scripts without blanks, in which every number is glued to a word."""
_PAGE_NUMBER: Final = re.compile(r"[\[({–—-]?\s*(?:(?:p|pg|pag|page|s|seite)\.?\s*)?(?:\d{1,5}|[ivxlcdm]{1,10})\s*[\])}–—-]?", re.IGNORECASE)

_NO_WORDS: Final = re.compile(
    r"\S*\.(?:jpe?g|png|gif|svg|bmp|webp|tiff?)|(?:image|img|picture|photo|graphic|cover|logo|figure|illustration|decoration)s?[\s_-]*\d*", re.IGNORECASE
)
_LETTER_PICTURE: Final = re.compile(
    r"(?:(?:an?|the|illuminated|illustrated|decorat\w+|ornate|ornament\w*|large|fancy|initial|capital|drop(?:ped)?|cap|dropcap(?:ital)?|letter)[\s:,-]+)+"
    r"[\"'“‘]?(?P<letter>[A-Z])[\"'”’.]*",
    re.IGNORECASE,
)
_MAX_PICTURE_CHARS: Final = 300


def reason(tag: str, attributes: Mapping[str, str], block: bool, labelled: bool) -> str:
    """Why an element is not said, a code of `block.REASONS`; empty where nothing but perhaps its style (`cascade`) speaks against it.

    labelled: it stands in one whose words are read to the blind by a label, so that what is hidden from those is what all others see.
    """
    if "hidden" in attributes or (attributes.get("aria-hidden") == "true" and not labelled):
        return "hidden"
    for name in ("epub:type", "role"):
        for word in attributes.get(name, "").split():
            if word in _TYPES:
                return _TYPES[word]
    if block and tag not in _NO_NOTE_BLOCKS and _NOTE_CLASSES & set(attributes.get("class", "").split()):
        return "note"
    return TAGS.get(tag, "")


def script_of(classes: set[str]) -> str:
    """`sup` or `sub` of an element that is raised or lowered by its class; else empty."""
    return next((_SCRIPT_CLASSES[name] for name in classes if name in _SCRIPT_CLASSES), "")


def is_dropped(attributes: Mapping[str, str]) -> bool:
    """Does the class say that it holds the first letter of what comes?"""
    return bool(_DROPPED.search(attributes.get("class", "")))


def is_page_number(text: str) -> bool:
    """Is that, in an element which calls itself the number of a page, one? "[Pg 12]", "xiv"."""
    return len(text) <= _MAX_MARK_CHARS and _PAGE_NUMBER.fullmatch(text) is not None


def is_note_mark(text: str, before: str, raised: bool, away: bool) -> bool:
    """Is a link's text the mark of a note, or the way back from one? before: the text it is glued to. away: it leads to a document, to no place in one."""
    if len(text) > _MAX_MARK_CHARS or not _NOTE_MARK.fullmatch(text):
        return False
    glued = text.isdigit() and before[-1:] not in ("", *"([-–—/") and not before[-1].isspace() and not (_REFERS.search(before) or _UNSPACED.search(before))
    return raised or (not away and (glued or not (_PLAIN_MARK.fullmatch(text) or _LEADS.search(before))))


def ends_word(before: str) -> bool:
    """Does a text end where the mark of a note would be glued to it: behind a word, or behind what closes one?"""
    return before[-1:].isalnum() or before[-1:] in tuple('.,;:!?…"”’»)]')


def picture_words(alternative: str) -> str:
    """What a picture says by its alternative text: the letter of "Illuminated letter T"; empty where that is a file's name or the like."""
    words = " ".join(alternative.split())[:_MAX_PICTURE_CHARS]
    if letter := _LETTER_PICTURE.fullmatch(words):
        return letter["letter"].upper()
    return words if any(map(str.isalnum, words)) and not _NO_WORDS.fullmatch(words) else ""
