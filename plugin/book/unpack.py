"""Unpacking a stranger's book, inside the worker: Calibre's input plugin does it, here stand the limits that it does not have.

Nothing larger than MAX_BYTES or of more than MAX_FILES files, in however many archives it is packed; no more memory than
MEMORY_BYTES; no links; no program in place of a book; and an EPUB's `encryption.xml` names only files of the book: older
Calibres deobfuscate, that is overwrite, whatever file it names. What else a book must not reach: `bounds`.
"""

from __future__ import annotations

import errno
import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from .bounds import Outside, lifted

MAX_BYTES: Final = 2 << 30
MAX_FILES: Final = 50_000
MAX_PACKAGE_BYTES: Final = 32 << 20
"""Of one list of a book's files or chapters: some 200,000 entries. Calibre holds it as a tree, of ten times its size."""
MAX_ELEMENTS: Final = 200_000
"""Of a book's package document, which has two for each file; Calibre goes through them all some twenty times, slowly."""
MEMORY_BYTES: Final = 4 << 30
CODE: Final = frozenset({"recipe", "downloaded_recipe"})
"""Formats of Calibre's that are programs: it runs what is in them."""
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
    if isinstance(error, Outside):
        return "outside"
    if isinstance(error, MemoryError):
        return "no_memory"
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
    with suppress(ImportError):  # Windows
        import resource

        _limit(resource.RLIMIT_FSIZE, MAX_BYTES)


def limit_memory(size_bytes: int = MEMORY_BYTES) -> None:
    """No more memory than that for this process; where the system knows no such limit, that of time is left."""
    with suppress(ImportError):  # Windows
        import resource

        _limit(resource.RLIMIT_AS, size_bytes)


def _limit(kind: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    with suppress(ValueError, OSError):  # macOS refuses what is less than it counts already
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(hard, most), hard))


def refuse_bomb(book: Path) -> None:
    """By the sizes that a ZIP declares, before anything is unpacked. What Calibre can read of a damaged one is counted afterwards."""
    try:
        with zipfile.ZipFile(book) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        return
    _refuse_many(len(members), sum(member.file_size for member in members))
    for member in members:
        if member.file_size > MAX_PACKAGE_BYTES and member.filename.lower().endswith((".opf", ".ncx")):
            raise Refused("too_long_a_list", f"{member.file_size} bytes")


def refuse_kind(kind: str) -> None:
    """kind: a format of Calibre's, in whatever letters."""
    if kind.lower() in CODE:
        raise Refused("program", kind)


def outgrown(files: int, size_bytes: int) -> str:
    """Whether a worker may go on that has added so much: the key of `export.REASONS` if it may not. A book lies there twice, unpacked and as its documents."""
    return "too_many" if files > 2 * MAX_FILES else "too_big" if size_bytes > 2 * MAX_BYTES else ""


def used(folder: Path) -> tuple[int, int]:
    """(files and folders, bytes) in the folder, whatever happens to them meanwhile."""
    files = size_bytes = 0
    for entry in _entries(str(folder)):
        with suppress(OSError):
            files, size_bytes = files + 1, size_bytes + entry.stat(follow_symlinks=False).st_size
    return files, size_bytes


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    waiting = [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


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
    guard()
    _, opf, _ = extract_book(str(book), str(content), log=log, only_input_plugin=True)
    files = _composed_names(content)
    _refuse_many(len(files), sum(path.lstat().st_size for path in files))
    return Container(str(content), os.path.join(str(content), opf), log)  # noqa: PTH118  (opf may be absolute)


def guard() -> None:
    """Change Calibre's code in this process, which reads one book only. What is not there any more to be changed ends it: no book is read unguarded."""
    from lxml import etree  # type: ignore[import-untyped]

    etree.set_default_parser(etree.XMLParser(resolve_entities=False, no_network=True))
    _guard_input()
    _guard_package()
    _guard_deobfuscation()
    _guard_helpers()


def _guard_input() -> None:
    """Whatever archives it came out of: what an input plugin is given is judged as the book itself would be."""
    from calibre.customize.conversion import InputFormatPlugin  # type: ignore[import-not-found]

    calling = vars(InputFormatPlugin)["__call__"]

    def call(self: Any, stream: Any, options: Any, file_ext: str, *more: Any) -> Any:
        refuse_kind(file_ext)
        refuse_bomb(Path(stream.name))
        return calling(self, stream, options, file_ext, *more)

    InputFormatPlugin.__call__ = call


def _guard_package() -> None:
    """No package document of too many elements, by whatever name the book has it."""
    from calibre.ebooks.metadata import opf2  # type: ignore[import-not-found]

    parsing = opf2.parse_opf

    def parse_opf(*arguments: Any) -> Any:
        root = parsing(*arguments)
        if next(islice(root.iter(), MAX_ELEMENTS, None), None) is not None:
            raise Refused("too_long_a_list", f"more than {MAX_ELEMENTS} elements")
        return root

    opf2.parse_opf = parse_opf


def _guard_helpers() -> None:
    """The user's own plugins are theirs and go without bounds; and no browser draws a cover: that would run a page's scripts, and wants more memory."""
    from calibre import ebooks  # type: ignore[import-not-found]
    from calibre.customize import ui  # type: ignore[import-not-found]
    from calibre.ebooks.conversion import plumber  # type: ignore[import-not-found]

    for module in (ui, plumber):
        module.run_plugins_on_preprocess = partial(_unbounded, module.run_plugins_on_preprocess)
    ebooks.render_html_data = lambda *_arguments, **_named: None


def _unbounded(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    with lifted():
        return call(*arguments, **named)


def _guard_deobfuscation() -> None:
    """Have Calibre's EPUB input look at the addresses in `encryption.xml` before it follows them."""
    from calibre.ebooks.conversion.plugins.epub_input import EPUBInput  # type: ignore[import-not-found]

    trusting = EPUBInput.process_encryption

    def process_encryption(self: Any, encfile: str, opf: Any, log: Any) -> Any:
        _refuse_foreign_files(Path(encfile))
        return trusting(self, encfile, opf, log)

    EPUBInput.process_encryption = process_encryption


def _refuse_foreign_files(encryption: Path) -> None:
    from lxml import etree

    try:
        root = etree.parse(str(encryption)).getroot()
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
