"""What the engine is given for a sentence, and the way back from it to the book's text.

A first, careful version: only what espeak and Piper say plainly wrong (tried with piper-tts 1.8). "Mr. Darcy" is cut
into two sentences; "wait… what" is run together and so is "said—no"; "CHAPTER XII" becomes "chapter roman twelve" and
"IT" in a heading of capitals is spelt. Rules for words are English, and a few of other languages (`elsewhere`); the others hold for every one.

All rules look at the book's text and give edits, which never overlap (the first rule wins); one pass applies them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from e2a_sidecar.reading import elsewhere, figures, signs
from e2a_sidecar.reading.language import primary

Map = tuple[tuple[int, int, int, int], ...]
"""See `model.Sentence.spoken_map`."""


class Edit(NamedTuple):
    """[start, end) of the text is said as `by`."""

    start: int
    end: int
    by: str


_TITLES: Final = {
    "mr": "Mister", "mrs": "Missus", "ms": "Miz", "dr": "Doctor", "prof": "Professor", "rev": "Reverend", "hon": "Honourable", "messrs": "Messieurs",
    "capt": "Captain", "col": "Colonel", "gen": "General", "lt": "Lieutenant", "sgt": "Sergeant", "maj": "Major", "gov": "Governor", "sen": "Senator",
    "st": "Saint", "mt": "Mount", "ft": "Fort", "mme": "Madame", "mlle": "Mademoiselle", "adm": "Admiral", "cmdr": "Commander", "cpl": "Corporal",
    "pvt": "Private", "lieut": "Lieutenant", "insp": "Inspector", "supt": "Superintendent", "pres": "President", "msgr": "Monsignor", "bros": "Brothers",
    "wm": "William", "thos": "Thomas", "chas": "Charles", "geo": "George", "jas": "James", "robt": "Robert", "benj": "Benjamin",
}  # fmt: skip
_PLAIN: Final = {
    "Jr": "Junior", "Sr": "Senior", "Esq": "Esquire", "vs": "versus", "Ltd": "Limited", "Inc": "Incorporated", "Corp": "Corporation", "Co": "Company",
    "Bros": "Brothers", "Dept": "Department", "Univ": "University", "Assn": "Association", "Govt": "Government", "approx": "approximately",
    "Blvd": "Boulevard", "Ave": "Avenue", "Rd": "Road",
}  # fmt: skip
_OF_PLACES: Final = ("st", "mt", "ft")  # of a name, or something else
_MONTHS: Final = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August", "Sep": "September",
    "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip
_OF_FIRMS: Final = "Ltd|Inc|Corp|Co|Bros"  # plain at the end of a sentence too
_MEASURES: Final = {
    "ft": ("foot", "feet"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"), "yd": ("yard", "yards"),
    "yds": ("yard", "yards"), "in": ("inch", "inches"), "cwt": ("hundredweight", "hundredweight"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "sec": ("second", "seconds"), "secs": ("second", "seconds"),
    "tsp": ("teaspoon", "teaspoons"), "tbsp": ("tablespoon", "tablespoons"),
}  # fmt: skip
_BEFORE_NUMBER: Final = {
    "Vol": "Volume", "vol": "volume", "Vols": "Volumes", "vols": "volumes", "Ch": "Chapter", "ch": "chapter",
    "Chap": "Chapter", "chap": "chapter", "Fig": "Figure", "fig": "figure", "p": "page", "pp": "pages",
}  # fmt: skip
_NUMBER: Final = {"No": "Number", "Nos": "Numbers", "no": "number", "nos": "numbers"}
_REGNAL: Final = (
    "Alexander|Alfonso|Benedict|Boniface|Catherine|Charles|Christian|Clement|Edward|Elizabeth|Eugene|Ferdinand|Francis|Frederick|George|Gregory|Gustavus|"
    "Henry|Innocent|Ivan|James|John|Julius|Leo|Leopold|Louis|Mary|Napoleon|Nicholas|Otto|Paul|Peter|Philip|Pius|Pope|Ptolemy|Ramses|Richard|Robert|Sixtus|"
    "Urban|Victor|Wilhelm|William"
)
_TENTH: Final = r"(?:Pope|King|Emperor) [A-Z]\w+|Alfonso|Charles|Clement|Gregory|Innocent|Leo|Louis|Pius"  # of the others X is seldom one
_TITLE: Final = re.compile(rf"\b({'|'.join(_TITLES)})\.(?=\s+(?:&\s|[\"'“‘(]?[^\W\d_]))", re.IGNORECASE)
_PLAIN_WORD: Final = re.compile(rf"\b({'|'.join(_PLAIN)})\.(?=\s+[a-z\d(&]|\s?[,;:])")
_BARONET: Final = re.compile(r"(?<=, )(Bart)\.(?=\s+[a-z(]|\s?[,;:])")
_MONTH: Final = re.compile(rf"\b({'|'.join(_MONTHS)})\.(?=\s+[a-z\d]|\s?[,;:])")
_FIRM: Final = re.compile(rf"\b({_OF_FIRMS})(?=\.[\"”’)]*$)")
_STREET: Final = re.compile(r"\b(?:[A-Z][\w’']*|\d+(?:st|nd|rd|th)) (St\.)(?=\s+[a-z]|\s?[,;:])")
_INCHES: Final = r"in(?=\.(?:\s+(?:\d|(?:across|and|broad|by|deep|high|in|long|of|or|square|tall|thick|to|wide|x)\b)|\s?[,;:]))"
_VULGAR: Final = "½¼¾⅓⅔⅛⅜⅝⅞"
_MEASURE: Final = re.compile(
    rf"(?<=[\d{_VULGAR}])(\s?)"
    rf"(?:({'|'.join(m for m in _MEASURES if m != 'in')}|{_INCHES})\.(?=\s+[a-z\d]|\s?[,;:])|(tb?sp)(?!\w)(?:\.(?=\s+[a-z\d]|\s?[,;:)]))?)"
)
_SMALL_ROMAN: Final = r"(?=[ivxlc])(?:c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})(?![\w’'])"
_PART: Final = re.compile(r"(?<!\d\s)(?<!\d)[1357]/\d\Z")
_NUMBERED: Final = re.compile(rf"\b({'|'.join(_BEFORE_NUMBER)})\.(?=\s*(?:\d|[IVXLC]+\b|{_SMALL_ROMAN}))")
_NUMBERS: Final = re.compile(
    r"(?:\b(?=Nos?\.|nos\.)|(?:^|[;(]|(?i:\b(?:at|by|for|from|house|in|of|on|room|see|to|under)))\s?\b)([Nn]os?)\."
    r"(?=\s*(?:\d|(?!I\b)[IVXLC]+(?:\s*[,;:.)]|$)))"
)
"""Not in "No. I said no." and "The reply was no. 3 men left"."""
_INITIAL: Final = re.compile(r"\b[A-HJ-Z]\.(?=\s+[A-Z])|(?<=[A-Z]\.\s)I\.(?=\s+[A-Z])")

_MONTH_NAMES: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_ROMAN: Final = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_CHAPTER: Final = re.compile(
    rf"\b(chapter|book|part|volume|stave|canto|act|scene|section|letter|lesson|plate|figure)\s+({_ROMAN})(?=([^\w’']|$))", re.IGNORECASE
)
_SMALL: Final = re.compile(
    rf"\b(?:(?:[Vv]ols?|[Cc]h|[Cc]hap|pp?)\.|[Cc]hapters?|[Pp]ages?|[Vv]olumes?|[Aa]cts?|[Ss]cenes?|[Cc]antos?)\s*(?<=[\s.])({_SMALL_ROMAN})(?:(\s?[-–]\s?)({_SMALL_ROMAN}))?"
)
_ROMAN_FIRST: Final = re.compile(rf"({_ROMAN})(?=\s*(?:[.:)—–]|$))")
_ROMAN_ANY: Final = re.compile(rf"(\b(?:{_REGNAL}) )?(?<![\w’'.])(?=[IVX]{{2}})((?:X{{0,3}})(?:IX|IV|V?I{{0,3}}))(th|st|nd|rd)?(?!\w|[’'](?!s\b))")
_ROMAN_FIFTH: Final = re.compile(rf"\b(?:(?:{_REGNAL}) (V)|(?:{_TENTH}) (X))(?![\w-]|[’'](?!s\b))(?!\.\s+[A-Z])")
_ORDINAL: Final = re.compile(rf"(?:(?P<the>\b[Tt]he )|(?P<month>\b(?:{_MONTH_NAMES}) )|(?<![\w.,$£€/-]))(?:\d?[02-9])?(?:2(?P<second>)|3)(?=d\b)")
"""As "2nd" and "3rd" were written once; else "2d." is two pence."""
_BEHIND_THE: Final = re.compile(
    r"d(?! (?:anim|effect|film|game|glass|graphic|image|model|movie|print|scan|space|view|world))(?:\.(?=\s+(?:[A-Z]|of\b)|[,;:])|(?!\.\s+[a-z]))"
)
_BEHIND_MONTH: Final = re.compile(r"d(?:\.(?=\s+[a-z\d]|[,;:]))?")
_BEHIND_NEITHER: Final = re.compile(rf"d(?:(?=\s+(?:of\s+)?[A-Z][a-z])|\.(?=\s+of\s+(?:{_MONTH_NAMES})\b))")
_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}

_APART: Final = re.compile(
    r"(?P<roman>[\u2160-\u217f]+)|(?P<small>[ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ]+)|(?P<circled>[\u2460-\u2473])|(?P<print>[\ufb00-\ufb06\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]+)"
    r"|\w[\u0300-\u036f\u3099\u309a]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
)
_SMALL_CAPITALS: Final = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_NO_SOUNDS: Final = re.compile("[ᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜰꜱ]")
"""Those of them that phonetic script does not have."""
_CAPITALS: Final = re.compile(r"[^\W\d_]{2,}(?:[’'][^\W\d_]+)*")
_YEARS: Final = re.compile(r"(?<=\d)\s?[–—]\s?(?=\d)")
_PAUSE: Final = re.compile(
    r"\s*(?:…|\.(?:\s?\.){2,}|[—―]|--+)(?:[\s….—―]|--+)*"
    r"|(?:(?<=[^\W\d_]{2})|(?<=[,.;:!?\"”’⸺]))\s+[–-]\s+(?=[\"“‘⸺]?[^\W\d_])"
)
"""Dots, dashes, and a hyphen or short dash between blanks that stands for one (not in "a - b")."""
_REPEATED: Final = re.compile(r"([!?])[!?]+|,(?:\s*,)+")
_UNSAYABLE: Final = re.compile(r"[*_~^|\\`<>•⁂✻·¶†‡\ufffc\ufffd\ufe0e\ufe0f\ue000-\uf8ff]+|[\u2500-\u25ff]+")
_ELIDED: Final = re.compile(r"\s*[⸺⸻]+|(?<=\w)(?:——+|----+)(?=[\s,.;:!?\"”’]|$)")
_ENDS: Final = frozenset(".!?:;,…。！？：；，、")
_OPENERS: Final = frozenset("“‘«([„¿¡")


def spoken(text: str, language: str, heading: bool = False) -> tuple[str, Map]:
    """What is said for `text` in that language, and its map (empty where both are equal)."""
    base = primary(language)
    rules = (_composed, *(_ENGLISH if base == "en" else (partial(_local, base),)), partial(_signs, base), *_COMMON)
    edits: list[Edit] = []
    taken = bytearray(len(text))
    for rule in rules:
        for edit in rule(text, heading):
            if not any(taken[edit.start : edit.end]):
                taken[edit.start : edit.end] = b"\1" * (edit.end - edit.start)
                edits.append(edit)
    if not edits:
        return text, ()
    said, pieces = _applied(text, sorted(edits))
    return (said, pieces) if said.strip() else (text, ())


def _applied(text: str, edits: list[Edit]) -> tuple[str, Map]:
    parts: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    at = length = 0
    for start, end, by in [*edits, Edit(len(text), len(text), "")]:
        for piece, piece_end in ((text[at:start], start), (by, end)):
            if piece or at < piece_end:
                parts.append(piece)
                pieces.append((length, length + len(piece), at, piece_end))
                length += len(piece)
                at = piece_end
    return "".join(parts), tuple(pieces)


def _composed(text: str, heading: bool) -> Iterator[Edit]:
    """Letters that stand as a letter and its marks, which espeak does not put together ("naïve" is then "nave"); those for print: ligatures, capitals."""
    if text.isascii():
        return
    for found in _APART.finditer(text):
        written = found.group()
        plain = unicodedata.normalize("NFC" if found.lastgroup is None else "NFKC", written)
        if found["roman"]:
            plain = str(_value(plain))
        elif found["small"] and _NO_SOUNDS.search(text):
            plain = written.translate(_SMALL_CAPITALS)
        elif found["circled"]:
            plain = f" {plain} "
        if plain != written:
            yield Edit(found.start(), found.end(), plain)


def _local(language: str, text: str, heading: bool) -> Iterator[Edit]:
    for start, end, by in elsewhere.words(text, language):
        yield Edit(start, end, by)


def _signs(language: str, text: str, heading: bool) -> Iterator[Edit]:
    for start, end, by in signs.words(text, language):
        yield Edit(start, end, by)


def _words(pattern: re.Pattern[str], said: dict[str, str]) -> Callable[[str, bool], Iterator[Edit]]:
    """A rule that says the words of a table in full, with the full stop behind them."""

    def rule(text: str, heading: bool) -> Iterator[Edit]:
        if "." in text:
            for found in pattern.finditer(text):
                glued = text[found.end() : found.end() + 1].isalnum()  # "p.12"
                yield Edit(found.start(1), found.end(), said[found.group(1)] + (" " if glued else ""))

    return rule


def _titles(text: str, heading: bool) -> Iterator[Edit]:
    if "." not in text:
        return
    for found in _TITLE.finditer(text):
        word = found.group(1)
        if word[0].isupper() and (word.lower() not in _OF_PLACES or text[found.end() :].lstrip("\"'“‘( \u00a0\n")[:1].isupper()):
            yield Edit(found.start(), found.end(), _TITLES[word.lower()])


def _streets(text: str, heading: bool) -> Iterator[Edit]:
    """Behind a name and before no other, "St." is no saint."""
    if "." in text:
        for found in _STREET.finditer(text):
            yield Edit(*found.span(1), "Street")


def _measures(text: str, heading: bool) -> Iterator[Edit]:
    for found in _MEASURE.finditer(text):
        one = text[found.start() - 1] in ("1", *_VULGAR) and text[: found.start() - 1][-1:] not in tuple("0123456789.,/")
        one = one or _PART.search(text, 0, found.start()) is not None
        yield Edit(found.start(), found.end(), " " + _MEASURES[found.group(2) or found.group(3)][0 if one else 1])


def _initials(text: str, heading: bool) -> Iterator[Edit]:
    """The full stop of an initial ends no sentence: "J. R. R. Tolkien"."""
    if "." in text:
        for found in _INITIAL.finditer(text):
            yield Edit(found.end() - 1, found.end(), "")


def _romans(text: str, heading: bool) -> Iterator[Edit]:
    """Roman numbers after words like "chapter", at the beginning of a heading, after a king's name, and long ones."""
    for found in _CHAPTER.finditer(text):
        word, roman, after = found.groups()
        closed = after in ("", *".,:;)—")
        begins = not text[: found.start()].strip("\"'“‘([ ")  # "Part I Childhood", but "The Part I Played"
        single_sure = (heading and (closed or begins or roman != "I")) or (closed and word[0].isupper() and word.lower() != "letter")
        if roman.isupper() and (len(roman) > 1 or (roman in "IVX" and single_sure)):
            stop = found.end(2) + (after == ".")  # with the full stop, which is no initial's
            yield Edit(found.start(2), stop, str(_value(roman)) + text[found.end(2) : stop])
    first = _ROMAN_FIRST.match(text) if heading else None
    if first and (len(first.group()) > 1 or first.group() in "IVX"):
        yield Edit(*first.span(1), str(_value(first.group(1))))
    for found in _SMALL.finditer(text):
        for group in (1, 3) if found.group(3) else (1,):
            yield Edit(*found.span(group), str(_value(found.group(group))))
        if found.group(3):
            yield Edit(*found.span(2), " to ")
    for found in _ROMAN_FIFTH.finditer(text):
        yield Edit(*found.span(found.lastindex or 1), f"the {_ordinal(_value(found.group(found.lastindex or 1)))}")
    for found in _ROMAN_ANY.finditer(text):
        king, roman, ending = found.groups()
        said = _ordinal(_value(roman)) if king or ending else str(_value(roman))
        yield Edit(found.start(2), found.end(3 if ending else 2), f"the {said}" if king else said)


def _ordinals(text: str, heading: bool) -> Iterator[Edit]:
    for found in _ORDINAL.finditer(text):
        pattern = _BEHIND_THE if found["the"] else _BEHIND_MONTH if found["month"] else _BEHIND_NEITHER
        if ending := pattern.match(text, found.end()):
            yield Edit(*ending.span(), "rd" if found["second"] is None else "nd")


def _ordinal(value: int) -> str:
    """As figures: "14th"."""
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def _value(roman: str) -> int:
    values = [_VALUES[letter] for letter in roman.upper()]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True))


def _all_capitals(text: str, heading: bool) -> Iterator[Edit]:
    """A sentence all in capitals is said in small ones, for espeak spells "IT" and "US"; a single word may be initials."""
    if not text.isupper():
        return
    words = list(_CAPITALS.finditer(text))
    if len(words) > 1:
        for word in words:
            yield Edit(word.start(), word.end(), word.group().capitalize())


def _figures(text: str, heading: bool) -> Iterator[Edit]:
    for start, end, by in figures.words(text, heading):
        yield Edit(start, end, by)


def _years(text: str, heading: bool) -> Iterator[Edit]:
    for found in _YEARS.finditer(text):
        yield Edit(found.start(), found.end(), " to ")


def _elided(text: str, heading: bool) -> Iterator[Edit]:
    """A name kept back: "Mr. B⸺ said"."""
    for found in _ELIDED.finditer(text):
        yield Edit(found.start(), found.end(), " " if text[found.end() : found.end() + 1].isalnum() else "")


def _pauses(text: str, heading: bool) -> Iterator[Edit]:
    """Dashes and dots are a pause, as a comma's; at the beginning, or beside another mark, they are none of their own."""
    for found in _PAUSE.finditer(text):
        start, end = found.span()
        yield Edit(start, end, _pause(text[:start], text[end:], "." if set("….") & set(found.group()) else ","))


def _pause(before: str, after: str, last: str) -> str:
    closed = before.rstrip("\"'”’»)]")
    if not closed or before[-1] in _OPENERS or after[:1] in _ENDS:
        return ""
    if not any(character.isalnum() for character in after):
        return "" if closed[-1] in _ENDS else last
    if closed[-1] in _ENDS:
        return " "
    return "," if after[0] in '"”’»)]' and not after[1:2].isalnum() else ", "


def _repeated(text: str, heading: bool) -> Iterator[Edit]:
    for found in _REPEATED.finditer(text):
        marks = found.group()
        yield Edit(found.start(), found.end(), "?" if "?" in marks else marks[0])


def _unsayable(text: str, heading: bool) -> Iterator[Edit]:
    for found in _UNSAYABLE.finditer(text):
        start, end = found.span()
        between = start > 0 and end < len(text) and text[start - 1].isalnum() and text[end].isalnum()
        yield Edit(start, end, " " if between else "")


_Rule = Callable[[str, bool], Iterator[Edit]]
_ENGLISH: Final[tuple[_Rule, ...]] = (
    _words(_NUMBERED, _BEFORE_NUMBER), _words(_NUMBERS, _NUMBER), _streets, _titles, _words(_PLAIN_WORD, _PLAIN), _words(_FIRM, _PLAIN),
    _words(_BARONET, {"Bart": "Baronet"}), _words(_MONTH, _MONTHS), _measures, _ordinals, _romans, _initials, _all_capitals, _figures, _years,
)  # fmt: skip
_COMMON: Final[tuple[_Rule, ...]] = (_elided, _pauses, _repeated, _unsayable)
