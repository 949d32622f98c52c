"""Graphs from strangers that are no voice, or would take all time or memory: refused before anything runs, nothing kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.graph_constants import Constants
from e2a_sidecar.voices.piper_cut import cut_voice
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node


def whole_numbers(name: str, *numbers: int) -> TensorProto:
    return numpy_helper.from_array(np.array(numbers, np.int64), name)


def claiming(name: str, *dims: int) -> TensorProto:
    """A tensor that says how large it is and holds nothing."""
    return TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)


SPARSE = helper.make_sparse_tensor(numpy_helper.from_array(np.ones(1, np.float32), "v"), whole_numbers("i", 3), [1 << 40])

NODES: dict[str, tuple[list[Any], list[TensorProto]]] = {
    "nodes that wait for each other": ([node("Add", ["scales", "y"], ["x"]), node("Add", ["scales", "x"], ["y"])], []),
    "an input that nobody gives": ([node("Add", ["scales", "nothing"], ["y"])], []),
    "a tensor made twice": ([node("Neg", ["scales"], ["y"]), node("Abs", ["scales"], ["y"])], []),
    "a tensor of a terabyte": ([node("Add", ["scales", "w"], ["y"])], [claiming("w", 1 << 20, 1 << 20)]),
    "a tensor of a negative size": ([node("Add", ["scales", "w"], ["y"])], [claiming("w", -1, -5)]),
    "a constant of a terabyte": ([node("Constant", [], ["w"], value=claiming("", 1 << 40)), node("Add", ["scales", "w"], ["y"])], []),
    "zeros of a terabyte": ([node("ConstantOfShape", ["n"], ["y"])], [whole_numbers("n", 1 << 20, 1 << 20)]),
    "a vector spread over a terabyte": (
        [node("Constant", [], ["n"], value=whole_numbers("", 1 << 40, 3)), node("Expand", ["scales", "n"], ["y"])],
        [],
    ),
    "sizes that are not there": ([node("ConstantOfShape", ["n"], ["y"])], [TensorProto(name="n", dims=[2], data_type=TensorProto.INT64)]),
    "a loop": ([node("Loop", ["n", "", "scales"], ["y"], body=helper.make_graph([], "body", [], []))], [whole_numbers("n", 1 << 60)]),
    "operators of its own": ([node("Neg", ["scales"], ["y"], domain="com.example")], []),
    "noise like nothing": ([node("RandomNormalLike", [], ["x"]), node("Mul", ["x", "scales"], ["z"]), node("Ceil", ["scales"], ["y"])], []),
    "a node that gives nothing": ([node("Ceil", ["scales"], ["y"]), node("Neg", ["scales"], [])], []),
    "weights stored but for zeros": ([node("Constant", [], ["w"], sparse_value=SPARSE), node("Add", ["scales", "w"], ["y"])], []),
    "a million samples a frame": ([node("ConvTranspose", [x, "w"], [y], strides=[1000]) for x, y in (("scales", "x"), ("x", "y"))], []),
    "a convolution a million wide": ([node("Conv", ["scales", "w"], ["y"], dilations=[1_000_000])], []),
    "more nodes than a voice has": ([node("Neg", [f"t{n}" if n else "scales"], [f"t{n + 1}"]) for n in range(60_000)] + [node("Ceil", ["scales"], ["y"])], []),
}


@pytest.mark.parametrize("what", NODES)
def test_a_graph_that_is_no_voice_is_refused_before_it_runs(what: str, tmp_path: Path) -> None:
    nodes, weights = NODES[what]
    kinds = {"input": TensorProto.INT64, "input_lengths": TensorProto.INT64, "scales": TensorProto.FLOAT}
    inputs = [helper.make_tensor_value_info(name, kind, [3]) for name, kind in kinds.items()]
    graph = helper.make_graph(nodes, "voice", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights)
    model = tmp_path / "voice.onnx"
    model.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(SidecarError) as caught:
        cut_voice(model, hashlib.sha256(model.read_bytes()).hexdigest(), tmp_path / "cache", "v")
    assert (caught.value.code, caught.value.params["voice"]) == ("voice_unsupported", "v")
    assert caught.value.detail
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(("field", "inner"), [(b"\x0a", b""), (b"\x0a", b"\x2a\x00" * 1_100_000)], ids=["empty nodes", "one node's empty attributes"])
def test_a_file_of_nothing_but_empty_entries_is_not_parsed(field: bytes, inner: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bytes each; parsed, each takes some hundred."""
    graph = field + length(inner) + inner if inner else (field + b"\x00") * 1_100_000
    path = tmp_path / "voice.onnx"
    path.write_bytes(b"\x3a" + length(graph) + graph)
    monkeypatch.setattr(onnx, "load_model_from_string", None)
    with pytest.raises(SidecarError, match="too many entries"):
        cut_voice(path, hashlib.sha256(path.read_bytes()).hexdigest(), tmp_path / "cache", "v")


@pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.COMPLEX128])
def test_weights_become_numbers_and_nothing_larger(kind: int) -> None:
    nodes = [node("Cast", ["w"], ["x"], to=kind), node("Cast", ["w"], ["y"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "voice", [], [], [whole_numbers("w", 3, 5)])
    constants = Constants(graph, Wires(graph))
    assert constants.value("y").tolist() == [3.0, 5.0]
    with pytest.raises(Unrecognised, match="no numbers"):
        constants.value("x")


def length(content: bytes) -> bytes:
    """As protobuf writes it: seven bits a byte."""
    number, written = len(content), b""
    while number > 127:
        written, number = written + bytes([number & 127 | 128]), number >> 7
    return written + bytes([number])


def test_functions_in_a_model_are_not_run(tmp_path: Path) -> None:
    model = onnx.ModelProto(ir_version=8)
    model.functions.add(name="f", domain="f")
    path = tmp_path / "voice.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(SidecarError, match="operators of its own"):
        cut_voice(path, hashlib.sha256(path.read_bytes()).hexdigest(), tmp_path / "cache", "v")
