"""A tiny network of Kokoro's shape, and a voice for it: what it says can be told from its samples.

Every unit of duration is 600 samples: a buzz as loud as the phoneme's number, around the style's first number as a level.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from e2a_sidecar.voices.voice import KOKORO, Voice
from onnx import TensorProto, helper, numpy_helper

LEVEL = 0.0005
"""Of a row of the styles over the one before it."""


EACH = 2.2137
"""Units that a phoneme lasts, and no number of the alphabet makes it round either way."""


def model(
    tokens: str = "input_ids",
    audio: str = "waveform",
    unit: int = 600,
    each: float = EACH,
    of_speed: bool = True,
    noise: Sequence[onnx.NodeProto] = (),
    extra: Sequence[onnx.NodeProto] = (),
    opsets: Sequence[Any] = (),
) -> onnx.ModelProto:
    """each: before it is rounded. noise: nodes that give "noise" from "clean". extra: more nodes."""

    def node(kind: str, inputs: str, output: str, **settings: Any) -> onnx.NodeProto:
        return helper.make_node(kind, inputs.split(), [output], **settings)

    buzz = 0.2 * np.sin(np.arange(unit) * 2 * np.pi / 60).astype(np.float32)[None]
    constants = {
        "each": np.float32(each), "one": np.float32(1), "hundredth": np.float32(0.005), "buzz": buzz, "ones": np.ones((1, unit), np.float32),
        "all": np.array([-1], np.int64), "zero": np.int64(0), "step": np.int64(1), "axis": np.int64(1), "column": np.array([-1, 1], np.int64),
        "first": np.array([0], np.int64), "rows": np.array([0], np.int64), "tenth": np.float32(0.1),
    }  # fmt: skip
    nodes = [
        node("Cast", tokens, "numbers", to=TensorProto.FLOAT),
        node("Mul", "numbers hundredth", "louder"),
        node("Add", "louder each", "long"),
        node("Div", "long speed", "unrounded") if of_speed else node("Identity", "long", "unrounded"),
        node("Round", "unrounded", "rounded"),
        node("Clip", "rounded one", "units"),
        node("Cast", "units", "whole", to=TensorProto.INT64),
        node("CumSum", "whole axis", "ends"),
        node("ReduceSum", "whole", "total", keepdims=0),
        node("Range", "zero total step", "places"),
        node("Reshape", "places column", "place"),
        node("GreaterOrEqual", "place ends", "behind"),
        node("Cast", "behind", "counted", to=TensorProto.INT64),
        node("ReduceSum", "counted axes", "index", keepdims=0),
        node("Reshape", f"{tokens} all", "flat"),
        node("Gather", "flat index", "spread"),
        node("Cast", "spread", "said", to=TensorProto.FLOAT),
        node("Mul", "said hundredth", "loud"),
        node("Reshape", "loud column", "frames"),
        node("MatMul", "frames buzz", "sounds"),
        node("Gather", "style first", "its", axis=1),
        node("Add", "sounds its", "levelled"),
        node("Reshape", "levelled all", "clean"),
        *(noise or [node("Identity", "clean", "noise")]),
        node("Identity", "noise" if noise else "clean", audio),
        *extra,
    ]
    constants["axes"] = np.array([1], np.int64)
    inputs = [
        helper.make_tensor_value_info(tokens, TensorProto.INT64, [1, "length"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "kokoro", inputs, [helper.make_tensor_value_info(audio, TensorProto.FLOAT, ["samples"])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), *opsets], ir_version=8)


def styles() -> bytes:
    """Row n stands at LEVEL times n."""
    return np.repeat(np.arange(510, dtype="<f4")[:, None] * np.float32(LEVEL), 256, axis=1).tobytes()


def voice(folder: Path, made: onnx.ModelProto | bytes | None = None, language: str = "it", style: bytes | None = None) -> Voice:
    """Written there, verified."""
    data = made if isinstance(made, bytes) else (made or model()).SerializeToString()
    (folder / "kokoro.onnx").write_bytes(data)
    (folder / "voice.bin").write_bytes(styles() if style is None else style)
    files = {"model": str(folder / "kokoro.onnx"), "voice": str(folder / "voice.bin")}
    return Voice.from_dict({"id": "kokoro-if_sara", "kind": KOKORO, "name": "Sara (Kokoro)", "language": language, "files": files, "sha256": {}}).verified()
