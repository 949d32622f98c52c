"""onnxruntime's own accelerators for a voice's decoder: CoreML on a Mac, DirectML on Windows. Tens of megabytes, no torch.

Only the decoder goes there: it has nearly all of the work, and only what it is given has to be sent. What was read in
onnxruntime 1.32 and 1.24 (onnxruntime-directml's latest), and is not to be had otherwise:

- Both take a network with open shapes badly or, without a word, not at all (a provider stays in the session's list though
  every node is left to the CPU). So the decoder gets one fixed shape, and where its nodes went is asked and checked.
- CoreML's neural engine computes in float16, and on the GPU it may add up in float16: both are switched off, since a
  take must be the same on any device within 1e-3 of full scale (design rule 9). What it compiles is kept by a key in the
  model, else by the model's path; nothing checks whether that is stale, so everything that matters is in the key.
- DirectML wants no memory pattern, sequential execution, and one run at a time. Its cards have DirectX's numbers; a card
  without one would silently be card 0.
- onnxruntime's Python prints and falls back to the CPU by itself when a provider fails, unless told not to.

Whether a device can be used is found by using it: `open_decode` lets it decode a window, compared with the CPU's. CoreML
and DirectML were never run where this was written; the same code was, with OpenVINO's provider.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.device_errors import is_out_of_memory

FIXED_FRAMES: Final = 128
"""One and a half seconds: a shorter sentence is for the CPU. Longer windows would waste more on the last one than they save."""
LARGEST_DIFFERENCE: Final = 1e-3
_CPU: Final = "CPUExecutionProvider"
_ERRORS: Final[tuple[type[Exception], ...]] = (
    *(kind for kind in vars(ort_errors).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    MemoryError,
)
"""onnxruntime's own have no class in common, and a provider's C++ may raise Python's."""

Floats = NDArray[np.float32]
Feeds = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A device that this onnxruntime could decode on; nothing was tried yet."""

    device: str
    """Its name on the wire: `coreml`, `dml:0`."""
    name: str
    """What a user may know it by."""
    provider: str
    options: tuple[tuple[str, str], ...]
    cache_option: str
    """The provider's option that takes a folder for what it compiles; empty where it has none."""


@dataclass(frozen=True, slots=True)
class _Kind:
    device: str
    provider: str
    name: str
    options: tuple[tuple[str, str], ...] = ()
    numbered: bool = False
    """Several cards, told apart by the option `device_id`."""
    cache_option: str = ""


_KINDS: Final = (
    _Kind(
        "coreml",
        "CoreMLExecutionProvider",
        "Apple GPU by CoreML",
        (
            ("ModelFormat", "MLProgram"),
            ("MLComputeUnits", "CPUAndGPU"),
            ("AllowLowPrecisionAccumulationOnGPU", "0"),
            ("RequireStaticInputShapes", "1"),
        ),
        cache_option="ModelCacheDirectory",
    ),
    _Kind("dml", "DmlExecutionProvider", "DirectML", numbered=True),
)


def accelerators() -> list[Accelerator]:
    """Those whose providers this onnxruntime has, in the table's order. Opens nothing."""
    there = ort.get_available_providers()
    return [accelerator for kind in _KINDS if kind.provider in there for accelerator in _of(kind)]


def _of(kind: _Kind) -> list[Accelerator]:
    if not kind.numbered:
        return [Accelerator(kind.device, kind.name, kind.provider, kind.options, kind.cache_option)]
    return [
        Accelerator(f"{kind.device}:{number}", f"{name} by {kind.name}", kind.provider, (*kind.options, ("device_id", str(number))), kind.cache_option)
        for number, name in sorted(_cards(kind.provider).items())
    ]


def _cards(provider: str) -> dict[int, str]:
    """Graphics cards by DirectX's number, as onnxruntime finds them; one without a name where it cannot tell."""
    if not hasattr(ort, "get_ep_devices"):  # before 1.23
        return {0: "graphics card 0"}
    try:
        found = [d.device for d in ort.get_ep_devices() if d.ep_name == provider and d.device.type == ort.OrtHardwareDeviceType.GPU]
    except _ERRORS:
        return {0: "graphics card 0"}
    numbers = [(str(device.metadata.get("DxgiAdapterNumber", "")), device.metadata.get("Description") or device.vendor) for device in found]
    return {int(number): str(name) for number, name in numbers if number.isdigit()}


class Window(NamedTuple):
    """[start, end) is kept, [low, high) is decoded; in frames."""

    start: int
    end: int
    low: int
    high: int


def fixed_windows(length: int, neighbours: int, frames: int = FIXED_FRAMES) -> list[Window]:
    """Windows of exactly `frames` that cover [0, length) once, for a length of `frames` at least.

    All lie within the sentence, for the decoder sees its input's ends where they are, not what stands beyond: frames of
    zeros behind a sentence are not its end. The first and the last so have the sentence's true ends, and everywhere
    else at least `neighbours` decoded frames are thrown away.
    """
    count = 1 - (frames - length) // max(1, frames - 2 * neighbours)
    lows = [(length - frames) * i // max(1, count - 1) for i in range(count)]
    cuts = [0, *((low + before + frames) // 2 for before, low in pairwise(lows)), length]
    return [Window(start, end, low, low + frames) for (start, end), low in zip(pairwise(cuts), lows, strict=True)]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A window decoded by an accelerator and by the CPU."""

    within: float
    """The largest difference as a share of the loudest sample; infinite for samples that are no numbers, or another count of them."""
    speed_ratio: float
    """How many times as fast as one thread of the CPU, after a first run."""


class AcceleratedDecode:
    """A voice's decoder on an accelerator, for windows of `frames` frames; one run at a time, whoever calls."""

    frames: Final = FIXED_FRAMES

    def __init__(self, accelerator: Accelerator, path: Path, latents: str, samples: str, feeds: Feeds) -> None:
        """path: the decoder's graph; latents, samples: its tensors' names; feeds: its other inputs, the same for each window.

        What the provider compiles is kept beside the graph. Raises SidecarError `device_unusable`; the device was not tried yet.
        """
        self.accelerator = accelerator
        self._latents, self._samples, self._feeds = latents, samples, dict(feeds)
        self._one_run = threading.Lock()
        model = onnx.load(str(path))
        self.channels = _channels(model.graph, latents)
        if not self.channels:
            raise SidecarError("device_unusable", "no convolution behind the latents", device=accelerator.device, reason=_OTHER_KIND)
        _fix_shapes(model.graph, {latents: (1, self.channels, self.frames), **{name: value.shape for name, value in feeds.items()}})
        more: dict[str, str] = {}
        if accelerator.cache_option:
            folder = path.with_name(accelerator.device)
            with suppress(OSError):  # without it, it compiles each time
                folder.mkdir(exist_ok=True)
                model.metadata_props.add(key="COREML_CACHE_KEY", value=_cache_key(model, accelerator))
                more[accelerator.cache_option] = str(folder)
        self._session = open_session(accelerator, model.SerializeToString(), more)

    def run(self, latents: Floats, options: ort.RunOptions | None = None) -> Floats:
        """Samples, 1-D, of latents of shape (1, channels, frames).

        Raises SidecarError `device_unusable` where the device does not answer any more; MemoryError; onnxruntime's `Fail`.
        """
        try:
            return self._run(latents, options)
        except _ERRORS as error:
            if (options is None or not options.terminate) and not self._answers():
                raise _unusable(self.accelerator, error) from None
            if _no_memory(error):
                raise MemoryError(str(error)) from None
            raise ort_errors.Fail(str(error)) from None

    def _run(self, latents: Floats, options: ort.RunOptions | None = None) -> Floats:
        with self._one_run:
            found: Floats = self._session.run([self._samples], {self._latents: latents, **self._feeds}, options)[0]
        return found.reshape(-1)

    def _answers(self) -> bool:
        try:
            self._run(self.some_latents())
        except _ERRORS:
            return False
        return True

    def some_latents(self) -> Floats:
        """What can be decoded: latents are about normally distributed. Always the same."""
        return np.random.Generator(np.random.Philox(0)).standard_normal((1, self.channels, self.frames), dtype=np.float32)

    def trial(self, cpu: ort.InferenceSession) -> TrialResult:
        """Decode a window here and by the CPU's session of the same graph. Raises as `run`."""
        latents = self.some_latents()
        began = time.perf_counter()
        right: Floats = cpu.run([self._samples], {self._latents: latents, **self._feeds})[0].reshape(-1)
        cpu_s = time.perf_counter() - began
        ours = self.run(latents)
        began = time.perf_counter()
        self.run(latents)
        ratio = cpu_s / max(time.perf_counter() - began, 1e-9)
        if ours.shape != right.shape or not np.isfinite(ours).all():
            return TrialResult(float("inf"), ratio)
        return TrialResult(float(np.abs(ours - right).max() / max(float(np.abs(right).max()), 1e-9)), ratio)


def open_decode(device: str, cpu: ort.InferenceSession, path: Path, latents: str, samples: str, feeds: Feeds, neighbours: int = 0) -> AcceleratedDecode:
    """The decoder on a device of the wire, tried against `cpu`, the CPU's session of the same graph (see AcceleratedDecode).

    neighbours: frames that the decoder sees on each side, which must leave something of a window.
    Raises SidecarError `device_unusable` with the reason in plain words.
    """
    accelerator = next((a for a in accelerators() if a.device == device), None)
    if accelerator is None:
        raise SidecarError("device_unusable", str(ort.get_available_providers()), device=device, reason="the installed onnxruntime cannot use it")
    if 2 * neighbours >= FIXED_FRAMES:
        raise SidecarError("device_unusable", f"sees {neighbours} frames", device=device, reason="this voice's network needs more of a sentence at once")
    decode = AcceleratedDecode(accelerator, path, latents, samples, feeds)
    try:
        result = decode.trial(cpu)
    except _ERRORS as error:
        raise _unusable(accelerator, error) from None
    if not result.within <= LARGEST_DIFFERENCE:
        raise SidecarError("device_unusable", str(result), device=device, reason="it computes less exactly than a voice needs, so the sound would differ")
    return decode


def open_session(accelerator: Accelerator, model: bytes, more: Mapping[str, str] | None = None) -> ort.InferenceSession:
    """A session of a model of fixed shapes whose convolutions are on the accelerator. more: further options of its provider.

    Raises SidecarError `device_unusable`. Some nodes may stay on the CPU; where most convolutions would, it is a detour.
    """
    options = ort.SessionOptions()
    options.enable_mem_pattern = False
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    chosen = [(accelerator.provider, {**dict(accelerator.options), **(more or {})}), _CPU]
    try:
        session = ort.InferenceSession(model, options, providers=chosen, enable_fallback=0)
    except _ERRORS as error:
        raise _unusable(accelerator, error) from None
    if accelerator.provider not in session.get_providers():  # onnxruntime logs why and goes on without
        raise _unusable(accelerator, RuntimeError(f"{accelerator.provider} was left out"))
    convolutions: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        convolutions[part.ep_name] += sum("Conv" in node.op_type for node in part.get_nodes())
    if convolutions[accelerator.provider] <= convolutions.total() / 2:
        raise SidecarError("device_unusable", str(dict(convolutions)), device=accelerator.device, reason="it leaves this voice's work to the CPU")
    return session


def _channels(graph: onnx.GraphProto, latents: str) -> int:
    """Of the decoder's input, by the first convolution behind it, for exporters leave the input's shape open; 0 where there is none."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    shapes |= {n.output[0]: tuple(a.t.dims) for n in graph.node if n.op_type == "Constant" for a in n.attribute if a.name == "value"}
    behind = {latents}
    for node in graph.node:
        if behind.isdisjoint(node.input):
            continue
        if node.op_type == "Conv" and len(shape := shapes.get(node.input[1], ())) == 3:
            return int(shape[1]) * next((int(a.i) for a in node.attribute if a.name == "group"), 1)
        behind.update(node.output)
    return 0


def _fix_shapes(graph: onnx.GraphProto, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Give the inputs these shapes; onnxruntime infers all others from them."""
    for given in graph.input:
        if given.name in shapes:
            given.type.tensor_type.ClearField("shape")
            for size in shapes[given.name]:
                given.type.tensor_type.shape.dim.add(dim_value=size)


def _cache_key(model: onnx.ModelProto, accelerator: Accelerator) -> str:
    """Fewer than 64 letters and digits; another one for whatever would be compiled otherwise."""
    made_of = f"{ort.__version__} {accelerator.provider} {accelerator.options}".encode()
    return hashlib.sha256(made_of + model.SerializeToString(deterministic=True)).hexdigest()[:40]


_OTHER_KIND: Final = "it cannot run a network of this voice's kind"
_MEANINGS: Final = (
    (("887a0005", "887a0006", "887a0007", "887a0020", "device removed"), "it does not answer any more (its driver was reset, or it was unplugged)"),
    (("887a0002", "887a0004", "no adapter"), "its driver does not offer what DirectML needs (DirectX 12)"),
    (("80070057", "not implemented", "unable to parse", "compil"), _OTHER_KIND),
)
"""Signs in onnxruntime's messages; the numbers are DXGI's and Windows' own."""


def _no_memory(error: BaseException) -> bool:
    return is_out_of_memory(error) or "8007000e" in str(error).lower()


def _unusable(accelerator: Accelerator, error: BaseException) -> SidecarError:
    text = str(error).lower()
    reason = next((meaning for signs, meaning in _MEANINGS if any(sign in text for sign in signs)), "onnxruntime could not use it")
    if _no_memory(error):
        reason = "its memory is taken by other programs"
    return SidecarError("device_unusable", repr(error)[:2000], device=accelerator.device, reason=reason)
