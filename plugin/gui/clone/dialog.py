"""The dialog in which a voice is cloned: a recording is chosen and listened to, its best stretch is found, heard, named and kept.

The engine listens in the background (`Questions.sample`); what it writes lies in a folder that goes with the window. Nothing is
kept before Keep is pressed, and nothing is downloaded here: what a clone needs is said, and fetched where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import choose_files  # type: ignore[import-not-found]
from calibre.gui2.widgets2 import Dialog  # type: ignore[import-not-found]
from qt.core import QDialogButtonBox, QHBoxLayout, QIcon, QLabel, QPushButton, QSize, QTimer, QVBoxLayout, QWidget, sip  # type: ignore[import-not-found]

from ... import prefs
from ...converting.events import Sampled
from ...converting.folders import private_folder
from ...converting.progress import Show
from ...engine.install_plan import Wanted
from ...errors import PluginError
from ...sentences import OF_A_STRETCH
from ...speaking import clones, voices
from ...speaking.clones import Clone
from ...wording import isolated
from ...wording import translate as _
from .. import language_names as languages
from ..background import Background
from ..context import Context
from ..convert_books import breakable
from ..error_dialog import ErrorBox
from ..links import verbatim
from ..play_button import PlayButton
from ..player import Player
from ..scrolled import Page, Scrolled, bold, sentence
from ..underway import LOOK_MS, UnderwayRow
from ..work_bar import Flow, WorkBar, allow, button
from . import abilities, converter_choice, findings
from .converter_choice import ConverterChoice, Missing
from .name_line import NameLine
from .needs import Needs
from .recordings import ENDINGS, dropped
from .waveform import StretchChoice

Stop = Callable[[], bool]
_CHARACTERS: Final = 80
_LINES: Final = 40


@dataclass(frozen=True)
class Listened:
    """A stretch of a recording. sample: cleaned, to be kept. before, after: to be heard."""

    heard: Sampled
    sample: Path
    before: Path
    after: Path


class CloneDialog(Dialog):  # type: ignore[misc]
    """`exec()`, and after Accepted `clone` is the one that was kept."""

    def __init__(self, parent: Any, context: Context) -> None:
        self._context = context
        self.clone: Clone | None = None
        self.recording: Path | None = None
        self.listened: Listened | None = None
        self._lacks: tuple[tuple[int, int], Missing, str] | None = None
        """MB of the engine's extra part (to download, on the disk then), and what each converter lacks; None until somebody has looked."""
        self._installs = False
        """Was an installation begun here that has not come to its end?"""
        self._height = 0
        """Before what More shows was unfolded."""
        self._until_closed = ExitStack()
        self._folder: Path | None = None
        self._numbers = count(1)
        super().__init__(_("Clone a voice"), "convert-to-audiobook-clone", parent)

    def setup_ui(self) -> None:
        """Calibre's Dialog calls it."""
        self.setWindowIcon(QIcon.ic("auto-scroll.png"))
        self.setAcceptDrops(True)
        self.player = Player(self)
        self._make()
        self._lay_out()
        self._looking = Background(self)
        self._looking.done.connect(self._know)
        resources = self._context.resources
        spoken = languages.of_the_user(), resources, prefs.load().voices
        self._looking.start(lambda show, stopped: (abilities.layer_sizes(resources), converter_choice.missing(resources), voices.usual_base(*spoken)))
        self._show()

    def _make(self) -> None:
        consent = _("Clone only your own voice, or that of somebody who has agreed to it.")
        self.consent = bold(sentence(consent, self))
        what = _(
            "Half a minute is best of one person who speaks alone in a quiet room. Any sound file or video will do; "
            "the best stretch of it is found by itself. You can also drop the file here."
        )
        self.what = sentence(what, self)
        self.choose = button(_("Choose a &recording…"), self.choose_recording)
        self.choose.setIcon(QIcon.ic("document_open.png"))
        self.file = sentence("", self)
        self.work = WorkBar(self)
        self.underway = UnderwayRow(self, self._context)
        self.underway.changed.connect(self._installation_changed)
        self.underway.timer.start()
        self.stretch = StretchChoice(self)
        self.verdict = bold(sentence("", self))
        self.facts = sentence("", self)
        self.unheard = ErrorBox(self)
        self.before, self.after = (PlayButton(self, self.player, partial(self._sound, name), self.unheard) for name in ("before", "after"))
        self.called = NameLine(self)
        self.known = sentence("", self)
        self.more = QPushButton(_("&More: how it is made"), self)
        self.more.setFlat(True)
        self.more.setAutoDefault(False)
        self.converter = ConverterChoice(self, self._context.resources)
        self.more.clicked.connect(self._turn)
        self.needs = Needs(self, self.converter)
        self.stretch.changed.connect(self._stretched)
        self.stretch.chosen.connect(self._listen_again)
        self.called.changed.connect(self._show)
        self.converter.changed.connect(self._show)
        self.bb.setStandardButtons(QDialogButtonBox.StandardButton.Cancel)
        self.keep = self.bb.addButton(_("&Keep"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.unfold(False)

    def _lay_out(self) -> None:
        self.found = QWidget(self)
        """What is there when a recording was listened to."""
        listen = Flow(self._labelled(_("&As recorded:"), self.before), self._labelled(_("&Cleaned:"), self.after))
        inner = QVBoxLayout(self.found)
        inner.setContentsMargins(0, 0, 0, 0)
        for widget in (self.verdict, self.facts):
            inner.addWidget(widget)
        inner.addLayout(listen)
        for widget in (self.unheard, self.called, self.known):
            inner.addWidget(widget)
        page = Page(self)
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in (self.consent, self.what):
            rows.addWidget(widget)
        rows.addLayout(Flow(self.choose))
        for widget in (self.file, self.work, self.stretch, self.found):
            rows.addWidget(widget)
        rows.addLayout(Flow(self.more))
        rows.addWidget(self.converter)
        rows.addStretch(1)
        self._scrolled = Scrolled(page, self, _CHARACTERS)
        layout = QVBoxLayout(self)
        layout.addWidget(self._scrolled, 1)
        layout.addWidget(self.underway)
        layout.addWidget(self.needs)
        layout.addWidget(self.bb)

    def _labelled(self, text: str, play: PlayButton) -> QWidget:
        pair = QWidget(self.found)
        label = QLabel(text, pair)
        label.setBuddy(play)
        play.setAccessibleDescription(text.replace("&", ""))
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(play)
        return pair

    def sizeHint(self) -> QSize:
        """Room for what comes when a recording was chosen, within what the screen can show."""
        screen, metrics = self.screen().availableGeometry(), self.fontMetrics()
        width, height = metrics.averageCharWidth() * _CHARACTERS, metrics.lineSpacing() * _LINES
        return QSize(min(width, screen.width() * 9 // 10), min(height, screen.height() * 9 // 10))

    def unfold(self, shown: bool) -> None:
        """How it is made: which converter."""
        self.converter.setVisible(shown)
        self.needs.offer(not shown)
        self.more.setIcon(QIcon.ic("arrow-up.png" if shown else "arrow-down.png"))

    def _turn(self) -> None:
        shown = self.converter.isHidden()
        if shown:
            self._height = self.height()
        self.unfold(shown)
        if shown:
            self._scrolled.reveal(self.converter)
        else:
            self.resize(self.width(), self._height)

    def _fold(self) -> None:
        """Before Calibre notes how large the window is for the next time."""
        if not self.converter.isHidden():
            self._turn()

    def reject(self) -> None:
        self._fold()
        super().reject()

    # ---- the recording ----------------------------------------------------------------------------------------------

    def choose_recording(self) -> None:
        """Ask for a file."""
        kinds = [(_("Sound and video"), list(ENDINGS))]
        chosen = choose_files(self, "convert to audiobook clone", _("Choose a recording"), kinds, True, True)
        if chosen:
            self.listen_to(Path(chosen[0]))

    def dragEnterEvent(self, event: Any) -> None:
        """One file of this computer."""
        if dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        place = dropped(event)
        if place is not None:
            event.acceptProposedAction()
            self.listen_to(place)

    def listen_to(self, recording: Path) -> None:
        """Another recording: its best stretch is looked for."""
        self.recording = recording
        self.listened = None
        self.stretch.show_recording((), 0.0)
        self.file.setText(breakable(recording.name))
        self.called.propose(recording.stem)
        self._listen(None)

    def _stretched(self) -> None:
        """What is being listened to is not wanted any more."""
        self.work.background.stop()
        self._show()

    def _listen_again(self) -> None:
        """To the stretch that was chosen."""
        if self.recording is not None:
            self._listen(self.stretch.stretch())

    def _listen(self, stretch: tuple[float, float] | None) -> None:
        self.before.stop()
        self.after.stop()
        assert self.recording is not None
        recording, folder, number = self.recording, self._place(), next(self._numbers)
        start_s, end_s = (None, None) if stretch is None else stretch

        def work(show: Show, stopped: Stop) -> Listened:
            sample, before, after = (folder / f"{number}{ending}" for ending in (".flac", "-before.wav", "-after.wav"))
            places = {"out": sample, "before": before, "after": after}
            try:
                heard = self._context.questions.sample(recording, show, stopped, start_s=start_s, end_s=end_s, **places)
            except PluginError as error:
                if stretch is not None and error.params.get("reason") in OF_A_STRETCH:  # another one may do
                    raise PluginError("stretch_unusable", error.detail, **error.params) from None
                raise
            return Listened(heard, sample, before, after)

        text = _("Looking for the best stretch…") if stretch is None else _("Listening to this stretch…")
        engine = {"choose": self.choose_recording, "install": lambda: self._install(stretch)}
        self.work.start(text, work, self._heard, self._ended_listening, engine)
        self._show()

    def _heard(self, found: Listened) -> None:
        is_first, self.listened = self.listened is None, found
        heard = found.heard
        self.stretch.show_recording(heard.peaks, heard.duration_s)
        self.stretch.show_stretch(heard.start_s, heard.end_s)
        self.verdict.setText(findings.verdict(heard))
        self.facts.setText("\n".join(filter(None, (findings.advice(heard), *findings.facts(heard)))))
        self.facts.setToolTip(verbatim(findings.measured(heard)))
        known = clones.get(clones.Named(clones.id_of(heard.sha256))) if heard.sha256 else None
        self.known.setText("" if known is None else _("This stretch was cloned before, as “{name}”: that clone is changed.").format(name=isolated(known.name)))
        self.known.setVisible(known is not None)
        self._show()
        if is_first:
            self._scrolled.fit(self)

    def _ended_listening(self) -> None:
        """It has ended, or was stopped: then what was listened to before stands again, unless the user is choosing."""
        if self.listened is not None and self.work.error.isHidden() and not self.stretch.waits:
            self.stretch.show_stretch(self.listened.heard.start_s, self.listened.heard.end_s)
        self._show()

    def _install(self, stretch: tuple[float, float] | None) -> None:
        """The engine is missing: without it nobody can listen."""

        def then(error: Exception | None) -> bool:
            self._installs = False
            if sip.isdeleted(self) or not self.isVisible():
                return False
            if error is None:
                self._listen(stretch)
            else:
                self.work.show_error(error, {"again": lambda: self._install(stretch)})
            return True

        self._installs = True
        self._context.install(Wanted(layers=("core",)), then)
        self.underway.look()
        self.work.error.clear()
        self.work.say(_("The speech engine is being installed. As soon as it is there, the recording is listened to."))

    def _installation_changed(self, ended: bool) -> None:
        if ended:
            QTimer.singleShot(LOOK_MS, self._stopped_installing)

    def _stopped_installing(self) -> None:
        """By now whoever waits for its end has been told, unless it was stopped."""
        if self._installs and not self._context.underway():
            self._installs = False
            self.work.say(_("The installation was stopped. Choose the recording again to go on with it."))

    def _sound(self, which: str, show: Show, stopped: Stop) -> Path:
        """In a thread."""
        assert self.listened is not None
        place: Path = getattr(self.listened, which)
        return place

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = self._until_closed.enter_context(private_folder())
        return self._folder

    # ---- what is shown, and keeping ---------------------------------------------------------------------------------

    def _know(self, known: tuple[tuple[int, int], Missing, str]) -> None:
        _layer, lacking, base = known
        self._lacks = known
        self.converter.show_missing(lacking, base)
        self._show()

    def _is_current(self) -> bool:
        """Was the stretch that is shown listened to?"""
        return self.listened is not None and not self.work.running and not self.stretch.waits and self.work.error.isHidden()

    def _show(self) -> None:
        self.file.setVisible(bool(self.file.text()))
        self.stretch.setVisible(self.stretch.waveform.length_s > 0)
        self.found.setVisible(self.listened is not None and self.work.error.isHidden())
        for widget in (self.verdict, self.facts, self.before, self.after):
            widget.setEnabled(self._is_current())
        if self._lacks is not None:
            self.needs.show_for(*self._lacks, languages.language_name(languages.of_the_user()))
        allow(self.keep, self._why_not_kept())
        (self.choose if self.listened is None else self.keep).setDefault(True)

    def _why_not_kept(self) -> str:
        """Why there is nothing to be kept now; empty where there is."""
        if self.listened is None or not self.work.error.isHidden():
            return str(_("Choose a recording first"))
        if not self._is_current():
            return str(_("Wait until this stretch has been listened to") if self.work.running else _("Listen to this stretch first"))
        return "" if self.called.name() else str(_("The clone needs a name of its own"))

    def accept(self) -> None:
        """Keep it; then close."""
        name, found = self.called.name(), self.listened
        if found is None or not self._is_current() or not name:
            return
        self.before.stop()
        self.after.stop()
        converter, measures = self.converter.id(), clones.measured(found.heard)
        self._change(False)
        work = lambda show, stopped: clones.add(found.sample, name, converter, "", measures)  # noqa: E731
        self.work.start(_("Keeping the clone…"), work, self._kept, lambda: self._change(True))

    def _change(self, can: bool) -> None:
        """May another recording or stretch be chosen?"""
        for widget in (self.choose, self.stretch):
            widget.setEnabled(can)
        self._show()

    def _kept(self, clone: Clone) -> None:
        self.clone = clone
        self._fold()
        super().accept()

    def done(self, result: int) -> None:
        """However it is closed: whatever was begun ends."""
        self.work.background.stop()
        self._looking.stop()
        self.underway.timer.stop()
        self.before.stop()
        self.after.stop()
        self.player.free()
        self._until_closed.close()
        super().done(result)


def clone_a_voice(parent: Any, context: Context, then: Callable[[Clone], None]) -> None:
    """Show the dialog and wait. then: told of the clone that was kept."""
    dialog = CloneDialog(parent, context)
    dialog.exec()
    dialog.deleteLater()
    if dialog.clone is not None:
        then(dialog.clone)
