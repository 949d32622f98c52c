"""Where a voice may be spoken, and what an error of a device means, without torch."""

from __future__ import annotations

import builtins
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import make
from e2a_sidecar.speaking.device_errors import in_plain_words, is_out_of_memory
from e2a_sidecar.speaking.make import make_engine, rungs
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice


@pytest.mark.parametrize("error", [ImportError("No module named 'torch'"), OSError("[WinError 126] c10.dll"), RuntimeError("CUDA unknown error")])
def test_where_torch_cannot_be_asked_the_device_says_why_and_the_cpu_is_left(error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real: Any = builtins.__import__

    def refusing(name: str, *more: Any) -> Any:
        if name in ("e2a_sidecar.speaking.device", "e2a_sidecar.speaking.vits_torch"):
            raise error
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", refusing)
    voice = Voice("v", "piper")
    assert rungs(voice, "cuda:0")[:2] == ("cuda:0", "cpu")
    if not isinstance(error, RuntimeError):
        with pytest.raises(SidecarError) as caught:
            make_engine(voice, "cuda:0", "en", SpeechSettings(), tmp_path)
        assert caught.value.code == "device_unusable" and "torch" in str(caught.value.params["reason"])


@pytest.mark.parametrize(
    ("kind", "device", "core", "neural"),
    [
        ("piper", "cpu", ("cpu",), ("cpu", "cpu-torch")),
        ("piper", "cpu-torch", ("cpu-torch", "cpu"), ("cpu-torch", "cpu")),
        ("piper", "coreml", ("coreml", "cpu"), ("coreml", "cpu", "cpu-torch")),
        ("piper", "dml:1", ("dml:1", "cpu"), ("dml:1", "cpu", "cpu-torch")),
        ("coqui", "cpu", ("cpu",), ("cpu", "cpu-torch")),
        ("coqui", "coreml", ("coreml", "cpu"), ("coreml", "cpu-torch", "cpu")),
        ("kokoro_student", "cpu", ("cpu",), ("cpu",)),
        ("kokoro_student", "cuda:0", ("cpu",), ("cpu",)),
        ("espeak", "cpu", ("cpu",), ("cpu",)),
        ("tone", "cuda:0", ("cuda:0",), ("cuda:0",)),
    ],
)
def test_the_rungs_of_a_voice(kind: str, device: str, core: tuple[str, ...], neural: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for spec, expected in ((None, core), (importlib.util.find_spec("json"), neural)):
        monkeypatch.setattr(make, "find_spec", lambda name, spec=spec: spec)
        assert rungs(Voice("v", kind), device) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("CUDA out of memory. Tried to allocate 2.00 GiB", "CUBLAS_STATUS_ALLOC_FAILED", "MPS backend out of memory (MPS allocated: 8 GB)"),
        *("std::bad_alloc", "level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)", "bad allocation"),
    ],
)
def test_what_says_that_memory_was_too_little(text: str) -> None:
    assert is_out_of_memory(RuntimeError(text)) and "memory" in in_plain_words(text)
