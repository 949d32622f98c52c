"""A side: coqui's own way to a cloned voice, `TTS.tts_with_vc`, sentence by sentence as it comes: a temporary file between voice and converter,
and what is known of the recording computed again for each sentence.

    kept    the same but for the recording, which coqui reads from a file of its own (`voice_dir`), computed once

Loaded by coqui's own loaders from the files that ours has; what these would fetch lies where they look for it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import partialmethod
from pathlib import Path
from typing import Any

import torch
from e2a_sidecar.voices.voice import SAMPLE, Clone, Voice

from build_steps.bench_sides.coqui_synthesizer import SILENCE, OneVoice, first_speaker
from build_steps.bench_sides.serving import Process

_NAME = "bench"


def main() -> None:
    process = Process()
    asked = process.given
    voice = Voice.from_dict(asked["voice"])
    clone = voice.clone
    assert clone is not None
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch  # coqui leaves its files there
        from TTS.api import TTS  # type: ignore[import-untyped]

        api = TTS(progress_bar=False)
        api.synthesizer = OneVoice(voice, asked["language"], asked["torch_device"])
        api.voice_converter = converter_of(clone, Path(scratch), asked["torch_device"] != "cpu")
        sample, kept_in, speaker = str(clone.file(SAMPLE)), Path(scratch, "voices"), first_speaker(api.synthesizer.tts_model)
        with torch.inference_mode():
            api.voice_converter.vc_model.clone_voice(sample, _NAME, kept_in)

        def spoken(line: str, kept: bool) -> Any:
            if not kept:
                return api.tts_with_vc(line, speaker_wav=sample, speaker=speaker, split_sentences=False)
            between = Path(scratch, "between.wav")
            api.tts_to_file(line, speaker=speaker, file_path=str(between), split_sentences=False)
            return api.voice_converter.voice_conversion(source_wav=str(between), speaker_id=_NAME, voice_dir=kept_in)

        def speak(lines: Sequence[str], threads: int, kept: bool = False) -> Mapping[str, float]:
            torch.set_num_threads(threads)
            seconds = sum(len(spoken(line, kept)) for line in lines) / api.voice_converter.output_sample_rate
            for file in Path(scratch).glob("*.wav"):
                file.unlink()
            return {"audio_s": seconds - len(lines) * SILENCE / api.synthesizer.output_sample_rate}

        process.serve({"speak": speak})


def converter_of(clone: Clone, scratch: Path, on_card: bool) -> Any:
    """coqui's `Synthesizer` with the converter of a clone."""
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]
    from TTS.vc.configs.knnvc_config import KNNVCConfig  # type: ignore[import-untyped]
    from TTS.vc.layers.freevc.speaker_encoder import speaker_encoder  # type: ignore[import-untyped]
    from TTS.vc.models import freevc  # type: ignore[import-untyped]
    from TTS.vocoder.models import gan  # type: ignore[import-untyped]

    files = dict(clone.files)
    if "wavlm" in files:
        there = scratch / "tts" / "wavlm"
        there.mkdir(parents=True)
        (there / "WavLM-Large.pt").symlink_to(files["wavlm"])
        os.environ["TTS_HOME"] = str(scratch)
    if clone.converter == "openvoice_v2":
        return Synthesizer(vc_checkpoint=str(files["model"]), use_cuda=on_card)
    if clone.converter == "freevc24":
        heard = torch.load(files["speaker_encoder"], weights_only=True)
        speaker_encoder.load_fsspec = lambda *_what, **_how: heard
        freevc.FreeVC.load_checkpoint = partialmethod(freevc.FreeVC.load_checkpoint, strict=False)  # that encoder's weights are no part of the checkpoint
        return Synthesizer(vc_checkpoint=str(files["model"]), vc_config=str(files["config"]), use_cuda=on_card)
    gan.setup_discriminator = lambda config: torch.nn.Module()  # 70 million numbers, for training
    KNNVCConfig().save_json(str(scratch / "knnvc.json"))
    vocoder = {"vocoder_checkpoint": str(files["vocoder"]), "vocoder_config": str(files["vocoder_config"])}
    return Synthesizer(vc_checkpoint=str(scratch / "none.pth"), vc_config=str(scratch / "knnvc.json"), **vocoder, use_cuda=on_card)


if __name__ == "__main__":
    main()
