"""The book's metadata as an M4B's tags, cover and our mark, written by mutagen into a finished but still hidden file.

Owns the mapping and the cleaning of texts. Atoms by name: `stik` 2 says audiobook; `\\xa9nrt` and NARRATOR, SERIES and
SERIES-PART are what audiobook servers read; `\\xa9mvn`/`\\xa9mvi` (movement) is where Apple and Plex look for a series.
Values are length-prefixed, so no character is special; control characters are removed because players show them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mutagen import MutagenError
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Metadata
from e2a_sidecar.writing.cover import Cover
from e2a_sidecar.writing.target import refused

LINE_CHARACTERS: Final = 1000
SHORT_CHARACTERS: Final = 255
TEXT_CHARACTERS: Final = 20_000

_APPLE: Final = "----:com.apple.iTunes:"
_MARK: Final = "----:org.convert-to-audiobook:mark"
_MAX_IDENTIFIERS: Final = 30
_ISO_639_TABLE: Final = (
    "af:afr am:amh an:arg ar:ara as:asm az:aze ba:bak be:bel bg:bul bn:ben bs:bos ca:cat cs:ces cv:chv cy:cym da:dan de:deu el:ell en:eng eo:epo "
    "es:spa et:est eu:eus fa:fas fi:fin fo:fao fr:fra ga:gle gd:gla gl:glg gn:grn gu:guj he:heb hi:hin hr:hrv ht:hat hu:hun hy:hye ia:ina id:ind "
    "is:isl it:ita ja:jpn ka:kat kk:kaz kl:kal kn:kan ko:kor ku:kur ky:kir la:lat lb:ltz lt:lit lv:lav mi:mri mk:mkd ml:mal mr:mar ms:msa mt:mlt "
    "my:mya nb:nob ne:nep nl:nld nn:nno no:nor om:orm or:ori pa:pan pl:pol pt:por qu:que ro:ron ru:rus sd:snd sh:hbs si:sin sk:slk sl:slv sq:sqi sr:srp "
    "sv:swe sw:swa ta:tam te:tel th:tha ti:tir tk:tuk tn:tsn tr:tur tt:tat ug:uig uk:ukr ur:urd uz:uzb vi:vie yi:yid zh:zho"
)
_ISO_639: Final = dict(pair.split(":") for pair in _ISO_639_TABLE.split())
_LINE_BREAKS: Final = "\t\n\r\x0b\x0c\x85\u2028\u2029"
_BIDI_OVERRIDES: Final = "\u202a\u202b\u202d\u202e"


class Readable(Protocol):
    """What mutagen asks of a file that it reads."""

    def read(self, size: int = ..., /) -> bytes: ...

    def seek(self, offset: int, whence: int = ..., /) -> int: ...

    def tell(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file is tagged with. narrator: as shown, `Joe (synthetic voice)`; encoder: our name and version."""

    metadata: Metadata
    narrator: str
    encoder: str
    cover: Cover | None = None


def narrator_name(voice_name: str) -> str:
    """A listener must be able to see that nobody read this."""
    return f"{one_line(voice_name)} (synthetic voice)".strip()


def write_tags(path: Path, tags: Tags, mark: str) -> None:
    """Replace all tags of an MP4 file by `tags` and `mark` (as `mark.Mark.to_json` gives it); audio and chapters stay.

    Raises SidecarError `encoder_failed`, `disk_full` or `output_unwritable`.
    """
    try:
        file = open_mp4(path)
        if file.tags is None:
            file.add_tags()
        file.tags.clear()
        for key, value in _atoms(tags).items():
            file.tags[key] = value
        file.tags[_MARK] = [_free(mark)]
        file.save()
    except OSError as error:
        raise refused(error, path) from None
    except MutagenError as error:  # wraps the system's error, which says more
        cause = error.args[0] if error.args else None
        raise refused(cause, path) if isinstance(cause, OSError) else SidecarError("encoder_failed", repr(error), reason=str(error)) from None


def open_mp4(file: Path | Readable) -> Any:
    """mutagen's MP4 (which has no annotations); raises MutagenError or OSError."""
    return MP4(file)  # type: ignore[no-untyped-call]


def read_mark_text(file: Any) -> str | None:
    """The text of our mark in a file opened by `open_mp4`, or None."""
    values = file.tags.get(_MARK) if file.tags else None
    return bytes(values[0]).decode("utf-8", "replace") if values else None


def one_line(text: str, limit: int = LINE_CHARACTERS) -> str:
    """`text` without control characters, white space collapsed, at most `limit` characters."""
    return " ".join(_printable(text).split())[:limit].rstrip()


def many_lines(text: str, limit: int = TEXT_CHARACTERS) -> str:
    """`text` with its paragraphs, without other control characters, at most `limit` characters."""
    lines = [" ".join(_printable(line).split()) for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:limit].rstrip()


def iso639_2(language: str) -> str:
    """Three letters for the sound track, from a BCP 47 tag; `und` where we don't know."""
    primary = language.replace("_", "-").split("-")[0].lower()
    known = _ISO_639.get(primary, primary)
    return known if re.fullmatch("[a-z]{3}", known) else "und"


def _atoms(tags: Tags) -> dict[str, object]:
    """Atom name -> value as mutagen takes it; nothing for what is empty."""
    book = tags.metadata
    title, authors = one_line(book.title), " & ".join(filter(None, map(one_line, book.authors)))
    description, series, part = many_lines(book.comments), one_line(book.series), _part(book.series_index)
    lines = {
        "\xa9nam": title,
        "\xa9alb": title,
        "\xa9ART": authors,
        "aART": authors,
        "\xa9wrt": tags.narrator,
        "\xa9nrt": tags.narrator,
        "\xa9gen": "Audiobook",
        "\xa9day": one_line(book.date),
        "\xa9pub": one_line(book.publisher),
        "cprt": one_line(book.rights),
        "desc": one_line(book.comments, SHORT_CHARACTERS),
        "ldes": description,
        "\xa9cmt": description,
        "\xa9grp": f"{series} #{part}" if series and part else series,
        "\xa9mvn": series,
        "\xa9too": tags.encoder,
    }
    atoms: dict[str, object] = {key: [value] for key, value in lines.items() if value}
    free = {
        "NARRATOR": tags.narrator,
        "SERIES": series,
        "SERIES-PART": part if series else "",
        "PUBLISHER": one_line(book.publisher),
        "LANGUAGE": one_line(book.language),
        "TAGS": one_line("; ".join(map(one_line, book.tags))),
    }
    for scheme, value in book.identifiers[:_MAX_IDENTIFIERS]:
        name = re.sub(r"[^A-Z0-9_-]", "", scheme.upper())[:40]
        if name and name not in free:
            free[name] = one_line(value)
    atoms |= {_APPLE + name: [_free(value)] for name, value in free.items() if value}
    atoms |= {"stik": [2], "pgap": True}
    if series:
        atoms["shwm"] = [1]
        if part.isdecimal() and int(part) < 1 << 15:
            atoms["\xa9mvi"] = [int(part)]
    if tags.cover:
        kind = MP4Cover.FORMAT_JPEG if tags.cover.kind == "jpeg" else MP4Cover.FORMAT_PNG
        atoms["covr"] = [MP4Cover(tags.cover.data, imageformat=kind)]  # type: ignore[no-untyped-call]
    return atoms


def _part(index: float | None) -> str:
    """`2` for 2.0, `1.5` for 1.5, empty for none or what is no number."""
    return f"{index:g}" if index is not None and 0 <= index < 1e6 else ""


def _free(text: str) -> MP4FreeForm:
    return MP4FreeForm(text.encode(), AtomDataType.UTF8)  # type: ignore[no-untyped-call]


def _printable(text: str) -> str:
    """Without control characters (white space among them becomes a space), lone surrogates and bidi overrides."""
    kept = (" " if c in _LINE_BREAKS else c for c in text if c not in _BIDI_OVERRIDES)
    return "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cs"))
