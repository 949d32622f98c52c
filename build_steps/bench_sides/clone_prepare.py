"""Before the rounds of `bench --clone`, once: a converter's files in their full size with random weights, a recording, the lines to speak, and the
operations of a second of converted speech.

Files that are there already are taken as they are: two gigabytes and a half, of which FreeVC's checkpoint and WavLM's are most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import tiny_converters  # type: ignore[import-not-found]
import tiny_converters_more  # type: ignore[import-not-found]
import torch
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.clone.converter import Converter
from e2a_sidecar.speaking.processor import processor_name
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import load_voice
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.voice import Voice
from torch.utils.flop_counter import FlopCounterMode

from build_steps.bench_sides.lines import chosen
from build_steps.bench_sides.parts import Parts, of_conversion
from build_steps.bench_sides.prepare import operations
from build_steps.bench_sides.serving import Process

SAMPLE_S: Final = 30.0
_COUNTED_S: Final = 5.0


def main() -> None:
    process = Process()
    asked = process.given
    base = Voice.from_dict(asked["voice"]).verified()
    folder, converter, full = Path(asked["folder"]), asked["converter"], asked["full"]
    clone = tiny_converters.clone_of(sample(folder, full), converter, files(folder, converter, full))
    lines = chosen([sentence.spoken for sentence in read_book(Path(asked["bundle"])).sentences], asked["sentences"])
    gflop = operations(load_voice(base, asked["language"], SpeechSettings()), lines[len(lines) // 2])["gflop"]
    gflop = {"base": sum(gflop.values()), **of_converter(open_converter(clone, torch.device("cpu")))}
    about = {"processor": processor_name(), "versions": {name: version(name) for name in ("torch", "coqui-tts")}}
    process.serve({}, {"voice": tiny_converters.on_wire(replace(base, clone=clone)), "lines": lines, "gflop": gflop, **about})


def sample(folder: Path, full: bool) -> Path:
    """The recording: as long as one should be, else one that is heard sooner."""
    path = folder / "sample.flac"
    return path if path.exists() else Path(tiny_converters.sample(path, seconds=SAMPLE_S if full else SAMPLE_S / 4))


def files(folder: Path, converter: str, full: bool) -> Mapping[str, Path]:
    """Of a converter by role, made where they are missing. full: as large as the published ones, which OpenVoice always is."""
    there = folder / converter
    listener = tiny_converters.WAVLM_LARGE if full else tiny_converters.WAVLM
    done = there / "done"
    if done.exists():
        return {role: Path(path) for role, path in (line.split("\t") for line in done.read_text(encoding="utf-8").splitlines())}
    if converter == "freevc24":
        made = tiny_converters.freevc(there, tiny_converters.STOCK if full else tiny_converters.TINY, listener, published=True)
    elif converter == "knnvc":
        vocoder = tiny_converters_more.VOCODER_STOCK if full else tiny_converters_more.VOCODER
        made = tiny_converters_more.knnvc(there, vocoder | {"pre_linear": listener["encoder_embed_dim"]}, listener)
    else:
        made = tiny_converters_more.openvoice(there / "OpenVoice", raw=tiny_converters_more.OPENVOICE_V2)  # coqui knows it by that name, and of that size
    done.write_text("\n".join(f"{role}\t{path}" for role, path in made.items()), encoding="utf-8")
    return dict(made)


def of_converter(converter: Converter) -> dict[str, float]:
    """Billions of operations for a second of speech, by part: convolutions and matrix products, those between the steps of attention not counted."""
    samples = round(_COUNTED_S * converter.source_hz)
    wave = torch.from_numpy(tiny_converters.voice_like(_COUNTED_S, converter.source_hz))
    with torch.inference_mode():
        reference = converter.refer(wave, converter.source_hz)
        counter = FlopCounterMode(display=False)
        parts = Parts(counter.get_total_flops)
        of_conversion(parts)
        with counter:
            converter.convert(wave[None], [samples], reference, [torch.randn(converter.noise(samples))], lambda: None)
    return {part: count / _COUNTED_S / 1e9 for part, count in parts.taken().items()}


if __name__ == "__main__":
    main()
