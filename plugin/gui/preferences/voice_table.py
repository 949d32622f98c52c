"""The voices as a table: what is known of each, which can be filtered and sorted. Knows nothing of fetching and playing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from qt.core import QAbstractTableModel, QFont, QModelIndex, QSortFilterProxyModel, Qt  # type: ignore[import-not-found]

from ... import paths, prefs
from ...engine import install_plan, runtime
from ...environ import for_children
from ...errors import PluginError
from ...resources import Resources
from ...speaking import clones, converters, espeak_languages, voices
from ...speaking.catalogue import PERSONS
from ...speaking.clones import Clone
from ...wording import N_, isolated, plain
from ...wording import translate as _
from ..clone import abilities
from ..clone.abilities import split
from ..language_names import full_name, language_name, short_name
from ..links import verbatim
from ..voice_offers import QUALITIES
from .parts import size_words

LANGUAGE, NAME, QUALITY, SIZE, STATE = range(5)
HEADERS: Final = (N_("Language"), N_("Voice"), N_("Quality"), N_("Size"), N_("State"))


@dataclass(frozen=True)
class Row:
    """A voice. id: without a speaker. base: its language's code of two letters, empty for what speaks many. own: a file of the user's. here: can it speak now?
    size_bytes: that it takes here, else that are to be downloaded before it speaks.

    origin: from where it would be fetched and how it is checked, in words. person: who is heard, of PERSONS, or empty. clone: what it is, where it was cloned.
    packaged: does it come with the speech engine, and go with it? with_engine: is the engine's basic part among what is to be downloaded? extra_mb: the
    engine's extra part, where it is, to be downloaded and on the disk then. recording_bytes: of a clone, what it takes here itself.
    """

    id: str
    name: str
    tag: str
    base: str
    language: str
    quality: str
    size_bytes: int
    speakers: int
    licence: str
    here: bool
    own: bool = False
    kind: str = "piper"
    origin: str = ""
    person: str = ""
    clone: Clone | None = None
    packaged: bool = False
    with_engine: bool = False
    extra_mb: tuple[int, int] = (0, 0)
    recording_bytes: int = 0

    @property
    def takes_bytes(self) -> int:
        """What the table says in numbers: of a clone the same before and after what it needs is here."""
        return self.recording_bytes if self.clone is not None else self.size_bytes

    @property
    def quality_words(self) -> str:
        if self.kind == "espeak":
            return _("mechanical")
        return _(QUALITIES[self.quality]) if self.quality in QUALITIES else ""

    @property
    def title(self) -> str:
        """The name, with how many speakers it has, or who is heard."""
        if self.speakers > 1:
            return _("{name} ({count} speakers)").format(name=isolated(self.name), count=self.speakers)
        return f"{isolated(self.name)} ({_(PERSONS[self.person])})" if self.person in PERSONS else self.name


def rows(resources: Resources, chosen: Mapping[str, str], first: Sequence[str], files: Mapping[str, str]) -> list[Row]:
    """All voices, the user's clones and those of the languages in `first` first; looks into the voices' folders, so call it from a thread. files: the
    user's own, as in `prefs.Settings`."""
    lacking = voices.lacking(resources)
    index, engine_mb = install_plan.index_words(for_children()), basic_mb(resources)
    found = [_of_catalogue(voice, lacking.get(voice.id, ()), index, engine_mb) for voice in voices.catalogue(resources).values()]
    found += own_rows(chosen, files)
    cloned = clones.all_of_them()
    extra_mb = abilities.layer_sizes(resources) if cloned else (0, 0)
    found += [clone_row(clone, resources, extra_mb, chosen, first) for clone in cloned]
    best = list(reversed(QUALITIES))

    def worst(row: Row) -> int:
        return best.index(row.quality) if row.quality in best else 0

    def order(row: Row) -> tuple[Any, ...]:
        known = first.index(row.base) if row.base in first else len(first)
        return (row.clone is None, not row.own, known, row.kind == "espeak", language_name(row.base), not row.here, row.language, worst(row), row.name)

    return sorted(found, key=order)


def own_rows(chosen: Mapping[str, str], files: Mapping[str, str]) -> list[Row]:
    """The user's own files: those that were added, and those among the voices that were chosen for languages."""
    added = ((base, path) for path, base in files.items())
    return [own_row(base, path) for base, path in dict.fromkeys([*added, *((base, id) for base, id in chosen.items() if prefs.is_own(id))])]


def own_row(base: str, path: str) -> Row:
    """A file of the user's, that speaks a language."""
    place = Path(path)
    name = place.stem if place.suffix == ".onnx" else place.name
    return Row(path, name, base, base, language_name(base), "", 0, 1, "", paths.is_there(place), own=True, kind="own")


def clone_row(clone: Clone, resources: Resources, extra_mb: tuple[int, int], chosen: Mapping[str, str], first: Sequence[str]) -> Row:
    """A clone, with all that it lacks to speak the languages for which it is chosen, else the first of `first` that it can speak at all."""
    used = {base: id for base, id in chosen.items() if split(id)[0] == clone.id}
    wholes = [whole for language, id in used.items() if (whole := _whole(id, language, resources, chosen))]
    wholes = wholes or [whole for language in first if not used and (whole := _whole(clone.id, language, resources, chosen))][:1]
    parts = dict.fromkeys(part for whole in wholes or [clone.id] for part in voices.missing(whole, resources))
    lacking_bytes = extra_mb[0] * 10**6 + sum(part.size_bytes for part in parts)
    licence = converters.catalogue(resources)[clone.converter].licence
    name, here = voices.name_of(clone.id, resources), bool(wholes) and not lacking_bytes
    takes_bytes = voices.bytes_on_disk(clone.id)
    known = (clone.id, name, "", "", _("Any"), "", takes_bytes if here else lacking_bytes, 1, licence, here)
    return Row(*known, kind="clone", clone=clone, extra_mb=extra_mb, recording_bytes=takes_bytes)


def _whole(id: str, language: str, resources: Resources, chosen: Mapping[str, str]) -> str:
    """A clone's id with the voice that it speaks a language over; empty where there is none."""
    try:
        whole = voices.with_base(id, language, resources, chosen)
        voices.wire_voice(whole, language, resources)
    except PluginError:
        return ""
    return whole


def basic_mb(resources: Resources) -> int:
    """Of the engine's basic part, to be downloaded before anybody speaks; 0 where a part of the engine is here."""
    return 0 if runtime.standing(resources) else install_plan.plan(resources, ("core",), ()).fetch_mb


def _of_catalogue(voice: voices.CatalogueVoice, lacking: Sequence[voices.CatalogueVoice], index: str, engine_mb: int) -> Row:
    espeak, here = voice.kind == "espeak", not lacking
    origin = "" if espeak or voice.kind == voices.KOKORO else install_plan.voice_item(voice, index).origin
    base = "" if espeak else voices.base_language(voice.language)
    language = _("Many") if espeak else short_name(voice.language)
    size_bytes = voice.size_bytes if here else sum(part.size_bytes for part in lacking)
    with_engine = bool(engine_mb) and voice.by_package and not here
    if with_engine:  # the package comes with it
        size_bytes = engine_mb * 10**6 + sum(part.size_bytes for part in lacking if not part.packaged)
    known = (voice.id, voice.name, voice.language, base, language, voice.quality, size_bytes, voice.speakers, voice.licence, here)
    return Row(*known, kind=voice.kind, origin=origin, person=voice.person, packaged=voice.packaged, with_engine=with_engine)


class Voices(QAbstractTableModel):  # type: ignore[misc]
    """The table's model. chosen: language's code -> voice's id, with or without a speaker."""

    def __init__(self, parent: Any, chosen: Mapping[str, str]) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._chosen = dict(chosen)
        self._proposed: dict[str, str] = {}

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008  (Qt's own shape)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def row(self, number: int) -> Row:
        return self._rows[number]

    def rows(self) -> Iterable[Row]:
        return tuple(self._rows)

    def set_rows(self, rows: Sequence[Row]) -> None:
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def set_here(self, id: str, here: bool) -> None:
        """It was fetched or removed."""
        for number, row in enumerate(self._rows):
            if row.id == id:
                self._rows[number] = replace(row, here=here)
                self._changed(number, number)

    def set_used(self, chosen: Mapping[str, str], proposed: Mapping[str, str]) -> None:
        """Which voice is used for which language. proposed: by the plugin's own choice; a voice's id -> the languages in words."""
        self._chosen, self._proposed = dict(chosen), dict(proposed)
        self._changed(0, len(self._rows) - 1)

    def add_own(self, row: Row) -> int:
        """A file of the user's, in place of the same one; its number."""
        kept = [known for known in self._rows if known.id != row.id or known.base != row.base]
        self.set_rows([row, *kept])
        return 0

    def remove_own(self, row: Row) -> None:
        self.set_rows([known for known in self._rows if known != row])

    def used_for(self, row: Row) -> list[str]:
        """The languages, by code, for which the user chose it."""
        return [base for base, id in self._chosen.items() if (id if row.own else split(id)[0]) == row.id and (not row.own or base == row.base)]

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._rows[index.row()]
        roles = Qt.ItemDataRole
        if role == roles.DisplayRole:
            return self.words(row, index.column())
        if role == roles.UserRole:
            return self._order(row, index)
        if role == roles.FontRole and row.here and self._used(row):
            font = QFont()
            font.setBold(True)
            return font
        if role == roles.TextAlignmentRole and index.column() == SIZE:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == roles.ToolTipRole:
            return verbatim(self.words(row, index.column()))
        if role == roles.AccessibleTextRole:
            return self.words(row, index.column())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _(HEADERS[section])
        return None

    def words(self, row: Row, column: int) -> str:
        """What stands in a column."""
        if column == STATE:
            return self._state(row)
        size = size_words(row.takes_bytes) if row.takes_bytes else ""
        return (row.language, row.title, row.quality_words, size)[column]

    def _state(self, row: Row) -> str:
        """Can it speak now? Else what it needs; and for what it is used."""
        used = self._used(row)
        if row.here:
            here = _("Calibre's own") if row.kind == voices.KOKORO else _("part of the speech engine") if row.kind == voices.ESPEAK else _("on this computer")
            return _("used for {language}").format(language=used) if used else here
        if not row.size_bytes:
            return _("its file is gone") if row.own else _("has no voice to speak over")
        if row.clone is None:  # the size stands beside it
            return _("not downloaded; for {language}").format(language=used) if used else _("not downloaded")
        text = _("needs {size}; for {language}") if used else _("needs {size}")
        return text.format(language=used, size=size_words(row.size_bytes))

    def _used(self, row: Row) -> str:
        return ", ".join(map(language_name, self.used_for(row))) or self._proposed.get(row.id, "")

    def _order(self, row: Row, index: Any) -> Any:
        if index.column() == QUALITY:
            return list(QUALITIES).index(row.quality) if row.quality in QUALITIES else -1
        if index.column() == SIZE:
            return row.takes_bytes
        if index.column() == STATE:
            return (0 if self._used(row) else 1 if row.here else 2) * len(self._rows) + index.row()
        return plain(self.words(row, index.column())).casefold()

    def _changed(self, first: int, last: int) -> None:
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(HEADERS) - 1))


@cache
def _read_by_espeak() -> str:
    """The names of its languages, to be searched."""
    return " ".join(map(language_name, sorted(espeak_languages.READ))).casefold()


class Filter(QSortFilterProxyModel):  # type: ignore[misc]
    """By words, by language, and whether it is here; as the model has them until a header is pressed."""

    def __init__(self, parent: Any, model: Voices) -> None:
        super().__init__(parent)
        self._model = model
        self._words: tuple[str, ...] = ()
        self._base = ""
        self._here = False
        self.setSourceModel(model)
        self.setSortRole(Qt.ItemDataRole.UserRole)

    def show_only(self, text: str, base: str, here: bool) -> None:
        """text: every word of it must be in the language, the name or the id. base: a language's code, empty for all."""
        self._words = tuple(text.casefold().split())
        self._base = base
        self._here = here
        self.invalidateFilter()

    def filterAcceptsRow(self, number: int, parent: Any) -> bool:
        row = self._model.row(number)
        if (self._here and not row.here and row.clone is None) or (self._base and row.base not in (self._base, "")):
            return False
        if row.kind == voices.ESPEAK and espeak_languages.unread(self._base or "en") and self._base not in self._model.used_for(row):
            return False
        text = f"{row.language} {full_name(row.tag) if row.tag else ''} {row.title} {row.id} {row.quality_words}".casefold()
        if row.kind == voices.ESPEAK:
            text += f" {_read_by_espeak()}"
        return all(word in text for word in self._words)

    def row(self, index: Any) -> Row:
        """Of a place in the table as it is shown."""
        return self._model.row(self.mapToSource(index).row())
