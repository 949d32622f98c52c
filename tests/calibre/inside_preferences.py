"""In Calibre's interpreter: every page of Preferences with every button of it pressed, over a context that only notes what it is asked."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from calibre_plugins.e2a.plugin import paths, prefs, wording  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.events import Device  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.installations import Underway  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.progress import Step  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import engine_move, gpus, runtime, sharing  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.gpus import Gpu  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.install_plan import Wanted  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.preferences import device as device_page  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.preferences import sound, voice_table  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.resources import sidecar_wheel  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import clones, speakers, speeds, voice_fetch, voices  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.wording import plain  # type: ignore[import-not-found]
from qt.core import QApplication, QEvent, QKeyEvent, QPoint, Qt, sip  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from hearts import WHY, with_heart, without_heart  # type: ignore[import-not-found]

JOE = "en_US-joe-medium"
MANY = "en_US-libritts-high"
RESOURCES = installed_resources()
CPU = Device("cpu", "a processor", True, "", 21.5)
NVIDIA, OLD_AMD = Gpu("NVIDIA GeForce RTX 4070", "NVIDIA", "cuda", "570.86"), Gpu("AMD Radeon RX 580", "AMD", "")


class Questions:
    """Notes what is to be spoken and tried; speaks nothing."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.pauses: list[float] = []
        self.probed: list[str | None] = []
        self.devices: tuple[Any, ...] | Exception = (CPU,)
        self.measured: list[tuple[str, str]] = []
        self.own = Device("cpu", "a processor", True, "", 61.7)
        self.go = threading.Event()
        self.go.set()
        self.closed = 0

    def say(self, text: str, voice: str, language: str, out: Path, show: Any, stopped: Any, *, speed: float = 1.0, pauses: float = 1.0) -> None:
        out.write_bytes(b"RIFF")
        self.said.append((text, voice, language, speed))
        self.pauses.append(pauses)

    def probe(self, voice: str | None, show: Any, stopped: Callable[[], bool], busy: Any) -> tuple[Any, ...]:
        self.probed.append(voice)
        while not self.go.wait(0.02):
            if stopped():
                raise Stopped
        if isinstance(self.devices, Exception):
            raise self.devices
        return self.devices

    def measure(self, voice: str, language: str, stopped: Callable[[], bool], busy: Any) -> Any:
        self.measured.append((voice, language))
        return self.own

    def close(self) -> None:
        self.closed += 1


class Silent:
    """Plays for ever, without a sound."""

    def __init__(self, played: list[Path]) -> None:
        self._played = played

    def load(self, path: Path, number: int) -> None:
        self._played.append(path)

    def stop(self) -> None:
        return None

    def free(self) -> None:
        return None


class Desk:
    """What the windows are given, and what they asked for."""

    def __init__(self) -> None:
        from calibre_plugins.e2a.plugin.gui.context import Context  # type: ignore[import-not-found]

        self.questions = Questions()
        self.installed: list[tuple[Any, Any]] = []
        self.busy = False
        self.underway: list[Any] = []
        self.gui: Any = None
        self.context = Context(
            gui=None,
            resources=RESOURCES,
            questions=self.questions,
            install=lambda wanted, then: self.installed.append((wanted, then)),
            preferences=print,
            busy=lambda: self.busy,
            convert=print,
            open_file=print,
            release=self.questions.close,
            installing=lambda: bool(self.underway),
            underway=lambda: tuple(self.underway),
        )
        self.played: list[Path] = []
        self.asked: list[str] = []
        self.answer = True
        self.kept: list[Any] = []

    def page(self, name: str) -> Any:
        """A page, shown, when what it reads in the background is there."""
        from calibre_plugins.e2a.plugin.gui.preferences import PreferencesDialog  # type: ignore[import-not-found]

        dialog = PreferencesDialog(None, self.context, name)
        self.kept.append(dialog)
        dialog.show()
        page = dialog.preferences.page(name)
        ready: dict[str, Callable[[], bool]] = {
            "voice": lambda: page.model.rowCount() > 0,
            "device": lambda: bool(page._rows),
            "engine": lambda: page.known is not None,
        }
        until(ready.get(name, lambda: True))
        return page

    def accept(self) -> None:
        self.kept[-1].accept()

    def comes(self, *layers: str, voices: tuple[str, ...] = (), done: float = 0.35) -> None:
        """That is being installed, for whomever; its Stop ends it."""
        title, text = "Install the extra part of the speech engine", "Downloading PyTorch, 120 of 345 MB"
        self.underway.append(Underway(Wanted(layers, voices), title, text, done, True, self.underway.clear))

    def question(self, text: str) -> bool:
        self.asked.append(text)
        return self.answer


@pytest.fixture(scope="session")
def app() -> Any:
    from calibre.gui2 import Application  # type: ignore[import-not-found]

    return Application.instance() or Application([], headless=True)


@pytest.fixture
def desk(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Its own folders, no cards, no sound; Heart could not be had."""
    without_heart(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("E2A_ENGINE_DIR", "E2A_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gpus, "found", lambda *a, **k: ())
    prefs.save(prefs.Settings())
    from calibre_plugins.e2a.plugin.gui.player import Player  # type: ignore[import-not-found]
    from calibre_plugins.e2a.plugin.gui.preferences import engine, installing, voice_removal

    made = Desk()
    monkeypatch.setattr(Player, "prepare", lambda self: None)
    monkeypatch.setattr(Player, "_made", lambda self: Silent(made.played))
    for module in (engine, installing, voice_removal):
        monkeypatch.setattr(module, "question_dialog", lambda parent, title, text, *a, **k: made.question(f"{title} {text}"))
    yield made
    for dialog in made.kept:
        if not sip.isdeleted(dialog):
            dialog.reject()


def until(true: Callable[[], bool], most_s: float = 20) -> None:
    """Let the window live until something is so."""
    from calibre.gui2 import QApplication

    end = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        QApplication.processEvents()
        time.sleep(0.005)
    QApplication.processEvents()


def press(error: Any) -> None:
    """The button of an error, when it is there."""
    until(lambda: error.isVisible() and not error.button.isHidden())
    error.button.click()


def texts(widget: Any) -> str:
    """All that is written in a widget and shown."""
    from qt.core import QLabel

    return "\n".join(label.text().replace("\u200b", "") for label in widget.findChildren(QLabel) if not label.isHidden())


def state(page: Any, id: str) -> str:
    """What the table says of a voice."""
    return str(next(page.model._state(row) for row in page.model.rows() if row.id == id))


def keep_voice(id: str, speaker_names: tuple[str, ...] = ()) -> Path:
    """A voice that is here, of the right sizes, with a record of what came."""
    folder: Path = paths.voices_dir() / id
    folder.mkdir(parents=True)
    description = {"num_speakers": max(1, len(speaker_names)), "speaker_id_map": {name: number for number, name in enumerate(speaker_names)}}
    (folder / f"{id}.onnx").write_bytes(b"model")
    (folder / f"{id}.onnx.json").write_text(json.dumps(description))
    files = {role: {"name": path.name, "bytes": path.stat().st_size, "sha256": "ab" * 32} for role, path in _roles(folder, id)}
    (folder / "voice.json").write_text(json.dumps({"files": files}))
    return folder


def _roles(folder: Path, id: str) -> list[tuple[str, Path]]:
    return [("model", folder / f"{id}.onnx"), ("config", folder / f"{id}.onnx.json")]


def keep_layer(name: str = "core", build: str = "cpu", speaks: bool = True) -> Path:
    """A stamped layer whose Python is a script."""
    folder: Path = paths.layers_dir() / f"{name}-{runtime.layer_key(name, RESOURCES, 'cp312-x86_64', build)}"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!/bin/sh\nexit {0 if speaks else 1}\n")
    (folder / "bin" / "python").chmod(0o755)
    stamp = {"python": "cp312-x86_64", "device": build, "wheel": sidecar_wheel(RESOURCES).sha256, "check": {"version": "0.1.0"}}
    (folder / "stamp.json").write_text(json.dumps(stamp))
    return folder


# ---- voices ------------------------------------------------------------------------------------------------------------


def test_the_whole_collection_is_there_and_is_searched(desk: Desk) -> None:
    keep_voice(JOE)
    page = desk.page("voice")
    assert page.filter.rowCount() > 120 and page.row.id == JOE, "what is here in the user's language comes first"
    page.search.setText("german thorsten")
    found = [page.filter.row(page.filter.index(n, 0)) for n in range(page.filter.rowCount())]
    assert found and all(row.base == "de" and "Thorsten" in row.name for row in found)
    for language in ("italian", "croatian"):
        page.search.setText(language)
        found = [page.filter.row(page.filter.index(n, 0)) for n in range(page.filter.rowCount())]
        assert "espeak" in [row.id for row in found] and {row.base for row in found} <= {"it", ""}, "whatever else there is, eSpeak reads it"
    page.search.clear()
    page.language.setCurrentIndex(page.language.findText("Portuguese"))
    assert {page.filter.row(page.filter.index(n, 0)).base for n in range(page.filter.rowCount())} == {"pt", ""}
    page.language.setCurrentIndex(0)
    page.here.setChecked(True)
    assert {page.filter.row(page.filter.index(n, 0)).id for n in range(page.filter.rowCount())} == {JOE, "espeak"}
    page.search.setText("nobody speaks like this")
    assert page.filter.rowCount() == 0 and "No voice fits" in texts(page) and not page.get.isEnabled() and not page.play.isEnabled()


def test_in_a_language_from_right_to_left_voices_are_sorted_by_what_one_reads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_", lambda text: {"graphics card": "כרטיס"}.get(text, text), raising=False)
    page = desk.page("voice")
    page.filter.sort(voice_table.NAME)
    titles = [page.filter.row(page.filter.index(n, 0)).title for n in range(page.filter.rowCount())]
    read = [wording.plain(title).casefold() for title in titles]
    assert any(title != wording.plain(title) for title in titles) and "espeak ng" in read[1:] and read == sorted(read)


def test_licence_size_and_quality_are_told_before_a_byte_is_fetched(desk: Desk) -> None:
    page = desk.page("voice")
    page.select("de_DE-thorsten-medium")
    told = texts(page)
    assert "German (Germany)" in told and "good" in told and "63 MB are downloaded once" in told and "Licence: " in told and page.get.isEnabled()
    assert "huggingface.co" in told and "Checked: by the size and checksum" in told
    assert page.play.isEnabled() and page.play.toolTip().startswith("Downloads this voice") and not page.remove.isEnabled()


def test_a_voice_is_got_stopped_and_got_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, tries = threading.Event(), []

    def ensure(id: str, resources: Any, progress: Any, stopped: Callable[[], bool]) -> None:
        tries.append(id)
        progress("fetch", 0.5, "30 of 63 MB")
        begun.set()
        while len(tries) == 1:
            if stopped():
                raise Stopped
            time.sleep(0.01)
        if len(tries) == 2:
            raise PluginError("voice_fetch_failed", voice=id, reason="the line was cut")
        keep_voice(id)

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    page = desk.page("voice")
    page.select(JOE)
    page.get.click()
    until(lambda: "30 of 63 MB" in texts(page.work))
    assert page.work.bar.value() == 500 and not page.get.isEnabled() and not page.work.stop_button.isHidden()
    page.work.stop_button.click()
    until(lambda: page.get.isEnabled())
    assert page.work.bar.isHidden() and not page.row.here
    page.get.click()
    until(lambda: "the line was cut" in texts(page.work))
    assert not page.work.error.button.isHidden()
    page.work.error.button.click()
    until(lambda: page.row.here and page.remove.isEnabled())
    assert tries == [JOE] * 3 and page.play.isEnabled() and page.remove.isEnabled() and page.work.error.isHidden()


def test_what_is_told_of_a_voice_has_the_room_that_a_short_list_leaves(desk: Desk) -> None:
    page = desk.page("voice")
    told = page.details.parentWidget().parentWidget()
    page.window().resize(800, 900)
    until(lambda: page.table.height() > 2 * page.table.minimumHeight())
    whole, button = told.height(), page.play.mapTo(page, QPoint(0, 0))
    page.search.setText("Thorsten")
    until(lambda: told.height() > whole)
    assert page.table.height() >= page.table.minimumHeight() and page.play.mapTo(page, QPoint(0, 0)) == button
    page.search.clear()
    until(lambda: told.height() == whole)


def test_play_downloads_a_voice_that_is_not_here_and_then_lets_it_be_heard(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def ensure(id: str, *more: Any) -> None:
        tries.append(id)
        if len(tries) == 1:
            raise PluginError("voice_fetch_failed", voice=id, reason="the line was cut")
        keep_voice(id)

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    page = desk.page("voice")
    page.select(JOE)
    page.table.doubleClicked.emit(page.table.currentIndex())
    assert not page.work.running, "a second click on a line downloads nothing"
    page.play.click()
    until(lambda: "the line was cut" in texts(page.work))
    assert not desk.questions.said and page.play.isEnabled()
    page.play.click()
    until(lambda: bool(desk.questions.said))
    assert tries == [JOE] * 2 and desk.questions.said[0][1] == JOE and page.row.here and page.play.toolTip().startswith("Speaks")


def test_a_voice_is_heard_in_its_own_language(desk: Desk) -> None:
    keep_voice("de_DE-thorsten-medium")
    page = desk.page("voice")
    page.select("de_DE-thorsten-medium")
    page.play.click()
    until(lambda: bool(desk.played))
    text, voice, language, _speed = desk.questions.said[0]
    assert text.startswith("Guten Abend") and voice == "de_DE-thorsten-medium" and language == "de" and desk.played[0].suffix == ".wav"
    page.play.click()
    assert not page.play.busy


@pytest.mark.parametrize("chosen", ["espeak", JOE, "en_US-libritts-high#p3922", ""])
def test_the_page_opens_on_the_voice_that_speaks_the_readers_language(desk: Desk, chosen: str) -> None:
    keep_voice(JOE)
    prefs.change(voices={"en": chosen} if chosen else {})
    page = desk.page("voice")
    assert page.row.id == (chosen.partition("#")[0] or JOE) and not page.table.visualRect(page.table.currentIndex()).isEmpty()


def test_a_search_shows_the_first_that_fits_which_is_of_the_readers_language(desk: Desk) -> None:
    keep_voice(JOE)
    page = desk.page("voice")
    page.select(JOE)
    page.search.setText("woman")
    first = page.filter.row(page.filter.index(0, 0))
    assert page.row == first and first.base == "en" and first.person == "woman"
    page.table.setCurrentIndex(page.filter.index(1, 0))
    second = page.row
    page.search.clear()
    assert page.row == second != first, "what is found stays chosen"


def test_a_default_for_a_language_is_kept_with_the_whole_and_only_then(desk: Desk) -> None:
    for id in ("de_DE-thorsten-medium", "de_DE-kerstin-low"):
        keep_voice(id)
    page = desk.page("voice")
    page.select("de_DE-kerstin-low")
    assert "Thorsten speaks books in German, as long as you choose no other." in texts(page) and page.use.text() == "Use for German"
    assert state(page, "de_DE-thorsten-medium") == "used for German" and state(page, "de_DE-kerstin-low") == "on this computer"
    page.use.click()
    assert page.use.text() == "Back to the plugin's own choice (Thorsten)" and "Kerstin speaks books in German, as you chose." in texts(page)
    assert state(page, "de_DE-thorsten-medium") == "on this computer" and state(page, "de_DE-kerstin-low") == "used for German"
    desk.kept[-1].reject()
    assert prefs.load().voices == {}
    page = desk.page("voice")
    page.select("de_DE-kerstin-low")
    page.use.click()
    desk.accept()
    assert prefs.load().voices == {"de": "de_DE-kerstin-low"}
    page = desk.page("voice")
    page.select("de_DE-kerstin-low")
    page.use.click()
    desk.accept()
    assert prefs.load().voices == {}


def test_what_a_larger_window_has_more_is_the_lists(desk: Desk) -> None:
    page = desk.page("voice")
    page.window().resize(760, 700)
    until(lambda: page.window().height() == 700)
    before = page.table.height()
    page.window().resize(760, 900)
    until(lambda: page.table.height() == before + 200)


def test_who_is_left_among_all_languages_is_said_before_who_speaks_then(desk: Desk) -> None:
    keep_voice(JOE)
    prefs.change(voices={"en": "espeak"})
    page = desk.page("voice")
    page.select("espeak")
    page.use.click()
    left, then = page.work.label.text().splitlines()
    assert plain(left) == "eSpeak NG is not the chosen voice any more." and plain(then) == "Joe speaks books in English, as long as you choose no other."


@pytest.mark.parametrize("chosen", [{}, {"en": JOE}])
def test_a_voice_that_is_used_already_cannot_be_chosen_and_has_nothing_to_go_back_to(desk: Desk, chosen: dict[str, str]) -> None:
    keep_voice(JOE)
    prefs.change(voices=chosen)
    page = desk.page("voice")
    page.select(JOE)
    assert page.use.text() == "Use for English" and not page.use.isEnabled() and page.use.toolTip() == "It is used already"
    assert ("as you chose" if chosen else "as long as you choose no other") in page.spoken.text() and state(page, JOE) == "used for English"


def test_where_two_regions_have_voices_each_says_which_books_it_reads(desk: Desk) -> None:
    for id in (JOE, "en_GB-alan-medium"):
        keep_voice(id)
    page = desk.page("voice")
    page.select("en_GB-alan-medium")
    assert "Alan speaks books in English (United Kingdom), as long as you choose no other." in texts(page)
    assert page.use.isEnabled(), "it may read all English books"
    assert state(page, "en_GB-alan-medium") == "used for English (GB)" and state(page, JOE) == "used for English"


def test_heart_comes_with_the_engine_and_goes_with_it_and_her_like_are_got_as_all_voices(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    keep_voice(JOE)
    kept = voice_fetch.kept

    def ensure(*asked: Any) -> None:
        monkeypatch.setattr(voice_fetch, "kept", lambda voice: voice_fetch.Kept({}, {}) if voice.id == "emma" else kept(voice))

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    page = desk.page("voice")
    page.select("heart")
    heart = "Heart (woman), English (United States). Quality: very good."
    assert f"{heart} It is a part of the speech engine, and can be removed only together with it." in texts(page)
    assert state(page, "heart") == "used for English" and state(page, JOE) == "on this computer"
    assert page.play.isEnabled() and not page.get.isEnabled() and not page.remove.isEnabled() and "is a part of the speech engine" in page.remove.toolTip()
    page.play.click()
    until(lambda: bool(desk.questions.said))
    assert desk.questions.said[0][1:3] == ("heart", "en")
    page.play.click()
    page.select("emma")
    assert "8 MB are downloaded once" in texts(page) and "Apache 2.0" in texts(page) and page.get.isEnabled() and not page.samples.isVisible()
    page.get.click()
    until(lambda: page.row.here and not page._reading.running)  # the page looks again at what has come with her
    assert page.remove.isEnabled() and not page.remove.toolTip()


def test_a_voice_like_heart_s_is_told_with_what_it_needs_of_the_engine_as_long_as_that_is_not_there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure(*asked: Any) -> None:
        with_heart(monkeypatch)
        monkeypatch.setattr(voice_fetch, "kept", lambda voice: voice_fetch.Kept({}, {}) if voice.id == "fenrir" else None)

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    page = desk.page("voice")
    page.select("fenrir")
    assert "22 MB are downloaded once" in texts(page)
    page.get.click()
    until(lambda: "It takes 8 MB on this computer" in texts(page))
    page.select("kore")
    assert "8 MB are downloaded once" in texts(page), "the rest came with Fenrir"


def test_kokoros_own_voices_are_shown_where_calibre_has_them_and_are_calibres(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui.voice_offers import offers  # type: ignore[import-not-found]
    from calibre_plugins.e2a.plugin.speaking import calibre_kokoro

    about = {"url": "https://example.org/x", "sha256": "ab" * 32, "size": 3}
    sara = {**about, "url": "https://example.org/if_sara.bin", "lang": "i", "name": "Sara", "gender": "f", "grade": "C"}
    listed = {"model": about, "languages": {"i": {"lang": "it", "country": ""}}, "voices": {"if_sara": sara}}
    (tmp_path / f"kokoro-{'ab' * 6}").write_bytes(b"abc")
    monkeypatch.setattr(calibre_kokoro, "_calibre", lambda: (json.dumps(listed).encode(), tmp_path))
    assert "kokoro-if_sara" not in voices.catalogue(RESOURCES), "its voice is not downloaded yet"
    (tmp_path / f"if_sara-{'ab' * 6}.bin").write_bytes(b"abc")
    page = desk.page("voice")
    page.select("kokoro-if_sara")
    assert state(page, "kokoro-if_sara") == "Calibre's own"
    assert "Sara (Kokoro) (woman), Italian. It is Calibre's own; remove it there." in texts(page)
    assert not page.get.isEnabled() and not page.remove.isEnabled() and page.remove.toolTip() == "It is Calibre's own; remove it there."
    page.use.click()
    assert state(page, "kokoro-if_sara") == "used for Italian"
    offered = [offer.label() for offer in offers("it", RESOURCES, {}).voices if offer.here and offer.fits and not offer.mechanical]
    assert offered == ["Sara (Kokoro) (woman), good"]


def test_with_a_graphics_card_the_page_says_that_joe_reads_english(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    keep_voice(JOE)
    monkeypatch.setattr(speakers, "on_card", lambda device, resources: True)
    page = desk.page("voice")
    assert state(page, JOE) == "used for English" and state(page, "heart") == "on this computer"


def test_where_heart_could_not_be_had_the_engine_page_says_why_and_tries_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_layer()
    page = desk.page("engine")
    core, neural = page.layers["core"], page.layers["neural"]
    assert "Heart could not be had, so English books are read by Joe" in texts(page) and WHY in core.missed.text() and neural.missed.isHidden()
    core.again.click()
    wanted, then = desk.installed.pop()
    assert wanted == Wanted((), ("heart",))
    with_heart(monkeypatch)
    then(None)
    until(lambda: core.missed.isHidden() and core.again.isHidden())


def test_devices_are_tried_by_a_voice_that_each_can_speak(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    keep_voice("de_DE-thorsten-medium")
    assert device_page.here(RESOURCES) == ["de_DE-thorsten-medium"]


def test_a_voice_that_a_book_will_need_says_so_and_is_not_got_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *asked: keep_voice(id))
    page = desk.page("voice")
    page.select("it_IT-paola-medium")
    assert "Paola speaks books in Italian, and is downloaded (64 MB) when such a book is converted." in texts(page)
    assert state(page, "it_IT-paola-medium") == "not downloaded; for Italian" and "eSpeak" not in page.spoken.text()
    assert page.use.text() == "Use for Italian" and not page.use.isEnabled() and "“Get” does now" in page.use.toolTip()
    page.get.click()
    until(lambda: page.row.here and state(page, "it_IT-paola-medium") == "used for Italian")
    assert page.changes()["voices"] == {}


def test_a_voice_is_used_only_when_it_has_come(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def ensure(id: str, *asked: Any) -> None:
        fetched.append(id)
        if len(fetched) == 1:
            raise PluginError("voice_fetch_failed", voice=id, reason="the line was cut")
        keep_voice(id)

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    page = desk.page("voice")
    page.select("it_IT-riccardo-x_low")
    assert "Paola speaks books in Italian, and is downloaded" in texts(page)
    assert page.use.text() == "Get it and use it for Italian" and "all books in Italian" in page.use.toolTip() != page.get.toolTip()
    page.use.click()
    until(lambda: "the line was cut" in texts(page.work))
    assert page.changes()["voices"] == {}
    until(lambda: not page.work.visibleRegion().isEmpty())
    press(page.work.error)
    until(lambda: page.row.here and "Riccardo speaks books in Italian, as you chose." in texts(page))
    assert page.changes()["voices"] == {"it": "it_IT-riccardo-x_low"}


def test_what_was_said_of_one_voice_is_gone_with_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin import log

    def ensure(id: str, *asked: Any) -> None:
        raise PluginError("voice_fetch_failed", voice=id, reason="the line was cut")

    logged: list[str] = []
    monkeypatch.setattr(voices, "ensure_voice", ensure)
    monkeypatch.setattr(log.logging.Logger, "warning", lambda logger, words, *more: logged.append(words))
    page = desk.page("voice")
    page.window().resize(760, 600)  # as on any screen; Qt tells of a telephone's here, to which Calibre 9 fits a window
    buttons = (page.play, page.get, page.remove, page.own, page.use)
    page.select("it_IT-paola-medium")
    until(lambda: page.window().height() == 600)
    places = [button.pos() for button in buttons]
    page.get.click()
    until(lambda: page.work.error.isVisible())
    assert [button.pos() for button in buttons] == places, "what is told moves no button"
    page.work.error.fold.click()
    until(lambda: not page.work.error.details.visibleRegion().isEmpty())
    assert [button.pos() for button in buttons] == places
    assert "voice_fetch_failed | voice it_IT-paola-medium | reason the line was cut" in logged
    page.refresh()
    until(lambda: not page._reading.running)
    assert not page.work.error.isHidden(), "a look at what is here changes nothing"
    page.select("de_DE-thorsten-medium")
    assert page.work.error.isHidden()
    page.get.click()
    until(lambda: not page.work.error.isHidden())
    page.search.setText("nobody speaks like this")
    assert page.work.error.isHidden()
    page.search.clear()
    page.get.click()
    until(lambda: not page.work.error.isHidden())
    desk.kept[-1].preferences.show_page("sound")
    desk.kept[-1].preferences.show_page("voice")
    assert page.work.error.isHidden(), "after another page it may be mended"


def test_espeak_can_be_chosen_for_the_language_that_is_looked_at(desk: Desk) -> None:
    page = desk.page("voice")
    page.select("espeak")
    assert page.play.isEnabled() and not page.use.isEnabled() and page.use.toolTip() == "Choose a language above first"
    assert page.use.text() == "Use for a language: choose it under “Language”", "without a mouse held still over it"
    assert not page.get.isEnabled() and page.get.toolTip() == "It is a part of the speech engine, and is there"
    assert not page.remove.isEnabled() and page.remove.toolTip() == "It is a part of the speech engine, and can be removed only together with it."
    page.language.setCurrentIndex(page.language.findText("Welsh"))
    page.use.click()
    assert "eSpeak NG speaks books in Welsh, as you chose." in texts(page) and page.use.text() == "Back to the plugin's own choice (Gwryw Gogleddol)"
    desk.accept()
    assert prefs.load().voices == {"cy": "espeak"}


def test_espeak_is_for_languages_without_a_voice_and_is_not_shown_for_one_that_it_does_not_read(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> list[str]:
        return [page.filter.row(page.filter.index(number, 0)).id for number in range(page.filter.rowCount())]

    (own := tmp_path / "mine.onnx").write_bytes(b"")
    prefs.change(files={str(own): "ja"})
    page = desk.page("voice")
    page._library = ("en", "ja", "th")
    assert state(page, "espeak") == "part of the speech engine"
    page.select("espeak")
    assert "It is for books in a language that no other voice here speaks" in texts(page)
    assert "does not know these languages, in which your library has books: Japanese." in texts(page)
    page.language.setCurrentIndex(page.language.findData("ja"))
    assert shown() == [str(own)]
    page._use_of.choose("ja", "espeak")
    assert shown() == [str(own), "espeak"], "what was chosen is seen, to be taken back"
    page.language.setCurrentIndex(page.language.findData("cy"))
    assert "espeak" in shown()


def test_a_choice_of_espeak_is_taken_back_wherever_one_sees_it(desk: Desk) -> None:
    prefs.change(voices={"cy": "espeak", "ca": "espeak", "de": "de_DE-kerstin-low"})
    page = desk.page("voice")
    page.select("espeak")
    assert page.use.isEnabled() and page.use.text() == "Back to the plugin's own choices for Catalan, Welsh"
    page.language.setCurrentIndex(page.language.findText("Catalan"))
    page._select("espeak")
    assert page.use.text() == "Back to the plugin's own choice (UPC Ona)"
    page.use.click()
    assert page.use.text() == "Use for Catalan" and "UPC Ona speaks books in Catalan, and is downloaded" in texts(page)
    page.language.setCurrentIndex(0)
    page.select("espeak")
    page.use.click()
    assert not page.use.isEnabled() and "Gwryw Gogleddol speaks books in Welsh, and is downloaded" in texts(page.work)
    desk.accept()
    assert prefs.load().voices == {"de": "de_DE-kerstin-low"}


def test_who_is_heard_is_told_where_somebody_states_it_and_all_can_be_heard_on_the_web(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui import links  # type: ignore[import-not-found]

    opened: list[str] = []
    monkeypatch.setattr(links, "open_url", opened.append)
    page = desk.page("voice")
    page.select("fr_FR-siwis-medium")
    assert "Siwis (woman), French (France)" in texts(page) and page.filter.index(page.table.currentIndex().row(), 1).data() == "Siwis (woman)"
    page.select("it_IT-paola-medium")
    assert "Paola, Italian" in texts(page)
    assert "in your browser" in page.samples.text() and not page.samples.isHidden() and not opened
    page.samples.linkActivated.emit("https://rhasspy.github.io/piper-samples/")
    page.samples.linkActivated.emit("file:///etc/passwd")
    assert opened == ["https://rhasspy.github.io/piper-samples/"]
    page.select("espeak")
    assert page.samples.isHidden(), "it is not among them"


@pytest.mark.parametrize(
    ("tag", "name"), [("zh-Hant", "Chinese (Traditional Han)"), ("sr-Latn-RS", "Serbian (Latin, RS)"), ("en-GB", "English (GB)"), ("it", "Italian")]
)
def test_a_language_is_named_with_its_script_and_region(desk: Desk, tag: str, name: str) -> None:
    from calibre_plugins.e2a.plugin.gui.language_names import short_name  # type: ignore[import-not-found]

    assert short_name(tag) == name


def test_one_of_many_speakers_is_chosen(desk: Desk) -> None:
    keep_voice(MANY, ("p1", "p2", "p3"))
    page = desk.page("voice")
    page.select(MANY)
    assert [page.speaker.itemText(n) for n in range(page.speaker.count())] == ["p1", "p2", "p3"] and not page.speaker.isHidden()
    page.speaker.setCurrentIndex(1)
    page.use.click()
    page.play.click()
    until(lambda: bool(desk.played))
    assert desk.questions.said[0][1] == f"{MANY}#p2"
    desk.accept()
    assert prefs.load().voices == {"en": f"{MANY}#p2"}
    page = desk.page("voice")
    page.select(MANY)
    assert page.speaker.currentText() == "p2"
    page.select("en_US-amy-medium")
    assert page.speaker.isHidden()


def test_a_voice_is_removed_when_the_user_says_so_and_is_nobodys_default_then(desk: Desk) -> None:
    folder = keep_voice(JOE)
    prefs.change(voices={"en": JOE, "de": "espeak"})
    page = desk.page("voice")
    page.select(JOE)
    desk.answer = False
    page.remove.click()
    assert folder.is_dir() and JOE.split("-")[1].title() in desk.asked[0]
    desk.answer = True
    desk.busy = True
    page.remove.click()
    until(lambda: "a book is being converted" in texts(page.work))
    assert folder.is_dir() and prefs.load().voices["en"] == JOE and len(desk.asked) == 1, "nobody is asked about what cannot be"
    desk.busy = False
    press(page.work.error)
    until(lambda: not page.row.here)
    assert not folder.exists() and prefs.load().voices == {"de": "espeak"} and desk.questions.closed


def test_a_voice_of_ones_own(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences.own_voice import OwnVoice  # type: ignore[import-not-found]
    from qt.core import QDialogButtonBox

    model = tmp_path / "mine.onnx"
    page = desk.page("voice")

    def choose(dialog: Any) -> bool:
        ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
        dialog.show()
        assert not ok.isEnabled()
        dialog.line.setText(str(model))
        until(lambda: not dialog.problem.isHidden())
        assert not ok.isEnabled() and "no voice: neither an .onnx" in texts(dialog)
        model.write_bytes(b"model")
        dialog.line.setText(f" {model}")
        until(lambda: "its description, mine.onnx.json, is not beside it" in texts(dialog))
        assert not ok.isEnabled()
        (tmp_path / "mine.onnx.json").write_text(json.dumps({"language": {"code": "de_DE"}}))
        dialog.line.setText("")
        dialog.line.setText(str(model))
        until(ok.isEnabled)
        assert dialog.problem.isHidden() and dialog.base() == "de", "its language is read from its description"
        return True

    monkeypatch.setattr(OwnVoice, "exec", choose)
    prefs.change(voices={"de": "espeak"})
    page = desk.page("voice")
    page.language.setCurrentIndex(page.language.findData("de"))
    page.own.click()
    assert page.row.id == str(model) and page.row.own and page.play.isEnabled() and page.language.currentData() == "de", "what is looked for stays"
    assert "mine is in the list now" in page.work.label.text() and "“Use for German”" in page.work.label.text() and page.use.text() == "Use for German"
    desk.kept[-1].reject()
    assert prefs.load().voices == {"de": "espeak"} and prefs.load().files == {str(model): "de"}, "it is in the list, and reads nothing yet"
    page = desk.page("voice")
    page.select(str(model))
    monkeypatch.setattr(OwnVoice, "exec", lambda dialog: dialog.line.setText(str(model)) is None)
    page.own.click()
    assert "is in the list now" in page.work.label.text()
    page.use.click()
    assert page.work.label.isHidden() and "mine speaks books in German, as you chose." in page.spoken.text(), "what it said to press is pressed"
    desk.accept()
    assert prefs.load().voices == {"de": str(model)}
    model.rename(tmp_path / "away.onnx")
    page = desk.page("voice")
    page.select(str(model))
    assert not page.play.isEnabled() and "its file is gone" in page.model._state(page.row)
    (tmp_path / "away.onnx").rename(model)
    page.remove.click()
    until(lambda: not page.work.running)
    assert "its file stays where it is. eSpeak NG speaks books in German, as you chose." in page.work.label.text()
    assert all(row.id != str(model) for row in page.model.rows())
    desk.accept()
    assert (prefs.load().voices, prefs.load().files) == ({"de": "espeak"}, {}), "who read before does so again"
    assert model.is_file(), "the user's file stays"


def test_a_voice_of_ones_own_is_off_the_list_though_ok_comes_while_it_is_measured_what_it_leaves(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences import voice_removal

    measured = threading.Event()
    monkeypatch.setattr(voice_removal, "left_by", lambda *asked: "Much is left." if measured.wait(20) else "")
    mine, other = str(tmp_path / "coqui"), str(tmp_path / "other.onnx")
    prefs.change(files={mine: "de"}, voices={"de": mine}, before={"de": "espeak"})
    page = desk.page("voice")
    page.select(mine)
    page.remove.click()
    assert all(row.id != mine for row in page.model.rows()) and "coqui is not in the list any more" in page.work.label.text()
    prefs.change(files={**prefs.load().files, other: "de"})
    desk.accept()
    measured.set()
    assert (prefs.load().files, prefs.load().voices, prefs.load().before) == ({other: "de"}, {"de": "espeak"}, {})
    prefs.change(files={mine: "de", other: "de"})
    page = desk.page("voice")
    page.select(mine)
    page.remove.click()
    until(lambda: not page.work.running)
    assert page.work.label.text().startswith("coqui is not in the list any more") and page.work.label.text().endswith("Much is left.")


def test_removing_a_voice_of_ones_own_that_nothing_was_before_says_that_the_plugin_chooses(desk: Desk, tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(b"model")
    prefs.change(voices={"en": str(mine)})  # as an earlier version kept it: in no list
    page = desk.page("voice")
    page.select(str(mine))
    page.remove.click()
    until(lambda: "Joe speaks books in English" in page.work.label.text())
    assert prefs.load().voices == {} and mine.is_file()


def test_a_voice_of_ones_own_can_be_chosen_for_a_book_in_its_language(desk: Desk, tmp_path: Path) -> None:
    from calibre_plugins.e2a.plugin.gui.voice_offers import offers  # type: ignore[import-not-found]

    mine = tmp_path / "mine.onnx"
    files = {str(mine): "de"}
    there = lambda language: [offer.name for offer in offers(language, RESOURCES, {}, files=files).voices if offer.id == str(mine)]  # noqa: E731
    assert there("de-AT") == [], "its file is gone"
    mine.write_bytes(b"model")
    assert there("de-AT") == ["mine"] and there("fr") == []


def test_where_nothing_can_be_heard_the_button_says_so_in_a_line_and_is_play_again(desk: Desk) -> None:
    keep_voice(JOE)
    page = desk.page("voice")
    page.select(JOE)
    page.play.click()
    until(lambda: bool(desk.played))
    assert page.play.text() == "Preparing…", "nothing runs yet"
    page.player.started.emit()
    assert page.play.text() == "Stop"
    page.player.unheard.emit()
    assert page.play.text() == "Play" and "Nothing can be heard" in page.work.label.text() and page.work.error.isHidden()
    page.play.click()
    until(lambda: len(desk.played) == 2)
    assert not page.work.label.isVisible(), "it is tried anew"
    page.play.click()
    assert page.play.text() == "Play" and not page.player.busy


def test_the_sign_on_play_has_the_colour_of_its_word_in_a_light_and_a_dark_style(desk: Desk) -> None:
    from qt.core import QColor, QIcon, QPalette

    def middle(mode: Any) -> str:
        image = page.play.icon().pixmap(page.play.iconSize(), mode).toImage()
        return str(image.pixelColor(image.width() // 2, image.height() // 2).name())

    page = desk.page("voice")
    for colour in ("#123456", "#f0f0f0"):
        palette = page.play.palette()
        palette.setColor(QPalette.ColorGroup.Active, QPalette.ColorRole.ButtonText, QColor(colour))
        palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText, QColor("#777777"))
        page.play.setPalette(palette)
        assert (middle(QIcon.Mode.Normal), middle(QIcon.Mode.Disabled)) == (colour, "#777777")


@pytest.mark.parametrize("points", [9, 13])
def test_names_and_states_of_the_voices_are_read_before_their_size_in_a_larger_font_too(desk: Desk, points: int) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences.voice_table import NAME, STATE
    from qt.core import QFont, QFontMetrics

    keep_voice(JOE)
    page = desk.page("voice")
    font = page.table.font()
    font.setPointSize(points)
    page.table.setFont(font)
    desk.kept[-1].resize(650, 650)
    until(lambda: desk.kept[-1].width() == 650)
    bold = QFont(font)
    bold.setBold(True)
    for column, words in ((NAME, "Joe (man)"), (STATE, "used for English")):
        assert page.table.columnWidth(column) >= QFontMetrics(bold).horizontalAdvance(words) + 4
    assert sum(map(page.table.columnWidth, range(5))) <= page.table.viewport().width()


@pytest.mark.parametrize(("points", "size"), [(9, (700, 560)), (13, (900, 600))])
def test_the_list_scrolls_and_the_page_around_it_does_not(desk: Desk, points: int, size: tuple[int, int]) -> None:
    from qt.core import QFont, QScrollArea, QWidget

    keep_voice(JOE)
    page = desk.page("voice")
    for widget in (page.window(), *page.window().findChildren(QWidget)):
        font = QFont(widget.font())
        font.setPointSize(points)
        widget.setFont(font)
    page.window().resize(*size)
    page.select(JOE)
    around = next(area for area in page.findChildren(QScrollArea) if area.isAncestorOf(page.table))
    until(lambda: page.window().height() == size[1] and page.table.verticalScrollBar().isVisible())
    until(lambda: not around.verticalScrollBar().isVisible(), 2)
    assert not page.use.visibleRegion().isEmpty() and not page.details.visibleRegion().isEmpty()


def test_at_its_first_width_the_list_cuts_few_states(desk: Desk) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences.voice_table import STATE
    from qt.core import QFontMetrics

    page = desk.page("voice")
    until(lambda: page.model.rowCount() > 0)
    words = next(words for row in page.model.rows() if (words := page.model.words(row, STATE)).endswith("; for Catalan"))
    page.window().resize(page.window().sizeHint())  # Calibre 9 fits it to the screen, which is a telephone's here
    needed = QFontMetrics(page.table.font()).horizontalAdvance(words) + 4
    until(lambda: page.table.columnWidth(STATE) >= needed)


def test_what_play_cannot_use_is_said_of_the_voice_and_leads_nowhere_where_one_stands(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(*asked: Any) -> None:
        raise PluginError("voice_broken", voice="mine", reason="mine.onnx is not an ONNX model")

    monkeypatch.setattr(desk.questions, "say", say)
    keep_voice(JOE)
    page = desk.page("voice")
    page.play.click()
    until(lambda: not page.work.error.isHidden())
    assert "audiobook" not in page.work.error.happened.text() and page.work.error.button.isHidden() and page.work.error.other.isHidden()


# ---- devices -----------------------------------------------------------------------------------------------------------

NEURAL, SYSTEM = "Needs the extra part", "the system's own way"
ARC, APPLE, SECOND = Gpu("Intel Arc A770 Graphics", "Intel", "xpu"), Gpu("Apple M2", "Apple", "mps"), Gpu("NVIDIA GeForce GTX 1080", "NVIDIA", "cuda")
RADEON = Gpu("AMD Radeon RX 7900 XTX", "AMD", "rocm")
TABLE = [
    ("linux", (NVIDIA, SECOND), "", False, [("NVIDIA GeForce RTX 4070", "cuda:0", NEURAL), ("NVIDIA GeForce GTX 1080", "cuda:1", NEURAL)]),
    ("linux", (RADEON,), "", False, [("AMD Radeon RX 7900 XTX", "cuda:0", NEURAL)]),
    ("linux", (NVIDIA, ARC), "cuda", False, [("NVIDIA GeForce RTX 4070", "cuda:0", ""), ("Intel Arc A770 Graphics", "xpu:0", "is for NVIDIA (CUDA)")]),
    ("linux", (OLD_AMD,), "cpu", False, [("AMD Radeon RX 580", "", "cannot be used")]),
    ("linux", (Gpu("NVIDIA GeForce GT 710", "NVIDIA", ""),), "", False, [("NVIDIA GeForce GT 710", "", "driver is not installed")]),
    ("win32", (NVIDIA,), "cpu", False, [("NVIDIA GeForce RTX 4070", "cuda:0", "this card needs the one for NVIDIA")]),
    ("win32", (ARC,), "xpu", False, [("Intel Arc A770 Graphics", "xpu:0", "")]),
    ("win32", (OLD_AMD,), "", False, [("AMD Radeon RX 580", "", "PyTorch does not support it")]),
    ("win32", (OLD_AMD,), "", True, [("AMD Radeon RX 580, by DirectML", "dml:0", SYSTEM)]),
    ("darwin", (APPLE,), "", False, [("Apple M2", "mps", NEURAL), ("Apple M2, by CoreML", "coreml", SYSTEM)]),
    ("darwin", (APPLE,), "cpu", False, [("Apple M2", "mps", ""), ("Apple M2, by CoreML", "coreml", SYSTEM)]),
    ("darwin", (Gpu("AMD Radeon Pro 5300M", "AMD", ""),), "", False, [("AMD Radeon Pro 5300M, by CoreML", "coreml", SYSTEM)]),
]


@pytest.mark.parametrize(("platform", "cards", "neural", "directml", "shown"), TABLE)
def test_cards_are_shown_by_name_and_choosing_one_keeps_the_wires_word_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, platform: str, cards: tuple[Gpu, ...], neural: str, directml: bool, shown: list[tuple[str, str, str]]
) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences import device, device_rows

    installed = device_rows.Installed(neural, directml)
    monkeypatch.setattr(device, "look", lambda *asked: device.Found(cards, "cuda", installed, ()))
    monkeypatch.setattr(device, "rows", lambda *asked: device_rows.rows(*asked, platform=platform))
    page = desk.page("device")
    radios = {radio.text(): radio for radio in page._group.buttons()}
    assert "Automatic" in radios and "CPU" in radios and radios["Automatic"].isChecked()
    assert [name for name in radios if name not in ("Automatic", "CPU", "CPU (PyTorch)")] == [name for name, _device, _note in shown]
    for name, device_id, note in shown:
        row = next(row for row in page._rows if row.name == name)
        assert note in row.note and bool(row.note) == bool(note) and row.device == device_id and radios[name].isEnabled() == bool(device_id)
        assert note in texts(page)
    name, device_id, _note = shown[0]
    radios[name].click()
    desk.accept()
    assert prefs.load().device == (device_id or "auto") and speakers.DEVICE.fullmatch(prefs.load().device)


def test_what_was_measured_is_remembered_and_a_test_says_it_anew(desk: Desk) -> None:
    keep_voice(JOE)
    layer = runtime.Layer("core", keep_layer(), paths.layers_dir())
    speeds.remember(speakers.key_of(voices.wire_voice(JOE, "", RESOURCES), layer, ()), (CPU,))
    page = desk.page("device")
    assert "Joe speaks 22 times as fast as one listens." in texts(page)
    desk.questions.devices = (
        Device("cpu", "x", True, "", 30.0),
        Device("cpu-torch", "x", False, "it gave silence"),
        Device("cuda:0", "A new card", True, "", 99.0),
    )
    desk.questions.go.clear()
    page.test.click()
    until(lambda: bool(desk.questions.probed))
    assert not page.test.isEnabled() and not page.work.stop_button.isHidden()
    page.work.stop_button.click()
    until(lambda: page.test.isEnabled())
    assert "Joe speaks 22 times" in texts(page), "a test that is stopped changes nothing"
    desk.questions.go.set()
    page.test.click()
    until(lambda: "Joe speaks 30 times" in texts(page))
    assert desk.questions.probed == [JOE, JOE] and "Joe speaks 99 times" in texts(page) and "A new card" in [radio.text() for radio in page._group.buttons()]


def test_a_test_beside_a_conversion_says_that_its_speeds_are_too_low(desk: Desk) -> None:
    desk.busy = True
    keep_voice(JOE)
    page = desk.page("device")
    page.test.click()
    until(lambda: "Joe speaks 22 times" in texts(page))
    assert "A book was being converted meanwhile" in texts(page.work)
    assert "Joe speaks 22 times as fast as one listens. That was measured while a book was being converted." in texts(page)
    desk.busy = False
    page.test.click()
    until(lambda: len(desk.questions.probed) == 2 and page.test.isEnabled())
    assert "meanwhile" not in texts(page.work) and "while a book" not in texts(page)


def test_with_heart_alone_a_test_measures_her_on_the_cpu_and_a_voice_for_all_devices_can_be_got(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = runtime.Layer("core", keep_layer(), paths.layers_dir())
    with_heart(monkeypatch)
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *more: keep_voice(id))
    desk.questions.devices = (Device("cpu", "x", True, "", None),)
    page = desk.page("device")
    until(lambda: not page.get.isHidden())
    assert "Heart, " in texts(page) and "Kokoro's own voices and eSpeak are always spoken by the CPU, whatever is chosen here" in texts(page)
    assert "“Test all” tells how fast the CPU speaks with the voice Heart." in texts(page), "there is no other device"
    assert "“Get Joe (63 MB) and test” downloads Joe, and tells how fast the CPU speaks with it." in texts(page)
    assert "without a graphics card that is the CPU." in texts(page) and "all devices" not in texts(page)
    assert "Lets the CPU speak" in page.test.toolTip() and "lets the CPU speak" in page.get.toolTip()
    page.test.click()
    until(lambda: "Heart speaks 62 times as fast as one listens." in texts(page))
    assert desk.questions.probed == [None] and desk.questions.measured == [("heart", "en-US")] and not texts(page.work).strip()
    desk.questions.devices = (CPU,)
    page.get.click()
    until(lambda: "Joe speaks 22 times" in texts(page))
    assert desk.questions.probed == [None, JOE] and page.get.isHidden()
    assert "“Test all” tells how fast the CPU speaks with: Joe, Heart." in texts(page)
    assert "Heart speaks 62 times" in texts(page)
    until(page.test.isEnabled)
    assert "each device" not in page.test.toolTip()
    speeds.remember(speakers.key_of(voices.wire_voice("heart", "", RESOURCES), layer, ()), (Device("cpu", "x", True, "", 8.25),))
    assert "Heart speaks 8.2 times as fast as one listens." in texts(desk.page("device")), "what is remembered"


def test_each_button_that_measures_is_said_for_the_devices_that_there_are() -> None:
    from calibre_plugins.e2a.plugin.gui.preferences import device_rows

    get, own = "Get Joe", ("heart",)
    several, by_cpu = device_rows.about_test(own, "", get, RESOURCES), device_rows.about_test(own, JOE, "", RESOURCES)
    assert several[0] == "“Test all” tells how fast the CPU speaks with the voice Heart, and which other devices work."
    assert several[1] == "“Get Joe” downloads Joe, which every device can speak, and tells how fast each does."
    assert by_cpu == ["“Test all” tells how fast each device speaks with the voice Joe, and how fast the CPU speaks with Heart."]
    assert device_rows.about_test((), JOE, "", RESOURCES, alone=True) == ["“Test all” tells how fast the CPU speaks with the voice Joe."]


def test_the_voices_that_a_test_measures_are_those_that_the_reader_uses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_layer()
    assert device_page.spoken_by_cpu(prefs.Settings(), RESOURCES) == ("espeak",), "there is no other"
    with_heart(monkeypatch)
    assert device_page.spoken_by_cpu(prefs.Settings(), RESOURCES) == ("heart",)
    assert device_page.spoken_by_cpu(prefs.Settings(voices={"en": "fenrir", "de": "espeak", "fr": "fr_FR-upmc-medium"}), RESOURCES) == ("espeak",)
    keep_voice(JOE)
    assert device_page.spoken_by_cpu(prefs.Settings(voices={"en": JOE}), RESOURCES) == ()


def test_a_voice_that_could_not_be_spoken_says_so_in_its_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_layer()
    with_heart(monkeypatch)
    desk.questions.devices, desk.busy = (Device("cpu", "x", True, "", None),), True
    desk.questions.own = Device("cpu", "x", False, "the package hibari-tts is damaged")
    page = desk.page("device")
    page.test.click()
    until(lambda: "Heart could not be spoken: the package hibari-tts is damaged" in texts(page))
    assert "too low" not in texts(page.work), "nothing was measured, though a book was converted"


def test_what_a_test_tells_stands_at_its_button(desk: Desk) -> None:
    desk.busy = True
    page = desk.page("device")
    page.window().resize(760, 560)
    page.test.click()
    until(lambda: "A book was being converted meanwhile" in texts(page.work) and not page.work.label.visibleRegion().isEmpty())
    told, pressed = (part.mapTo(page, part.rect().topLeft()).y() for part in (page.work, page.test))
    assert told < pressed <= told + page.work.height() + 3 * page.fontMetrics().lineSpacing() and not page.test.visibleRegion().isEmpty()


def test_a_card_that_the_engine_does_not_find_says_so_when_it_was_tried(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "found", lambda *a, **k: (ARC,))
    keep_layer("neural", "xpu")
    desk.questions.devices = (CPU, Device("xpu", ARC.name, False, "PyTorch does not find it"))
    page = desk.page("device")
    page.test.click()
    until(lambda: "Cannot be used: PyTorch does not find it" in texts(page))


@pytest.mark.parametrize(("card", "offered"), [(NVIDIA, True), (ARC, False)])
def test_half_precision_is_offered_where_a_card_could_use_it(desk: Desk, monkeypatch: pytest.MonkeyPatch, card: Any, offered: bool) -> None:
    monkeypatch.setattr(gpus, "found", lambda *a, **k: (card,))
    page = desk.page("device")
    until(lambda: card.name in [row.name for row in page._rows])
    assert page.half.isHidden() == page.about_half.isHidden() == (not offered) and page.changes()["precision"] == "float32"
    if offered:
        page.half.click()
        assert page.changes()["precision"] == "half"


def test_half_precision_can_be_taken_back_when_the_card_is_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    prefs.change(precision="half")
    page = desk.page("device")
    assert not page.half.isHidden() and page.half.isChecked()
    page.half.click()
    assert page.changes()["precision"] == "float32"


def test_the_keyboard_goes_through_the_devices_in_their_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from qt.core import QAbstractButton

    monkeypatch.setattr(gpus, "found", lambda *a, **k: (NVIDIA, SECOND))
    page = desk.page("device")
    reached: list[str] = []
    at = desk.kept[-1].preferences.tabs.tabBar()
    while not (reached and reached[-1] in ("OK", "&OK")):
        at = at.nextInFocusChain()
        while not isinstance(at, QAbstractButton):
            at = at.nextInFocusChain()
        reached.append(at.text())
    names = [row.name for row in page._rows]
    assert [text for text in reached if text in (*names, "&Test all")] == [*names, "&Test all"]


def test_a_device_that_fails_its_test_says_why(desk: Desk) -> None:
    keep_layer("neural")
    desk.questions.devices = (CPU, Device("cpu-torch", "x", False, "it gave silence"))
    page = desk.page("device")
    page.test.click()
    until(lambda: "it gave silence" in texts(page))
    assert desk.questions.probed == [None]


def test_a_test_that_fails_as_a_whole_offers_what_is_missing(desk: Desk) -> None:
    desk.questions.devices = PluginError("engine_missing", layer="core")
    page = desk.page("device")
    page.test.click()
    until(lambda: not page.work.error.isHidden())
    assert "not installed yet" in texts(page.work) and page.test.isEnabled()
    page.work.error.button.click()
    assert desk.installed[0][0].layers == ("core",)


def test_what_a_card_needs_is_installed_from_its_row(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from qt.core import QPushButton

    monkeypatch.setattr(gpus, "found", lambda *a, **k: (NVIDIA,))
    monkeypatch.delenv("E2A_TORCH", raising=False)
    page = desk.page("device")
    install = [made for made in page.findChildren(QPushButton) if NVIDIA.name in made.accessibleName()]
    install[0].click()
    wanted, then = desk.installed[0]
    assert wanted.layers == ("neural",) and "NVIDIA (CUDA)" in desk.asked[0] and "GB" in desk.asked[0]
    keep_layer("neural", "cuda")
    then(None)
    until(lambda: all(row.install == "" for row in page._rows))
    then(PluginError("engine_install_failed", step="torch", reason="the disk is full"))
    assert "the disk is full" in texts(page.work)
    desk.kept.pop().reject()
    until(lambda: True)


def test_another_build_takes_the_old_ones_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from qt.core import QPushButton

    monkeypatch.setattr(gpus, "found", lambda *a, **k: (NVIDIA,))
    monkeypatch.delenv("E2A_TORCH", raising=False)
    folder = keep_layer("neural", "cpu")
    page = desk.page("device")
    install = [made for made in page.findChildren(QPushButton) if NVIDIA.name in made.accessibleName()]
    desk.busy = True
    install[0].click()
    until(lambda: "a book is being converted" in texts(page.work))
    assert folder.is_dir() and not desk.installed and "GB" in desk.asked[0], "how much it is, is said before"
    desk.busy = False
    install[0].click()
    until(lambda: bool(desk.installed))
    assert not folder.exists() and desk.installed[0][0].layers == ("neural",)


def test_a_device_that_was_chosen_and_is_gone_stays_chosen_until_another_is(desk: Desk) -> None:
    prefs.change(device="cuda:3")
    page = desk.page("device")
    assert next(radio for radio in page._group.buttons() if radio.isChecked()).text() == "graphics card 4, chosen earlier"
    desk.accept()
    assert prefs.load().device == "cuda:3"


# ---- sound -------------------------------------------------------------------------------------------------------------


def test_what_is_usual_about_audiobooks_from_elsewhere_is_shown_and_taken_back(desk: Desk) -> None:
    def step(key: Any) -> None:
        """As with the keyboard, in the closed box."""
        QApplication.sendEvent(page.foreign.box, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))

    asked = list[str]()
    page = desk.page("sound")
    page.foreign._choose = lambda parent, name, title: asked.append(title)
    said = ["Ask what should happen"]
    assert not page.foreign.button.isEnabled() and "Replacing the one from elsewhere is not in this list" in page.foreign.about.text()
    for _again in range(3):
        step(Qt.Key.Key_Down)
        said.append(page.foreign.box.currentText())
    in_library, in_folder = "Keep both: the new one as a book of its own in the library", "Keep both: the new one in a folder"
    assert said[1:] == [in_library, in_folder, in_folder] and not asked, "to look opens nothing"
    page.foreign.button.click()
    assert page.foreign.place.text() == "" and asked == ["Folder for the new audiobooks"] and "Choose the folder, too" in page.foreign.about.text()
    desk.accept()
    assert (prefs.load().foreign, prefs.load().folder) == ("", ""), "no folder was chosen"
    page = desk.page("sound")
    step(Qt.Key.Key_End)
    for folder in ("/books", "/audiobooks"):
        page.foreign._choose = lambda *asked, folder=folder: folder
        page.foreign.button.click()
    assert page.foreign.place.text() == "/audiobooks" and "/audiobooks" in page.foreign.place.toolTip() and "Choose the folder" not in page.foreign.about.text()
    desk.accept()
    assert (prefs.load().foreign, prefs.load().folder) == ("folder", "/audiobooks")
    page = desk.page("sound")
    assert page.foreign.place.text() == "/audiobooks" and page.foreign.place.isEnabled() and page.foreign.button.isEnabled()
    for now in ("record", ""):
        page = desk.page("sound")
        step(Qt.Key.Key_Up)
        desk.accept()
        assert (prefs.load().foreign, prefs.load().folder) == (now, "")


def test_sound_is_kept_and_wrong_values_cannot_be_typed(desk: Desk) -> None:
    page = desk.page("sound")
    until(lambda: "by the voice eSpeak NG" in page.about_play.text())
    for typed, kept in (("3", 2.0), ("0.1", 0.5), ("1.25", 1.25)):
        page.speed.lineEdit().selectAll()
        page.speed.lineEdit().insert(typed)
        page.speed.interpretText()
        assert 0.5 <= page.speed.value() <= 2.0 and (typed != "1.25" or page.speed.value() == kept)
    page.pauses.setValue(0.8)
    page.bitrate.setCurrentIndex(page.bitrate.findData(96_000))
    assert "about 36 to 49 MB an hour" in page.bitrate.currentText() and page.bitrate.toolTip() == "96 kbit/s" and "no difference" in texts(page)
    page.ask.setChecked(False)
    desk.accept()
    found = prefs.load()
    assert (found.speed, found.pauses, found.bitrate, found.ask, found.used) == (1.25, 0.8, 96_000, False, True)
    page = desk.page("sound")
    assert page.speed.value() == 1.25 and not page.ask.isChecked()
    page.reset.click()
    desk.accept()
    assert (prefs.load().speed, prefs.load().pauses, prefs.load().bitrate) == (1.0, 1.0, 96_000)


def test_where_there_is_no_engine_play_offers_to_install_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(*asked: Any, **more: Any) -> None:
        raise PluginError("engine_missing", layer="core")

    monkeypatch.setattr(desk.questions, "say", say)
    for name in ("sound", "voice"):
        page = desk.page(name)
        if name == "voice":
            page.select("espeak")
        page.play.click()
        press(page.work.error)
    assert [wanted.layers for wanted, _then in desk.installed] == [("core",), ("core",)] and desk.installed[0][0].voices == ()


def test_an_error_leads_to_the_page_that_helps(desk: Desk) -> None:
    page = desk.page("device")
    desk.questions.devices = PluginError("protocol")
    page.test.click()
    press(page.work.error)
    assert desk.kept[-1].preferences.tabs.currentIndex() == 3


def test_a_voice_that_came_meanwhile_is_seen_when_the_page_is_shown_again(desk: Desk) -> None:
    page = desk.page("voice")
    page.select("de_DE-thorsten-medium")
    page.search.setText("german")
    keep_voice("de_DE-thorsten-medium")
    desk.kept[-1].preferences.show_page("sound")
    desk.kept[-1].preferences.show_page("voice")
    until(lambda: page.row is not None and page.row.here)
    assert page.row.id == "de_DE-thorsten-medium" and page.search.text() == "german"


def test_the_sample_has_the_speed_and_pauses_that_are_set_and_a_voice_that_is_here(desk: Desk) -> None:
    page = desk.page("sound")
    page.speed.setValue(1.5)
    page.pauses.setValue(2.0)
    page.play.click()
    until(lambda: len(desk.played) == 1)
    page.play.click()
    keep_voice(JOE)
    page.play.click()
    until(lambda: len(desk.played) == 2)
    assert [(voice, language, speed) for _text, voice, language, speed in desk.questions.said] == [("espeak", "en", 1.5), (JOE, "en", 1.5)]
    assert desk.questions.pauses == [2.0, 2.0]


def test_the_sample_is_by_the_voice_that_was_chosen_also_if_that_is_espeak(desk: Desk) -> None:
    keep_voice(JOE)
    assert sound.voice_to_try(RESOURCES, {}, "en").voice == JOE and sound.voice_to_try(RESOURCES, {"en": "espeak"}, "en").voice == "espeak"


# ---- the engine --------------------------------------------------------------------------------------------------------


def test_an_engine_that_is_not_there_can_be_installed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "standing", lambda resources: ())
    page = desk.page("engine")
    core, neural = page.layers["core"], page.layers["neural"]
    assert core.install.isEnabled() and not core.repair.isEnabled() and not core.remove.isEnabled()
    assert texts(page).count("Not installed.") == 2 and not page.empty.isEnabled()
    for layer in (core, neural):
        desk.answer = False
        layer.install.click()
        desk.answer = True
        layer.install.click()
        assert all(word in desk.asked[-1] for word in ("Time: about", "MB to download, from", "meanwhile follows", str(paths.engine_dir())))
    assert [wanted.layers for wanted, _then in desk.installed] == [("core",), ("neural",)] and "Install the basic part?" in desk.asked[0]
    keep_layer()  # another program was quicker
    desk.answer = False
    core.install.click()
    assert "Install the basic part?" in desk.asked[-1] and "extra part" not in desk.asked[-1]


def test_state_versions_and_sizes_are_told(desk: Desk) -> None:
    keep_layer()
    keep_layer("neural", "cuda")
    page = desk.page("engine")
    told = texts(page)
    assert told.count("Installed and complete.") == 2 and "Python 3.12" in page.layers["core"].state.toolTip() and "NVIDIA (CUDA)" in told
    assert page.folder.text() == str(paths.cache_home()) and "are free." in told and not page.layers["core"].install.isEnabled()


def test_a_layer_that_is_being_installed_is_left_alone(desk: Desk) -> None:
    (keep_layer() / "stamp.json").unlink()
    with sharing.only_one(lambda stage, done, text: None, lambda: False):
        core = desk.page("engine").layers["core"]
    assert "being installed now" in core.state.text() and not (core.install.isEnabled() or core.repair.isEnabled() or core.remove.isEnabled())


def test_while_something_is_done_its_buttons_are_off_and_its_state_says_what(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.engine import engine_care
    from calibre_plugins.e2a.plugin.gui.preferences import engine

    keep_layer()
    go = threading.Event()
    monkeypatch.setattr(engine_care, "speaks", lambda *asked: "" if go.wait(20) else "nobody lets it go on")
    monkeypatch.setattr(engine, "LOOK_MS", 10)
    page = desk.page("engine")
    core = page.layers["core"]
    alive = (core.install, core.repair, core.remove, page.layers["neural"].install, page.move_button, page.empty)
    core.repair.click()
    assert not any(button.isEnabled() for button in alive) and core.state.text() == "It is being tried now."
    desk.comes("core")
    go.set()
    until(lambda: bool(desk.installed))
    until(lambda: not page._looking.running and not page.work.running)
    assert not any(button.isEnabled() for button in alive) and "being installed now" in core.state.text()
    keep_layer("neural")  # meanwhile it ends, or somebody stops it in the Jobs list
    desk.underway.clear()
    until(lambda: core.install.isEnabled() and page.move_button.isEnabled())


def test_what_the_extra_part_takes_and_whom_it_serves_is_told_before_a_click(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2A_TORCH", raising=False)
    told = texts(desk.page("engine").layers["neural"])
    assert "MB. On the disk then: 2.1 GB." in told and "No graphics card was found in this computer" in told
    desk.page("engine").layers["neural"].install.click()
    assert "No graphics card speaks by it" in desk.asked[-1] and f"<br>{paths.engine_dir()}" in desk.asked[-1]
    monkeypatch.setattr(gpus, "found", lambda *a, **k: (NVIDIA,))
    told = texts(desk.page("engine").layers["neural"])
    assert "a graphics card that should be able to speak, too: NVIDIA GeForce RTX 4070" in told and "To download: " in told and "GB. On the disk then: " in told


def test_repairing_what_is_whole_says_so(desk: Desk) -> None:
    folder = keep_layer()
    page = desk.page("engine")
    desk.answer = False
    page.layers["core"].repair.click()
    until(lambda: "It is complete: it has just spoken." in texts(page.work))
    assert (folder / "stamp.json").is_file() and not desk.installed


@pytest.mark.parametrize("speaks", [False, True])
def test_repairing_installs_anew_what_does_not_speak_or_what_the_user_mistrusts(desk: Desk, speaks: bool) -> None:
    folder = keep_layer(speaks=speaks)
    page = desk.page("engine")
    desk.busy = True
    page.layers["core"].repair.click()
    until(lambda: "a book is being converted" in texts(page.work))
    assert "Not done: Repair Basic part" in texts(page.work)
    page.move_button.click()
    assert "Not done: Move the speech engine" in texts(page.work) and "Repair" not in texts(page.work), "a second refusal is seen to be another one"
    assert (folder / "stamp.json").is_file() and not desk.installed
    desk.busy = False
    page.layers["core"].repair.click()
    until(lambda: bool(desk.installed))
    assert not (folder / "stamp.json").exists() and desk.installed[0][0].layers == ("core",) and desk.questions.closed


def test_removing_asks_first(desk: Desk) -> None:
    folder = keep_layer("neural")
    page = desk.page("engine")
    desk.answer = False
    page.layers["neural"].remove.click()
    assert folder.is_dir() and "Extra part" in desk.asked[0] and "no book can be converted" in desk.asked[0]
    keep_layer()
    page.refresh()
    until(lambda: page.layers["core"].remove.isEnabled())
    page.layers["neural"].remove.click()
    page.layers["core"].remove.click()
    assert "Coqui voices and cloned voices cannot speak" in desk.asked[1] and "The extra part speaks without it" in desk.asked[2]
    assert "MB become free." in desk.asked[0] and "MB become free." in desk.asked[1] and "become free" not in desk.asked[2]
    desk.answer = True
    page.layers["neural"].remove.click()
    until(lambda: not folder.exists() and page.layers["neural"].install.isEnabled())
    assert "removed" in texts(page.work)


def test_who_needs_the_extra_part_is_said_before_it_is_removed(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "clones"))
    keep_layer()
    keep_layer("neural")
    (sample := tmp_path / "sample.flac").write_bytes(b"a voice")
    anna = clones.add(sample, "Anna", "freevc24", "", clones.Measures(27.6))
    prefs.save(prefs.Settings(voices={"en": anna.id, "it": "/voices/coqui folder", "de": "/voices/mine.onnx"}))
    page = desk.page("engine")
    desk.answer = False
    page.layers["neural"].remove.click()
    assert "Your clones need it: Anna." in desk.asked[0] and "mine" not in desk.asked[0]
    for who in ("Anna (clone) reads books in English", "coqui folder reads books in Italian"):
        assert f"{who}: choose another voice for them, or this part has to be downloaded again" in desk.asked[0]


def test_a_device_that_speaks_by_the_extra_part_alone_is_automatic_when_that_is_removed_and_it_is_said(desk: Desk) -> None:
    keep_layer()
    keep_layer("neural")
    prefs.change(device="cuda:0")
    page = desk.page("engine")
    desk.kept[-1].preferences.page("device")
    desk.answer = False
    page.layers["neural"].remove.click()
    assert "“Device” is set to: graphics card. It becomes Automatic." in desk.asked[-1] and prefs.load().device == "cuda:0"
    desk.answer = True
    page.layers["neural"].remove.click()
    until(lambda: "“Device” is set to Automatic now." in texts(page.work))
    desk.accept()
    assert prefs.load().device == "auto", "also where the page of devices still had the other one"


@pytest.mark.parametrize("phase", ["before", "final"])
def test_what_was_pressed_to_stop_says_how_it_ended_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    from calibre_plugins.e2a.plugin.engine import engine_care

    go, remove = threading.Event(), engine_care.remove_tree

    def slowly(folder: Path) -> bool:
        return go.wait(20) and bool(remove(folder))

    monkeypatch.setattr(engine_care, "remove_tree", slowly)
    folder = keep_layer()
    page = desk.page("engine")
    with sharing.only_one(lambda *told: None, lambda: False) if phase == "before" else nullcontext():
        page.layers["core"].remove.click()
        until(lambda: "another installation" in texts(page.work) if phase == "before" else "this cannot be stopped" in texts(page.work))
        assert page.work.stop_button.isEnabled() == (phase == "before") and bool(page.work.stop_button.toolTip()) == (phase == "final")
        page.work.stop_button.click()
        go.set()
        until(lambda: not page.work.running)
    said = "Stopped." if phase == "before" else "It was removed."
    assert page.work.label.text() == said and page.work.bar.isHidden() and folder.is_dir() == (phase == "before")


def test_stop_pressed_as_the_last_step_begins_hides_nothing_of_the_end(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui import engine_folder

    keep_layer()
    page, told, seen = desk.page("engine"), threading.Event(), threading.Event()
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(engine_folder, "choose_dir", lambda *a, **k: str(tmp_path / "disk"))

    def flushed(show: Any, stopped: Any) -> None:
        show(Step("move", None, None, "it is written"))
        assert told.wait(20)
        show(Step("move", 0.9, None, "it is written still"))
        assert seen.wait(20)

    monkeypatch.setattr(engine_move, "_flush", flushed)
    page.move_button.click()
    until(lambda: "written" in texts(page.work))
    page.work.stop_button.click()
    assert not page.work.stop_button.isEnabled() and "Stopping" in page.work.label.text()
    told.set()
    until(lambda: page.work.bar.value() == 900)
    assert page.work.label.text() == "Stopping…", "what is still done meanwhile says nothing else"
    seen.set()
    until(lambda: "It was moved" in page.work.label.text())


@pytest.mark.parametrize("way", ["remove", "repair", "another build"])
def test_stop_pressed_while_a_kept_voice_still_leaves_removes_nothing_and_begins_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    from qt.core import QPushButton

    monkeypatch.setattr(gpus, "found", lambda *a, **k: (NVIDIA,))
    monkeypatch.delenv("E2A_TORCH", raising=False)
    leaving, gone = threading.Event(), threading.Event()

    def release() -> None:
        leaving.set()
        assert gone.wait(20)

    desk.context = replace(desk.context, release=release)
    folder = keep_layer("neural", "cpu", speaks=False)
    page = desk.page("device" if way == "another build" else "engine")
    if way == "another build":
        next(made for made in page.findChildren(QPushButton) if NVIDIA.name in made.accessibleName()).click()
    else:
        getattr(page.layers["neural"], way).click()
    until(leaving.is_set)
    page.work.stop_button.click()
    gone.set()
    until(lambda: not page.work.running)
    assert page.work.label.text() == "Stopped." and (folder / "stamp.json").is_file() and not desk.installed


def test_a_button_that_goes_off_does_not_let_the_page_jump(desk: Desk) -> None:
    page = desk.page("engine")
    core = page.layers["core"]
    page.window().activateWindow()
    core.install.setFocus()
    until(core.install.hasFocus)
    core.install.click()
    desk.comes("core")
    until(lambda: not core.install.isEnabled())
    assert not page.folder.hasFocus() and page.work.hasFocus()


def test_moving_and_where_it_cannot_go(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui import engine_folder

    keep_layer()
    keep_voice(JOE)
    store = paths.clips_dir() / "clips.sqlite"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"x" * 3_000_000)
    page = desk.page("engine")
    target = tmp_path / "disk"
    chosen = [None, str(paths.cache_home() / "layers"), str(target), str(target)]
    full = target / "convert-to-audiobook"
    full.mkdir(parents=True)
    (full / "letter.txt").write_text("mine")
    monkeypatch.setattr(engine_folder, "choose_dir", lambda *a, **k: chosen.pop(0))
    page.move_button.click()
    assert not desk.asked
    page.move_button.click()
    until(lambda: not page.work.error.isHidden())
    assert "inside" in texts(page.work) and not desk.asked
    press(page.work.error)  # choose another one
    until(lambda: "not empty" in texts(page.work))
    assert str(full) in texts(page.work) and not desk.asked
    (full / "letter.txt").rename(target / "letter.txt")
    press(page.work.error)
    until(lambda: page.folder.text() == str(full))
    assert f"<br>{full}<br>" in desk.asked[0] and "They take 3 MB there, and may take 20 GB" in desk.asked[0] and str(store.parent) in desk.asked[0]
    assert sorted(path.name for path in target.iterdir()) == [full.name, "letter.txt"]
    assert "moved" in texts(page.work) and engine_move.was_moved() and runtime.find_layer("core", RESOURCES) and voices.is_here(JOE, RESOURCES)


def test_a_move_that_is_stopped_says_that_the_engine_stays(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui import engine_folder

    keep_layer()
    page, before = desk.page("engine"), paths.engine_dir()
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(engine_folder, "choose_dir", lambda *a, **k: str(tmp_path / "disk"))

    def copied(old: Path, target: Path, show: Any, stopped: Any) -> None:
        show(Step("move", 0.5, None, "half is there"))
        while not stopped():
            time.sleep(0.005)
        raise Stopped

    monkeypatch.setattr(engine_move, "_copy", copied)
    page.move_button.click()
    until(lambda: "Half" in texts(page.work))
    page.work.stop_button.click()
    until(lambda: not page.work.running)
    assert page.work.label.text() == "Stopped. The speech engine stays where it is." and paths.engine_dir() == before


def test_another_folder_is_chosen_where_there_is_no_engine_yet_or_its_drive_is_gone(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui import engine_folder

    chosen, target = [str(tmp_path / "disk"), str(paths.cache_home())], tmp_path / "disk" / "convert-to-audiobook"
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(engine_folder, "choose_dir", lambda *a, **k: chosen.pop(0))
    page = desk.page("engine")
    page.move_button.click()
    until(lambda: page.folder.text() == str(target))
    assert "from now on" in desk.asked[-1] and "speaks" not in texts(page.work)
    target.rmdir()
    page = desk.page("engine")
    assert "not there now" in page.space.text()
    page.move_button.click()
    until(lambda: page.folder.text() == str(paths.cache_home()))
    assert not engine_move.was_moved()


def test_a_folder_that_a_variable_says_cannot_be_moved(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "fixed"))
    keep_layer()
    page = desk.page("engine")
    assert not page.move_button.isEnabled() and "E2A_ENGINE_DIR" in page.move_button.toolTip() and page.folder.text() == str(tmp_path / "fixed")


def test_kept_sentences_are_emptied_but_not_under_a_conversion(desk: Desk) -> None:
    store = paths.clips_dir() / "clips.sqlite"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"x" * 3_000_000)
    page = desk.page("engine")
    assert "3 MB" in page.clips.text() and str(store.parent) in texts(page)
    desk.busy = True
    page.empty.click()
    until(lambda: "cannot be removed while" in texts(page.work))
    assert store.is_file() and not desk.asked
    desk.busy = False
    page.empty.click()
    until(lambda: not store.exists() and not page.empty.isEnabled())


def test_the_limit_of_kept_sentences_is_kept_with_the_whole(desk: Desk) -> None:
    page = desk.page("engine")
    assert page.most.text() == "20 GB"
    page.most.setValue(5)
    desk.accept()
    assert prefs.load().kept_gb == 5 and desk.page("engine").most.value() == 5


@pytest.mark.parametrize("name", ["engine", "device", "sound"])
def test_what_is_told_is_in_sight_and_moves_no_button(desk: Desk, name: str) -> None:
    from qt.core import QAbstractButton, QScrollArea

    page = desk.page(name)
    page.window().resize(760, 560)  # as on any screen; Qt tells of a telephone's here, to which Calibre 9 fits a window
    until(lambda: not page.findChildren(QScrollArea)[0].size().isEmpty())
    buttons = [made for made in page.findChildren(QAbstractButton) if made.isVisible() and not page.work.isAncestorOf(made)]
    places = [made.mapTo(page, made.rect().topLeft()) for made in buttons]
    assert buttons and page.work.visibleRegion().isEmpty()
    page.work.refuse(PluginError("engine_unmoved", "No such file", path="/disk", reason="there is no room"), {"choose": page.refresh})
    until(lambda: not page.work.error.happened.visibleRegion().isEmpty() and not page.work.error.button.visibleRegion().isEmpty())
    page.work.error.fold.click()
    until(lambda: not page.work.error.details.visibleRegion().isEmpty())
    assert not page.work.error.happened.visibleRegion().isEmpty() and [made.mapTo(page, made.rect().topLeft()) for made in buttons] == places
    page.work.clear()
    until(lambda: page.work.visibleRegion().isEmpty())


def test_the_log_is_shown_and_copied(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import logging

    from calibre.gui2 import QApplication
    from calibre_plugins.e2a.plugin import log
    from calibre_plugins.e2a.plugin.gui.preferences.log_window import LogWindow  # type: ignore[import-not-found]

    logger = logging.getLogger("calibre_plugins.e2a.plugin")
    log.setup()
    logger.getChild("job").warning("the device left")
    shown: list[str] = []

    def look(window: Any) -> None:
        window.copy.click()
        assert window.copy.text() == "Copied"
        shown.append(QApplication.clipboard().text())

    monkeypatch.setattr(LogWindow, "exec", look)
    desk.page("engine").log.click()
    assert "job" in shown[0] or "inside_preferences" in shown[0]
    first, last = shown[0].splitlines()
    assert "Convert to Audiobook 0." in first and "Calibre " in first and "the device left" in last
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def test_the_folder_is_opened_and_the_entry_put_into_the_menu(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences import engine

    opened: list[str] = []
    said: list[str] = []
    monkeypatch.setattr(engine, "open_in_system", lambda path: opened.append(path) or "It is open now.")
    monkeypatch.setattr(engine, "info_dialog", lambda parent, title, text, **k: said.append(text))
    keep_layer()
    page = desk.page("engine")
    assert not page.menu.isEnabled(), "without Calibre's window there is no menu"
    page.open.click()
    assert opened == [str(paths.cache_home())] and "It is open now." in texts(page.work)

    class Gui:
        iactions = {"Convert to Audiobook": type("Action", (), {"place_in_menu": lambda self: "It is there now."})()}  # noqa: RUF012

    object.__setattr__(desk.context, "gui", Gui())
    page._place()
    assert said == ["It is there now."]


# ---- the whole ---------------------------------------------------------------------------------------------------------


def test_calibres_customize_keeps_what_was_chosen(desk: Desk) -> None:
    from calibre_plugins.e2a.plugin.gui.preferences import Preferences

    widget = Preferences(desk.context, "sound")
    widget.page("sound").speed.setValue(1.4)
    prefs.change(device="cpu")
    assert widget.validate() is True
    widget.commit()
    assert prefs.load().speed == 1.4 and prefs.load().device == "cpu", "a page that was never shown changes nothing"
    assert Preferences(desk.context, "no such page").tabs.currentIndex() == 0


def test_closing_the_window_ends_what_it_does(desk: Desk) -> None:
    desk.questions.go.clear()
    page = desk.page("device")
    page.test.click()
    until(lambda: bool(desk.questions.probed))
    desk.kept[-1].reject()
    assert not page.work.running


def test_how_an_installation_ended_is_told_as_long_as_the_window_is_open(desk: Desk) -> None:
    """In Calibre's Customize the window is hidden then, and not gone."""
    from calibre_plugins.e2a.plugin.gui.preferences import Preferences
    from qt.core import QDialog, QVBoxLayout

    customize = QDialog()
    preferences = Preferences(desk.context, "engine")
    QVBoxLayout(customize).addWidget(preferences)
    customize.show()
    page = preferences.page("engine")
    page.install_layer("core")
    _wanted, then = desk.installed[0]
    for error in (PluginError("engine_install_failed", step="packages", reason="the line is cut"), None):
        assert then(error) is True and ("the line is cut" if error else "Installed.") in texts(page.work)
    customize.reject()
    for error in (PluginError("engine_install_failed", step="packages", reason="the line is cut"), None):
        assert then(error) is False, "so that the user is told in another way"


def test_what_is_being_installed_is_seen_below_every_page_and_can_be_stopped(desk: Desk) -> None:
    page = desk.page("voice")
    row = desk.kept[-1].preferences.underway
    assert row.isHidden()
    desk.comes("neural")
    until(row.isVisible)
    assert row.label.text() == "Install the extra part of the speech engine: Downloading PyTorch, 120 of 345 MB" and row.bar.text() == "35%"
    desk.underway.append(Underway(Wanted((), (JOE,)), "Download the voice Joe", "waits for its turn", 0.0, False, print))
    until(lambda: "After that: Download the voice Joe" in row.label.text())
    desk.kept[-1].preferences.show_page("engine")
    assert row.isVisible() and not page.isVisible()
    row.stop_button.click()
    assert not desk.underway and row.isHidden()


def test_what_is_on_its_way_cannot_be_asked_for_again_and_the_page_looks_anew_when_it_has_come(desk: Desk) -> None:
    page = desk.page("voice")
    page.select(JOE)
    assert page.get.isEnabled() and page.use.text() == "Use for English" and page.play.isEnabled()
    desk.comes(voices=(JOE,))
    until(lambda: page.get.text() == "On its way")
    assert not page.get.isEnabled() and not page.play.isEnabled() and "below is how far it is" in page.get.toolTip() == page.play.toolTip()
    page.select("en_US-amy-medium")
    assert page.get.isEnabled() and page.get.text() == "&Get", "only what is on its way"
    assert page.use.text() == "Get it and use it for English" and page.use.isEnabled()
    page.select(JOE)
    keep_voice(JOE)
    desk.underway.clear()
    until(lambda: page.row.here and page.play.isEnabled())
    assert page.get.text() == "&Get" and not page.get.isEnabled()


def test_a_part_that_is_being_installed_is_installed_by_no_other_button(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from qt.core import QPushButton

    monkeypatch.setattr(gpus, "found", lambda *a, **k: (NVIDIA,))
    desk.comes("neural")
    engine = desk.page("engine")
    assert engine.layers["neural"].state.text() == "It is being installed now." and not engine.layers["neural"].install.isEnabled()
    assert not engine.layers["core"].install.isEnabled() and engine.layers["core"].state.text().startswith("Not installed.")
    device = desk.page("device")
    (install,) = [made for made in device.findChildren(QPushButton) if NVIDIA.name in made.accessibleName()]
    assert install.text() == "Being installed" and not install.isEnabled()
    desk.underway.clear()
    until(lambda: [made.isEnabled() for made in device.findChildren(QPushButton) if NVIDIA.name in made.accessibleName()] == [True])


def test_what_one_page_chooses_holds_for_the_others_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for id in (JOE, "en_US-amy-medium"):
        keep_voice(id)
    page = desk.page("voice")
    window = desk.kept[-1].preferences
    window.show_page("sound")
    sound = window.page("sound")
    until(lambda: "by the voice Joe" in sound.about_play.text())
    window.show_page("voice")
    page.select("en_US-amy-medium")
    page.use.click()
    window.show_page("sound")
    until(lambda: "by the voice Amy" in sound.about_play.text())
    sound.play.click()
    until(lambda: bool(desk.questions.said))
    assert desk.questions.said[0][1] == "en_US-amy-medium" and prefs.load().voices == {}, "nothing is kept before OK"
    sound.play.click()
    asked: list[str] = []
    monkeypatch.setattr(speakers, "on_card", lambda device, resources: bool(asked.append(device)))
    window.show_page("device")
    window.page("device")._device = "cpu"
    window.show_page("voice")
    until(lambda: asked == ["cpu"])


def test_without_an_engine_what_comes_before_the_first_book_is_told_as_a_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "standing", lambda resources: ())
    monkeypatch.setattr(runtime, "students_missed", lambda resources: "")
    monkeypatch.setenv("PATH", "")  # no uv
    page = desk.page("voice")
    page.select("heart")
    first = "Before the first one, the basic part of the speech engine and that voice are downloaded"
    assert f"Heart speaks books in English. {first} (190 MB)." in texts(page) and state(page, "heart") == "not downloaded; for English"
    assert "It comes with the speech engine, which is not there yet: 190 MB." in texts(page)
    page.select("emma")
    assert state(page, "emma") == "not downloaded" and "198 MB are downloaded once" in texts(page)
    page.select("it_IT-paola-medium")
    assert f"Paola speaks books in Italian. {first} (254 MB)." in texts(page)
    assert state(page, "it_IT-paola-medium") == "not downloaded; for Italian"


def test_before_a_voice_is_removed_it_is_said_for_what_it_will_be_missing(desk: Desk) -> None:
    for id in (JOE, "en_US-amy-medium"):
        keep_voice(id)
    page = desk.page("voice")
    page.select(JOE)
    page.remove.click()
    assert "It reads books in English; without it, Amy does." in desk.asked[0]
    until(lambda: not page.row.here and not page._reading.running)
    assert state(page, "en_US-amy-medium") == "used for English" and state(page, JOE) == "not downloaded"
    page.select("en_US-amy-medium")
    page.remove.click()
    assert "without it, Joe does." in desk.asked[1]
