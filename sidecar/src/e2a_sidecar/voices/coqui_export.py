"""A coqui voice's network written as three ONNX graphs by torch's exporter, and heard before anyone relies on it.

What is exported is our own inference (`vits_network`), not coqui's: the same cut and the same noise as an input, so a take
is the same in both runtimes. torch's older exporter is used (`dynamo=False`): the newer one needs a package that users do
not have. Speaker and language are inputs, so one export serves all of a voice's. Importing this imports torch and TTS.
"""

from __future__ import annotations

import gc
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.flow import reverse_flow
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.limits import fault
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.onnx_network import LOAD_ERRORS, OnnxNetwork
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_network import VitsNetwork, predicted, stretched
from e2a_sidecar.voices import coqui, coqui_exported
from e2a_sidecar.voices.coqui_description import Description
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.sound_check import WITHIN, difference
from e2a_sidecar.voices.voice import Voice

_OPSET: Final = 17
_EDGE: Final = 1e-3  # durations this near to a whole number of frames may be rounded otherwise in the other runtime
_TRIES: Final = 20
_SYMBOLS: Final = 60
_MOST_FRAMES: Final = 100  # for each phoneme
_log = logging.getLogger(__name__)


class _Encode(torch.nn.Module):
    """input, input_lengths, [duration_noise], [speaker], [language] -> mean, deviation, frames; see OnnxVoice.per_phoneme."""

    def __init__(self, vits: LoadedVits, names: Sequence[str]) -> None:
        super().__init__()
        self._network, self._names = vits.network, names
        self._heard = vits.speaker_sets_durations

    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inputs = dict(zip(self._names, given, strict=True))
        noise = inputs.get("duration_noise", torch.zeros(0))
        speaker = inputs.get("speaker") if self._heard else None
        mean, log_scale, frames = predicted(self._network, inputs["input"], inputs["input_lengths"], noise, speaker, inputs.get("language"))
        return mean, torch.exp(log_scale), frames


class _Flow(torch.nn.Module):
    """z, mask, [speaker] -> latents"""

    def __init__(self, vits: LoadedVits) -> None:
        super().__init__()
        self._flow, self._upsampling = vits.network.flow, vits.upsampling

    def forward(self, z: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor | None = None) -> torch.Tensor:
        latents = reverse_flow(self._flow, z, mask, speaker)
        return latents if self._upsampling == 1 else stretched(latents, self._upsampling)


class _Decode(torch.nn.Module):
    """latents, [speaker] -> samples"""

    def __init__(self, vits: LoadedVits) -> None:
        super().__init__()
        self._decoder = vits.network.waveform_decoder

    def forward(self, latents: torch.Tensor, speaker: torch.Tensor | None = None) -> torch.Tensor:
        samples: torch.Tensor = self._decoder(latents, g=speaker)
        return samples


def export(voice: Voice, folder: Path) -> None:
    """Write graphs, vectors and description of a verified coqui voice into `folder`, which exists, and compare them by sound.

    Takes some 10 s of one core and 0.8 GB at most for a voice of coqui's stock shape; the network is freed. SidecarError
    `voice_broken`, `voice_unsupported` (what cannot be exported, or does not sound the same); OSError of writing.
    """
    opened = coqui.open_voice(voice)
    described = opened.description
    alone = replace(voice, speaker="")
    vits = coqui.with_choices(opened, alone, described.languages[0] if described.languages else "", SpeechSettings())
    try:
        _write_graphs(vits, described, folder)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:  # what tracing and the exporter raise
        raise _unsupported(voice, repr(error)[:2000], "its network cannot be made ready for onnxruntime") from None
    tables = {"speakers": opened.speakers, "languages": opened.languages}
    rows: dict[str, Any] = {name: to_host(table).reshape(len(table), -1) for name, table in tables.items() if table is not None}
    np.savez(folder / coqui_exported.VECTORS, **rows)
    (folder / coqui_exported.DESCRIPTION).write_text(json.dumps(described.to_dict()), encoding="utf-8")
    exported = coqui_exported.opened(folder, alone, described.languages[0] if described.languages else "", SpeechSettings())
    if exported is None:
        raise _unsupported(voice, "description", "what was made of it for onnxruntime cannot be read again")
    _compare(vits, exported, described, voice)
    del opened, vits
    gc.collect()  # modules and their hooks hold one another


def _write_graphs(vits: LoadedVits, described: Description, folder: Path) -> None:
    speaker = {} if vits.speaker is None else {"speaker": vits.speaker}
    language = {} if vits.language is None else {"language": vits.language}
    ids = torch.tensor([_some_ids(described)])
    noise = {"duration_noise": torch.zeros(1, 2, ids.shape[1])} if described.stochastic else {}
    text = {"input": ids, "input_lengths": torch.tensor([ids.shape[1]]), **noise, **speaker, **language}
    z = {"z": torch.zeros(1, described.channels, 50), "mask": torch.ones(1, 1, 50), **speaker}
    latents = {"latents": torch.zeros(1, described.channels, 50), **speaker}
    _export(_Encode(vits, tuple(text)), text, ("mean", "deviation", "frames"), folder / "encode.onnx")
    _export(_Flow(vits), z, ("latents",), folder / "flow.onnx")
    _export(_Decode(vits), latents, ("samples",), folder / "decode.onnx")


def _export(module: torch.nn.Module, given: Mapping[str, torch.Tensor], outputs: Sequence[str], path: Path) -> None:
    """One graph; the last axis of what has the length of the text or the sound is open."""
    fixed = ("input_lengths", "speaker", "language")
    axes = {name: {len(tensor.shape) - 1: f"{name}_length"} for name, tensor in given.items() if name not in fixed}
    axes |= {name: {2: f"{name}_length"} for name in outputs}
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older exporter, and of sizes that tracing keeps as numbers (the comparison hears such)
        torch.onnx.export(
            module.eval(),
            tuple(given.values()),
            str(path),
            input_names=list(given),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )


def _compare(vits: LoadedVits, exported: OnnxVoice, described: Description, voice: Voice) -> None:
    """Speak one sentence by both runtimes; SidecarError `voice_unsupported` where it is not the same."""
    network = VitsNetwork(vits, HostBoundary(torch.device("cpu")))
    for take in range(_TRIES):
        ids = _some_ids(described, take)
        noise = take_noise(voice.id, take, "duration", (2, len(ids)))
        prior, predicted_frames = network.encode([ids], [noise])
        if np.abs(predicted_frames - np.rint(predicted_frames)).min() > _EDGE:
            break
    wrong = fault(predicted_frames, vits.hop_length)
    if wrong:
        raise _unsupported(voice, wrong, "it does not say how long a sentence is")
    frames = np.ceil(predicted_frames[0])
    count = max(1, int(frames.sum()))
    if count > _MOST_FRAMES * len(ids):  # it is decoded in one piece here
        raise _unsupported(voice, f"{count} frames for {len(ids)} phonemes", "its phonemes last absurdly long")
    latent = take_noise(voice.id, take, "latent", (vits.channels, count))
    theirs, broken = network.decode(prior, [count], [latent], window=count * vits.upsampling, at_once=1, poll=lambda: None).result()[0]
    try:
        ours = _by_onnxruntime(OnnxNetwork(exported, voice.id), ids, noise, latent, frames)
    except LOAD_ERRORS as error:
        raise _unsupported(voice, repr(error)[:2000], "onnxruntime cannot run what was made of it") from None
    within = float("inf") if broken else difference(ours, theirs / np.float32(32767))
    _log.info("exported %s: within %.1e of torch", voice.id, within)
    if within > WITHIN:
        raise _unsupported(voice, f"within {within:.1e}", "what was made of it for onnxruntime does not sound the same")


def _by_onnxruntime(
    network: OnnxNetwork, ids: Sequence[int], noise: NDArray[np.float32], latent: NDArray[np.float32], frames: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Samples; none where the durations differ."""
    prior = network.encode(ids, noise)
    if not np.array_equal(prior.frames, frames):
        return np.zeros(0, dtype=np.float32)
    mean, deviation = prior.of_frames()
    return np.concatenate(list(network.decode(mean, deviation, latent)))


def _some_ids(described: Description, number: int = 0) -> tuple[int, ...]:
    """As of a sentence of some seconds: symbols of the whole alphabet, with blanks where the voice has them. Always the same for a number."""
    numbers = sorted(set(described.alphabet.ids.values()))
    places = np.random.Generator(np.random.Philox(number)).integers(0, len(numbers), _SYMBOLS)
    drawn = [numbers[place] for place in places]
    if not described.add_blank:
        return tuple(drawn)
    spaced = [described.alphabet.blank or 0] * (2 * len(drawn) + 1)
    spaced[1::2] = drawn
    return tuple(spaced)


def _unsupported(voice: Voice, detail: str, reason: str) -> SidecarError:
    return SidecarError("voice_unsupported", detail, voice=voice.id, reason=reason)
