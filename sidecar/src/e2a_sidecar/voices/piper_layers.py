"""The layers of a Piper voice's graph, found by structure: what each weight is, by coqui's own names of parameters.

Every layer (`piper_weights`) is known by which layers it takes from (`before`), by its part of the graph (piper_cut's tensors
part it) and by its shape:

    text      embedding, then (q, k, v, relative keys and values, o, norm, two convolutions, norm) for each layer, proj
    duration  pre, blocks of (depthwise, norm, 1x1, norm), proj; three spline flows of the same kind; scale and shift
    flow      couplings of (pre, pairs of gate and residual convolutions, post)
    decoder   pre, stages of (upsampling, parallel chains of convolutions), post

What does not fit is refused (Unrecognised); whether what fits also sounds right is for the caller to try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx

from e2a_sidecar.voices.cut import Names
from e2a_sidecar.voices.graph_constants import Floats
from e2a_sidecar.voices.piper_cut import recognise
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires
from e2a_sidecar.voices.piper_weights import Layer, layers_of

_COUPLINGS: Final = 4  # of the flow, in every VITS


@dataclass(frozen=True, slots=True)
class Layers:
    """A voice's weights by coqui's names, and what its shape cannot be read from them."""

    weights: Mapping[str, Floats]
    stochastic: bool
    """Whether durations are drawn (with noise) or predicted."""
    up_strides: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    """Of each of the decoder's parallel chains."""
    resblock: str
    """coqui's name of the chains' kind: "1" or "2"."""
    text_layers: int
    flow_layers: int


def read(graph: onnx.GraphProto) -> Layers:
    """All of a voice's layers; Unrecognised where the graph is built otherwise."""
    try:
        names = recognise(graph)
        wires = Wires(graph)
        return _Parts(layers_of(graph, wires, names), wires, names).read()
    except IndexError:
        raise Unrecognised("a node without what its kind takes") from None


class _Line:
    """Layers of which each takes from all before it, read one after another."""

    def __init__(self, layers: Iterable[Layer], part: str) -> None:
        self._layers = sorted(layers, key=lambda layer: len(layer.above))
        self._part = part
        if any(a.number not in b.above for a, b in zip(self._layers, self._layers[1:], strict=False)):
            raise Unrecognised(f"{part}: layers that do not follow one another")

    def __bool__(self) -> bool:
        return bool(self._layers)

    def next(self, kind: str = "conv") -> Layer:
        if not self._layers or self._layers[0].kind != kind:
            found = self._layers[0].kind if self._layers else "nothing"
            raise Unrecognised(f"{self._part}: {found} where {kind} should be")
        return self._layers.pop(0)

    def sees(self, outputs: int | None = None) -> bool:
        """Whether the next is a convolution, with so many output channels."""
        return bool(self._layers) and self._layers[0].kind == "conv" and outputs in (None, self._layers[0].shape[0])


class _Parts:
    """The layers by part, and each part read into weights."""

    def __init__(self, layers: list[Layer], wires: Wires, names: Names) -> None:
        self._layers = layers
        self._weights: dict[str, Floats] = {}
        above_mean, above_frames, above_latents = (wires.above([name]) for name in (names.mean, names.frames, names.latents))
        below_z, below_latents = wires.below(names.z), wires.below(names.latents)
        noisy = wires.below(names.duration_noise) if names.duration_noise else set()
        self._projection = self._one((x for x in layers if x.output in above_mean and x.output not in above_frames), "projection")
        self._text = [layers[i] for i in sorted(self._projection.above)]
        embedding = self._one((x for x in self._text if x.kind == "embedding"), "embedding of phonemes")
        speakers = [x for x in layers if x.kind == "embedding" and x is not embedding]
        self._speakers = self._one(speakers, "embedding of speakers") if speakers else None
        known = {embedding.number, *self._projection.above, *([self._speakers.number] if self._speakers else [])}
        self._by_speaker = {x.number: x for x in layers if self._speakers and x.before == {self._speakers.number}}
        rest = [x for x in layers if x.number not in known and x.number not in self._by_speaker and x is not self._projection]
        self._durations = [x for x in rest if x.output in above_frames and x.output not in noisy]
        self._spline = [x for x in rest if x.output in above_frames and x.output in noisy]
        self._flow = [x for x in rest if x.output in below_z and x.output in above_latents]
        self._decoder = [x for x in rest if x.output in below_latents]
        if len(rest) != sum(map(len, (self._durations, self._spline, self._flow, self._decoder))):
            raise Unrecognised("layers beside those of a VITS")

    def read(self) -> Layers:
        text_layers = self._read_text()
        self._read_durations()
        flow_layers = self._read_flow()
        up_strides, dilations, resblock = self._read_decoder()
        if self._speakers:
            self._keep("emb_g", ("weight",), self._speakers)
        if self._by_speaker:
            raise Unrecognised("the speaker is used where a VITS does not use it")
        return Layers(self._weights, bool(self._spline), up_strides, dilations, resblock, text_layers, flow_layers)

    def _read_text(self) -> int:
        here, root = {x.number: x for x in self._text}, "text_encoder"
        tip = self._one((x for x in self._text if x.kind == "embedding"), "embedding of phonemes")
        self._keep(f"{root}.emb", ("weight",), tip)
        count = 0
        while self._projection.before != {tip.number}:
            three = [x for x in here.values() if x.before == {tip.number} and x.kind == "conv"]
            relative = sorted((x for x in here.values() if x.kind == "relative" and any(y.number in x.above for y in three)), key=lambda x: len(x.above))[:2]
            if len(three) != 3 or len(relative) != 2:
                raise Unrecognised("attention of another kind")
            keys, values = relative
            query = self._one((x for x in three if keys.before == {x.number}), "query")
            key = self._one((x for x in three if x.number in values.above and x is not query), "key")
            value = self._one((x for x in three if x.number not in values.above), "value")
            attention = f"{root}.encoder.attn_layers.{count}"
            for name, layer in (("conv_q", query), ("conv_k", key), ("conv_v", value)):
                self._keep(f"{attention}.{name}", ("weight", "bias"), layer)
            self._keep(attention, ("emb_rel_k",), keys)
            self._keep(attention, ("emb_rel_v",), values)
            output = self._after(here, {query.number, key.number, value.number, keys.number, values.number}, "conv")
            first_norm = self._after(here, {output.number, tip.number}, "norm")
            first = self._after(here, {first_norm.number}, "conv")
            second = self._after(here, {first.number}, "conv")
            tip = self._after(here, {second.number, first_norm.number}, "norm")
            self._keep(f"{attention}.conv_o", ("weight", "bias"), output)
            self._keep(f"{root}.encoder.ffn_layers.{count}.conv_1", ("weight", "bias"), first)
            self._keep(f"{root}.encoder.ffn_layers.{count}.conv_2", ("weight", "bias"), second)
            self._keep(f"{root}.encoder.norm_layers_1.{count}", ("gamma", "beta"), first_norm)
            self._keep(f"{root}.encoder.norm_layers_2.{count}", ("gamma", "beta"), tip)
            count += 1
        self._keep(f"{root}.proj", ("weight", "bias"), self._projection)
        return count

    def _read_durations(self) -> None:
        root, line = "duration_predictor", _Line(self._durations, "durations")
        if not self._spline:
            for number in (1, 2):
                self._keep(f"{root}.conv_{number}", ("weight", "bias"), line.next())
                self._keep(f"{root}.norm_{number}", ("gamma", "beta"), line.next("norm"))
            self._keep(f"{root}.proj", ("weight", "bias"), line.next())
        else:
            self._read_separable(root, line)
        splines, number = _Line(self._spline, "spline flows"), 4  # backwards; the first is used in training alone
        while splines.sees():
            self._read_separable(f"{root}.flows.{number}", splines)
            number -= 1
        if self._spline:
            shift, factor = splines.next("affine").weights
            assert shift is not None and factor is not None
            if not (factor > 0).all():
                raise Unrecognised("a scale of durations that is none")
            self._weights[f"{root}.flows.0.translation"] = shift.reshape(2, 1)
            self._weights[f"{root}.flows.0.log_scale"] = -np.log(factor).reshape(2, 1)
        if line or splines:
            raise Unrecognised("durations: more layers than a VITS has")
        self._keep_by_speaker(f"{root}.cond", lambda x: any(x.number in y.above for y in self._durations))

    def _read_separable(self, root: str, line: _Line) -> None:
        self._keep(f"{root}.pre", ("weight", "bias"), line.next())
        for number in range(3):
            self._keep(f"{root}.convs.convs_sep.{number}", ("weight", "bias"), line.next())
            self._keep(f"{root}.convs.norms_1.{number}", ("gamma", "beta"), line.next("norm"))
            self._keep(f"{root}.convs.convs_1x1.{number}", ("weight", "bias"), line.next())
            self._keep(f"{root}.convs.norms_2.{number}", ("gamma", "beta"), line.next("norm"))
        self._keep(f"{root}.proj", ("weight", "bias"), line.next())

    def _read_flow(self) -> int:
        """Its couplings are used backwards; returns how many pairs of convolutions each has."""
        line, found = _Line(self._flow, "flow"), list[int]()
        while line:
            found.append(self._read_coupling(f"flow.flows.{_COUPLINGS - 1 - len(found)}", line))
        if len(found) != _COUPLINGS or len(set(found)) != 1:
            raise Unrecognised("a flow of another length")
        return found[0]

    def _read_coupling(self, root: str, line: _Line) -> int:
        pre, inner = line.next(), []
        while line.sees(2 * pre.shape[0]):
            inner += [line.next(), line.next()]
        if not inner:
            raise Unrecognised("a coupling without layers")
        self._keep(f"{root}.pre", ("weight", "bias"), pre)
        for number, layer in enumerate(inner):
            self._keep(f"{root}.enc.{'res_skip_layers' if number % 2 else 'in_layers'}.{number // 2}", ("weight", "bias"), layer)
        self._keep(f"{root}.post", ("weight", "bias"), line.next())
        self._keep_by_speaker(f"{root}.enc.cond_layer", lambda x: x.number in inner[1].before)
        return len(inner) // 2

    def _read_decoder(self) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...], str]:
        root = "waveform_decoder"
        ups = list(_drained(_Line((x for x in self._decoder if x.kind == "up"), "decoder"), "up"))
        if not ups:
            raise Unrecognised("a decoder without upsampling")
        first = [x for x in self._decoder if x.number in ups[0].above]
        self._keep(f"{root}.conv_pre", ("weight", "bias"), self._one(first, "first convolution"))
        last = max(self._decoder, key=lambda x: len(x.above))
        self._keep(f"{root}.conv_post", ("weight", "bias") if last.weights[1] is not None and last.weights[1].any() else ("weight",), last)
        kinds: set[str] = set()
        dilations: set[tuple[tuple[int, ...], ...]] = set()
        block = 0
        for stage, up in enumerate(ups):
            self._keep(f"{root}.ups.{stage}", ("weight", "bias"), up)
            following = ups[stage + 1].above if stage + 1 < len(ups) else last.above
            inner = [x for x in self._decoder if up.number in x.above and x.number in following and x.kind == "conv"]
            heads = [x for x in inner if x.before == {up.number}]
            chains = [list(_drained(_Line((x for x in inner if x is head or head.number in x.above), "decoder"), "conv")) for head in heads]
            chains.sort(key=lambda chain: (chain[0].shape[-1], [x.dilation for x in chain]))
            if not chains or sum(map(len, chains)) != len(inner):
                raise Unrecognised("a decoder of another kind")
            simple = all(len(chain) == 1 or up.number in chain[1].before for chain in chains)
            kinds.add("2" if simple else "1")
            dilations.add(tuple(tuple(x.dilation for x in (chain if simple else chain[::2])) for chain in chains))
            for chain in chains:
                for place, layer in enumerate(chain):
                    name = f"convs.{place}" if simple else f"convs{1 + place % 2}.{place // 2}"
                    self._keep(f"{root}.resblocks.{block}.{name}", ("weight", "bias"), layer)
                block += 1
        self._keep_by_speaker(f"{root}.cond_layer", lambda x: x.number in ups[0].above)
        if len(kinds) != 1 or len(dilations) != 1:
            raise Unrecognised("a decoder whose stages differ")
        return tuple(x.stride for x in ups), dilations.pop(), kinds.pop()

    def _keep(self, root: str, names: tuple[str, ...], layer: Layer) -> None:
        if any(weight is None for weight in layer.weights[: len(names)]):
            raise Unrecognised(f"{root} without a bias")
        self._weights |= {f"{root}.{name}": weight for name, weight in zip(names, layer.weights, strict=False) if weight is not None}

    def _keep_by_speaker(self, name: str, wanted: Callable[[Layer], bool]) -> None:
        """The convolution that brings the speaker in, where there are several."""
        if self._speakers:
            layer = self._one((x for x in self._by_speaker.values() if wanted(x)), f"{name}")
            self._keep(name, ("weight", "bias"), layer)
            del self._by_speaker[layer.number]

    def _after(self, here: Mapping[int, Layer], before: set[int], kind: str) -> Layer:
        return self._one((x for x in here.values() if x.before == before and x.kind == kind), f"{kind} in the text encoder")

    @staticmethod
    def _one(found: Iterable[Layer], what: str) -> Layer:
        all_found = list(found)
        if len(all_found) != 1:
            raise Unrecognised(f"{len(all_found)} times: {what}")
        return all_found[0]


def _drained(line: _Line, kind: str) -> Iterator[Layer]:
    while line:
        yield line.next(kind)
