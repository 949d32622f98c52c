"""The first run: what will be fetched, how much, from where, to where and about how long, before a byte of it is.

A graphics card is looked for meanwhile; where this system has a build of PyTorch for it, the neural layer (in windows:
the extra part of the engine) is offered, to be installed after the first book could begin. The dialog fetches nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QCheckBox,
    QDialogButtonBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QIcon,
    QLabel,
    QPushButton,
    QRadioButton,
    Qt,
    QVBoxLayout,
    QWidget,
)

from .. import paths, prefs
from ..converting.progress import Show
from ..engine import engine_care, engine_move, gpus
from ..engine.install_plan import Item, Offer, Plan, Wanted, best_offer, size_words
from ..errors import PluginError
from ..languages import region
from ..speaking.catalogue import MAY, catalogue, titled
from ..speaking.voices import DEFAULT_ENGLISH, HEART, Proposal, missing
from ..wording import isolated
from ..wording import translate as _
from .background import Background
from .context import Context
from .convert_books import breakable
from .engine_folder import ask_for_folder
from .error_dialog import ErrorBox
from .scrolled import Page, Scrolled, Wrapping, below_radio, bold, sentence, small
from .voice_offers import as_sentence

WIDE: Final = 96
"""In characters: so the window shows all that is to be known before it is agreed to on a usual laptop's screen, without scrolling."""


class FirstRun(Wrapping):
    """`exec`, then `wanted`, `ask_first` and `english`. replan: what is to be fetched with who is to read English (empty where nobody is asked), counted
    anew. card: None to look for one. ask: what its box says first. english: between whom there is a choice, the one first who reads where nobody chooses
    and no part of the engine is added. However it is closed, what is marked is kept (`prefs.Settings.first`) for the next time: who installs may break off."""

    def __init__(
        self,
        parent: Any,
        context: Context,
        replan: Callable[[str], Plan],
        card: gpus.Gpu | None = None,
        ask: bool = False,
        english: Sequence[Proposal] = (),
    ) -> None:
        super().__init__(parent)
        self._between = tuple(english)
        before = prefs.load().first
        self._taken = next((voice.id for voice in self._between if voice.id in before), "")
        """Who was taken by hand to read English."""
        self._before = before
        self._begun_mb = 0.0
        """Of an installation that was broken off, on the disk."""
        self._with_card = False
        plan = replan(self._reader)
        self._context, self._plan, self._replan = context, plan, replan
        self._offer: Offer | None = None
        self.setWindowTitle(_("Convert to audiobook: install the speech engine"))
        self.setWindowIcon(QIcon.ic("download-metadata.png"))
        page = Page(self)
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        self.what = bold(sentence("", page))
        rows.addWidget(self.what)
        self.after = sentence("", page)
        rows.addWidget(self.after)
        self.sums = sentence("", page)
        rows.addWidget(self.sums)
        self.where = sentence("", page)
        self.elsewhere = QPushButton(QIcon.ic("document_open.png"), _("Other &folder…"), page)
        self.elsewhere.setAutoDefault(False)
        self.elsewhere.setToolTip(engine_move.fixed() or _("Choose where the speech engine and its voices are kept, on another disk perhaps"))
        self.elsewhere.setEnabled(not engine_move.fixed())
        self.elsewhere.clicked.connect(self._choose_folder)
        place = QHBoxLayout()
        place.addWidget(self.where, 1)
        place.addWidget(self.elsewhere, 0, Qt.AlignmentFlag.AlignTop)
        rows.addLayout(place)
        self.kept = sentence("", page)
        rows.addWidget(self.kept)
        self.readers: tuple[QRadioButton, ...] = ()
        """Of `english`, each."""
        if len(self._between) > 1:
            rows.addWidget(self._choice(page))
        self._box = QGroupBox(_("What is downloaded, and from where"), page)
        self._grid = QGridLayout(self._box)
        self._grid.setColumnStretch(0, 1)
        rows.addWidget(self._box)
        self._show_plan()
        words = _("The package index is the public collection of programs in Python, the engine's language. A checksum tells whether a file is the right one.")
        rows.addWidget(small(sentence(words, page)))
        rows.addStretch(1)
        self.about_card = sentence("", self)
        self.about_card.hide()
        self.neural = QCheckBox(self)
        self.neural.toggled.connect(self._card_is_to_speak)
        self.neural.hide()
        self.ask = QCheckBox(_("Ask me for voice and &settings before the first book starts"), self)
        self.ask.setChecked(ask := ask or "ask" in before)
        chosen, usual = _("with the voice chosen above and the usual settings"), _("with its language's voice and the usual settings")
        self.ask.setToolTip(_("Otherwise your book starts as soon as all is there, {how}.").format(how=chosen if self.readers else usual))
        self.ask.toggled.connect(self._show_after)
        self._show_after(ask)
        buttons = QDialogButtonBox(self)
        self.install = buttons.addButton(_("&Install"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.install.setIcon(QIcon.ic("ok.png"))
        self.install.setDefault(True)
        self.not_now = buttons.addButton(_("&Not now"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._scrolled = Scrolled(page, self, WIDE)
        layout = QVBoxLayout(self)
        layout.addWidget(self._scrolled, 1)
        self.refused = ErrorBox(self)
        for widget in (self.about_card, self.refused, self.neural, self.ask, buttons):
            layout.addWidget(widget)
        self.install.setFocus()
        self._moving = Background(self)
        self._moving.done.connect(self._moved)
        self._moving.failed.connect(self._not_moved)
        self._measuring = Background(self)
        self._measuring.done.connect(self._measured)
        self._show_folder()
        self._measure()
        self.begin(WIDE)
        self._scrolled.fit(self)
        self._look_for_card(card)

    def wanted(self) -> Wanted:
        """What to install. `neural` comes last: where it was not asked for, the first book need not wait for it."""
        more = ("neural",) if self._offered and self.neural.isChecked() else ()
        return Wanted((*self._plan.layers, *more), self._plan.voices)

    @property
    def english(self) -> str:
        """Who is to become the usual voice for English; empty where all books are read so without that. The first book does not wait for a card's part, so
        with that it is read by another than those that follow."""
        anyway = {*(voice.id for voice in self._between[:1]), *([DEFAULT_ENGLISH] if self._with_card else [])}
        return "" if not self._between or anyway == {self._reader} else self._reader

    @property
    def ask_first(self) -> bool:
        """Show the convert dialog before the first book?"""
        return bool(self.ask.isChecked())

    def accept(self) -> None:
        """Install. A card's layer that was not wanted is not offered again here."""
        if self._offer is not None and self._offered and not self.neural.isChecked():
            prefs.change(no_neural=(*prefs.load().no_neural, self._offer.card.name))
        super().accept()

    def done(self, result: int) -> None:
        """However it is closed."""
        reader = (self._taken,) if self._between else set(self._before) - {"ask", "neural"}
        neural = self.neural.isChecked() if self._offer is not None else "neural" in self._before
        marked = {**dict.fromkeys(reader, True), "ask": self.ask_first, "neural": neural}
        prefs.change(first=tuple(name for name, on in marked.items() if name and on))
        super().done(result)

    @property
    def _offered(self) -> bool:
        return self._offer is not None and bool(self._offer.build) and "neural" not in self._plan.layers

    @property
    def _reader(self) -> str:
        """Who is to read English, as far as is known now: by a graphics card Joe, unless somebody chose."""
        ids = [voice.id for voice in self._between]
        return self._taken or (DEFAULT_ENGLISH if self._with_card and DEFAULT_ENGLISH in ids else next(iter(ids), ""))

    def _choice(self, page: QWidget) -> QWidget:
        """Who reads English."""
        box = QGroupBox(_("Who reads English books"), page)
        grid = QGridLayout(box)
        grid.setSpacing(0)
        known = catalogue(self._context.resources)
        titles = [titled(voice.name, region(known[voice.id].language), known[voice.id].person) for voice in self._between]
        self.readers = tuple(QRadioButton(title.replace("&", "&&"), box) for title in titles)
        for voice, radio in zip(self._between, self.readers, strict=True):
            more = _("Comes with the basic part.") if voice.id == HEART else _("{size} more are downloaded.").format(size=size_words(voice.fetch_bytes / 1e6))
            words = (as_sentence(voice.about), more if voice.fetch_bytes else "", _(MAY[known[voice.id].may]))
            about = sentence(" ".join(filter(None, words)), box)
            radio.setAccessibleDescription(about.text())
            radio.clicked.connect(partial(self._take, voice.id))
            grid.addWidget(radio, grid.rowCount(), 0, 1, 2)
            below_radio(about, grid, grid.rowCount())
        grid.setColumnStretch(1, 1)
        self.readers[[voice.id for voice in self._between].index(self._reader)].setChecked(True)
        self.hearing = sentence("", box)
        grid.addWidget(small(self.hearing), grid.rowCount(), 0, 1, 2)
        return box

    def _take(self, voice: str, checked: bool = False) -> None:
        self._taken = voice
        self._count()

    def _card_is_to_speak(self, wanted: bool) -> None:
        """Then another voice is the better one."""
        self._with_card = wanted
        for voice, radio in zip(self._between, self.readers, strict=False):
            if voice.id == self._reader:
                radio.setChecked(True)
        self._count()

    def _count(self) -> None:
        """What is to be fetched, anew."""
        self._plan = self._replan(self._reader)
        self._measure()
        self._show_plan()
        self._show_folder()
        self._show_after(self.ask_first)
        self._scrolled.fit(self)

    def _show_plan(self) -> None:
        """How much of what from where."""
        both = _("Books are spoken on this computer, by a speech engine and a voice that have to be downloaded once.")
        one = _("Books are spoken on this computer, by a speech engine that has to be downloaded once.")
        self.what.setText(both if self._plan.voices else one)
        self.sums.setText("\n".join(self._sums()))
        while (row := self._grid.takeAt(0)) is not None:
            row.widget().hide()
            row.widget().deleteLater()
        for item in self._plan.items:
            self._add(item, item.what)
        self._add_offered()

    def _add(self, item: Item, what: str) -> None:
        row = self._grid.rowCount()
        name, size, origin = sentence(what, self._box), QLabel(size_words(item.fetch_mb), self._box), small(sentence(_origin(item), self._box))
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(size, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(origin, row + 1, 0, 1, 2)
        for label in (name, size, origin):
            label.show()  # at once, so that the room for it is known

    def _add_offered(self) -> None:
        if self._offer is not None and self._offer.item is not None:
            self._add(self._offer.item, _("Only if you want it: {what}").format(what=self._offer.item.what))

    def _sums(self) -> list[str]:
        plan = replace(self._plan, begun_mb=self._begun_mb) if 1 <= self._begun_mb < self._plan.disk_mb else self._plan
        sizes = {"size": size_words(plan.fetch_mb), "disk": size_words(plan.disk_mb)}
        if plan.begun_mb:
            begun = _("An installation was begun, and goes on: of about {disk} on the disk, {begun} are there. Still to download: about {left} of {size}.")
            return [begun.format(**sizes, begun=size_words(plan.begun_mb), left=size_words(plan.left * plan.fetch_mb)), plan.time_words]
        return [
            _("To download: about {size}. On the disk: about {disk}.").format(**sizes),
            f"{plan.time_words} {_('You can stop it at any time; it goes on from there when you convert a book again.')}",
        ]

    def _measure(self) -> None:
        wanted, resources = self._plan.voices, self._context.resources

        def measure(show: Show, stopped: Any) -> float:
            parts = {part.id for voice in wanted for part in missing(voice, resources)}
            return engine_care.begun_bytes(parts, stopped) / 1e6

        self._measuring.start(measure)

    def _measured(self, begun_mb: float) -> None:
        self._begun_mb = begun_mb
        self.sums.setText("\n".join(self._sums()))

    def _show_after(self, asks: bool) -> None:
        """What follows the installation."""
        by_itself, asked = _("Your book starts by itself as soon as that is done."), _("As soon as that is done, you are asked for voice and settings.")
        alone = _("While books are read and spoken no network is used, and nothing of them ever leaves this computer.")
        self.after.setText(f"{asked if asks else by_itself} {alone}")
        if self.readers:
            there = _("Before your book starts you can hear both with a sentence of it, and choose anew.")
            not_yet = _("To hear both with a sentence of your book before it starts, tick “{tick}” below.")
            text = there if asks else not_yet.format(tick=self.ask.text().replace("&", ""))
            more = _("For that {voice} is downloaded first ({size}).")
            lacking = [voice for voice in self._between if voice.id != HEART and voice.fetch_bytes and voice.id not in self._plan.voices]
            self.hearing.setText(" ".join([text, *(more.format(voice=voice.name, size=size_words(voice.fetch_bytes / 1e6)) for voice in lacking)]))

    def _show_folder(self) -> None:
        """Where it goes, and whether there is room."""
        plan = self._plan
        lines = [_("The speech engine and its voices go to {folder}").format(folder=isolated(breakable(str(plan.folder))))]
        if paths.drive_is_gone():
            lines.append(_("That folder is not there now. If it is on a drive of its own, connect it; or choose another one."))
        elif 0 <= plan.free_mb < plan.need_mb:
            need, free = size_words(plan.need_mb), size_words(plan.free_mb)
            short = _("There is too little free space: {need} are needed while it installs, {free} are free. Free some, or choose another folder.")
            lines.append(short.format(need=need, free=free))
        kept = _(
            "Spoken sentences are kept in {clips}, always there. They come as books are spoken, at most {most} GB; that room is not needed now. "
            "In Preferences of Convert to audiobook, “Engine”, you can lower that limit at any time, and move the speech engine."
        )
        self.kept.setText(kept.format(most=prefs.load().kept_gb, clips=isolated(breakable(str(paths.clips_dir())))))
        self.where.setText("\n".join(lines))

    def _choose_folder(self) -> None:
        try:
            target = ask_for_folder(self)
        except PluginError as error:
            self._not_moved(error)
            return
        if target is None:
            self.install.setFocus()
            return
        self._busy(True)
        self._moving.start(lambda show, stopped: engine_move.move(target, self._context.busy, show, stopped))

    def _moved(self, _left: object) -> None:
        self.refused.clear()
        self._count()
        self._busy(False)

    def _not_moved(self, error: Exception) -> None:
        self.refused.set_error(error, {"choose": self._choose_folder})
        self._busy(False)

    def _busy(self, busy: bool) -> None:
        self.install.setEnabled(not busy)
        self.elsewhere.setEnabled(not busy)
        if not busy:
            self.install.setFocus()  # while it was off, the focus went on to “Not now”, which Enter would press

    def _look_for_card(self, card: gpus.Gpu | None) -> None:
        if "neural" in self._plan.layers:
            return
        resources = self._context.resources
        unwanted = prefs.load().no_neural

        def look(show: Show, stopped: Any) -> Offer | None:
            return best_offer(resources, gpus.found() if card is None else (card,))

        def found(offer: Offer | None) -> None:
            if offer is not None and offer.card.name not in unwanted:
                self._show_offer(offer)

        self._background = Background(self)
        self._background.done.connect(found)
        self._background.start(look)

    def _show_offer(self, offer: Offer) -> None:
        self._offer = offer
        self.about_card.setText(offer.sentence)
        if offer.item is not None:
            self._add_offered()
            fetch, disk = size_words(offer.item.fetch_mb), size_words(offer.item.disk_mb)
            self.neural.setText(_("Insta&ll the extra part for it, too, afterwards ({size} more; it takes {disk})").format(size=fetch, disk=disk))
            self.neural.setToolTip(_("It lets the card speak, and cloned voices. The first book does not wait for it."))
            self.neural.show()
            self.neural.setChecked("neural" in self._before)
        self.about_card.show()
        self._scrolled.fit(self)


def _origin(item: Item) -> str:
    return f"{item.origin}\n{item.note}" if item.note else item.origin
