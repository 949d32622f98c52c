"""Our mark: how we know a file of ours, and what it was made from.

A tag with hashes of the settings, the text, the chapters, the cover and the metadata. A file without a mark that this
version can read is somebody else's and is never replaced unasked.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, Literal

from mutagen import MutagenError

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Book
from e2a_sidecar.writing.cover import Cover
from e2a_sidecar.writing.tags import Tags, open_mp4, read_mark_text

SCHEMA: Final = 1
Verdict = Literal["same", "tags", "different"]
Owner = Literal["none", "ours", "foreign"]

# what mutagen lets through on broken files (found by fuzzing), beside its own
_GARBAGE: Final = (MutagenError, OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, struct.error, MemoryError, RecursionError)


_MOST_READS: Final = 50_000
"""Of a file's parts, of each of which mutagen makes an object; a file of ours has some hundred, and a long cut-up one of others' many more."""
_MOST_BYTES: Final = 40 * 10**6
"""Of what is read of a file: its tags, of which the cover is the most (`cover.MAX_BYTES`)."""


class _Bounded:
    """A stranger's file, of which no more is read than one of ours has: OSError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._reads, self._bytes = _MOST_READS, _MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, self._bytes + 1) if size >= 0 else self._bytes + 1)
        self._reads, self._bytes = self._reads - 1, self._bytes - len(data)
        if self._reads < 0 or self._bytes < 0:
            raise OSError("more than a file of ours has")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@dataclass(frozen=True, slots=True)
class Mark:
    """Hex hashes; `schema` is this module's SCHEMA when the file was made."""

    schema: int
    settings: str
    text: str
    chapters: str
    cover: str
    metadata: str

    def incomplete(self) -> Mark:
        """Of a file in which sentences are missing: made anew at the next start, when they may be spoken after all."""
        return replace(self, text=f"incomplete {self.text}")

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def make_mark(settings: Mapping[str, str | int | float], book: Book, tags: Tags) -> Mark:
    """The mark of the file that `book` would become. settings: all that shapes the sound and the file beside the book
    (the engine's identity, bit rate, `mastering.master.SOUND_VERSION` ...)."""
    opening = tags.metadata.title if book.chapters and book.chapters[0].first > 0 else ""  # then the file has a mark of that title
    return Mark(
        schema=SCHEMA,
        settings=_hash([sorted(settings.items())]),
        text=_hash([s.spoken, int(s.before)] for s in book.sentences),
        chapters=_hash([opening, *([c.title, c.level, c.first] for c in book.chapters)]),
        cover=_cover_hash(tags.cover),
        metadata=_hash([asdict(tags.metadata), tags.narrator]),
    )


def read_mark(path: Path) -> Mark | None:
    """The mark of a file, or None: foreign, unreadable, not there, or of a schema that this version doesn't know."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        with open(path, "rb") as file:
            text = read_mark_text(open_mp4(_Bounded(file)))
        raw = json.loads(text) if text else None
        if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
            return None
        return Mark(schema=SCHEMA, **{name: str(raw[name]) for name in ("settings", "text", "chapters", "cover", "metadata")})
    except _GARBAGE:
        return None


def compare(old: Mark | None, new: Mark) -> Verdict:
    """What a file with mark `old` needs to become what `new` says: nothing, other tags, or to be made anew."""
    if old is None or (old.schema, old.settings, old.text, old.chapters) != (new.schema, new.settings, new.text, new.chapters):
        return "different"
    return "same" if old == new else "tags"


def judge(existing: Path | None, new: Mark, replace: bool) -> Verdict:
    """What to do about the file that stands where the new one is to go: `different` means write it anew (also where none stands).

    Raises SidecarError `exists_foreign` where a file stands there that is not ours, unless the user said `replace`.
    """
    if existing is None or not _stands(existing):
        return "different"
    old = read_mark(existing)
    if old is None and not replace:
        raise SidecarError("exists_foreign", path=str(existing))
    return compare(old, new)


def whose(existing: Path | None) -> Owner:
    """Who made the file that stands there, by its mark; `none` where there is none."""
    if existing is None or not _stands(existing):
        return "none"
    return "foreign" if read_mark(existing) is None else "ours"


def _stands(path: Path) -> bool:
    """Whether something is there. What cannot even be asked (a name too long, a closed folder) is said when it is written to."""
    try:
        return path.exists()
    except OSError:
        return False


def _hash(parts: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(part, sort_keys=True).encode("ascii") + b"\n")
    return digest.hexdigest()


def _cover_hash(cover: Cover | None) -> str:
    return hashlib.sha256(cover.data).hexdigest() if cover else ""
