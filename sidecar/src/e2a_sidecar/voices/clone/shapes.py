"""The shapes of a HiFi-GAN in a stranger's description, each within what a converter needs. coqui's names differ only for what enlarges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from e2a_sidecar.voices.clone.safety import broken, numbers, whole

MOST_CHANNELS: Final = 4096
_LONGEST_STEP, _LONGEST_KERNEL, _LONGEST_RESBLOCK_KERNEL, _FARTHEST = 64, 128, 31, 64
_MOST_ENTRIES: Final = 8
_USUAL_KERNELS: Final = (3, 7, 11)


def hifigan_shapes(raw: Mapping[str, Any], voice: str, *, steps: str, kind: str) -> dict[str, Any]:
    """What is found of them in `raw`, checked; SidecarError `voice_broken`. steps, kind: names of the upsampling's steps and of the residual blocks."""
    lists = {steps: _LONGEST_STEP, "upsample_kernel_sizes": _LONGEST_KERNEL, "resblock_kernel_sizes": _LONGEST_RESBLOCK_KERNEL}
    found: dict[str, Any] = {name: numbers(raw[name], name, voice, most, entries=_MOST_ENTRIES) for name, most in lists.items() if name in raw}
    if "upsample_initial_channel" in raw:
        found["upsample_initial_channel"] = whole(raw["upsample_initial_channel"], "upsample_initial_channel", voice, 2, MOST_CHANNELS)
    name = "resblock_dilation_sizes"
    if name in raw:
        kernels = found.get("resblock_kernel_sizes", _USUAL_KERNELS)
        if not isinstance(raw[name], list | tuple) or len(raw[name]) != len(kernels):
            raise broken(voice, f"its description has {name} that are none")
        found[name] = [numbers(one, name, voice, _FARTHEST, entries=_MOST_ENTRIES) for one in raw[name]]
    if kind in raw:
        found[kind] = "1" if str(raw[kind]) == "1" else "2"
    return found
