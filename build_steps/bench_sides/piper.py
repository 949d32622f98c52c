"""A side: `piper-tts` as it comes, one sentence after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from e2a_sidecar.voices.voice import Voice
from piper import PiperVoice

from build_steps.bench_sides.serving import Process


def main() -> None:
    process = Process()
    voice = Voice.from_dict(process.given["voice"])
    piper = PiperVoice.load(voice.file("model"), config_path=voice.file("config"))

    def speak(lines: Sequence[str]) -> Mapping[str, float]:
        samples = sum(chunk.audio_int16_array.size for line in lines for chunk in piper.synthesize(line))
        return {"audio_s": samples / piper.config.sample_rate}

    process.serve({"speak": speak})


if __name__ == "__main__":
    main()
