"""A Piper voice (a VITS exported to ONNX) in coqui's own `Vits` class.

Weights are taken through the node that uses them, never by the initialiser's name: the exporter folds the flow's weight
norm into nameless tensors and merges equal ones. The shape comes from the weights and the nodes' attributes, so every
published shape is known, x_low too, without a table. What is not as expected is refused with a reason: such a voice is
still spoken by onnxruntime. Facts: coqui's output equals the exported graph's to 2e-5 with noise 0.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.identity import length_scale, scale, vits_identity
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import coqui
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.voice import Voice

_LOG = logging.getLogger(__name__)
_PARTS: Final = ("enc_p.", "dec.", "flow.", "dp.", "emb_g.")
_TRAINING_ONLY: Final = ("duration_predictor.post", "duration_predictor.flows.1.")

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Exported:
    """An exported voice: its weights by Piper's own parameter names, and attributes of its convolutions by module."""

    weights: Weights
    strides: Mapping[str, int]
    dilations: Mapping[str, int]


def load(voice: Voice, settings: SpeechSettings) -> LoadedVits:
    """Load a verified voice of kind piper; SidecarError `voice_broken`, `voice_unsupported`."""
    config = PiperConfig.load(voice.file("config"), voice.id)
    exported = _read(voice.file("model"), voice)
    try:
        shape = _shape(exported)
        network = coqui.blank(shape)
    except (KeyError, IndexError, ValueError, AssertionError, ZeroDivisionError) as error:
        raise _unknown(voice, f"shape: {error!r}") from None
    _fill(network, exported.weights, voice)
    if shape.num_chars < config.num_symbols or (shape.speakers > 1) != (config.num_speakers > 1):
        detail = f"{shape.num_chars} symbols, {shape.speakers} speakers"
        raise SidecarError("voice_broken", detail, voice=voice.id, reason="its two files do not belong together")
    number = config.speaker_id(voice.speaker, voice.id)
    speaker = None if number is None else network.emb_g.weight.detach()[number].clone().reshape(1, -1, 1)
    return LoadedVits(
        network=network,
        front_end=PhonemeFrontEnd(config),
        rate_hz=config.sample_rate_hz,
        hop_length=int(np.prod(shape.upsample_rates_decoder)),
        channels=shape.hidden_channels,
        speaker=speaker,
        language=None,
        speaker_sets_durations=True,
        noise_scale=scale(settings.noise_scale, config.noise_scale),
        noise_w=scale(settings.noise_w, config.noise_w),
        length_scale=length_scale(config, settings),
        identity=vits_identity(voice, config, settings),
        versions=coqui.versions(),
    )


def _read(path: Path, voice: Voice) -> _Exported:
    """Weights and attributes of a graph."""
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # noqa: BLE001 - protobuf raises errors of its own, which are no public class
        raise SidecarError("voice_broken", repr(error)[:500], voice=voice.id, reason=f"{path.name} is not an ONNX model") from None
    tensors = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = torch.from_numpy(np.array(numpy_helper.to_array(node.attribute[0].t)))
        elif node.op_type == "Identity" and node.input[0] in tensors:  # an exporter's way to name a merged tensor again
            tensors[node.output[0]] = tensors[node.input[0]]
    weights, strides, dilations = dict(tensors), {}, {}
    for node in graph.node:
        module = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
        if node.op_type in ("Conv", "ConvTranspose"):
            attributes = {a.name: list(a.ints) for a in node.attribute if a.ints}
            strides[module] = attributes.get("strides", [1])[0]
            dilations[module] = attributes.get("dilations", [1])[0]
            for kind, name in zip(("weight", "bias"), node.input[1:], strict=False):
                if name in tensors:
                    weights[f"{module}.{kind}"] = tensors[name]
        elif node.op_type == "Gather" and node.name in ("/enc_p/emb/Gather", "/emb_g/Gather") and node.input[0] in tensors:
            weights[module + ".weight"] = tensors[node.input[0]]
        elif node.name == "/dp/flows.0/Exp" and node.input[0] in tensors:  # some exporters fold -logs,
            weights["dp.flows.0.logs"] = -tensors[node.input[0]]
    if "/dp/flows.0/Exp_output_0" in tensors:  # and some exp(-logs)
        weights["dp.flows.0.logs"] = -torch.log(tensors["/dp/flows.0/Exp_output_0"])
    return _Exported({name: w for name, w in weights.items() if name.startswith(_PARTS)}, strides, dilations)


def _shape(exported: _Exported) -> coqui.Shape:
    """Raises KeyError and the like for a graph that is no such VITS."""
    w, strides, dilations = exported.weights, exported.strides, exported.dilations
    symbols, hidden = w["enc_p.emb.weight"].shape
    ffn = w["enc_p.encoder.ffn_layers.0.conv_1.weight"]
    ups = [f"dec.ups.{i}" for i in range(_count(w, r"dec\.ups\.(\d+)\."))]
    kernels = _count(w, r"dec\.resblocks\.(\d+)\.") // len(ups)
    simple = "dec.resblocks.0.convs.0.weight" in w  # coqui's resblock "2", of low and medium voices
    blocks = [f"dec.resblocks.{i}.{'convs' if simple else 'convs1'}" for i in range(kernels)]
    layers = [[f"{block}.{i}" for i in range(_count(w, re.escape(block) + r"\.(\d+)\."))] for block in blocks]
    speakers, embedding = w["emb_g.weight"].shape if "emb_g.weight" in w else (1, 0)
    return coqui.Shape(
        num_chars=symbols,
        hidden_channels=hidden,
        hidden_channels_ffn_text_encoder=ffn.shape[0],
        num_heads_text_encoder=hidden // w["enc_p.encoder.attn_layers.0.emb_rel_k"].shape[-1],
        num_layers_text_encoder=_count(w, r"enc_p\.encoder\.attn_layers\.(\d+)\."),
        kernel_size_text_encoder=ffn.shape[-1],
        kernel_size_flow=w["flow.flows.0.enc.in_layers.0.weight"].shape[-1],
        num_layers_flow=_count(w, r"flow\.flows\.0\.enc\.in_layers\.(\d+)\."),
        upsample_initial_channel_decoder=w["dec.conv_pre.weight"].shape[0],
        upsample_rates_decoder=tuple(strides[up] for up in ups),
        upsample_kernel_sizes_decoder=tuple(w[f"{up}.weight"].shape[-1] for up in ups),
        resblock_type_decoder="2" if simple else "1",
        resblock_kernel_sizes_decoder=tuple(w[f"{block[0]}.weight"].shape[-1] for block in layers),
        resblock_dilation_sizes_decoder=tuple(tuple(dilations[layer] for layer in block) for block in layers),
        duration_channels=w["dp.pre.weight"].shape[0],
        speakers=speakers,
        speaker_embedding_channels=embedding,
    )


def _fill(network: Any, weights: Weights, voice: Voice) -> None:
    """Set the network's weights, every one that speech needs, and no other."""
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(_TRAINING_ONLY)}
    given = {_coqui_name(name): tensor for name, tensor in weights.items()}
    missing = sorted(name for name in wanted if name not in given)
    other = sorted(name for name, tensor in given.items() if name in wanted and tensor.shape != wanted[name].shape)
    surplus = sorted(name for name in given if name not in wanted)
    if missing or other or surplus:
        _LOG.warning("voice %s: missing %s, of another shape %s, unknown %s", voice.id, missing[:5], other[:5], surplus[:5])
        raise _unknown(voice, f"missing {missing[:5]}, of another shape {other[:5]}, unknown {surplus[:5]}")
    network.load_state_dict(given, strict=False)


def _coqui_name(name: str) -> str:
    """Piper's name of a parameter -> coqui's."""
    part, rest = name.split(".", 1)
    if part == "enc_p":
        return f"text_encoder.{rest}"
    if part == "dec":
        return "waveform_decoder." + re.sub(r"^cond\.", "cond_layer.", rest)
    if part == "flow":  # Piper counts the flips between as modules
        return "flow." + re.sub(r"^flows\.(\d+)", lambda m: f"flows.{int(m[1]) // 2}", rest)
    if part == "dp":
        rest = re.sub(r"^flows\.(\d+)", lambda m: f"flows.{(int(m[1]) + 1) // 2}", rest)
        return "duration_predictor." + {"flows.0.m": "flows.0.translation", "flows.0.logs": "flows.0.log_scale"}.get(rest, rest)
    return name


def _count(weights: Weights, numbered: str) -> int:
    """How many modules there are of a numbered kind."""
    return 1 + max((int(m[1]) for name in weights if (m := re.match(numbered, name))), default=-1)


def _unknown(voice: Voice, detail: str) -> SidecarError:
    reason = "it is exported in a way that is not known here; the device cpu can speak it"
    return SidecarError("voice_unsupported", detail, voice=voice.id, reason=reason)
