"""Each place where coqui-tts 0.28.0 fails or wastes on a device: upstream shown to do so on the fake one, ours beside it.

Lines are those of 0.28.0, below `TTS/`. What FreeVC, OpenVoice, kNN-VC and `Synthesizer` hand on is what programs gave to
NumPy; `to_host` takes each as it is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.flow import reverse_flow
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.transfers import TransferCount
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator, OnDevice
from fake_accelerator.device import DEVICE, NUMPY_REFUSED

from . import upstream
from .conftest import lines, loaded, spoken
from .upstream import counted_in, failed_in

ASKED_TWICE = pytest.mark.filterwarnings("ignore:__array__ implementation")  # np.array asks again, with a warning, after a TypeError
THE_ERROR = "can't convert cuda:0 device type tensor to numpy"
CPU = torch.device("cpu")
VOICE = "coqui, letters, no sdp"
SPLINES = "coqui, 2 speakers"
REFERENCE = np.sin(np.arange(32000) * 0.05).astype(np.float32)
"""Two seconds at 16 kHz."""


@pytest.fixture(scope="module")
def tts_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """coqui's store, in which a WavLM lies already."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTS_HOME", str(home))
        upstream.save_wavlm(home)
        yield home


@pytest.fixture
def fake() -> Iterator[FakeAccelerator]:
    with FakeAccelerator() as accelerator:
        yield accelerator


def synthesizer(voice: Voice) -> Any:
    """coqui's own, its model on the device as `use_cuda` puts it there."""
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]

    made = Synthesizer(tts_checkpoint=str(voice.file("model")), tts_config_path=str(voice.file("config")))
    made.tts_model.cuda()
    return made


def described(voice: Voice, folder: Path, **changes: Any) -> Voice:
    """The same files with another description; `model_args` are changed one by one."""
    raw = json.loads(voice.file("config").read_text(encoding="utf-8"))
    args = raw["model_args"] | changes.pop("model_args", {})
    path = folder / "config.json"
    path.write_text(json.dumps(raw | changes | {"model_args": args}), encoding="utf-8")
    files = tuple((role, path if role == "config" else file) for role, file in voice.files)
    return Voice(voice.id, "coqui", files=files).verified()


def upstream_inference(fake: FakeAccelerator, voice: Voice) -> torch.Tensor:
    """coqui's own inference on the device."""
    vits = loaded(voice)
    network, ids = vits.network.to(DEVICE), vits.front_end.encode(lines()[0].text).ids
    speakers = None if vits.speaker is None else torch.zeros(1, dtype=torch.long, device=DEVICE)
    given = {"x_lengths": torch.tensor([len(ids)], device=DEVICE), "speaker_ids": speakers, "d_vectors": None, "language_ids": None}
    tokens = torch.tensor([ids], device=DEVICE)
    fake.counts.clear()
    made: torch.Tensor = network.inference(tokens, given)["model_outputs"]
    return made


def our_transfers(voice: Voice) -> Transfers:
    engine = VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE))
    assert len(spoken(engine, lines())) == 4
    return engine.transfers()


def test_the_naive_path_dies_of_the_very_error_and_to_host_reads_it(fake: FakeAccelerator, voices: Callable[[str], Voice]) -> None:
    made = upstream_inference(fake, voices("coqui"))
    for naive in (np.abs, np.asarray, lambda x: x.numpy(), lambda x: x.squeeze().detach().numpy()):
        with pytest.raises(TypeError, match=THE_ERROR):
            naive(made)
    fake.counts.clear()
    assert to_host(made).shape == (made.numel(),) and fake.counts.host_copies == 1


def test_the_same_program_passes_on_a_cpu_so_nobody_saw_it(voices: Callable[[str], Voice]) -> None:
    vits = loaded(voices("coqui"))
    made = vits.network.inference(torch.tensor([vits.front_end.encode("Hello.").ids]))["model_outputs"]
    assert np.abs(np.asarray(made)).max() > 0


def test_the_splines_of_the_durations_make_the_device_wait(fake: FakeAccelerator, voices: Callable[[str], Voice]) -> None:
    """tts/layers/vits/transforms.py:111 (twice) and :168, and boolean masks at :74-83: three flows a sentence."""
    from TTS.tts.layers.vits import transforms  # type: ignore[import-untyped]

    upstream_inference(fake, voices(SPLINES))
    domain, masks = counted_in(fake.counts, "wait", transforms.rational_quadratic_spline, transforms.unconstrained_rational_quadratic_spline)
    assert domain == 9 and masks >= 9
    assert our_transfers(voices(SPLINES)).hidden_syncs == 0


def test_the_flow_reads_its_count_of_channels_out_of_tensors(voices: Callable[[str], Voice]) -> None:
    """tts/layers/generic/wavenet.py:8: two reads a layer; of a tensor of the host, so a device does not wait for them."""
    vits = loaded(voices(SPLINES))
    x, mask = torch.randn(1, vits.channels, 20), torch.ones(1, 1, 20)
    reads = {}
    for name, work in {
        "upstream": lambda: vits.network.flow(x, mask, g=vits.speaker, reverse=True),
        "ours": lambda: reverse_flow(vits.network.flow, x, mask, vits.speaker),
    }.items():
        count = TransferCount(HostBoundary(CPU))
        with torch.inference_mode(), count.counting():
            work()
        reads[name] = count.transfers.hidden_syncs
    assert reads == {"upstream": 32, "ours": 0}


def test_speaking_a_sentence_uploads_many_times_waits_and_gives_a_list_with_zeros_behind_it(
    fake: FakeAccelerator, voices: Callable[[str], Voice], tmp_path: Path
) -> None:
    """tts/models/base_tts.py:659,661,668 (`synthesize`) and :545 (the speaker), tts/layers/vits/stochastic_duration_predictor.py:287
    (its noise); one read at :676; utils/synthesizer.py:430-431 make the list. Of a voice of YourTTS's kind: 5 uploads."""
    from TTS.tts.layers.vits.stochastic_duration_predictor import StochasticDurationPredictor  # type: ignore[import-untyped]
    from TTS.tts.models.base_tts import BaseTTS  # type: ignore[import-untyped]

    voice = voices("coqui, d-vectors, 2 languages")
    theirs = synthesizer(described(voice, tmp_path, use_phonemes=False))
    fake.counts.clear()
    wav = theirs.tts(lines()[0].text, speaker_name="p0", language_name="en-us", split_sentences=False)
    speaks = (BaseTTS.synthesize, BaseTTS._get_speaker_id_or_dvector, StochasticDurationPredictor.forward)
    assert counted_in(fake.counts, "upload", *speaks) == [3, 1, 1] and fake.counts.uploads == 5
    assert counted_in(fake.counts, "host copy", BaseTTS.synthesize) == [1] and fake.counts.waits > 9
    assert isinstance(wav, list) and wav[-10_000:] == [0] * 10_000
    assert to_host(wav).dtype == np.float32
    engine = VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE))
    take = spoken(engine, lines()[:1])[0]
    assert isinstance(take.samples, np.ndarray) and take.samples.dtype == np.int16 and take.samples[-2000:].any()
    assert engine.transfers() == Transfers(2, 2, 0)


@ASKED_TWICE
def test_a_list_of_scalars_of_the_device_cannot_be_saved_and_to_host_reads_it_at_once(
    fake: FakeAccelerator, voices: Callable[[str], Voice], tmp_path: Path
) -> None:
    """utils/synthesizer.py:307, `save_wav`."""
    theirs = synthesizer(voices(VOICE))
    scalars = list(torch.linspace(-1, 1, 5, device=DEVICE))
    with pytest.raises(TypeError, match=THE_ERROR) as caught:
        theirs.save_wav(scalars, str(tmp_path / "x.wav"))
    assert failed_in(caught) == ("utils/synthesizer.py", "save_wav")
    fake.counts.clear()
    assert to_host(scalars).tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1])
    assert fake.counts.host_copies == 1


@ASKED_TWICE
def test_a_voice_of_several_speakers_cannot_be_converted_on_a_device(fake: FakeAccelerator, voices: Callable[[str], Voice], tmp_path: Path) -> None:
    """tts/models/vits.py:773, `inference_voice_conversion`: the speaker's number goes through NumPy. It fails on a CPU too."""
    theirs = synthesizer(described(voices(SPLINES), tmp_path, use_phonemes=False)).tts_model
    speaker, spectrum, length = torch.tensor([0], device=DEVICE), torch.zeros(1, 513, 4, device=DEVICE), torch.tensor([4], device=DEVICE)
    with pytest.raises(TypeError, match=THE_ERROR) as caught:
        theirs.inference_voice_conversion(spectrum, length, speaker, speaker)
    assert failed_in(caught) == ("tts/models/vits.py", "inference_voice_conversion")

    fake.counts.clear()
    with torch.inference_mode():  # the same by its parts, the speakers' vectors never leaving the device
        here, there = (theirs.emb_g(torch.tensor([number], device=DEVICE)).unsqueeze(-1) for number in (0, 1))
        z, _, _, mask = theirs.posterior_encoder(spectrum, length, g=here)
        z = theirs.flow(theirs.flow(z, mask, g=here), mask, g=there, reverse=True)
        samples = to_host(theirs.waveform_decoder(z * mask, g=there))
    assert samples.shape == (4 * 256,) and fake.counts.host_copies == 1

    theirs.cpu()
    with pytest.raises(RuntimeError, match=r"shape|size|dimension"):
        theirs.inference_voice_conversion(spectrum.cpu(), length.cpu(), speaker.cpu(), speaker.cpu())


@ASKED_TWICE
def test_freevc_cannot_take_a_list_of_the_device_and_sends_its_reference_up_and_down(fake: FakeAccelerator, tts_home: Path, tmp_path: Path) -> None:
    """vc/models/freevc.py:417 (`load_audio`), :425 and :431 (`_extract_target_se`): up, back to the host for librosa, up again."""
    from TTS.vc.models.freevc import FreeVC, mel_spectrogram_torch  # type: ignore[import-untyped]

    theirs = upstream.freevc(tmp_path).vc_model.cuda()
    with pytest.raises(TypeError, match=THE_ERROR) as caught:
        theirs.load_audio(list(torch.zeros(3, device=DEVICE)))
    assert failed_in(caught) == ("vc/models/freevc.py", "load_audio")

    fake.counts.clear()
    theirs._extract_target_se([REFERENCE])
    assert counted_in(fake.counts, "host copy", FreeVC._extract_target_se) == [1]
    assert counted_in(fake.counts, "upload", FreeVC.load_audio, FreeVC._extract_target_se) == [1, 1]

    boundary, audio = HostBoundary(DEVICE), theirs.config.audio
    fake.counts.clear()
    with torch.inference_mode():  # the same, uploaded once
        reference = boundary.upload(REFERENCE)[None]
        mel = mel_spectrogram_torch(
            reference, audio.filter_length, audio.n_mel_channels, audio.input_sample_rate, audio.hop_length, audio.win_length, audio.mel_fmin, audio.mel_fmax
        )
        speaker = theirs.enc_spk.embed_utterance(mel.transpose(1, 2)).unsqueeze(-1)
        assert counted_in(fake.counts, "upload", FreeVC.load_audio, FreeVC._extract_target_se) == [0, 0] and fake.counts.host_copies == 0
        converted = theirs.inference(theirs.extract_wavlm_features(reference), g=speaker)
    assert isinstance(converted, OnDevice) and fake.counts.host_copies == 0
    assert to_host(converted).shape == (converted.numel(),) and fake.counts.host_copies == 1


@ASKED_TWICE
def test_openvoice_cannot_take_a_list_of_the_device(fake: FakeAccelerator) -> None:
    """vc/models/openvoice.py:258, `load_audio`."""
    theirs = upstream.openvoice().cuda()
    scalars = list(torch.zeros(3, device=DEVICE))
    with pytest.raises(TypeError, match=THE_ERROR) as caught:
        theirs.load_audio(scalars)
    assert failed_in(caught) == ("vc/models/openvoice.py", "load_audio")
    assert theirs.load_audio(HostBoundary(DEVICE).upload(to_host(scalars))).shape == (1, 3)
    handed_on = theirs.voice_conversion(torch.from_numpy(REFERENCE), [torch.from_numpy(REFERENCE)])
    assert np.shares_memory(to_host(handed_on), handed_on)


def test_knnvc_uploads_its_matching_set_at_each_call_and_hands_on_a_tensor_of_the_device(fake: FakeAccelerator, tts_home: Path) -> None:
    """vc/models/knnvc.py:104 (`get_matching_set` keeps it on the host), :149 and :150 (`match` uploads it twice)."""
    from TTS.vc.models.knnvc import KNNVC  # type: ignore[import-untyped]

    theirs = upstream.knnvc().cuda()
    reference = HostBoundary(DEVICE).upload(REFERENCE)
    matching = theirs.get_matching_set([reference], vad_trigger_level=0)
    assert matching.device == CPU
    features = theirs.get_features(reference)
    fake.counts.clear()
    for calls in (1, 2):
        handed_on = theirs.match(features, matching)
        assert counted_in(fake.counts, "upload", KNNVC.match) == [2 * calls]
    with pytest.raises(TypeError, match=THE_ERROR):
        np.abs(handed_on)
    kept = HostBoundary(DEVICE).upload(matching.numpy())
    fake.counts.clear()
    again = theirs.match(features, kept)
    assert fake.counts.uploads == 0 and np.array_equal(to_host(again), to_host(handed_on))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:audioread")  # librosa's way to read a file
@pytest.mark.filterwarnings("ignore::DeprecationWarning:aifc")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:sunau")
def test_speech_reaches_the_converter_through_a_file_that_is_left_behind(
    fake: FakeAccelerator, voices: Callable[[str], Voice], tts_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """api.py `tts_with_vc`: samples to the host, a list, a wav file, read, resampled, up again; the file stays."""
    import torchaudio  # type: ignore[import-untyped]
    from TTS.api import TTS  # type: ignore[import-untyped]

    soundfile.write(tmp_path / "reference.wav", REFERENCE, 16000)
    theirs = TTS(progress_bar=False)
    theirs.synthesizer, theirs.voice_converter = synthesizer(voices(VOICE)), upstream.freevc(tmp_path)
    converter = theirs.voice_converter.vc_model.cuda()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    fake.counts.clear()
    handed_on = theirs.tts_with_vc(lines()[0].text, speaker_wav=str(tmp_path / "reference.wav"))
    assert [path.suffix for path in (tmp_path / "tmp").iterdir()] == [".wav"]
    assert fake.counts.host_copies >= 3 and np.shares_memory(to_host(handed_on), handed_on)

    made = upstream_inference(fake, voices(VOICE))[0]  # the same without a file: what crosses is what comes out
    fake.counts.clear()
    with torch.inference_mode():
        heard = torchaudio.functional.resample(made, 22050, 16000)
        converted = converter.inference(converter.extract_wavlm_features(heard), g=torch.zeros(1, 16, 1, device=DEVICE))
    assert fake.counts.host_copies == 0
    assert to_host(converted).shape == (converted.numel(),) and fake.counts.host_copies == 1


def test_the_end_of_speech_is_found_in_its_middle_and_ours_cuts_nothing(fake: FakeAccelerator, voices: Callable[[str], Voice]) -> None:
    """utils/audio/numpy_transforms.py:359, `find_endpoint`: the greatest value, not the greatest size; the first pause, not the last."""
    from TTS.utils.audio.numpy_transforms import find_endpoint  # type: ignore[import-untyped]

    loud = 0.5 * np.sin(np.arange(22050) * 0.06)
    for middle in (-np.abs(loud), np.zeros(22050)):
        assert find_endpoint(wav=np.concatenate([loud, middle, loud]), sample_rate=22050, trim_db=45, gain=20) < 2 * 22050
    voice = voices(VOICE)
    whole = spoken(VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE)), lines()[:1])[0]
    fake.faults.spoil("zeros", operation="tanh", where="row_decoder.py")  # a take without a sound is as long
    silent = spoken(VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE)), lines()[:1])[0]
    assert fake.faults.injected and not silent.samples.any() and len(silent.samples) == len(whole.samples)


def test_a_voice_moved_from_the_machine_that_trained_it_is_not_found_by_upstreams_loader(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    """tts/utils/managers.py `init_encoder`, of a voice of YourTTS's kind: its description names the encoder's place in training."""
    elsewhere = {"speaker_encoder_model_path": "/train/model_se.pth", "speaker_encoder_config_path": "/train/config_se.json"}
    voice = described(voices("coqui, d-vectors, 2 languages"), tmp_path, model_args=elsewhere)
    assert loaded(voice).speaker is not None
    with pytest.raises(FileNotFoundError) as caught:
        synthesizer(described(voice, tmp_path, use_phonemes=False))
    assert ("tts/utils/managers.py", "init_encoder") in {(entry.path.as_posix().rsplit("/TTS/", 1)[-1], entry.name) for entry in caught.traceback}


def test_the_words_of_the_error_are_torchs_own(fake: FakeAccelerator) -> None:
    with pytest.raises(TypeError) as caught:
        torch.ones(1, device=DEVICE).numpy()
    assert str(caught.value) == NUMPY_REFUSED
