"""How fast each device spoke a voice, remembered: a small file in the cache folder, so that `auto` measures once.

What is remembered belongs to a voice's files, a layer and this computer with its cards and their drivers: whatever of
these changes is measured anew. So is, after a day, what held a device that could not be used then. The file may be
lost or broken at any time: then it is empty.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..converting.events import Device
from ..engine.gpus import Gpu

MOST: Final = 200
AGAIN_S: Final = 24 * 3600.0
PACE_S: Final = 60.0
LEAST_AUDIO_S: Final = 60.0
LEAST_S: Final = 3.0
"""Of sound, and of speaking: less says more of how a run began than of how it goes on."""
FULL_S: Final = 600.0
"""Of sound that one run spoke: so much counts alone, less only for its share beside what was known."""
_SPEEDS: Final = (1e-4, 1e6)
"""Between which a number of the file lies, if it was measured."""
_SCHEMA: Final = 1


def key_of(voice: Mapping[str, Any], layer: str, cards: Iterable[Gpu]) -> str:
    """voice: the wire's object. layer: what tells one layer with one sidecar from all others."""
    machine = [platform.node(), platform.machine(), os.cpu_count(), [[card.name, card.driver, card.torch_build] for card in cards]]
    return hashlib.sha256(json.dumps([_content(voice), str(voice.get("speaker") or ""), layer, machine]).encode()).hexdigest()


def recall(key: str, now: Callable[[], float] = time.time) -> tuple[Device, ...] | None:
    """What was measured; None where nothing was, or where a device that failed then may be well now."""
    entry = _read().get(key)
    if entry is None:
        return None
    at, devices = entry
    failed = any(device.name and not device.usable for device in devices)
    return None if failed and not 0 <= now() - at < AGAIN_S else devices


def remember(key: str, devices: tuple[Device, ...], now: Callable[[], float] = time.time) -> None:
    """Keep it, and of the others the latest. Where nothing can be written, it is measured again next time."""
    known = _read()
    known.pop(key, None)
    known[key] = (now(), devices)
    _write(dict(list(known.items())[-MOST:]))


def learn(key: str, device: str, speed: float, weight: float = 1.0) -> None:
    """A conversion was spoken so fast (times real time): for estimates, where nothing was measured. weight: 0..1, beside what was known before."""
    before = learned(key).get(device)
    if before:
        speed = 1.0 / (weight / speed + (1.0 - weight) / before)  # what adds up is the time that a second of sound takes
    others = tuple(known for known in recall(_spoken(key)) or () if known.device != device)
    remember(_spoken(key), (*others, Device(device, "", True, "", speed)))


def learned(key: str) -> dict[str, float]:
    """How fast each device spoke in the last conversions by it."""
    return {device.device: device.speed for device in recall(_spoken(key)) or () if device.speed is not None}


def machine(by: str = "") -> str:
    """The key of what this computer's processor reaches, whatever the voice and the layer. by: a clone's converter."""
    return hashlib.sha256(json.dumps([platform.node(), platform.machine(), os.cpu_count(), by]).encode()).hexdigest()


def learn_manner(voice: str, language: str, what: str, number: float) -> None:
    """How a voice speaks a language: a number of `estimates.Manner`, as a whole book shows it."""
    learn(f"manner {voice} {language}", what, number)


def manner(voice: str, language: str) -> dict[str, float]:
    """What is known of it."""
    return learned(f"manner {voice} {language}")


class Pace:
    """How fast a book is being spoken, told while it is: the next one's window need not wait for its end. tell(device, times real time, weight as for
    `learn`). Reckoned from the first sound that is heard of a device on, since that took its start besides."""

    def __init__(self, tell: Callable[[str, float, float], None], now: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._now = now
        self._device = ""
        self._began_s = self._heard_s = self._told_s = 0.0
        self._began_audio_s = self._audio_s = 0.0

    def hear(self, device: str, audio_s: float) -> None:
        """audio_s: of speech, since the run began. Told once a minute."""
        if not device or not audio_s:
            return
        if self._device != device or audio_s < self._audio_s:
            self._device, self._began_audio_s = device, audio_s
            self._began_s = self._heard_s = self._told_s = self._now()
        elif audio_s > self._audio_s:
            self._heard_s = self._now()
        self._audio_s = audio_s
        if self._heard_s - self._told_s >= PACE_S:
            self.end()

    def end(self) -> None:
        """However the run ended: told, where it spoke enough."""
        took_s, audio_s = self._heard_s - self._began_s, self._audio_s - self._began_audio_s
        if took_s >= LEAST_S and audio_s >= LEAST_AUDIO_S and self._heard_s > self._told_s:
            self._told_s = self._heard_s
            self._tell(self._device, audio_s / took_s, min(1.0, audio_s / FULL_S))


def _spoken(key: str) -> str:
    return f"{key} spoken"


def forget(key: str) -> None:
    """What was measured did not hold (a device died, or could not be used after all): measure it again next time."""
    known = _read()
    if known.pop(key, None) is not None:
        _write(known)


_Known = dict[str, tuple[float, tuple[Device, ...]]]


def _file() -> Path:
    return paths.cache_home() / "speeds.json"


def _read() -> _Known:
    try:
        raw = json.loads(_file().read_text(encoding="utf-8"))
        entries = raw["known"] if raw["schema"] == _SCHEMA else {}
        return {str(key): (float(entry["at"]), tuple(map(_device, entry["devices"]))) for key, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}


def _device(raw: Mapping[str, Any]) -> Device:
    speed = None if raw["speed"] is None else float(raw["speed"])
    if speed is not None and not _SPEEDS[0] <= speed <= _SPEEDS[1]:
        raise ValueError(speed)
    return Device(str(raw["device"]), str(raw["name"]), raw["usable"] is True, str(raw["reason"]), speed)


def _write(known: _Known) -> None:
    """All or nothing, whoever else writes at the same time."""
    path = _file()
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    entries = {key: {"at": at, "devices": [vars(device) for device in devices]} for key, (at, devices) in known.items()}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"schema": _SCHEMA, "known": entries}), encoding="utf-8")
        part.replace(path)
    with suppress(OSError):
        part.unlink(missing_ok=True)


def _content(voice: Mapping[str, Any]) -> list[Any]:
    """What the voice is made of: its files' hashes where they are known, else which files they are; and so of its clone."""
    clone = voice.get("clone")
    if clone is not None:
        return [_content({**voice, "clone": None}), clone["converter"], _content({"sha256": clone["sha256"], "files": clone["files"]})]
    hashes = dict(voice.get("sha256") or {})
    if hashes:
        return sorted(hashes.items())
    found: list[Any] = []
    for role, name in sorted((voice.get("files") or {}).items()):
        try:
            status = Path(name).stat()
        except OSError:
            continue
        found.append([role, name, status.st_size, status.st_mtime_ns])
    return found or [str(voice.get("id") or "")]  # what comes with the engine has no file
