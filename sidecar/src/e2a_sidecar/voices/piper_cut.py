"""A Piper voice's ONNX graph, cut into encode, flow and decode with its noise as an input (design rules 9, 12 and 13).

    encode  input, input_lengths, scales, [sid], duration noise (1, 2, ids)
            -> mean, deviation (1, channels, frames), frames of each id (1, 1, ids)
    flow    z = mean + noise * deviation * noise_scale (1, channels, frames), mask (1, 1, frames) of ones, [sid]
            -> latents (1, channels, frames)
    decode  latents, [sid] -> samples

The graph draws its own noise, so a take could not be repeated; the two nodes that do so become inputs. Flow and decoder
are parted because the decoder, which has most of the work and nearly all of the memory, sees only 14 frames to each
side (13.3 by its kernels in the largest Piper shape, 11 in medium), the flow three times as many.
What is cut is found by structure, not by name, since exporters name nodes as they like: the only Ceil gives the
durations, the random node that it does not depend on is the latents', the mask is what comes from before z, and behind
its last use the decoder begins. The parts equal the whole bit for bit. They are kept on disk by the model's hash.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import helper
from onnx.external_data_helper import uses_external_data
from onnx.utils import Extractor

from e2a_sidecar.errors import SidecarError

_LARGEST_MODEL: Final = 1 << 30  # the largest that Piper publishes is 115 MB
_REVISION: Final = 1  # raised when the cut files change
_RANDOM: Final = ("RandomNormalLike", "RandomNormal", "RandomUniformLike", "RandomUniform", "Bernoulli", "Multinomial")
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Names:
    """Tensors of the graph by what they are."""

    mean: str
    deviation: str
    frames: str
    z: str
    mask: str
    latents: str
    samples: str
    duration_noise: str
    """Empty where the voice has no stochastic duration predictor."""
    encode_inputs: tuple[str, ...]
    """Of the original graph: input, input_lengths, scales, perhaps sid."""
    flow_inputs: tuple[str, ...]
    """Of the original graph: sid, where the voice has several speakers."""
    decode_inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut voice on disk."""

    encode: Path
    flow: Path
    decode: Path
    names: Names

    @classmethod
    def at(cls, folder: Path, names: Names) -> Cut:
        """The cut in a folder, by the names of its files."""
        return cls(folder / "encode.onnx", folder / "flow.onnx", folder / "decode.onnx", names)


def cut_voice(model: Path, sha256: str, cache_dir: Path, voice: str) -> Cut:
    """The cut of a model file, from the cache or made now (about a second; one 60 MB voice takes 60 MB of disk).

    sha256: the model's, hex. Raises SidecarError `voice_broken` for a file that is no model, `voice_unsupported` for a
    graph that is not recognised, `disk_full` or `output_unwritable` where the cache cannot be written.
    """
    folder = cache_dir / "cuts" / f"{sha256}-{_REVISION}"
    found = _open(folder)
    if found:
        return found
    try:
        graph = _loaded(model, sha256, voice)
    except OSError as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{model.name}: {error.strerror}") from None
    except DecodeError as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{model.name} is not an ONNX model") from None
    try:
        names = recognise(graph.graph)
    except Unrecognised as error:
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason="its graph is not built like a Piper voice's") from None
    try:
        _write(graph, names, folder)
    except OSError as error:
        code = "disk_full" if error.errno == 28 else "output_unwritable"
        need_mb, have_mb = model.stat().st_size >> 20, _free_mb(cache_dir)
        raise SidecarError(code, repr(error), path=str(folder), reason=str(error.strerror), need_mb=need_mb, have_mb=have_mb) from None
    _log.info("cut %s into %s", model.name, folder.name)
    return Cut.at(folder, names)


def _loaded(model: Path, sha256: str, voice: str) -> onnx.ModelProto:
    """The graph, of the very bytes that were verified: a cut is found by their hash, so another file's would stay for ever."""
    if model.stat().st_size > _LARGEST_MODEL:
        raise SidecarError("voice_broken", "too large", voice=voice, reason=f"{model.name} is too large to be a voice")
    data = model.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SidecarError("voice_broken", "changed", voice=voice, reason=f"{model.name} was changed while it was read")
    graph = onnx.load_model_from_string(data)
    if any(uses_external_data(tensor) for tensor in _tensors(graph.graph)):
        raise SidecarError("voice_unsupported", "external data", voice=voice, reason="it keeps its weights in other files")
    return graph


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every stored tensor: weights and constants, in graphs within nodes too."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors)
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _tensors(inner)


def forget(cut: Cut) -> None:
    """Remove a cut that the runtime could not open, so that it is made again."""
    shutil.rmtree(cut.encode.parent, ignore_errors=True)


class Unrecognised(Exception):
    """The graph is not one that we can cut; says what was not found. Never leaves this module but as a SidecarError."""


class _Wires:
    """Who makes and who takes each tensor."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.maker = {output: node for node in graph.node for output in node.output}
        self.takers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.takers[name].append(node)

    def above(self, names: Iterable[str]) -> set[str]:
        """Every tensor that these depend on, themselves included."""
        seen: set[str] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            if name and name not in seen:
                seen.add(name)
                stack += self.maker[name].input if name in self.maker else ()
        return seen

    def below(self, name: str) -> set[str]:
        """Every tensor that depends on this one, itself included."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                stack += [output for taker in self.takers[current] for output in taker.output]
        return seen

    def beside(self, names: set[str], entry: str) -> set[str]:
        """What the makers of these tensors take besides them; `entry` is the one they begin with."""
        makers = (self.maker[name] for name in names - {entry} if name in self.maker)
        return {taken for maker in makers for taken in maker.input if taken} - names


def recognise(graph: onnx.GraphProto) -> Names:
    """Find the places to cut; Unrecognised where the graph is another."""
    wires = _Wires(graph)
    samples = _only([o.name for o in graph.output][:1], "output")
    frames = _only([n.output[0] for n in graph.node if n.op_type == "Ceil"], "Ceil")
    duration_side = wires.above([frames])
    random = [n for n in graph.node if n.op_type in _RANDOM]
    latent = _only([n for n in random if n.output[0] not in duration_side], "noise of the latents")
    duration = [n for n in random if n.output[0] in duration_side]
    if len(duration) > 1 or any(n.op_type != "RandomNormalLike" for n in random):
        raise Unrecognised("other noise than a VITS has")
    mean = latent.input[0]
    deviation, z = _sum_of_noise(wires, latent.output[0], mean)
    behind_z = wires.below(z)
    if samples not in behind_z:
        raise Unrecognised("samples that do not depend on the latents")
    mask = _only(sorted(n for n in wires.beside(behind_z, z) if frames in wires.above([n])), "mask")
    latents = _behind_mask(wires, mask, behind_z)
    decoder = wires.below(latents)
    weights = {i.name for i in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in weights]

    def given(names: Iterable[str]) -> tuple[str, ...]:
        above = wires.above(names)
        return tuple(name for name in inputs if name in above)

    return Names(
        mean=mean,
        deviation=deviation,
        frames=frames,
        z=z,
        mask=mask,
        latents=latents,
        samples=samples,
        duration_noise=duration[0].output[0] if duration else "",
        encode_inputs=given([mean, deviation, frames]),
        flow_inputs=given(wires.beside(wires.above([latents]) & behind_z, z) - {mask}),
        decode_inputs=given(wires.beside(decoder, latents)),
    )


def _behind_mask(wires: _Wires, mask: str, behind_z: set[str]) -> str:
    """Output of the last use of the mask: what the decoder is given. Nothing behind it may ask for the mask again."""
    uses = [n for n in wires.takers[mask] if n.output[0] in behind_z]
    last = _only([n for n in uses if sum(other.output[0] in wires.below(n.output[0]) for other in uses) == 1], "last use of the mask")
    if last.op_type != "Mul":
        raise Unrecognised("a mask that is not multiplied")
    return str(last.output[0])


def _sum_of_noise(wires: _Wires, noise: str, mean: str) -> tuple[str, str]:
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
    """The parts and the names, beside their place and then renamed: a cut is there whole or not at all."""
    noise = [n for n in model.graph.node if n.op_type in _RANDOM]
    for node in noise:
        model.graph.node.remove(node)
        model.graph.input.append(_float_tensor(node.output[0]))
    known = {v.name for v in model.graph.value_info}
    model.graph.value_info.extend(_float_tensor(n) for n in (names.mean, names.deviation, names.frames, names.z, names.mask, names.latents) if n not in known)
    extractor = Extractor(model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
    try:
        parts = (
            ("encode", [*names.encode_inputs, *([names.duration_noise] if names.duration_noise else [])], [names.mean, names.deviation, names.frames]),
            ("flow", [names.z, names.mask, *names.flow_inputs], [names.latents]),
            ("decode", [names.latents, *names.decode_inputs], [names.samples]),
        )
        for part, inputs, outputs in parts:
            onnx.save(extractor.extract_model(inputs, outputs), str(beside / f"{part}.onnx"))
        (beside / "names.json").write_text(json.dumps(asdict(names)), encoding="utf-8")
        _put(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(beside: Path, folder: Path) -> None:
    try:
        beside.replace(folder)
    except OSError:
        if _open(folder) is None:  # another process may have made the same cut meanwhile; a broken one gives way
            shutil.rmtree(folder, ignore_errors=True)
            beside.replace(folder)


def _float_tensor(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", f"{name}_channels", f"{name}_length"])


def _open(folder: Path) -> Cut | None:
    """A cut that lies on disk, or None."""
    try:
        raw = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        lists: dict[str, Any] = {key: tuple(raw.pop(key)) for key in ("encode_inputs", "flow_inputs", "decode_inputs")}
        cut = Cut.at(folder, Names(**raw, **lists))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return cut if all(part.is_file() for part in (cut.encode, cut.flow, cut.decode)) else None


def _free_mb(path: Path) -> int:
    try:
        return shutil.disk_usage(path).free >> 20
    except OSError:
        return 0
