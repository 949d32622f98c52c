"""One conversion from beginning to end: the only module of the plugin that knows the whole order, for GUI and command line.

    voice and device are checked -> the book is exported -> layer and voice are found (or fetched, if allowed)
    -> a sidecar is borrowed -> it converts -> the audiobook stands at OUT, or is added to the library

Raises PluginError and Stopped. The bundle is always removed; OUT and the library are touched only by a finished,
verified file (the sidecar writes OUT by renaming). No Qt.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import environ, library, paths, progress, report, runtime, speakers
from .client import Sidecar, never
from .errors import N_, PluginError, translate, warning_sentence
from .export import Exported, export_book
from .progress import Show, Step, fetching
from .protocol import Convert, Devices, Done, Probe, Progress, Summary, Warned
from .resources import Resources

ABANDONED_S: Final = 2 * 24 * 3600.0

Library = Callable[[], AbstractContextManager[Any]]
"""Gives `new_api` for a while: the GUI's own, or `library.opened`."""


@dataclass(frozen=True)
class Options:
    """What the user asked for. voice: None lets the book's language decide. report: absolute. fetch: missing layers and voices may be fetched."""

    voice: str | None = None
    device: str = "auto"
    replace: bool = False
    report: Path | None = None
    fetch: bool = False


@dataclass(frozen=True)
class FromFile:
    """A book's file, and where the audiobook is to stand."""

    book: Path
    out: Path


@dataclass(frozen=True)
class FromLibrary:
    """A book of a library; the audiobook is added to it."""

    library: Library
    book_id: int


@dataclass(frozen=True)
class Result:
    """path: where the audiobook stands; None if it is in the library. outcome: as `protocol.Done`. report: its file."""

    outcome: str
    path: Path | None
    title: str
    summary: Summary
    warnings: tuple[str, ...]
    report: Path


class Sidecars:
    """The sidecar that is kept between conversions, at most one, so that its voice stays loaded. Not for two threads at once."""

    def __init__(self) -> None:
        self._layer = ""
        self._sidecar: Sidecar | None = None

    def borrow(self, layer: runtime.Layer, stopped: Callable[[], bool]) -> Sidecar:
        """A living sidecar of that layer: the kept one, or a new one in its place."""
        key = str(layer.folder)
        if self._sidecar is not None and (key != self._layer or not self._sidecar.alive):
            self.close()
        if self._sidecar is None:
            self._sidecar = Sidecar.start(layer.command(), environ.for_children(), stopped)
            self._layer = key
        return self._sidecar

    def close(self) -> None:
        """End it."""
        sidecar, self._sidecar = self._sidecar, None
        if sidecar is not None:
            sidecar.close()

    def stop_now(self) -> None:
        """Kill it at once; from any thread."""
        if self._sidecar is not None:
            self._sidecar.stop_now()


class Job:
    """A conversion with what it needs from its surroundings."""

    def __init__(self, options: Options, resources: Resources, sidecars: Sidecars, show: Show, stopped: Callable[[], bool] = never) -> None:
        self._options = options
        self._resources = resources
        self._sidecars = sidecars
        self._show = show
        self._stopped = stopped

    def run(self, source: FromFile | FromLibrary) -> Result:
        """Convert."""
        speakers.check(self._options.voice, self._options.device, self._resources)
        if self._options.report is not None:
            report.check_wanted(self._options.report)
        return self._file(source) if isinstance(source, FromFile) else self._book(source)

    def _file(self, source: FromFile) -> Result:
        _check_target(source)
        out = source.out.expanduser().absolute()
        kept = report.kept_path(str(out))
        with _private_folder() as folder:
            exported = self._export(source.book.expanduser(), folder)
            done, said = self._convert(exported, out, out if out.exists() else None, kept)
        return self._result(exported, done, said, kept, out)

    def _book(self, source: FromLibrary) -> Result:
        with _private_folder() as folder:
            with source.library() as api:
                book = library.look_up(api, source.book_id)
                original = library.copy_source(api, book, folder)
            exported = self._export(original, folder, book)
            kept = report.kept_path(book.key)
            with _work_folder() as work:
                out = work / "audiobook.m4b"
                done, said = self._convert(exported, out, book.existing, kept)
                if done.outcome == "unchanged":
                    return self._result(exported, done, said, kept, None)
                self._show(Step("add", progress.SIDECAR_TO))
                with source.library() as api:
                    added = library.add_audiobook(api, source.book_id, out)
        return self._result(exported, done, said, kept, None, added)

    def _result(self, exported: Exported, done: Done, said: list[str], kept: Path, out: Path | None, added: str | None = None) -> Result:
        missed = report.complete(kept, added)
        if missed is None and self._options.report is not None:
            missed = report.hand_out(kept, self._options.report)
        if missed is not None:
            said.append(warning_sentence(missed.code, missed.params))
        return Result(done.outcome, out, exported.title, done.summary, tuple(dict.fromkeys(said)), self._options.report or kept)

    def _export(self, book: Path, folder: Path, known: library.LibraryBook | None = None) -> Exported:
        self._show(Step("export", 0.0))
        bundle = folder / "bundle"
        bundle.mkdir(mode=0o700)
        if known is None:
            return export_book(book, bundle, stopped=self._stopped)
        return export_book(book, bundle, known.metadata, known.cover, self._stopped)

    def _convert(self, exported: Exported, out: Path, existing: Path | None, kept: Path) -> tuple[Done, list[str]]:
        voice = speakers.voice_for(self._options.voice, exported.language, self._resources, self._fetching())
        layer, device = speakers.place_for(voice, self._options.device, self._resources, self._fetching(), self._devices)
        warnings = [*exported.warnings, *voice.warnings]
        said = [warning_sentence(warn.code, warn.params) for warn in warnings]

        def on_event(event: Progress | Warned | Devices) -> None:
            if isinstance(event, Progress):
                self._show(progress.of_sidecar(event))
            elif isinstance(event, Warned):
                said.append(warning_sentence(event.code, event.params))

        request = Convert(
            bundle=str(exported.folder),
            out=str(out),
            existing=None if existing is None else str(existing),
            replace=self._options.replace,
            report=str(kept),
            cache_dir=str(paths.clips_dir()),
            device=device,
            voice=voice.wire,
            warnings=tuple(warnings),
        )
        self._show(Step("start", progress.SIDECAR_FROM))
        done = self._sidecars.borrow(layer, self._stopped).request(request, on_event, self._stopped)
        return done, said

    def _fetching(self) -> speakers.Fetch | None:
        if not self._options.fetch:
            return None
        return speakers.Fetch(lambda stage, done, text: self._show(fetching(stage, done, text)), self._stopped)

    def _devices(self, layer: runtime.Layer) -> Devices:
        return probe(self._sidecars.borrow(layer, self._stopped), self._stopped)


def probe(sidecar: Sidecar, stopped: Callable[[], bool] = never) -> Devices:
    """Ask a sidecar which devices can speak."""
    found: list[Devices] = []
    sidecar.request(Probe(), lambda event: found.append(event) if isinstance(event, Devices) else None, stopped)
    if not found:
        raise PluginError("protocol", "a probe without devices")
    return found[-1]


def _check_target(source: FromFile) -> None:
    """What needs no engine to be seen; the sidecar checks the rest before it speaks."""
    out = source.out.expanduser().absolute()
    if out.suffix.lower() not in (".m4b", ".m4a"):
        raise PluginError("usage", reason=translate(N_("the audiobook's name must end in .m4b")))
    if out.resolve() == source.book.expanduser().resolve():
        raise PluginError("usage", reason=translate(N_("the audiobook and the book are the same file")))
    if out.is_dir():
        raise PluginError("output_unwritable", path=str(out), reason=translate(N_("it is a folder")))
    if not out.parent.is_dir():
        raise PluginError("output_unwritable", path=str(out), reason=translate(N_("the folder does not exist")))


@contextmanager
def _private_folder() -> Iterator[Path]:
    """For the book's copy and the bundle: mode 0700, gone afterwards whatever happens."""
    try:
        from calibre.ptempfile import base_dir  # type: ignore[import-not-found]  # minds CALIBRE_TEMP_DIR; emptied when Calibre ends

        parent = base_dir()
    except ImportError:
        parent = None
    folder = Path(tempfile.mkdtemp(prefix="audiobook-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _work_folder() -> Iterator[Path]:
    """For an audiobook on its way into a library: on the disk of the cache, since a folder for temporary files may be memory."""
    parent = paths.cache_home() / "work"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
    except OSError as error:
        raise PluginError("output_unwritable", repr(error), path=str(parent), reason=str(error.strerror)) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what a killed Calibre left: nothing in it was written to for two days."""
    for folder in parent.iterdir():
        newest = max((path.stat().st_mtime for path in (folder, *folder.glob("*"))), default=0.0)
        if newest < time.time() - ABANDONED_S:
            shutil.rmtree(folder, ignore_errors=True)
