"""A voice's flow with fewer multiplications (`winograd`), in the place of the cut or exported one: written once, heard before it is kept.

For a sentence of usual length it takes two thirds of its time, on any processor: what is saved are multiplications. Its samples are
within 2e-5 of full scale (whole sentences; what is tried here, within 4e-6). A flow that is not recognised, or differs by more than
1e-4, stays as it is; that is no error. The text encoder would gain a fifth by the same, but the samples of a sentence then differed by
up to 2.4e-4, and its durations could be rounded otherwise than before.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import helper

from e2a_sidecar.voices import sound_check
from e2a_sidecar.voices.cut import Cut
from e2a_sidecar.voices.graph_constants import Constants, attributes
from e2a_sidecar.voices.graph_writer import GraphWriter
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires
from e2a_sidecar.voices.winograd import FEWEST_CHANNELS, Rows

_OUTPUTS: Final = 4  # that a convolution computes together
_WITHIN: Final = 1e-4
_OLDEST_OPSET: Final = 13  # axes as inputs
_PLAIN: Final[Mapping[str, Any]] = {"group": 1, "auto_pad": b"NOTSET", "strides": [1]}
_log = logging.getLogger(__name__)


def make(cut: Cut, channels: int, fixed: Mapping[str, NDArray[Any]]) -> None:
    """Write the flow of a cut anew. Takes a second of a core, two for a voice of coqui's stock shape. Raises OSError alone.

    channels: of z; fixed: what flow and decoder take beside z, mask and latents, of any speaker.
    """
    try:
        model = faster(onnx.load(str(cut.flow)))
        apart = sound_check.flow_difference(cut, model.SerializeToString(), channels, fixed)
        if not apart <= _WITHIN:
            raise sound_check.Unsound("it does not sound the same when its flow is written anew", f"{apart:.1e}")
    except (Unrecognised, sound_check.Unsound, ValueError, TypeError, LookupError) as error:  # of onnx and NumPy, for tensors of other shapes
        _log.info("the flow stays as its file says: %s", error)
        return
    onnx.save(model, str(cut.flow))
    _log.info("flow written anew: within %.1e", apart)


def faster(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its wide convolutions written anew, for batches of one. Unrecognised where it has none."""
    if max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0) < _OLDEST_OPSET:
        raise Unrecognised("an old opset")
    wires = Wires(model.graph)
    constants, writer = Constants(model.graph, wires), GraphWriter()
    wide = {node.output[0] for node in wires.order if _is_wide(node, constants)}
    if not wide:
        raise Unrecognised("no convolution that would be faster")
    for node in wires.order:
        if node.output[0] in wide:
            _convolution(writer, node, constants)
        else:
            writer.model.graph.node.append(node)
    graph = writer.model.graph
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in used)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    writer.model.opset_import.extend(model.opset_import)
    writer.model.ir_version = model.ir_version
    return writer.model


def _is_wide(node: onnx.NodeProto, constants: Constants) -> bool:
    if node.op_type != "Conv" or any(name and name not in constants for name in node.input[1:]):
        return False
    how, weight = attributes(node), constants.floats(node.input[1])
    usual = all(how.get(name, value) == value for name, value in _PLAIN.items()) and min(how.get("pads", [0])) >= 0
    return usual and weight.ndim == 3 and weight.shape[2] > 1 and min(weight.shape[:2]) >= FEWEST_CHANNELS


def _convolution(writer: GraphWriter, node: onnx.NodeProto, constants: Constants) -> None:
    how, (signal, weight, *bias) = attributes(node), node.input
    rows = writer.node("Transpose", writer.node("Squeeze", signal, writer.store([0])), perm=[1, 0])
    before, after = how.get("pads", [0, 0])
    given = constants.floats(bias[0]) if bias and bias[0] else None
    found = Rows(writer, rows, _OUTPUTS).convolution(rows, constants.floats(weight), given, (before, after), how.get("dilations", [1])[0])
    channels = writer.node("Transpose", found, perm=[1, 0])
    writer.model.graph.node.append(helper.make_node("Unsqueeze", [channels, writer.store([0])], [node.output[0]]))
