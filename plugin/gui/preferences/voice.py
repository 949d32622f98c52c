"""The page of voices: which there are, how one sounds, getting and removing one, and which is used for which language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from qt.core import QCheckBox, QIcon, QTimer  # type: ignore[import-not-found]

from ... import prefs
from ...converting import progress
from ...converting.progress import Show
from ...engine.install_plan import Wanted
from ...speaking import clones, voices
from ...speaking.catalogue import samples_page
from ...wording import N_, isolated
from ...wording import translate as _
from .. import language_names as languages
from ..background import Background
from ..clone import abilities
from ..clone.abilities import split
from ..context import Context
from ..language_names import language_name
from ..links import Linked, verbatim
from ..play_button import PlayButton
from ..player import Player
from ..scrolled import bold, sentence
from ..voice_bar import named
from ..work_bar import WAITS, WorkBar, allow, button
from .own_voice import OwnVoice
from .parts import WAVS, Page, size_words
from .samples import SENTENCES
from .samples import sentence as sample
from .voice_clones import Clones
from .voice_layout import lay_out
from .voice_removal import Removal
from .voice_speaker import SpeakerChoice
from .voice_table import Filter, Row, Voices, own_row, rows
from .voice_use import Known, Use, described, known, more, over, terms, unread
from .voice_use_button import CHOOSE, FILE_GONE, UseButton
from .voice_view import Languages, Search, VoicesView

Stop = Callable[[], bool]
_GET = N_("Downloads it: then it can be heard here, and chosen for a book")


@dataclass(frozen=True)
class _Try:
    """What Play is to say: taken when a row is selected, since it is read in a thread."""

    id: str
    language: str


class VoicePage(Page):
    """Which voice is used for which language is kept with the whole; getting and removing are done at once."""

    def __init__(self, context: Context, player: Player, pending: Callable[[], prefs.Settings] = prefs.load) -> None:
        super().__init__(context, player, pending)
        self._library = languages.of_the_library(context.gui)
        self._try = _Try(voices.ESPEAK, "en")
        self._about = ""
        """The voice of which the page speaks; a message about another one is gone."""
        self._new, self._told_of_new = "", ""
        """A clone that is to be selected when it is in the list, and what to say then."""
        self._filling = False
        saved = prefs.load()
        self.model = Voices(self, saved.voices)
        self._use_of = Use(context.resources, self.model, saved.voices, saved.before)
        self.filter = Filter(self, self.model)
        self._make()
        lay_out(self)
        self._reading = Background(self)
        self._reading.done.connect(self._fill)
        self._reading.failed.connect(lambda error: self.work.error.set_error(error, {"again": self.refresh}))
        self.begin()

    def changes(self) -> Mapping[str, Any]:
        return {"voices": dict(self._use_of.chosen), "before": dict(self._use_of.before)}

    # ---- what is there ----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        self.search = Search()
        self.search.setPlaceholderText(_("Name or language"))
        self.search.setClearButtonEnabled(True)
        self.language = Languages()
        self.here = QCheckBox(_("Only those on this &computer"))
        self.table = VoicesView()
        self.table.show_voices(self.filter)
        self.details = bold(sentence("", self))
        self.more = sentence("", self)
        self.licence = Linked("", self)
        self.spoken = sentence("", self)
        samples = _("Hear samples of all voices in your browser: {address}")
        self.samples = Linked(samples.format(address=samples_page(self.context.resources)), self)
        self.speaker = SpeakerChoice(self.context.resources)
        self.work = WorkBar(self)
        self.play = PlayButton(self, self.player, self._say, self.work.error, self._say_of_sound, self._get_to_hear)
        self.mend_play(self.play, self.work)
        self.get = button(_("&Get"), self._get, _(_GET))
        self.removal = Removal(self, self.work, self._removed, self._show_row)
        self.remove = self.removal.button
        self.use = UseButton(self._use, self._use_of, self.speaker)
        self.own = button(_("Voice from a &file…"), self._add_own, _("Adds a Piper or Coqui voice that you have as a file or folder to the list"))
        self.clones = Clones(self, self.context, self.work, self._cloned, self._show_row)
        self.get.setIcon(QIcon.ic("plus.png"))
        for changed in (self.search.textChanged, self.language.currentIndexChanged, self.here.toggled):
            changed.connect(lambda *_new: self._narrow())
        self.table.selectionModel().currentRowChanged.connect(lambda *_new: self._show_row())
        self.table.doubleClicked.connect(lambda _index: self._can_speak(self.row) and self.play.click())
        self.search.entered.connect(self.table.setFocus)
        self.speaker.currentIndexChanged.connect(lambda _index: self._show_use())

    def refresh(self) -> None:
        """Look what there is and what is here."""
        if self.work.running:
            return
        first = (*self._library, languages.of_the_user())
        chosen, device, resources = dict(self._use_of.chosen), self.pending().device, self.context.resources
        files = prefs.load().files

        def read(show: Show, stopped: Stop) -> tuple[list[Row], Known]:
            found = rows(resources, chosen, first, files)
            return found, known(found, device, resources)

        self._reading.start(read)

    def underway_changed(self, ended: bool) -> None:
        super().underway_changed(ended)
        self._show_use()

    def _fill(self, read: tuple[list[Row], Known]) -> None:
        found, known = read
        selected = self.row
        self._filling = True
        self.model.set_rows(found)
        self._use_of.know(known)
        bases = dict.fromkeys(row.base for row in found if row.base)
        self.language.offer([base for base in self._library if base in bases], bases)
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
        if self._told_of_new and self.row is not None:
            lacks = _("Before it speaks, {size} are downloaded: “Get” does that now.").format(size=size_words(self.row.size_bytes))
            self.work.say(" ".join((self._told_of_new, *([] if self.row.here else [lacks]))))
            self._told_of_new = ""

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
        """Show that voice; what is looked for gives way where it would hide it."""
        if not self._select(id):
            self.search.clear()
            self.language.setCurrentIndex(0)
            self.here.setChecked(False)
            self._select(id)

    def _select(self, id: str) -> bool:
        """Is it among those that are shown?"""
        for number in range(self.filter.rowCount()):
            if self.filter.row(self.filter.index(number, 0)).id == id:
                self.table.setCurrentIndex(self.filter.index(number, 0))
                return True
        return False

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
            self.more.setText(more(row))
        else:
            self.details.setText(_("No voice fits these words.") if self.model.rowCount() else "")
            self.more.setText("")
            self.licence.say("")
        self.more.setVisible(bool(self.more.text()))
        here = {known.id for known in self.model.rows() if known.here}
        self.speaker.show_row(row, self._language_of(row), self._use_of.chosen, here)
        self._show_use()

    def _language_of(self, row: Row | None) -> str:
        """The language that it is to speak: what it would be used for, else the user's."""
        return self._base_for(row) or languages.of_the_user()

    def _show_use(self) -> None:
        """What may be done with what it speaks, of a clone over the base voice that is chosen; and what can be done with it now."""
        row = self.row
        if row is not None:
            self.licence.say(terms(row, self.speaker.base(), self.context.resources))
        base = self._base_for(row)
        mine = self._chosen_for(row)
        running = self.work.running
        clone = None if row is None else row.clone
        can, comes = self._can_speak(row), self._comes(row)
        hear = _("Speaks a sentence in its language") if can else _("Downloads this voice, and then speaks a sentence in its language")
        allow(self.play, self._why_silent(row, can, comes), hear)
        self.get.setText(_("On its way") if comes else _("&Get"))
        allow(self.get, self._why_not_got(row, can, comes), _(_GET))
        self.removal.show(row, self._use_of, self.model, running)
        if row is not None:
            self._try = _Try(self.speaker.whole(), self._language_of(row))
        speaks = (self._try.id, self._try.language) if can and clone is not None else None
        self.clones.show(clone, any(known.clone is not None for known in self.model.rows()), running, speaks)
        self.use.show_row(row, base, mine, can, comes, running)
        told = self._told(mine or ([base] if base else []))
        if row is not None and clone is not None:
            able = over(self.speaker.able, language_name(self._language_of(row)), self.speaker.base())
            told = "\n".join(filter(None, (able, told)))
        elif row is not None and row.kind == voices.ESPEAK and not base:
            told = "\n".join(filter(None, (told, unread(self._library))))
        self.spoken.setText(told)
        self.spoken.setVisible(bool(self.spoken.text()))
        self.samples.setVisible(row is not None and row.kind == "piper")

    def _can_speak(self, row: Row | None) -> bool:
        """Now; a clone in the language that is looked at."""
        if row is None or row.clone is None:
            return row is not None and row.here
        return not row.extra_mb[0] and not self.speaker.lacks()

    def _why_silent(self, row: Row | None, can: bool, comes: bool) -> str:
        """Why it cannot be heard now; empty where it can, be it that it is downloaded first. A clone is not: it may need some GB."""
        if can or row is None or (row.clone is None and not row.own):
            return "" if can else self._why_not_got(row, can, comes)
        return str(_(FILE_GONE) if row.own else verbatim(self.speaker.able.reason) or _("Get the voice first"))

    def _why_not_got(self, row: Row | None, can: bool, comes: bool) -> str:
        """Why there is nothing to download now; empty where there is. can, comes: as for `UseButton.show_row`."""
        if row is None:
            return str(_(CHOOSE))
        if row.own:
            return str(_("It is a file of your own: there is nothing to download"))
        if can:
            return str(_("It is a part of the speech engine, and is there") if row.kind == voices.ESPEAK else _("It is on this computer already"))
        if comes:
            return str(_("It is being downloaded: below is how far it is"))
        return str(verbatim(self.speaker.able.reason) or (_(WAITS) if self.work.running else ""))

    def _comes(self, row: Row | None) -> bool:
        """Is it being installed, or what it comes with?"""
        if row is None or self._can_speak(row):
            return False
        return self.is_coming("core" if row.packaged else "", row.id) or (row.packaged and self.is_coming("neural"))

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

    def _say_of_sound(self, text: str) -> None:
        """Shorter than an error: what is told of the voice stays in sight."""
        if not self.work.running:
            self.work.say(text)

    def _get(self) -> None:
        if self.row is not None:
            self._fetch(self.row, self._got)

    def _get_to_hear(self) -> bool:
        """Play downloads a voice that is not here, as in the windows before a conversion."""
        row = self.row
        if row is None or self._can_speak(row):
            return False
        self._fetch(row, self._got_to_hear)
        return True

    def _got_to_hear(self, id: str) -> None:
        self._got(id)
        QTimer.singleShot(0, lambda: self.row is not None and self.row.id == id and self.play.click())

    def _fetch(self, row: Row, then: Callable[[str], None]) -> None:
        """then: told its id when it is here. What a clone needs of the engine is installed by a job of Calibre's, with the rest."""
        whole = self.speaker.whole() if row.clone is not None else row.id
        if row.clone is not None and abilities.lacks_layer(self.context.resources):
            self.install(Wanted(("neural",), (whole,)), self.work)
            return

        def fetch(show: Show, stopped: Stop) -> str:
            told = lambda stage, done, text: show(progress.fetching(stage, done, named(row.name, text)))  # noqa: E731
            voices.ensure_voice(whole, self.context.resources, told, stopped)
            return row.id

        self.work.start(_("Downloading {voice}").format(voice=isolated(row.name)), fetch, then, self._show_row)
        self._show_use()

    def _got(self, id: str) -> None:
        self.model.set_here(id, True)
        self._use_of.look_again()
        self.work.say(_("The voice is on this computer now."))
        self.refresh()  # what came with it (a base voice, a part of the engine) others may need, too

    def _cloned(self, id: str, told: str = "") -> None:
        """A clone is new, or is called otherwise. told: what to say when it is shown."""
        self._new, self._told_of_new = id, told
        self.refresh()

    def _removed(self, row: Row) -> str:
        """What to say of it."""
        used, then = self.model.used_for(row), self._use_of.without(row, self._use_of.chosen)
        for base in used:  # a voice that is not here is for no language
            self._use_of.choose(base, then.get(base))
        if row.own or row.clone is not None:
            self.model.remove_own(row)
            self._narrow()
        else:
            self.model.set_here(row.id, False)
        said = [_("The voice was removed.")]
        if row.own:
            said = [_("{voice} is not in the list any more; its file stays where it is.").format(voice=isolated(row.name))]
            said += [self._use_of.who_speaks(base, None) for base in used]
        self.refresh()
        return " ".join(said)

    def _use(self) -> None:
        row = self.row
        base, mine = self._base_for(row), self._chosen_for(row)
        if row is None:
            return
        self.work.clear()  # what it said to press is pressed
        if base and not mine and not self._can_speak(row) and row.clone is None:
            self._fetch(row, partial(self._got_for, base))
            return
        for language in mine:
            self._use_of.choose(language, None)
        if base and not mine:
            self._use_of.choose(base, self.speaker.id() if row.clone is None else self._lasting(base))
        if base and not mine and row.clone is not None and not self._can_speak(row) and not self._comes(row):
            self._fetch(row, self._got)  # it is used all the same, and a book would wait for it
        self._show_use()
        if not base:  # then nothing else says it
            left = _("{voice} is not the chosen voice any more.").format(voice=isolated(row.name))
            self.work.say("\n".join((left, self._told(mine))))

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
            path, base = dialog.path(), dialog.base()
            prefs.change(files={**prefs.load().files, path: base})
            row = own_row(base, path)
            self.model.add_own(row)
            self._use_of.look_again()
            self.select(path)
            if not self.model.used_for(row):
                text = _("{voice} is in the list now. It reads books when you press “Use for {language}”.")
                self.work.say(text.format(voice=isolated(row.name), language=language_name(base)))
