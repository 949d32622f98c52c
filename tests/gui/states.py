"""Every window, page and menu of the plugin in every state that a user can meet it in, made with what a real one would be told.

A State makes its window; `ready` says when the picture can be taken. No engine, no network: `Answers` stands in for it.
The library holds SHELF (`harness.shelf_of_states`).
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from calibre_plugins.e2a.plugin import prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.clicked import ELSEWHERE, REPLACED  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import audiobooks, report  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.begun import Begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.conversions import of  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.events import (  # type: ignore[import-not-found]
    Device,
    Done,
    Looked,
    LookedChapter,
    LookedLeftOut,
    Sampled,
    Summary,
)
from calibre_plugins.e2a.plugin.converting.installations import (
    Underway,  # type: ignore[import-not-found]
    described,  # type: ignore[import-not-found]
)
from calibre_plugins.e2a.plugin.converting.job import Result  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.questions import Known  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.report_words import REASONS  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import gpus, install_plan, runtime  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.install_plan import Wanted  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui import (  # type: ignore[import-not-found]
    convert_dialog,
    error_dialog,
    first_run,
    interrupted,
    opening,
    outcome,
    preferences,
    report_dialog,
)
from calibre_plugins.e2a.plugin.gui.clone import abilities  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.clone.dialog import CloneDialog  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.clone.name_line import Rename  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.context import PAGES, Context  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_why import why as shown_since  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.language_names import language_name  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.outcome_stopped import StoppedBook  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.preferences import device, device_rows  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.preferences.own_voice import OwnVoice  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.sentences import BUTTONS, ERRORS  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import clones, converters, speakers, speeds, voices  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking.voices import catalogue  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.wording import translate  # type: ignore[import-not-found]

COUNTRIES = ("US", "GB", "ES", "BR", "PT", "DE", "NL", "BE", "MX", "AR", "CN", "GE", "JO")
OUT = Path(os.environ["E2A_RESULT"]).parent
"""Files of the states lie there, and go with the profile."""
VOICE, HEART, PAOLA = "en_US-joe-medium", "heart", "it_IT-paola-medium"
LONG_TITLE = "The Strange and Surprising Adventures of a Lamp, a Causeway and a Polite Man, with All His Instruments"
GOOD, LOCKED, SOUND, FOREIGN, OURS, CATALAN = 1, 2, 3, 4, 5, 6
"""The numbers of the library's books."""
SHELF = {GOOD: LONG_TITLE, LOCKED: "Locked Away", SOUND: "Only Sound", FOREIGN: "Bought Already", OURS: "The Lamp", CATALAN: "El far"}
CHAPTERS = ("The Lamp", "The Visitor", "The Morning", "In Which Nothing Happens for a Very Long Time, and Nobody Is the Worse for It")
PARAMS = {
    "voice": VOICE, "reason": "no route to host", "device": "cuda:0", "path": "/home/reader/Calibre Library/An Author/A Book (12)",
    "need_mb": 640, "have_mb": 120, "known": f"espeak, {VOICE}", "layer": "core", "step": "packages", "minutes": 15, "seconds": 60,
    "book": 12, "title": LONG_TITLE, "formats": "MP3, M4B", "layers": "core", "folder": "/home/reader/.cache",
}  # fmt: skip
CARD = "NVIDIA GeForce RTX 4070 Laptop GPU"
COMING = "Downloading PyTorch, 120 of 345 MB"
SENTENCE = "They walked out without hurrying, since the tide would wait for them; it always had."
ANNA = "clone-bf4fccd61625"
LENGTH_S = 214.6
"""Of a recording."""
REMARKS = {"Fair": ("short", "noisy"), "Poor": ("short", "noisy", "clipped", "quiet", "narrow", "music")}
"""What is said of recordings that are called so."""
LANGUAGES = tuple(sorted({language_name(voice.language.split("-")[0]) for voice in catalogue(installed_resources()).values() if voice.language}))
NAMES = (
    *LANGUAGES, *(voice.name for voice in catalogue(installed_resources()).values()), *COUNTRIES,
)  # fmt: skip
"""Languages are in Calibre's words; voices and countries are names."""
DATA = (
    *NAMES, *(str(value) for value in PARAMS.values()), *SHELF.values(), *CHAPTERS, CARD, SENTENCE, "An Author", "Joe", "Test CPU", "CPU",
    "Intel Arc A770", "AMD Radeon RX 580",
    "M4B", "EPUB", "ORIGINAL_M4B", "OEBPS/gone.xhtml",
    "Grandmother", "Anna", "Grandmother.wav", "Fair.m4a", "Poor.mp3", "DRM.m4b", "FreeVC", "WavLM", "vocoder.zip", "config_se.json",
    "Coqui's speaker encoder", "kNN-VC", "OpenVoice v2",
)  # fmt: skip


@dataclass(frozen=True)
class State:
    """name: of its picture. build: the window, not shown yet. ready: has it come to rest, where it works in the background?
    data: words that are nobody's to translate.

    ours: is the window the plugin's, to be judged? else it is Calibre's, for the picture alone."""

    name: str
    build: Callable[[], Any]
    ready: Callable[[Any], bool] | None = None
    data: tuple[str, ...] = ()
    ours: bool = True


class Answers:
    """In place of `questions.Questions`. spoken: characters of a book, before."""

    def __init__(self, spoken: int = 0) -> None:
        self.spoken = spoken

    def look(self, source: Any, show: Any, stopped: Any = lambda: False, way: Any = None) -> Known:
        if source.book_id == LOCKED:
            raise PluginError("drm")
        chapters = tuple(LookedChapter(title, 1, 9000) for title in CHAPTERS)
        existing = {FOREIGN: "foreign", OURS: "ours"}.get(source.book_id, "none")
        language = "ca" if source.book_id == CATALAN else "en"
        left_out = (LookedLeftOut("note", 9, (SENTENCE,) * 5), LookedLeftOut("pagebreak", 3, ("7", "8", "9")))
        same = way is None or way.voice in ("", HEART)
        spoken, standing = (36_000 * same, "same" if same else "different") if source.book_id == OURS else (self.spoken, "none")
        looked = Looked(0, SHELF[source.book_id], language, chapters, 640, 36_000, SENTENCE, 12, existing, len(chapters), left_out, spoken, standing)
        return Known(looked, None if way is None else replace(way, voice=way.voice or HEART))

    def say(self, text: str, voice: str, language: str, out: Path, show: Any, stopped: Any = None, **more: Any) -> Done:
        silence(out)
        return Done(0, "said", Summary(0.3, 0, "Joe", "vits_onnx", "cpu", 21.0))

    def sample(self, recording: Path, show: Any, stopped: Any = None, *, out: Path, before: Path, after: Path, **stretch: Any) -> Sampled:
        if "DRM" in recording.name:
            raise PluginError("sample_unusable", reason="protected")
        if stretch["start_s"] is not None and stretch["start_s"] > LENGTH_S / 2:
            raise PluginError("sample_unusable", reason="too_short", seconds=3.4, need_s=6)
        out.write_bytes(b"fLaC")
        silence(before)
        silence(after)
        peaks = tuple(abs(round(60 * math.sin(n / 7) * math.sin(n / 83))) + n % 30 for n in range(600))
        remarks = next((remarks for name, remarks in REMARKS.items() if recording.name.startswith(name)), ())
        verdict = "good" if not remarks else "fair" if len(remarks) < 3 else "poor"
        told = (44_100, 2, 3400.0 if "narrow" in remarks else 16_000.0, -23.4, -61.0, 12.0 if "noisy" in remarks else 38.0, 0.0, 0.2)
        return Sampled(0, LENGTH_S, 41.2, 73.0, peaks, *told, 9.4 if "short" in remarks else 27.5, verdict, remarks, "ab" * 32)

    def excerpt(self, audiobook: Path, start_s: float, end_s: float, out: Path, stopped: Any = None) -> Path:
        return silence(out)

    def probe(self, voice: str | None, show: Any, stopped: Any = None, busy: Any = None) -> tuple[Device, ...]:
        return (Device("cpu", "Test CPU", True, "", 21.0), Device("cuda:0", CARD, False, PARAMS["reason"]))

    def close(self) -> None:
        pass


class Unread(Answers):
    """Books in languages that no voice reads."""

    def look(self, source: Any, show: Any, stopped: Any = lambda: False, way: Any = None) -> Known:
        known = super().look(source, show, stopped, way)
        return replace(known, looked=replace(known.looked, language={GOOD: "ja", OURS: "br"}.get(source.book_id, known.looked.language)))


class Otherwise(Answers):
    """Ours would not be as it is."""

    def look(self, source: Any, show: Any, stopped: Any = lambda: False, way: Any = None) -> Known:
        known = super().look(source, show, stopped, way)
        standing = "different" if source.book_id == OURS else known.looked.standing
        return replace(known, looked=replace(known.looked, standing=standing, spoken=0))


class Endless(Answers):
    """A book that is being looked at, or a recording."""

    def sample(self, recording: Path, show: Any, stopped: Any = lambda: False, **more: Any) -> Sampled:
        return self.look(None, show, stopped)

    def look(self, source: Any, show: Any, stopped: Any = lambda: False, way: Any = None) -> Known:
        while not stopped():
            time.sleep(0.02)
        raise Stopped


def silence(out: Path) -> Path:
    with wave.open(str(out), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(8000)
        f.writeframes(b"\0\0" * 2400)
    return out


def states(gui: Any) -> Iterator[State]:
    """All of them."""
    key_of, learned = speakers.key_of, {"cpu": 22.4, "cpu-torch": 12.3}  # books were spoken before
    speakers.key_of = lambda voice, *more: HEART if voice["id"] == HEART else key_of(voice, *more)
    speeds.learned = lambda key: {"cpu": 74.0} if key == HEART else learned
    audiobooks.speaker_in = lambda head: (HEART, "Heart")
    audiobooks.speed_in = lambda head: 1.1
    context = _context(gui, Answers())
    yield from _first_runs(gui, context)
    yield from _converting(gui, context)
    yield from _ended(gui, context)
    yield from _preferences(gui, context)
    yield from _cloning(gui, context)
    yield from _errors(gui)
    yield State("menu-before-any-book", lambda: _menu(gui, used=False))
    yield State("menu-without-asking", lambda: _menu(gui, ask=False))
    yield State("menu", lambda: _menu(gui))
    yield State("jobs", lambda: gui.jobs_dialog, ours=False)
    yield from _interrupted(gui)


def _context(gui: Any, questions: Any) -> Context:
    nothing = lambda *about: None  # noqa: E731
    return Context(gui, installed_resources(), questions, nothing, nothing, lambda: False, nothing, nothing, nothing)


def _with_coming(context: Context) -> Context:
    """The extra part is being installed, and a voice comes after it."""
    coming = (
        Underway(Wanted(("neural",), (f"{ANNA}@{VOICE}",)), described(Wanted(("neural",)), context.resources), translate(COMING), 0.35, True, lambda: None),
        Underway(Wanted((), (PAOLA,)), described(Wanted((), (PAOLA,)), context.resources), "", 0.0, False, lambda: None),
    )
    return replace(context, underway=lambda: coming, installing=lambda: True)


def at_rest(window: Any) -> bool:
    """No window of ours works in the background."""
    return not [thread for thread in threading.enumerate() if thread.name == "audiobook window"]


def _first_runs(gui: Any, context: Context) -> Iterator[State]:
    cards = {
        "": None,
        "-with-a-card": gpus.Gpu(CARD, "NVIDIA", "cuda", "555.42"),
        "-with-a-card-that-cannot": gpus.Gpu("Intel UHD Graphics 620", "Intel", ""),
        "-without-python": None,
    }
    for name, card in cards.items():

        def build(card: Any = card, python: bool = "python" not in name) -> Any:
            there, runtime.find_layer = runtime.find_layer, lambda name, resources: None
            here, install_plan.probably_here = install_plan.probably_here, lambda env, platform: python
            try:
                english = [replace(voice, fetch_bytes=14_032_178 if voice.id == HEART else 63_201_294) for voice in voices.proposals("en", context.resources)]
                return first_run.FirstRun(gui, context, lambda taken: install_plan.plan(context.resources, ("core",), ()), card, english=english)
            finally:
                runtime.find_layer, install_plan.probably_here = there, here

        def ready(window: Any, card: Any = card) -> bool:
            return card is None or not window.about_card.isHidden()

        yield State(f"first-run{name}", build, ready, data=("Intel UHD Graphics 620",))


def _converting(gui: Any, context: Context) -> Iterator[State]:
    api = gui.current_db.new_api

    def dialog(*books: int, questions: Any = None, queued: bool = False, begun: Any = None, busy: bool = False, why: str = "") -> Any:
        found = [convert_dialog.Candidate(book, SHELF[book], of(api, book), begun if book == books[0] else None) for book in books]
        asked = replace(context if questions is None else _context(gui, questions), busy=lambda: busy)
        return convert_dialog.ConvertDialog(gui, replace(asked, queued=lambda book: queued, waits_with=lambda book: "Heart"), found, why=why)

    def looked(window: Any) -> bool:
        return not window._looker.running and not (window.one or window.many).again.busy and at_rest(window)

    def known(window: Any) -> bool:
        return bool(window.many.voices) and not window.many._soon.isActive()

    for name, book in (("", GOOD), ("-locked", LOCKED), ("-only-sound", SOUND), ("-with-a-bought-audiobook", FOREIGN), ("-again", OURS), ("-catalan", CATALAN)):
        yield State(f"convert-one{name}", lambda book=book: dialog(book), looked)
    yield State("convert-one-left-out", lambda: _left_out(dialog(GOOD)), looked)
    yield State("convert-one-not-asked-again", lambda: _not_again(dialog(GOOD)), looked)
    yield State("convert-one-joe", lambda: _joe(dialog(GOOD)), looked)
    yield State("convert-one-looking", lambda: dialog(GOOD, questions=Endless()))
    yield State("convert-one-stopped-before", lambda: dialog(GOOD, questions=Answers(16_300)), looked)
    yield State("convert-one-waiting", lambda: dialog(GOOD, queued=True), looked)
    for name, make in (("", _espeak), ("-not-asked-again", lambda window: _not_again(_espeak(window)))):
        ready = lambda window: looked(window) and not window.one.voice.choice.keep.isHidden()  # noqa: E731
        yield State(f"convert-one-espeak{name}", lambda make=make: make(dialog(GOOD)), ready)
    begun, part = Begun("espeak", 1.2, 0.45, True, True, "eSpeak NG"), Answers(16_300)
    yield State("convert-one-begun", lambda: dialog(GOOD, questions=part, begun=begun, busy=True), looked)
    heart = Begun(HEART, 1.0, 0.45, True, False, "Heart")
    yield State("convert-one-begun-by-heart", lambda: dialog(GOOD, questions=part, begun=heart), looked)
    yield State("convert-one-all-spoken", lambda: dialog(GOOD, questions=Answers(36_000), begun=heart), looked)
    yield State("convert-one-begun-not-again", lambda: dialog(GOOD, questions=part, begun=begun), _not_again)
    waited = Begun("espeak", 1.2, 0.0, True, True, "eSpeak NG", waits=True)
    yield State("convert-one-waited", lambda: dialog(GOOD, begun=waited), looked)
    folder = "/home/reader/Audiobooks/Listen"
    left, its = replace(waited, foreign="folder", folder=folder), (folder, "Listen")
    yield State("convert-one-bought-waited", lambda: dialog(FOREIGN, begun=left), looked, its)
    yield State("convert-many-bought-waited", lambda: dialog(FOREIGN, GOOD, begun=left), looked, its)
    gone = Begun("clone-0123456789ab@x", 1.0, 0.22, False, False, "Anna")
    yield State("convert-one-begun-by-a-voice-that-is-gone", lambda: dialog(GOOD, begun=gone), looked)
    yield State("convert-many-begun", lambda: dialog(GOOD, OURS, questions=part, begun=begun, busy=True), looked)
    yield State("convert-many-begun-without-its-marked-voice", lambda: dialog(CATALAN, GOOD, begun=Begun("espeak", 1.0, 0.45, True, True, "eSpeak NG")), looked)
    yield State("convert-many-no-folder", lambda: _no_folder(dialog(GOOD, FOREIGN)), looked)
    yield State("convert-many-begun-by-a-voice-that-is-gone", lambda: dialog(GOOD, FOREIGN, begun=gone), looked)
    yield State("convert-many", lambda: dialog(*SHELF), looked)
    reasons = {REPLACED: ["The Lamp"], ELSEWHERE: ["Bought Already"]}
    yield State("convert-one-shown-unasked", lambda: dialog(OURS, questions=Otherwise(), why=shown_since(reasons, 1)), looked)
    yield State("convert-many-shown-unasked", lambda: dialog(GOOD, OURS, FOREIGN, questions=Otherwise(), why=shown_since(reasons, 3)), looked)
    yield State("convert-many-not-got", lambda: _many_not_got(dialog(*SHELF)), looked)
    yield State("convert-many-another-voice", lambda: _many_espeak(dialog(GOOD, OURS, FOREIGN)), lambda window: looked(window) and not window.many.again.busy)
    unread = tuple(map(language_name, ("ja", "br")))
    yield State("convert-one-unread", lambda: dialog(GOOD, questions=Unread()), looked, unread)
    yield State("convert-many-unread", lambda: dialog(GOOD, CATALAN, FOREIGN, questions=Unread()), looked, unread)
    yield State("convert-many-looking", lambda: dialog(GOOD, OURS, questions=Endless()), known)


def _not_again(window: Any) -> Any:
    """Nobody wants to be asked again."""
    window.again.setChecked(True)
    return window


def _no_folder(window: Any) -> Any:
    """The new audiobook is to go into a folder, and there is none yet."""
    window._looker.finished.connect(window.many.foreign.radios["folder"].click)
    return window


def _many_not_got(window: Any) -> Any:
    """One language's voice could not be had."""
    error = PluginError("voice_fetch_failed", voice="Joe", reason="; ".join([str(PARAMS["reason"])] * 5))
    window._looker.finished.connect(lambda: window.many.voices["ca"].choice._get_failed(error))
    return window


def _many_espeak(window: Any) -> Any:
    """Another voice for English than the one of the audiobook that is there."""

    def choose() -> None:
        combo = window.many.voices["en"].choice.combo
        combo.setCurrentIndex(combo.findData("espeak"))
        combo.activated.emit(combo.currentIndex())

    window._looker.finished.connect(choose)
    return window


def _espeak(window: Any) -> Any:
    """Chosen by hand, as soon as it can be."""

    def choose() -> None:
        combo = window.one.voice.choice.combo
        if combo.currentData() != "espeak":
            at = combo.findData("espeak")
            combo.setCurrentIndex(at)
            combo.activated.emit(at)

    window.one.voice.choice.offered.connect(choose)
    return window


def _joe(window: Any) -> Any:
    """Of the two that are proposed the other, who is not here yet."""
    choice, size_bytes = window.one.voice.choice, 63_201_294

    def choose() -> None:
        cards = tuple(replace(card, size_bytes=size_bytes if card.id == VOICE else 0) for card in choice._offers.cards)
        listed = tuple(replace(one, here=False, size_bytes=size_bytes) if one.id == VOICE else one for one in choice._offers.voices)
        choice._offers = replace(choice._offers, cards=cards, voices=listed)
        choice.pick(VOICE)

    choice.offered.connect(choose)
    return window


def _left_out(window: Any) -> Any:
    """What will not be read aloud, one kind unfolded."""
    window.one.contents.setCurrentIndex(1)
    window._looker.finished.connect(lambda: window.one.contents.left_out.topLevelItem(0).setExpanded(True))
    return window


def _ended(gui: Any, context: Context) -> Iterator[State]:
    def outcomes(*which: Any, to_come: int = 0) -> Any:
        window = outcome.Outcomes(gui, context, lambda: to_come)
        for one in which:
            window.add(one)
        if to_come:  # of the same batch
            window.refused({SOUND: "Bought Already", FOREIGN: LONG_TITLE})
            begun = Begun(HEART, 1.2, 0.637, name="Heart")
            spoken = replace(begun, voice=VOICE, speed=1.0, share=1.0, name="Joe")
            window.stopped([StoppedBook(FOREIGN, LONG_TITLE, begun), StoppedBook(SOUND, "Bought Already", spoken), StoppedBook(CATALAN, "El far", None)])
        return window

    def stopped(window: Any) -> Any:
        window.stopped([StoppedBook(FOREIGN, LONG_TITLE, Begun(HEART, 1.2, 0.637, name="Heart"))])
        return window

    def ready(warnings: tuple[str, ...] = (), left_out: Mapping[str, int] | None = None) -> Any:
        told = Summary(37200.0, 24, "Joe", "vits_onnx", "cpu", 21.0)
        made = Result("written", Path(PARAMS["path"]), LONG_TITLE, told, warnings, OUT, replaced="Amy", replaced_speed=1.2, left_out=left_out or {})
        return outcome.Outcome(GOOD, LONG_TITLE, made, None)

    def failed(code: str, book: int = OURS) -> Any:
        return outcome.Outcome(book, SHELF[book], None, PluginError(code, **PARAMS), lambda: None)

    noted = (translate("Sentences that sound odd to the checks: {count}. The report marks them.").format(count=4),)
    yield State("outcome-ready", lambda: outcomes(ready()))
    yield State("outcome-with-notes", lambda: outcomes(ready(noted * 5)))
    reasons = [translate(REASONS[reason]) for reason in ("note", "pagebreak", "boilerplate")]
    yield State("outcome-left-out", lambda: outcomes(ready(noted, dict(zip(reasons, (60, 48, 17), strict=True)))))
    yield State("outcome-left-out-for-one-reason", lambda: outcomes(ready((), {reasons[0]: 3})))
    yield State("outcome-failed", lambda: outcomes(failed("disk_full")))
    yield State("outcome-in-a-batch", lambda: outcomes(failed("voice_fetch_failed"), failed("book_unreadable", LOCKED), failed("disk_full", GOOD), to_come=3))
    yield State("outcome-stopped", lambda: stopped(outcomes(ready())))
    yield State("outcome-nothing-to-read", lambda: outcomes(failed("no_text"), failed("no_usable_format", SOUND)))
    yield State("outcome-mixed", lambda: outcomes(ready(noted), failed("engine_died"), failed("drm", LOCKED)))
    yield State("no-player", lambda: _no_player(gui), data=("Copy to clipboard",))
    for name, found in (("full", _report(True)), ("clean", _report(False))):
        for tab in range(4 if name == "full" else 2):

            def build(found: Any = found, tab: int = tab) -> Any:
                window = report_dialog.ReportDialog(gui, context, found)
                window.tabs.setCurrentIndex(tab)
                if window.left_out is not None:
                    reason = window.left_out.tree.topLevelItem(0)
                    reason.setExpanded(True)
                    window.left_out.tree.setCurrentItem(reason.child(1))
                return window

            yield State(f"report-{name}-{tab + 1}", build)
    yield State("report-replaced", lambda: report_dialog.ReportDialog(gui, context, replace(_report(False), replaced=True)))


def _no_player(gui: Any) -> Any:
    """An audiobook was to be opened, and this computer has a program for folders alone."""
    has_program, opening._has_program = opening._has_program, lambda kind: kind == opening._FOLDER
    try:
        return opening.no_player(gui, f"{PARAMS['path']}/A Book - An Author.m4b")
    finally:
        opening._has_program = has_program


def _report(full: bool) -> Any:
    told = {
        "schema": 1, "book": {"title": LONG_TITLE, "authors": ["An Author"], "language": "en"}, "voice": VOICE, "voice_name": "Joe", "engine": "vits_onnx",
        "device": "cpu", "outcome": "written", "duration_s": 37200.0, "wall_s": 1860.0, "kept": 3 * full, "path": "/home/reader/x.m4b",
        "chapters": [{"title": title, "level": 1, "start_s": 60.0 * n, "end_s": 60.0 * n + 60} for n, title in enumerate(CHAPTERS)],
        "sentences": [
            {"chapter": n % 4, "text": SENTENCE, "start_s": 9.0 * n, "end_s": 9.0 * n + 8, "flags": [("too_short", "failed")[n % 2]] if full else []}
            for n in range(8)
        ],
        "skipped": [{"chapter": n % 4, "text": SENTENCE, "reason": ("note", "pagebreak")[n % 2]} for n in range(9)] if full else [],
        "warnings": [
            {"code": "sentences_failed", "params": {"count": 4}},
            {"code": "sentences_flagged", "params": {"count": 4}},
            {"code": "spine_file_missing", "params": {"count": 2, "name": "OEBPS/gone.xhtml"}},
            {"code": "toc_empty", "params": {}},
        ] if full else [],
    }  # fmt: skip
    path = OUT / f"report-{full}.json"
    path.write_text(json.dumps(told), "utf-8")
    return report.read(path)


def _preferences(gui: Any, context: Context) -> Iterator[State]:
    for page in PAGES:
        yield State(f"preferences-{page}", lambda page=page: preferences.PreferencesDialog(gui, context, page), at_rest)
    yield State("preferences-sound-in-a-folder", lambda: _into_a_folder(preferences.PreferencesDialog(gui, context, "sound")), at_rest)
    yield State("preferences-engine-without-heart", lambda: _without_heart(preferences.PreferencesDialog(gui, context, "engine")), at_rest)
    yield State("preferences-voice-not-got", lambda: _not_got(preferences.PreferencesDialog(gui, context, "voice")), at_rest)
    yield State("preferences-voice-chosen", lambda: _chosen(preferences.PreferencesDialog(gui, context, "voice")), at_rest)
    yield State("preferences-voice-espeak", lambda: _looked_at(preferences.PreferencesDialog(gui, context, "voice"), "espeak"), at_rest)
    yield State("preferences-voice-needed", lambda: _looked_at(preferences.PreferencesDialog(gui, context, "voice"), PAOLA), at_rest)
    yield State("preferences-voice-unheard", lambda: _unheard(preferences.PreferencesDialog(gui, context, "voice")), at_rest)
    yield State("preferences-voice-own", lambda: _without_description(gui), lambda window: not window.problem.isHidden() and at_rest(window))
    for page in ("device", "engine"):
        yield State(f"preferences-{page}-told", lambda page=page: _told(preferences.PreferencesDialog(gui, context, page), page), at_rest)
    installing = _with_coming(context)
    for page in ("voice", "device", "engine"):
        yield State(f"preferences-{page}-installing", lambda page=page: _installing(preferences.PreferencesDialog(gui, installing, page), page), at_rest)
    busy = replace(context, busy=lambda: True)
    yield State("preferences-device-tested-meanwhile", lambda: _tested(preferences.PreferencesDialog(gui, busy, "device")), at_rest)
    yield State("preferences-device-heart-alone", lambda: _heart_alone(preferences.PreferencesDialog(gui, context, "device"), False), at_rest)
    yield State("preferences-device-heart-tested", lambda: _heart_alone(preferences.PreferencesDialog(gui, context, "device"), True), at_rest)
    yield State("preferences-device-with-cards", lambda: _with_cards(preferences.PreferencesDialog(gui, context, "device")), at_rest)


def _cloning(gui: Any, context: Context) -> Iterator[State]:
    def dialog(name: str = "", questions: Any = None) -> Any:
        window = CloneDialog(gui, context if questions is None else _context(gui, questions))
        if name:
            window.listen_to(Path("/home/reader") / name)
        return window

    def again(window: Any) -> Any:
        """Another stretch, which is no good."""
        window.work.background.done.connect(lambda found: window.stretch.show_stretch(150.0, 160.0))
        window.work.background.done.connect(lambda found: window._listen_again())
        return window

    def more(window: Any) -> Any:
        window.more.click()
        return window

    yield State("clone-empty", dialog, at_rest)
    yield State("clone-looking", lambda: dialog("Grandmother.wav", Endless()))
    yield State("clone-good", lambda: dialog("Grandmother.wav"), at_rest)
    yield State("clone-good-and-ready", lambda: _with_clones(lambda: dialog("Grandmother.wav"), True), at_rest)
    yield State("clone-fair", lambda: dialog("Fair.m4a"), at_rest)
    yield State("clone-poor", lambda: dialog("Poor.mp3"), at_rest)
    yield State("clone-refused", lambda: dialog("DRM.m4b"), at_rest)
    yield State("clone-stretch-refused", lambda: again(dialog("Grandmother.wav")), at_rest)
    yield State("clone-more", lambda: more(dialog()), at_rest)
    yield State("clone-rename", lambda: Rename(gui, clones.Clone("", "Anna", "freevc24", Path(), "")))
    api = gui.current_db.new_api
    for name, ready in (("", False), ("-ready", True)):

        def page(ready: bool = ready) -> Any:
            return _with_clones(lambda: _looked_at(preferences.PreferencesDialog(gui, context, "voice"), ANNA), ready)

        def convert(*books: int, ready: bool = ready, context: Context = context) -> Any:
            def window() -> Any:
                found = [convert_dialog.Candidate(book, SHELF[book], of(api, book)) for book in books]
                window = convert_dialog.ConvertDialog(gui, context, found)
                choice = window.one.voice.choice if window.one is not None else window.many._voice_for("en").choice
                choice._next = ANNA
                return window

            return _with_clones(window, ready)

        looked = lambda window: not window._looker.running and not (window.one or window.many).again.busy and at_rest(window)  # noqa: E731
        yield State(f"preferences-voice-clone{name}", page, at_rest)
        yield State(f"convert-one-clone{name}", lambda convert=convert: convert(GOOD), looked)
        if not ready:
            yield State("convert-one-clone-installing", lambda convert=convert: convert(GOOD, context=_with_coming(context)), looked)
        yield State(f"convert-many-clone{name}", lambda convert=convert: convert(*SHELF), looked)


def _with_clones(make: Callable[[], Any], ready: bool) -> Any:
    """As long as the window that is made is there, there are two clones. ready: so are the converters and the engine's extra part."""
    missing, layer, neural = converters.missing, abilities.lacks_layer, runtime.find_layer
    for name, converter, likeness in (("Anna", "freevc24", 0.72), ("Grandmother", "openvoice_v2", None)):
        (OUT / "sample.flac").write_bytes(name.encode())
        measures = clones.Measures(27.4, 38.0, -23.0, 16_000.0)
        clone = clones.add(OUT / "sample.flac", name, converter, "", measures)
        assert name != "Anna" or clone.id == ANNA, clone.id
        clones.change(clone.id, likeness=likeness, likeness_of_halves=likeness and 0.88)
    if ready:
        converters.missing = lambda id, resources: ()
        abilities.lacks_layer = lambda resources: False
        runtime.find_layer = lambda name, resources: neural("core", resources)

    def put_back() -> None:
        converters.missing, abilities.lacks_layer, runtime.find_layer = missing, layer, neural
        for clone in clones.all_of_them():
            clones.remove(clone.id)

    window = make()
    window.finished.connect(put_back)
    return window


def _installing(window: Any, name: str) -> Any:
    """What is on its way is looked at."""
    if name == "voice":
        page = window.preferences.page("voice")
        page._reading.done.connect(lambda _rows: page.select(PAOLA))
    return window if name != "device" else _with_cards(window)


def _without_heart(window: Any) -> Any:
    """Her package could not be had; converters are here."""
    page = window.preferences.page("engine")
    why, here = "no matching distribution found for hibari-tts==0.2.1", {converters.FREEVC24: 2_174_765_578, converters.D_VECTOR: 44_614_930}
    page._looking.done.connect(lambda found: page._show_found(replace(found, missed=why, converters=here)) if not found.missed else None)
    return window


def _chosen(window: Any) -> Any:
    """A voice that is not here, without a usable licence, chosen for its language."""
    page = window.preferences.page("voice")

    def choose() -> None:
        page._use_of.choose("it", "it_IT-riccardo-x_low")
        page.select("it_IT-riccardo-x_low")
        page._show_row()

    page._reading.done.connect(choose)
    return window


def _into_a_folder(window: Any) -> Any:
    """The new one beside an audiobook from elsewhere is to go into a folder, and none is chosen yet."""
    window.preferences.page("sound").foreign.box.setCurrentIndex(2)
    return window


def _looked_at(window: Any, voice: str) -> Any:
    """One voice, as it is found."""
    page = window.preferences.page("voice")
    page._reading.done.connect(lambda _rows: page.select(voice))
    return window


def _unheard(window: Any) -> Any:
    """Play was pressed where nothing can be heard."""
    page = window.preferences.page("voice")

    def press() -> None:
        page.play._latest = True
        page.player.unheard.emit()

    page._reading.done.connect(press)
    return window


def _without_description(gui: Any) -> Any:
    """A voice from a file, without what belongs beside it."""
    window, model = OwnVoice(gui, ("en", "de", "it"), "en"), OUT / "Grandmother.onnx"
    model.write_bytes(b"")
    window.line.setText(str(model))
    return window


def _told(window: Any, name: str) -> Any:
    """Something went wrong, with the details open."""
    page = window.preferences.page(name)

    def tell() -> None:
        page.work.show_error(PluginError("engine_unmoved", "[Errno 28] No space left on device", **PARAMS), {"choose": page.refresh})
        page.work.error.fold.click()

    page._looking.done.connect(lambda _found: tell() if page.work.error.isHidden() else None)
    return window


def _not_got(window: Any) -> Any:
    """A voice that could not be downloaded, with the details open."""
    page = window.preferences.page("voice")

    def fail() -> None:
        page.select(PAOLA)
        page.work.show_error(PluginError("voice_fetch_failed", "no address", voice="Paola", reason="the server was not found"), {"again": page.refresh})
        page.work.error.fold.click()

    page._reading.done.connect(fail)
    return window


def _tested(dialog: Any) -> Any:
    """The test is begun when the devices are there."""
    page = dialog.preferences.page("device")
    page._looking.done.connect(lambda found: page.test.click())
    return dialog


def _heart_alone(dialog: Any, tested: bool) -> Any:
    """No voice is here that every device can speak."""
    page = dialog.preferences.page("device")
    here, fetch_bytes = voices.here, voices.fetch_bytes
    voices.here, voices.fetch_bytes = lambda resources: frozenset((HEART, voices.ESPEAK)), lambda id, resources: 63_511_038

    def tell(found: Any) -> None:
        get = device_rows.get_and_test(page.context.resources)
        page._show_found(replace(found, measured=(), by="", tester="", get=get, own=(HEART,), own_measured={}))
        if tested:
            page._tested(device.Tested((Device("cpu", "CPU", True, "", None),), "", {HEART: Device("cpu", "CPU", True, "", 61.7)}, False))

    def put_back() -> None:
        voices.here, voices.fetch_bytes = here, fetch_bytes

    page._looking.done.connect(tell)
    dialog.finished.connect(put_back)
    return dialog


def _with_cards(dialog: Any) -> Any:
    """Cards of several makers, none of which can speak yet."""
    page = dialog.preferences.page("device")
    cards = (gpus.Gpu(CARD, "NVIDIA", "cuda"), gpus.Gpu("Intel Arc A770", "Intel", "xpu"), gpus.Gpu("AMD Radeon RX 580", "AMD", ""))
    page._looking.done.connect(lambda found: page._show_found(replace(found, cards=cards)) if found.cards != cards else None)
    return dialog


def _errors(gui: Any) -> Iterator[State]:
    for code in ERRORS:
        yield State(f"error-{code}", lambda code=code: _error(gui, code))
    yield State("error-details", lambda: _unfolded(_error(gui, "engine_install_failed")))


def _interrupted(gui: Any) -> Iterator[State]:
    """The question at Calibre's start."""
    waits = Begun(VOICE, 0.8, name="Joe", waits=True, foreign="folder", folder="/home/reader/Audio")
    left = [Begun(HEART, 1.0, 0.44, name="Heart"), waits, None, *[Begun(VOICE, 1.0, 0.5, name="Joe")] * 37]
    titles = [LONG_TITLE, "El far", *["The Lamp"] * 6, *[LONG_TITLE] * 32]
    lines = {str(number): interrupted.line(title, how, True) for number, (title, how) in enumerate(zip(titles, left, strict=True))}

    def asked(here: int, elsewhere: int = 0) -> Any:
        first = [*lines.items()]
        stopped = tuple(titles[1:6]) if here == 3 else ()
        return interrupted.Question(gui, interrupted.Asked(dict(first[:here]), dict(first[:elsewhere]), interrupted.question(left[:here]), stopped))

    for name, here, elsewhere in (("", 1, 0), ("-several", 3, 0), ("-many", 40, 0), ("-elsewhere", 0, 1), ("-two-libraries", 2, 1)):
        yield State(f"interrupted{name}", partial(asked, here, elsewhere))


def _menu(gui: Any, used: bool = True, ask: bool = True) -> Any:
    """As those who have these settings see it."""
    prefs.change(used=used, ask=ask)
    action = gui.iactions["Convert to Audiobook"]
    action.apply_settings()
    action.qaction.menu().aboutToShow.emit()
    return action.qaction.menu()


def _error(gui: Any, code: str) -> Any:
    error = PluginError(code, "[Errno 113] No route to host", **PARAMS)
    return error_dialog.ErrorDialog(gui, error, translate("No audiobook"), {name: lambda: None for name in BUTTONS})


def _unfolded(dialog: Any) -> Any:
    dialog.box.fold.click()
    return dialog
