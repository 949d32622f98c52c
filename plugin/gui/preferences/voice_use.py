"""Which voice speaks books in a language: the user's choice, else the plugin's own; and what is told of a voice. In words and without a window.

The plugin's own choice may differ by region: with a British voice here, it reads British books and the American one the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ... import prefs
from ...resources import Resources
from ...speaking import converters, espeak_languages, speakers, voices
from ...wording import isolated
from ...wording import translate as _
from ..clone.abilities import Ability, Base, split
from ..clone.findings import whole
from ..clone.likeness import likeness
from ..convert_books import breakable
from ..language_names import full_name, language_name, short_name
from .parts import size_words
from .voice_table import Row, Voices, basic_mb


class Use:
    """chosen: language's code -> voice's id, with or without a speaker. before: the same, of those that a file of the user's own took the place of.
    model: the voices that there are; it is told of each choice."""

    def __init__(self, resources: Resources, model: Voices, chosen: Mapping[str, str], before: Mapping[str, str]) -> None:
        self._resources, self._model = resources, model
        self.chosen, self.before = dict(chosen), dict(before)
        self._on_card = False
        self._engine_mb = 0
        self._proposed: dict[str, str] = {}

    def know(self, known: Known) -> None:
        """What was read together with the voices."""
        self._on_card, self._engine_mb, self._proposed = known.on_card, known.engine_mb, dict(known.proposed)
        self.look_again()

    def choose(self, base: str, id: str | None) -> None:
        """Use it for a language; None: the plugin's own choice."""
        self.chosen, self.before = prefs.choosing(base, id, self.chosen, self.before)
        self.look_again()

    def without(self, row: Row, chosen: Mapping[str, str]) -> dict[str, str]:
        """What is chosen when that voice is gone: in the place of a file of the user's own what was chosen before it, if that is still in the list."""
        there = {known.id for known in self._model.rows()}
        kept = {base: id for base, id in chosen.items() if split(id)[0] != row.id or (row.own and base != row.base)}
        back = {base: id for base, id in self.before.items() if row.own and base in chosen and base not in kept and split(id)[0] in there}
        return kept | back

    def look_again(self) -> None:
        """Another voice was chosen: the table says who is used."""
        proposed = {row.id: words for row in self._model.rows() if row.base and not row.own and (words := self._proposed_words(row))}
        self._model.set_used(self.chosen, proposed)

    def can_go_back(self, base: str, looked_at: Row | None) -> bool:
        """Does the plugin choose another voice for this language than the user did?"""
        return base in self.chosen and self.proposal(self._tag(base, looked_at)) != self.chosen[base]

    def name_of_proposal(self, base: str, looked_at: Row | None) -> str:
        """For books in a language. looked_at: a voice of that language stands for its region (British, American)."""
        return voices.name_of(self.proposal(self._tag(base, looked_at)), self._resources)

    def proposal(self, tag: str) -> str:
        """The voice that the plugin chooses for books in a language; it may have to be downloaded first."""
        if tag not in self._proposed:
            self._proposed[tag] = _proposal(tag, self._here(), self._on_card, self._resources)
        return self._proposed[tag]

    def proposal_without(self, tag: str, id: str) -> str:
        """The same, when that voice is not here any more."""
        return _proposal(tag, self._here() - {id}, self._on_card, self._resources)

    def _here(self) -> set[str]:
        return {row.id for row in self._model.rows() if row.here}

    def is_proposed_everywhere(self, row: Row) -> bool:
        """Does it speak all books in its language, whatever their region, without having been chosen?"""
        tags = {row.base, *(other.tag for other in self._model.rows() if other.base == row.base and not other.own)}
        return bool(row.base) and row.base not in self.chosen and not row.own and all(self.proposal(tag) == row.id for tag in tags)

    def who_speaks(self, base: str, looked_at: Row | None) -> str:
        """Books in a language: the user's choice, else the plugin's; and what happens where that is not here yet."""
        id, tag = self._valid(base), self._tag(base, looked_at)
        voice = id or self.proposal(tag)
        row = next((row for row in self._model.rows() if row.id in (voice, split(voice)[0])), None)
        size_bytes = 0 if row is None else row.size_bytes
        if row is not None and not row.here and (row.with_engine or (self._engine_mb and row.clone is None)):
            words = _("{voice} speaks books in {language}. Before the first one, the basic part of the speech engine and that voice are downloaded ({size}).")
            size_bytes += 0 if row.with_engine else self._engine_mb * 10**6
        elif row is not None and not row.here:
            words = _("{voice} speaks books in {language}, and is downloaded ({size}) when such a book is converted.")
            if row.clone is not None:
                words = _("{voice} speaks books in {language}; what it still needs is downloaded ({size}) when such a book is converted.")
        elif id:
            words = _("{voice} speaks books in {language}, as you chose.")
        else:
            words = _("{voice} speaks books in {language}, as long as you choose no other.")
        language = language_name(base) if id or voice == self.proposal(base) else full_name(tag)
        return words.format(voice=isolated(voices.name_of(voice, self._resources)), language=language, size=size_words(size_bytes))

    def speaker(self, base: str) -> str:
        """The id of the voice that speaks books in a language."""
        return self._valid(base) or self.proposal(base)

    def _valid(self, base: str) -> str:
        """What was chosen for a language; empty where nothing was, or a file that is gone."""
        id = self.chosen.get(base, "")
        return "" if any(row.id == id and row.own and not row.here for row in self._model.rows()) else id

    def _proposed_words(self, row: Row) -> str:
        """The languages for which the plugin chooses it, as far as the user has chosen none."""
        if self._valid(row.base):
            return ""
        return language_name(row.base) if self.proposal(row.base) == row.id else short_name(row.tag) if self.proposal(row.tag) == row.id else ""

    def _tag(self, base: str, looked_at: Row | None) -> str:
        return looked_at.tag if looked_at is not None and looked_at.base == base and not looked_at.own else base


@dataclass(frozen=True)
class Known:
    """on_card: does a graphics card speak, by the user's settings and by what is here? engine_mb: as `voice_table.basic_mb`. proposed: a language's tag
    -> the voice that the plugin chooses."""

    on_card: bool
    engine_mb: int
    proposed: Mapping[str, str]


def known(rows: Sequence[Row], device: str, resources: Resources) -> Known:
    """Of these voices. device: the user's setting. Fifty languages take a twentieth of a second, so from a thread."""
    on_card, here = speakers.on_card(device, resources), {row.id for row in rows if row.here}
    tags = dict.fromkeys(tag for row in rows if row.base and not row.own for tag in (row.base, row.tag))
    return Known(on_card, basic_mb(resources), {tag: _proposal(tag, here, on_card, resources) for tag in tags})


def _proposal(tag: str, here: set[str], on_card: bool, resources: Resources) -> str:
    used, fitting = voices.proposed(tag, resources, lambda voice: voice.id in here, on_card)
    return used if fitting is None else fitting


def described(row: Row) -> str:
    """Whose voice it is, its language, quality and size."""
    if row.own:
        return _("{name}, a file of your own at {path}").format(name=isolated(row.name), path=isolated(breakable(row.id)))
    if row.kind == "espeak":
        words = _(
            "{name}: speaks about 100 languages, with the sound of a machine. It is for books in a language that no other voice here speaks. "
            "It comes with the speech engine."
        )
        return words.format(name=isolated(row.name))
    if row.clone is not None:
        text = _("{name}: cloned from a recording of {seconds} seconds. Converter: {converter}.")
        return text.format(name=isolated(row.name), seconds=whole(row.clone.measures.speech_s), converter=_(converters.NAMES[row.clone.converter]))
    parts = {"name": isolated(row.title), "language": full_name(row.tag), "quality": row.quality_words, "size": size_words(row.size_bytes)}
    if row.kind == voices.KOKORO:
        text = _(
            "{name}, {language}. It is Calibre's own; remove it there. It is slow: on two cores an hour of speech takes some twenty minutes, by a guess. "
            "Whoever made this plugin has not heard it."
        )
        text = text if row.here else _("{name}, {language}. It is Calibre's own, and needs a part of the speech engine that is not there yet: {size}.")
        return text.format(**parts)
    if row.packaged:
        text = _("{name}, {language}. Quality: {quality}. It is a part of the speech engine, and can be removed only together with it.")
        text = text if row.here else _("{name}, {language}. Quality: {quality}. It comes with the speech engine, which is not there yet: {size}.")
        if not row.here and not row.with_engine:
            text = _("{name}, {language}. Quality: {quality}. It belongs to the speech engine, and is not there yet: {size}.")
        return text.format(**parts)
    if row.here:
        return _("{name}, {language}. Quality: {quality}. It takes {size} on this computer.").format(**parts)
    return _("{name}, {language}. Quality: {quality}. {size} are downloaded once; then it speaks without a network.").format(**parts)


def unread(languages: Sequence[str]) -> str:
    """Which of these languages eSpeak does not read, in a sentence; empty where it reads them all."""
    names = ", ".join(language_name(language) for language in languages if espeak_languages.unread(language))
    return _("It does not know these languages, in which your library has books: {languages}.").format(languages=names) if names else ""


def over(able: Ability, language: str, base: Base | None) -> str:
    """Can a clone speak books in a language (in words), and over which voice?"""
    if base is None:
        return _("It cannot speak {language}: {reason}.").format(language=language, reason=able.reason)
    size_bytes = sum(part.size_bytes for part in base.parts if part.id == voices.split(base.voice)[0])
    text = _("It speaks {language} over {base}.")
    if size_bytes:
        text = _("It speaks {language} over {base}, which is downloaded for that ({size}).")
    return f"{text.format(language=language, base=isolated(base.name), size=size_words(size_bytes))} {able.not_over}".strip()


def more(row: Row) -> str:
    """Of a clone, how like its recording it sounds, and what is still to be downloaded; empty for other voices."""
    if row.clone is None:
        return ""
    words = []
    if row.clone.likeness is not None and row.clone.likeness_of_halves is not None:
        words.append(likeness(row.clone.likeness, row.clone.likeness_of_halves, row.clone.measures))
    if not row.here:
        words.append(_("{size} are downloaded once before it speaks.").format(size=size_words(row.size_bytes)))
    if row.extra_mb[0]:
        text = _("{size} of that are the extra part of the speech engine, which takes {disk} on this computer then.")
        if row.extra_mb[0] * 10**6 == row.size_bytes:
            words.pop()
            text = _("The extra part of the speech engine is downloaded once before it speaks: {size}. It takes {disk} on this computer then.")
        words.append(text.format(size=size_words(row.extra_mb[0] * 10**6), disk=size_words(row.extra_mb[1] * 10**6)))
    return "\n".join(words)


def terms(row: Row, base: Base | None, resources: Resources) -> str:
    """Its licence, of a clone with that of the base voice that is shown, and from where it would come."""
    licence = row.licence
    if row.clone is not None:
        together = "" if base is None else voices.clone_terms(row.clone.converter, base.voice, resources)
        licence = together or f"{row.licence} {_(converters.BASE)}"
    licence = _("Licence: {licence}").format(licence=licence) if licence else ""
    more = _("Get it to choose among its speakers.") if row.speakers > 1 and not row.here else ""
    return " ".join(filter(None, (licence, more, "" if row.here else row.origin)))
