"""What figures stand for in English, where espeak says them wrongly: money ("dollar five"), years ("one thousand eight hundred fifty"), fractions, verses,
hours, feet and inches, units.

What may as well be something else (1850 men, a verse of the Quran, 3/5) is left to espeak: said stiffly is better than said wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Said = tuple[int, int, str]

_SIGN: Final = re.compile(r"[$£€]|\d[/:s'’′-]|[\d½]\s?[dkmcg]|1\d\d\d|[#(.]\s?\d|(?:v|c|ca)\.\s?\d")
_AMOUNT: Final = r"\d{1,3}(?:,\d{3})+|\d+"
_MONEY: Final = re.compile(
    rf"(?:\b(?P<land>US|A|C|NZ|HK)|(?<![\w$£€]))(?P<unit>[$£€])(?!(?<=\d\s.)\s)\s?(?P<whole>{_AMOUNT})(?:\.(?P<part>\d+))?"
    rf"(?:\s?[-–]\s?(?P=unit)?(?P<to>(?:{_AMOUNT})(?:\.\d+)?))?(?![.,]?\d|\s\d{{3}}\b)"
    r"(?:[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|k|mn?|bn|tn)\b)?"
    r"(?P<of>(?=-[^\W\d])|(?=\s(?:bill|note|coin|piece|ticket|fine|loan|prize|reward|tip|fee|deposit|question)s?\b))?"
)
_ONE: Final = re.compile(r"\b[Aa]n?\s$")
_THING: Final = re.compile(
    r"\s(?!(?:a|and|are|as|at|by|each|every|for|from|in|is|less|more|of|on|or|over|per|than|that|to|under|was|were|when|which|who|with)\b)[a-z]"
)
_COINS: Final = {"$": ("dollar", "dollars", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"), "€": ("euro", "euros", "cent", "cents")}
_LANDS: Final = {"US": "U.S.", "A": "Australian", "C": "Canadian", "NZ": "New Zealand", "HK": "Hong Kong"}
_SCALES: Final = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "tn": "trillion"}
_ENDS: Final = r"(?=\s+(?!then\b)[a-z]|\s?[,;:)]"
_OLD_MONEY: Final = re.compile(
    rf"(?<![\w.,'’-])(?:(?P<s>1?\d)s\.(?:\s?(?P<d>1?\d)(?P<half>½)?d\b\.?|{_ENDS}))|(?P<pence>1?\d)(?P<half_of>½)?d\.{_ENDS}|(?<![23]d\.)$))"
)

_ENDED: Final = re.compile(r"[\"”’)]*(?:\s+[\"“‘(]?[A-Z]|$)")

_CENTURY: Final = r"1[1-9]"
_YEAR: Final = re.compile(
    rf"(?<![\w.,:/$£€#+%°&=-])(?:(?P<first>{_CENTURY})|(?:(?<=\b[Ii]n )|(?<=\bof )|(?<=[Ss]ince )|(?<=[Uu]ntil )|(?<=[Aa]fter )|(?<=[Bb]efore )|(?<=\byear ))"
    rf"(?P<early>10)(?!0))"
    rf"(?P<last>\d\d)(?:(?P<decade>[’']?s\b)|(?:\s?[-–]\s?|—)(?P<then>{_CENTURY})(?P<then_last>\d\d)(?![\w/-]|[.,:]\d)|[-–](?P<short>\d\d)(?![\w/-]|[.,:]\d))?"
    r"(?![\w%°/]|[.,:]\d|-\d)"
)
_DATED: Final = re.compile(
    r"\b(?:[Ii]n|[Ss]ince|[Uu]ntil|[Tt]ill|[Dd]uring|year|circa|(?:Jan|Febr?|March|April|May|June|July|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?(?: \d\d?,)?)\s$"
)
_COUNTED: Final = re.compile(
    r"\s(?:(?:men|women|people|children|schoolchildren|feet)\b"
    r"|(?!(?:as|its|his|this|thus|us|was|has|is|does|perhaps|always|afterwards|besides|towards|across|less|versus|various|yes)\b)[a-z]{1,30}s\b)"
)
"""Behind a number that is a count and no year: "1905 ships"."""
_DECADES: Final = ("hundreds", "tens", "twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties")

_PARTS: Final = {"2": ("half", "halves"), "3": ("third", "thirds"), "4": ("quarter", "quarters"), "5": ("fifth", "fifths"), "8": ("eighth", "eighths")}
_FRACTION: Final = re.compile(
    r"(?<![\w/.,-])(?<!\b[Oo]n )(?:(?P<whole>\d+)[\s-])?(?:(?P<above>1)/(?P<below>[2348])|(?P<two>2)/(?P<of_two>3)|(?P<three>3)/(?P<of_three>[48])"
    r"|(?P<odd>[57])/(?P<of_odd>8)|(?P<fifth>[1-4])/(?P<of_fifth>5)(?=\sof\b))(?![\w/]|[.,]\d|[\s-](?:time|beat|metre|meter|rhythm|bar|measure)s?\b)"
)
"""No date, no beat, no mark out of five."""
_NUMBERS: Final = (
    *("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

BOOKS: Final = {
    "Gen": "Genesis", "Ex": "Exodus", "Exod": "Exodus", "Lev": "Leviticus", "Num": "Numbers", "Deut": "Deuteronomy", "Josh": "Joshua", "Judg": "Judges",
    "Sam": "Samuel", "Kgs": "Kings", "Chron": "Chronicles", "Chr": "Chronicles", "Neh": "Nehemiah", "Ps": "Psalm", "Prov": "Proverbs", "Eccl": "Ecclesiastes",
    "Isa": "Isaiah", "Jer": "Jeremiah", "Ezek": "Ezekiel", "Dan": "Daniel", "Hos": "Hosea", "Mic": "Micah", "Zech": "Zechariah", "Mal": "Malachi",
    "Matt": "Matthew", "Mt": "Matthew", "Mk": "Mark", "Lk": "Luke", "Jn": "John", "Rom": "Romans", "Cor": "Corinthians", "Gal": "Galatians",
    "Eph": "Ephesians", "Phil": "Philippians", "Col": "Colossians", "Thess": "Thessalonians", "Tim": "Timothy", "Heb": "Hebrews", "Jas": "James",
    "Pet": "Peter", "Rev": "Revelation",
}  # fmt: skip
_WHOLE_BOOKS: Final = "Job|Joel|Amos|Ruth|Ezra|Esther|Judith|Mark|Luke|John|Acts|Titus|James|Peter|Jude|Kings|Psalms"
_VERSE: Final = re.compile(
    rf"\b(?:(?P<short>(?:{'|'.join(BOOKS)})(?:\.|(?<!Dan)(?<!Phil)(?<!Sam)(?<!Tim)|(?<=[123]\sSam)|(?<=[123]\sTim)))"
    rf"|{'|'.join(dict.fromkeys(BOOKS.values()))}|{_WHOLE_BOOKS})\s\d{{1,3}}(?P<colon>:)[1-9]\d{{0,2}}(?:(?P<dash>-)(?=\d))?"
)
"""Dan, Phil, Sam and Tim may be people, and that the time."""
_RATIO: Final = re.compile(
    r"(?<![\w:.,/])(?:(?<=\bratio of )|(?<=\bodds of )|(?<=\bscale of )|(?=\d{1,3}:\d{1,6} (?:ratio|odds|scale|mixture)\b))"
    r"\d{1,3}(?P<colon>:)\d{1,6}(?![\w:]|[.,]\d)"
)
_HOUR: Final = re.compile(
    r"(?<![\w:.,/])(?P<hour>1?\d|2[0-4])(?P<rest>:0(?P<minute>\d))(?:(?P<half>\s?[ap]\.?m\b)|(?P<hours>\shours\b)|(?![\w:]|\s?[o0][’']clock|\s?h\b|\s?hrs?\b))",
    re.IGNORECASE,
)
_FEET: Final = re.compile(r"(?<![\w.,°])(?<!°\s)(\d{1,2})\s?[’'′]\s?(1[01]|\d)\s?[”\"″]")
_UNITS: Final = {
    "km/h": "kilometres an hour", "kph": "kilometres an hour", "mph": "miles an hour", "km": "kilometres", "cm": "centimetres", "mm": "millimetres",
    "kg": "kilograms", "mg": "milligrams", "ml": "millilitres",
}  # fmt: skip
_UNIT: Final = re.compile(
    rf"(?<![\w.,/])(?P<amount>[\d.,]*\d)(?P<gap>[\s-]?)(?P<unit>{'|'.join(_UNITS)})(?![\w²³⁰-⁹]|\s?/)(?P<of>(?=\s(?:barrel|camera|film|gun|lens|pistol|rifle|round|shell)))?"
    r"(?:\.(?=\s+[a-z\d]|\s?[,;:)]))?"
)
_WORDS: Final = ((re.compile(r"(?<![\w&])#(?=\d)"), "number "), (re.compile(r"(?<![\w.])(?:c|ca)\.\s?(?=\d{3,4}\b)"), "circa "))
_BORN: Final = re.compile(r"(?<=\()(b|d|r|fl)\.\s(?=\d{3,4}\b)")
_LIVED: Final = {"b": "born ", "d": "died ", "r": "reigned ", "fl": "flourished "}


def words(text: str, heading: bool) -> Iterator[Said]:
    """(start, end, what is said for that). Edits of one kind may overlap those of a later one, which is then not to be made."""
    if not _SIGN.search(text):
        return
    for found in _MONEY.finditer(text):
        yield found.start(), found.end(), _money(found)
    for found in _OLD_MONEY.finditer(text):
        yield found.start(), found.end(), _old_money(found) + ("." if found.group().endswith(".") and _ENDED.match(text, found.end()) else "")
    for found in _VERSE.finditer(text):
        if found["short"]:
            yield *found.span("short"), BOOKS[found["short"].rstrip(".")]
        yield *found.span("colon"), " "
        if found["dash"]:
            yield *found.span("dash"), " to "
    for found in _YEAR.finditer(text):
        if _is_year(found):
            yield found.start(), found.end(), _years(found)
    if not heading:
        for found in _FRACTION.finditer(text):
            yield found.start(), found.end(), _fraction(found)
    for found in _HOUR.finditer(text):
        yield *found.span("rest"), _minutes(found)
    for found in _RATIO.finditer(text):
        yield *found.span("colon"), " to "
    for found in _FEET.finditer(text):
        yield found.start(), found.end(), f"{found[1]} foot {found[2]}"
    for found in _UNIT.finditer(text):
        one = found["amount"] == "1" or found["gap"] == "-" or found["of"] is not None
        unit = _UNITS[found["unit"]]
        yield found.end("amount"), found.end(), f" {re.sub('s(?= |$)', '', unit, count=1) if one else unit}"
    for pattern, said in _WORDS:
        for found in pattern.finditer(text):
            yield found.start(), found.end(), said
    for found in _BORN.finditer(text):
        yield found.start(), found.end(), _LIVED[found[1]]


def _money(found: re.Match[str]) -> str:
    one, many, coin, coins = _COINS[found["unit"]]
    land = f"{_LANDS[found['land']]} " if found["land"] else ""
    whole, part = _plain(found["whole"]), found["part"]
    adjoined = found["of"] is not None or (_ONE.search(found.string[max(0, found.start() - 4) : found.start()]) and _THING.match(found.string, found.end()))
    unit = one if adjoined or (whole == "1" and not part and not found["scale"] and not found["to"]) else many
    amount = f"{whole}.{part}" if part else whole
    if found["to"]:
        amount += f" to {_plain(found['to'])}"
    elif part and len(part) == 2 and not found["scale"]:
        small = f"{int(part)} {coin if part == '01' else coins}"
        if not whole.strip("0"):
            return small
        head = f"{whole} {land}{one if whole == '1' else many}"
        return head if part == "00" else f"{head} {part}" if part[0] != "0" else f"{head} and {small}"
    scale = found["scale"] and f"{_SCALES.get(found['scale'], found['scale'])} "
    return f"{amount} {scale or ''}{land}{unit}"


def _plain(amount: str) -> str:
    """A number that nobody takes for a year."""
    return f"{int(amount):,}" if len(amount) == 4 and amount.isdigit() else amount


def _old_money(found: re.Match[str]) -> str:
    """Shillings and pence: "2s. 6d."."""
    pence = found["d"] or found["pence"]
    half = found["half"] or found["half_of"]
    small = f"{pence} {'penny' if pence == '1' else 'pence'}{' halfpenny' if half else ''}" if pence else ""
    if not found["s"]:
        return small
    shillings = f"{found['s']} shilling{'' if found['s'] == '1' else 's'}"
    return f"{shillings} and {small}" if small else shillings


def _is_year(found: re.Match[str]) -> bool:
    if found["short"] and found["short"] <= found["last"]:  # a month, or a longer number
        return False
    if found["decade"] or found["last"] == "00":
        return True
    return not _COUNTED.match(found.string, found.end()) or _DATED.search(found.string, max(0, found.start() - 16), found.start()) is not None


def _years(found: re.Match[str]) -> str:
    """Words, for behind a month a voice may take the first two figures for the day."""
    first, last = int(found["first"] or found["early"]), int(found["last"])
    if found["decade"]:
        return f"{_NUMBERS[first]} {_DECADES[last // 10]}" if last % 10 == 0 else f"{_year(first, last)}s"
    said = _year(first, last)
    if found["then"]:
        return f"{said} to {_year(int(found['then']), int(found['then_last']))}"
    if found["short"]:
        return f"{said} to {_number(int(found['short']))}"
    return said


def _year(century: int, last: int) -> str:
    if not last:
        return f"{_NUMBERS[century]} hundred"
    return f"{_NUMBERS[century]} {'oh ' if last < 10 else ''}{_number(last)}"


def _number(value: int) -> str:
    """1 to 99."""
    if value < 20:
        return _NUMBERS[value]
    return f"{_TENS[value // 10]}{'-' if value % 10 else ''}{_NUMBERS[value % 10]}"


def _fraction(found: re.Match[str]) -> str:
    above, below = (figure for figure in found.groups()[1:] if figure)
    said = f"{'a' if above == '1' and found['whole'] else _NUMBERS[int(above)]} {_PARTS[below][above != '1']}"
    return f"{found['whole']} and {said}" if found["whole"] else said


def _minutes(found: re.Match[str]) -> str:
    if found["minute"] != "0":
        return f" oh {found['minute']}"
    return "" if found["half"] else " hundred" if found["hours"] or int(found["hour"]) > 12 else " o'clock"
