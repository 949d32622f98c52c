"""A book becomes a bundle (docs/architecture.md, schema 1): a folder with the documents' own bytes and what Calibre knows.

One path for every format: in a worker process Calibre's input plugin unpacks the book (as its viewer and full-text
index do), then polish's Container is only *read*; nothing is committed, so the documents stay as they were. What is a
chapter and what is said, the sidecar decides.

    export_book         in the plugin's process: starts the worker, turns what went wrong into PluginError
    export_in_worker    in the worker: everything that touches the book

Arguments and results of the worker are plain types: it unpickles them before the plugin can be imported there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..converting.requests import Warn
from ..errors import PluginError, Stopped
from ..wording import N_, translate
from .bounds import READING, bounded
from .metadata import agreed_language, metadata_of_file
from .unpack import CODE, Refused, limit_files, limit_memory, outgrown, reason_of, refuse_bomb, unpack, used

WORKER_TIMEOUT_S: Final = 600
TOC_TIMEOUT_S: Final = 20
MAX_TOC_DEPTH: Final = 100
MAX_NAME_CHARS: Final = 500
SCHEMA: Final = 1
ANSWER: Final = "answer.json"
"""What a worker answered, beside the bundle while it runs: `fork_job` misses it where a busy machine sees the worker end first."""
LOOK_S: Final = 1.0
"""How often it is seen how much a worker has unpacked; where looking takes long, less often."""

REASONS: Final[Mapping[str, str]] = {
    "gone": N_("there is no such file"),
    "folder": N_("it is a folder, not a file"),
    "no_file": N_("it is not a file"),
    "empty": N_("the file is empty"),
    "forbidden": N_("this file may not be read"),
    "unknown_kind": N_("Calibre cannot read this kind of file"),
    "program": N_("it is no book but a program for Calibre"),
    "outside": N_("it asks for files that are not part of it"),
    "not_zip": N_("the file is damaged, or not what its name says"),
    "damaged": N_("the file is damaged, or not what its name says"),
    "too_big": N_("unpacked it is larger than 2 GB"),
    "too_many": N_("it holds more than 50,000 files"),
    "too_long_a_list": N_("its list of files or of chapters is too long"),
    "no_memory": N_("reading it takes more than 4 GB of memory"),
    "no_space": N_("there is no room to unpack it in the folder for temporary files"),
    "too_slow": N_("unpacking it took longer than ten minutes"),
    "crashed": N_("Calibre's reader for this format ended unexpectedly"),
    "nothing_inside": N_("it lists no documents"),
}


@dataclass(frozen=True)
class Exported:
    """A finished bundle. language: a BCP 47 tag, may be empty. warnings: for the report."""

    folder: Path
    title: str
    language: str
    toc_from: str
    warnings: tuple[Warn, ...]


def export_book(
    book: Path, folder: Path, metadata: Mapping[str, Any] | None = None, cover: bytes | None = None, stopped: Callable[[], bool] = lambda: False
) -> Exported:
    """Write the bundle of `book` into the existing, private `folder`.

    metadata, cover: from the library (`metadata.describe`); None takes the file's. Raises PluginError
    `book_unreadable` (reason) or `drm`, and Stopped.
    """
    check_readable(book)
    book = book.absolute()  # the worker goes to a folder of its own
    answer = _in_worker("export_in_worker", (str(book), str(folder), dict(metadata) if metadata is not None else None, cover), WORKER_TIMEOUT_S, stopped)
    if not answer["toc"]:
        _add_found_toc(book, folder, stopped)
    bundle = json.loads((folder / "bundle.json").read_text("utf-8"))
    missing = bundle["missing"]
    warnings = [Warn("spine_file_missing", {"count": len(missing), "name": missing[0][:MAX_NAME_CHARS]})] if missing else []
    if answer["cover_lost"]:
        warnings.append(Warn("cover_unreadable"))
    if bundle["toc_from"] != "book":
        warnings.append(Warn("toc_empty" if bundle["toc_from"] == "none" else "toc_from_plumber"))
    return Exported(folder, bundle["metadata"]["title"], bundle["metadata"]["language"], bundle["toc_from"], tuple(warnings))


def check_readable(book: Path) -> None:
    """Is it a file with something in it that may be opened? PluginError `book_unreadable`."""
    if book.suffix[1:].lower() in CODE:
        raise _unreadable("program")
    try:
        if book.is_dir():
            raise _unreadable("folder")
        if book.exists() and not book.is_file():  # a pipe would be waited for
            raise _unreadable("no_file")
        with open(book, "rb") as stream:
            if not stream.read(1):
                raise _unreadable("empty")
    except FileNotFoundError:
        raise _unreadable("gone") from None
    except OSError as error:
        raise _unreadable("forbidden", str(error)) from None


def _unreadable(reason: str, detail: str = "") -> PluginError:
    return PluginError("book_unreadable", detail, reason=translate(REASONS[reason]))


def _add_found_toc(book: Path, folder: Path, stopped: Callable[[], bool]) -> None:
    """Ask the conversion pipeline for a table of contents; whatever goes wrong there, the book goes on without one."""
    try:
        found = _in_worker("find_toc_in_worker", (str(book), str(folder)), TOC_TIMEOUT_S, stopped)["toc"]
    except PluginError:
        return
    if found:
        path = folder / "bundle.json"
        bundle = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**bundle, "toc": found, "toc_from": "plumber"}, ensure_ascii=False, indent=1), "utf-8")


def _in_worker(function: str, args: tuple[Any, ...], timeout_s: int, stopped: Callable[[], bool]) -> dict[str, Any]:
    from calibre.utils.ipc.simple_worker import WorkerError, fork_job  # type: ignore[import-not-found]

    module = __name__  # calibre_plugins.e2a.plugin.book.export: the worker loads Calibre's plugins to import it
    folder = Path(args[1])
    watch = _Watch(stopped, folder)
    try:
        answer = fork_job(module, function, args=args, timeout=timeout_s, no_output=True, abort=watch)["result"]
    except WorkerError as error:
        answer = _left_behind(folder)
        if answer is None:
            trace = str(getattr(error, "orig_tb", "") or "")
            raise _unreadable("too_slow" if "hung" in str(error) else "crashed", f"{error}\n{trace[-2000:]}") from None
    finally:
        shutil.rmtree(folder / READING, ignore_errors=True)
        (folder / ANSWER).unlink(missing_ok=True)
    if answer is None:
        if not stopped():
            raise _unreadable(watch.refused or "crashed")
        raise Stopped
    if "error" in answer:
        if answer["error"] == "drm":
            raise PluginError("drm", answer["detail"])
        raise _unreadable(answer["error"], answer["detail"])
    return dict(answer)


def _left_behind(folder: Path) -> Any:
    """The answer of a worker that was missed; None where it gave none."""
    try:
        return json.loads((folder / ANSWER).read_text("utf-8"))
    except (OSError, ValueError):
        return None


class _Watch(threading.Event):
    """What fork_job polls: is the worker to be stopped, by the user or because of what it fills its folder with?"""

    def __init__(self, stopped: Callable[[], bool], folder: Path) -> None:
        super().__init__()
        self._stopped = stopped
        self._folder = folder
        self._before = used(folder)
        self._next_s = 0.0
        self.refused = ""
        """Why, as a key of REASONS."""

    def is_set(self) -> bool:
        began_s = time.monotonic()
        if began_s >= self._next_s:
            files, size_bytes = (now - before for now, before in zip(used(self._folder), self._before, strict=True))
            self.refused = outgrown(files, size_bytes)
            self._next_s = began_s + max(LOOK_S, 10 * (time.monotonic() - began_s))
        return bool(self.refused) or self._stopped()


# ---- from here on: inside the worker --------------------------------------------------------------------------------


def export_in_worker(book: str, folder: str, metadata: dict[str, Any] | None, cover: bytes | None) -> dict[str, Any]:
    """Write the bundle; {"toc": number of entries, "cover_lost": ...} or {"error": key of REASONS or "drm", "detail": ...}."""
    return _left(folder, _export_or_why_not(book, folder, metadata, cover))


def _left(folder: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The same, also written down (see ANSWER)."""
    with suppress(OSError):  # a full disk
        (Path(folder) / ANSWER).write_text(json.dumps(answer), "utf-8")
    return answer


def _export_or_why_not(book: str, folder: str, metadata: dict[str, Any] | None, cover: bytes | None) -> dict[str, Any]:
    from calibre.ebooks import DRMError  # type: ignore[import-not-found]

    limit_files()
    limit_memory()
    try:
        with bounded(Path(book), Path(folder)):
            return _export(Path(book), Path(folder), metadata, cover)
    except DRMError as error:
        return {"error": "drm", "detail": str(error)}
    except Refused as error:
        return {"error": error.reason, "detail": error.detail}
    except (Exception, SystemExit) as error:  # noqa: BLE001  (the process's edge: an input plugin may raise anything)
        return {"error": reason_of(error), "detail": f"{type(error).__name__}: {error}"[:500]}


def find_toc_in_worker(book: str, folder: str) -> dict[str, Any]:
    """{"toc": the tree that the conversion pipeline finds, in the bundle's own names; empty if it cannot be had}."""
    from .structure import find_toc

    limit_files()
    with bounded(Path(book), Path(folder)):
        found = {"toc": find_toc(Path(book), Path(folder))}
    return _left(folder, found)


def _export(book: Path, folder: Path, metadata: dict[str, Any] | None, cover: bytes | None) -> dict[str, Any]:
    refuse_bomb(book)
    container = unpack(book, folder / "content")
    spine, missing = _spine(container)
    if not spine and not missing:
        raise Refused("nothing_inside")
    toc = _toc(container)
    own = metadata_of_file(container)
    picture, had_cover = _write_cover(container, folder, cover)
    bundle = {
        "schema": SCHEMA,
        "source": {"format": book.suffix[1:].upper(), "sha256": _sha256(book)},
        "metadata": own if metadata is None else {**metadata, "language": agreed_language(str(metadata.get("language") or ""), own["language"])},
        "cover": picture,
        "spine": spine,
        "missing": missing,
        "toc": toc,
        "toc_from": "book" if toc else "none",
        "nav": [name for name in container.manifest_items_with_property("nav") if container.has_name(name)],
        "cover_page": _cover_page(container),
    }
    (folder / "bundle.json").write_text(json.dumps(bundle, ensure_ascii=False, indent=1), "utf-8")
    return {"toc": len(toc), "cover_lost": had_cover and picture is None}


def _spine(container: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Reading order as in the OPF (Container's own iterator moves non-linear items to the end), and what is not there."""
    spine: list[dict[str, Any]] = []
    missing: list[str] = []
    seen = set()
    names = container.manifest_id_map
    for item in container.opf_xpath("//opf:spine/opf:itemref[@idref]"):
        idref = item.get("idref")
        name = names.get(idref)
        if name is None or not container.has_name(name):
            missing.append(name or idref)
        elif name not in seen:
            seen.add(name)
            linear = item.get("linear", "yes") != "no"
            spine.append({"name": name, "path": f"content/{name}", "linear": linear, "media_type": container.mime_map.get(name) or ""})
    return spine, missing


def _toc(container: Any) -> list[dict[str, Any]]:
    """The book's own; empty where it is nested deeper than Calibre or we could read it."""
    from calibre.ebooks.oeb.polish.toc import get_toc  # type: ignore[import-not-found]

    try:
        return [_node(child, 1) for child in get_toc(container, verify_destinations=False)]
    except RecursionError:
        return []


def _node(entry: Any, depth: int) -> dict[str, Any]:
    if depth > MAX_TOC_DEPTH:
        raise RecursionError
    return {"title": entry.title or "", "name": entry.dest or None, "frag": entry.frag or None, "children": [_node(child, depth + 1) for child in entry]}


def _cover_page(container: Any) -> str | None:
    """The document that only shows the cover. Calibre's EPUB input marks the one it found in the guide as `titlepage`."""
    from calibre.ebooks.oeb.polish.cover import get_cover_page_name  # type: ignore[import-not-found]

    name = get_cover_page_name(container)
    if not name:
        first = next((name for name, _ in container.spine_names), None)
        marked = container.guide_type_map.get("titlepage")
        name = marked if marked == first else None
    return str(name) if name and container.has_name(name) else None


def _write_cover(container: Any, folder: Path, cover: bytes | None) -> tuple[str | None, bool]:
    """(name of the written cover, whether there was one at all). JPEG and PNG as they are; the rest, SVG too, becomes JPEG."""
    from calibre.ebooks.oeb.polish.cover import get_raster_cover_name

    if cover is None:
        name = get_raster_cover_name(container)
        if name and container.has_name(name):
            cover = Path(container.name_to_abspath(name)).read_bytes()
    if not cover:
        return None, False
    suffix = "png" if cover.startswith(b"\x89PNG") else "jpg"
    if suffix == "jpg" and not cover.startswith(b"\xff\xd8"):
        drawn = _drawn(cover)
        if drawn is None:
            return None, True
        cover = drawn
    (folder / f"cover.{suffix}").write_bytes(cover)
    return f"cover.{suffix}", True


def _drawn(picture: bytes) -> bytes | None:
    from calibre.utils.img import NotImage, image_from_data, image_to_data  # type: ignore[import-not-found]

    try:
        return bytes(image_to_data(image_from_data(picture)))
    except (NotImage, ValueError, OSError):
        return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
