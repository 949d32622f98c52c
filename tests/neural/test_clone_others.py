"""kNN-VC, OpenVoice and d-vectors in the engine and in the whole session: what crosses, what a book gets, and files that are no converter's."""

from __future__ import annotations

import json
import pickle
import resource
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen.mp4  # type: ignore[import-untyped]
import numpy as np
import pytest
import tiny_converters
import tiny_converters_more
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.conversion import open_conversion
from e2a_sidecar.speaking.clone.reference import reference_of
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.clone.speaker_encoder import open_speaker_encoder
from e2a_sidecar.voices.voice import Clone, Voice

from .conftest import WHERE, device, lines, loaded, spoken

sys.path.append(str(Path(__file__).resolve().parents[1] / "sidecar"))
from session_driver import Driver, conversion, write_bundle

CPU = torch.device("cpu")
BASES = {"knnvc": "piper", "openvoice_v2": "piper", "d_vector": "coqui, d-vectors, 2 languages"}
RATES = {"knnvc": 16_000, "openvoice_v2": 22_050, "d_vector": 22_050}
UPLOADS = {"knnvc": 2, "openvoice_v2": 3, "d_vector": 2}
"""A batch: phonemes, latents, and the converter's noise where it takes any."""
CHECKPOINTS = [("knnvc", "wavlm"), ("knnvc", "vocoder"), ("openvoice_v2", "model"), ("d_vector", "encoder")]


@pytest.fixture(scope="module")
def clones(voices: Callable[[str], Voice], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Voice]:
    """A cloned voice by its converter, made once."""
    made: dict[str, Voice] = {}

    def cloned(converter: str) -> Voice:
        if converter not in made:
            made[converter] = tiny_converters_more.cloned(voices(BASES[converter]), converter, tmp_path_factory.mktemp("clone"))
        return made[converter]

    return cloned


def engine_of(voice: Voice, device: torch.device) -> VitsTorch:
    name = "cpu-torch" if device == CPU else "cuda:0"
    return VitsTorch.speaking_with(loaded(voice), name, HostBoundary(device), clone=voice.clone)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("converter", BASES)
def test_a_clone_speaks_on_every_device_alike_with_two_reads_a_batch(where: str, converter: str, clones: Callable[[str], Voice]) -> None:
    voice = clones(converter)
    on_cpu = engine_of(voice, CPU)
    takes = spoken(on_cpu, lines())
    assert on_cpu.transfers() == Transfers(2, UPLOADS[converter], 0) and on_cpu.rate_hz == RATES[converter]
    base = spoken(VitsTorch.speaking_with(loaded(replace(voice, clone=None)), "cpu-torch", HostBoundary(CPU)), lines())
    with device(where) as (there, fake):
        engine = engine_of(voice, there)
        if fake is not None:
            fake.counts.clear()
        on_device = spoken(engine, lines())
        assert engine.transfers() == Transfers(2, UPLOADS[converter], 0)
        if fake is not None:
            seen = fake.counts
            assert (seen.host_copies, seen.uploads, seen.waits) == (2, UPLOADS[converter], 2), seen.where  # the fake has no events: a read waits
    assert sorted(takes) == sorted(on_device) == [0, 1, 2, 3]
    for index, take in takes.items():
        assert take.samples.dtype == np.int16 and np.abs(take.samples.astype(int)).max() > 1000 and not take.flags
        assert take.words == on_device[index].words and len(take.samples) == len(on_device[index].samples)
        if converter != "d_vector":
            assert take.words == base[index].words and len(take.samples) / RATES[converter] == pytest.approx(len(base[index].samples) / 22_050, abs=1e-3)
        difference = np.abs(take.samples.astype(int) - on_device[index].samples) / 32768
        if converter == "knnvc":  # a step between two that are as near may become the other on another device
            assert np.mean(difference > 1e-4) < 0.05
        else:
            assert difference.max() < (1e-4 if where == "fake" else 1e-3)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # np.array asks again, with a warning, after a TypeError
@pytest.mark.parametrize("where", ["cpu", *WHERE])
@pytest.mark.parametrize("converter", BASES)
def test_what_a_converter_gives_is_read_whatever_holds_it(where: str, converter: str, clones: Callable[[str], Voice]) -> None:
    """coqui's hand on a tensor of the device (kNN-VC), an array (OpenVoice) and a list (`tts`); NumPy takes the first and the last from a CPU alone."""
    clone = clones(converter).clone
    assert clone is not None
    with device(where) as (there, _):
        made = given(clone, there)
        assert made.device == there
        expected = to_host(made)
        for held in (made, list(made), expected, expected.tolist()):
            np.testing.assert_array_equal(to_host(held), expected)
        for naive in (np.asarray, lambda x: np.abs(np.array(list(x)))):
            if where == "cpu":
                assert len(naive(made)) == len(expected)
            else:
                with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
                    naive(made)


def given(clone: Clone, there: torch.device) -> torch.Tensor:
    """A hundred samples of what it makes of a second; the vector of one that converts nothing."""
    boundary = HostBoundary(there)
    if clone.converter == "d_vector":
        return reference_of(clone, open_speaker_encoder(clone, there), boundary, None)["d_vector"]
    conversion = open_conversion(clone, 22_050, boundary, None)
    batch = conversion.prepared([22_050])
    for part in batch.noise:
        part[:] = 0.5
    return conversion(boundary.upload(tiny_converters.voice_like(1.0, 22_050)), batch, 22_050, lambda: None)[5000:5100]


@pytest.mark.parametrize("converter", BASES)
def test_a_book_in_a_cloned_voice_is_written_and_says_so(converter: str, clones: Callable[[str], Voice], tmp_path: Path) -> None:
    voice, out, report = clones(converter), tmp_path / "book.m4b", tmp_path / "report.json"
    bundle = write_bundle(tmp_path / "bundle", {"One": ["The first sentence is spoken.", "And so is the second one, in the same voice."]})
    ask = {"voice": tiny_converters.on_wire(voice), "device": "cpu", "report": str(report)}
    with Driver() as sidecar:
        sidecar.send(**conversion(bundle, out, tmp_path / "cache", **ask))
        done = sidecar.end()
        assert done["type"] == "done" and done["outcome"] == "written", done
        found = json.loads(report.read_text(encoding="utf-8"))
        assert found["device"] == "cpu-torch" and found["engine"] == "vits_torch"
        assert found["transfers"] == {"host_copies_per_batch": 2, "uploads_per_batch": UPLOADS[converter], "hidden_syncs": 0}
        assert voice.clone is not None and voice.clone.id in json.dumps(found) and converter in json.dumps(found) and "Anna" in json.dumps(found)
        assert mutagen.mp4.MP4(out).info.length > 3

        sidecar.send(**conversion(bundle, tmp_path / "again.m4b", tmp_path / "cache", **ask))  # nothing is spoken again
        again = sidecar.end()
        assert again["type"] == "done" and again["report"]["kept"] == len(found["sentences"]), again
    assert len(list((tmp_path / "cache" / "references").iterdir())) == 1


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("executed",))


def compressed(path: Path, good: Path) -> None:
    with zipfile.ZipFile(good) as stored, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))


def with_weights(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path, Path], Any]:
    def write(path: Path, good: Path) -> None:
        saved = torch.load(good, weights_only=True)
        change(saved)
        torch.save(saved, path)

    return write


HOSTILE: dict[str, Callable[[Path, Path], Any]] = {
    "a payload among the weights": lambda path, good: torch.save({"model": Payload()}, path),
    "a pickle with code": lambda path, good: path.write_bytes(pickle.dumps(Payload(), protocol=2)),
    "nothing": lambda path, good: path.write_bytes(b""),
    "another kind of file": lambda path, good: path.write_bytes(b"\x89PNG\r\n" + bytes(5000)),
    "cut short": lambda path, good: path.write_bytes(good.read_bytes()[:-3000]),
    "compressed": compressed,
    "a list": lambda path, good: torch.save([1, 2], path),
    "no weights": with_weights(lambda saved: saved.pop("model")),
    "weights that are none": with_weights(lambda saved: saved["model"].update(dict.fromkeys(list(saved["model"])[:1], "text"))),
    "a weight less": with_weights(lambda saved: saved["model"].pop(list(saved["model"])[3])),
    "a weight more": with_weights(lambda saved: saved["model"].update(another=torch.ones(3))),
    "a weight of another shape": with_weights(lambda saved: saved["model"].update({list(saved["model"])[3]: torch.ones(3, 3, 3, 3)})),
    "one number as a weight of a terabyte": with_weights(lambda saved: saved["model"].update({list(saved["model"])[3]: torch.ones(1).half().expand(1 << 38)})),
    "a weight without values": with_weights(lambda saved: saved["model"].update({list(saved["model"])[3]: torch.empty(3, device="meta")})),
    "a sparse weight": with_weights(lambda saved: saved["model"].update({list(saved["model"])[3]: torch.eye(3).to_sparse()})),
    "a complex weight": with_weights(lambda saved: saved["model"].update({name: value * 1j for name, value in list(saved["model"].items())[3:4]})),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize(("converter", "role"), CHECKPOINTS)
def test_a_checkpoint_that_is_none_is_refused_at_once_and_nothing_of_it_runs(
    converter: str, role: str, what: str, clones: Callable[[str], Voice], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = clones(converter)
    assert voice.clone is not None
    bad = tmp_path / "bad.pth"
    HOSTILE[what](bad, voice.clone.file(role))
    hostile, base = replace(voice, clone=tiny_converters_more.with_file(voice.clone, role, bad)), loaded(voice)
    before = peak_mb()
    with pytest.raises(SidecarError) as caught:
        VitsTorch.speaking_with(base, "cpu-torch", HostBoundary(CPU), clone=hostile.clone)
    assert caught.value.code == "voice_broken" and caught.value.params["voice"] == voice.clone.id and caught.value.params["reason"]
    assert "executed" not in capsys.readouterr().out
    assert peak_mb() - before < 500


def peak_mb() -> float:
    """Of this process, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("converter", BASES)
def test_the_identity_names_sample_and_converter_and_is_otherwise_the_bases(converter: str, clones: Callable[[str], Voice]) -> None:
    voice = clones(converter)
    with_clone, without = (loaded(one, settings=SpeechSettings()).identity for one in (voice, replace(voice, clone=None)))
    assert voice.clone is not None and with_clone["clone_sample"] == voice.clone.sample_hash() and with_clone["converter"] == converter
    assert {name: value for name, value in with_clone.items() if name in without} == dict(without) and not any("clone" in name for name in without)
