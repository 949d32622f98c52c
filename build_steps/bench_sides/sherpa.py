"""A side: `sherpa-onnx`, in an environment of its own that has nothing of ours but NumPy. Fastest as one session and a thread a core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import sherpa_onnx  # type: ignore[import-not-found]

from build_steps.bench_sides.serving import Process


def main() -> None:
    process = Process()
    asked = process.given
    files = {name: asked[name] for name in ("model", "tokens", "data_dir")}
    config = sherpa_onnx.OfflineTtsConfig(model=sherpa_onnx.OfflineTtsModelConfig(vits=sherpa_onnx.OfflineTtsVitsModelConfig(**files), num_threads=1))
    tts = sherpa_onnx.OfflineTts(config)
    pool = ThreadPoolExecutor(asked["threads"])

    def speak(lines: Sequence[str]) -> Mapping[str, float]:
        samples = sum(pool.map(lambda line: len(tts.generate(line).samples), lines))
        return {"audio_s": samples / tts.sample_rate}

    process.serve({"speak": speak})


if __name__ == "__main__":
    main()
