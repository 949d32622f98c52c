"""A Piper voice's ONNX graph, cut into encode, flow and decode with its noise as an input (design rules 9, 12 and 13).

    encode  input, input_lengths, scales, [sid], duration noise (1, 2, ids)
            -> mean, deviation (1, channels, frames), frames of each id (1, 1, ids); a single frame where those are beyond
               all bounds, so that they take no memory before anyone has looked at them
    flow    z = mean + noise * deviation * noise_scale (1, channels, frames), mask (1, 1, frames) of ones, [sid]
            -> latents (1, channels, frames)
    decode  latents, [sid] -> samples

The graph draws its own noise, so a take could not be repeated; the two nodes that do so become inputs. Flow and decoder
are parted because the decoder, which has most of the work and nearly all of the memory, sees only 14 frames to each
side (13.3 by its kernels in the largest Piper shape, 11 in medium; tried for each voice), the flow three times as many.
What is cut is found by structure, not by name, since exporters name nodes as they like: the only Ceil gives the
durations, the random node that it does not depend on is the latents', the mask is what comes from before z, and behind
its last use the decoder begins. The parts equal the whole bit for bit, which is tried before a cut is kept; then flow and
decoder are written anew where that is faster (`faster_flow`, `blocked_decoder`). They lie on disk by the model's hash.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import onnx
from onnx import helper
from onnx.utils import Extractor

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.limits import LONGEST_FRAMES
from e2a_sidecar.voices import blocked_decoder, faster_flow, sound_check
from e2a_sidecar.voices.cut import Cut, Names
from e2a_sidecar.voices.kept import keep
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires, named_tensors, read_graph

_REVISION: Final = 6  # raised when the cut files change
_RANDOM: Final = ("RandomNormalLike", "RandomNormal", "RandomUniformLike", "RandomUniform", "Bernoulli", "Multinomial")
_INPUTS: Final = frozenset(("input", "input_lengths", "scales", "sid"))
_MOST_USES: Final = 100  # of the mask: a published voice has 50
_CUT_WITHIN: Final = 1e-5
T = TypeVar("T")
_log = logging.getLogger(__name__)


def cut_voice(model: Path, sha256: str, cache_dir: Path, voice: str) -> Cut:
    """The cut of a model file, from the cache or made now (four seconds of a core; one 60 MB voice takes 86 MB of disk).

    sha256: the model's, hex. Raises SidecarError `voice_broken` for a file that is no model, `voice_unsupported` for a
    graph that is not recognised or does not sound the same when it is cut, `disk_full` or `output_unwritable` where the
    cache cannot be written.
    """
    folder = cache_dir / "cuts" / f"{sha256}-{_REVISION}"
    found = _open(folder)
    if found:
        return found
    graph = read_graph(model, sha256, voice)
    try:
        names = recognise(graph.graph)
    except (Unrecognised, IndexError) as error:  # IndexError: a node without what its kind takes
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason="its graph is not built like a Piper voice's") from None
    try:
        keep(folder, model, lambda found: _open(found) is not None, lambda beside: _write(graph, names, beside))
    except sound_check.Unsound as error:
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason=error.reason) from None
    except (ValueError, TypeError, AssertionError, LookupError, ArithmeticError) as error:  # of onnx and NumPy, for tensors of other shapes
        raise SidecarError("voice_unsupported", repr(error)[:500], voice=voice, reason="its graph is not built like a Piper voice's") from None
    _log.info("cut %s into %s", model.name, folder.name)
    made = _open(folder)
    if made is None:
        raise SidecarError("output_unwritable", "a cut that does not open", path=str(folder), reason="what was written there cannot be read")
    return made


def forget(cut: Cut) -> None:
    """Remove a cut that the runtime could not open, so that it is made again."""
    shutil.rmtree(cut.encode.parent, ignore_errors=True)


def recognise(graph: onnx.GraphProto) -> Names:
    """Find the places to cut; Unrecognised where the graph is another."""
    wires = Wires(graph)
    samples = _only([o.name for o in graph.output][:1], "output")
    weights = {i.name for i in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in weights]
    if not {"input", "input_lengths", "scales"} <= set(inputs) <= _INPUTS:
        raise Unrecognised("other inputs than a Piper voice has")
    ceil = _only([n for n in graph.node if n.op_type == "Ceil"], "Ceil")
    frames = ceil.output[0]
    duration_side = wires.above([frames])
    random = [n for n in graph.node if n.op_type in _RANDOM]
    latent = _only([n for n in random if n.output[0] not in duration_side], "noise of the latents")
    duration = [n for n in random if n.output[0] in duration_side]
    if len(duration) > 1 or any(n.op_type != "RandomNormalLike" for n in random):
        raise Unrecognised("other noise than a VITS has")
    if any((a.name, a.f) not in (("mean", 0.0), ("scale", 1.0)) for n in random for a in n.attribute if a.name in ("mean", "scale")):
        raise Unrecognised("noise of another size than a VITS has")
    mean = latent.input[0]
    deviation, z = _sum_of_noise(wires, latent.output[0], mean)
    behind_z = wires.below(z)
    if samples not in behind_z:
        raise Unrecognised("samples that do not depend on the latents")
    mask = _only(sorted(wires.beside(behind_z, z) & wires.below(frames)), "mask")
    latents = _behind_mask(wires, mask, behind_z)
    decoder = wires.below(latents)

    def given(names: Iterable[str]) -> tuple[str, ...]:
        above = wires.above(names)
        return tuple(name for name in inputs if name in above)

    return Names(
        mean=mean,
        deviation=deviation,
        frames=frames,
        unrounded=ceil.input[0],
        z=z,
        mask=mask,
        latents=latents,
        samples=samples,
        duration_noise=duration[0].output[0] if duration else "",
        encode_inputs=given([mean, deviation, frames]),
        flow_inputs=given(wires.beside(wires.above([latents]) & behind_z, z) - {mask}),
        decode_inputs=given(wires.beside(decoder, latents)),
        symbols=_symbols(graph),
    )


def _symbols(graph: onnx.GraphProto) -> int:
    """Rows of the table in which the phonemes are looked up; 0 where there is none."""
    rows = {name: tensor.dims[0] for name, tensor in named_tensors(graph) if len(tensor.dims) == 2}
    return min((rows[n.input[0]] for n in graph.node if n.op_type == "Gather" and n.input[1] == "input" and n.input[0] in rows), default=0)


def _behind_mask(wires: Wires, mask: str, behind_z: set[str]) -> str:
    """Output of the last use of the mask: what the decoder is given. Nothing behind it may ask for the mask again."""
    uses = [n for n in wires.takers[mask] if n.output[0] in behind_z]
    if len(uses) > _MOST_USES:
        raise Unrecognised("more uses of the mask than a VITS has")
    outputs = {n.output[0] for n in uses}
    last = _only([n for n in uses if wires.below(n.output[0]) & outputs == {n.output[0]}], "last use of the mask")
    if last.op_type != "Mul":
        raise Unrecognised("a mask that is not multiplied")
    return str(last.output[0])


def _sum_of_noise(wires: Wires, noise: str, mean: str) -> tuple[str, str]:
    """(deviation, z) of z = mean + noise * deviation * scale."""
    product = _only(wires.takers[noise], "use of the latents' noise")
    deviation = _only([n for n in product.input if n != noise], "deviation of the latents")
    while product.op_type == "Mul":
        product = _only(wires.takers[product.output[0]], "scale of the latents' noise")
    if product.op_type != "Add" or mean not in product.input:
        raise Unrecognised("latents that are not mean plus noise")
    return deviation, product.output[0]


def _only(found: list[T], what: str) -> T:
    if len(found) != 1:
        raise Unrecognised(f"{len(found)} times: {what}")
    return found[0]


def _write(model: onnx.ModelProto, names: Names, folder: Path) -> None:
    """The parts, tried against the whole, and the names. sound_check.Unsound where they do not sound the same."""
    noise = [n for n in model.graph.node if n.op_type in _RANDOM]
    for node in noise:
        model.graph.node.remove(node)
        model.graph.input.append(_float_tensor(node.output[0]))
    known = {v.name for v in model.graph.value_info}
    vital = {names.mean, names.deviation, names.frames, names.unrounded, names.z, names.mask, names.latents}
    model.graph.value_info.extend(_float_tensor(n) for n in sorted(vital) if n not in known)
    encoded = [names.mean, names.deviation, names.frames, names.unrounded]
    whole = model.SerializeToString()
    _bound_frames(model.graph, names.frames)
    extractor = Extractor(model)
    parts = (
        ("encode", [*names.encode_inputs, *([names.duration_noise] if names.duration_noise else [])], encoded),
        ("flow", [names.z, names.mask, *names.flow_inputs], [names.latents]),
        ("decode", [names.latents, *names.decode_inputs], [names.samples]),
    )
    for part, inputs, outputs in parts:
        onnx.save(extractor.extract_model(inputs, outputs), str(folder / f"{part}.onnx"))
    speaker = 0 if any(i.name == "sid" for i in model.graph.input) else None
    latent_noise = next(node.output[0] for node in noise if node.output[0] != names.duration_noise)
    cut = Cut.at(folder, names, None)
    spoken = sound_check.spoken_by_cut(cut, speaker, sound_check.NOISE_SCALE, sound_check.NOISE_W)
    apart = sound_check.cut_difference(cut, spoken, whole, latent_noise, speaker)
    if apart > _CUT_WITHIN:
        raise sound_check.Unsound("it does not sound the same when it is spoken in parts", f"{apart:.1e} from the whole")
    channels = spoken.latent_noise.shape[1]
    context = sound_check.decoder_context(cut, channels, speaker)
    faster_flow.make(cut, channels, sound_check.flow_feed(cut, speaker) | sound_check.decoder_feed(cut, speaker))
    blocked_decoder.make(folder, names.latents, names.samples, sound_check.decoder_feed(cut, speaker))
    (folder / "names.json").write_text(json.dumps(asdict(replace(names, context=context))), encoding="utf-8")


def _bound_frames(graph: onnx.GraphProto, frames: str) -> None:
    """Let durations beyond all bounds be none where they are spread over frames: encode tells them as they are, and takes no memory for them."""
    total, few, zero, most, bounded = (f"e2a/{name}" for name in ("total", "few", "zero", "most", "frames"))
    place, maker = next((place, node) for place, node in enumerate(graph.node) if frames in node.output)
    for node in graph.node:
        node.input[:] = [bounded if name == frames else name for name in node.input]
    graph.initializer.append(helper.make_tensor(zero, onnx.TensorProto.FLOAT, [], [0.0]))
    graph.initializer.append(helper.make_tensor(most, onnx.TensorProto.FLOAT, [], [LONGEST_FRAMES + 1.0]))
    added = (
        helper.make_node("ReduceL1", [maker.output[0]], [total], keepdims=0),
        helper.make_node("Less", [total, most], [few]),
        helper.make_node("Where", [few, frames, zero], [bounded]),
    )
    for number, node in enumerate(added, start=place + 1):
        graph.node.insert(number, node)


def _float_tensor(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", f"{name}_channels", f"{name}_length"])


def _open(folder: Path) -> Cut | None:
    """A cut that lies on disk, or None."""
    try:
        raw = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        lists: dict[str, Any] = {key: tuple(raw.pop(key)) for key in ("encode_inputs", "flow_inputs", "decode_inputs")}
        cut = Cut.at(folder, Names(**raw, **lists), blocked_decoder.found(folder))
        assert cut.names.context > 0, "a cut of another version"
    except (OSError, ValueError, TypeError, KeyError, AttributeError, AssertionError):
        return None
    return cut if all(part.is_file() for part in (cut.encode, cut.flow, cut.decode)) and blocked_decoder.whole(folder) else None
