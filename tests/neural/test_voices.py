"""Voices from strangers: loaded by coqui's own code, their speakers and languages, and what is refused."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_voices
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.coqui_text import InProcessEspeak
from e2a_sidecar.voices.voice import Voice

from .conftest import lines, loaded, spoken


def first_samples(voice: Voice, language: str = "en-us") -> np.ndarray[Any, Any]:
    engine = VitsTorch.speaking_with(loaded(voice, language), "cpu-torch", HostBoundary(torch.device("cpu")))
    return spoken(engine, lines()[:1])[0].samples


@pytest.mark.parametrize("name", ["piper, high, 3 speakers", "coqui, 2 speakers", "coqui, d-vectors, 2 languages"])
def test_speakers_differ_and_the_first_is_the_default(name: str, voices: Callable[[str], Voice]) -> None:
    voice = voices(name)
    default, first, second = (first_samples(replace(voice, speaker=speaker)) for speaker in ("", "p0", "p1"))
    assert np.array_equal(default, first)
    assert len(second) != len(first) or np.abs(second.astype(int) - first).max() > 100


@pytest.mark.parametrize("name", ["piper", "coqui", "coqui, 2 speakers"])
def test_a_speaker_whom_the_voice_does_not_have_is_refused(name: str, voices: Callable[[str], Voice]) -> None:
    with pytest.raises(SidecarError) as caught:
        loaded(replace(voices(name), speaker="nobody"))
    assert caught.value.code == "voice_unsupported" and "nobody" in str(caught.value.params["reason"])


def test_the_nearest_language_is_spoken_and_a_foreign_one_refused(voices: Callable[[str], Voice]) -> None:
    voice = voices("coqui, d-vectors, 2 languages")
    assert loaded(voice, "en-GB").identity["language"] == "en-us"
    assert loaded(voice, "fr").identity["language"] == "fr-fr"
    with pytest.raises(SidecarError) as caught:
        loaded(voice, "de")
    assert caught.value.code == "voice_unsupported"


def test_ids_are_those_of_coquis_own_tokenizer(voices: Callable[[str], Voice]) -> None:
    vits = loaded(voices("coqui, letters, no sdp"))
    text = "The first sentence, spoken: on the device!"
    assert list(vits.front_end.encode(text).ids) == vits.network.tokenizer.text_to_ids(text)


def test_phonemes_keep_the_punctuation_and_every_word_has_its_ids(voices: Callable[[str], Voice]) -> None:
    vits = loaded(voices("coqui"))
    text = "Hello, in the world: twenty-two (people) said “yes”…"
    encoded = vits.front_end.encode(text)
    said = vits.network.tokenizer.ids_to_text(encoded.ids[1::2])
    assert said.startswith("həlˈoʊ, ") and said.endswith("…") and "“jˈɛs”" in said
    assert [text[w.start : w.end] for w in encoded.words] == ["Hello", "in", "the", "world", "twenty-two", "people", "said", "yes"]
    assert all(a.last_id <= b.first_id for a, b in zip(encoded.words, encoded.words[1:], strict=False))


def test_pieces_of_a_long_line_lose_nothing(voices: Callable[[str], Voice]) -> None:
    front_end = loaded(voices("coqui")).front_end
    encoded = front_end.encode(lines()[2].text)
    pieces = front_end.pieces(encoded, 40)
    assert len(pieces) > 3 and all(len(piece.ids) <= 60 for piece in pieces)
    assert tuple(i for piece in pieces for i in piece.ids) == encoded.ids
    assert [(w.start, w.end) for piece in pieces for w in piece.words] == [(w.start, w.end) for w in encoded.words]
    assert all(0 <= w.first_id < w.last_id <= len(piece.ids) for piece in pieces for w in piece.words)


def test_espeak_is_asked_in_this_process_in_the_form_that_coqui_knows() -> None:
    assert InProcessEspeak("fr-fr", "v")("garçon") == "ɡaʁsˈɔ̃"
    assert "ç" in InProcessEspeak("de", "v")("ich")  # one character, as in the voices' alphabets
    with pytest.raises(SidecarError):
        InProcessEspeak("xx-yy", "v")


def changed(voice: Voice, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Voice:
    """A copy of a coqui voice with another description."""
    folder.mkdir(exist_ok=True)
    files = tuple((role, Path(shutil.copy(path, folder))) for role, path in voice.files)
    config = dict(files)["config"]
    raw = json.loads(config.read_text(encoding="utf-8"))
    change(raw)
    config.write_text(json.dumps(raw), encoding="utf-8")
    return replace(voice, files=files, sha256=()).verified()


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another model": (lambda raw: raw.update(model="tacotron2"), "voice_unsupported"),
    "a class of its own": (lambda raw: raw["characters"].update(characters_class="os.system"), "voice_unsupported"),
    "a cleaner of its own": (lambda raw: raw.update(text_cleaner="re"), "voice_unsupported"),
    "another phonemizer": (lambda raw: raw.update(phonemizer="gruut"), "voice_unsupported"),
    "several phonemizers": (lambda raw: raw.update(phonemizer="multi_phonemizer"), "voice_unsupported"),
    "an unknown language": (lambda raw: raw.update(phoneme_language="xx"), "voice_unsupported"),
    "phonemes of no language": (lambda raw: raw.update(phoneme_language=None), "voice_unsupported"),
    "latents resampled": (lambda raw: raw["model_args"].update(encoder_sample_rate=16000), "voice_unsupported"),
    "a foreign file": (lambda raw: raw["model_args"].update(use_speaker_embedding=True, speakers_file="/etc/passwd"), "voice_broken"),
    "a file of the net": (lambda raw: raw.update(use_d_vector_file=True, d_vector_file=["https://host.invalid/d.pth"]), "voice_broken"),
    "pickled statistics": (lambda raw: raw["audio"].update(stats_path="/tmp/stats.npy"), "voice_broken"),
    "no object": (lambda raw: raw.update(model_args=[1]), "voice_broken"),
    "another shape": (lambda raw: raw["model_args"].update(hidden_channels=64), "voice_broken"),
    "a network of terabytes": (lambda raw: raw["model_args"].update(hidden_channels=60_000), "voice_broken"),
    "layers without end": (lambda raw: raw["model_args"].update(num_layers_flow=10**9), "voice_broken"),
    "a list without end": (lambda raw: raw["model_args"].update(upsample_rates_decoder=[1] * 10_000), "voice_broken"),
    "no channels": (lambda raw: raw["model_args"].update(hidden_channels=0), "voice_broken"),
    "a resampler of terabytes": (lambda raw: (raw["model_args"].update(encoder_sample_rate=1), raw["audio"].update(sample_rate=10**12)), "voice_unsupported"),
    "a path for a language": (lambda raw: raw.update(phoneme_language="../../../../../../dev/zero"), "voice_broken"),
    "an alphabet without end": (lambda raw: raw["characters"].update(characters="ab" * 8192), "voice_broken"),
    "more than a description": (lambda raw: raw.update(datasets=[0] * 100_001), "voice_broken"),
    "nonsense in it": (lambda raw: raw["model_args"].update(upsample_rates_decoder="a"), "voice_broken"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_description_that_reaches_too_far_or_is_not_known_is_refused(what: str, voices: Callable[[str], Voice], tmp_path: Path) -> None:
    change, code = REFUSED[what]
    with pytest.raises(SidecarError) as caught:
        loaded(changed(voices("coqui"), tmp_path / "v", change))
    assert caught.value.code == code and caught.value.params["reason"]


def test_a_speaker_encoder_that_was_used_in_training_is_not_asked_for(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    wants = {"use_speaker_encoder_as_loss": True, "speaker_encoder_model_path": "https://host.invalid/encoder.pth"}
    assert loaded(changed(voices("coqui"), tmp_path / "v", lambda raw: raw["model_args"].update(wants))).rate_hz == 22050


def test_files_are_found_wherever_the_voice_was_trained(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    voice = changed(voices("coqui, 2 speakers"), tmp_path / "v", lambda raw: raw["model_args"].update(speakers_file="C:\\train\\speakers.json"))
    assert loaded(replace(voice, speaker="p1")).identity["speaker"] == "p1"


def test_speakers_whom_the_weights_do_not_have_are_not_invented(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    voice = changed(voices("coqui, 2 speakers"), tmp_path / "v", lambda raw: raw["model_args"].update(num_speakers=3))
    voice.file("speakers").write_text('{"p0": 0, "p1": 1, "p2": 2}', encoding="utf-8")
    with pytest.raises(SidecarError, match="voice_broken: emb_g"):
        loaded(replace(voice, sha256=()).verified())


def test_a_checkpoint_that_is_compressed_is_not_unpacked(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    voice = changed(voices("coqui"), tmp_path / "v", lambda raw: None)
    with zipfile.ZipFile(voices("coqui").file("model")) as stored, zipfile.ZipFile(voice.file("model"), "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(SidecarError, match="compressed"):
        loaded(replace(voice, sha256=()).verified())


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("executed",))


def test_a_checkpoint_with_a_payload_is_refused_and_nothing_of_it_runs(voices: Callable[[str], Voice], tmp_path: Path, capsys: Any) -> None:
    voice = changed(voices("coqui"), tmp_path / "v", lambda raw: None)
    for content in ({"model": Payload()}, None):
        if content:
            torch.save(content, voice.file("model"))
        else:
            voice.file("model").write_bytes(pickle.dumps(Payload(), protocol=2))
        with pytest.raises(SidecarError) as caught:
            loaded(voice)
        assert caught.value.code == "voice_broken"
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a model", b"\0" * 1000])
def test_a_piper_file_that_is_no_graph_is_refused(content: bytes, voices: Callable[[str], Voice], tmp_path: Path) -> None:
    model = tmp_path / "v.onnx"
    model.write_bytes(content)
    voice = voices("piper")
    with pytest.raises(SidecarError) as caught:
        loaded(replace(voice, files=(("config", voice.file("config")), ("model", model))))
    assert caught.value.code in ("voice_broken", "voice_unsupported")


def test_a_graph_that_is_not_known_is_left_to_onnxruntime(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        loaded(tiny_voices.piper_voice(tmp_path, sdp=False))
    assert caught.value.code == "voice_unsupported" and "cpu" in str(caught.value.params["reason"])


def test_files_of_two_voices_are_not_mixed(voices: Callable[[str], Voice]) -> None:
    one, several = voices("piper"), voices("piper, high, 3 speakers")
    with pytest.raises(SidecarError) as caught:
        loaded(replace(one, files=(("config", several.file("config")), ("model", one.file("model")))))
    assert caught.value.code == "voice_broken"


def test_a_voice_with_few_channels_is_spoken_too(tmp_path: Path) -> None:
    """Piper's x_low has 96: coqui's class builds its duration predictor with 192 whatever the voice has."""
    voice = tiny_voices.piper_voice(tmp_path, replace(tiny_voices.TINY, hidden=96, ffn=96, layers=1, decoder=64))
    assert loaded(voice).network.duration_predictor.pre.weight.shape[0] == 96
    assert len(first_samples(voice)) > 10_000
