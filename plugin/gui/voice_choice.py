"""Choosing the voice for a language, with its speaker or a clone's base voice; one that is not here can be got."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from qt.core import QHBoxLayout, QLabel, QLocale, QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..errors import PluginError
from ..languages import base_language, is_unknown
from ..prefs import Settings
from ..resources import Resources
from ..speaking import clones, voices
from ..speaking.espeak_languages import unread
from ..wording import translate as _
from .background import Background
from .clone.abilities import ABOUT_BASES, Base, split
from .error_dialog import ErrorBox
from .links import Linked
from .voice_about import about, alone
from .voice_combo import combo_of, fill, widen
from .voice_get import VoiceGet
from .voice_keep import KeepVoice
from .voice_offers import Card, Offer, Offers, joined, offers


class VoiceChoice(QWidget):  # type: ignore[misc]
    """One language's voice. `changed` when another is chosen, or the chosen one has come; `offered` when the list is there; `returned` when the chosen one
    could not be had or is given up, and a former one is chosen again."""

    changed = pyqtSignal()
    returned = pyqtSignal()
    offered = pyqtSignal()

    def __init__(self, parent: Any, resources: Resources, settings: Settings, name: str = "", here: bool = False, begun: str = "") -> None:
        """name: for those who do not see it. here: as for `offers`. begun: the voice that is chosen at first in place of the usual one, if it is in the
        list."""
        super().__init__(parent)
        self._begun = begun
        self._resources = resources
        self._settings = settings
        self._chosen = settings.voices
        self._here = here
        self._next = ""
        """The voice that is to be chosen when the list is there."""
        self._used = True
        self._offers = Offers("", (), "")
        self._by_hand = False
        self._former: tuple[str, bool] = ("", False)
        """The voice that was chosen last of those that are here, and whether by hand."""
        self._load = Background(self)
        self._load.done.connect(self._fill)
        self._load.failed.connect(self._load_failed)
        self.combo = combo_of(self, name or _("Voice"))
        words = _("Who reads the book aloud. Those with “to get” are not on this computer yet: “Play” downloads one first.")
        self.combo.setToolTip(words)
        self.speaker = combo_of(self, _("Speaker"))
        self.note = Linked("", self)
        self.keep = KeepVoice(self)
        self._get = VoiceGet(self)
        self.get, self.bar = self._get.button, self._get.bar
        self._get.wanted.connect(self._fetch)
        self._get.got.connect(self._got)
        self._get.failed.connect(self._get_failed)
        self.box = ErrorBox(self)
        self.combo.activated.connect(self._chosen_in_list)
        self.speaker.activated.connect(self._chosen_by_hand)
        self._lay_out()
        self._show_voice()

    def _lay_out(self) -> None:
        self.row = QHBoxLayout()  # whoever uses this puts a Play button behind
        self.row.addWidget(self.combo, 1)
        self.speakers = QHBoxLayout()
        label = QLabel(_("&Speaker:"), self)
        label.setBuddy(self.speaker)
        self.speaker_label = label
        self.speakers.addWidget(label)
        self.speakers.addWidget(self.speaker, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self.row)
        layout.addLayout(self.speakers)
        layout.addWidget(self.note)
        layout.addLayout(self._get)
        layout.addWidget(self.box)
        layout.addWidget(self.keep)

    def set_language(self, language: str) -> None:
        """Offer the voices for a book in that language."""
        if language == self._offers.language and (self._offers.voices or self._load.running):
            return
        self._offers = replace(self._offers, language=language)
        self._reload()

    def voice(self) -> str:
        """The id that is chosen, with its speaker or a base voice of one's own choice; empty until there is a list."""
        offer = self._now()
        if offer is None:
            return ""
        return joined(offer.id, str(self.speaker.currentData() or "") if offer.speakers or offer.bases else "")

    def is_here(self) -> bool:
        """Can it speak now, but for the engine?"""
        offer = self._now()
        return offer is not None and not offer.reason and (not self.size_bytes() if offer.bases else offer.here)

    def cannot(self) -> str:
        """Why the chosen one cannot speak this language at all; empty where it can."""
        offer = self._now()
        return "" if offer is None else offer.reason

    def is_clone(self) -> bool:
        offer = self._now()
        return offer is not None and offer.clone

    def is_lone(self) -> bool:
        """Does the processor alone speak it?"""
        offer = self._now()
        return offer is not None and offer.lone

    def choose(self, id: str) -> None:
        """That one, as if by hand, though it may be new."""
        self._next = id
        self.look_again()

    def pick(self, id: str) -> None:
        """That one of the list, by hand; where it is not there any more, nothing changes, and `offered` says so."""
        at = self.combo.findData(id)
        if at < 0:
            self.offered.emit()
            return
        self.combo.setCurrentIndex(at)
        self._chosen_in_list()

    def as_proposed(self) -> None:
        """The voice that stands there before anybody chooses; where the list is not there yet, nothing changes."""
        if self._offers.voices:
            self._by_hand = self.keep.wanted = False
            self._pick(self._first())
            self.returned.emit()

    def set_begun(self, voice: str) -> None:
        """With this one the books go on, so that it stands there before anybody chooses, in place of the usual one; empty for none."""
        if voice == self._begun:
            return
        self._begun = voice
        name, detail = split(voice)
        known = next((offer for offer in self._offers.voices if offer.id == name), None)
        listed = bool(self._offers.voices)
        if voice and (listed or self._load.running) and (known is None or detail not in ("", *known.speakers, *(base.voice for base in known.bases))):
            self._reload()  # it comes into the list
        elif listed and not self._by_hand:
            self.as_proposed()

    def cards(self) -> tuple[Card, ...]:
        """The voices that are proposed side by side; empty where another is the user's usual one."""
        return self._offers.cards

    def another(self) -> str:
        """The id of one that is not proposed: one that is here and fits, else the first to be had."""
        cards = {card.id for card in self.cards()}
        others = [offer for offer in self._offers.voices if offer.id not in cards and not offer.reason]
        fitting = [offer for offer in others if offer.fits and not offer.mechanical] or others
        return next((offer.id for offer in fitting if offer.here and not offer.layer_mb), fitting[0].id if fitting else "")

    def has_failed(self) -> bool:
        """Could the chosen one not be downloaded just now?"""
        return bool(self.size_bytes()) and not self.box.isHidden()

    def for_devices(self) -> str:
        """The id by which to ask what can speak it; of a clone, and of what only the processor speaks, also where something of it is not here. Empty for
        another voice that is not here."""
        return self.whole() if self.is_here() or self.is_clone() or self.is_lone() else ""

    def whole(self) -> str:
        """As `voice`, of a clone always with the base voice that it speaks over."""
        offer = self._now()
        return joined(offer.id, self._base(offer).voice) if offer is not None and offer.bases else self.voice()

    def look_again(self) -> None:
        """Other voices may be there."""
        if self._offers.language or self._offers.voices:
            self._reload()

    def label(self) -> str:
        """The chosen one in words; empty until there is a list."""
        offer = self._now()
        return "" if offer is None else offer.label()

    def picked(self) -> str:
        """The id, where the user chose it by hand; else empty."""
        return self.voice() if self._by_hand else ""

    def kept(self) -> str:
        """The id, where it is to read all books in this language from now on, as the user says."""
        return self.lasting() if self._may_be_kept() and self.keep.isChecked() else ""

    def usual(self) -> str:
        """Name of the voice for all books in this language, where another is chosen here; else empty."""
        return voices.name_of(self._offers.instead_of or self._offers.preferred, self._resources) if self._is_another() else ""

    def alone(self) -> bool:
        """Is there, but for espeak and clones, no voice that speaks the language?"""
        return alone(self._offers)

    def lasting(self) -> str:
        """The id by which it stays as it was heard: of a clone with its base voice, where that is the usual one only as long as the clone is not."""
        usual = self._chosen.get(base_language(self._offers.language), "")
        return self.whole() if usual and clones.parse(usual) is None else self.voice()

    def name(self) -> str:
        """The chosen one's alone."""
        return voices.name_of(self.voice(), self._resources) if self.voice() else ""

    def size_bytes(self) -> int:
        """What has to be downloaded before it speaks."""
        offer = self._now()
        if offer is not None and offer.bases:
            return self._base(offer).size_bytes
        return 0 if offer is None or offer.here else offer.size_bytes

    def hold(self, on: bool) -> None:
        """The voice that is chosen here is the one for all books, since nobody is to be asked any more: `keep` says so."""
        self.keep.hold(on)
        self._show_keep()

    def set_used(self, on: bool) -> None:
        """Is a book converted with the chosen one, as things stand?"""
        if on != self._used:
            self._used = on
            self._show_voice()

    @property
    def busy(self) -> bool:
        """Is a voice being fetched?"""
        return self._get.running

    def stop(self) -> None:
        """Leave off whatever is being done; what was fetched is kept for the next time."""
        self._load.stop()
        self._get.stop()

    def _reload(self) -> None:
        language, resources, chosen, here, begun = self._offers.language, self._resources, self._chosen, self._here, self._begun
        device, files, reader = self._settings.device, self._settings.files, QLocale.system().name()
        self._load.start(lambda show, stopped: offers(language, resources, chosen, here, device, begun, reader, files))

    def _fill(self, found: Offers) -> None:
        self._by_hand = self._by_hand or bool(self._next)
        before_loading, self._offers = self.voice(), found
        wanted = self._next or (before_loading if self._by_hand else self._first())
        self._next = ""
        fill(self.combo, found.voices)
        self._set(wanted)
        self._show_voice()
        self.offered.emit()
        self.changed.emit()

    def _first(self) -> str:
        """The id of the voice that stands there before anybody chooses."""
        return self._begun if split(self._begun)[0] in {offer.id for offer in self._offers.voices} else self._offers.preferred

    def _load_failed(self, error: PluginError) -> None:
        self.box.set_error(error, {})

    def _fill_speakers(self, wanted: str = "") -> None:
        offer = self._now()
        self.speaker.clear()
        for name in () if offer is None else offer.speakers:
            self.speaker.addItem(name, name)
        for base in () if offer is None else offer.bases:
            self.speaker.addItem(base.name if base.id else _("{voice} (the usual one)").format(voice=base.name), base.id)
        self.speaker.setCurrentIndex(max(0, self.speaker.findData(wanted)))

    def _chosen_in_list(self, *at: int) -> None:
        self._get.stop()
        self._fill_speakers()
        self.keep.wanted = False
        self._chosen_by_hand()

    def _chosen_by_hand(self, *at: int) -> None:
        self._by_hand = True
        self.box.clear()
        self._show_voice()
        self.changed.emit()

    def _now(self) -> Offer | None:
        id = self.combo.currentData()
        return next((offer for offer in self._offers.voices if offer.id == id), None)

    def _show_voice(self) -> None:
        offer = self._now()
        several = offer is not None and bool(offer.speakers or offer.bases)
        self.speaker_label.setText(_("&Speaker:") if offer is None or not offer.clone else _("&Base voice:"))
        self.speaker.setAccessibleName(_("Speaker") if offer is None or not offer.clone else _("Base voice"))
        self.speaker.setToolTip("" if offer is None or not offer.clone else _(ABOUT_BASES))
        self.combo.setEnabled(offer is not None)
        widen(self.combo)
        widen(self.speaker)
        self.speaker.setVisible(several)
        self.speaker_label.setVisible(several)
        text = "" if offer is None else self._about(offer)
        if self._offers.instead_of and not self._by_hand:
            missing = _("“{voice}” is not on this computer, so “{other}” is proposed.")
            text = f"{missing.format(voice=voices.name_of(self._offers.instead_of, self._resources), other=self.name())} {text}".strip()
        self.note.say(text)
        self.note.setVisible(bool(text))
        self._show_keep()
        if self.is_here():
            self._former = self.voice(), self._by_hand
        self._show_get()

    def _is_another(self) -> bool:
        """Than the one for all books in this language."""
        usual = self._offers.instead_of or self._offers.preferred
        return self.voice() not in ("", usual) and not is_unknown(self._offers.language)

    def _may_be_kept(self) -> bool:
        """Also espeak, where it is proposed for a language that it does not read: until the user says so, each such book is asked about."""
        language = self._offers.language
        asked = self.voice() == voices.ESPEAK and bool(unread(language)) and self._chosen.get(base_language(language)) != voices.ESPEAK
        return asked or self._is_another()

    def _show_keep(self) -> None:
        self.keep.show_for(self._offers.language, split(self.voice())[0], self._may_be_kept())

    def _about(self, offer: Offer) -> str:
        return about(offer, self._offers, self._base(offer) if offer.bases else None, self._resources, self._used)

    def _base(self, offer: Offer) -> Base:
        return next((base for base in offer.bases if base.id == self.speaker.currentData()), offer.bases[0])

    def _show_get(self) -> None:
        offer = self._now()
        self._get.allow(self._used and offer is not None and not offer.reason and not self.is_here() and not self._offers.beside(offer.id))

    def _fetch(self) -> None:
        offer = self._now()
        if offer is not None:
            self.box.clear()
            self._get.start(self.voice() if offer.clone else offer.id, self._offers.language, self._resources, self._chosen)

    def _got(self, id: str) -> None:
        """Who gets a voice wants it for these books; not so the one that stands there anyway, nor one in whose place another stands by now."""
        now, first = split(self.voice())[0], split(self._first())[0]
        self._by_hand = self._by_hand or first != now == split(id)[0]
        self._reload()

    def _get_failed(self, id: str, error: PluginError) -> None:
        """Back to the former voice, else to one that is here and fits, if there is one: nobody shall convert with one that cannot be had. But books that go
        on with a voice begin anew with no other, unless somebody chose that."""
        failed = self._now()
        if failed is None or failed.id != split(id)[0]:  # another one stands there by now
            self.box.set_error(error, {})
            return
        first = next((offer.id for offer in self._offers.voices if offer.here and offer.fits and not offer.mechanical), "")
        here, by_hand = self._former if self._former[0] else (first, False)
        if self._begun and not by_hand:
            here = self._first()
        if split(here)[0] in ("", failed.id):
            self.box.set_error(error, {"again": self._fetch})
            self.changed.emit()
            return
        self._by_hand = by_hand
        self._pick(here)
        self.returned.emit()
        self.box.set_error(error, {"again": partial(self._once_more, failed.id)})
        now = self._now()
        back = _("“{voice}” is chosen again.").format(voice="" if now is None else now.name)
        self.note.say(" ".join(filter(None, (back, "" if now is None else self._about(now)))))
        self.note.setVisible(True)

    def _once_more(self, id: str) -> None:
        self._by_hand = True
        self._pick(id)
        if self._by_hand:
            self._fetch()

    def _pick(self, id: str) -> None:
        self._set(id)
        self._show_voice()
        self.changed.emit()

    def _set(self, id: str) -> None:
        """That one in the list, with its speaker; where it is there no more, the usual one, and nobody has chosen by hand."""
        name, speaker = split(id)
        if self.combo.findData(name) < 0:
            self._by_hand = False
            name, speaker = split(self._offers.preferred)
        self.combo.setCurrentIndex(self.combo.findData(name))
        self._fill_speakers(speaker)
