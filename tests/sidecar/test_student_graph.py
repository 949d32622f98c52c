"""A student's graph gets its clock, is tried, and is kept; one that is another's, or would take all memory, is refused and nothing is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.student_graph import student_graph
from e2a_sidecar.voices.voice import STUDENT, Voice
from heart import heart
from onnx import TensorProto, helper, numpy_helper

__all__ = ["heart"]

IDS = np.array([[0, 50, 83, 54, 156, 31, 4, 0]])


@pytest.fixture(scope="module")
def published(heart: Voice) -> bytes:
    return heart.file("model").read_bytes()


def made_of(data: bytes, folder: Path) -> Path:
    model = folder / "voice.onnx"
    model.write_bytes(data)
    return student_graph(model, hashlib.sha256(data).hexdigest(), folder / "cache", "v")


def test_it_is_made_once_and_made_again_where_it_was_damaged(heart: Voice, published: bytes, tmp_path: Path) -> None:
    from e2a_sidecar.speaking.kokoro_student import _opened

    first = made_of(published, tmp_path)
    assert first.stat().st_size == pytest.approx(len(published), rel=0.01)
    at = first.stat().st_mtime_ns
    assert made_of(published, tmp_path).stat().st_mtime_ns == at
    first.write_bytes(first.read_bytes()[:100_000])
    *_, units, unrounded = _opened(heart, tmp_path / "cache").run(None, {"ids": IDS, "speed": np.ones(1, np.float32)})
    assert np.array_equal(units, np.maximum(np.rint(unrounded), 1)) and units.shape == (IDS.size,)


Change = Callable[[onnx.GraphProto], None]


def of_kind(graph: onnx.GraphProto, kind: str) -> onnx.NodeProto:
    return next(node for node in graph.node if node.op_type == kind)


def other_kind(kind: str, new: str) -> Change:
    return lambda graph: setattr(of_kind(graph, kind), "op_type", new)


def with_bias(value: float) -> Change:
    """Another bias of what predicts durations, and so of all of them."""

    def change(graph: onnx.GraphProto) -> None:
        (bias,) = (tensor for tensor in graph.initializer if tensor.name == "pn.dur.2.bias")
        bias.CopyFrom(numpy_helper.from_array(np.full(tuple(bias.dims), value, np.float32), bias.name))

    return change


def without_an_output(graph: onnx.GraphProto) -> None:
    del graph.output[-1]


def with_another_input(graph: onnx.GraphProto) -> None:
    graph.input.append(helper.make_tensor_value_info("style", TensorProto.FLOAT, [1]))


def with_two_rounds(graph: onnx.GraphProto) -> None:
    graph.node.append(helper.make_node("Round", ["speed"], ["e2a_test"]))


def without_speed(graph: onnx.GraphProto) -> None:
    """Its durations are not divided by it."""
    divided = next(node for node in graph.node if node.op_type == "Div" and "speed" in node.input)
    divided.op_type = "Max"


def with_weights_elsewhere(graph: onnx.GraphProto) -> None:
    tensor = graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def with_fewer_symbols(graph: onnx.GraphProto) -> None:
    table = next(node.input[0] for node in graph.node if node.op_type == "Gather" and node.input[1] == "ids")
    (rows,) = (tensor for tensor in graph.initializer if tensor.name == table)
    rows.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(rows)[:150], table))


OTHERS: dict[str, tuple[Change, str]] = {
    "no clock": (other_kind("Round", "Floor"), "not built like"),
    "two clocks": (with_two_rounds, "not built like"),
    "no least duration": (other_kind("Clip", "Max"), "not built like"),
    "one output less": (without_an_output, "not built like"),
    "one input more": (with_another_input, "not built like"),
    "weights elsewhere": (with_weights_elsewhere, "in other files"),
    "operators of its own": (lambda graph: setattr(of_kind(graph, "Erf"), "domain", "com.example"), "not built like"),
    "no speed": (without_speed, "its speed cannot be set"),
    "phonemes of an hour": (with_bias(14.0), "absurdly long"),
    "phonemes without end": (with_bias(200.0), "no number"),
    "nothing but NaN": (with_bias(float("nan")), "no number"),
    "fewer symbols": (with_fewer_symbols, "does not speak it"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_graph_of_another_kind_is_refused(what: str, published: bytes, tmp_path: Path) -> None:
    change, reason = OTHERS[what]
    model = onnx.load_model_from_string(published)
    change(model.graph)
    with pytest.raises(SidecarError) as caught:
        made_of(model.SerializeToString(), tmp_path)
    assert caught.value.code == "voice_unsupported" and reason in str(caught.value.params["reason"]), caught.value
    assert not list((tmp_path / "cache").rglob("*.onnx"))


@pytest.mark.parametrize("how", ["cut off", "no model", "empty"])
def test_a_file_that_is_no_model_is_broken(how: str, published: bytes, tmp_path: Path) -> None:
    data = {"cut off": published[: len(published) // 2], "no model": b"<html>Not found</html>" * 500, "empty": b""}[how]
    with pytest.raises(SidecarError) as caught:
        made_of(data, tmp_path)
    assert caught.value.code in ("voice_broken", "voice_unsupported") and caught.value.params["voice"] == "v"
    assert not (tmp_path / "cache").exists()


def test_a_file_too_large_or_changed_is_not_read(tmp_path: Path) -> None:
    model = tmp_path / "voice.onnx"
    with open(model, "wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(SidecarError, match="too large"):
        student_graph(model, "00", tmp_path / "cache", "v")
    model.write_bytes(b"short")
    with pytest.raises(SidecarError, match="changed"):
        student_graph(model, "00", tmp_path / "cache", "v")


def test_a_vits_is_no_student(joe: Voice, tmp_path: Path) -> None:
    from e2a_sidecar.speaking.make import make_engine

    with pytest.raises(SidecarError) as caught:
        make_engine(Voice("x", STUDENT, language="en-US", files=joe.files).verified(), "cpu", "en", SpeechSettings(), tmp_path)
    assert caught.value.code == "voice_unsupported"
