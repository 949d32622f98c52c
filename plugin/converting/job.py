"""One conversion from beginning to end: the only module of the plugin that knows the whole order, for GUI and command line.

    voice and device are checked -> the book is exported -> layer and voice are found (or fetched, if allowed)
    -> a sidecar is borrowed -> it converts -> the audiobook stands at OUT, or is added to the library

Raises PluginError and Stopped. The bundle is always removed; OUT and the library are touched only by a finished,
verified file (the sidecar writes OUT by renaming). No Qt.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import paths
from ..book import library
from ..book.export import Exported, export_book
from ..engine import runtime
from ..errors import PluginError, Stopped, warning_sentence
from ..resources import Resources
from ..speaking import guesses, speakers, speeds
from ..speaking.estimates import Text, estimate
from ..wording import N_, device_name, translate
from . import audiobooks, progress, report
from .client import never
from .events import Devices, Done, Progress, Summary, Told, Warned
from .folders import private_folder, work_folder
from .progress import Show, Step, fetching
from .requests import FLOAT32, Convert, Probe
from .sidecars import Sidecars
from .sources import FromFile, FromLibrary, Removed, changed_meanwhile


@dataclass(frozen=True)
class Options:
    """What the user asked for. voice: None lets the book's language decide, and `voices` which (language -> id). report: absolute.
    fetch: missing layers and voices may be fetched. speed, pauses: times the usual. bitrate: bit/s.
    precision: one of requests.PRECISIONS. kept_gb: of kept sentences in all; None: as the sidecar has it. espeak: as for `speakers.voice_for`.

    foreign: what to do about an M4B at a book of the library that somebody else made: `stop`; `replace` it after it was
    copied to ORIGINAL_M4B; ours in a `record` of its own; ours in `folder`. otherwise: `record` or `folder` where `stop` would stop.
    replace: without a copy, and at OUT too.
    """

    voice: str | None = None
    device: str = "auto"
    replace: bool = False
    report: Path | None = None
    fetch: bool = False
    voices: Mapping[str, str] = field(default_factory=dict)
    speed: float = 1.0
    pauses: float = 1.0
    bitrate: int = 64_000
    foreign: str = "stop"
    folder: Path | None = None
    otherwise: str = ""
    precision: str = FLOAT32
    kept_gb: int | None = None
    espeak: bool = True


@dataclass(frozen=True)
class Result:
    """path: where the audiobook stands; None if it is in the library, then `record` is the book that it was added to, `place` its file.
    outcome: as `events.Done`. report: its file. replaced: who spoke the audiobook of ours that was there; empty where none was.
    replaced_speed: at which speed, where the new one has another. left_out: as `Report.left_out_by`. speed: times the voice's own."""

    outcome: str
    path: Path | None
    title: str
    summary: Summary
    warnings: tuple[str, ...]
    report: Path
    record: int | None = None
    place: str = ""
    replaced: str = ""
    replaced_speed: float | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    speed: float = 1.0


class Job:
    """A conversion with what it needs from its surroundings."""

    def __init__(
        self,
        options: Options,
        resources: Resources,
        sidecars: Sidecars,
        show: Show,
        stopped: Callable[[], bool] = never,
        hear: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """hear: told who speaks where, and each warning's sentence when it comes; the result has those all."""
        self._options = options
        self._hear = hear
        self._resources = resources
        self._sidecars = sidecars
        self._show = show
        self._stopped = stopped
        self._unreported = False
        """Could the sidecar not write the report?"""

    def run(self, source: FromFile | FromLibrary) -> Result:
        """Convert."""
        speakers.check(self._options.voice, self._options.device, self._resources)
        if self._options.report is not None:
            others = {"BOOK": paths.given(source.book), "OUT": paths.given(source.out)} if isinstance(source, FromFile) else {}
            report.check_wanted(self._options.report, others)
        return self._file(source) if isinstance(source, FromFile) else self._while_it_is_there(source)

    def _while_it_is_there(self, source: FromLibrary) -> Result:
        """As `_placed`, given up where the book is removed meanwhile (`no_such_book`): hours might be spoken for nobody, before every book that waits."""
        stopped, removed = self._stopped, Removed(source)
        self._stopped = lambda: stopped() or removed()
        try:
            return self._placed(source)
        except (Stopped, PluginError):
            if removed.seen and not stopped():
                raise PluginError("no_such_book", book=source.book_id) from None
            raise
        finally:
            self._stopped = stopped

    def _placed(self, source: FromLibrary) -> Result:
        try:
            return self._book(source)
        except PluginError as error:  # known before anything is spoken
            if error.code != "exists_foreign" or not self._options.otherwise:
                raise
        self._options = replace(self._options, foreign=self._options.otherwise, otherwise="")
        return self._book(source)

    def _file(self, source: FromFile) -> Result:
        book, out = paths.given(source.book), paths.given(source.out)
        _check_target(book, out)
        kept = report.kept_path(str(out))
        with private_folder() as folder:
            exported = self._export(book, folder)
            done, said = self._convert(exported, out, out if out.exists() else None, kept)
        return self._result(exported, done, said, kept, out)

    def _book(self, source: FromLibrary) -> Result:
        with private_folder() as folder:
            with source.library() as api:
                book = library.look_up(api, source.book_id)
                apart = self._apart(api, book)
                own = library.own_record(api, book.id) if apart else None
                if apart:
                    book = library.at_own_record(api, book)
                target = self._in_a_folder(api, book)
                there = book.existing if target is None else target if os.path.lexists(target) else None
                ours = there is not None and not self._replaces  # else what stands there is refused, or anybody's
                before = self._before(api, book.id) if ours else ("", None)
                library.check_writable(api)
                if target is None:
                    library.check_place(book.existing, self._replaces)
                if self._options.foreign == "replace":
                    library.check_copy(api, book)
                original = library.copy_source(api, book, folder)
            exported = self._export(original, folder, book)
            kept = report.kept_path(book.key)
            if target is not None:
                _check_target(original, target)
                done, said = self._convert(exported, target, there, kept)
                with suppress(PluginError), source.library() as api:  # it stands, whoever has the library now
                    said += changed_meanwhile(api, book)
                made = self._result(exported, done, said, kept, target)
                return _replacing(made, *before)
            with work_folder() as work:
                out = work / "audiobook.m4b"
                done, said = self._convert(exported, out, book.existing, kept)
                if done.outcome == "unchanged":
                    record_now = own if apart else book.id
                    if record_now is not None and book.existing is not None and not book.noted:
                        with source.library() as api:
                            library.note_audiobook(api, record_now, book.existing)
                    return self._result(exported, done, said, kept, None, "", record_now, str(book.existing or ""))
                self._show(Step("add", progress.SIDECAR_TO))
                with source.library() as api:
                    record, place = self._add(api, book, out, apart)
                    said += changed_meanwhile(api, book)
        made = self._result(exported, done, said, kept, None, place, record, place)
        return _replacing(made, *before)

    def _before(self, api: Any, book_id: int) -> tuple[str, float | None]:
        """Who spoke our former audiobook, and how fast if not as the new one."""
        head = audiobooks.head_of_report(api, book_id)
        speed = audiobooks.speed_in(head)
        return audiobooks.speaker_in(head)[1], None if speed == self._options.speed else speed

    def _apart(self, api: Any, book: library.LibraryBook) -> bool:
        """Does the audiobook go into a record of its own? As asked for, or as it went before."""
        if self._options.foreign == "record":
            return True
        return self._options.foreign == "stop" and not self._replaces and book.existing is not None and library.own_record(api, book.id) is not None

    def _in_a_folder(self, api: Any, book: library.LibraryBook) -> Path | None:
        """Where the audiobook goes outside the library: as asked for, or as it went before; None where it goes into the library."""
        ours, foreign, folder = audiobooks.in_a_folder(api, book.id), self._options.foreign, self._options.folder
        if foreign == "folder" and folder is not None:
            if ours is not None and paths.same(ours.parent, paths.given(folder)):
                return ours
            return library.place_in(paths.given(folder), book, lambda path: audiobooks.is_anothers(path, book.key))
        goes_on = foreign == "stop" and not self._replaces and book.existing is not None and library.own_record(api, book.id) is None
        return ours if goes_on else None

    @property
    def _replaces(self) -> bool:
        return self._options.replace or self._options.foreign == "replace"

    def _add(self, api: Any, book: library.LibraryBook, audiobook: Path, apart: bool) -> tuple[int, str]:
        if apart:
            return library.add_to_own_record(api, book, audiobook, self._replaces, self._stopped)
        if self._options.foreign == "replace":
            return book.id, library.add_after_copy(api, book, audiobook, self._stopped)
        return book.id, library.add_audiobook(api, book, audiobook, self._replaces, self._stopped)

    def _result(
        self, exported: Exported, done: Done, said: list[str], kept: Path, out: Path | None, added: str = "", record: int | None = None, place: str = ""
    ) -> Result:
        wanted = self._options.report
        left_out = Counter[str]()
        if self._unreported:
            report.forget(kept)
        missed = report.complete(kept, added or None, self._options.speed, left_out)
        if missed is None and wanted is not None:
            missed = report.hand_out(kept, wanted)
        if missed is not None:
            said.append(warning_sentence(missed.code, missed.params))
        warnings = tuple(dict.fromkeys(said))
        shown = kept if wanted is None or missed else wanted
        place = place or str(out or "")
        speed = self._options.speed
        return Result(done.outcome, out, exported.title, done.summary, warnings, shown, record, place, left_out=dict(left_out), speed=speed)

    def _export(self, book: Path, folder: Path, known: library.LibraryBook | None = None) -> Exported:
        self._show(Step("export", 0.0))
        bundle = folder / "bundle"
        bundle.mkdir(mode=0o700)
        if known is None:
            return export_book(book, bundle, stopped=self._stopped)
        return export_book(book, bundle, known.metadata, known.cover, self._stopped)

    def _convert(self, exported: Exported, out: Path, existing: Path | None, kept: Path) -> tuple[Done, list[str]]:
        on_card = self._options.voice is None and speakers.on_card(self._options.device, self._resources)
        options, fetching = self._options, self._fetching()
        voice = speakers.voice_for(options.voice, exported.language, self._resources, fetching, options.voices, on_card, options.espeak)
        probe = partial(self._devices, voice, exported.language)
        place = speakers.place_for(voice, self._options.device, self._resources, self._fetching(), probe)
        warnings = [*exported.warnings, *voice.warnings, *place.warnings]
        fell: list[str] = []
        said = [warning_sentence(warn.code, warn.params) for warn in warnings]
        heard_as = (voice.wire.get("clone") or voice.wire)["name"]
        self._hear(translate(N_("Spoken by {voice} on {device}.")).format(voice=heard_as, device=device_name(place.device)))

        told = progress.Told(self._guess(voice, place, exported.language))
        pace = speeds.Pace(lambda device, speed, weight: None if fell else speakers.learn(voice, device, speed, self._resources, weight))

        def on_event(event: Told) -> None:
            if isinstance(event, Progress):
                self._show(told.step(event))
                if event.stage == "speak":
                    pace.hear(event.device, event.audio_s)
            elif isinstance(event, Warned):
                if event.code in ("device_left", "device_lost"):
                    fell.append(event.code)
                    speeds.forget(place.measured)
                self._unreported |= event.code == "report_unwritable"
                said.append(warning_sentence(event.code, event.params))
                self._hear(said[-1])

        request = Convert(
            bundle=str(exported.folder),
            out=str(out),
            existing=None if existing is None else str(existing),
            replace=self._replaces,
            report=str(kept),
            cache_dir=str(paths.clips_dir()),
            device=place.device,
            auto=place.auto,
            voice=voice.wire,
            warnings=tuple(warnings),
            speed=self._options.speed,
            pauses=self._options.pauses,
            bitrate=self._options.bitrate,
            precision=self._options.precision,
            cache_bytes=None if self._options.kept_gb is None else self._options.kept_gb * 10**9,
        )
        self._show(Step("start", progress.SIDECAR_FROM))
        try:
            done = self._sidecars.request(place.layer, request, on_event, self._stopped)
        finally:
            pace.end()
        if done.outcome == "written":
            self._learn_manner(voice, exported.language, done.summary.duration_s, out, kept)
        return done, said

    def _guess(self, voice: speakers.Chosen, place: speakers.Place, language: str) -> progress.Guess:
        """How long the rest takes, as the window said it, until the sidecar has seen it; a range is nothing to count down from."""
        options, rate = self._options, speakers.expected(voice, place, self._resources)
        manner = guesses.manner(voice.whole, language, options.bitrate, self._resources)

        def guess(characters: int, sentences: int, spoken: int) -> float | None:
            text = Text(characters, sentences, language)
            found = estimate(text, options.speed, options.pauses, options.bitrate, rate, spoken, manner)
            return found.ready_s if found.most_s is None else None

        return guess

    def _learn_manner(self, voice: speakers.Chosen, language: str, duration_s: float, out: Path, kept: Path) -> None:
        """What the next window can say of this voice's length and size; the audiobook stands, so whatever is wrong is no matter."""
        options = self._options
        with suppress(OSError, PluginError):
            text = Text(*report.spoken_text(kept), language)
            came_out = duration_s, out.stat().st_size
            guesses.learn_manner(voice.id, voice.wire, text, *came_out, speed=options.speed, pauses=options.pauses, bitrate=options.bitrate)

    def _fetching(self) -> speakers.Fetch:
        return speakers.Fetch(lambda stage, done, text: self._show(fetching(stage, done, text)), self._stopped, self._options.fetch)

    def _devices(self, voice: speakers.Chosen, language: str, layer: runtime.Layer) -> Devices:
        self._show(Step("start", progress.SIDECAR_FROM, None, translate(N_("finding the fastest device"))))
        return self._sidecars.probe(layer, Probe(voice.wire, language, str(paths.clips_dir())), self._stopped)


def _replacing(made: Result, by: str, speed: float | None) -> Result:
    """With who had spoken what it replaced, if it did."""
    return replace(made, replaced=by, replaced_speed=speed) if made.outcome == "written" else made


def _check_target(book: Path, out: Path) -> None:
    """What needs no engine to be seen; the sidecar checks the rest before it speaks."""
    if out.suffix.lower() not in (".m4b", ".m4a"):
        raise PluginError("usage", reason=translate(N_("the audiobook's name must end in .m4b")))
    if paths.same(book, out):
        raise PluginError("usage", reason=translate(N_("the audiobook and the book are the same file")))
    try:
        reason = _unfit(out)
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise PluginError("output_unwritable", path=str(out), reason=reason)


def _unfit(out: Path) -> str:
    if not paths.is_utf8(out):
        return translate(paths.NOT_UTF8)
    if out.is_dir():
        return translate(N_("it is a folder"))
    if not out.parent.is_dir():
        return translate(N_("the folder does not exist"))
    if os.path.lexists(out) and not out.is_file():
        return translate(N_("what stands there is not a file"))
    return ""
