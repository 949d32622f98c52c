"""A sidecar whose device fails at chosen sentences: imported by the sidecar's own Python at its start (see `faulty_engine`).

The device is the fake accelerator. Faults are injected below the sidecar's code, in coqui's text encoder and in the
device's operations, when a sentence of `E2A_TEST_FAULTS` (JSON: kind -> phoneme ids) comes by on the device:

    memory    torch's OutOfMemoryError, however small the batch        failure   an operation that is refused, always
    nan       its latents are not numbers, always                      silence   its batch is silent, the first time
    length    its phonemes last for minutes, the first time            lost      nothing works on the device any more
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any


def faulty_engine(folder: Path, engine: Path, faults: Path) -> Path:
    """An engine folder like `engine`, whose neural layer starts with this module: a Python of its own, the real one's packages."""
    import subprocess

    real = next((engine / "layers").glob("neural-*"))
    layer = folder / "layers" / real.name
    python = real / "bin" / "python"
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(layer)], check=True)
    packages = next((real / "lib").glob("python*/site-packages"))
    here = Path(__file__).resolve().parent
    own = next((layer / "lib").glob("python*/site-packages"))
    start = f"import os; os.environ['E2A_TEST_FAULTS'] = {str(faults)!r}; import faulty_device"
    (own / "faulty.pth").write_text(f"{packages}\n{here}\n{here.parent}\n{start}\n", encoding="utf-8")
    (layer / "stamp.json").write_bytes((real / "stamp.json").read_bytes())
    for name in ("core-*", "voices"):
        for found in [*(engine / "layers").glob(name), *engine.glob(name)]:
            (folder / found.relative_to(engine)).symlink_to(found)
    return folder


class _After(importlib.abc.MetaPathFinder):
    """Calls `patch` once the sidecar's service has been imported: what comes before its hello stays as it is."""

    NAME = "e2a_sidecar.serve"

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if name != self.NAME:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            patch(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def patch(serve: Any) -> None:
    """Let the service work on the fake accelerator, and the device fail."""
    import torch
    from e2a_sidecar.speaking import device, vits_torch
    from e2a_sidecar.speaking.ahead import Begun
    from fake_accelerator import FakeAccelerator
    from TTS.tts.layers.vits.networks import TextEncoder  # type: ignore[import-untyped]

    faults = {tuple(ids): kind for kind, ids in json.loads(Path(os.environ["E2A_TEST_FAULTS"]).read_text("utf-8")).items()}
    fake = FakeAccelerator()
    handle, forward, decoded, happened = serve.Service.handle, TextEncoder.forward, Begun.decoded, set[str]()
    vits_torch.GPU_BUDGET = replace(vits_torch.GPU_BUDGET, look_ahead=24)  # so that the book takes several batches
    device.usable_device = lambda name: torch.device("cpu" if name == "cpu-torch" else name)

    def on_the_device(service: Any, *arguments: Any) -> Any:
        with fake:
            return handle(service, *arguments)

    def failing(encoder: Any, x: Any, lengths: Any, **more: Any) -> Any:
        if not hasattr(x, "held"):  # on the CPU
            return forward(encoder, x, lengths, **more)
        rows = [tuple(row[:n].tolist()) for row, n in zip(x.held, lengths.held, strict=True)]
        kinds = {faults[row]: number for number, row in enumerate(rows) if row in faults}
        if "memory" in kinds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if "failure" in kinds:
            raise RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED")
        if "lost" in kinds:
            fake.faults.lose()
        made = forward(encoder, x, lengths, **more)
        if "nan" in kinds:
            made[1].held[kinds["nan"]] = float("nan")
        if "length" in kinds.keys() - happened:
            fake.faults.spoil(lambda frames: longer(frames, kinds["length"]), operation="exp", where="vits_network.py:begin_encode", times=1, after=1)
        happened.update(kinds.keys() - {"silence"})
        return made

    def silent(begun: Any, *arguments: Any) -> Any:
        """A batch is decoded when the next one has been encoded."""
        first = "silence" not in happened and any(faults.get(tuple(piece.encoded.ids)) == "silence" for piece in begun.pieces)
        if not first:
            return decoded(begun, *arguments)
        happened.add("silence")
        fake.faults.spoil("zeros", operation="tanh", where="row_decoder.py")
        try:
            return decoded(begun, *arguments)
        finally:
            fake.faults.mend()

    serve.Service.handle = on_the_device
    TextEncoder.forward = failing
    Begun.decoded = silent


def longer(frames: Any, row: int) -> Any:
    """A sentence's phonemes of thousands of frames each."""
    frames[row] += 9000
    return frames


if "E2A_TEST_FAULTS" in os.environ:
    sys.meta_path.insert(0, _After())
