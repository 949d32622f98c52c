"""A coqui voice made ready for onnxruntime: once, heard before use, whole or not at all; then spoken without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.budget import GPU_BUDGET
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.voices import coqui, coqui_export, coqui_onnx, coqui_text
from e2a_sidecar.voices.coqui_description import Description
from e2a_sidecar.voices.voice import Voice
from filelock import FileLock
from onnx import numpy_helper

from .conftest import TEXTS, lines, spoken
from .test_same_take import assert_like_coquis_inference, assert_same, speak

SETTINGS = SpeechSettings()
LETTERS = "coqui, letters, no sdp"


def changed(voice: Voice, folder: Path, description: dict[str, Any], unneeded: str = "-") -> Voice:
    """A copy of a coqui voice with another description, without the weights whose names begin with `unneeded`."""
    folder.mkdir()
    files = tuple((role, Path(shutil.copy(path, folder))) for role, path in voice.files)
    config, model = dict(files)["config"], dict(files)["model"]
    raw = json.loads(config.read_text(encoding="utf-8"))
    for name, value in description.items():
        raw[name] = {**raw[name], **value} if isinstance(value, dict) else value
    config.write_text(json.dumps(raw), encoding="utf-8")
    saved = torch.load(model, weights_only=True)
    saved["model"] = {name: weight for name, weight in saved["model"].items() if not name.startswith(unneeded)}
    torch.save(saved, model)
    return replace(voice, files=files, sha256=()).verified()


VARIANTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "latents interpolated": ("coqui", {"model_args": {"encoder_sample_rate": 11025}}, "-"),
    "latents of a lower rate": ("coqui", {"model_args": {"encoder_sample_rate": 11025, "interpolate_z": False}, "audio": {"hop_length": 128}}, "-"),
    "speakers do not set durations": ("coqui, 2 speakers", {"model_args": {"condition_dp_on_speaker": False}}, "duration_predictor.cond."),
    "no blanks": (LETTERS, {"add_blank": False}, "-"),
}


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest, voices: Callable[[str], Voice], tmp_path: Path) -> Voice:
    name, description, unneeded = VARIANTS[request.param]
    return changed(voices(name), tmp_path / "variant", description, unneeded)


def test_every_kind_of_coqui_voice_is_spoken_as_coqui_does_and_alike_by_both_runtimes(variant: Voice, tmp_path: Path) -> None:
    assert_like_coquis_inference(variant)
    texts = (*TEXTS, "A", "I am")  # so short that the attention's window is longer
    alone = speak(variant, texts=texts)
    assert_same(alone, speak(variant, replace(GPU_BUDGET, window=64, frames=300), batched=True, texts=texts), within=1e-4)
    core = VitsOnnx(variant, "en-us", SETTINGS, tmp_path)
    assert_same(spoken(core, lines(texts)), alone, within=1e-3)
    core.close()


def test_one_export_serves_all_speakers_and_languages_and_says_who_speaks_without_a_model(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    voice = voices("coqui, d-vectors, 2 languages")
    assert coqui_onnx.identity_of(voice, "en", SETTINGS, tmp_path) is None
    takes = []
    for speaker, language in (("p0", "en-GB"), ("p1", "en-GB"), ("p1", "fr")):
        asked = replace(voice, speaker=speaker)
        engine = VitsOnnx(asked, language, SETTINGS, tmp_path)
        assert coqui_onnx.identity_of(asked, language, SETTINGS, tmp_path) == (engine.identity, engine.rate_hz)
        takes.append(spoken(engine, lines()[:1])[0].samples[:5000])
        engine.close()
    assert not np.array_equal(takes[0], takes[1]) and not np.array_equal(takes[1], takes[2])
    assert len(list((tmp_path / "exports").iterdir())) == 1
    for asked, language in ((replace(voice, speaker="nobody"), "en"), (voice, "de")):
        for refused in (VitsOnnx, coqui_onnx.identity_of):
            with pytest.raises(SidecarError, match="voice_unsupported"):
                refused(asked, language, SETTINGS, tmp_path)


WITHOUT_TORCH = """
import sys
from pathlib import Path
sys.modules["torch"] = sys.modules["TTS"] = None  # importing them fails, as where they are not installed
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice
folder = Path(sys.argv[1])
voice = Voice("tiny-coqui", "coqui", files=(("config", folder / "config.json"), ("model", folder / "model_file.pth"))).verified()
try:
    engine = make_engine(voice, "cpu", "en", SpeechSettings(), Path(sys.argv[2]))
except SidecarError as error:
    print(error.code, error.params["reason"])
else:
    (take,) = next(engine.speak([Line(0, "Spoken by the core layer.", "k")], lambda: False))
    print(len(take.samples), [(w.start, w.end) for w in take.words])
"""


def test_the_core_layer_alone_speaks_what_was_exported_and_says_what_was_not(
    voices: Callable[[str], Voice], write_graphs: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coqui_export, "_write_graphs", write_graphs)
    voice = voices(LETTERS)

    def core() -> str:
        command = [sys.executable, "-c", WITHOUT_TORCH, str(voice.file("model").parent), str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert core() == "voice_unsupported it must be made ready once by the engine's extra part (neural)"
    VitsOnnx(voice, "en", SETTINGS, tmp_path).close()
    take = speak(voice, texts=("Spoken by the core layer.",))[0]
    words = [(w.start, w.end) for w in take.words or ()]
    assert len(words) == 5
    assert core() == f"{len(take.samples)} {words}"


@pytest.fixture(scope="module")
def write_graphs(shared: Path) -> Callable[..., None]:
    """coqui_export's own, for LETTERS: what it writes the first time is what it writes again."""
    written, making, whole = shared / "graphs", shared / "graphs-making", coqui_export._write_graphs

    def write(*args: Any) -> None:
        with FileLock(f"{written}.lock"):
            if not written.exists():
                making.mkdir(exist_ok=True)
                whole(*args[:-1], making)
                making.rename(written)
        shutil.copytree(written, args[-1], dirs_exist_ok=True)

    return write


def spoil_weights(path: Path, value: float) -> None:
    graph = onnx.load(str(path))
    for weight in graph.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(value), weight.name))
    onnx.save(graph, str(path))


@pytest.mark.parametrize(("part", "value"), [("decode", 1.1), ("decode", float("nan")), ("flow", 3.0), ("encode", 1.1)])
def test_an_export_that_does_not_sound_the_same_is_not_kept(
    part: str, value: float, voices: Callable[[str], Voice], write_graphs: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(*args: Any) -> None:
        write_graphs(*args)
        spoil_weights(args[-1] / f"{part}.onnx", value)

    monkeypatch.setattr(coqui_export, "_write_graphs", spoiled)
    with pytest.raises(SidecarError) as caught:
        VitsOnnx(voices(LETTERS), "en", SETTINGS, tmp_path)
    assert caught.value.code == "voice_unsupported" and "sound the same" in str(caught.value.params["reason"])
    assert not list((tmp_path / "exports").iterdir())


def test_a_voice_that_would_speak_for_ever_is_refused_before_it_takes_the_memory(
    voices: Callable[[str], Voice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coqui_export, "_MOST_FRAMES", 1)
    with pytest.raises(SidecarError) as caught:
        VitsOnnx(voices(LETTERS), "en", SETTINGS, tmp_path)
    assert caught.value.code == "voice_unsupported" and "absurdly long" in str(caught.value.params["reason"])


def test_durations_on_a_rounding_edge_are_compared_with_other_phonemes(voices: Callable[[str], Voice]) -> None:
    described = coqui.open_voice(voices(LETTERS)).description
    assert coqui_export._some_ids(described) == coqui_export._some_ids(described, 0) != coqui_export._some_ids(described, 1)


def test_a_network_that_cannot_be_exported_is_left_to_torch(voices: Callable[[str], Voice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coqui_export, "reverse_flow", lambda flow, z, mask, speaker: torch.special.bessel_j0(z))
    with pytest.raises(SidecarError) as caught:
        VitsOnnx(voices(LETTERS), "en", SETTINGS, tmp_path)
    assert caught.value.code == "voice_unsupported" and caught.value.params["reason"]
    assert not list((tmp_path / "exports").iterdir())


def test_the_network_is_let_go_once_it_is_exported(voices: Callable[[str], Voice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_voice, seen = coqui.open_voice, []

    def watched(voice: Voice) -> coqui.Opened:
        opened = open_voice(voice)
        seen.append(weakref.ref(opened.network))
        return opened

    monkeypatch.setattr(coqui, "open_voice", watched)
    engine = VitsOnnx(voices(LETTERS), "en", SETTINGS, tmp_path)
    assert [network() for network in seen] == [None]
    engine.close()


def test_an_export_that_was_damaged_is_made_again_and_a_killed_one_removed(
    voices: Callable[[str], Voice], write_graphs: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coqui_export, "_write_graphs", write_graphs)
    voice, killed = voices(LETTERS), tmp_path / "exports" / "making-0"
    killed.mkdir(parents=True)
    os.utime(killed, (0, 0))
    VitsOnnx(voice, "en", SETTINGS, tmp_path).close()
    (folder,) = (tmp_path / "exports").iterdir()
    for name, content in {"decode.onnx": b"\x08", "description.json": b'{"rate_hz": 22050}', "vectors.npz": b"PK"}.items():
        (folder / name).write_bytes(content)
        engine = VitsOnnx(voice, "en", SETTINGS, tmp_path)
        assert len(spoken(engine, lines()[:1])[0].samples)
        engine.close()
    assert list((tmp_path / "exports").iterdir()) == [folder]


def test_a_cache_that_cannot_be_written_is_said_so(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file where a folder should be")
    with pytest.raises(SidecarError) as caught:
        VitsOnnx(voices(LETTERS), "en", SETTINGS, tmp_path)
    assert caught.value.code == "output_unwritable"


BAD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "not a number": lambda raw: raw.update(rate_hz="fast"),
    "no end of frames": lambda raw: raw.update(hop_length=float("inf")),
    "ids beyond the embedding": lambda raw: raw["alphabet"]["ids"].update({"x": 10_000}),
    "no alphabet": lambda raw: raw.update(alphabet=[]),
    "no blank": lambda raw: raw["alphabet"].update(blank=None),
    "no marks": lambda raw: raw.update(marked=True),
    "endless": lambda raw: raw.update(length_scale=float("nan")),
    "a path for a language": lambda raw: raw.update(espeak_language="../../dev/zero"),
    "a cleaner without end": lambda raw: raw.update(cleaner="x" * 1000),
    "speakers without end": lambda raw: raw.update(speakers=["x"] * 100_001),
    "a speaker without end": lambda raw: raw.update(speakers=["x" * 201]),
    "a symbol without end": lambda raw: raw["alphabet"]["ids"].update({"x" * 201: 1}),
    "a symbol of the largest numbers": lambda raw: raw["alphabet"]["ids"].update({"x": float("inf")}),
    "nobody": lambda raw: raw.update(speaker_vectors=True),
}


@pytest.mark.parametrize("what", BAD)
def test_a_description_is_read_again_and_one_that_makes_no_sense_is_refused(what: str, voices: Callable[[str], Voice]) -> None:
    described = coqui.open_voice(voices("coqui")).description
    raw = json.loads(json.dumps(described.to_dict()))
    assert Description.from_dict(raw, "v") == described
    BAD[what](raw)
    with pytest.raises(SidecarError, match="voice_broken"):
        Description.from_dict(raw, "v")


@pytest.mark.parametrize("name", [name for name in coqui_text._PLAIN if name])
@pytest.mark.parametrize("language", [None, "en", "fr", "pt", "ca", "el", "tr"])
def test_the_cleaners_written_here_are_coquis(name: str, language: str | None) -> None:
    from TTS.tts.utils.text import cleaners  # type: ignore[import-untyped]

    ours = coqui_text.cleaner(name, "v")
    assert ours is not None
    for text in ("ISTANBUL & I: ünite;  e\u0301te\n-né- «x» [a](b)<c> \"q\"", " l'avi cau, diguem-ho; 12:30\t", ""):
        assert ours(text, language) == getattr(cleaners, name)(text, lang=language)
