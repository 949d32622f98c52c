"""The mission's fault and its absence, on the fake accelerator: one JSON object, for the demo.

    PYTHONPATH=sidecar/src:tests python -m fake_accelerator.show

naive: what NumPy says to the output of coqui's own inference on a GPU, as audiobook programs used it. ours: `ok` where
our engine speaks on the same device, with its counts as the sidecar made them and as the accelerator saw them.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_voices
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import VitsTorch, load_voice
from e2a_sidecar.voices.loaded import LoadedVits

from fake_accelerator.device import DEVICE, FakeAccelerator

TEXTS = ("The first sentence is spoken on the device.", "So is a second one, which is a little longer than the first.", "And a third.")


def naive(voice: LoadedVits) -> str:
    """coqui's own inference on the device, its output given to NumPy: the error, or `ok`."""
    ids = voice.front_end.encode(TEXTS[0]).ids
    with FakeAccelerator():
        network = voice.network.to(DEVICE)
        speakers = None if voice.speaker is None else torch.zeros(1, dtype=torch.long, device=DEVICE)
        tokens = torch.tensor([ids], device=DEVICE)
        lengths = torch.tensor([len(ids)], device=DEVICE)
        made = network.inference(tokens, {"x_lengths": lengths, "speaker_ids": speakers, "d_vectors": None, "language_ids": None})["model_outputs"]
        try:
            np.abs(made)  # as a silence trim did it, for some sentences only, so that nobody saw it on a CPU
        except TypeError as error:
            return f"TypeError: {error}"
    return "ok"


def ours(voice: LoadedVits) -> dict[str, Any]:
    """Our engine on the device."""
    with FakeAccelerator() as fake:
        engine = VitsTorch.speaking_with(voice, str(DEVICE), HostBoundary(DEVICE))
        fake.counts.clear()
        lines = [Line(i, text, f"key{i}") for i, text in enumerate(TEXTS)]
        try:
            takes = [take for batch in engine.speak(lines, lambda: False) for take in batch]
        except SidecarError as error:
            return {"ours": str(error)}
        spoken = all(isinstance(take.samples, np.ndarray) and len(take.samples) for take in takes) and len(takes) == len(lines)
        counted, seen = engine.transfers(), fake.counts
    return {
        "ours": "ok" if spoken else "a sentence is missing",
        "host_copies_per_batch": counted.host_copies_per_batch,
        "uploads_per_batch": counted.uploads_per_batch,
        "hidden_syncs": counted.hidden_syncs,
        "seen_by_the_accelerator": {"host_copies": seen.host_copies, "uploads": seen.uploads, "waits": seen.waits},
    }


def main() -> None:
    """Make a tiny voice of coqui's, try both ways, print."""
    with tempfile.TemporaryDirectory() as folder:
        voice = tiny_voices.coqui_voice(Path(folder), replace(tiny_voices.TINY, speakers=2))
        print(json.dumps({"device": f"{DEVICE} (fake)", "naive": naive(_loaded(voice)), **ours(_loaded(voice))}))


def _loaded(voice: Any) -> LoadedVits:
    return load_voice(voice, "en", SpeechSettings())


if __name__ == "__main__":
    main()
