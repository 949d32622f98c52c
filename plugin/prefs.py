"""What the user chose, kept by Calibre in `plugins/convert_to_audiobook.json`. A value that makes no sense there is as if it were not there.

Read anew whenever it is needed, so a change holds at once; also where it cannot be saved, until Calibre ends. Where the engine
lies is not here but in `paths`, since the command line and the sidecar's installer need it without Calibre.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

_NAME: Final = "plugins/convert_to_audiobook"
SPEED: Final = (0.5, 2.0)
"""Of speech; 1.0 is the voice's own."""
PAUSES: Final = (0.5, 2.0)
BITRATES: Final = (32_000, 48_000, 64_000, 96_000, 128_000)
"""Of AAC, bit/s."""
KEPT_GB: Final = (1, 1000)
"""Of kept sentences in all, beyond which the oldest go."""


@dataclass(frozen=True)
class Settings:
    """voices: a language's code of two letters (three where there are no two) -> a voice's id. files: the path of a voice of the user's own -> the
    language's code that it speaks. before: a language's code -> the voice that read it before such a file does. ask: show the convert dialog.

    placed: the entry was put into the right-click menu once. no_neural: cards for which the neural layer was offered and not wanted.
    used: books were converted by these settings, or the user kept Preferences: there is something to repeat.
    foreign: what is done unasked about an audiobook from elsewhere, as in `job.Options`: `record` or `folder` (with `folder`, where);
    empty: it is asked.
    first: what was marked in the window of the first run, until that has come to its end: the id of who is to read English, `ask`, `neural`.
    """

    voices: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"
    speed: float = 1.0
    pauses: float = 1.0
    bitrate: int = 64_000
    ask: bool = True
    placed: bool = False
    no_neural: tuple[str, ...] = ()
    used: bool = False
    foreign: str = ""
    folder: str = ""
    precision: str = "float32"
    kept_gb: int = 20
    first: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)


_unsaved: Settings | None = None
_tell: Callable[[str], None] = log.warning


def load() -> Settings:
    """As they are now."""
    return parsed(dict(_config())) if _unsaved is None else _unsaved


def save(settings: Settings) -> None:
    """Keep them; all at once. OSError."""
    global _unsaved
    config = _config()
    with config:
        for name, value in dataclasses.asdict(settings).items():
            config[name] = list(value) if isinstance(value, tuple) else value
    _unsaved = None


def change(**changes: Any) -> Settings:
    """Keep these and leave the others as they are; gives all. What cannot be saved is told, and holds all the same: nobody's work ends for that."""
    global _unsaved
    before = load()
    settings = dataclasses.replace(before, **changes)
    if settings != before:
        try:
            save(settings)
        except OSError as error:
            _unsaved = settings
            _tell(error.strerror or type(error).__name__)
    return settings


def is_own(voice: str) -> bool:
    """Is that id a path?"""
    from .speaking import clones  # late, as in `parsed`

    return clones.parse(voice) is None and ("/" in voice or "\\" in voice)


def choosing(language: str, voice: str | None, voices: Mapping[str, str], before: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """`voices` and `before` when that voice is to read that language; None: the plugin's own choice."""
    voices, before = dict(voices), dict(before)
    former = voices.pop(language, "")
    if voice is not None:
        voices[language] = voice
    if voice is None or not is_own(voice):
        before.pop(language, None)
    elif former and not is_own(former):
        before[language] = former
    return voices, before


def tell_unsaved(tell: Callable[[str], None]) -> None:
    """From now on `tell` is called with the reason where settings cannot be saved."""
    global _tell
    _tell = tell


def placed_before() -> bool:
    """Was the entry put into the right-click menu once? Asked at every start; says yes from now on, and where nothing can be kept."""
    config = _config()
    if config.get("placed") is True:
        return True
    try:
        config["placed"] = True
    except OSError:
        return True
    return False


def asks() -> bool:
    """`ask` alone; quick, as Calibre's start and its menus want it."""
    return _config().get("ask") is not False if _unsaved is None else _unsaved.ask


def used() -> bool:
    """`used` alone, for the menus."""
    return _config().get("used") is True if _unsaved is None else _unsaved.used


def parsed(raw: Mapping[str, Any]) -> Settings:
    """The settings of a file that anybody may have written."""
    from .converting.requests import PRECISIONS  # late: Calibre's start asks only whether the entry has its place
    from .speaking.speakers import DEVICE

    usual = Settings()
    device, bitrate, precision = (raw.get(name) for name in ("device", "bitrate", "precision"))
    return Settings(
        voices=_voices(raw.get("voices")),
        files=_voices(raw.get("files")),
        before=_voices(raw.get("before")),
        device=device if isinstance(device, str) and DEVICE.fullmatch(device) else usual.device,
        speed=_within(raw.get("speed"), SPEED, usual.speed),
        pauses=_within(raw.get("pauses"), PAUSES, usual.pauses),
        bitrate=bitrate if isinstance(bitrate, int) and bitrate in BITRATES else usual.bitrate,
        precision=precision if isinstance(precision, str) and precision in PRECISIONS else usual.precision,
        ask=raw.get("ask") is not False,
        placed=raw.get("placed") is True,
        no_neural=_strings(raw.get("no_neural")),
        first=_strings(raw.get("first")),
        used=raw.get("used") is True,
        kept_gb=round(_within(raw.get("kept_gb"), KEPT_GB, usual.kept_gb)),
        **_about_foreign(raw.get("foreign"), raw.get("folder")),
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()


def _voices(value: object) -> dict[str, str]:
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)} if isinstance(value, Mapping) else {}


def _about_foreign(foreign: object, folder: object) -> dict[str, str]:
    """A folder without its place is nothing that could be repeated."""
    if foreign == "folder" and isinstance(folder, str) and folder:
        return {"foreign": "folder", "folder": folder}
    return {"foreign": "record"} if foreign == "record" else {}


def _within(value: object, bounds: tuple[float, float], usual: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1] else usual


class _Unreadable(dict[str, Any]):
    """In the place of Calibre's own where that cannot be opened: nothing was kept, nothing can be."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def __setitem__(self, name: str, value: Any) -> None:
        raise self._error

    def __enter__(self) -> None:
        return None

    def __exit__(self, *what: object) -> None:
        return None


def _config() -> Any:
    """Calibre's own. A file that holds no settings is put aside: one of other JSON Calibre would stumble over, one that is none it would write over."""
    from calibre.utils.config import JSONConfig, config_dir  # type: ignore[import-not-found]

    file = Path(config_dir, f"{_NAME}.json")
    try:
        try:
            config = JSONConfig(_NAME)
            if config or not file.exists() or _is_empty(file):
                return config
        except (TypeError, ValueError):
            pass
        log.warning("the settings cannot be read: they are put aside")
        file.replace(file.with_suffix(".damaged"))
        return JSONConfig(_NAME)
    except OSError as error:
        return _Unreadable(error)


def _is_empty(file: Path) -> bool:
    """Does it hold no settings, and nothing else either?"""
    return file.read_bytes().strip() in (b"", b"{}")
