"""Converters' files, as coqui publishes them, become networks on a device. One module a converter; nothing is imported before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2a_sidecar.voices.voice import Clone

if TYPE_CHECKING:
    import torch

    from e2a_sidecar.speaking.clone.converter import Converter


def open_converter(clone: Clone, device: torch.device) -> Converter:
    """The converter of a verified clone, on a device; any but `d_vector`, which has none (see `speaking.clone.d_vector`).

    SidecarError `voice_broken`, `voice_unsupported`; RuntimeError of the device, as torch has it.
    """
    match clone.converter:
        case "freevc24":
            from e2a_sidecar.voices.clone.freevc import open_freevc

            return open_freevc(clone, device)
        case "knnvc":
            from e2a_sidecar.voices.clone.knnvc import open_knnvc

            return open_knnvc(clone, device)
        case "openvoice_v2":
            from e2a_sidecar.voices.clone.openvoice import open_openvoice

            return open_openvoice(clone, device)
        case other:
            raise ValueError(other)
