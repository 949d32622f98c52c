"""In Calibre's interpreter: cloning a voice as a user does it, by clicks, with questions that a script answers; once with the real sidecar."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import threading
import time
import wave
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import paths, prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.events import Done, Looked, LookedChapter, Sampled, Summary  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.installations import Underway  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.questions import Known, Questions  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.sources import FromLibrary  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import (  # type: ignore[import-not-found]
    gpus,
    runtime,
)
from calibre_plugins.e2a.plugin.engine.install_plan import Wanted  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.clone import button, dialog, findings, name_line  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.clone.dialog import CloneDialog  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.clone.likeness import likeness  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.context import Context  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_dialog import Candidate, ConvertDialog  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.player import Player  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.preferences import PreferencesDialog, converters_box, voice, voice_clones, voice_removal, voice_use  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import clone_file, clones, converters, estimates, speakers, speeds  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking.catalogue import catalogue  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.wording import plain  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QAbstractButton,
    QApplication,
    QDragEnterEvent,
    QDropEvent,
    QEvent,
    QKeyEvent,
    QLabel,
    QMimeData,
    QMouseEvent,
    QPoint,
    QPointF,
    Qt,
    QUrl,
    sip,
)

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = installed_resources()
PATIENCE_S = 30.0
JOE, LESSAC = "en_US-joe-medium", "en_US-lessac-medium"
LENGTH_S = 200.0
SAMPLE = "Marley was dead, to begin with."


class Script:
    """In place of Questions. heard: what was asked about recordings. fails: what is wrong with them. Waits for `go`."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, float | None, float | None]] = []
        self.said: list[tuple[str, str, str]] = []
        self.fails: PluginError | None = None
        self.remarks: tuple[str, ...] = ()
        self.likeness = (0.83, 0.85)
        self.language = "en-US"
        self.languages: dict[int, str] = {}
        """Of books in another one."""
        self.go = threading.Event()
        self.go.set()

    def sample(self, recording: Path, show: Any, stopped: Callable[[], bool], *, start_s: Any = None, end_s: Any = None, **files: Path) -> Any:
        self.heard.append((recording.name, start_s, end_s))
        while not self.go.wait(0.01):
            if stopped():
                raise Stopped
        if self.fails is not None:
            raise self.fails
        for name, path in files.items():
            path.write_bytes(f"{recording.stem} {start_s} {'' if name == 'out' else name}".encode())
        start_s, end_s = (40.0, 70.0) if start_s is None else (start_s, end_s)
        verdict = "fair" if self.remarks else "good"
        sha256 = clones.digest_of(files["out"]) if "out" in files else ""
        told = (44_100, 2, 16_000.0, -23.4, -61.0, 38.0, 0.0, 0.42 if self.remarks else 0.2, end_s - start_s - 2.4, verdict, self.remarks, sha256)
        return Sampled(0, LENGTH_S, start_s, end_s, tuple(range(100)) * 6, *told)

    def look(self, source: Any, show: Any, stopped: Any, way: Any = None) -> Known:
        looked = Looked(1, "Title", self.languages.get(source.book_id, self.language), (LookedChapter("One", 1, 9000),), 64, 9000, SAMPLE, 0, "none", 1)
        return Known(looked, way)

    def say(self, text: str, voice: str, language: str, out: Path, show: Any, stopped: Any, likeness: bool = False, **way: Any) -> Done:
        self.said.append((text, voice, language))
        while not self.go.wait(0.01):
            if stopped():
                raise Stopped
        if self.fails is not None:
            raise self.fails
        out.write_bytes(b"RIFF")
        likenesses = self.likeness if likeness else (None, None)
        return Done(1, "said", Summary(0.3, device="cpu-torch", xrt_speech=20.0, likeness=likenesses[0], likeness_of_halves=likenesses[1]))

    def close(self) -> None:
        return None


class Silent:
    """Plays for ever, without a sound."""

    def __init__(self, played: list[str]) -> None:
        self._played = played

    def load(self, path: Path, number: int) -> None:
        self._played.append(path.read_text(errors="replace"))

    def stop(self) -> None:
        return None

    def free(self) -> None:
        return None


@dataclass
class Layer:
    """A part of the engine, installed."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def stamp(self) -> dict[str, str]:
        return {"device": "cpu"}


class Desk:
    """What the windows are given, and what they asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = Script()
        self.installed: list[Wanted] = []
        self.installing: list[Any] = []
        self.played: list[str] = []
        self.asked: list[str] = []
        self.files: list[str] = []
        """What is chosen where a file is asked for."""
        self.layers: dict[str, Any] = {"core": Layer(folder / "core")}
        self.kept: list[Any] = []
        self.busy = False
        nothing = lambda *about: None  # noqa: E731
        self.context = Context(None, RESOURCES, self.script, self.install, nothing, lambda: self.busy, nothing, nothing, nothing)

    def install(self, wanted: Wanted, then: Any) -> None:
        self.installed.append(wanted)
        self.installing.append(then)

    def file(self, *about: Any, **more: Any) -> Any:
        return self.files.pop(0) if self.files else None

    def question(self, parent: Any, title: str, text: str, *about: Any, **more: Any) -> bool:
        self.asked.append(text)
        return True

    def shown(self, window: Any) -> Any:
        self.kept.append(window)
        window.show()
        return window

    def dialog(self) -> Any:
        made = self.shown(CloneDialog(None, self.context))
        until(lambda: bool(made.needs.text()))
        return made

    def preferences(self, name: str) -> Any:
        return self.shown(PreferencesDialog(None, self.context, name)).preferences.page(name)

    def voices(self) -> Any:
        page = self.preferences("voice")
        until(lambda: page.model.rowCount() > 0)
        return page

    def clone(self, name: str = "Anna", converter: str = "openvoice_v2") -> Any:
        (self.folder / "sample.flac").write_bytes(name.encode())
        return clones.add(self.folder / "sample.flac", name, converter, "", clones.Measures(27.6))

    def keep_voice(self, id: str) -> None:
        known = catalogue(RESOURCES)[id]
        put(known.id, {file.role: file.name for file in known.files})

    def keep_converter(self, id: str) -> None:
        for part in converters.catalogue(RESOURCES)[id].parts:
            put(part.id, {role: f"{role}.bin" for role in part.roles})

    def ready(self) -> None:
        """All is here that a clone needs for English."""
        self.keep_voice(JOE)
        self.keep_converter("openvoice_v2")
        self.layers["neural"] = Layer(self.folder / "neural")

    def convert(self, *titles: str) -> Any:
        db = LibraryDatabase(str(self.folder / "library"))

        @contextmanager
        def api() -> Iterator[Any]:
            yield db.new_api

        ids = [int(db.new_api.create_book_entry(Metadata(title, ["An Author"]))) for title in titles]
        for id in ids:
            db.new_api.add_format(id, "EPUB", io.BytesIO(b"x" * 100 * id), run_hooks=False)
        books = [Candidate(id, title, FromLibrary(api, id)) for id, title in zip(ids, titles, strict=True)]
        made = self.shown(ConvertDialog(None, self.context, books))
        until(lambda: not made._looker.running and settled(made))
        return made


def put(id: str, names: dict[str, str]) -> None:
    """A voice or a part of a converter, as it lies there when it was fetched."""
    folder = paths.voices_dir() / id
    folder.mkdir(parents=True, exist_ok=True)
    for name in names.values():
        (folder / name).write_text("{}")
    files = {role: {"name": name, "bytes": 2, "sha256": "ab" * 32} for role, name in names.items()}
    (folder / "voice.json").write_text(json.dumps({"files": files}))


@pytest.fixture(scope="session")
def app() -> Any:
    from calibre.gui2 import Application  # type: ignore[import-not-found]

    return Application.instance() or Application([], headless=True)


@pytest.fixture
def desk(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Its own folders, no cards, no sound."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("E2A_ENGINE_DIR", "E2A_CACHE_DIR", "E2A_CLONES_DIR"):
        monkeypatch.delenv(name, raising=False)
    prefs.save(prefs.Settings())
    made = Desk(tmp_path)
    monkeypatch.setattr(gpus, "found", lambda *a, **k: ())
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: made.layers.get(name))
    monkeypatch.setattr(runtime, "standing", lambda resources: tuple(made.layers.values()))
    monkeypatch.setattr(Player, "prepare", lambda self: None)
    monkeypatch.setattr(Player, "_made", lambda self: Silent(made.played))
    monkeypatch.setattr(dialog, "choose_files", lambda *a, **k: [made.file()] if made.files else None)
    monkeypatch.setattr(voice_clones, "choose_files", lambda *a, **k: [made.file()] if made.files else None)
    monkeypatch.setattr(voice_clones, "choose_save_file", made.file)
    for module in (voice_removal, converters_box):
        monkeypatch.setattr(module, "question_dialog", made.question)
    yield made
    made.script.go.set()
    for window in made.kept:
        if not sip.isdeleted(window):
            window.close()
            window.deleteLater()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "audiobook window"])


def until(true: Callable[[], Any]) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        QApplication.processEvents()
        time.sleep(0.003)
    QApplication.processEvents()


def settled(made: Any) -> bool:
    page = made.one or made.many
    lists = [made.one.voice] if made.one is not None else list(made.many.voices.values())
    waits = made.many is not None and made.many._soon.isActive()
    return bool(lists) and not waits and not page.device.looking and all(one.choice.combo.count() and not one.choice._load.running for one in lists)


def pick(combo: Any, data: object) -> None:
    at = combo.findData(data)
    assert at >= 0, [combo.itemText(n) for n in range(combo.count())]
    combo.setCurrentIndex(at)
    combo.activated.emit(at)


def key(widget: Any, code: Any, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, code, modifiers))


def drag(widget: Any, *xs: float) -> None:
    """Press at the first, over the others, let go at the last."""
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(xs) - 1), QEvent.Type.MouseButtonRelease]
    for kind, x in zip(kinds, (*xs, xs[-1]), strict=True):
        place = QPointF(x, 10)
        left = Qt.MouseButton.LeftButton
        QApplication.sendEvent(widget, QMouseEvent(kind, place, widget.mapToGlobal(place), left, left, Qt.KeyboardModifier.NoModifier))


def texts(widget: Any) -> str:
    return "\n".join(label.text().replace("\u200b", "") for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def gap(upper: Any, lower: Any) -> int:
    """Between what the upper one shows and the lower one, in pixels."""
    seen = [one for one in upper.findChildren(QAbstractButton) if one.isVisible()]
    return int(lower.mapToGlobal(QPoint(0, 0)).y() - max(one.mapToGlobal(one.rect().bottomLeft()).y() for one in seen)) if seen else 0


def chosen(made: Any, name: str = "Grandmother.wav") -> None:
    """A recording is chosen by the button, and listened to."""
    made.choose.click()
    until(lambda: made.listened is not None and not made.work.running)
    assert made.file.text().replace("\u200b", "") == name


# ---- the dialog ---------------------------------------------------------------------------------------------------------


def test_a_recording_is_chosen_heard_named_and_kept_as_a_clone(desk: Desk) -> None:
    made = desk.dialog()
    assert "somebody who has agreed" in texts(made) and not made.keep.isEnabled() and made.found.isHidden() and made.stretch.isHidden()
    said = re.fullmatch(r"Before it speaks, (.*) GB are downloaded once: (.*)\. On the disk all of that takes (.*) GB\.", plain(made.needs.text()))
    assert said is not None and "2.2 GB for the converter FreeVC" in said[2] and "345 MB for the extra part" in said[2]
    assert "63 MB for the voice Joe, over which it speaks English" in said[2] and float(said[3]) > float(said[1]) == 2.6
    desk.files = ["/somewhere/Grandmother.wav"]
    chosen(made)
    assert desk.script.heard == [("Grandmother.wav", None, None)]
    assert made.verdict.text() == "Good: 28 seconds of it can be used." and "Noise: hardly any" in made.facts.text()
    assert "silent" not in made.facts.text(), "pauses as everybody makes them"
    assert "38 dB" in made.facts.toolTip() and not [word for word in ("dB", "LUFS", "kHz") if word in texts(made)], "figures are for who knows about sound"
    assert (made.stretch.start.text(), made.stretch.end.text(), made.stretch.length.text()) == ("0:40.0", "1:10.0", "of 3:20.0")
    assert made.stretch.waveform.accessibleDescription() == "From 0:40.0 to 1:10.0 of 3:20.0"
    for play, what in ((made.before, "before"), (made.after, "after")):
        play.click()
        until(lambda what=what: desk.played and desk.played[-1] == f"Grandmother None {what}")
    assert made.called.line.text() == "Grandmother" and made.keep.isEnabled()
    made.called.line.setText("  Grand   ma ")
    assert made.converter.isHidden()
    made.more.click()
    assert not made.converter.isHidden() and "telephone" in texts(made.converter) and "base voice" in texts(made.converter)
    assert not [word for word in ("kHz", "checksum", ".zip", "YourTTS") if word in texts(made)]
    second = next(one for one in made.converter.findChildren(QAbstractButton) if "kNN-VC" in one.text())
    assert "16 kHz" in second.toolTip() and "vocoder.zip" in second.toolTip(), "what only an expert asks for"
    next(one for one in made.converter.findChildren(QAbstractButton) if "OpenVoice" in one.text()).click()
    assert "131 MB" in made.needs.text()
    made.keep.click()
    until(lambda: made.clone is not None)
    assert not made.isVisible()
    clone = clones.all_of_them()[0]
    assert (clone.name, clone.converter, clone.sample.read_text()) == ("Grand ma", "openvoice_v2", "Grandmother None ")
    assert (clone.measures.verdict, round(clone.measures.speech_s, 1), clone.measures.snr_db) == ("good", 27.6, 38.0)
    assert made._folder is not None and not made._folder.exists(), "nothing is left but what was kept"


def test_all_that_is_needed_may_be_here_already(desk: Desk) -> None:
    desk.keep_converter("freevc24")
    desk.layers["neural"] = Layer(desk.folder / "neural")
    said = plain(desk.dialog().needs.text())
    assert said.endswith(": 63 MB for the voice Joe, over which it speaks English. On the disk all of that takes 63 MB.")
    desk.keep_voice(JOE)
    made = desk.dialog()
    assert "is on this computer" in made.needs.text() and made.needs.take.isHidden()


def test_the_converter_that_needs_least_is_named_and_chosen_beside_the_sum(desk: Desk) -> None:
    made = desk.dialog()
    assert made.converter.id() == "freevc24" and not made.needs.less.isHidden() and made.needs.take.text() == "Choose OpenVoice v2"
    less = plain(made.needs.less.text())
    assert less.startswith("OpenVoice v2 needs less: 540 MB in all. ") and "On two processor cores OpenVoice v2 takes half of a book's playing time." in less
    assert less.endswith("On two processor cores FreeVC takes nearly all of a book's playing time."), "beside the chosen one's time"
    made.more.click()
    assert made.needs.take.isHidden() and made.needs.less.isHidden(), "all of them stand above"
    made.more.click()
    made.needs.take.click()
    assert made.converter.id() == "openvoice_v2" and "540 MB are downloaded once" in plain(made.needs.text()) and made.needs.take.isHidden()


def test_looking_can_be_stopped_and_another_recording_be_chosen(desk: Desk) -> None:
    desk.script.go.clear()
    made = desk.dialog()
    desk.files = ["/somewhere/long.m4b", "/somewhere/short.wav"]
    made.choose.click()
    until(lambda: bool(desk.script.heard))
    assert not made.work.stop_button.isHidden() and not made.keep.isEnabled() and "best stretch" in texts(made)
    made.work.stop_button.click()
    until(lambda: not made.work.running)
    assert made.found.isHidden() and "Stopped." in texts(made)
    desk.script.go.set()
    chosen(made, "short.wav")
    assert made.called.line.text() == "short"


def test_another_stretch_is_dragged_moved_by_keys_and_typed(desk: Desk) -> None:
    made = desk.dialog()
    desk.files = ["/somewhere/a.wav"]
    chosen(made, "a.wav")
    waveform, heard = made.stretch.waveform, desk.script.heard
    second = waveform.width() / LENGTH_S

    def looked_at() -> tuple[float, float]:
        assert not made.keep.isEnabled(), "what is shown was not listened to yet"
        before = len(heard)
        until(lambda: len(heard) > before and not made.work.running)
        assert made.keep.isEnabled()
        return heard[-1][1:]

    drag(waveform, 100 * second, 110 * second, 125 * second)
    assert looked_at() == pytest.approx((100, 125), abs=0.6)
    drag(waveform, 125 * second, 140 * second)  # its edge
    assert looked_at() == pytest.approx((100, 140), abs=0.6)
    drag(waveform, 60 * second)  # a click
    assert looked_at() == pytest.approx((40, 80), abs=0.6)
    start_s, end_s = made.stretch.stretch()
    key(waveform, Qt.Key.Key_Right)
    key(waveform, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert looked_at() == pytest.approx((start_s + 1, end_s + 2))
    key(waveform, Qt.Key.Key_Home)
    assert looked_at() == pytest.approx((0, end_s + 1 - start_s))
    made.stretch.end.lineEdit().setText("1:05,5")
    made.stretch.end.interpretText()
    assert looked_at() == pytest.approx((0, 65.5))
    made.stretch.start.stepUp()
    assert looked_at() == pytest.approx((1, 65.5))
    made.stretch.start.setValue(150)  # behind its end, which follows
    assert looked_at() == pytest.approx((150, 151))
    drag(waveform, 0, 199 * second)
    assert looked_at()[1] == pytest.approx(90, abs=0.6), "nobody listens to more"


def test_a_stretch_that_was_not_listened_to_is_never_kept(desk: Desk) -> None:
    made = desk.dialog()
    desk.files = ["/somewhere/a.wav"]
    chosen(made, "a.wav")
    desk.script.go.clear()
    waveform, heard = made.stretch.waveform, desk.script.heard
    key(waveform, Qt.Key.Key_Home)
    until(lambda: len(heard) == 2)
    made.work.stop_button.click()
    until(lambda: not made.work.running)
    assert made.stretch.stretch() == (40, 70) and made.stretch.start.text() == "0:40.0" and made.keep.isEnabled(), "the one before stands again"
    key(waveform, Qt.Key.Key_Home)
    until(lambda: len(heard) == 3)
    key(waveform, Qt.Key.Key_Right)
    assert not made.work.running and made.stretch.stretch() == (1, 31) and not made.keep.isEnabled(), "the user goes on choosing"
    desk.script.go.set()
    until(made.keep.isEnabled)
    assert heard[-1][1:] == (1, 31) == made.stretch.stretch()
    made.keep.click()
    until(lambda: made.clone is not None)
    assert made.clone.sample.read_text() == "a 1.0 "


def test_a_clone_that_cannot_be_kept_is_said_and_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.dialog()
    desk.files = ["/somewhere/a.wav"]
    chosen(made, "a.wav")
    real = clones.add_to

    def full(*about: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(clones, "add_to", full)
    made.keep.click()
    until(lambda: not made.work.error.isHidden())
    assert "“a” could not be kept" in made.work.error.happened.text() and made.isVisible() and made.choose.isEnabled()
    monkeypatch.setattr(clones, "add_to", real)
    made.work.error.button.click()
    until(lambda: made.clone is not None)


def test_what_is_wrong_with_a_recording_is_said_and_another_is_chosen(desk: Desk) -> None:
    desk.script.fails = PluginError("sample_unusable", reason="too_short", seconds=3.2, need_s=6)
    made = desk.dialog()
    desk.files = ["/somewhere/short.wav", "/somewhere/noisy.wav"]
    made.choose.click()
    until(lambda: not made.work.error.isHidden())
    assert "it holds 3.2 seconds of speech" in made.work.error.happened.text() and not made.keep.isEnabled() and made.found.isHidden()
    assert made.work.error.next.text().startswith("Choose another recording"), "no stretch of it can be chosen"
    until(lambda: made.more.isVisible() and 0 < gap(made.work, made.more) < 3 * made.fontMetrics().lineSpacing())
    desk.script.fails, desk.script.remarks = None, ("noisy", "narrow", "of a later version")
    made.work.error.button.click()
    until(lambda: made.listened is not None)
    assert made.work.error.isHidden() and made.verdict.text() == "This can be used." and made.keep.isEnabled()
    assert made.facts.text().startswith("Better would be: a quieter room") and "like a telephone" in made.facts.text()
    assert "speech, the rest pauses between words" in made.facts.text() and "silent" not in made.facts.text(), made.facts.text()
    desk.script.fails = PluginError("sample_unusable", reason="silence")
    key(made.stretch.waveform, Qt.Key.Key_End)
    until(lambda: not made.work.error.isHidden())
    assert not made.keep.isEnabled() and not made.stretch.isHidden() and made.found.isHidden(), "another stretch can be chosen"
    assert "this stretch of the recording: it is silent" in made.work.error.happened.text() and "another stretch in the picture" in made.work.error.next.text()
    desk.script.fails = PluginError("sample_unusable", reason="missing")
    key(made.stretch.waveform, Qt.Key.Key_Home)
    until(lambda: "the file is not there" in made.work.error.happened.text())
    assert made.work.error.next.text().startswith("Choose another recording"), "no stretch of it is any better"
    desk.script.fails = None
    key(made.stretch.waveform, Qt.Key.Key_Left)
    until(made.keep.isEnabled)
    assert not made.found.isHidden()


def test_what_more_unfolds_is_seen_as_far_as_the_screen_has_room(desk: Desk) -> None:
    made = desk.dialog()
    made.resize(made.width(), made.minimumSizeHint().height())
    area, before = made._scrolled, made.height()
    for shown in (True, False, True):
        made.more.click()
        until(lambda shown=shown: made.converter.isVisible() == shown)
        assert shown or made.height() == before, "folded, it is as it was"
        until(lambda shown=shown: not shown or 0 <= made.converter.mapTo(area.viewport(), QPoint(0, 0)).y() < area.viewport().height() // 2)
    room = max(made.screen().availableSize().height(), 600) * 9 // 10
    assert before < made.height() <= room and (made.height() == room or area.verticalScrollBar().maximum() == 0)
    made.resize(made.width(), before)
    made.more.click()
    until(lambda: not made.converter.isVisible())
    assert made.height() == before, "smaller where the user makes it so"
    made.more.click()
    made.reject()
    assert made.height() == before, "it opens as it was before that was unfolded"


def test_without_an_engine_it_is_installed_from_here(desk: Desk) -> None:
    desk.script.fails = PluginError("engine_missing", layer="core")
    made = desk.dialog()
    made.listen_to(Path("/somewhere/a.wav"))
    until(lambda: not made.work.error.isHidden())
    made.work.error.button.click()
    assert desk.installed == [Wanted(layers=("core",))] and made.work.error.isHidden() and "being installed" in made.work.label.text()
    desk.installing[-1](PluginError("engine_install_failed", step="packages", reason="the line is cut"))
    assert "the line is cut" in made.work.error.happened.text(), "nothing ends in silence"
    made.work.error.button.click()
    assert len(desk.installed) == 2
    stopped: list[Any] = []
    runs = [Underway(Wanted(("core",)), "Install", "downloading, 3 of 165 MB", 0.1, True, lambda: (stopped.append(True), runs.clear()))]
    object.__setattr__(desk.context, "underway", lambda: tuple(runs))
    until(made.underway.isVisible)
    assert "3 of 165 MB" in made.underway.label.text()
    made.underway.stop_button.click()
    until(lambda: "was stopped" in made.work.label.text())
    assert stopped == [True] and not made.underway.isVisible()
    desk.script.fails = None
    desk.installing[0](None)
    until(made.keep.isEnabled)


def test_a_file_is_dropped(desk: Desk) -> None:
    made, data, web = desk.dialog(), QMimeData(), QMimeData()
    data.setUrls([QUrl.fromLocalFile("/somewhere/dropped.mp4")])
    web.setUrls([QUrl("https://example.com/a.wav")])
    buttons = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    for what, taken in ((data, True), (web, False)):
        enters = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, what, *buttons)
        enters.ignore()
        made.dragEnterEvent(enters)
        assert enters.isAccepted() is taken
    made.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, *buttons))
    until(lambda: made.listened is not None)
    assert desk.script.heard == [("dropped.mp4", None, None)]
    made.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, web, *buttons))
    assert len(desk.script.heard) == 1


def test_a_name_that_cannot_be_is_said_where_it_is_typed(desk: Desk) -> None:
    desk.clone("Anna")
    made = desk.dialog()
    desk.files = ["/somewhere/Anna.wav"]
    chosen(made, "Anna.wav")
    assert made.called.line.text() == "Anna (2)", "the first proposal is free"
    for name, why in (("Anna", "is called so"), ("clone-000000000000", "internal name"), ("\u202eannA", "cannot be seen"), ("", "")):
        made.called.line.setText(name)
        assert why in made.called.problem.text() and not made.keep.isEnabled()
        assert made.called.problem.isHidden() == (not why)
    made.called.line.setText("Ánna")
    assert made.keep.isEnabled() and made.called.problem.isHidden()


def test_a_stretch_that_was_cloned_before_is_named(desk: Desk) -> None:
    for name in ("First", "Second"):
        made = desk.dialog()
        desk.files = ["/somewhere/a.wav"]
        chosen(made, "a.wav")
        assert made.known.isHidden() == (name == "First")
        made.called.line.setText(name)
        made.keep.click()
        until(lambda made=made: made.clone is not None)
    assert "“First”" in made.known.text() and [clone.name for clone in clones.all_of_them()] == ["Second"]


def test_closing_ends_what_was_begun(desk: Desk) -> None:
    desk.script.go.clear()
    made = desk.dialog()
    made.listen_to(Path("/somewhere/long.m4b"))
    until(lambda: bool(desk.script.heard))
    folder = made._folder
    made.reject()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "audiobook window"])
    assert not folder.exists() and clones.all_of_them() == []


def test_everything_has_a_shortcut_of_its_own_and_is_reached_by_the_keyboard(desk: Desk) -> None:
    made = desk.dialog()
    desk.files = ["/somewhere/a.wav"]
    chosen(made, "a.wav")
    marked = [w.text() for kind in (QLabel, QAbstractButton) for w in made.findChildren(kind) if w.isVisibleTo(made)]
    letters = [text[text.index("&") + 1].lower() for text in marked if "&" in text.replace("&&", "")]
    assert len(letters) >= 8 and len(set(letters)) == len(letters), letters
    reached, widget = set(), made.choose
    for _step in range(200):
        reached.add(widget)
        widget = widget.nextInFocusChain()
    wanted = (made.choose, made.stretch.waveform, made.stretch.start, made.stretch.end, made.before, made.after, made.called.line, made.more, made.keep)
    assert all(one in reached and one.focusPolicy() & Qt.FocusPolicy.TabFocus for one in wanted)


WRITTEN = {"0:40.5": 40.5, "1:05": 65, "65,5": 65.5, "1:02:03": 3723, "": None, "1:x": None, "-1": None, "nan": None, "1e3": None}


@pytest.mark.parametrize(("text", "seconds"), WRITTEN.items())
def test_times_are_read_as_they_are_written(text: str, seconds: float | None) -> None:
    assert findings.seconds_of(text) == seconds
    assert seconds is None or findings.seconds_of(findings.clock(seconds)) == seconds


# ---- Preferences ----------------------------------------------------------------------------------------------------------


def cell(page: Any, id: str) -> Any:
    return next(row for row in page.model.rows() if row.id == id)


def test_a_clone_stands_first_among_the_voices_and_is_used_for_a_language_over_a_base_voice(desk: Desk) -> None:
    clone = desk.clone()
    desk.ready()
    desk.keep_voice(LESSAC)
    page = desk.voices()
    page.select(clone.id)
    assert page.model.row(0).name == "Anna (clone)" and page.model._state(page.row) == "on this computer"
    assert "28 seconds" in page.details.text() and page.more.isHidden()
    assert not page.use.isEnabled() and page.use.text().startswith("Use for a language: choose it under")
    page.language.setCurrentIndex(page.language.findData("en"))
    page.table.setCurrentIndex(page.filter.index(0, 0))
    assert page.row.id == clone.id and page.use.isEnabled() and page.use.text() == "Use for English"
    assert [page.speaker.itemData(n) for n in range(page.speaker.count())] == ["", LESSAC] and "Base" in page.speaker.label.text()
    page.play.click()
    until(lambda: bool(desk.script.said))
    assert desk.script.said[-1][1:] == (f"{clone.id}@{JOE}", "en")
    page.speaker.setCurrentIndex(1)
    assert "over Lessac" in page.spoken.text()
    page.use.click()
    assert page.changes()["voices"] == {"en": f"{clone.id}@{LESSAC}"} and page.model._state(cell(page, clone.id)) == "used for English"
    assert "Anna (clone) over Lessac speaks books in English, as you chose." in page.spoken.text()
    desk.kept[-1].accept()
    page = desk.voices()
    page.language.setCurrentIndex(page.language.findData("en"))
    page.table.setCurrentIndex(page.filter.index(0, 0))
    assert page.speaker.currentData() == LESSAC and page.use.text().startswith("Back to the plugin's own choice")
    page.use.click()
    assert page.changes()["voices"] == {}


def test_what_a_clone_lacks_is_said_and_got(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences.voice_table import SIZE

    clone = desk.clone()
    page = desk.voices()
    page.select(clone.id)
    size = page.model.words(page.row, SIZE)
    assert size == "1 MB" and page.model._state(page.row) == "needs 540 MB" and "540 MB are downloaded once" in page.more.text() and not page.play.isEnabled()
    assert "345 MB of that are the extra part of the speech engine, which takes 2.1 GB on this computer then" in page.more.text()
    alone = voice_use.more(replace(page.row, size_bytes=345 * 10**6))
    assert alone.count("345 MB") == 1 and "The extra part of the speech engine is downloaded once before it speaks" in alone
    assert "What it speaks over its base voice Joe: do not sell it." in page.licence.text() and "OpenVoice v2 is free" in page.licence.text()
    assert "over Joe, which is downloaded for that (63 MB)" in page.spoken.text()
    page.get.click()
    assert desk.installed == [Wanted(("neural",), (f"{clone.id}@{JOE}",))], "by a job, with all that the clone needs"
    desk.layers["neural"] = Layer(desk.folder / "neural")
    desk.installing[0](None)
    until(lambda: "195 MB" in page.more.text())
    assert page.model._state(page.row) == "needs 195 MB" and "extra part" not in page.more.text()
    fetched: list[str] = []

    def ensure(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        fetched.append(id)
        desk.ready()

    monkeypatch.setattr(voice.voices, "ensure_voice", ensure)
    page.get.click()
    until(lambda: page.row is not None and page.row.here and page.play.isEnabled() and "over Joe." in page.spoken.text())
    assert fetched == [f"{clone.id}@{JOE}"] and page.model.words(page.row, SIZE) == size, "what it takes itself, before and after"
    assert "over Joe. Heart cannot be cloned over." in page.spoken.text()


def test_a_clone_is_renamed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = desk.clone()
    desk.clone("Berta")
    page = desk.voices()
    page.select(clone.id)

    def renamed(self: Any) -> bool:
        ok = self.buttons.button(self.buttons.StandardButton.Ok)
        self.name.line.setText("Berta")
        assert not ok.isEnabled() and "is called so" in self.name.problem.text()
        self.name.line.setText("Clara")
        return bool(ok.isEnabled())

    monkeypatch.setattr(name_line.Rename, "exec", renamed)
    page.clones.rename.click()
    until(lambda: page.row is not None and page.row.name == "Clara (clone)")
    assert page.row.id == clone.id


def test_how_like_its_recording_a_clone_sounds_is_measured_and_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = desk.clone()
    page = desk.voices()
    page.select(clone.id)
    measure = page.clones.measure
    assert not measure.isHidden() and not measure.isEnabled() and measure.toolTip() == "Get the voice first"
    desk.ready()
    desk.keep_voice(LESSAC)
    page.refresh()
    until(measure.isEnabled)
    assert "s speaker encoder, which compares voices, is downloaded for that once (45 MB)" in measure.toolTip()
    fetched: list[bool] = []

    def fetch(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        progress("fetch", 0.5, "22 of 45 MB")
        fetched.append(True)
        desk.keep_converter(id)

    monkeypatch.setattr(converters, "get", fetch)
    monkeypatch.setattr(voice_clones, "question_dialog", lambda *about, **more: False)
    measure.click()
    assert not page.work.running and not fetched, "nothing is downloaded before that was agreed to"
    monkeypatch.setattr(voice_clones, "question_dialog", desk.question)
    desk.script.go.clear()
    measure.click()
    until(lambda: bool(desk.script.said))
    assert "free for listening, giving away and selling (MIT)" in desk.asked[0] and fetched and not measure.isEnabled() and not page.remove.isEnabled()
    page.work.stop_button.click()
    until(measure.isEnabled)
    assert clones.all_of_them()[0].likeness is None and "downloaded" not in measure.toolTip()
    desk.script.go.set()
    page.speaker.setCurrentIndex(1)
    measure.click()
    until(lambda: "Likeness" in page.more.text() and measure.isEnabled())
    text, id, language = desk.script.said[-1]
    assert (id, language, len(desk.asked)) == (f"{clone.id}@{LESSAC}", "en", 1) and text.endswith(" 19, 20") and "when I read a book" in text
    assert page.row.id == clone.id and page.more.text().endswith(
        "Likeness 0.83 of 1: as like the recording as the recording's own two halves are like each other (0.85)."
    )
    kept = clones.all_of_them()[0]
    assert (kept.likeness, kept.likeness_of_halves) == (0.83, 0.85)
    desk.script.likeness = (0.3, 0.85)
    measure.click()
    until(lambda: "hardly like the recording" in page.more.text())
    clones.change(clone.id, converter="d_vector")
    page.refresh()
    until(lambda: "Likeness" not in page.more.text())


def test_what_goes_wrong_while_it_is_measured_is_said_with_a_way_out(desk: Desk) -> None:
    clone = desk.clone()
    desk.ready()
    desk.keep_converter("d_vector")
    page = desk.voices()
    page.select(clone.id)
    desk.script.fails = PluginError("engine_missing", layer="neural")
    page.clones.measure.click()
    until(lambda: not page.work.error.isHidden() and page.clones.measure.isEnabled())
    assert not desk.asked
    page.work.error.button.click()
    assert desk.installed == [Wanted(("neural",))]
    desk.script.fails = PluginError("speech_failed", reason="what it spoke could not be compared with its recording")
    page.clones.measure.click()
    until(lambda: "could not be compared" in page.work.error.happened.text())
    desk.script.fails = None
    page.work.error.button.click()
    until(lambda: "as like the recording" in page.more.text())


LIKENESSES = {(0.81, 0.85): "as like", (0.9, 0.85): "as like", (0.8, 0.85): "somewhat like", (0.67, 0.85): "hardly like", (0.0, 0.0): "as like"}


@pytest.mark.parametrize(("figures", "words"), LIKENESSES.items())
def test_a_likeness_is_told_by_that_of_the_recordings_halves_with_what_would_help(figures: tuple[float, float], words: str) -> None:
    said = likeness(*figures, clones.Measures())
    assert said.startswith(f"Likeness {figures[0]:.2f} of 1: {words} the recording") and f"{figures[1]:.2f}" in said
    assert ("Another converter" in said) == (words != "as like")
    said = likeness(*figures, clones.Measures(remarks=("short", "unheard_of")))
    assert ("may bring it nearer: a longer stretch" in said) == (words != "as like") and "unheard" not in said


def test_a_clone_is_exported_removed_and_imported(desk: Desk) -> None:
    sound = flac()
    (desk.folder / "sample.flac").write_bytes(sound)
    clone = clones.add(desk.folder / "sample.flac", "Anna", "openvoice_v2")
    desk.ready()
    prefs.change(voices={"en": f"{clone.id}@{JOE}", "de": "espeak"})
    page = desk.voices()
    assert page.row.id == clone.id
    desk.files = [str(desk.folder / "carried")]
    page.clones.export.click()
    place = desk.folder / "carried.e2aclone"
    until(place.exists)
    until(lambda: "was written into" in texts(page.work))
    page.remove.click()
    until(lambda: not clones.all_of_them() and "was removed" in texts(page.work))
    assert "with its recording" in desk.asked[0] and clone.id not in [row.id for row in page.model.rows()]
    assert prefs.load().voices == {"de": "espeak"} and page.changes()["voices"] == {"de": "espeak"}
    assert page.clones.export.isHidden()
    desk.files = [str(place)]
    page.clones.take_in.click()
    until(lambda: page.row is not None and page.row.id == clone.id)
    assert page.row.name == "Anna (clone)" and clones.all_of_them()[0].sample.read_bytes() == sound
    assert desk.script.heard == [("sample.flac", None, None)], "the engine has listened before it was believed"
    until(lambda: "Anna was taken in." in page.work.label.text())
    assert page.model._state(page.row) == "on this computer" and "are downloaded" not in page.work.label.text()
    desk.files = [str(place)]
    page.clones.take_in.click()
    until(lambda: "Anna was here already" in page.work.label.text())


def test_an_imported_clone_whose_base_voice_is_not_here_says_what_it_needs_wherever_one_looks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sound, fetched = flac(), []
    (desk.folder / "sample.flac").write_bytes(sound)
    clone = clones.add(desk.folder / "sample.flac", "Anna", "openvoice_v2")
    clone_file.export(clone.id, desk.folder / "anna.e2aclone")
    clones.remove(clone.id)
    desk.keep_converter("openvoice_v2")
    desk.layers["neural"] = Layer(desk.folder / "neural")
    page = desk.voices()
    desk.files = [str(desk.folder / "anna.e2aclone")]
    page.clones.take_in.click()
    until(lambda: "Anna was taken in." in page.work.label.text())
    assert "Before it speaks, 63 MB are downloaded" in page.work.label.text() and page.model._state(page.row) == "needs 63 MB"
    assert not page.play.isEnabled() and page.get.isEnabled()
    page.language.setCurrentIndex(page.language.findData("en"))
    page._select(clone.id)
    assert page.use.text() == "Get it and use it for English" and page.use.isEnabled()

    def ensure(id: str, *asked: Any) -> None:
        fetched.append(id)
        desk.keep_voice(JOE)

    monkeypatch.setattr(voice.voices, "ensure_voice", ensure)
    page.use.click()
    assert page.model._state(page.row) == "needs 63 MB; for English" and page.changes()["voices"] == {"en": clone.id}
    until(lambda: page.model._state(page.row) == "used for English" and page.play.isEnabled())
    assert fetched == [f"{clone.id}@{JOE}"]


def test_removing_a_base_voice_says_which_clones_speak_over_it_and_then_they_need_it(desk: Desk) -> None:
    clone = desk.clone()
    desk.clone("Berta", "knnvc")
    desk.ready()
    prefs.change(voices={"en": f"{clone.id}@{JOE}"})
    page = desk.voices()
    assert page.model._state(cell(page, clone.id)) == "used for English"
    page.select(JOE)
    page.remove.click()
    assert "Clones that speak over it: Anna, Berta. They need it again before they speak that way (63 MB)." in desk.asked[0]
    until(lambda: page.model._state(cell(page, clone.id)) == "needs 63 MB; for English" and not page.work.running)
    assert prefs.load().voices == {"en": f"{clone.id}@{JOE}"}
    page.select(clone.id)
    assert not page.play.isEnabled() and page.get.isEnabled()


def lines(page: Any) -> list[str]:
    """What is said of the converters that are here."""
    return [told.text() for told, _button in page.converters.rows.values() if told.isVisibleTo(page)]


def test_what_a_converter_needs_is_removed_after_it_was_said_which_clones_would_need_it_again(desk: Desk) -> None:
    clone = desk.clone("Anna <b>", "knnvc")
    for id in ("freevc24", "knnvc"):
        desk.keep_converter(id)
    page = desk.preferences("engine")
    until(lambda: page.known is not None)
    assert len(lines(page)) == 2 and lines(page)[0].startswith("What FreeVC needs takes ")
    assert page.converters.rows["freevc24"][1].accessibleName() == "Remove what FreeVC needs"
    desk.busy = True
    page.converters.rows["freevc24"][1].click()
    assert "a book is being converted" in page.work.error.happened.text() and not desk.asked
    desk.busy = False
    page.converters.rows["freevc24"][1].click()
    assert "None of your clones speaks by it." in desk.asked[0]
    until(lambda: len(lines(page)) == 1)
    assert "are free again" in page.work.label.text() and not converters.missing("knnvc", RESOURCES), "both lean on WavLM"
    page.converters.rows["knnvc"][1].click()
    assert "downloaded again before these clones speak: Anna &lt;b&gt;." in desk.asked[1]
    until(lambda: not lines(page))
    assert not page.converters.isVisibleTo(page) and len(converters.missing("knnvc", RESOURCES)) == 2 and clones.all_of_them()[0].id == clone.id


def test_a_removed_clone_s_page_says_where_the_rest_can_be_removed(desk: Desk) -> None:
    first, second = desk.clone(), desk.clone("Berta")
    desk.keep_converter("openvoice_v2")
    page = desk.voices()
    page.select(first.id)
    begun.begin({"lib-1": begun.Queued(f"{first.id}@{JOE}", "A Christmas Carol"), "lib-2": begun.Queued(f"{second.id}@{JOE}", "Another")})
    for key in ("lib-1", "lib-2"):
        begun.speaks(key, 0.4)
    page.remove.click()
    until(lambda: "was removed" in page.work.label.text())
    begun.forget()
    assert "Begun with it, and not finished: A Christmas Carol. What is begun so begins anew then." in desk.asked[-1]
    assert page.work.label.text() == "The voice was removed.", "Berta needs it"
    desk.layers["neural"] = Layer(desk.folder / "neural")
    desk.layers["neural"].folder.mkdir()
    (desk.layers["neural"].folder / "torch").write_bytes(b"x" * 2_100_000)
    page.select(second.id)
    page.remove.click()
    until(lambda: "the page “Engine” can remove that" in page.work.label.text())
    assert "Nothing on this computer needs the extra part of the speech engine any more: it takes 2 MB" in page.work.label.text()


def test_a_file_that_is_no_clone_is_refused_in_a_sentence(desk: Desk) -> None:
    page = desk.voices()
    with zipfile.ZipFile(desk.folder / "bad.e2aclone", "w") as z:
        z.writestr("../../evil.py", "")
    desk.files = [str(desk.folder / "bad.e2aclone")]
    page.clones.take_in.click()
    until(lambda: not page.work.error.isHidden())
    assert "not taken in as a cloned voice: it holds other things" in page.work.error.happened.text() and not clones.all_of_them()


def test_a_voice_is_cloned_from_the_page_and_selected(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(button, "clone_a_voice", lambda parent, context, then: then(desk.clone("Zoe")))
    page = desk.voices()
    page.search.setText("lessac")
    page.clones.make.click()
    until(lambda: page.row is not None and page.row.name == "Zoe (clone)")


# ---- the convert dialog -----------------------------------------------------------------------------------------------------


def test_a_clone_speaks_a_sentence_of_the_book_and_converts_it(desk: Desk) -> None:
    clone = desk.clone()
    desk.ready()
    desk.keep_voice(LESSAC)
    made = desk.convert("A Book")
    choice, device = made.one.voice.choice, made.one.device
    ids = [choice.combo.itemData(n) for n in range(choice.combo.count())]
    assert ids.index(JOE) < ids.index(clone.id) < ids.index("espeak") and choice.speaker.isHidden()
    assert [device.combo.itemText(n) for n in range(device.combo.count())][1:] == ["CPU", "CPU (PyTorch)"]
    pick(choice.combo, clone.id)
    until(lambda: settled(made) and device.combo.count() == 2)
    assert device.combo.itemText(1) == "CPU (PyTorch)", "no other speaks a clone"
    assert choice.get.isHidden() and choice.note.text().startswith("What it speaks over ") and made.start.isEnabled()
    made.one.voice.play.click()
    until(lambda: bool(desk.script.said))
    assert desk.script.said == [(SAMPLE, f"{clone.id}@{JOE}", "en-US")]
    assert [choice.speaker.itemText(n) for n in range(choice.speaker.count())] == ["Joe (the usual one)", "Lessac"]
    pick(choice.speaker, LESSAC)
    choice.keep.click()
    made.start.click()
    assert made.choices()[0].options.voice == f"{clone.id}@{LESSAC}" and prefs.load().voices == {"en": f"{clone.id}@{LESSAC}"}
    made = desk.convert("Another Book")
    choice = made.one.voice.choice
    assert choice.voice() == f"{clone.id}@{LESSAC}" and choice.keep.isHidden() and choice.name() == "Anna (clone) over Lessac"


def test_what_is_missing_for_a_clone_is_said_before(desk: Desk) -> None:
    clone = desk.clone()
    desk.keep_voice(JOE)
    made = desk.convert("A Book")
    choice, device = made.one.voice.choice, made.one.device
    pick(choice.combo, clone.id)
    until(lambda: settled(made) and not device.install.isHidden())
    assert choice.combo.currentText() == "Anna (clone), needs 476 MB" and "still to be downloaded: OpenVoice v2" in choice.note.text()
    choice.set_used(False)
    assert "No ticked book is read by this clone. What it lacks: OpenVoice v2" in choice.note.text() and "Convert" not in choice.note.text()
    choice.set_used(True)
    assert "extra part" in device.note.text() and "345 MB" in device.note.text() and not made.start.isEnabled() and not made.one.voice.play.isEnabled()
    device.install.click()
    assert desk.installed == [Wanted(layers=("neural",))]
    desk.layers["neural"] = Layer(desk.folder / "neural")
    desk.installing[0](None)
    until(made.start.isEnabled)
    made.start.click()
    options = made.choices()[0].options
    assert (options.voice, options.fetch) == (clone.id, True), "its converter comes when the conversion begins"


def test_an_extra_part_that_is_on_its_way_already_is_shown_and_not_asked_for_again(desk: Desk) -> None:
    clone = desk.clone()
    desk.keep_voice(JOE)
    coming = [Underway(Wanted(("neural",)), "Install the extra part of the speech engine", "Downloading PyTorch, 120 of 345 MB", 0.35, True, print)]
    desk.context = replace(desk.context, underway=lambda: tuple(coming))
    made = desk.convert("A Book")
    device, row = made.one.device, made.underway
    pick(made.one.voice.choice.combo, clone.id)
    until(lambda: settled(made) and "The extra part is being installed." in device.note.text())
    assert not device.install.isVisible() and not made.start.isEnabled()
    until(row.isVisible)
    assert "120 of 345 MB" in row.label.text() and row.stop_button.isVisible()
    coming.clear()  # it was stopped: nobody is told
    until(lambda: not row.isVisible() and device.install.isVisible())
    assert "345 MB are downloaded, once; it takes 2.1 GB then" in device.note.text()


def test_how_long_a_clone_takes_is_guessed_by_its_base_voice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = desk.clone()
    desk.ready()
    learned = {"base": {"cpu": 60.0, "cpu-torch": 6.0}, "clone": {}}
    monkeypatch.setattr(speakers, "key_of", lambda wire, layer, cards: "clone" if wire.get("clone") else "base")
    monkeypatch.setattr(speeds, "learned", lambda key: learned.get(key, {}))
    made = desk.convert("A Book")
    assert "ready in about 20 s" in made.one.estimate.text()
    pick(made.one.voice.choice.combo, clone.id)
    until(lambda: settled(made) and made.one.device.combo.count() == 2)
    place = made.one.device.place_for(made.one.voice.choice.whole())
    assert place.rate == estimates.cloned(estimates.Rate.about(6.0), clone.converter) and place.speed is None
    assert "ready in 5 min to 9 min" in made.one.estimate.text() and "times as fast" not in made.one.device.combo.itemText(1)


@pytest.mark.parametrize(("usual", "by_hand", "italian"), [("cpu", False, "cpu"), ("cpu-torch", False, "cpu-torch"), ("auto", True, "cpu")])
def test_a_clone_among_several_books_leaves_the_others_their_own_way(desk: Desk, usual: str, by_hand: bool, italian: str) -> None:
    clone = desk.clone()
    desk.ready()
    desk.keep_voice("it_IT-paola-medium")
    prefs.change(device=usual, voices={"en": f"{clone.id}@{JOE}"})
    desk.script.languages = {2: "it"}
    made = desk.convert("A Book", "Un libro")
    device = made.many.device
    until(lambda: settled(made) and device.combo.count() == 2)
    if by_hand:
        pick(device.combo, 1)
        until(lambda: settled(made))
    made.start.click()
    assert [choice.options.device for choice in made.choices()] == ["cpu-torch", italian], "PyTorch is slower for Paola"


def test_a_clone_that_lacks_the_extra_part_holds_convert_only_where_it_reads_a_ticked_book(desk: Desk) -> None:
    clone = desk.clone()
    desk.ready()
    desk.keep_voice("it_IT-paola-medium")
    del desk.layers["neural"]
    prefs.change(voices={"en": clone.id})
    desk.script.languages = {2: "it"}
    made = desk.convert("A Book", "Un libro")
    assert made.many.voices["en"].choice.voice() == clone.id and not made.start.isEnabled()
    made.many.table.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    until(lambda: settled(made) and made.start.isEnabled())
    made.many.table.item(0, 0).setCheckState(Qt.CheckState.Checked)
    until(lambda: settled(made) and not made.start.isEnabled())


def test_a_language_without_a_base_voice_is_said_in_the_list(desk: Desk) -> None:
    clone = desk.clone()
    desk.ready()
    prefs.change(voices={"la": clone.id})
    desk.script.language = "la"
    choice = desk.convert("A Book").one.voice.choice
    at = choice.combo.findData(clone.id)
    assert choice.combo.itemText(at) == "Anna (clone): not for this language" and not choice.combo.model().item(at).isEnabled()
    assert "there is no voice for Latin" in choice.combo.model().item(at).toolTip() and choice.voice() == "espeak"


def test_a_voice_cloned_from_the_dialog_is_chosen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ready()
    monkeypatch.setattr(button, "clone_a_voice", lambda parent, context, then: then(desk.clone("Zoe")))
    made = desk.convert("A Book")
    made.one.clone.click()
    until(lambda: made.one.voice.choice.label() == "Zoe (clone)")
    assert made.one.voice.choice.picked() == clones.all_of_them()[0].id
    made = desk.convert("A Book", "Another")
    made.many.clone.click()
    until(lambda: settled(made) and made.many.voices["en"].choice.label() == "Zoe (clone)")
    until(lambda: settled(made) and made.many.device.combo.count() == 2)
    made.start.click()
    assert {choice.options.voice for choice in made.choices()} == {clones.all_of_them()[0].id}


# ---- with the real sidecar ------------------------------------------------------------------------------------------------


@dataclass
class Real:
    """The core layer, from the checkout."""

    python: Path
    folder: Path
    name: str = "core"

    def command(self) -> list[str]:
        run = f"import sys, runpy; sys.path.insert(0, {str(ROOT / 'sidecar' / 'src')!r}); runpy.run_module('e2a_sidecar', run_name='__main__', alter_sys=True)"
        return [str(self.python), "-I", "-u", "-X", "utf8", "-c", run, "session"]

    def stamp(self) -> dict[str, str]:
        return {"device": "cpu"}


def test_the_real_engine_listens_cleans_and_refuses(desk: Desk) -> None:
    python = Path(os.environ.get("E2A_CORE_PYTHON") or "/nowhere")
    if not python.is_file():
        pytest.skip("E2A_CORE_PYTHON does not name the core layer's Python")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(ROOT / "sidecar" / "src"), str(ROOT / "tests")])}
    write = "import recordings, sys; from pathlib import Path; recordings.write(Path(sys.argv[1]), recordings.speech(45))"
    subprocess.run([str(python), "-c", write, str(desk.folder / "Großmutter.wav")], env=env, check=True)
    (desk.folder / "picture.wav").write_bytes(b"\xff\xd8\xff\xe0 JFIF")
    desk.layers = {"core": Real(python, desk.folder)}
    questions = Questions(RESOURCES)
    object.__setattr__(desk.context, "questions", questions)
    try:
        made = desk.dialog()
        desk.files = [str(desk.folder / "picture.wav"), str(desk.folder / "Großmutter.wav")]
        made.choose.click()
        until(lambda: not made.work.error.isHidden())
        assert "no sound or video file that can be read" in made.work.error.happened.text()
        chosen(made, "Großmutter.wav")
        assert made.verdict.text().startswith("Good: ") and len(made.stretch.waveform._peaks) == 600
        key(made.stretch.waveform, Qt.Key.Key_Home)
        until(lambda: made.keep.isEnabled() and made.listened.heard.start_s == 0)
        made.after.click()
        until(lambda: bool(desk.played))
        with wave.open(str(made.listened.after)) as f:
            assert f.getnchannels() == 1 and f.getnframes() / f.getframerate() == pytest.approx(made.listened.heard.speech_s, abs=3)
        made.keep.click()
        until(lambda: made.clone is not None)
        clone = clones.all_of_them()[0]
        assert clone.name == "Großmutter" and clone.sample.read_bytes().startswith(b"fLaC") and clone.measures.speech_s > 15
    finally:
        questions.close()
        questions.release()


def flac() -> bytes:
    """A header that says: FLAC, mono, 16 bit, 24 kHz, eight seconds; nobody decodes it here."""
    info = (24_000 << 44) | (0 << 41) | (15 << 36) | 8 * 24_000
    return b"fLaC" + b"\x80\0\0\x22" + bytes(10) + info.to_bytes(8, "big") + bytes(16)
