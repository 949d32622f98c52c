"""The page of voices: which there are, how one sounds, getting and removing one, and which is used for which language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from calibre.gui2 import question_dialog  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QCheckBox,
    QComboBox,
    QGridLayout,
    QIcon,
    QLabel,
    QVBoxLayout,
)

from ... import prefs
from ...converting import progress
from ...converting.progress import Show
from ...engine.install_plan import Wanted
from ...errors import PluginError
from ...speaking import clones, converters, speakers, voices
from ...speaking.catalogue import samples_page
from ...wording import translate as _
from .. import language_names as languages
from ..background import Background
from ..clone import abilities
from ..clone.abilities import split
from ..context import Context
from ..language_names import language_name
from ..links import Linked, verbatim
from ..player import PlayButton, Player
from ..scrolled import Page as Content
from ..scrolled import Scrolled, bold, calm, sentence
from ..work_bar import Flow, WorkBar, button
from . import converters_box
from .own_voice import OwnVoice
from .parts import WAVS, Page, size_words
from .samples import SENTENCES
from .samples import sentence as sample
from .voice_clones import Clones
from .voice_speaker import SpeakerChoice
from .voice_table import Filter, Row, Voices, own_row, rows
from .voice_use import Use, described, over, terms
from .voice_view import Search, VoicesView

Stop = Callable[[], bool]
_TOLD_LINES = 6
"""Of what is told of a voice so many are seen in the smallest window."""


@dataclass(frozen=True)
class _Try:
    """What Play is to say: taken when a row is selected, since it is read in a thread."""

    id: str
    language: str


class VoicePage(Page):
    """Which voice is used for which language is kept with the whole; getting and removing are done at once."""

    def __init__(self, context: Context, player: Player) -> None:
        super().__init__(context, player)
        self._library = languages.of_the_library(context.gui)
        self._try = _Try(voices.ESPEAK, "en")
        self._about = ""
        """The voice of which the page speaks; a message about another one is gone."""
        self._new = ""
        """A clone that is to be selected when it is in the list."""
        self._filling = False
        chosen = prefs.load().voices
        self.model = Voices(self, chosen)
        self._use_of = Use(context.resources, self.model, chosen)
        self.filter = Filter(self, self.model)
        self._make()
        self._lay_out()
        self._reading = Background(self)
        self._reading.done.connect(self._fill)
        self._reading.failed.connect(lambda error: self.work.error.set_error(error, {"again": self.refresh}))
        self.refresh()

    def changes(self) -> Mapping[str, Any]:
        return {"voices": dict(self._use_of.chosen)}

    # ---- what is there ----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        self.search = Search()
        self.search.setPlaceholderText(_("Name or language"))
        self.search.setClearButtonEnabled(True)
        self.language = QComboBox()
        self.language.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.language.addItem(_("All languages"), "")
        self.here = QCheckBox(_("Only those on this &computer"))
        self.table = VoicesView()
        self.table.show_voices(self.filter)
        self.details = bold(sentence("", self))
        self.licence = Linked("", self)
        self.spoken = sentence("", self)
        samples = _("Hear samples of all voices in your browser: {address}")
        self.samples = Linked(samples.format(address=samples_page(self.context.resources)), self)
        self.speaker = SpeakerChoice(self.context.resources)
        self.work = WorkBar(self)
        self.play = PlayButton(self, self.player, self._say, self.work.error)
        self.mend_play(self.play, self.work)
        self.get = button(_("&Get"), self._get, _("Downloads it: then it can be heard here, and chosen for a book"))
        self.remove = button(_("&Remove"), self._remove)
        self.use = button("", self._use)
        self.own = button(_("A voice of your &own…"), self._add_own)
        self.clones = Clones(self, self.context, self.work, self._cloned, self._show_row)
        self.get.setIcon(QIcon.ic("plus.png"))
        self.remove.setIcon(QIcon.ic("trash.png"))
        self.use.setIcon(QIcon.ic("ok.png"))
        calm(self.language)
        for changed in (self.search.textChanged, self.language.currentIndexChanged, self.here.toggled):
            changed.connect(lambda *_new: self._narrow())
        self.table.selectionModel().currentRowChanged.connect(lambda *_new: self._show_row())
        self.table.doubleClicked.connect(lambda _index: self.play.click())
        self.search.entered.connect(self.table.setFocus)
        self.speaker.currentIndexChanged.connect(lambda _index: self._show_use())

    def _lay_out(self) -> None:
        """What is told scrolls by itself, its messages first: neither they nor a longer text move a button. The whole scrolls in a very small window."""
        find = QGridLayout()
        label, among = QLabel(_("&Search:")), QLabel(_("&Language:"))
        label.setBuddy(self.search)
        among.setBuddy(self.language)
        find.addWidget(label, 0, 0)
        find.addWidget(self.search, 0, 1)
        find.addWidget(among, 1, 0)
        find.addWidget(self.language, 1, 1)
        find.addWidget(self.here, 2, 1)
        find.setColumnStretch(1, 1)
        speakers = QGridLayout()
        speakers.addWidget(self.speaker.label, 0, 0)
        speakers.addWidget(self.speaker, 0, 1)
        speakers.setColumnStretch(2, 1)
        inner = Content()
        told = QVBoxLayout(inner)
        told.setContentsMargins(0, 0, 0, 0)
        for widget in (self.work, self.details, self.licence, self.spoken, self.samples):
            told.addWidget(widget)
        told.addStretch()
        page = Content()
        layout = QVBoxLayout(page)
        layout.addLayout(find)
        layout.addWidget(self.table, 1)
        layout.addWidget(Scrolled(inner, self, lines=_TOLD_LINES), 1)
        layout.addLayout(speakers)
        layout.addLayout(Flow(self.play, self.get, self.remove, self.clones.rename, self.clones.measure, self.clones.export))
        layout.addLayout(Flow(self.clones.make, self.clones.take_in, self.own))
        layout.addLayout(Flow(self.use))
        layout.addWidget(sentence(_("Getting and removing are done at once; “Cancel” only takes back for which language a voice is used."), self))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolled(page, self))

    def refresh(self) -> None:
        """Look what there is and what is here."""
        if self.work.running:
            return
        first = (*self._library, languages.of_the_user())
        chosen, device = dict(self._use_of.chosen), prefs.load().device
        self._reading.start(lambda show, stopped: (speakers.on_card(device, self.context.resources), rows(self.context.resources, chosen, first)))

    def _fill(self, read: tuple[bool, list[Row]]) -> None:
        self._use_of.on_card, found = read
        selected, among = self.row, self.language.currentData()
        self._filling = True
        self.model.set_rows(found)
        self._use_of.look_again()
        bases = dict.fromkeys(row.base for row in found if row.base)
        first = [base for base in self._library if base in bases]
        self.language.blockSignals(True)
        while self.language.count() > 1:
            self.language.removeItem(1)
        for base in [*first, *sorted(set(bases) - set(first), key=language_name)]:
            self.language.addItem(language_name(base), base)
        if first:
            self.language.insertSeparator(1 + len(first))
        self.language.setCurrentIndex(max(0, self.language.findData(among)))
        self.language.blockSignals(False)
        self._narrow()
        if self._new:
            self.select(self._new)
            self._new = ""
        elif selected is not None:
            self._select(selected.id)
        elif base := next((base for base in (*self._library, languages.of_the_user()) if base in bases), ""):
            for id in (split(speaker := self._use_of.speaker(base))[0], speaker):
                self._select(id)
        self._filling = False
        self._show_row()

    def _narrow(self) -> None:
        before = self.row
        self.filter.show_only(self.search.text(), str(self.language.currentData() or ""), self.here.isChecked())
        if self.filter.rowCount() and (before is None or self.row != before):  # the first is of the reader's language; Qt takes a neighbour
            self.table.setCurrentIndex(self.filter.index(0, 0))
        self._show_row()

    # ---- the selected one -------------------------------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The selected voice."""
        index = self.table.currentIndex()
        return self.filter.row(index) if index.isValid() else None

    def select(self, id: str) -> None:
        """Show that voice, whatever was filtered."""
        self.search.clear()
        self.language.setCurrentIndex(0)
        self.here.setChecked(False)
        self._select(id)

    def _select(self, id: str) -> None:
        for number in range(self.filter.rowCount()):
            if self.filter.row(self.filter.index(number, 0)).id == id:
                self.table.setCurrentIndex(self.filter.index(number, 0))
                return

    def _show_row(self) -> None:
        if self._filling:
            return
        row = self.row
        about = row.id if row is not None else ""
        if about != self._about:
            self._about = about
            self.work.clear()
        if row is not None:
            self.details.setText(described(row))
            self.licence.say(terms(row))
        else:
            self.details.setText(_("No voice fits these words.") if self.model.rowCount() else "")
            self.licence.say("")
        here = {known.id for known in self.model.rows() if known.here}
        self.speaker.show_row(row, self._language_of(row), self._use_of.chosen, here)
        self._show_use()

    def _language_of(self, row: Row | None) -> str:
        """The language that it is to speak: what it would be used for, else the user's."""
        return self._base_for(row) or languages.of_the_user()

    def _show_use(self) -> None:
        """What can be done with it now."""
        row = self.row
        base = self._base_for(row)
        mine = self._chosen_for(row)
        running = self.work.running
        clone = None if row is None else row.clone
        can = row is not None and row.here and not self.speaker.lacks()
        self.play.setEnabled(can)
        self.play.setToolTip("" if row is None or can else _("Get the voice first"))
        self.get.setEnabled(row is not None and not can and not row.own and not self.speaker.able.reason and not running)
        removable = row is not None and (row.own or clone is not None or (row.here and row.kind not in (voices.ESPEAK, voices.KOKORO) and not row.packaged))
        self.remove.setEnabled(removable and not running)
        self.remove.setToolTip(_why_it_stays(row))
        if row is not None:
            self._try = _Try(self.speaker.whole(), self._language_of(row))
        speaks = (self._try.id, self._try.language) if can and clone is not None else None
        self.clones.show(clone, any(known.clone is not None for known in self.model.rows()), running, speaks)
        self._show_use_button(row, base, mine)
        told = self._told(mine or ([base] if base else []))
        if row is not None and clone is not None:
            able = over(self.speaker.able, language_name(self._language_of(row)), self.speaker.base())
            told = "\n".join(filter(None, (able, told)))
        self.spoken.setText(told)
        self.spoken.setVisible(bool(self.spoken.text()))
        self.samples.setVisible(row is not None and row.kind == "piper")

    def _show_use_button(self, row: Row | None, base: str, mine: list[str]) -> None:
        """To use it, or to go back to the plugin's own choice; off where neither changes anything."""
        back = [known for known in mine if self._use_of.can_go_back(known, row)]
        clone = None if row is None else row.clone
        fetched = row is not None and not row.here and not row.own and clone is None
        used = bool(mine) or (row is not None and self.speaker.count() <= 1 and self._use_of.is_proposed_everywhere(row))
        able, tip = not self.work.running, ""
        if len(back) > 1:
            text = _("Back to the plugin's own choices for {languages}").format(languages=_names(back))
        elif back:
            text = _("Back to the plugin's own choice ({voice})").format(voice=self._use_of.name_of_proposal(back[0], row))
        elif base and fetched and not used:
            text = _("Get it and use it for {language}").format(language=language_name(base))
            tip = _("Downloads it, and from then on it reads all books in {language}").format(language=language_name(base))
        elif base:
            text = _("Use for {language}").format(language=language_name(base))
            able = able and not used and row is not None and (row.here or clone is not None) and not self.speaker.able.reason
            tip = (_("It will be used without this: the first book downloads it, or “Get” does now") if fetched else _("It is used already")) if used else ""
        else:
            text = _("Use for a language")
            able, tip = False, _("Choose a language above first")
        self.use.setText(text)
        self.use.setToolTip(tip)
        self.use.setEnabled(able)

    def _base_for(self, row: Row | None) -> str:
        """The language that the voice would be used for: its own; for espeak the one that is looked at."""
        return "" if row is None else row.base or str(self.language.currentData() or "")

    def _chosen_for(self, row: Row | None) -> list[str]:
        """The languages for which it, with the speaker that is shown, was chosen: of espeak that which is looked at, else all."""
        if row is None:
            return []
        base = self._base_for(row)
        any_speaker = self.speaker.count() <= 1 or (row.clone is not None and not base)
        chosen = [known for known in self.model.used_for(row) if any_speaker or self._use_of.chosen[known] == self.speaker.id()]
        return [known for known in chosen if base in (known, "")]

    def _told(self, bases: Iterable[str]) -> str:
        return "\n".join(self._use_of.who_speaks(base, self.row) for base in bases)

    # ---- what the buttons do ----------------------------------------------------------------------------------------

    def _say(self, show: Show, stopped: Stop) -> Path:
        """In a thread."""
        wanted, out = self._try, WAVS.new()
        self.context.questions.say(sample(wanted.language), wanted.id, wanted.language, out, show, stopped)
        return out

    def _get(self) -> None:
        if self.row is not None:
            self._fetch(self.row, self._got)

    def _fetch(self, row: Row, then: Callable[[str], None]) -> None:
        """then: told its id when it is here. What a clone needs of the engine is installed by a job of Calibre's, with the rest."""
        whole = self.speaker.whole() if row.clone is not None else row.id
        if row.clone is not None and abilities.lacks_layer(self.context.resources):
            self.install(Wanted(("neural",), (whole,)), self.work)
            return

        def fetch(show: Show, stopped: Stop) -> str:
            told = lambda stage, done, text: show(progress.fetching(stage, done, text))  # noqa: E731
            voices.ensure_voice(whole, self.context.resources, told, stopped)
            return row.id

        self.work.start(_("Downloading {voice}").format(voice=row.name), fetch, then, self._show_row)
        self._show_use()

    def _got(self, id: str) -> None:
        self.model.set_here(id, True)
        self._use_of.look_again()
        self.work.say(_("The voice is on this computer now."))
        if self.row is not None and (self.row.clone is not None or self.row.kind in (voices.STUDENT, voices.KOKORO)):
            self.refresh()  # what came with it (a base voice, a part of the engine) others may need, too

    def _cloned(self, id: str) -> None:
        """A clone is new, or is called otherwise."""
        self._new = id
        self.refresh()

    def _remove(self) -> None:
        row = self.row
        if row is None:
            return
        if row.own:
            self._use_of.choose(row.base, None)
            self.model.remove_own(row)
            self._narrow()
            return
        if self.context.busy():  # it may open the voice's files again, for another device
            self._refuse_removing(row)
            return
        text = _("Remove the voice {voice} from this computer? It can be downloaded again. Audiobooks that it spoke stay.")
        if row.clone is not None:
            text = _("Remove {voice} with its recording? Only an exported file can bring it back. Audiobooks that it spoke stay.")
        if question_dialog(self, _("Remove this voice?"), verbatim(text.format(voice=row.name)), default_yes=False):
            self.play.stop()
            removing = partial(self._removed, row)

            def take_away(show: Show, stopped: Stop) -> None:
                if self.context.busy():
                    raise _needed(row)
                self.context.release()
                voices.remove(row.id, self.context.resources)

            self.work.start(_("Removing {voice}").format(voice=row.name), take_away, lambda _none: removing(), self._show_row)

    def _refuse_removing(self, row: Row) -> None:
        self.work.refuse(_needed(row), {"again": self._remove})

    def _removed(self, row: Row) -> None:
        """A voice that is not here is for no language."""
        for base in self.model.used_for(row):
            self._use_of.choose(base, None)
        prefs.change(voices={base: id for base, id in prefs.load().voices.items() if split(id)[0] != row.id})
        if row.clone is None:
            self.model.set_here(row.id, False)
        else:
            self.model.remove_own(row)
            self._narrow()
        self._use_of.look_again()
        self.work.say(" ".join(filter(None, (_("The voice was removed."), self._left_by(row)))))

    def _left_by(self, row: Row) -> str:
        """Where what a removed clone alone needed can be removed, too."""
        converter = "" if row.clone is None else row.clone.converter
        size_bytes = converters.bytes_on_disk(converter, self.context.resources) if converter and not converters_box.clones_by(converter) else 0
        text = _("What it alone needed still takes {size}; the page “Engine” can remove that.")
        return text.format(size=size_words(size_bytes)) if size_bytes else ""

    def _use(self) -> None:
        row = self.row
        base, mine = self._base_for(row), self._chosen_for(row)
        if row is None:
            return
        if base and not mine and not row.here and row.clone is None:
            self._fetch(row, partial(self._got_for, base))
            return
        for language in mine:
            self._use_of.choose(language, None)
        if base and not mine:
            self._use_of.choose(base, self.speaker.id() if row.clone is None else self._lasting(base))
        self._show_use()
        if not base:  # then nothing else says it
            self.work.say(self._told(mine))

    def _lasting(self, base: str) -> str:
        """A clone's id as it is heard now: with its base voice, where that is the usual one only as long as the clone is not."""
        usual = self._use_of.chosen.get(base, "")
        return self.speaker.whole() if usual and clones.parse(usual) is None else self.speaker.id()

    def _got_for(self, base: str, id: str) -> None:
        self._use_of.choose(base, id)
        self._got(id)

    def _add_own(self) -> None:
        known = dict.fromkeys([*self._library, languages.of_the_user(), *SENTENCES])
        likely = self._base_for(self.row) or languages.of_the_user()
        dialog = OwnVoice(self, [*known], likely)
        if dialog.exec():
            self._use_of.choose(dialog.base(), dialog.path())
            self.model.add_own(own_row(dialog.base(), dialog.path()))
            self._use_of.look_again()
            self.select(dialog.path())


def _needed(row: Row) -> PluginError:
    return PluginError("voice_not_removed", voice=row.name, reason=_("a book is being converted now"))


def _why_it_stays(row: Row | None) -> str:
    """Why a voice that is here cannot be removed by itself; empty where it can."""
    if row is None or not row.here:
        return ""
    if row.kind == voices.KOKORO:
        return str(_("It is Calibre's own; remove it there."))
    return str(_("It comes with the speech engine, and goes with it.")) if row.packaged else ""


def _names(bases: Iterable[str]) -> str:
    return ", ".join(map(language_name, bases))
