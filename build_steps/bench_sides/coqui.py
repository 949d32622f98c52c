"""A side: coqui's `Synthesizer.tts`, sentence by sentence, as ebook2audiobook and others use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from e2a_sidecar.voices.voice import Voice

from build_steps.bench_sides.coqui_synthesizer import SILENCE, OneVoice, first_speaker
from build_steps.bench_sides.serving import Process


def main() -> None:
    process = Process()
    asked = process.given
    synthesizer = OneVoice(Voice.from_dict(asked["voice"]).verified(), asked["language"], asked["torch_device"])
    speaker = first_speaker(synthesizer.tts_model)

    def speak(lines: Sequence[str], threads: int) -> Mapping[str, float]:
        torch.set_num_threads(threads)
        samples = sum(len(synthesizer.tts(line, speaker, split_sentences=False)) - SILENCE for line in lines)
        return {"audio_s": samples / synthesizer.output_sample_rate}

    process.serve({"speak": speak})


if __name__ == "__main__":
    main()
