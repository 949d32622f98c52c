"""Who speaks, and where: the voice for a book, the layer and the device for a voice. Decided here, checked by the sidecar.

`cpu` is onnxruntime in the core layer; `cpu-torch` and `cuda:N` are coqui's class in the neural layer; `auto` is a GPU
that the neural layer has tried and found usable, else `cpu`. espeak and the test tone need neither, so they always
speak on the CPU. Fetches nothing unless it is given a `Fetch`. Knows nothing of Calibre.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import runtime, voices
from .commands import never
from .errors import N_, PluginError, translate
from .protocol import Devices, Warn
from .resources import Resources

CPU: Final = "cpu"
CPU_TORCH: Final = "cpu-torch"
DEVICE: Final = re.compile(r"auto|cpu|cpu-torch|cuda:\d+")
GPU_NODES: Final = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
"""Linux: a driver of NVIDIA's, Windows' (WSL) or AMD's is loaded. Without any of them torch need not be asked."""


@dataclass(frozen=True)
class Fetch:
    """Leave to fetch what is missing. progress: (stage, 0..1 or None, text)."""

    progress: Callable[[str, float | None, str], None]
    stopped: Callable[[], bool]


@dataclass(frozen=True)
class Chosen:
    """wire: the voice as the wire has it. kind: `piper`, `coqui`, `espeak`, `tone`."""

    id: str
    kind: str
    wire: Mapping[str, Any]
    warnings: tuple[Warn, ...] = ()


def check(voice: str | None, device: str, resources: Resources) -> None:
    """Are these a voice and a device at all? PluginError `voice_unknown`, `device_unknown`. Cheap, before any work."""
    if not DEVICE.fullmatch(device):
        raise PluginError("device_unknown", device=device)
    if voice is not None:
        voices.wire_voice(voice, "", resources)


def voice_for(asked: str | None, language: str, resources: Resources, fetch: Fetch | None = None) -> Chosen:
    """The voice that was asked for, or the one for the book's language (a BCP 47 tag, may be empty).

    Raises PluginError `voice_unknown`, `voice_missing`, `voice_fetch_failed`; Stopped.
    """
    warnings: list[Warn] = []
    name = asked
    if name is None:
        name, fitting = voices.for_language(language, resources)
        if voices.is_unknown(language):
            warnings.append(Warn("language_unknown"))
        elif name == voices.ESPEAK:
            warnings.append(Warn("voice_fallback_espeak", {"language": language, "voice": fitting}) if fitting else Warn("voice_none", {"language": language}))
    wire = voices.wire_voice(name, language, resources)
    if wire is None:
        if fetch is None:
            raise PluginError("voice_missing", voice=name)
        wire = voices.ensure_voice(name, resources, fetch.progress, fetch.stopped, language)
    spoken = str(wire.get("language") or "")
    if asked is not None and spoken and not voices.is_unknown(language) and _base(spoken) != _base(language):
        warnings.append(Warn("voice_language", {"voice": str(wire.get("name") or name), "voice_language": spoken, "language": language}))
    return Chosen(name, str(wire["kind"]), wire, tuple(warnings))


def place_for(voice: Chosen, device: str, resources: Resources, fetch: Fetch | None, probe: Callable[[runtime.Layer], Devices]) -> tuple[runtime.Layer, str]:
    """(layer, device as the wire names it).

    probe: asks a sidecar of that layer. Raises PluginError `engine_missing`, `engine_install_failed`,
    `voice_unsupported`; Stopped.
    """
    if voice.kind in ("espeak", "tone"):
        return _core(resources, fetch), CPU
    if voice.kind == "coqui" and device == CPU:
        raise PluginError("voice_unsupported", voice=voice.id, reason=translate(N_("a Coqui voice needs cpu-torch or a GPU")))
    if device == "auto":
        gpu = _gpu(resources, probe)
        if gpu is not None:
            return gpu
        device = CPU_TORCH if voice.kind == "coqui" else CPU
    if device == CPU:
        return _core(resources, fetch), CPU
    return layer("neural", resources, fetch), device


def layer(name: str, resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    """The installed layer, or the one that may be installed now; PluginError `engine_missing`, `engine_install_failed`."""
    found = installed(name, resources)
    if found is not None:
        return found
    if fetch is None:
        raise PluginError("engine_missing", layer=name)
    return runtime.ensure_layer(name, resources, fetch.progress, fetch.stopped)


def installed(name: str, resources: Resources) -> runtime.Layer | None:
    """The layer that is there, or None. After an update of the plugin the sidecar in it is renewed unasked: seconds, no network."""
    found = runtime.find_layer(name, resources)
    if found is None and runtime.is_outdated(name, resources):
        return runtime.ensure_layer(name, resources, lambda stage, done, text: None, never)
    return found


def _core(resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    """Neural holds all of core, so it serves where core alone is missing."""
    found = installed("core", resources) or installed("neural", resources)
    return found if found is not None else layer("core", resources, fetch)


def _gpu(resources: Resources, probe: Callable[[runtime.Layer], Devices]) -> tuple[runtime.Layer, str] | None:
    """Importing torch takes seconds, so it is asked only where a GPU's driver is there; but its answer is what counts."""
    neural = installed("neural", resources) if may_have_gpu() else None
    if neural is None:
        return None
    usable = [found.device for found in probe(neural).devices if found.usable and found.device.startswith("cuda:")]
    return (neural, usable[0]) if usable else None


def may_have_gpu(platform: str = sys.platform) -> bool:
    """False only where there is certainly none that torch could use."""
    return any(Path(node).exists() for node in GPU_NODES) if platform.startswith("linux") else platform == "win32"


def _base(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()
