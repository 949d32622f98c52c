"""In Calibre's interpreter, without a screen: the first run, errors, how conversions ended, and reports, as a user meets them."""

from __future__ import annotations

import json
import os
import string
import sys
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calibre.gui2 import Application  # type: ignore[import-not-found]
from calibre.gui2.dialogs.message_box import MessageBox  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import paths, prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import conversions, job, report, report_words  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.begun import Begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.events import Summary  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import gpus, install_plan  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.install_plan import Wanted  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui import (  # type: ignore[import-not-found]
    books_table,
    convert_contents,
    engine_folder,
    error_dialog,
    first_run,
    opening,
    outcome,
    outcome_stopped,
    report_dialog,
    report_places,
)
from calibre_plugins.e2a.plugin.gui.context import Context  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.sentences import BUTTONS, ERRORS  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import voices  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QApplication,
    QDialogButtonBox,
    QLabel,
    QMainWindow,
    QMenu,
    QPoint,
    QPushButton,
    QSize,
    Qt,
    QTextDocument,
    QTimer,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

JOE = "en_US-joe-medium"
PATIENCE_S = 20


class Desk:
    """What the windows are given, and what they did with it. cards: that this computer seems to have."""

    def __init__(self, folder: Path) -> None:
        self.app = QApplication.instance() or Application([], headless=True)
        self.did: list[Any] = []
        self.folder = folder
        self.windows: list[Any] = []
        self.context = Context(
            gui=None,
            resources=installed_resources(),
            questions=self,
            install=lambda wanted, then: self.did.append(("install", wanted, then)),
            preferences=lambda page: self.did.append(("preferences", page)),
            busy=lambda: False,
            convert=lambda ids: self.did.append(("convert", ids)),
            open_file=lambda path: self.did.append(("open", path)),
            release=lambda: None,
        )

    def excerpt(self, audiobook: Path, start_s: float, end_s: float, out: Path, stopped: Callable[[], bool]) -> Path:
        """As `questions.Questions` does."""
        self.did.append(("excerpt", str(audiobook), round(start_s, 3), round(end_s, 3)))
        with wave.open(str(out), "wb") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(8000)
            f.writeframes(bytes(1600))
        return out

    def shown(self, window: Any) -> Any:
        self.windows.append(window)
        window.show()
        self.until(window.isVisible)
        return window

    def until(self, there: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not there():
            assert time.monotonic() < end, "nothing came"
            self.app.processEvents()
            time.sleep(0.005)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setattr(gpus, "found", tuple)
    prefs.save(prefs.Settings())
    made = Desk(tmp_path)
    yield made
    for window in made.windows:
        window.close()
        window.deleteLater()
    made.app.processEvents()


def texts(window: QWidget) -> str:
    """All that can be read in it."""
    return "\n".join(label.text() for label in window.findChildren(QLabel) if not label.isHidden())


def cut(window: QWidget) -> list[str]:
    """Labels that have less room than their words need."""
    found = []
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.text():
            needs = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
            if label.height() < needs or label.width() < label.minimumSizeHint().width():
                found.append(label.text())
    return found


def nameless(window: QWidget) -> list[QWidget]:
    """Buttons that a screen reader could not name."""
    return [button for button in window.findChildren(QPushButton) if button.isVisible() and not (button.text() or button.accessibleName())]


# ---- errors ----------------------------------------------------------------------------------------------------------


def filled(code: str) -> PluginError:
    entry = ERRORS[code]
    names = {name for template in (entry.sentence, entry.window) for _, name, _, _ in string.Formatter().parse(template) if name}
    return PluginError(code, f"[Errno 113] no route\n{Path.home()}/x https://me:secret@index.example/simple", **dict.fromkeys(names, "VALUE"))


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_says_what_happened_and_what_to_press(desk: Desk, code: str) -> None:
    error = filled(code)
    dialog = desk.shown(error_dialog.ErrorDialog(None, error, "No audiobook", {key: lambda key=key: desk.did.append(key) for key in BUTTONS}))
    assert error.what() in texts(dialog) and error.next_step() in texts(dialog) and error.next_step() and not cut(dialog) and not nameless(dialog)
    key = ERRORS[code].button
    assert dialog.box.button.isVisible() == bool(key) and dialog.box.details.isHidden()
    default = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    assert default is (dialog.box.button if key else dialog.buttons.button(QDialogButtonBox.StandardButton.Close))
    if key:
        assert dialog.box.button.text() == BUTTONS[key]
        dialog.box.button.click()
        assert dialog.acted is not None and desk.did == []
        dialog.acted()
        assert desk.did == [key]


def test_details_are_folded_and_can_be_copied_without_a_title_a_home_or_a_password(desk: Desk) -> None:
    error = PluginError("no_usable_format", filled("drm").detail, title="A Private Diary", formats="MP3")
    dialog = desk.shown(error_dialog.ErrorDialog(None, error, "No audiobook", {}))
    height = dialog.height()
    dialog.box.fold.click()
    desk.until(lambda: dialog.height() > height)
    lines = dialog.box.details.height() / dialog.box.details.fontMetrics().lineSpacing()
    assert lines < len(dialog.box.details.toPlainText().splitlines()) + 2, "no higher than its text"
    assert dialog.box.details.verticalScrollBar().maximum() == 0
    dialog.box.copy.click()
    assert dialog.box.copy.text() == "Copied"
    copied = QApplication.clipboard().text()
    assert "no_usable_format" in copied and "Errno 113" in copied and "~/x" in copied
    assert "Diary" not in copied and "secret" not in copied and str(Path.home()) not in copied
    dialog.box.fold.click()
    desk.until(lambda: dialog.height() == height)


def test_details_do_not_repeat_what_is_said_above_them_but_are_copied_whole(desk: Desk) -> None:
    reason = "is this computer online, and may it reach it?"
    dialog = desk.shown(error_dialog.ErrorDialog(None, PluginError("voice_fetch_failed", reason, voice="Alan", reason=reason), "No voice", {}))
    assert dialog.box.happened.text().endswith("reach it?"), "one mark is enough"
    assert reason not in dialog.box.details.toPlainText()
    dialog.box.fold.click()
    dialog.box.copy.click()
    assert QApplication.clipboard().text().count(reason) == 1


def test_a_voice_that_could_not_be_downloaded_can_be_tried_again_or_another_one_chosen(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(4, "Pinocchio", None, filled("voice_fetch_failed"), lambda: desk.did.append("the same once more")))
    (row,) = window.findChildren(outcome.Row)
    desk.until(row.box.other.isVisible)
    row.box.button.click()
    row.box.other.click()
    assert desk.did == ["the same once more", ("convert", [4])] and row.box.other.text() == BUTTONS["another"] and not cut(window)


def test_a_book_that_cannot_be_read_leads_to_calibres_viewer_and_to_another_format(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.book import library

    monkeypatch.setattr(library, "source_formats", lambda api, book_id: ["EPUB", "PDF"])
    gui = SimpleNamespace(
        current_db=SimpleNamespace(new_api=None),
        library_view=SimpleNamespace(select_rows=lambda ids: desk.did.append(ids)),
        iactions={
            "View": SimpleNamespace(view_format_by_id=lambda *which: desk.did.append(which)),
            "Add Books": SimpleNamespace(add_formats=lambda: desk.did.append("add a format")),
        },
    )
    window = outcome.Outcomes(None, replace(desk.context, gui=gui))
    desk.windows.append(window)
    window.add(outcome.Outcome(7, "Bad Book", None, filled("book_unreadable")))
    (row,) = window.findChildren(outcome.Row)
    row.box.button.click()
    row.box.other.click()
    assert desk.did == [(7, "EPUB"), [7], "add a format"]


def test_a_button_is_there_only_if_something_can_be_done(desk: Desk) -> None:
    dialog = desk.shown(error_dialog.ErrorDialog(None, filled("engine_died"), "No audiobook", {"device": lambda: None}))
    assert not dialog.box.button.isVisible()
    box = error_dialog.ErrorBox(None)
    assert box.isHidden()
    desk.shown(box).set_error(ValueError("odd"), {})
    assert "a fault in Convert to Audiobook" in texts(box)
    box.clear()
    assert box.isHidden()


def test_details_fill_their_frame_at_every_width(desk: Desk) -> None:
    window = QWidget()
    rows, details = QVBoxLayout(window), error_dialog.Details(window)
    rows.addWidget(details, 1)
    rows.addStretch()
    details.setPlainText("What went wrong, in words that are broken into lines. " * 3)
    desk.shown(window)
    heights = set()
    for width in (*range(150, 700, 7), *range(700, 150, -13)):
        window.resize(width, 300)
        QApplication.processEvents()
        heights.add(details.height())
        assert details.viewport().height() == details.height() - 2 * details.frameWidth(), width
    assert len(heights) > 3, "the lines became more and fewer"


def test_escape_closes_an_error_and_nothing_is_done(desk: Desk) -> None:
    QTimer.singleShot(0, lambda: QApplication.activeModalWidget().reject())
    error_dialog.show_error(None, filled("engine_died"), "No audiobook", {"again": lambda: desk.did.append("again")})
    QTimer.singleShot(0, lambda: QApplication.activeModalWidget().box.button.click())
    error_dialog.show_error(None, filled("engine_died"), "No audiobook", {"again": lambda: desk.did.append("again")})
    assert desk.did == ["again"]


MISSING = [
    (PluginError("engine_missing", layer="neural"), Wanted(("neural",), ())),
    (PluginError("voice_missing", voice="de_DE-thorsten-medium"), Wanted((), ("de_DE-thorsten-medium",))),
]


@pytest.mark.parametrize(("error", "wanted"), MISSING)
def test_what_is_missing_is_installed_and_then_the_book_converted(desk: Desk, error: PluginError, wanted: Wanted) -> None:
    error_dialog.usual_actions(desk.context, error, [7])["install"]()
    what, asked, then = desk.did.pop()
    assert (what, asked) == ("install", wanted)
    then(PluginError("engine_install_failed", step="packages", reason="x"))
    assert desk.did == []
    then(None)
    assert desk.did == [("convert", [7])]


# ---- the first run ---------------------------------------------------------------------------------------------------


def dialog_of(desk: Desk, card: Any = None) -> Any:
    def plan(taken: str) -> Any:
        return install_plan.plan(desk.context.resources, ("core",), (JOE,), env={"PATH": ""}, platform="linux")

    return desk.shown(first_run.FirstRun(None, desk.context, plan, card))


def test_the_first_run_says_what_how_much_from_where_to_where_and_how_long(desk: Desk) -> None:
    dialog = dialog_of(desk)
    said = texts(dialog)
    for word in ("ONNX Runtime", "165 MB", "63 MB", "253 MB", "huggingface.co", "package index", "checksum", "100 Mbit/s", "Joe"):
        assert word in said, word
    assert str(desk.folder / "engine") in dialog.where.text().replace("\u200b", "")
    desk.until(lambda: not cut(dialog))
    assert dialog.install.isDefault() and not dialog.ask_first
    assert not dialog.neural.isVisible() and not list((desk.folder).glob("engine/*")), "nothing is fetched or made before Install"
    dialog.install.click()
    assert dialog.wanted() == Wanted(("core",), (JOE,))
    assert "starts by itself" in texts(dialog) and "you are asked" not in texts(dialog)
    dialog.ask.click()
    assert dialog.ask_first and "starts by itself" not in texts(dialog) and "you are asked" in texts(dialog)


def test_the_first_run_lets_heart_or_joe_be_taken_and_counts_what_that_takes(desk: Desk) -> None:
    def plan(taken: str) -> Any:
        return install_plan.plan(desk.context.resources, ("core",), (taken,) if taken == JOE else (), env={"PATH": ""}, platform="linux")

    dialog = desk.shown(first_run.FirstRun(None, desk.context, plan, english=voices.proposals("en", desk.context.resources)))
    heart, joe = dialog.readers
    assert heart.isChecked() and (heart.text(), joe.text()) == ("Heart (US, woman)", "Joe (US, man)") and dialog.english == ""
    heart.click()
    assert dialog.english == "" and not dialog.ask_first, "who clicks what is chosen already makes nobody the usual voice"
    assert "by a speech engine that has to be downloaded once" in texts(dialog)
    said = texts(dialog)
    assert "on any computer. Comes with the basic part." in said and "63 MB more are downloaded." in said
    assert "give away and sell what the voice speaks." in said and "Do not sell what the voice speaks" in said, "at the choice, and not only below"
    assert "The voice Joe" not in said and "about 190 MB" in dialog.sums.text() and dialog.wanted() == Wanted(("core",), ())
    joe.click()
    assert "by a speech engine and a voice that have to be downloaded once" in texts(dialog)
    assert dialog.english == JOE and "about 253 MB" in dialog.sums.text() and "The voice Joe" in texts(dialog) and dialog.wanted() == Wanted(("core",), (JOE,))
    desk.until(lambda: not cut(dialog))
    heart.click()
    assert dialog.english == "" and dialog.wanted() == Wanted(("core",), ()) and "The voice Joe" not in texts(dialog), "she reads anyway"
    assert not dialog.ask_first and "starts by itself" in texts(dialog), "who clicks to and fro is told and asked what was said at first"


@pytest.mark.parametrize("ask", [False, True])
@pytest.mark.parametrize("clicks", list(product(("heart", "joe", "ask"), repeat=4)), ids=" ".join)
def test_whether_the_first_run_asks_is_the_users_own_word_whoever_reads(desk: Desk, clicks: tuple[str, ...], ask: bool) -> None:
    def plan(taken: str) -> Any:
        return install_plan.plan(desk.context.resources, ("core",), (taken,) if taken == JOE else (), env={"PATH": ""}, platform="linux")

    dialog = first_run.FirstRun(None, desk.context, plan, NO_CARD, ask=ask, english=voices.proposals("en", desk.context.resources))
    desk.windows.append(dialog)
    heart, joe = dialog.readers
    for done in range(len(clicks) + 1):
        asks = ask != bool(clicks[:done].count("ask") % 2)
        reader = next((name for name in reversed(clicks[:done]) if name != "ask"), "heart")
        assert dialog.ask_first == dialog.ask.isChecked() == asks and (heart.isChecked(), joe.isChecked()) == (reader == "heart", reader == "joe")
        assert ("you are asked" in dialog.after.text()) == asks and ("starts by itself" in dialog.after.text()) == (not asks)
        assert ("Before your book starts you can hear both" in dialog.hearing.text()) == asks
        assert (f"tick “{dialog.ask.text().replace('&', '')}”" in dialog.hearing.text()) == (not asks), "the way there is named where it is not taken yet"
        assert ("For that Joe is downloaded first (63 MB)." in dialog.hearing.text()) == (reader == "heart"), "what is not in the sum is said"
        assert dialog.wanted().voices == ((JOE,) if reader == "joe" else ())
        if done < len(clicks):
            {"heart": heart, "joe": joe, "ask": dialog.ask}[clicks[done]].click()


def test_what_joe_brings_makes_the_first_run_higher_as_far_as_the_screen_has_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run.Scrolled, "_screen", lambda self: QSize(1440, 1400))

    def plan(taken: str) -> Any:
        return install_plan.plan(desk.context.resources, ("core",), (taken,) if taken == JOE else (), env={"PATH": ""}, platform="linux")

    dialog = desk.shown(first_run.FirstRun(None, desk.context, plan, NO_CARD, english=voices.proposals("en", desk.context.resources)))
    before = dialog.height()
    dialog.readers[1].click()
    desk.until(lambda: dialog.height() > before and dialog._scrolled.verticalScrollBar().maximum() == 0)


def test_the_first_run_needs_no_scrolling_wherever_the_folder_is_where_the_screen_has_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run.Scrolled, "_screen", lambda self: QSize(1440, 1400))
    real = install_plan.plan(desk.context.resources, ("core",), (), env={"PATH": ""}, platform="linux")
    lines = set()
    for length in range(4, 100, 8):
        plan = replace(real, folder=Path(("/" + "home/reader/" * 9)[:length]))
        english = voices.proposals("en", desk.context.resources)
        dialog = desk.shown(first_run.FirstRun(None, desk.context, lambda taken, plan=plan: plan, NO_CARD, english=english))
        lines.add(dialog.where.height() // dialog.where.fontMetrics().lineSpacing())
        assert dialog._scrolled.verticalScrollBar().maximum() == 0, length
    assert {1, 2} <= lines


def test_where_the_card_is_to_speak_joe_reads_english_unless_somebody_chose(desk: Desk) -> None:
    def plan(taken: str) -> Any:
        return install_plan.plan(desk.context.resources, ("core",), (taken,) if taken == JOE else (), env={"PATH": ""}, platform="linux")

    def first_run_with_a_card() -> Any:
        dialog = desk.shown(first_run.FirstRun(None, desk.context, plan, CARDS[0][1], english=voices.proposals("en", desk.context.resources)))
        desk.until(dialog.neural.isVisible)
        return dialog

    dialog = first_run_with_a_card()
    heart, joe = dialog.readers
    dialog.neural.click()
    assert joe.isChecked() and dialog.wanted() == Wanted(("core", "neural"), (JOE,)) and "The voice Joe" in texts(dialog)
    assert dialog.english == JOE, "so he reads the first book, too, which does not wait for the card's part"
    dialog.neural.click()
    assert heart.isChecked() and dialog.english == "" and dialog.wanted() == Wanted(("core",), ())
    dialog.neural.click()
    heart.click()
    assert dialog.english == "heart" and dialog.wanted() == Wanted(("core", "neural"), ()), "the card alone would give it to Joe"
    dialog.neural.click()
    dialog.neural.click()
    assert heart.isChecked() and dialog.english == "heart"


NO_CARD = gpus.Gpu("AMD Cezanne", "AMD", "")
CARDS = [
    ("linux", gpus.Gpu("NVIDIA GeForce RTX 4090", "NVIDIA", "cuda"), "NVIDIA (CUDA)", "3.2 GB"),
    ("linux", gpus.Gpu("AMD Radeon RX 7900", "AMD", "rocm"), "AMD (ROCm)", "5.7 GB"),
    ("linux", gpus.Gpu("Intel Arc A770", "Intel", "xpu"), "Intel (XPU)", "3.2 GB"),
    ("win32", gpus.Gpu("NVIDIA GeForce RTX 4090", "NVIDIA", "cuda"), "NVIDIA (CUDA)", "2.8 GB"),
    ("win32", gpus.Gpu("Intel Arc A770", "Intel", "xpu"), "Intel (XPU)", "2.7 GB"),
    ("darwin", gpus.Gpu("Apple M2", "Apple", "mps"), "Apple (Metal)", "245 MB"),
]


@pytest.mark.parametrize(("system", "card", "build", "size"), CARDS)
def test_a_card_that_the_system_names_is_offered_with_its_build(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, system: str, card: Any, build: str, size: str
) -> None:
    real = install_plan.best_offer
    monkeypatch.setattr(gpus, "found", lambda: (card,))
    monkeypatch.setattr(first_run, "best_offer", lambda resources, cards: real(resources, cards, {}, system))
    dialog = dialog_of(desk)
    desk.until(dialog.neural.isVisible)
    assert card.name in texts(dialog) and build in texts(dialog) and size in dialog.neural.text()
    desk.until(lambda: not cut(dialog))
    assert not dialog.neural.isChecked(), "the fastest way to the first book is the usual one"
    assert dialog.wanted() == Wanted(("core",), (JOE,))
    dialog.neural.click()
    assert dialog.wanted() == Wanted(("core", "neural"), (JOE,))
    dialog.install.click()
    assert prefs.load().no_neural == ()


def test_a_card_that_was_not_wanted_is_not_offered_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    card = CARDS[0][1]
    first = dialog_of(desk, card)
    desk.until(first.neural.isVisible)
    first.install.click()
    assert prefs.load().no_neural == (card.name,)
    second = dialog_of(desk, card)
    desk.until(lambda: not second._background.running)
    assert not second.neural.isVisible() and second.wanted().layers == ("core",)


def test_a_card_without_a_build_gets_a_sentence(desk: Desk) -> None:
    dialog = dialog_of(desk, gpus.Gpu("AMD Cezanne", "AMD", ""))
    desk.until(dialog.about_card.isVisible)
    assert "AMD Cezanne" in dialog.about_card.text() and not dialog.neural.isVisible() and not cut(dialog)


def test_a_drive_that_is_not_connected_is_said_before(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("E2A_ENGINE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths.point_at(paths.pointer(), tmp_path / "unplugged" / "engine")
    assert "not there now" in texts(dialog_of(desk))


def test_another_folder_is_chosen_before_anything_is_fetched(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("E2A_ENGINE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    dialog = dialog_of(desk)
    (full := tmp_path / "full" / paths.APP).mkdir(parents=True)
    (full / "a letter.txt").touch()
    chosen = [str(full), str(tmp_path / "disk")]
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(engine_folder, "choose_dir", lambda *about: chosen.pop(0))
    dialog.elsewhere.click()
    assert "not empty" in texts(dialog) and dialog.install.isEnabled()
    desk.until(lambda: not cut(dialog))
    assert dialog.install.isDefault() and dialog.focusWidget() is dialog.install
    dialog.refused.button.click()
    desk.until(lambda: str(tmp_path / "disk" / paths.APP) in dialog.where.text().replace("\u200b", ""))
    desk.until(dialog.install.isEnabled)
    assert dialog.install.isDefault() and not dialog.not_now.isDefault() and dialog.focusWidget() is dialog.install, "Enter installs"
    assert paths.engine_dir() == tmp_path / "disk" / paths.APP and dialog.refused.isHidden()
    desk.until(lambda: not cut(dialog))


def test_a_folder_that_the_environment_names_is_not_to_be_chosen(desk: Desk) -> None:
    dialog = dialog_of(desk)
    assert not dialog.elsewhere.isEnabled() and "E2A_ENGINE_DIR" in dialog.elsewhere.toolTip()


def test_what_was_marked_stays_marked_when_it_is_put_off_or_broken_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    english = voices.proposals("en", desk.context.resources)

    def plan(taken: str) -> Any:
        return install_plan.plan(desk.context.resources, ("core",), (taken,) if taken == JOE else (), env={"PATH": ""}, platform="linux")

    def shown() -> Any:
        made = desk.shown(first_run.FirstRun(None, desk.context, plan, CARDS[0][1], english=english))
        desk.until(made.neural.isVisible)
        return made

    first = shown()
    first.readers[1].click()
    first.ask.click()
    first.not_now.click()
    second = shown()
    assert second.readers[1].isChecked() and second.ask_first and "about 253 MB" in second.sums.text() and not second.neural.isChecked()
    assert "An installation was begun" not in second.sums.text()
    said_before, whole = second.sums.text(), second._plan
    second.neural.click()
    second.ask.click()
    second.install.click()
    (begun := desk.folder / "engine" / "downloads" / "uv").mkdir(parents=True)
    (begun / "half").write_bytes(bytes(3_000_000))
    for voice, size_bytes in ((JOE, 4_000_000), ("de_DE-thorsten-medium", 20_000_000)):
        (half := begun.with_name(f"voice-{voice}")).mkdir()
        (half / "model.part").write_bytes(bytes(size_bytes))
    third = shown()
    assert third.wanted() == Wanted(("core", "neural"), (JOE,)) and third.english == JOE and not third.ask_first
    desk.until(lambda: "An installation was begun" in third.sums.text())
    assert "of about 483 MB on the disk, 7 MB are there. Still to download: about 249 MB of 253 MB." in third.sums.text()
    (begun / "more").write_bytes(bytes(260_000_000))
    fourth = shown()
    desk.until(lambda: "267 MB are there. Still to download: about 113 MB of 253 MB." in fourth.sums.text())
    assert whole.time_words in said_before and whole.time_words not in fourth.sums.text(), "what is there takes no time"
    (begun / "more").write_bytes(bytes(600_000_000))
    fifth = shown()
    desk.until(lambda: not fifth._measuring.running)
    assert fifth.sums.text() == said_before, "more than all of it is of something else"
    (begun / "more").unlink()
    other = dialog_of(desk, NO_CARD)  # a book in another language
    other.not_now.click()
    assert shown().wanted() == Wanted(("core", "neural"), (JOE,))


def test_where_what_is_spoken_is_kept_is_said_beside_the_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("E2A_CACHE_DIR", str(tmp_path / "clips"))
    prefs.change(kept_gb=7)
    dialog = dialog_of(desk)
    desk.until(lambda: abs(dialog.elsewhere.geometry().top() - dialog.where.geometry().top()) <= dialog.fontMetrics().lineSpacing())
    said = dialog.kept.text().replace("\u200b", "")
    assert f"kept in {tmp_path / 'clips'}, always there. They come as books are spoken, at most 7 GB; that room is not needed now. " in said
    assert "Preferences of Convert to audiobook, “Engine”" in said


def test_too_little_space_is_said_before(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_plan, "free_mb", lambda folder: 100)
    assert "too little free space" in texts(dialog_of(desk))


# ---- how conversions ended -------------------------------------------------------------------------------------------


FLATLAND = outcome_stopped.StoppedBook(10, "Flatland", Begun("heart", 1.0, 0.637, name="Heart"))
PINOCCHIO = outcome_stopped.StoppedBook(9, "Pinocchio", None)
CHOSEN = outcome_stopped.StoppedBook(12, "孫子兵法", Begun("espeak", name="eSpeak NG", waits=True))


def result(folder: Path, **more: Any) -> Any:
    summary = Summary(9251.8, 7, "Joe", "vits_onnx", "cpu", 34.4)
    return job.Result(
        **{"outcome": "written", "path": None, "title": "A", "summary": summary, "warnings": (), "report": folder / "r.json", "place": "/lib/a.m4b", **more}
    )


def test_one_window_tells_of_all_books_with_what_to_press(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    assert not window.isVisible()
    window.add(outcome.Outcome(1, "A Christmas Carol", result(desk.folder, warnings=("First.", "Second.", "Third.", "Fourth.")), None))
    window.add(outcome.Outcome(2, "<b>Broken</b> book", None, PluginError("book_unreadable", reason="it is damaged")))
    window.add(outcome.Outcome(3, "Third", None, PluginError("engine_died")))
    desk.until(window.isVisible)
    assert not window.isModal() and window.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    assert "ready: 1" in window.sum.text() and "not be converted: 2" in window.sum.text()
    said = texts(window)
    assert "2 h 34 min" in said and "Third." in said and "Fourth." not in said and "<b>Broken</b> book" in said and "it is damaged" in said
    assert not cut(window) and not nameless(window)
    third, second, first = window.findChildren(outcome.Row)[::-1]
    first.play.click()
    assert desk.did == [("open", "/lib/a.m4b")]
    assert not second.box.button.isVisible()
    third.box.button.click()
    assert desk.did[1:] == [("convert", [3])] and "not be converted: 2" in window.sum.text(), "it stays, in case the question is cancelled"
    from qt.core import QColor, QPalette

    for colour in ("#123456", "#f0f0f0"):
        palette = first.play.palette()
        palette.setColor(QPalette.ColorRole.ButtonText, QColor(colour))
        first.play.setPalette(palette)
        image = first.play.icon().pixmap(first.play.iconSize()).toImage()
        assert image.pixelColor(image.width() // 2, image.height() // 2).name() == colour, "seen in a dark style, too"
    window.queued({3})
    assert "not be converted: 1" in window.sum.text(), "its row goes, it is on its way again"
    window.add(outcome.Outcome(2, "Broken book", result(desk.folder), None))
    assert window.sum.text() == "Audiobooks ready: 2."
    window.reject()
    assert not window.isVisible()
    window.add(outcome.Outcome(5, "Fifth", result(desk.folder), None))
    assert window.sum.text() == "The audiobook is ready.", "closing forgets"


def test_the_window_is_as_high_as_what_it_shows_and_not_as_what_it_showed_before(desk: Desk) -> None:
    def told(window: Any, *books: int) -> int:
        for book in books:
            window.add(outcome.Outcome(book, f"Book {book}", result(desk.folder, warnings=("It is long. " * 20,) * 3), None))
        desk.until(window.isVisible)
        return int(window.height())

    window, fresh = (outcome.Outcomes(None, desk.context) for _ in range(2))
    desk.windows += [window, fresh]
    many = told(window, 1, 2, 3, 4)
    window.reject()
    assert told(window, 5) == told(fresh, 5) < many
    told(window, 6, 7)
    higher = window.height()
    window.queued({6, 7})
    assert window.height() == higher, "not while somebody looks at it"


def test_the_window_is_never_empty(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(3, "Third", None, filled("exists_foreign")))
    desk.until(window.isVisible)
    window.queued({3})
    assert not window.isVisible()


def test_what_was_missing_and_could_not_be_installed_is_said_at_the_book(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(3, "Third", None, PluginError("engine_missing", layer="neural")))
    (row,) = window.findChildren(outcome.Row)
    row.box.button.click()
    assert not row.box.button.isEnabled(), "not twice"
    desk.did.pop()[2](PluginError("engine_install_failed", step="packages", reason="the line is cut"))
    assert "the line is cut" in row.box.happened.text() and row.box.button.isEnabled()


def test_what_failed_can_be_installed_again_when_the_user_went_away_from_it(desk: Desk) -> None:
    going_on = [True]
    window = outcome.Outcomes(None, replace(desk.context, installing=lambda: going_on[0]))
    desk.windows.append(window)
    window.add(outcome.Outcome(3, "Third", None, PluginError("engine_missing", layer="core")))
    (row,) = window.findChildren(outcome.Row)
    row.box.button.click()
    assert not row.box.button.isEnabled()
    going_on[0] = False
    desk.until(row.box.button.isEnabled)


def test_several_books_that_failed_are_tried_again_by_one_button(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "First", None, filled("voice_fetch_failed"), lambda: desk.did.append(1)))
    assert window.all_again.isHidden(), "the book has a button of its own"
    window.add(outcome.Outcome(2, "Second", None, filled("voice_fetch_failed"), lambda: desk.did.append(2)))
    window.add(outcome.Outcome(3, "Third", result(desk.folder), None))
    for number, code in enumerate(("drm", "no_text", "book_unreadable"), 4):
        window.add(outcome.Outcome(number, code, None, filled(code), lambda number=number: desk.did.append(number)))
    desk.until(window.all_again.isVisible)
    assert window.all_again.text() == "&Try 2 books again" and not window.all_again.isDefault()
    window.all_again.click()
    assert desk.did == [1, 2], "where nothing has to be done first"


def test_where_another_try_cannot_help_there_is_no_button_for_it(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    for number, code in enumerate(("drm", "no_text", "book_unreadable"), 1):
        window.add(outcome.Outcome(number, code, None, filled(code), lambda: desk.did.append("again")))
    desk.until(window.isVisible)
    assert window.all_again.isHidden()


def test_a_book_that_ends_moves_no_button_and_says_where_everything_is(desk: Desk) -> None:
    (desk.folder / "a.m4b").touch()
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "First", result(desk.folder, place=str(desk.folder / "a.m4b")), None, kept_copy=True, beside="First (audiobook)"))
    desk.until(window.isVisible)
    (first,) = window.findChildren(outcome.Row)
    before = first.play.mapToGlobal(first.play.rect().topLeft()).y() - window.frameGeometry().y()
    window.add(outcome.Outcome(2, "Second", None, PluginError("engine_died")))
    desk.app.processEvents()
    assert first.play.mapToGlobal(first.play.rect().topLeft()).y() - window.frameGeometry().y() == before
    assert "ORIGINAL_M4B" in texts(first) and "“First (audiobook)”, stays as it was" in texts(first) and "replaced" not in texts(first)
    first.folder.click()
    assert str(desk.folder) in first.said.text() and first.said.isVisible() and not cut(window)


def test_an_audiobook_that_took_the_place_of_one_says_who_had_spoken_that(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "First", result(desk.folder, replaced="Amy"), None))
    assert "long, spoken by Joe on CPU. It replaced the audiobook spoken by Amy." in texts(window)
    window.add(outcome.Outcome(2, "Second", result(desk.folder, speed=1.15), None))
    assert "long, spoken by Joe at the speed 1.15\u00a0× on CPU." in texts(window)
    window.add(outcome.Outcome(1, "First", result(desk.folder, replaced="Amy", replaced_speed=1.2), None))
    assert "It replaced the audiobook spoken by Amy at the speed 1.20\u00a0×." in texts(window)


def test_while_books_are_still_to_come_the_window_says_how_many(desk: Desk) -> None:
    to_come = [3]
    window = outcome.Outcomes(None, desk.context, lambda: to_come[0])
    desk.windows.append(window)
    window.add(outcome.Outcome(5, "Bad Book", None, PluginError("book_unreadable", reason="it is damaged")))
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    desk.until(window.isVisible)
    assert window.sum.text() == "Audiobooks ready: 1. Books that could not be converted: 1. Still to come: 3."
    to_come[0] = 0
    desk.until(lambda: window.sum.text() == "Audiobooks ready: 1. Books that could not be converted: 1.")


def test_what_was_left_out_or_stopped_beside_a_book_is_said_in_a_few_words(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context, lambda: 2)
    desk.windows.append(window)
    window.refused({7: "Torn", 8: "Locked", 9: "Album"})
    window.stopped([FLATLAND])
    assert not window.isVisible(), "it comes with the first that has ended"
    window.queued({1})
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    desk.until(window.isVisible)
    assert window.sum.text() == "Audiobooks ready: 1. Stopped: 1. Not converted, as the table said: “Torn”, “Locked”, “Album”. Still to come: 2."
    window.stopped([FLATLAND, PINOCCHIO])
    window.queued({8})
    assert window.sum.text() == "Audiobooks ready: 1. Stopped: 2. Not converted, as the table said: “Torn”, “Album”. Still to come: 2."
    window.queued({10})
    assert window.halted.list.text() == "•\u00a0Pinocchio (waited; your usual voice)", "the other one is on its way again"
    window.reject()
    window.add(outcome.Outcome(2, "B", result(desk.folder), None))
    assert window.sum.text() == "Audiobooks ready: 1. Still to come: 2." and not window.halted.isVisible(), "closing forgets"


def test_an_audiobook_that_stays_as_it_is_does_not_count_as_a_new_one(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", replace(result(desk.folder), outcome="unchanged"), None))
    assert window.sum.text() == "The audiobook was up to date already."
    window.add(outcome.Outcome(2, "B", result(desk.folder), None))
    assert window.sum.text() == "Audiobooks ready: 1. Up to date already: 1."


def test_the_open_window_names_what_is_stopped_last_too_with_how_much_is_kept_and_goes_on_with_it(desk: Desk) -> None:
    to_come = [2]
    window = outcome.Outcomes(None, desk.context, lambda: to_come[0], lambda ids: desk.did.append(ids))
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    desk.until(window.isVisible)
    to_come[0] = 0
    window.stopped([FLATLAND])
    said = texts(window.halted)
    assert "•\u00a0Flatland (spoken by Heart: 63 %)" in said and "What was spoken is kept." in said and "Still to come" not in window.sum.text()
    assert window.halted.button.text() == "Go on with “Flatland”" and window.halted.button.isVisible() and not window.halted.button.isDefault()
    window.stopped([PINOCCHIO, CHOSEN])
    assert "Pinocchio (waited; your usual voice)" in window.halted.list.text() and "孫子兵法 (waited; eSpeak NG)" in window.halted.list.text()
    assert window.halted.kept.text() == "What was spoken is kept, and so are your choices."
    assert window.halted.button.text() == "Go on with 3 books" and not cut(window) and not nameless(window)
    window.halted.button.click()
    assert desk.did == [[10, 9, 12]]
    window.queued({1, 9, 10, 12})
    assert not window.isVisible(), "all are on their way again"


def test_where_nothing_was_spoken_there_is_nothing_to_go_on_with_but_the_book_is_converted_all_the_same(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    desk.until(window.isVisible)
    window.stopped([PINOCCHIO])
    assert window.halted.button.text() == "Convert “Pinocchio”" and window.halted.kept.isHidden()


def test_what_is_stopped_brings_up_no_window_and_is_no_news_when_others_are_queued_later(desk: Desk) -> None:
    to_come = [1]
    window = outcome.Outcomes(None, desk.context, lambda: to_come[0])
    desk.windows.append(window)
    window.stopped([FLATLAND])
    to_come[0] = 0
    window.stopped([PINOCCHIO])
    desk.app.processEvents()
    assert not window.isVisible(), "the status bar has told who pressed Stop"
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    desk.until(window.isVisible)
    assert window.sum.text() == "The audiobook is ready." and window.halted.isHidden()


def test_of_a_shelf_that_was_stopped_the_first_books_are_named(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    desk.until(window.isVisible)
    window.stopped([outcome_stopped.StoppedBook(number, f"Book {number}", None) for number in range(100, 300)])
    lines = window.halted.list.text().splitlines()
    assert len(lines) == outcome_stopped.MOST_LINES + 1 and lines[-1] == "and 180 more" and window.halted.button.text() == "Convert 200 books"


def test_it_leaves_the_status_bar_to_be_seen_also_when_it_grows(desk: Desk) -> None:
    calibre = desk.shown(QMainWindow())
    calibre.setGeometry(0, 0, 900, 450)
    calibre.statusBar().showMessage("4 books are queued (spoken by: Heart); 3 cannot be converted")
    desk.app.processEvents()
    window = outcome.Outcomes(calibre, desk.context)
    desk.windows.append(window)
    for number in range(4):
        window.add(outcome.Outcome(number, "A", None, PluginError("book_unreadable", reason="it is damaged")))
        desk.until(window.isVisible)
        desk.app.processEvents()
        bar, place, whole = calibre.statusBar().mapToGlobal(QPoint(0, 0)).y(), window.geometry(), calibre.geometry()
        assert whole.top() <= place.top() and place.bottom() < bar, number
        assert abs(place.center().x() - whole.center().x()) < 20 and not cut(window)


def test_it_closes_nobodys_menu(desk: Desk) -> None:
    calibre = desk.shown(QWidget())
    menu = QMenu(calibre)
    menu.addAction("Add books from folders")
    menu.popup(calibre.mapToGlobal(calibre.rect().center()))
    desk.until(menu.isVisible)
    window = outcome.Outcomes(calibre, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    looked: list[int] = []
    window._waits.timeout.connect(lambda: looked.append(1))
    desk.until(lambda: looked)
    assert menu.isVisible() and not window.isVisible(), "it would have closed the menu"
    menu.close()
    desk.until(window.isVisible)


def test_how_much_was_left_out_is_said_before_any_remark(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    why = {"Half-title pages": 1, "Paragraphs of footnotes and endnotes": 60, "The cover page": 2}
    window.add(outcome.Outcome(1, "First", result(desk.folder, left_out=why, warnings=("The book has no table of contents.",)), None))
    desk.until(window.isVisible)
    told = texts(window)
    line = "Texts that were left out: 63, of them “Paragraphs of footnotes and endnotes”: 60. The report lists them all."
    assert 0 < told.index(line) < told.index("no table of contents") and not cut(window)
    window.add(outcome.Outcome(1, "First", result(desk.folder, left_out={"The cover page": 2}), None))
    assert "Texts that were left out: 2 (“The cover page”). The report lists them." in texts(window)
    window.add(outcome.Outcome(1, "First", result(desk.folder), None))
    assert "left out" not in texts(window.findChildren(outcome.Row)[-1])


def test_a_button_that_opens_a_player_says_what_came_of_it(desk: Desk) -> None:
    window = outcome.Outcomes(None, replace(desk.context, open_file=lambda path: f"Handed to a player: {path}"))
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    (row,) = window.findChildren(outcome.Row)
    assert not row.said.isVisible()
    row.play.click()
    desk.until(row.said.isVisible)
    assert row.said.text() == "Handed to a player: /lib/a.m4b" and not cut(window)


@pytest.mark.parametrize("there", [True, False])
def test_what_the_menu_opens_is_named_with_its_folder_where_nothing_plays_it(desk: Desk, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    told: list[str] = []
    monkeypatch.setattr(opening, "_has_program", lambda kind: there)
    monkeypatch.setattr(opening, "open_local_file", lambda path: None)
    monkeypatch.setattr(MessageBox, "exec", lambda window: told.append(window.msg.text()))
    said = opening.open_from_menu(None, "/lib/Author/A.m4b", "A.m4b")
    assert ("A.m4b" in said and not told) if there else (not said and "/lib/Author/A.m4b" in told[0] and "for example VLC media player" in told[0])


@pytest.mark.parametrize("shows_folders", [True, False])
def test_where_nothing_plays_audiobooks_the_folder_can_be_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch, shows_folders: bool) -> None:
    opened: list[str] = []
    monkeypatch.setattr(opening, "_has_program", lambda kind: shows_folders and kind == "inode/directory")
    monkeypatch.setattr(opening, "open_local_file", opened.append)

    def press(window: Any) -> None:
        desk.shown(window)
        (folder,) = [button for button in window.bb.buttons() if button.text() == "Open its &folder"] or [None]
        assert (folder is not None) is shows_folders, "a button that did nothing would be worse than none"
        assert "Show &details" not in [button.text() for button in window.bb.buttons() if button.isVisible()], "there are none"
        if folder is not None:
            folder.click()
            assert window.isVisible() and not folder.isDefault() and not cut(window)

    monkeypatch.setattr(MessageBox, "exec", press)
    opening.open_from_menu(None, str(desk.folder / "A.m4b"), "A.m4b")
    assert opened == ([str(desk.folder)] if shows_folders else [])


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems ask the user themselves")
def test_where_the_system_has_no_program_for_it_that_is_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(opening, "open_local_file", opened.append)
    monkeypatch.setattr(opening, "_can", set())
    asker = desk.folder / "xdg-mime"
    monkeypatch.setenv("PATH", str(desk.folder))
    for answer, there in (("", False), ("echo player.desktop", True)):
        asker.write_text(f"#!/bin/sh\n{answer}\n")
        asker.chmod(0o755)
        said = opening.open_in_system("/lib/a.m4b")
        assert "/lib/a.m4b" in said and ("no program set up" in said) is not there
    assert opened == ["/lib/a.m4b"]
    asker.write_text("#!/bin/sh\n")
    assert "Handed to" in opening.open_in_system("/lib/b.m4b"), "who is there is asked for no more"
    assert "no program" in opening.open_in_system(str(desk.folder)) and opened[-1] == "/lib/b.m4b"
    asker.write_text("#!/bin/sh\necho manager.desktop\n")
    opening.ask_ahead()
    desk.until(lambda: not [thread for thread in threading.enumerate() if thread.name == "audiobook opening"])
    asker.write_text("#!/bin/sh\n")
    assert "file manager" in opening.open_in_system(str(desk.folder)) and opened[-1] == str(desk.folder)


def test_a_book_that_was_renamed_meanwhile_is_opened_where_it_is_now(desk: Desk) -> None:
    now = SimpleNamespace(current_db=SimpleNamespace(new_api=SimpleNamespace(format_abspath=lambda book_id, fmt: f"/lib/renamed-{book_id}.{fmt}")))
    window = outcome.Outcomes(None, replace(desk.context, gui=now))
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder, record=4), None))
    window.findChild(outcome.Row).play.click()
    assert desk.did == [("open", "/lib/renamed-4.M4B")]


def test_of_very_many_books_the_last_are_shown_and_all_counted(desk: Desk) -> None:
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    for number in range(outcome.MOST_ROWS + 5):
        window.add(outcome.Outcome(number, f"Book {number}", None, PluginError("drm")))
    assert f"not be converted: {outcome.MOST_ROWS + 5}" in window.sum.text() and "last" in window.sum.text()
    shown = [row.outcome.title for row in window.findChildren(outcome.Row) if not row.isHidden()]
    assert len(shown) == outcome.MOST_ROWS and "Book 4" not in shown and f"Book {outcome.MOST_ROWS + 4}" in shown


def test_an_outcome_leads_to_its_report(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(report_dialog.ReportDialog, "exec", lambda self: shown.append(self))
    monkeypatch.setattr(error_dialog.ErrorDialog, "exec", lambda self: shown.append(self))
    window = outcome.Outcomes(None, desk.context)
    desk.windows.append(window)
    window.add(outcome.Outcome(1, "A", result(desk.folder), None))
    row = window.findChildren(outcome.Row)[0]
    row.report.click()
    desk.until(lambda: shown)
    assert "cannot be read" in texts(shown.pop()), "it is not there"
    (desk.folder / "r.json").write_text(json.dumps({"book": {"title": "A Title"}, "duration_s": 60, "voice_name": "Joe", "device": "cpu"}), "utf-8")
    row.report.click()
    desk.until(lambda: shown)
    assert "A Title" in texts(shown[0]) and "1 min 0 s" in texts(shown[0])


def test_the_report_of_a_book_that_was_renamed_meanwhile_plays_its_audiobook(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(report_dialog.ReportDialog, "exec", lambda self: shown.append(self._report.path))
    old, now = desk.folder / "Old" / "a.m4b", desk.folder / "New" / "a.m4b"
    (desk.folder / "r.json").write_text(json.dumps({"book": {"title": "A"}, "path": str(old)}), "utf-8")
    window = QWidget()
    report_dialog.show_report(window, desk.context, desk.folder / "r.json", str(now))
    desk.until(lambda: shown)
    old.parent.mkdir()
    old.write_bytes(b"")
    report_dialog.show_report(window, desk.context, desk.folder / "r.json", str(now))
    desk.until(lambda: len(shown) == 2)
    assert shown == [now, old]


# ---- reports ---------------------------------------------------------------------------------------------------------


def a_report(many: int = 5) -> Any:
    odd = tuple(
        report.Doubtful(10.0 * n, 10.0 * n + 2, f"Sentence number {n}.", report_words.WHY["failed" if n == 1 else "too_long"], f"Chapter {n}", n != 1)
        for n in range(many)
    )
    out = tuple(report.LeftOut("One", f"Note {n}", report_words.REASONS["note" if n % 2 else "boilerplate"]) for n in range(many))
    chapters = report.Chapter("One", 0.0, 3725.2), report.Chapter("Two", 3725.2, 3745.0)
    who, by_reason = ("cpu", "Joe", "vits_onnx"), dict(Counter(left.reason for left in out))
    return report.Report(*("A Book", "written", 9251.8, 450.0, 0, *who, chapters, 1444, ("A warning.",), 1, odd, many, out, by_reason, Path("/lib/a.m4b"), 0.0))


def a_report_file(folder: Path, sentences: list[Any], skipped: list[Any], warnings: Sequence[Any] = ()) -> report.Report:
    """One that a sidecar wrote, read as for its window."""
    path = folder / "report.json"
    chapters = [{"title": "One", "level": 1, "start_s": 0.0, "end_s": 99.0}]
    head = {"book": {"title": "A Book"}, "outcome": "written", "duration_s": 99.0, "voice_name": "Joe", "device": "cpu", "speed": 1.15, "chapters": chapters}
    path.write_text(json.dumps({**head, "sentences": sentences, "skipped": skipped, "warnings": list(warnings)}), "utf-8")
    return report.read(path)


def test_a_report_shows_length_speed_device_voice_and_every_part(desk: Desk) -> None:
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, a_report()))
    said = texts(dialog)
    for word in ("A Book", "2 h 34 min long", "Made in 7 min 30 s, 21 times", "CPU", "Joe", "A warning."):
        assert word in said, word
    assert [dialog.tabs.tabText(n) for n in range(dialog.tabs.count())] == ["To check (5)", "Messages (1)", "Left out (5)", "Chapters (2)"]
    assert not cut(dialog) and not nameless(dialog)
    assert "spoken by Joe at the speed 1.15\u00a0× on CPU." in report_dialog.summary_of(replace(a_report(), speed=1.15))
    dialog.open.click()
    assert desk.did == [("open", "/lib/a.m4b")]
    dialog.copy.click()
    desk.until(lambda: dialog.copy.text() == "Copied")
    copied = QApplication.clipboard().text()
    assert "Sentence number 3." in copied and "Note 4" in copied and "A warning." in copied and "1:02:05 Two" in copied


def test_what_counts_the_sentences_to_check_stands_above_them_and_is_no_message_of_its_own(desk: Desk) -> None:
    odd = {"chapter": 0, "text": "An odd one.", "start_s": 0.0, "end_s": 2.0, "flags": ["too_long"]}
    counts = {"code": "sentences_flagged", "params": {"count": 1}}
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, a_report_file(desk.folder, [odd], [], [counts])))
    assert [dialog.tabs.tabText(n) for n in range(dialog.tabs.count())] == ["To check (1)", "Left out (0)", "Chapters (1)"]
    head = dialog.odd.layout().itemAt(0).widget()
    said = "Sentences that sound odd to the checks: 1."
    assert head.isVisible() and head.text() == said and not cut(dialog)
    told = report_dialog.as_text(a_report_file(desk.folder, [odd], [], [counts]))
    assert told.count(said) == 1 and "at the speed 1.15\u00a0×" in told, "as the report's file has it"
    dialog.close()
    unlisted = {**odd, "flags": []}
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, a_report_file(desk.folder, [unlisted], [], [counts])))
    assert dialog.tabs.tabText(0) == "Messages (1)" and said in texts(dialog), "nor is it lost where they are not listed"


def test_an_odd_sentence_can_be_heard(desk: Desk) -> None:
    os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, a_report()))
    dialog.tabs.setCurrentWidget(dialog.odd)
    odd, heard = dialog.odd, []
    odd.player.ended.connect(lambda: heard.append(True))
    odd.table.selectRow(1)
    assert not odd.play.isEnabled() and "could not be spoken" in odd.about.text(), "what is missing cannot be heard"
    odd.table.selectRow(2)
    assert odd.play.isEnabled()
    odd.table.activated.emit(odd.table.currentIndex())
    desk.until(lambda: heard)
    assert desk.did == [("excerpt", "/lib/a.m4b", 19.7, 22.3)]
    assert not odd.box.isVisible() or "no sound output" in texts(odd.box), "as on a machine without loudspeakers"


def test_a_chapter_says_where_it_begins_and_its_beginning_can_be_heard(desk: Desk) -> None:
    os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
    unknown = report.Chapter("Three", 0.0, 0.0)
    told = a_report()
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, replace(told, chapters=(*told.chapters, unknown))))
    dialog.tabs.setCurrentWidget(dialog.chapters)
    chapters, heard = dialog.chapters, []
    model = chapters.table.model()
    rows = [[model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())]
    assert rows == [["0:00:00", "One"], ["1:02:05", "Two"], ["0:00:00", "Three"]]
    dialog.player.ended.connect(lambda: heard.append(True))
    for number in range(2):
        chapters.table.selectRow(number)
        chapters.play.click()
        desk.until(lambda ends=number + 1: len(heard) == ends)
    assert desk.did == [("excerpt", "/lib/a.m4b", 0.0, 60.0), ("excerpt", "/lib/a.m4b", 3725.2, 3745.0)]
    chapters.table.selectRow(2)
    assert not chapters.play.isEnabled(), "nobody knows where it is"


def test_what_cannot_be_heard_says_why(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Desk, *rest: Any) -> Path:
        raise PluginError("audio_unreadable", reason="the file is gone")

    monkeypatch.setattr(Desk, "excerpt", fails)
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, a_report()))
    dialog.tabs.setCurrentWidget(dialog.odd)
    dialog.odd.play.click()
    desk.until(dialog.odd.box.isVisible)
    assert "the file is gone" in texts(dialog.odd.box)


def test_left_out_places_stand_under_their_reason(desk: Desk) -> None:
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, a_report()))
    tree, full = dialog.left_out.tree, dialog.left_out.full
    tops = [tree.topLevelItem(n) for n in range(tree.topLevelItemCount())]
    assert [top.text(0) for top in tops] == ["Imprint, copyright page, lists and indexes (3)", "Paragraphs of footnotes and endnotes (2)"]
    tops[1].setExpanded(True)
    assert [tops[1].child(n).text(0) for n in range(tops[1].childCount())] == ["Note 1", "Note 3"]
    assert not full.toPlainText()
    tree.setCurrentItem(tops[1].child(1))
    assert full.toPlainText() == "Note 3" and full.isReadOnly()


SENTENCE = {"chapter": 0, "start_s": 0.0, "end_s": 0.0}


def test_a_long_text_is_read_in_full_when_it_is_chosen(desk: Desk, tmp_path: Path) -> None:
    note, sentence = ("It goes on and on. " * 3000).strip(), ("Never said, " * 150).strip()
    skipped = [{"part": "Endnotes", "text": text, "reason": "note"} for text in (note, "2")]
    told = a_report_file(tmp_path, [{**SENTENCE, "text": "Said.", "flags": []}, {**SENTENCE, "text": sentence, "flags": ["failed"]}], skipped)
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, told))
    left_out = dialog.left_out
    left_out.tree.topLevelItem(0).setExpanded(True)
    row, short = (left_out.tree.topLevelItem(0).child(n) for n in range(2))
    left_out.tree.setCurrentItem(row)
    assert row.text(1) == "Endnotes" and len(row.text(0)) < len(note)
    desk.until(lambda: left_out.full.toPlainText().replace("\n", " ") == note)
    assert max(map(len, left_out.full.toPlainText().splitlines())) < 2200, "no line that Qt would take long to lay out"
    left_out.tree.setCurrentItem(short)
    assert left_out.full.toPlainText() == "2"
    dialog.tabs.setCurrentWidget(dialog.odd)
    desk.until(lambda: dialog.odd.full.toPlainText() == sentence)
    dialog.copy.click()
    desk.until(lambda: dialog.copy.text() == "Copied")
    assert note in QApplication.clipboard().text() and sentence in QApplication.clipboard().text()


def test_a_report_that_was_made_anew_meanwhile_shows_and_copies_what_was_read(desk: Desk, tmp_path: Path) -> None:
    told = a_report_file(tmp_path, [], [{"text": "It goes on and on. " * 100, "reason": "note"}])
    os.utime(told.file, (1, 1))
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, told))
    dialog.left_out.tree.topLevelItem(0).setExpanded(True)
    dialog.left_out.tree.setCurrentItem(dialog.left_out.tree.topLevelItem(0).child(0))
    desk.until(lambda: not dialog.left_out.full._reading.running)
    assert dialog.left_out.full.toPlainText().endswith("…")
    dialog.copy.click()
    desk.until(lambda: dialog.copy.text() == "Copied")
    assert "It goes on" in QApplication.clipboard().text()


def test_a_sentence_of_which_words_are_missing_names_them(desk: Desk, tmp_path: Path) -> None:
    told = a_report_file(tmp_path, [{**SENTENCE, "end_s": 2.0, "text": "The letter ᎠᎡ.", "flags": ["words_unspoken"], "unspoken": ["ᎠᎡ"]}], [])
    odd = desk.shown(report_dialog.ReportDialog(None, desk.context, told)).odd
    assert odd.about.text().startswith("some of its words could not be pronounced: “ᎠᎡ”. Play it to hear it without these words.")
    assert odd.about.text().endswith("with a voice that reads this script.") and odd.full.toPlainText() == "The letter ᎠᎡ."


def test_the_summary_says_how_long_it_was_made_and_what_was_kept() -> None:
    told = a_report()
    assert "Made in 7 min 30 s, 21 times as fast as it plays." in report_dialog.summary_of(told)
    said = "Made in 7 min 30 s; 1277 of its 1444 sentences (some long, some short) had been spoken before."
    assert said in report_dialog.summary_of(replace(told, kept=1277))
    assert "before" not in report_dialog.summary_of(replace(told, kept=14)), "a few were heard before, or stand in another book"
    assert "22 times" in report_dialog.summary_of(replace(told, duration_s=44.6, wall_s=2.4)), "as the figures beside it say"
    assert "5.1 times" in report_dialog.summary_of(replace(told, wall_s=1800.0)) and "Made" not in report_dialog.summary_of(replace(told, wall_s=0.0))
    for came_of_it in ("unchanged", "retagged"):
        said = report_dialog.summary_of(replace(told, outcome=came_of_it))
        assert "changed" in said and "Made in" not in said


def test_a_report_with_ten_thousand_rows_is_bounded(desk: Desk) -> None:
    many = a_report(2 * report.MOST_OF_A_REASON)
    by_reason = {reason: count + 1234 for reason, count in many.left_out_by.items()}
    many = replace(many, doubtful=many.doubtful[: report.MOST_ROWS], doubtful_count=10_000, left_out_by=by_reason)
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, many))
    dialog.tabs.setCurrentWidget(dialog.odd)
    assert "first 2000" in texts(dialog.odd) and dialog.odd.table.model().rowCount() == report.MOST_ROWS
    tree = dialog.left_out.tree
    tree.topLevelItem(0).setExpanded(True)
    assert tree.topLevelItem(0).childCount() == report.MOST_OF_A_REASON + 1 and tree.topLevelItem(0).text(0).endswith("(6234)")


WORDS = ("The <b>best</b> & “worst”", '<img src="/tmp/a.png"> <a href="file://there/a">x</a>', "Use the <table> tag here", "1 &lt; 2", "one\ntwo")
"""Titles, sentences and passages as somebody may have chosen them."""


@pytest.mark.parametrize("words", WORDS)
def test_tooltips_show_a_books_words_as_they_are(desk: Desk, words: str) -> None:
    tips: list[str] = []
    table = books_table.BooksTable(None, [words])
    table.show_row(0, books_table.Row(words, "", words, words, "", "", why=words))
    tips += [table.item(0, column).toolTip() for column in range(table.columnCount())]
    places = report_places.PlacesModel(("Text",), [(words,)], None)
    tips.append(places.data(places.index(0, 0), Qt.ItemDataRole.ToolTipRole))
    kind = QTreeWidgetItem()
    convert_contents._add(kind, (words,))
    shown = a_report_file(desk.folder, [], [{"reason": "note", "text": words, "chapter": 0}])
    shown = replace(shown, left_out=(report.LeftOut(words, words, "Notes"),), left_out_by={"Notes": 1})
    left_out = report_dialog.LeftOut(None, shown)
    left_out.tree.topLevelItem(0).setExpanded(True)
    tips += [kind.child(0).toolTip(0), *(left_out.tree.topLevelItem(0).child(0).toolTip(column) for column in range(2))]
    for tip in tips:
        document = QTextDocument()
        document.setHtml(tip)  # as Qt does with what begins like this
        assert tip.startswith("<qt>") and document.toPlainText().split() == words.split()


def test_a_jobs_log_which_calibre_shows_as_markup_holds_no_markup_and_no_password() -> None:
    said: list[str] = []

    def work() -> None:
        raise PluginError("voice_fetch_failed", "<img src='/a.png'> http://me:p@ss@proxy.example:3128/x", voice="V", reason="R")

    with pytest.raises(PluginError):
        conversions._guarded(lambda: False, said.append, work)
    assert said == ["voice_fetch_failed &lt;img src=&#x27;/a.png&#x27;&gt; http://****@proxy.example:3128/x"]


def test_a_report_without_anything_odd(desk: Desk) -> None:
    calm = replace(a_report(), doubtful=(), doubtful_count=0, left_out=(), left_out_by={}, warnings=())
    dialog = desk.shown(report_dialog.ReportDialog(None, desk.context, calm))
    assert "Each sentence was checked" in texts(dialog) and "none sounds odd" in texts(dialog) and dialog.odd is None
    assert [dialog.tabs.tabText(n) for n in range(dialog.tabs.count())] == ["Left out (0)", "Chapters (2)"] and "Nothing was left out." in texts(dialog)
