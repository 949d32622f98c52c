"""What the windows ask besides converting: what a book holds, how a voice sounds, how a place in an audiobook sounds, which devices can speak,
whether a voice can be cloned from a recording.

Answered by a sidecar of its own, which stays for some minutes and then ends by itself; so a preview does not wait for
a book that is being converted. All of it blocks: call it from a thread (`gui.background`). One question at a time;
a second one waits. Raises PluginError and Stopped as a conversion does. No Qt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from .. import paths
from ..book import library
from ..book.export import export_book
from ..engine import gpus, runtime
from ..errors import PluginError, Stopped
from ..resources import Resources
from ..speaking import converters, speakers, speeds
from . import audiobooks, progress
from .client import never
from .events import Device, Devices, Done, Looked, Progress, Sampled, Told, sampled
from .folders import private_folder
from .progress import Show
from .requests import FLOAT32, Excerpt, Look, Probe, Request, Sample, Say
from .sidecars import Sidecars
from .sources import FromLibrary

Stop = Callable[[], bool]
_WAIT_S = 0.1


@dataclass(frozen=True)
class Way:
    """How a book would be spoken: as in `job.Options`. voice: empty where the language decides, by `voices`."""

    voice: str = ""
    speed: float = 1.0
    pauses: float = 1.0
    bitrate: int = 64_000
    voices: Mapping[str, str] = field(default_factory=dict, compare=False)
    precision: str = FLOAT32


@dataclass(frozen=True)
class Known:
    """What was found in a book. way: for which `spoken` and `standing` hold; None where they are not known."""

    looked: Looked
    way: Way | None = None


class Questions:
    """One for a running Calibre. `close` when it quits; `release` ends the sidecar alone."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._sidecars = Sidecars()
        self._turn = threading.Lock()
        self._leave = threading.Event()
        """Set: whatever is being asked ends; another takes its place when questions may be asked again."""
        self._closed = False

    def look(self, source: FromLibrary, show: Show, stopped: Stop = never, way: Way | None = None) -> Known:
        """What is in a book: chapters, how much text, a sentence to try a voice with, whose M4B stands there already; with a way also what
        there is of the book, spoken in that way.

        PluginError of the book: `no_such_book`, `no_usable_format`, `drm`, `book_unreadable`, `no_text`; `engine_missing`.
        """
        layer = self._any_layer()
        with private_folder() as folder:
            with source.library() as api:
                book = library.look_up(api, source.book_id)
                original = library.copy_source(api, book, folder)
                own = library.at_own_record(api, book).existing or audiobooks.in_a_folder(api, book.id)
            show(progress.Step("export", None))
            bundle = folder / "bundle"
            bundle.mkdir(mode=0o700)
            language = export_book(original, bundle, book.metadata, book.cover, stopped).language
            wanted = Look(str(bundle), None if book.existing is None else str(book.existing), None if own is None else str(own))
            voice = None if way is None else self._voice_here(way, language)
            if voice is not None and way is not None:
                wanted = replace(wanted, voice=voice.wire, cache_dir=str(paths.clips_dir()), speed=way.speed, pauses=way.pauses, bitrate=way.bitrate)
                wanted = replace(wanted, precision=way.precision)
            heard: list[Told] = []
            self._ask(layer, wanted, heard, show, stopped)
            return Known(_answer(heard), None if voice is None or way is None else replace(way, voice=voice.id))

    def say(
        self,
        text: str,
        voice: str,
        language: str,
        out: Path,
        show: Show,
        stopped: Stop = never,
        *,
        device: str = "auto",
        speed: float = 1.0,
        pauses: float = 1.0,
        likeness: bool = False,
    ) -> Done:
        """Speak a text into the WAV file `out`. The voice must be here: PluginError `voice_missing`, `engine_missing`; voice and device as in a conversion.

        `auto` is the remembered fastest, else the CPU: nothing is measured for a preview. likeness: of a clone, to its recording, by the speaker
        encoder, which must be here (`converters.get_encoder`); PluginError `protocol` where the answer has none.
        """
        chosen = speakers.voice_for(voice, language, self._resources)
        place = speakers.place_for(chosen, device, self._resources, None, partial(_nothing_measured, chosen.needs_neural), remember=False)
        wire = converters.with_encoder(dict(chosen.wire), self._resources) if likeness else chosen.wire
        request = Say(text, str(out), place.device, place.auto, wire, language, str(paths.clips_dir()), speed, pauses, likeness)
        done = self._ask(place.layer, request, [], show, stopped)
        if likeness and done.summary.likeness is None:
            raise PluginError("protocol", "a clone was heard, and its likeness not said")
        return done

    def excerpt(self, audiobook: Path, start_s: float, end_s: float, out: Path, stopped: Stop = never) -> Path:
        """A piece of an audiobook as the WAV file `out`; PluginError `audio_unreadable`."""
        self._ask(self._any_layer(), Excerpt(str(audiobook), start_s, end_s, str(out)), [], lambda step: None, stopped)
        return out

    def sample(
        self,
        recording: Path,
        show: Show,
        stopped: Stop = never,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        out: Path | None = None,
        before: Path | None = None,
        after: Path | None = None,
    ) -> Sampled:
        """What a recording, or that stretch of it, is good for as a cloned voice; cleaned into the FLAC file `out`, to be heard in the WAV files
        `before` and `after`. Without a stretch the best one is found. PluginError `sample_unusable`, `engine_missing`."""
        wanted = Sample(str(recording), start_s, end_s, *(None if path is None else str(path) for path in (out, before, after)))
        heard: list[Told] = []
        self._ask(self._any_layer(), wanted, heard, show, stopped)
        return sampled(heard)

    def probe(self, voice: str | None, show: Show, stopped: Stop = never, busy: Callable[[], bool] = never) -> tuple[Device, ...]:
        """Each device tried by speaking (with the voice, else the standard one where it is here); what was found is remembered for `auto`.

        Then the cards that no installed layer reaches, with the reason. busy: is a book being converted? Devices are
        slower then than they can be, so nothing is remembered.
        """
        cards = gpus.found()
        neural = speakers.installed("neural", self._resources)
        layer = neural or self._any_layer()
        wire = speakers.measurable(voice, self._resources)
        wanted = Probe() if wire is None else Probe(wire, str(wire["language"]), str(paths.clips_dir()))
        key = speakers.key_of(wire, layer, cards) if wire is not None else ""
        found = self._tried(layer, wanted, key, stopped, busy)
        return (*found, *speakers.out_of_reach(found, cards, neural))

    def measure(self, voice: str, language: str, stopped: Stop = never, busy: Callable[[], bool] = never) -> Device:
        """How fast the CPU speaks a voice that nothing else ever speaks, and that is here; remembered as for `probe`, but of eSpeak, whose books take the time
        that is needed around speaking. Raises as `say`."""
        chosen = speakers.voice_for(voice, language, self._resources)
        place = speakers.place_for(chosen, speakers.CPU, self._resources, None, partial(_nothing_measured, False))
        wanted = Probe(chosen.wire, language, str(paths.clips_dir()))
        key = speakers.key_here(chosen.wire, self._resources) if chosen.kind in speakers.MEASURED else ""
        return self._tried(place.layer, wanted, key, stopped, busy)[0]

    def _tried(self, layer: runtime.Layer, wanted: Probe, key: str, stopped: Stop, busy: Callable[[], bool]) -> tuple[Device, ...]:
        """key: under which what was found is remembered; empty for nowhere."""
        disturbed = busy()
        with self._in_turn(stopped) as left:
            found = self._sidecars.probe(layer, wanted, left).devices
        if key and not (disturbed or busy()):
            speeds.remember(key, found)
        return found

    def close(self) -> None:
        """Calibre quits: whatever is being asked ends, and nothing is answered any more."""
        self._closed = True
        self._leave.set()
        self._sidecars.stop_now()

    def release(self) -> None:
        """End the sidecar, with whatever it is being asked; returns when it is gone."""
        leave = self._leave
        leave.set()
        with self._turn:
            self._sidecars.close()
            if not self._closed:
                self._leave = threading.Event()

    def _voice_here(self, way: Way, language: str) -> speakers.Chosen | None:
        try:
            return speakers.voice_for(way.voice or None, language, self._resources, None, way.voices)
        except PluginError:  # it has to be fetched first
            return None

    def _any_layer(self) -> runtime.Layer:
        found = speakers.installed("core", self._resources) or speakers.installed("neural", self._resources)
        if found is None:
            raise PluginError("engine_missing", layer="core")
        return found

    def _ask(self, layer: runtime.Layer, request: Request, heard: list[Told], show: Show, stopped: Stop) -> Done:
        def on_event(event: Told) -> None:
            if isinstance(event, Looked | Sampled):
                heard.append(event)
            elif isinstance(event, Progress):
                show(progress.of_sidecar(event))

        with self._in_turn(stopped) as left:
            return self._sidecars.request(layer, request, on_event, left)

    @contextmanager
    def _in_turn(self, stopped: Stop) -> Iterator[Stop]:
        """Gives what says whether to leave: as asked, or because the sidecar is to end."""
        leave = self._leave

        def left() -> bool:
            return stopped() or leave.is_set()

        while not self._turn.acquire(timeout=_WAIT_S):
            if left():
                raise Stopped
        try:
            if left():
                raise Stopped
            yield left
        except PluginError:
            if left():  # a sidecar that was ended says nothing of the question
                raise Stopped from None
            raise
        finally:
            self._turn.release()


def _answer(heard: list[Told]) -> Looked:
    for event in heard:
        if isinstance(event, Looked):
            return event
    raise PluginError("protocol", "a book was looked at, and nothing said")


def _nothing_measured(needs_neural: bool, layer: runtime.Layer) -> Devices:
    device = speakers.CPU_TORCH if needs_neural else speakers.CPU
    return Devices(0, (Device(device, "", True, ""),))
