"""Unpacking a stranger's book, inside the worker: Calibre's input plugin does it, here stand the limits that it does not have.

Nothing larger than MAX_BYTES or of more than MAX_FILES files; no links; and an EPUB's `encryption.xml` names only files
of the book: older Calibres deobfuscate, that is overwrite, whatever file it names.
"""

from __future__ import annotations

import errno
import os
import unicodedata
import zipfile
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 2 << 30
MAX_FILES: Final = 50_000
_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Refused(Exception):
    """reason: a key of `export.REASONS`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def reason_of(error: BaseException) -> str:
    """What an input plugin's exception means, as a key of `export.REASONS`."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _ROOM:
        return "no_space"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return "too_big"
    if "No plugin to handle input format" in text:
        return "unknown_kind"
    if "not a zip" in text.lower() or "invalid zip" in text.lower():
        return "not_zip"
    return "nothing_inside" if "No valid entries in the spine" in text else "damaged"


def limit_files() -> None:
    """No single file of more than MAX_BYTES: an archive may lie about its sizes."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAX_BYTES), hard))


def refuse_bomb(book: Path) -> None:
    """By the sizes that a ZIP declares, before anything is unpacked. What Calibre can read of a damaged one is counted afterwards."""
    try:
        with zipfile.ZipFile(book) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        return
    _refuse_many(len(members), sum(member.file_size for member in members))


def _refuse_many(files: int, size_bytes: int) -> None:
    if files > MAX_FILES:
        raise Refused("too_many", f"{files} files")
    if size_bytes > MAX_BYTES:
        raise Refused("too_big", f"{size_bytes} bytes")


def unpack(book: Path, content: Path) -> Any:
    """Run the input plugin alone into the new folder `content`; a Container over it, to be read only."""
    from calibre.ebooks.oeb.iterator.book import extract_book  # type: ignore[import-not-found]
    from calibre.ebooks.oeb.polish.container import Container  # type: ignore[import-not-found]
    from calibre.utils.logging import Log  # type: ignore[import-not-found]

    log = Log()
    log.outputs = []
    content.mkdir()
    _guard_deobfuscation()
    _, opf, _ = extract_book(str(book), str(content), log=log, only_input_plugin=True)
    files = _composed_names(content)
    _refuse_many(len(files), sum(path.lstat().st_size for path in files))
    return Container(str(content), os.path.join(str(content), opf), log)  # noqa: PTH118  (opf may be absolute)


def _guard_deobfuscation() -> None:
    """Have Calibre's EPUB input look at the addresses in `encryption.xml` before it follows them. This process reads one book only."""
    from calibre.ebooks.conversion.plugins.epub_input import EPUBInput  # type: ignore[import-not-found]

    trusting = EPUBInput.process_encryption

    def process_encryption(self: Any, encfile: str, opf: Any, log: Any) -> Any:
        _refuse_foreign_files(Path(encfile))
        return trusting(self, encfile, opf, log)

    EPUBInput.process_encryption = process_encryption


def _refuse_foreign_files(encryption: Path) -> None:
    from lxml import etree  # type: ignore[import-untyped]

    try:
        root = etree.parse(str(encryption), etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    except (etree.XMLSyntaxError, OSError):
        return  # Calibre cannot read it either, and says DRM
    base = encryption.absolute().parent.parent.resolve()
    for address in root.xpath('descendant::*[contains(name(), "CipherReference")]/@URI'):
        named = Path(os.path.abspath(os.path.join(base, *str(address).split("/"))))  # noqa: PTH100, PTH118  (as Calibre makes it)
        if not named.resolve().is_relative_to(base):
            raise Refused("damaged", "encryption.xml names a file outside the book")


def _composed_names(content: Path) -> list[Path]:
    """All files, their names in NFC as Container's hrefs are (its EPUB subclass renames them too); links are removed."""
    for path in sorted(content.rglob("*"), reverse=True):
        if path.is_symlink():
            path.unlink()
            continue
        composed = path.with_name(unicodedata.normalize("NFC", path.name))
        if composed.name != path.name and not composed.exists():
            path.rename(composed)
    return [path for path in content.rglob("*") if path.is_file()]
