"""Plays a WAV file inside a window.

What plays is the `<audio>` of QtWebEngine, which every supported Calibre has and which needs no sound device to come to
its end; where that cannot be used, QtMultimedia. The page belongs to nobody else: off the record, nothing reachable but
the one file. It is made at the first Play, in small steps, and freed with the window.

Where nothing can be heard, since this computer has no sound output, that is said: only if all that can be asked know of none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from qt.core import QObject, QTimer, QUrl, pyqtSignal  # type: ignore[import-not-found]

from ..wording import N_
from ..wording import translate as _

PATIENCE_MS: Final = 15_000
"""How long a player may take to begin."""
_PAGE: Final = """<!DOCTYPE html><meta charset="utf-8"><title></title><audio autoplay></audio><script>
const audio = document.querySelector("audio"), tell = what => { document.title = what + " NUMBER"; };
audio.onplaying = () => tell("started"); audio.onended = () => tell("ended"); audio.onerror = () => tell("failed");
audio.src = SOURCE;
navigator.mediaDevices?.enumerateDevices().then(all => all.some(one => one.kind === "audiooutput") || tell("unheard"), () => {});</script>"""
_SILENT: Final = N_("this Calibre has no part that can play sound")
_BROKEN: Final = N_("the player does not answer")
_REFUSED: Final = N_("the player cannot read it")


class _Device(Protocol):
    """What plays: `load` begins; `tell` is called with `started`, `ended`, `failed`, `unheard` and the number that came with `load`."""

    def load(self, path: Path, number: int) -> None: ...
    def stop(self) -> None: ...
    def free(self) -> None: ...


Tell = Callable[[str, int], None]


class Player(QObject):  # type: ignore[misc]
    """One sound at a time; another one ends the one before. Every `play` is followed by `started` and `ended`, or by `failed(why)`;
    `stop` sends `ended` at once. `unheard`: it plays, or has played, and there is nothing to hear it by. `claimed(who)`: somebody is about to play, so
    others leave off."""

    started = pyqtSignal()
    ended = pyqtSignal()
    failed = pyqtSignal(str)
    unheard = pyqtSignal()
    claimed = pyqtSignal(object)

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._number = 0
        self._busy = False
        self._device: _Device | None = None
        self._steps: Iterator[_Device | None] | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(lambda: self._hear("stuck", self._number))

    @property
    def busy(self) -> bool:
        """Has something been begun that has not ended?"""
        return self._busy

    def prepare(self) -> None:
        """Make what plays, a step at a time between other events, so that `play` need not wait for it."""
        if self._device is None and self._steps is None:
            self._steps = _devices(self, self._hear)
            QTimer.singleShot(0, self._step)

    def play(self, path: Path) -> None:
        """Begin a WAV file; it must stand there until `ended`."""
        self.stop()
        self._number += 1
        self._busy = True
        device = self._made()
        if device is None:
            self._hear("silent", self._number)
            return
        self._patience.start(PATIENCE_MS)
        device.load(path, self._number)

    def stop(self) -> None:
        """Be silent, at once."""
        if self._busy:
            if self._device is not None:
                self._device.stop()
            self._over()
            self.ended.emit()

    def free(self) -> None:
        """Stop, and give back what plays; another `play` makes it anew."""
        self.stop()
        self._steps = None
        if self._device is not None:
            self._device.free()
            self._device = None

    def _step(self) -> None:
        if self._steps is None:
            return
        try:
            self._device = next(self._steps)
        except StopIteration:
            self._steps = None
            return
        QTimer.singleShot(0, self._step)

    def _made(self) -> _Device | None:
        self.prepare()
        for device in self._steps or ():
            self._device = device
        self._steps = None
        return self._device

    def _over(self) -> None:
        self._busy = False
        self._patience.stop()

    def _hear(self, what: str, number: int) -> None:
        if number == self._number and what == "unheard":  # which may be known only after a short sound has ended
            self.unheard.emit()
            return
        if number != self._number or not self._busy:
            return
        if what == "started":
            self._patience.stop()
            self.started.emit()
            return
        self._over()
        if what == "ended":
            self.ended.emit()
            return
        if what == "stuck" and self._device is not None:
            self._device.stop()
        self.failed.emit(_({"silent": _SILENT, "failed": _REFUSED}.get(what, _BROKEN)))


def _devices(player: QObject, tell: Tell) -> Iterator[_Device | None]:
    """The one that can be had, in steps: None until it stands."""
    if _web_allowed():
        with suppress(ImportError):
            from qt.webengine import QWebEnginePage, QWebEngineProfile  # type: ignore[import-not-found]  # noqa: F401

            yield None
            profile = QWebEngineProfile()
            yield None
            yield _Web(player, profile, tell)
            return
    with suppress(ImportError):
        yield _Media(player, tell)


def _web_allowed() -> bool:
    """Chromium ends the whole program where root has not switched its sandbox off."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return not root or bool(os.environ.get("QTWEBENGINE_DISABLE_SANDBOX")) or "--no-sandbox" in os.environ.get("QTWEBENGINE_CHROMIUM_FLAGS", "")


class _Web:
    """By an `<audio>` in a page that is never shown. It tells by its title, as no other way back is open."""

    def __init__(self, player: QObject, profile: Any, tell: Tell) -> None:
        from calibre.utils.webengine import setup_profile  # type: ignore[import-not-found]
        from qt.webengine import QWebEnginePage, QWebEngineSettings, QWebEngineUrlRequestInterceptor

        class Guard(QWebEngineUrlRequestInterceptor):  # type: ignore[misc]
            allowed = QUrl()

            def interceptRequest(self, request: Any) -> None:
                url = request.requestUrl()
                request.block(url.scheme() != "data" and url != self.allowed)

        self._tell = tell
        self._number = 0
        setup_profile(profile)
        profile.setPersistentCookiesPolicy(profile.PersistentCookiesPolicy.NoPersistentCookies)
        self._guard = Guard(profile)
        profile.setUrlRequestInterceptor(self._guard)
        self._profile = profile
        self._page = QWebEnginePage(profile, player)
        profile.setParent(player)  # after the page, which must go first
        settings = self._page.settings()
        settings.setAttribute(QWebEngineSettings.WebAttribute.PlaybackRequiresUserGesture, False)
        settings.setAttribute(QWebEngineSettings.WebAttribute.LocalContentCanAccessFileUrls, True)
        settings.setAttribute(QWebEngineSettings.WebAttribute.LocalContentCanAccessRemoteUrls, False)
        self._page.titleChanged.connect(self._titled)
        self._page.renderProcessTerminated.connect(lambda *why: self._tell("gone", self._number))

    def load(self, path: Path, number: int) -> None:
        self._number = number
        url = QUrl.fromLocalFile(str(path))
        self._guard.allowed = url
        source = json.dumps(url.toString(QUrl.ComponentFormattingOption.FullyEncoded)).replace("<", "\\u003c")
        self._page.setAudioMuted(False)
        self._page.setHtml(_PAGE.replace("NUMBER", str(number)).replace("SOURCE", source), url.adjusted(QUrl.UrlFormattingOption.RemoveFilename))

    def stop(self) -> None:
        self._page.setAudioMuted(True)
        self._guard.allowed = QUrl()
        self._page.setHtml("")

    def free(self) -> None:
        self._page.deleteLater()
        self._page.destroyed.connect(self._profile.deleteLater)

    def _titled(self, title: str) -> None:
        what, _space, number = title.partition(" ")
        if number.isdigit() and (what in ("started", "ended", "failed") or (what == "unheard" and not _media_outputs())):
            self._tell(what, int(number))


class _Media:
    """By QtMultimedia, which Calibre has from 7 on."""

    def __init__(self, player: QObject, tell: Tell) -> None:
        from qt.core import QAudioOutput, QMediaPlayer

        self._tell = tell
        self._number = 0
        self._media = QMediaPlayer(player)
        self._output = QAudioOutput(player)
        self._media.setAudioOutput(self._output)
        states, statuses = QMediaPlayer.PlaybackState, QMediaPlayer.MediaStatus
        self._media.playbackStateChanged.connect(lambda state: self._tell("started", self._number) if state == states.PlayingState else None)
        self._media.mediaStatusChanged.connect(lambda status: self._tell("ended", self._number) if status == statuses.EndOfMedia else None)
        self._media.errorOccurred.connect(lambda *error: self._tell("failed", self._number))

    def load(self, path: Path, number: int) -> None:
        self._number = number
        self._media.setSource(QUrl.fromLocalFile(str(path)))
        self._media.play()
        if _media_outputs() == 0:
            self._tell("unheard", number)

    def stop(self) -> None:
        self._media.stop()
        self._media.setSource(QUrl())

    def free(self) -> None:
        self._media.deleteLater()
        self._output.deleteLater()


def _media_outputs() -> int | None:
    """How many sound outputs QtMultimedia knows of; None where this Calibre has none of it."""
    with suppress(ImportError):
        from qt.core import QMediaDevices

        return len(QMediaDevices.audioOutputs())
    return None
