"""A Piper voice as sherpa-onnx wants it: its description in the graph's own metadata, its symbols in a file. In the core layer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import piper
from e2a_sidecar.voices.voice import Voice

from build_steps.bench_sides.serving import Process


def main() -> None:
    process = Process()
    asked = process.given
    voice, folder = Voice.from_dict(asked["voice"]), Path(asked["folder"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = json.loads(voice.file("config").read_text(encoding="utf-8"))
    model = onnx.load(voice.file("model"))
    described = {
        "model_type": "vits",
        "comment": "piper",
        "has_espeak": 1,
        "language": config["espeak"]["voice"],
        "voice": config["espeak"]["voice"],
        "n_speakers": config["num_speakers"],
        "sample_rate": config["audio"]["sample_rate"],
    }
    onnx.helper.set_model_props(model, {name: str(value) for name, value in described.items()})
    onnx.save(model, folder / "model.onnx")
    symbols = "".join(f"{symbol} {ids[0]}\n" for symbol, ids in config["phoneme_id_map"].items())
    (folder / "tokens.txt").write_text(symbols, encoding="utf-8")
    data = Path(piper.__file__).parent / "espeak-ng-data"
    process.serve({}, {"model": str(folder / "model.onnx"), "tokens": str(folder / "tokens.txt"), "data_dir": str(data)})


if __name__ == "__main__":
    main()
