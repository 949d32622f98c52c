"""Every button of Preferences is pressed, and what then opens is left again; after that, what some of them are for, and what OK keeps."""

import os
import sys
import time
from pathlib import Path

from calibre_plugins.e2a.plugin import prefs
from calibre_plugins.e2a.plugin.gui.context import PAGES
from engine import action, on_screen, scripted
from qt.core import QAbstractButton, QApplication, QDialogButtonBox, QDoubleSpinBox, QLabel, QRadioButton, QTabBar

QUIET_S = 0.4
PATIENCE_S = 8


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    pressed = t.result["pressed"] = {}
    asked = []
    for page in PAGES:
        t.later(action(gui).open_preferences, page)
        window = yield preferences(t)
        no_choosers(asked)
        yield 0.5
        if page == "sound":
            window.preferences.page(page).foreign.box.setCurrentIndex(2)  # whose button can be pressed then
        for spin in t.all(window, QDoubleSpinBox):
            spin.setValue(1.25)
        done = set()
        while (button := next_button(window, done)) is not None:
            done.add(button)
            name = f"{page}: {t.plain(button.text()) or button.accessibleName()}"
            before, said = texts(window), sayings()
            t.later(button.click)
            seen = yield from left_again(t, window, before)
            pressed[name] = [*seen, *asked, *["it speaks"] * (sayings() - said)]
            asked.clear()
        window.reject()
        yield lambda window=window: t.dialog() is not window
    yield from chosen(gui, t)


def preferences(t):
    return lambda: t.dialog() if type(t.dialog()).__name__ == "PreferencesDialog" else None


def no_choosers(asked):
    """What would be the system's: choosers of files, the reader's own programs. Nothing is chosen; it is noted that it was asked."""
    for name, module in list(sys.modules.items()):
        if name.startswith("calibre_plugins.e2a.plugin.gui"):
            for chooser in ("choose_dir", "choose_files", "choose_save_file", "open_local_file", "open_url"):
                if hasattr(module, chooser):
                    setattr(module, chooser, lambda *about, _name=chooser, **more: asked.append(_name))


def sayings():
    """How often the engine spoke a sentence."""
    told = Path(os.environ["E2A_CACHE_DIR"]) / "log.txt"
    return told.read_text("utf-8").count("says") if told.exists() else 0


def texts(window):
    """What can be read and seen in it: labels, buttons and their marks, numbers."""
    said = [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
    buttons = [button for button in window.findChildren(QAbstractButton) if button.isVisible()]
    said += [("[x] " if button.isChecked() else "[ ] ") * button.isCheckable() + button.text() for button in buttons]
    return said + [spin.text() for spin in window.findChildren(QDoubleSpinBox) if spin.isVisible()]


def next_button(window, done):
    for button in window.findChildren(QAbstractButton):
        box = button.parentWidget()
        ours = not isinstance(box, (QTabBar, QDialogButtonBox)) and not isinstance(button, QRadioButton)
        if ours and button not in done and button.isVisible() and button.isEnabled():
            return button
    return None


def left_again(t, window, before):
    """Leave each dialog that has opened, let work end or stop it; gives titles of dialogs, and what the window says that it did not say before."""
    seen, quiet, until = [], time.monotonic(), time.monotonic() + PATIENCE_S
    while time.monotonic() - quiet < QUIET_S:
        yield 0.05
        seen += [text for text in texts(window) if text not in before and text not in seen]
        top = t.dialog()
        if top is not None and top is not window:
            seen.append(top.windowTitle())
            t.later(top.reject)
            yield lambda top=top: t.dialog() is not top
            quiet = time.monotonic()
        shown = {t.plain(b.text()): b for b in window.findChildren(QAbstractButton) if b.isVisible()}
        stop = shown.get("Stop")
        if "Preparing…" in shown:
            quiet = time.monotonic()
        elif stop is not None and stop.isEnabled():
            quiet = time.monotonic()
            if quiet > until:
                seen.append("stopped")
                t.later(stop.click)
    return seen


def chosen(gui, t):
    t.later(action(gui).open_preferences, "sound")
    window = yield preferences(t)
    yield 0.3
    spins = window.findChildren(QDoubleSpinBox)
    spins[0].setValue(1.25)
    spins[1].setValue(99)
    t.result["refused_where_typed"] = spins[1].value()
    window.preferences.show_page("voice")
    voices = window.preferences.page("voice")
    yield lambda: voices.model.rowCount() > 0
    voices.language.setCurrentIndex(voices.language.findData("en"))
    voices.search.setText("Joe")
    yield lambda: voices.row is not None and voices.row.id == "en_US-joe-medium"
    voices.use.click()
    window.preferences.show_page("device")
    yield 0.3
    t.press(window, "Test all")
    yield lambda: "21" in " ".join(label.text() for label in window.findChildren(type(window.preferences.page("device").work.label)))
    t.grab(window, "tested")
    processor = next(radio for radio in t.all(window, QRadioButton) if "CPU" in radio.text())
    processor.click()
    window.preferences.show_page("engine")
    yield 0.5
    folder = Path(os.environ["E2A_ENGINE_DIR"]) / "layers" / "core-scripted"
    removing = next(b for b in window.findChildren(QAbstractButton) if b.accessibleName().startswith("Remove"))
    t.later(removing.click)
    question = yield lambda: t.dialog() if t.dialog() is not window else None
    t.later(question.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Yes).click)
    yield lambda: not folder.exists()
    yield 0.3
    t.later(window.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click)
    yield lambda: QApplication.activeModalWidget() is None
    kept = prefs.load()
    t.result["kept"] = {"speed": kept.speed, "device": kept.device, "pauses": kept.pauses, "voices": dict(kept.voices)}
