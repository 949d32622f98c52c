"""What German, French, Spanish and Italian say for abbreviations, Roman and ordinal numbers, dates, hours and amounts, where espeak says them wrongly.

It spells "Dr." and "usw." in German, says "quatorze romain" for a king's XIV in French, and "dos" for Felipe II.

Only what was heard to go wrong; what depends on a case that cannot be seen is left to espeak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from e2a_sidecar.reading.abbreviations import CASES_DE, MONTHS_DE, NOUN_DE
from e2a_sidecar.reading.soup import names

_Said = tuple[int, int, str]

_PLAIN: Final[Mapping[str, Mapping[str, str]]] = {
    "de": {
        "z. B.": "zum Beispiel", "d. h.": "das heißt", "u. a. m.": "und anderes mehr",
        "u. a.": "unter anderem", "usw.": "und so weiter", "usf.": "und so fort", "bzw.": "beziehungsweise",
        "vgl.": "vergleiche", "Vgl.": "Vergleiche", "ggf.": "gegebenenfalls", "evtl.": "eventuell", "ca.": "circa", "etc.": "et cetera", "Dr.": "Doktor",
        "Prof.": "Professor", "Hr.": "Herr", "Hrn.": "Herrn", "Frl.": "Fräulein", "Jh.": "Jahrhundert",
        "Mio.": "Millionen", "Mrd.": "Milliarden",
        "v. Chr.": "vor Christus", "n. Chr.": "nach Christus", "u. U.": "unter Umständen", "z. T.": "zum Teil",
        "i. d. R.": "in der Regel", "v. a.": "vor allem", "s. o.": "siehe oben", "s. u.": "siehe unten", "o. ä.": "oder ähnlich", "u. ä.": "und ähnlich",
        "Co.": "Co",
    },
    "fr": {
        "c.-à-d.": "c’est-à-dire", "p. ex.": "par exemple", "av. J.-C.": "avant Jésus-Christ", "apr. J.-C.": "après Jésus-Christ", "cf.": "confer",
        "Mgr": "Monseigneur",
        "env.": "environ", "Cie": "Compagnie", "Vve": "Veuve",
    },
    "es": {
        "p. ej.": "por ejemplo", "EE. UU.": "Estados Unidos", "a. C.": "antes de Cristo", "d. C.": "después de Cristo", "Vd.": "usted",
        "Vds.": "ustedes", "Dña.": "doña", "Dra.": "doctora", "Sres.": "señores",
    },
    "it": {
        "sig.ra": "signora", "Sig.ra": "Signora", "sig.na": "signorina", "Sig.na": "Signorina", "sig.": "signor", "Sig.": "Signor",
        "dott.ssa": "dottoressa",
        "Dott.ssa": "Dottoressa", "dott.": "dottor", "Dott.": "Dottor", "prof.": "professor", "Prof.": "Professor", "avv.": "avvocato", "ing.": "ingegner",
        "ecc.": "eccetera", "cfr.": "confronta", "ca.": "circa", "p. es.": "per esempio", "ad es.": "ad esempio", "a.C.": "avanti Cristo",
        "d.C.": "dopo Cristo",
    },
}  # fmt: skip
"""Said wherever it stands. A blank in it may be missing."""
_BEFORE_NUMBER: Final[Mapping[str, Mapping[str, str]]] = {
    "de": {"Nr.": "Nummer", "S.": "Seite", "Abb.": "Abbildung", "Kap.": "Kapitel", "Bd.": "Band", "Art.": "Artikel", "Abs.": "Absatz", "Anm.": "Anmerkung"},
    "fr": {"p.": "page", "pp.": "pages", "chap.": "chapitre", "vol.": "volume", "fig.": "figure", "art.": "article", "n°": "numéro", "N°": "Numéro",
           "no": "numéro", "No": "Numéro", "t.": "tome"},
    "es": {"pág.": "página", "págs.": "páginas", "p.": "página", "pp.": "páginas", "cap.": "capítulo", "vol.": "volumen", "núm.": "número", "n.º": "número",
           "N.º": "Número", "nº": "número", "Nº": "Número", "fig.": "figura", "art.": "artículo"},
    "it": {"pag.": "pagina", "pagg.": "pagine", "p.": "pagina", "pp.": "pagine", "cap.": "capitolo", "vol.": "volume", "fig.": "figura", "art.": "articolo",
           "n.": "numero", "n°": "numero", "N.": "Numero", "N°": "Numero", "nn.": "numeri"},
}  # fmt: skip
"""Said where a number follows: one of four figures may be a year that begins a sentence, a single Roman one an initial."""
_BEFORE_ROMAN: Final[Mapping[str, Mapping[str, str]]] = {"de": {}, "fr": {}, "es": {"s.": "siglo"}, "it": {"sec.": "secolo"}}
_BEFORE_NAME: Final[Mapping[str, Mapping[str, str]]] = {"de": {"St.": "Sankt"}, "fr": {}, "es": {}, "it": {}}
_BEFORE_SMALL: Final[Mapping[str, Mapping[str, str]]] = {"de": {"geb.": "geboren", "gest.": "gestorben"}, "fr": {}, "es": {"S. M.": "Su Majestad"}, "it": {}}


def _table(words: Mapping[str, str], behind: str) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(re.escape(word).replace(chr(92) + ' ', ' ?') for word in longest_first)}){behind}")


_ROMAN: Final = r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_NUMERAL: Final = rf"{_ROMAN}(?!\w)"
_OF_PARTS: Final = rf"(?![CL]\b){_NUMERAL}"
"""C is a letter there."""
_OF_PERSONS: Final = r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})(?!\w)"
_TABLES: Final = [
    (words, {language: _table(words[language], behind) for language in words if words[language]})
    for words, behind in (
        (_PLAIN, r"(?!\w)"),
        (_BEFORE_NUMBER, rf"(?=\s?\d|\s{_NUMERAL})"),
        (_BEFORE_ROMAN, rf"(?=\s{_NUMERAL})"),
        (_BEFORE_NAME, r"(?<!\d\sSt\.)(?=[\s-][A-ZÄÖÜ])"),
        (_BEFORE_SMALL, r"(?=\s(?:\d|(?!(?:von|van|de|zu)\b)[a-zäöüáéíóúñ])|\s?[,;:)])"),
    )
]
_WORDS_TOO: Final = {"de": ("Art.", "Abs.", "Kap."), "fr": ("art.", "vol."), "es": (), "it": ()}
_INITIALS: Final = ("S.", "N.")
_BORN: Final = "n."
_YEAR_BEHIND: Final = re.compile(r"\s?\d{4}")
_LETTER_BEHIND: Final = re.compile(r"\s[IVXLC](?!\w)")
_ENDS_LISTS: Final = ("usw.", "usf.", "etc.", "ecc.")

_WITH: Final = "in|an|auf|aus|bei|mit|nach|seit|von|zu|unter|vor|während|trotz|wegen|außer|gegenüber"
_ORDINAL_DE: Final = re.compile(
    rf"(?<![\d.,:/-])(?P<before>\b(?:(?:{_WITH})\s+der|{CASES_DE})\s+)?(?:(?P<first>[1-9]\d?)\.(?=\s+(?:und|oder|bis|sowie)\s)\s+\w+\s+(?:zum\s+)?)?"
    r"(?P<number>[1-9]\d?)\.(?=\s+(?P<noun>[A-ZÄÖÜ]\w+))",
    re.IGNORECASE,
)
_DATE_DE: Final = re.compile(
    rf"(?<![\d.,:/-])(?P<before>\b(?:{CASES_DE})\s+)?(?P<day>[1-9]|0[1-9]|[12]\d|3[01])\.\s?(?P<month>1[0-2]|0?[1-9])\.\s?(?P<year>[12]\d\d\d)\b", re.IGNORECASE
)
_FIGURE: Final = re.compile(r"\d")
_HOUR_DE: Final = re.compile(r"(?<![\d.,:/])(\d{1,2})[:.](\d\d)\s(?=Uhr\b)(Uhr)")
_YEAR_DE: Final = re.compile(r"(?<![\w.,:/€$£])(?<!(?<!\d{4})-)1([1-9])(\d\d)(?:(?P<decade>ern?)(?!\w)|(?![\w%]|[.,:/]\d|\s?[€$%]))")
_KING_DE: Final = re.compile(
    r"(?:\b(?P<case>von|mit|bei|unter|nach|zu|aus|seit|durch|für|gegen|ohne)\s+)?(?:[A-ZÄÖÜ]\w+\s+)??"
    r"\b(?P<name>[A-ZÄÖÜ][a-zäöüß]+)\s(?P<roman>(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3}))\.(?P<on>(?=\s+[a-zäöü]|\s?[,;:)]))?"
)
_COUNTED_DE: Final = re.compile(
    rf"\b(?:Kapitel|Kap\.|Teil|Band|Bd\.|Buch|Akt|Szene|Abschnitt|Artikel|Art\.|Anhang|Tafel|Gesang|Aufzug|Klasse|Stufe|Weltkrieg)\s({_OF_PARTS})"
)
_FOLLOWING_DE: Final = re.compile(r"(?<=\d)\s(ff?)\.")
_NAMES_DE: Final = names(
    "Alexander Alfons Amenophis August Benedikt Christian Clemens Eduard Elisabeth Ferdinand Franz Friedrich Georg Gregor Gustav Heinrich Innozenz Ivan Iwan "
    "Jakob Johann Johannes Joseph Karl Katharina Konrad Leo Leopold Ludwig Maria Maximilian Napoleon Nikolaus "
    "Otto Paul Peter Philipp Pius Ptolemäus Ramses Richard Rudolf Thutmosis Wilhelm"
)
_TENTHS: Final = names(
    "Alfons Alfonso Benedikt Carlos Charles Christian Clemens Gregor Gregorio Innozenz Karl Leo León Ludwig Léon Louis Luis Pie Pius Pío"
)
"""Of other names X is an initial, or no name at all."""
_QUEENS_DE: Final = frozenset(("Elisabeth", "Mathilde", "Margarethe", "Margarete", "Beatrix", "Sophie"))
_IN_ORDER_DE: Final = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
_ENDS_IN_E: Final = frozenset(("der", "das", "die", "eine", "ins"))
_NEUTERS: Final = frozenset(("Kapitel", "Buch", "Jahrhundert", "Jahrtausend", "Mal", "Lebensjahr"))
_ONES_DE: Final = (
    *("", "erst", "zweit", "dritt", "viert", "fünft", "sechst", "siebt", "acht", "neunt", "zehnt", "elft", "zwölft", "dreizehnt", "vierzehnt", "fünfzehnt"),
    *("sechzehnt", "siebzehnt", "achtzehnt", "neunzehnt"),
)
_UNITS_DE: Final = ("", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_TEENS_DE: Final = ("zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn")
_TENS_DE: Final = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")

_MONSIEUR: Final = re.compile(r"(?<![\w.])(MM?)\.(?=\s+(?:de |d[’']|du |des |l[ea] |le )?[A-ZÀ-Þ][\w’'-])")
_SAID_FR: Final = {"M": "Monsieur", "MM": "Messieurs"}
_ORDINAL_FR: Final = re.compile(
    r"(?<![\w.,/-])(?!Ire\b)(?:(?P<figures>[1-9]\d?)|(?P<roman>(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})))(?:(?P<first>ers?|[èe]?res?)|(?P<many>i?[èe]mes?|es?|\se(?=\ssiècle)))(?!\w)"
)
_HOUR_FR: Final = re.compile(r"(?<![\w.,])(\d{1,2})\s?h(?:\s?(\d\d)(?!\d))?(?!\w)")
_ROMAN_FR: Final = re.compile(rf"(?<![\w.’'-])(?=[IVX]{{2}}|[IVXLC]{{4}}){_NUMERAL}(?![’'-])")
_SAINT_FR: Final = re.compile(r"\bSte(?=[\s-][A-ZÀ-Þ])")
_KING_FR: Final = re.compile(
    rf"\b(?:(?P<name>Louis|Charles|Henri|Philippe|François|Napoléon|Jean|Pie|Léon|Paul)\s(?P<roman>{_OF_PERSONS})"
    rf"|(?:[Cc]hapitre|[Tt]ome|[Ll]ivre|[Aa]cte|[Pp]artie)\s(?P<part>{_OF_PARTS}))"
)
_ONES_FR: Final = (
    *("", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept"),
    *("dix-huit", "dix-neuf"),
)
_TENS_FR: Final = ("", "", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt")

_KING_ES: Final = re.compile(
    r"\b(?P<name>Alfonso|Carlos|Felipe|Fernando|Isabel|Enrique|Juan|Pedro|Sancho|Ramiro|Luis|Jaime|Pío|Pablo|Napoleón|Guillermo|Federico|Catalina|Jorge|"
    rf"Ricardo|Eduardo|Francisco|José|León|Gregorio|Inocencio|Nicolás|Alejandro|Jacobo|[Ss]iglo)\s(?P<roman>{_OF_PERSONS})"
)
_DON: Final = re.compile(
    r"(?<![\w.])D\.(?=\s(?:Alfonso|Alonso|Álvaro|Andrés|Antonio|Baltasar|Benito|Carlos|Diego|Enrique|Felipe|Fernando|Francisco|Gaspar|Gonzalo|Íñigo|Jaime|"
    r"Joaquín|José|Juan|Lope|Luis|Manuel|Mariano|Martín|Miguel|Pablo|Pedro|Quijote|Rafael|Ramón|Rodrigo|Sancho|Tomás|Vicente)\b)"
)
"""Another word behind it may be a surname, and it an initial."""
_ORDINAL_ES: Final = re.compile(r"(?<![\w.,])(?P<number>[1-9]|10)\.(?P<end>[ºª])")
_ONES_ES: Final = ("", "primer", "segund", "tercer", "cuart", "quint", "sext", "séptim", "octav", "noven", "décim")
_FIRST_IT: Final = re.compile(
    r"(?i:(?<=\b[ai]l )|(?<=\b[cdns][aeou]l )|(?<=\bl[’']))(?P<number>[1-9]|10)°"
    r"(?=\s(?!(?:nord|sud|est|ovest|sotto|sopra|di|e|a)\b)[a-z])"
)
"""No degrees: an article stands before it."""
_ONES_IT: Final = ("", "primo", "secondo", "terzo", "quarto", "quinto", "sesto", "settimo", "ottavo", "nono", "decimo")
_HOUR_IT: Final = re.compile(r"(?<=\bore )(\d{1,2})[.:](\d\d)(?!\d)")

_FRACTION: Final = re.compile(
    r"(?<![\w/.,-])(?<!\b[aA]m )(?<!\b[dv]om )(?<!\b[lL]e )(?<!\b[ei]l )(?<!\b[ad]l )(?<!\bd[ae]l )(?<!\bdu )"
    r"(?P<whole>\d+\s)?(?P<parts>[1-3]/[234])(?![\w/]|[.,]\d)"
)
"""No date."""
_HALF: Final = {"de": ("", "ein halb"), "fr": ("et ", "demi"), "es": ("y ", "medio"), "it": ("e ", "mezzo")}
"""Behind a whole number."""
_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "de": {"1/2": "ein halb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel", "3/4": "drei Viertel"},
    "fr": {"1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart", "3/4": "trois quarts"},
    "es": {"1/2": "un medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto", "3/4": "tres cuartos"},
    "it": {"1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto", "3/4": "tre quarti"},
}
_RANGE: Final = re.compile(r"(?<![\d.,:])\d[\d.,:]*(?:\s?–\s?\d[\d.,:]*)+|\b1\d\d\d-1\d\d\d\b(?![-/])")
_BETWEEN: Final = re.compile(r"\s?[–-]\s?")
_TO: Final[Mapping[str, str]] = {"de": "bis", "fr": "à", "es": "a", "it": "a"}
_MONEY: Final = re.compile(
    r"(?<![\w$£€])([$£€])(?!(?<=\d\s.)\s)\s?(\d[\d.,]*\d|\d)(?![.,]?\d|\s\d{3}\b|\s?[-–]\s?\d)"
    r"(?:\s?(Mio\.|Mrd\.|Millionen|Milliarden|millions?|milliards?|millones|milioni|miliardi)(?!\w))?"
)
_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def words(text: str, language: str) -> Iterator[_Said]:
    """(start, end, what is said for that) of such as espeak says wrongly; the first of those that overlap counts. language: of two letters."""
    if language not in _PLAIN:
        return
    yield from _RULES[language](text)
    for found in _FRACTION.finditer(text):
        if said := _PARTS[language].get(found["parts"]):
            joined, half = _HALF[language]
            yield found.start("parts"), found.end(), f"{joined}{half if found['parts'] == '1/2' else said}" if found["whole"] else said
    for found in _RANGE.finditer(text):
        dashes = list(_BETWEEN.finditer(text, *found.span()))
        if len(dashes) == 1 and "=" not in text:  # else a number in parts, or a sum
            yield *dashes[0].span(), f" {_TO[language]} "
    for found in _MONEY.finditer(text):
        yield found.start(), found.end(), " ".join(part for part in (found[2], _PLAIN[language].get(found[3], found[3]), found[1]) if part)
    for tables, patterns in _TABLES:
        for found in patterns[language].finditer(text) if language in patterns else ():
            if tables is _BEFORE_NUMBER and _is_doubtful(found, language):
                continue
            said = tables[language][_known(found.group(), tables[language])]
            end = found.end()
            stopped = found.group().endswith(".")
            if stopped and text.startswith(".", end):  # "usw..."
                yield found.start(), end - 1, said
            else:
                yield found.start(), end, said + (" " if text[end : end + 1].isalnum() else _stop(text, end, found.group()) if stopped else "")


def _is_doubtful(found: re.Match[str], language: str) -> bool:
    """May it be a word that ends a sentence, an initial, or "born"?"""
    written, text, start = found.group(), found.string, found.start()
    if written in _WORDS_TOO[language] and (_YEAR_BEHIND.match(text, found.end()) or text[max(0, start - 2) : start].lower() in ("d’", "d'")):
        return True
    if written in _INITIALS:
        return _LETTER_BEHIND.match(text, found.end()) is not None
    return written == _BORN and text[max(0, start - 1) : start] == "("


def _stop(text: str, end: int, written: str = "") -> str:
    """An abbreviation's full stop, where it is also the sentence's."""
    if written in _ENDS_LISTS and text[end : end + 1].isspace() and text[end + 1 : end + 2].isupper():
        return "."
    return "" if any(character.isalnum() or character in "€$£%.!?…" for character in text[end:]) else "."


def _known(written: str, table: Mapping[str, str]) -> str:
    """Its key in a table, where blanks are that may be missing."""
    return written if written in table else next(key for key in table if key.replace(" ", "") == written.replace(" ", ""))


def _german(text: str) -> Iterator[_Said]:
    if _FIGURE.search(text):
        yield from _german_figures(text)
    for found in _COUNTED_DE.finditer(text):
        yield *found.span(1), str(_value(found[1]))
    for found in _KING_DE.finditer(text):
        if _is_king_de(found):
            yield found.start("roman"), found.end(), _king_de(_value(found["roman"]), found["name"], found["case"]) + _stop(text, found.end())


def _german_figures(text: str) -> Iterator[_Said]:
    for found in _DATE_DE.finditer(text):
        before = (found["before"] or "").strip().lower()
        month = _IN_ORDER_DE[int(found["month"]) - 1]
        year = _YEAR_DE.fullmatch(found["year"])
        yield found.start("day"), found.end(), f"{ordinal_de(int(found['day']), before, month)} {month} {_year_de(year) if year else found['year']}"
    for found in _ORDINAL_DE.finditer(text):
        before = (found["before"] or "").strip().lower()
        if found["noun"][0].isupper() and (before or NOUN_DE.match(found["noun"])):
            if found["first"]:
                yield found.start("first"), found.end("first") + 1, ordinal_de(int(found["first"]), before, found["noun"])
            yield found.start("number"), found.end(), ordinal_de(int(found["number"]), before, found["noun"])
    for found in _HOUR_DE.finditer(text):
        yield found.start(), found.end(), f"{found[1]} Uhr" + (f" {found[2].lstrip('0')}" if int(found[2]) else "")
    for found in _FOLLOWING_DE.finditer(text):
        yield found.start(), found.end(), (" folgende" if found[1] == "f" else " und folgende") + _stop(text, found.end())
    for found in _YEAR_DE.finditer(text):
        yield found.start(), found.end(), _year_de(found)


def _year_de(found: re.Match[str]) -> str:
    return f"{_TEENS_DE[int(found[1])]}hundert{_cardinal_de(int(found[2]))}{found['decade'] or ''}"


def _is_king_de(found: re.Match[str]) -> bool:
    """Not "Hartz IV." at a sentence's end, nor "Karl V. Müller"."""
    name = found["name"] if found["name"] in _NAMES_DE else found["name"].removesuffix("s")
    if found["roman"] == "X" and name not in _TENTHS:
        return False
    if found["on"] is None and any(map(str.isalnum, found.string[found.end() :])):
        return len(found["roman"]) > 1 and name in _NAMES_DE
    return name in _NAMES_DE or (found["on"] is not None and len(found["roman"]) > 1)


def _king_de(value: int, name: str, case: str | None) -> str:
    queen = name in _QUEENS_DE or name.endswith("a")
    stem = ordinal_de(value, "der", "")
    if name.endswith("s") and name[:-1] in _NAMES_DE:
        return f"des {stem}n"
    if case in ("durch", "für", "gegen", "ohne"):
        return f"die {stem}" if queen else f"den {stem}n"
    if case:
        return f"der {stem}n" if queen else f"dem {stem}n"
    return f"die {stem}" if queen else f"der {stem}"


def _cardinal_de(value: int) -> str:
    """0 to 99 behind a hundred: nothing for 0."""
    if value < 10:
        return "eins" if value == 1 else _UNITS_DE[value]
    if value < 20:
        return _TEENS_DE[value - 10]
    return f"{_UNITS_DE[value % 10]}{'und' if value % 10 else ''}{_TENS_DE[value // 10]}"


def ordinal_de(value: int, before: str, noun: str) -> str:
    """`value` from 1 to 99 in words, with the ending that it has behind that article or preposition; the noun says it where there is none."""
    stem = _ONES_DE[value] if value < 20 else f"{_UNITS_DE[value % 10]}{'und' if value % 10 else ''}{_TENS_DE[value // 10]}st"
    if before in ("", "ein"):
        masculine = before or re.match(MONTHS_DE, noun)
        return f"{stem}{'es' if noun in _NEUTERS else 'er' if masculine else 'e'}"
    return f"{stem}{'e' if before in _ENDS_IN_E else 'en'}"


def _french(text: str) -> Iterator[_Said]:
    for found in _MONSIEUR.finditer(text):
        yield found.start(), found.end(), _SAID_FR[found[1]]
    for found in _ORDINAL_FR.finditer(text):
        value = int(found["figures"]) if found["figures"] else _value(found["roman"])
        plural = "s" if found.group().endswith("s") else ""
        if found["first"] and value == 1:
            yield found.start(), found.end(), ("premier" if found["first"].startswith("er") else "première") + plural
        elif found["many"] and value < 100:
            yield found.start(), found.end(), _ordinal_fr(value) + plural
    for found in _HOUR_FR.finditer(text):
        yield (
            found.start(),
            found.end(),
            f"{found[1]} heure{'s' if int(found[1]) > 1 else ''}" + (f" {found[2].lstrip('0')}" if found[2] and found[2] != "00" else ""),
        )
    for found in _KING_FR.finditer(text):
        if found["part"] or _is_king(found):
            yield *found.span(found.lastgroup or 0), str(_value(found[found.lastgroup or 0]))
    for found in _ROMAN_FR.finditer(text):
        yield found.start(), found.end(), str(_value(found.group()))
    for found in _SAINT_FR.finditer(text):
        yield found.start(), found.end(), "Sainte"


def _is_king(found: re.Match[str]) -> bool:
    """A single letter with a full stop is an initial."""
    roman = found["roman"]
    return len(roman) > 1 or (not found.string.startswith(".", found.end()) and (roman != "X" or found["name"] in _TENTHS))


def _cardinal_fr(value: int) -> str:
    """1 to 99."""
    if value < 20:
        return _ONES_FR[value]
    tens, ones = value // 10, value % 10
    rest = ones + 10 if tens in (7, 9) else ones
    if not rest:
        return _TENS_FR[tens]
    return f"{_TENS_FR[tens]}{' et ' if rest in (1, 11) and tens < 8 else '-'}{_ONES_FR[rest]}"


def _ordinal_fr(value: int) -> str:
    said = _cardinal_fr(value)
    if said.endswith("cinq"):
        return f"{said}uième"
    if said.endswith("neuf"):
        return f"{said[:-1]}vième"
    return f"{said.removesuffix('e')}ième"


def _spanish(text: str) -> Iterator[_Said]:
    for found in _ORDINAL_ES.finditer(text):
        yield found.start(), found.end(), _ONES_ES[int(found["number"])] + ("o" if found["end"] == "º" else "a")
    for found in _DON.finditer(text):
        yield found.start(), found.end(), "don"
    for found in _KING_ES.finditer(text):
        value = _value(found["roman"])
        if value <= 10 and (found["name"].lower() == "siglo" or _is_king(found)):
            yield *found.span("roman"), _ONES_ES[value] + ("a" if found["name"] in ("Isabel", "Catalina") else "o")


def _italian(text: str) -> Iterator[_Said]:
    for found in _FIRST_IT.finditer(text):
        yield found.start(), found.end(), _ONES_IT[int(found["number"])]
    for found in _HOUR_IT.finditer(text):
        yield found.start(), found.end(), found[1] + (f" e {found[2]}" if found[2] != "00" else "")


_RULES: Final = {"de": _german, "fr": _french, "es": _spanish, "it": _italian}


def _value(roman: str) -> int:
    values = [_VALUES[letter] for letter in roman]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True))
