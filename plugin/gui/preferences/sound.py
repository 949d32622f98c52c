"""The page of conversion: how fast is spoken, how long the pauses are, how large the file gets; and whether to be asked before each conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qt.core import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QGroupBox, QVBoxLayout  # type: ignore[import-not-found]

from ... import prefs
from ...converting.progress import Show
from ...errors import PluginError
from ...resources import Resources
from ...speaking import file_size, speakers, voices
from ...wording import N_, isolated
from ...wording import translate as _
from .. import language_names as languages
from ..background import Background
from ..context import Context
from ..play_button import PlayButton
from ..player import Player
from ..scrolled import Page as Content
from ..scrolled import calm, sentence
from ..work_bar import Flow, WorkBar, button
from .foreign_box import ForeignBox
from .parts import WAVS, Page
from .samples import sentence as sample

Stop = Callable[[], bool]
_STEP: Final = 0.05
_QUALITIES: Final[Mapping[int, tuple[str, str]]] = {
    32_000: (N_("Low"), N_("The smallest file. It sounds a little dull.")),
    48_000: (N_("Fair"), N_("A smaller file than the usual one, and still clear.")),
    64_000: (N_("Good"), N_("The usual one, very clear.")),
    96_000: (N_("High"), N_("Most people hear no difference to the usual one.")),
    128_000: (N_("Highest"), N_("More than speech needs. With most voices the file is hardly larger than with “High”.")),
}
"""Bit/s -> name, what it means."""


@dataclass(frozen=True)
class Sample:
    """A voice that is here, and the language in which it is to be tried."""

    voice: str
    language: str


def voice_to_try(resources: Resources, chosen: Mapping[str, str], of_the_user: str) -> Sample:
    """The one that reads the user's own language, else the standard one, else any that is here; espeak if none is, or it was chosen. Looks into folders."""
    if chosen.get(of_the_user) == voices.ESPEAK:
        return Sample(voices.ESPEAK, of_the_user)
    wanted = chosen.get(of_the_user) or voices.for_language(of_the_user, resources)[0]
    others = [(id, language) for language, id in chosen.items()]
    others += [(voice.id, voices.base_language(voice.language)) for voice in voices.catalogue(resources).values()]
    for id, language in ((wanted, of_the_user), (voices.DEFAULT_ENGLISH, "en"), *others):
        with suppress(PluginError):  # a file of the user's own that is gone
            if id != voices.ESPEAK and not speakers.lacks_neural(id, resources) and voices.wire_voice(id, language, resources) is not None:
                return Sample(id, language)
    return Sample(voices.ESPEAK, of_the_user)


class SoundPage(Page):
    """All of it is kept with the whole; what cannot be is not taken by the fields."""

    def __init__(self, context: Context, player: Player, pending: Callable[[], prefs.Settings] = prefs.load) -> None:
        super().__init__(context, player, pending)
        settings = prefs.load()
        self._chosen: Mapping[str, str] = {}
        """The voices by language; read in a thread."""
        self.speed = _factor(prefs.SPEED, settings.speed)
        self.pauses = _factor(prefs.PAUSES, settings.pauses)
        self.bitrate = QComboBox()
        for bit_s in prefs.BITRATES:
            self.bitrate.addItem(_quality_words(bit_s), bit_s)
        self.means = sentence("", self)
        self.bitrate.setCurrentIndex(self.bitrate.findData(settings.bitrate))
        self.bitrate.currentIndexChanged.connect(lambda _index: self._show_means())
        self._show_means()
        calm(self.speed, self.pauses, self.bitrate)
        self.ask = QCheckBox(_("Ask &before each conversion"))
        self.ask.setChecked(settings.ask)
        self.foreign = ForeignBox(self, settings)
        self.work = WorkBar(self)
        self.play = PlayButton(self, player, self._say, self.work.error)
        self.mend_play(self.play, self.work)
        self.reset = button(_("Speed and pauses b&ack to 1.00"), self._reset)
        self.about_play = sentence(_("Play speaks two sentences like that."), self)
        self._finding = Background(self)
        self._finding.done.connect(self._name_voice)
        self.refresh()
        self._speed, self._pauses = settings.speed, settings.pauses
        """Read in a thread."""
        self.speed.valueChanged.connect(self._keep)
        self.pauses.valueChanged.connect(self._keep)
        self._lay_out()

    def changes(self) -> Mapping[str, Any]:
        return {
            "speed": round(self.speed.value(), 2),
            "pauses": round(self.pauses.value(), 2),
            "bitrate": self.bitrate.currentData(),
            "ask": self.ask.isChecked(),
            **self.foreign.changes(),
        }

    def refresh(self) -> None:
        """Another voice may have been chosen, or come."""
        self._chosen = dict(self.pending().voices)
        self._finding.start(lambda show, stopped: self._to_try())

    def _lay_out(self) -> None:
        speech = QGroupBox(_("Speech"))
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow(_("&Speed of speech:"), self.speed)
        form.addRow(_("&Pauses:"), self.pauses)
        rows = QVBoxLayout(speech)
        rows.addLayout(form)
        rows.addWidget(sentence(_("Speed: at 1.00 the voice speaks as it was made to. A greater number is faster, a smaller one slower."), self))
        pauses = _("Pauses, between sentences and paragraphs: 1.00 is usual. A greater number makes them longer.")
        rows.addWidget(sentence(pauses, self))
        rows.addLayout(Flow(self.play, self.reset))
        rows.addWidget(self.about_play)
        file = QGroupBox(_("Audiobook file"))
        form = QFormLayout(file)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow(_("&Quality:"), self.bitrate)
        form.addRow(self.means)
        asking = QGroupBox(_("Before a conversion"))
        rows = QVBoxLayout(asking)
        rows.addWidget(self.ask)
        asked = _(
            "A window shows voice, device, chapters, time and size first. Otherwise books are converted at once, with your usual voices and settings; "
            "a book that was begun goes on with its own voice and speed. A window still comes where only you can decide."
        )
        rows.addWidget(sentence(asked, self))
        rows.addWidget(sentence(_("If a book already has an audiobook (M4B) that this plugin did not make:"), self))
        rows.addWidget(self.foreign)
        inner = Content()
        layout = QVBoxLayout(inner)
        layout.addWidget(speech)
        layout.addWidget(file)
        layout.addWidget(asking)
        layout.addStretch()
        self.lay_out(inner, self.work)

    def _keep(self, _value: float) -> None:
        self._speed, self._pauses = round(self.speed.value(), 2), round(self.pauses.value(), 2)

    def _to_try(self) -> Sample:
        return voice_to_try(self.context.resources, self._chosen, languages.of_the_user())

    def _name_voice(self, found: Sample) -> None:
        words = _("Play speaks two sentences like that, by the voice {voice}.")
        self.about_play.setText(words.format(voice=isolated(voices.name_of(found.voice, self.context.resources))))

    def _say(self, show: Show, stopped: Stop) -> Path:
        """In a thread."""
        out, speed, pauses = WAVS.new(), self._speed, self._pauses
        wanted = self._to_try()
        self.context.questions.say(sample(wanted.language), wanted.voice, wanted.language, out, show, stopped, speed=speed, pauses=pauses)
        return out

    def _show_means(self) -> None:
        bit_s = self.bitrate.currentData()
        self.means.setText(_(_QUALITIES[bit_s][1]))
        self.bitrate.setToolTip(_("{kbit} kbit/s").format(kbit=bit_s // 1000))

    def _reset(self) -> None:
        self.speed.setValue(1.0)
        self.pauses.setValue(1.0)


def _factor(bounds: tuple[float, float], value: float) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(*bounds)
    made.setSingleStep(_STEP)
    made.setDecimals(2)
    made.setSuffix(" ×")
    made.setValue(value)
    return made


def _quality_words(bit_s: int) -> str:
    least, most = file_size.mb_an_hour(bit_s)
    return _("{quality}, about {least} to {most} MB an hour").format(quality=_(_QUALITIES[bit_s][0]), least=least, most=most)
