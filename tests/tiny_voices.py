"""Small VITS voices with random weights, through the real classes and exporters: what tests speak with.

    coqui_voice   a folder with model_file.pth and config.json, saved from coqui's own `Vits`
    piper_voice   an .onnx and its .onnx.json, from piper-tts's training code and torch's ONNX exporter (as piper's own
                  export_onnx does it; that one wants a package for training which we do not install)

Random weights have absurd durations: the duration predictor's first flow is set so that about twelve phonemes make a
second. Layers that training starts at zero (flow, splines) get weights, and the decoder is made loud enough that an
error would be seen in 16 bits. `python tiny_voices.py FOLDER` writes one of each.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

import torch
from e2a_sidecar.voices.voice import Voice
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

FRAMES_AN_ID: Final = 3.1
"""Before rounding up: with a blank behind each phoneme some 12 phonemes a second at 22,050 Hz and hop 256."""

D_VECTOR: Final = 16


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels, layers and speakers; `stock` is coqui's default and Piper's "high", `medium` Piper's medium."""

    hidden: int = 32
    ffn: int = 48
    layers: int = 2
    decoder: int = 32
    resblock: str = "2"
    kernels: tuple[int, ...] = (3, 5)
    dilations: tuple[tuple[int, ...], ...] = ((1, 2), (2, 6))
    rates: tuple[int, ...] = (8, 8, 4)
    ups: tuple[int, ...] = (16, 16, 8)
    speakers: int = 1


@dataclass(frozen=True, slots=True)
class Export:
    """How a Piper voice is exported. `new`: by dynamo, torch's default since 2.9, which needs onnxscript and 20 seconds."""

    new: bool = False
    opset: int = 15
    folding: bool = True
    keep_weight_norm: bool = False
    only: int | None = None
    """Of several speakers the one that is fixed in the graph."""


TINY: Final = Shape()
TINY_HIGH: Final = replace(TINY, resblock="1", kernels=(3, 7), dilations=((1, 3, 5), (1, 3, 5)), rates=(8, 8, 2, 2), ups=(16, 16, 4, 4))
MEDIUM: Final = Shape(192, 768, 6, 256, "2", (3, 5, 7), ((1, 2), (2, 6), (3, 12)))
STOCK: Final = Shape(192, 768, 6, 512, "1", (3, 7, 11), ((1, 3, 5),) * 3, (8, 8, 2, 2), (16, 16, 4, 4))


def coqui_voice(
    folder: Path,
    shape: Shape = TINY,
    *,
    d_vectors: bool = False,
    languages: tuple[str, ...] = (),
    sdp: bool = True,
    phonemes: bool = True,
    speaker_encoder: str = "",
    seed: int = 0,
) -> Voice:
    """A verified coqui voice. With `shape.speakers` > 1 speakers are p0, p1, ... (embeddings, or d-vectors).

    speaker_encoder: `lstm` or `resnet` puts one of that kind into the folder, as YourTTS has it: what made the d-vectors.
    """
    from TTS.tts.configs.shared_configs import CharactersConfig  # type: ignore[import-untyped]
    from TTS.tts.configs.vits_config import VitsConfig  # type: ignore[import-untyped]
    from TTS.tts.models import setup_model  # type: ignore[import-untyped]

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    config = VitsConfig(use_phonemes=False, add_blank=True, text_cleaner="basic_cleaners")
    config.characters = CharactersConfig(
        characters_class="TTS.tts.models.vits.VitsCharacters",
        pad="<PAD>",
        eos=None,
        bos=None,
        blank="<BLNK>",
        characters="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        punctuations=';:,.!?¡¿—…"«»“” ',
        phonemes="ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'̩'ᵻ",
    )
    files = {"model": folder / "model_file.pth", "config": folder / "config.json"}
    _set_shape(config, shape, sdp)
    if shape.speakers > 1 and d_vectors:
        files["d_vectors"] = folder / "d_vectors.json"
        vectors = {f"clip{i}": {"name": f"p{i}", "embedding": torch.randn(D_VECTOR).tolist()} for i in range(shape.speakers)}
        files["d_vectors"].write_text(json.dumps(vectors), encoding="utf-8")
        config.model_args.use_d_vector_file = config.use_d_vector_file = True
        config.model_args.d_vector_file, config.model_args.d_vector_dim = [str(files["d_vectors"])], D_VECTOR
    elif shape.speakers > 1:
        files["speakers"] = folder / "speakers.json"
        files["speakers"].write_text(json.dumps({f"p{i}": i for i in range(shape.speakers)}), encoding="utf-8")
        config.model_args.use_speaker_embedding = config.use_speaker_embedding = True
        config.model_args.num_speakers, config.model_args.speaker_embedding_channels = shape.speakers, 16
        config.model_args.speakers_file = str(files["speakers"])
    if languages:
        files["languages"] = folder / "languages.json"
        files["languages"].write_text(json.dumps({name: i for i, name in enumerate(languages)}), encoding="utf-8")
        config.model_args.use_language_embedding = config.use_language_embedding = True
        config.model_args.language_ids_file = str(files["languages"])
    if speaker_encoder:
        files |= coqui_speaker_encoder(folder, speaker_encoder)
        config.model_args.speaker_encoder_model_path = str(files["encoder"])
        config.model_args.speaker_encoder_config_path = str(files["encoder_config"])
    network = setup_model(config)
    _give_weights(network, "duration_predictor", "waveform_decoder", "flow")
    torch.save({"config": config.to_dict(), "model": network.state_dict(), "step": 0, "epoch": 0}, files["model"])
    saved = json.loads(json.dumps(config.to_dict()))
    if phonemes:  # set afterwards: building coqui's own phonemizer wants the espeak binary
        saved |= {"use_phonemes": True, "phonemizer": "espeak", "phoneme_language": "en-us", "text_cleaner": "phoneme_cleaners"}
    files["config"].write_text(json.dumps(saved), encoding="utf-8")
    return Voice("tiny-coqui", "coqui", "Tiny", "en", files=tuple(sorted(files.items()))).verified()


def coqui_speaker_encoder(folder: Path, kind: str, size: int = D_VECTOR) -> dict[str, Path]:
    """Checkpoint and description of a speaker encoder of coqui's classes: 16 kHz samples -> d-vector of `size` numbers.

    The residual one has coqui's fixed width (some 30 MB); the recurrent one is tiny.
    """
    from TTS.encoder.configs.speaker_encoder_config import SpeakerEncoderConfig  # type: ignore[import-untyped]
    from TTS.encoder.utils.generic_utils import setup_encoder_model  # type: ignore[import-untyped]

    config = SpeakerEncoderConfig(num_loader_workers=0, num_classes_in_batch=2, num_utter_per_class=2)
    audio = config.audio
    audio.sample_rate, audio.fft_size, audio.win_length, audio.hop_length, audio.num_mels, audio.preemphasis = 16000, 512, 400, 160, 64, 0.97
    config.model_params = {"model_name": kind, "input_dim": 64, "proj_dim": size, "use_torch_spec": True, "log_input": True}
    if kind == "lstm":
        config.model_params |= {"lstm_dim": 24, "num_lstm_layers": 2}
    files = {"encoder": folder / "model_se.pth", "encoder_config": folder / "config_se.json"}
    torch.save({"model": setup_encoder_model(config).state_dict()}, files["encoder"])
    config.save_json(files["encoder_config"])
    return files


def piper_voice(folder: Path, shape: Shape = TINY, *, seed: int = 0, sdp: bool = True, export: Export = Export()) -> Voice:
    """A verified Piper voice; with several speakers they are p0, p1, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the training code uses what torch has deprecated
        from piper.train.vits.models import SynthesizerTrn

        network = SynthesizerTrn(
            n_vocab=256, spec_channels=513, segment_size=32, inter_channels=shape.hidden, hidden_channels=shape.hidden, filter_channels=shape.ffn,
            n_heads=2, n_layers=shape.layers, kernel_size=3, p_dropout=0.0, resblock=shape.resblock, resblock_kernel_sizes=shape.kernels,
            resblock_dilation_sizes=shape.dilations, upsample_rates=shape.rates, upsample_initial_channel=shape.decoder,
            upsample_kernel_sizes=shape.ups, n_speakers=shape.speakers, gin_channels=16 if shape.speakers > 1 else 0,
            use_sdp=sdp,
        )  # fmt: skip
        _give_weights(network, "dp", "dec", "flow")
        network.eval()
        if not export.keep_weight_norm:
            network.dec.remove_weight_norm()  # type: ignore[no-untyped-call]
        files = {"model": folder / "tiny.onnx", "config": folder / "tiny.onnx.json"}
        _export(network, files["model"], shape.speakers, export)
    files["config"].write_text(json.dumps(_piper_config(shape if export.only is None else replace(shape, speakers=1))), encoding="utf-8")
    return Voice("tiny-piper", "piper", "Tiny", "en-US", files=tuple(sorted(files.items()))).verified()


def _export(network: Any, path: Path, speakers: int, export: Export) -> None:
    """As piper-tts's export_onnx: the same inputs, names and axes."""

    def infer(text: torch.Tensor, text_lengths: torch.Tensor, scales: torch.Tensor, sid: torch.Tensor | None = None) -> torch.Tensor:
        sid = sid if export.only is None else torch.tensor([export.only])
        audio: torch.Tensor = network.infer(text, text_lengths, noise_scale=scales[0], length_scale=scales[1], noise_scale_w=scales[2], sid=sid)[0]
        return audio.unsqueeze(1)

    network.forward = infer
    ids = torch.randint(0, 256, (1, 50), dtype=torch.long)
    several = speakers > 1 and export.only is None
    how: dict[str, Any] = {"opset_version": export.opset, "do_constant_folding": export.folding}
    if export.new:
        how = {"opset_version": 18, "external_data": False}
    with _exportable_spline() if export.new else nullcontext():
        torch.onnx.export(
            model=network,
            args=(ids, torch.tensor([50]), torch.tensor([0.667, 1.0, 0.8]), *([torch.tensor([0])] if several else [])),
            f=str(path),
            dynamo=export.new,
            input_names=["input", "input_lengths", "scales", *(["sid"] if several else [])],
            output_names=["output"],
            dynamic_axes={"input": {0: "batch_size", 1: "phonemes"}, "input_lengths": {0: "batch_size"}, "output": {0: "batch_size", 2: "time"}},
            verbose=False,
            **how,
        )


@contextmanager
def _exportable_spline() -> Iterator[None]:
    """piper-tts 1.8.0's spline picks values by a mask and asserts on them, which torch's new exporter refuses."""
    from e2a_sidecar.speaking.durations import inverse_spline
    from piper.train.vits import modules

    def spline(y: torch.Tensor, *shape: torch.Tensor, tail_bound: float, **_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        widths, heights, slopes = shape
        return inverse_spline(y, widths, heights, slopes, tail_bound), torch.zeros_like(y)

    with mock.patch.object(modules, "piecewise_rational_quadratic_transform", spline):
        yield


def _piper_config(shape: Shape) -> Mapping[str, Any]:
    return {
        "audio": {"sample_rate": 22050, "quality": "tiny"},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": {phoneme: list(ids) for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()},
        "num_symbols": 256,
        "num_speakers": shape.speakers,
        "speaker_id_map": {f"p{i}": i for i in range(shape.speakers)} if shape.speakers > 1 else {},
        "language": {"code": "en_US"},
    }


def _set_shape(config: Any, shape: Shape, sdp: bool) -> None:
    args = config.model_args
    args.hidden_channels, args.hidden_channels_ffn_text_encoder, args.num_layers_text_encoder = shape.hidden, shape.ffn, shape.layers
    args.num_layers_posterior_encoder, args.use_sdp = 2, sdp
    args.upsample_initial_channel_decoder, args.resblock_type_decoder = shape.decoder, shape.resblock
    args.resblock_kernel_sizes_decoder, args.resblock_dilation_sizes_decoder = list(shape.kernels), [list(d) for d in shape.dilations]
    args.upsample_rates_decoder, args.upsample_kernel_sizes_decoder = list(shape.rates), list(shape.ups)
    args.init_discriminator = False
    config.audio.hop_length = math.prod(shape.rates)
    config.audio.sample_rate = 22050


@torch.no_grad()
def _give_weights(network: Any, durations: str, decoder: str, flow: str) -> None:
    """Set what would make a random voice useless: see the module."""
    predictor = getattr(network, durations)
    for module in [*predictor.modules(), *getattr(network, flow).modules()]:
        for name in ("proj", "post"):
            layer = getattr(module, name, None)
            if isinstance(layer, torch.nn.Conv1d) and layer.bias is not None:
                layer.weight.normal_(0.0, 0.02)
                layer.bias.normal_(0.0, 0.02)
    for name, parameter in network.named_parameters():
        if name.endswith(("gamma", "beta")):  # equal ones would be merged by the exporter
            parameter.add_(torch.randn_like(parameter) * 0.05)
    if hasattr(predictor, "flows"):
        affine = predictor.flows[0]
        scale, shift = (affine.log_scale, affine.translation) if hasattr(affine, "log_scale") else (affine.logs, affine.m)
        scale.copy_(torch.tensor([[1.2], [1.1]]))
        shift.copy_(-math.log(FRAMES_AN_ID) * torch.exp(scale))
    else:
        predictor.proj.bias.fill_(math.log(FRAMES_AN_ID))
    last = getattr(network, decoder).conv_post
    last.weight.normal_(0.0, 1.0)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    print(coqui_voice(target / "coqui", replace(TINY, speakers=2)))
    print(piper_voice(target / "piper"))
