"""A side: an audiobook as a plain script makes it, paragraph by paragraph into one WAV file, then by ffmpeg. No chapters, nothing is checked."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from e2a_sidecar.voices.voice import Voice

from build_steps.bench_sides.serving import Process

Spoken = Callable[[str], Iterator[bytes]]
"""A paragraph -> its samples, int16."""


def main() -> None:
    process = Process()
    asked = process.given
    rate_hz, spoken = {"piper": _piper, "coqui": _coqui}[asked["by"]](Voice.from_dict(asked["voice"]).verified())

    def make(text: str, out: str) -> Mapping[str, float]:
        """text: a file with an empty line between paragraphs."""
        paragraphs = [" ".join(part.split()) for part in Path(text).read_text(encoding="utf-8-sig").split("\n\n")]
        sound = Path(out).with_suffix(".wav")
        with wave.open(str(sound), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            for paragraph in paragraphs:
                if any(map(str.isalnum, paragraph)):
                    file.writeframes(b"".join(spoken(paragraph)))
        with wave.open(str(sound), "rb") as file:
            audio_s = file.getnframes() / rate_hz
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", sound, "-c:a", "aac", "-b:a", "64k", out], stdin=subprocess.DEVNULL, check=True)
        return {"audio_s": audio_s}

    process.serve({"make": make})


def _piper(voice: Voice) -> tuple[int, Spoken]:
    from piper import PiperVoice

    piper = PiperVoice.load(voice.file("model"), config_path=voice.file("config"))
    return piper.config.sample_rate, lambda text: (chunk.audio_int16_bytes for chunk in piper.synthesize(text))


def _coqui(voice: Voice) -> tuple[int, Spoken]:
    from build_steps.bench_sides.coqui_synthesizer import OneVoice, first_speaker

    synthesizer = OneVoice(voice, voice.language)
    speaker = first_speaker(synthesizer.tts_model)

    def spoken(text: str) -> Iterator[bytes]:
        yield (np.clip(np.array(synthesizer.tts(text, speaker)), -1, 1) * 32767).astype("<i2").tobytes()

    return synthesizer.output_sample_rate, spoken


if __name__ == "__main__":
    main()
