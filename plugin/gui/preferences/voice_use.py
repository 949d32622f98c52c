"""Which voice speaks books in a language: the user's choice, else what is proposed; and what is told of a voice. In words and without a window."""

from __future__ import annotations

from collections.abc import Mapping

from ...resources import Resources
from ...speaking import voices
from ...wording import translate as _
from ..convert_books import breakable
from ..language_names import full_name, language_name
from .parts import size_words
from .voice_table import Row, Voices, own_row


class Use:
    """chosen: language's code -> voice's id, with or without a speaker. model: the voices that there are; it is told of each choice."""

    def __init__(self, resources: Resources, model: Voices, chosen: Mapping[str, str]) -> None:
        self._resources, self._model = resources, model
        self.chosen = dict(chosen)

    def choose(self, base: str, id: str | None) -> None:
        """Use it for a language; None: what is proposed."""
        self.chosen.pop(base, None)
        if id is not None:
            self.chosen[base] = id
        self._model.set_chosen(self.chosen)

    def can_go_back(self, base: str, looked_at: Row | None) -> bool:
        """Is something else proposed for this language than what was chosen?"""
        return base in self.chosen and self.proposal(base, looked_at)[0] != self.chosen[base]

    def proposal(self, base: str, looked_at: Row | None) -> tuple[str, str]:
        """For books in a language: (the proposed voice, the one that reads without it while it is not here, else empty).

        looked_at: a voice of that language stands for its region (British, American).
        """
        there = self._there()
        tag = looked_at.tag if looked_at is not None and looked_at.base == base and not looked_at.own else base
        used, fitting = voices.proposed(tag, self._resources, lambda voice: voice.id in there and there[voice.id].here)
        return (fitting, used) if fitting is not None else (used, "")

    def who_speaks(self, base: str, looked_at: Row | None) -> str:
        """Books in a language: the user's choice, else what is proposed; and what happens where that is not here yet."""
        there = self._there()
        id = self.chosen.get(base, "")
        own = there.get(id)
        chosen = bool(id) and not (own is not None and own.own and not own.here)
        voice, instead = (id, "") if chosen else self.proposal(base, looked_at)
        row = there.get(voice if own is not None and own.own else voices.split(voice)[0])
        if instead:
            words = _("Once the voice {voice} is downloaded, it speaks books in {language}; until then, {instead} does.")
        elif row is not None and not row.here:
            words = _("{voice} speaks books in {language}, and is downloaded before the first one.")
        elif chosen:
            words = _("{voice} speaks books in {language}, as you chose.")
        else:
            words = _("{voice} speaks books in {language}, as proposed.")
        return words.format(voice=self.name(voice), language=language_name(base), instead=self.name(instead) if instead else "")

    def name(self, id: str) -> str:
        """Of a voice of the list or of a file of the user's, with its speaker."""
        known, (voice, speaker) = voices.catalogue(self._resources), voices.split(id)
        name = known[voice].name if voice in known else own_row("", voice).name
        return f"{name} ({speaker})" if speaker else name

    def _there(self) -> dict[str, Row]:
        return {row.id: row for row in self._model.rows()}


def described(row: Row) -> str:
    """Whose voice it is, its language, quality and size."""
    if row.own:
        return _("{name}, a file of your own at {path}").format(name=row.name, path=breakable(row.id))
    if row.kind == "espeak":
        return _("{name}: speaks about 100 languages, with the sound of a machine. Always here.").format(name=row.name)
    parts = {"name": row.title, "language": full_name(row.tag), "quality": row.quality_words, "size": size_words(row.size_bytes)}
    if row.here:
        return _("{name}, {language}. Quality: {quality}. It takes {size} on this computer.").format(**parts)
    return _("{name}, {language}. Quality: {quality}. {size} are downloaded once; then it speaks without a network.").format(**parts)


def terms(row: Row) -> str:
    """Its licence, and from where it would come."""
    licence = _("Licence: {licence}").format(licence=row.licence) if row.licence else ""
    more = _("Get it to choose among its speakers.") if row.speakers > 1 and not row.here else ""
    return " ".join(filter(None, (licence, more, "" if row.here else row.origin)))
