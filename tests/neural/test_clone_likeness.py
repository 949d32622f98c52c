"""How like its recording a clone sounds: the encoder's own figure, on the device in one read, for whichever converter, and nothing else changes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_converters
import tiny_converters_more
import torch
from e2a_sidecar import serve
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Samples
from e2a_sidecar.protocol import Wire, parse
from e2a_sidecar.speaking.clone import likeness as module
from e2a_sidecar.speaking.clone.likeness import Likeness, compared, likeness
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.voices.clone.speaker_encoder import open_speaker_encoder
from e2a_sidecar.voices.voice import Clone, Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

CPU = torch.device("cpu")
HZ = 16_000
TEXT = "One. Then another."


def voice_of(pitch_hz: float, seed: int, rate_hz: int = HZ) -> Samples:
    """Some seconds of somebody."""
    return np.round(tiny_converters.voice_like(8, rate_hz, pitch_hz=pitch_hz, seed=seed) * 32767).astype(np.int16)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Of a voice at 180 Hz, with the encoder beside another converter's files."""
    folder = tmp_path_factory.mktemp("likeness")
    recording = tiny_converters.sample(folder / "sample.flac", rate_hz=HZ, pitch_hz=180.0)
    files = tiny_converters_more.openvoice(folder / "openvoice") | tiny_converters_more.d_vector(folder / "encoder")
    return tiny_converters.clone_of(recording, "openvoice_v2", files)


def heard(clone: Clone, spoken: Samples, rate_hz: int = HZ, device: torch.device = CPU) -> Likeness:
    return compared(clone, open_speaker_encoder(clone, device), spoken, rate_hz, HostBoundary(device), lambda: False)


def test_the_same_voice_is_liker_than_another(clone: Clone) -> None:
    same, lower = heard(clone, voice_of(180, 7)), heard(clone, voice_of(90, 7))
    assert 1 >= same.clone > lower.clone and same.halves == lower.halves > lower.clone
    assert heard(clone, voice_of(180, 7, 24_000), 24_000).clone == pytest.approx(same.clone, abs=0.02), "whatever its rate"
    assert heard(clone, voice_of(180, 7) // 10).clone == pytest.approx(same.clone, abs=0.01), "and its level"


@pytest.mark.parametrize("kind", ["lstm", "resnet"])
def test_the_figures_are_coquis_cosines(kind: str, tmp_path: Path) -> None:
    from TTS.encoder.utils.generic_utils import setup_encoder_model  # type: ignore[import-untyped]
    from TTS.tts.utils.managers import load_config  # type: ignore[import-untyped]

    files = tiny_converters_more.d_vector(tmp_path / "encoder", kind)
    clone = tiny_converters.clone_of(tiny_converters.sample(tmp_path / "sample.flac", seconds=2, rate_hz=HZ), "d_vector", files)
    config = load_config(str(files["encoder_config"]))
    coquis = setup_encoder_model(config)
    coquis.load_checkpoint(config, str(files["encoder"]), eval=True)

    def vector(wave: np.ndarray[Any, np.dtype[np.float32]]) -> Any:
        level = 0.1 / np.sqrt(np.square(wave, dtype=np.float64).mean())
        found = coquis.compute_embedding(torch.from_numpy((wave * level).astype(np.float32))[None])[0].numpy()
        return found / np.linalg.norm(found)

    spoken, recording = voice_of(120, 3)[:HZ], module.recording(clone)[0]
    first, second = map(vector, np.array_split(recording, 2))
    said = vector(spoken.astype(np.float32) / 32768)
    found = heard(clone, spoken)
    assert (found.clone, found.halves) == pytest.approx((float(said @ first + said @ second) / 2, float(first @ second)), abs=1e-4)


def test_on_the_device_two_uploads_and_one_read(clone: Clone) -> None:
    on_cpu = heard(clone, voice_of(120, 3))
    with FakeAccelerator() as fake:
        encoder = open_speaker_encoder(clone, DEVICE)
        fake.counts.clear()
        found = compared(clone, encoder, voice_of(120, 3), HZ, HostBoundary(DEVICE), lambda: False)
        assert (fake.counts.host_copies, fake.counts.uploads, fake.counts.waits) == (1, 2, 1), fake.counts.where  # the read waits, and nothing else
    assert (found.clone, found.halves) == pytest.approx((on_cpu.clone, on_cpu.halves), abs=1e-4)


def test_a_device_that_cannot_hear_it_leaves_it_to_the_cpu(clone: Clone, caplog: pytest.LogCaptureFixture) -> None:
    with FakeAccelerator() as fake, caplog.at_level(logging.WARNING):
        fake.faults.lose()
        found = likeness(clone, voice_of(120, 3), HZ, "cuda:0", lambda: False)
    assert found == heard(clone, voice_of(120, 3)) and "on cuda:0" in caplog.text


def test_it_can_be_stopped_and_silence_is_like_nobody(clone: Clone) -> None:
    with pytest.raises(Stopped):
        likeness(clone, voice_of(120, 3), HZ, "cpu-torch", lambda: True)
    assert -1 <= heard(clone, np.zeros(HZ * 3, dtype=np.int16)).clone <= 1


class Desk:
    """A sidecar's service, and what it is asked to say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service = serve.Service(Wire(io.BytesIO()))

    def say(self, voice: Voice, stopped: Callable[[], bool] = lambda: False, **fields: Any) -> dict[str, Any]:
        asked = {"type": "say", "id": 1, "text": TEXT, "out": str(self.folder / "said.wav"), "device": "cpu", "auto": True, "language": "en"}
        asked |= {"voice": tiny_converters.on_wire(voice), "cache_dir": str(self.folder / "cache"), "settings": {}, **fields}
        report = self.service.handle(parse(json.dumps(asked).encode()), stopped)["report"]  # type: ignore[arg-type]
        assert isinstance(report, dict)
        return report

    def engine(self) -> Any:
        return self.service._kept._engines["cpu-torch"]


def test_it_is_told_with_what_was_said_and_the_voice_stays_as_it_was(clone: Clone, voices: Callable[[str], Voice], tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    voice = replace(voices("piper"), clone=clone)
    plain = desk.say(replace(voice, clone=clone.alone()))
    engine, sound = desk.engine(), (tmp_path / "said.wav").read_bytes()
    found = desk.say(voice, likeness=True)
    assert plain.keys() == found.keys() - {"likeness", "likeness_of_halves"} and found["voice_name"] == "Anna"
    assert all(-1 <= found[name] <= 1 for name in ("likeness", "likeness_of_halves"))
    assert desk.engine() is engine and (tmp_path / "said.wav").read_bytes() == sound
    assert clone.converter_hash() == clone.alone().converter_hash(), "what hears it is no part of a clip's key"
    desk.service.close()


def test_a_clone_by_d_vectors_is_heard_with_its_own_encoder(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    recording = tiny_converters.sample(tmp_path / "sample.flac", rate_hz=HZ)
    clone = tiny_converters.clone_of(recording, "d_vector", tiny_converters_more.d_vector(tmp_path / "files"))
    desk = Desk(tmp_path)
    found = desk.say(replace(voices("coqui, d-vectors, 2 languages"), clone=clone), likeness=True)
    assert -1 <= found["likeness"] <= 1 and found["engine"] == "vits_torch"
    desk.service.close()


def test_a_damaged_encoder_is_told_by_the_clones_name(clone: Clone, tmp_path: Path) -> None:
    broken = tmp_path / "model_se.pth"
    broken.write_bytes(b"no checkpoint")
    files = {role: path for role, path in clone.files if role != "sample"} | {"encoder": broken}
    other = tiny_converters.clone_of(clone.file("sample"), "openvoice_v2", files)
    with pytest.raises(SidecarError) as caught:
        likeness(other, voice_of(120, 3), HZ, "cpu-torch", lambda: False)
    assert caught.value.code == "voice_broken" and caught.value.params["voice"] == clone.id and "model_se.pth" in str(caught.value.params["reason"])
