"""Before the rounds, once, in the neural layer: the voice, its graphs for onnxruntime, the lines to speak, and the operations of a second of speech.

With random weights a voice of stock shape is made here, with durations as people speak. Its text is letters, so that nobody's
phonemes are measured by it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.processor import processor_name
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import load_voice
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice
from torch.utils.flop_counter import FlopCounterMode

from build_steps.bench_sides.coqui_synthesizer import first_speaker, with_front_end
from build_steps.bench_sides.lines import chosen
from build_steps.bench_sides.serving import Process

MADE: Final = ("stock", "tiny")
"""Voices with random weights: coqui's default shape, and the smallest of Piper's."""
_PARTS: Final = {"encoder": ("text_encoder", "duration_predictor"), "flow": ("flow",), "decoder": ("waveform_decoder",)}


def main() -> None:
    process = Process()
    asked = process.given
    voice = made(Path(asked["folder"]), asked["voice"]) if asked["voice"] in MADE else Voice.from_dict(asked["voice"]).verified()
    language, cache = asked["language"], Path(asked["cache_dir"])
    lines = chosen([sentence.spoken for sentence in read_book(Path(asked["bundle"])).sentences], asked["sentences"])
    make_engine(voice, "cpu", language, SpeechSettings(), cache).close()
    loaded = load_voice(voice, language, SpeechSettings(), cache)
    about = {"processor": processor_name(), "versions": {name: version(name) for name in ("onnxruntime", "torch", "coqui-tts", "piper-tts", "numpy")}}
    process.serve({}, {"voice": as_wire(voice), "lines": lines, **about, **operations(loaded, lines[len(lines) // 2])})


def made(folder: Path, name: str) -> Voice:
    """One of MADE, where it is missing."""
    import tiny_voices  # type: ignore[import-not-found]

    kept = folder / "voice.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        voice = tiny_voices.piper_voice(folder) if name == "tiny" else tiny_voices.coqui_voice(folder, tiny_voices.STOCK, phonemes=False)
        kept.write_text(json.dumps(as_wire(voice)), encoding="utf-8")
    return Voice.from_dict(json.loads(kept.read_text(encoding="utf-8"))).verified()


def as_wire(voice: Voice) -> dict[str, Any]:
    """A voice as the wire has it."""
    return {
        "id": voice.id,
        "kind": voice.kind,
        "name": voice.name,
        "language": voice.language,
        "speaker": voice.speaker,
        "files": {role: str(path) for role, path in voice.files},
        "sha256": dict(voice.sha256),
    }


def operations(loaded: LoadedVits, line: str) -> Mapping[str, Any]:
    """Of a second of speech, counted by torch from the shapes of a whole line: convolutions and matrix products, and the
    bytes that the convolutions read and write where nothing stays in a cache (float32).

    {"gflop": {"encoder": ..., "flow": ..., "decoder": ...}, "gigabytes": ...}
    """
    network, moved = with_front_end(loaded), 0

    def count(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal moved
        moved += 4 * (inputs[0].numel() + output.numel())

    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv1d | torch.nn.ConvTranspose1d)]
    hooks = [module.register_forward_hook(count) for module in convolutions]
    counter = FlopCounterMode(display=False)
    with counter:
        samples = len(network.synthesize(line, speaker=first_speaker(network))["wav"])
    for hook in hooks:
        hook.remove()
    audio_s, flops = samples / loaded.rate_hz, counter.get_flop_counts()
    return {
        "gflop": {part: sum(_of(flops, getattr(network, name)) for name in names) / audio_s / 1e9 for part, names in _PARTS.items()},
        "gigabytes": moved / audio_s / 1e9,
    }


def _of(flops: Mapping[str, Mapping[Any, int]], module: torch.nn.Module) -> int:
    """Of a module that is called by itself: torch knows it by its class's name."""
    return sum(flops[type(module).__name__].values())


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    try:
        main()
    except SidecarError as error:
        raise SystemExit(f"{error.params.get('reason') or error.code}: {error.detail}") from None
