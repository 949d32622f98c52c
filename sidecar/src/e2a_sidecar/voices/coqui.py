"""A coqui folder (checkpoint, config.json and perhaps speaker and language files), loaded by coqui's own code.

This is the only module that imports TTS. A voice comes from strangers: its configuration is made harmless first
(`harmless`), so that coqui reads no other file than the voice's own, imports no class of the configuration's choosing
and fetches nothing; checkpoints are unpickled as weights only (coqui's own default, TTS uses `weights_only`).
What is needed for training alone (discriminator, speaker encoder as a loss) is left out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch
from torch.nn import functional as F

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.decoder import span
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.clone.safety import LOADER_ERRORS, MOST_LAYERS, Bounded, check_stored
from e2a_sidecar.voices.clone.safety import stripped as without_weight_norm
from e2a_sidecar.voices.coqui_description import Description, espeak_name
from e2a_sidecar.voices.coqui_text import Alphabet
from e2a_sidecar.voices.described import MOST_SYMBOLS, read
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice

_LARGEST_TABLE: Final = 256 << 20  # of speakers' vectors as text
_ALPHABET: Final = ("characters", "phonemes", "punctuations", "vocab_dict")
_HIGHEST_RATE_HZ: Final = 192_000
_CHARACTERS: Final = "TTS.tts.utils.text.characters."
_CHARACTER_CLASSES: Final = frozenset(("TTS.tts.models.vits.VitsCharacters", _CHARACTERS + "IPAPhonemes", _CHARACTERS + "Graphemes"))
_FILES: Final = ("speakers_file", "speaker_file", "d_vector_file", "language_ids_file")
_TRAINING_ONLY: Final = {"use_speaker_encoder_as_loss": False, "speaker_encoder_model_path": "", "speaker_encoder_config_path": ""}
_NOT_ESPEAK: Final = frozenset(("be", "bn", "ja-jp", "ko-kr", "zh-cn"))  # coqui's default phonemizer for these is another


@dataclass(frozen=True, slots=True)
class Shape:
    """A VITS as coqui's class builds it; channels, kernels and layers by coqui's own names (VitsArgs)."""

    num_chars: int
    hidden_channels: int
    hidden_channels_ffn_text_encoder: int
    num_heads_text_encoder: int
    num_layers_text_encoder: int
    kernel_size_text_encoder: int
    kernel_size_flow: int
    num_layers_flow: int
    upsample_initial_channel_decoder: int
    upsample_rates_decoder: tuple[int, ...]
    upsample_kernel_sizes_decoder: tuple[int, ...]
    resblock_type_decoder: str
    resblock_kernel_sizes_decoder: tuple[int, ...]
    resblock_dilation_sizes_decoder: tuple[tuple[int, ...], ...]
    duration_channels: int
    """Hidden channels of the stochastic duration predictor; coqui's class always builds it with 192."""
    speakers: int = 1
    speaker_embedding_channels: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Sound:
    """All that coqui's `Vits` asks about sound in order to speak.

    Given its own `BaseAudioConfig`, it would also make an `AudioProcessor`, for training, whose mel filters load librosa,
    SciPy and Numba: 1.5 s of a start. For "incompatible audio configs", which this is to it, it makes none.
    """

    sample_rate: int
    hop_length: int

    def __getitem__(self, name: str) -> int:
        value: int = getattr(self, name)
        return value


@dataclass(frozen=True, slots=True)
class Opened:
    """A voice with its tables of conditioning vectors, (names, channels) each, where it has such."""

    network: Any
    description: Description
    speakers: torch.Tensor | None
    languages: torch.Tensor | None


def load(voice: Voice, language: str, settings: SpeechSettings) -> LoadedVits:
    """Load a verified voice of kind coqui. language: BCP 47, chooses one of a multilingual voice's.

    SidecarError `voice_broken` (files that cannot be read as what they claim to be), `voice_unsupported`.
    """
    return with_choices(open_voice(voice), voice, language, settings)


def open_voice(voice: Voice) -> Opened:
    """Load a verified voice with all its speakers and languages; SidecarError `voice_broken`, `voice_unsupported`."""
    raw, espeak_language = harmless(read(voice.file("config"), voice.id), voice)
    network = _network(raw, voice)
    try:
        speaker_names, speakers = _speakers(network)
        language_names, languages = _languages(network)
    except LOADER_ERRORS as error:
        raise SidecarError("voice_broken", repr(error)[:500], voice=voice.id, reason="its tables of speakers and languages are none") from None
    tokenizer, args, audio = network.tokenizer, network.args, network.config.audio
    if network.embedded_speaker_dim and speakers is None:  # its layers ask for a vector that is nowhere
        raise SidecarError("voice_unsupported", "", voice=voice.id, reason="it has no speakers of its own")
    upsampling = int(audio.sample_rate) // int(args.encoder_sample_rate) if args.encoder_sample_rate and args.interpolate_z else 1
    network = stripped(network)
    decoder_hop, context = span(network.waveform_decoder, voice.id)
    description = Description(
        rate_hz=int(audio.sample_rate),
        hop_length=decoder_hop * upsampling,
        upsampling=upsampling,
        channels=int(args.hidden_channels),
        context=context,
        symbols=int(network.text_encoder.emb.num_embeddings),
        stochastic=bool(args.use_sdp),
        alphabet=_alphabet(tokenizer.characters),
        cleaner=str(raw.get("text_cleaner") or ""),
        add_blank=bool(tokenizer.add_blank),
        marked=bool(tokenizer.use_eos_bos),
        espeak_language=espeak_language or "",
        speakers=tuple(map(str, speaker_names)),
        speaker_vectors=speakers is not None,
        languages=language_names,
        language_vectors=languages is not None,
        noise_scale=float(args.inference_noise_scale),
        noise_w=float(args.inference_noise_scale_dp),
        length_scale=float(args.length_scale),
    )
    return Opened(network, description.checked(voice.id), speakers, languages)


def with_choices(opened: Opened, voice: Voice, language: str, settings: SpeechSettings) -> LoadedVits:
    """An open voice with its speaker and language chosen; SidecarError `voice_unsupported` where it does not have them."""
    described = opened.description
    chosen = described.language(language, voice)
    noise_scale, noise_w, length_scale = described.scales(settings)
    return LoadedVits(
        network=opened.network,
        front_end=described.front_end(chosen, voice.id),
        rate_hz=described.rate_hz,
        hop_length=described.hop_length,
        channels=described.channels,
        speaker=_row(opened.speakers, described.speaker(voice).row),
        language=_row(opened.languages, chosen.row),
        speaker_sets_durations=bool(opened.network.args.condition_dp_on_speaker),
        noise_scale=noise_scale,
        noise_w=noise_w,
        length_scale=length_scale,
        identity=described.identity(voice, language, settings),
        versions=versions(),
        upsampling=described.upsampling,
    )


def versions() -> dict[str, str]:
    """Of what speaks, for the report."""
    return {name: version(name) for name in ("torch", "coqui-tts", "piper-tts")}


def stripped(network: Any) -> Any:
    """A `Vits` for speech alone: eval mode, no discriminator (half of its weights), no weight norm (the same output)."""
    network.disc = None
    network.posterior_encoder = None
    return without_weight_norm(network)


def blank(shape: Shape) -> Any:
    """coqui's `Vits` of a shape, weights not yet set, stripped for speech. Raises what coqui raises for no such shape."""
    from TTS.tts.configs.vits_config import VitsConfig  # type: ignore[import-untyped]
    from TTS.tts.layers.vits.stochastic_duration_predictor import StochasticDurationPredictor  # type: ignore[import-untyped]
    from TTS.tts.models.vits import Vits  # type: ignore[import-untyped]

    config = VitsConfig()
    args = config.model_args
    for name in Shape.__dataclass_fields__:
        value = getattr(shape, name)
        if hasattr(args, name):
            setattr(args, name, [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, tuple) else value)
    args.init_discriminator = False
    config.languages = ["any"]  # unused; coqui warns where there is none
    config.audio = Sound(config.audio.sample_rate, math.prod(shape.upsample_rates_decoder))
    if shape.speakers > 1:
        args.use_speaker_embedding = config.use_speaker_embedding = True
        args.num_speakers = shape.speakers
        config.speakers = [str(number) for number in range(shape.speakers)]
    network = Vits(config)
    network.text_encoder.emb = torch.nn.Embedding(shape.num_chars, shape.hidden_channels)
    conditioning = shape.speaker_embedding_channels if shape.speakers > 1 else 0
    network.duration_predictor = StochasticDurationPredictor(shape.hidden_channels, shape.duration_channels, 3, 0.0, 4, cond_channels=conditioning)
    return stripped(network)


def harmless(raw: dict[str, Any], voice: Voice) -> tuple[dict[str, Any], str | None]:
    """The configuration with nothing in it that reaches beyond the voice's files, and espeak's language (None: letters).

    Phonemes are made in this process, so coqui's own phonemizer (a binary that users do not have, once for each clause)
    is not built. SidecarError `voice_unsupported` for what cannot be spoken, `voice_broken` for what must not be read.
    """
    args = {**_object(raw.get("model_args"), "model_args", voice), **_TRAINING_ONLY}
    raw = {**raw, "model_args": args}
    if str(raw.get("model", "")).lower() != "vits" or raw.get("base_model") not in (None, "", "vits"):
        raise SidecarError("voice_unsupported", "", voice=voice.id, reason="it is no VITS")
    audio = _object(raw.get("audio"), "audio", voice)
    _check_layers(args, voice)
    _check_rates(args.get("encoder_sample_rate"), audio.get("sample_rate"), voice)
    if audio.get("stats_path"):
        raise SidecarError("voice_broken", "stats_path", voice=voice.id, reason="its description names a file of statistics that is no part of a voice")
    own_files = {path.name: str(path) for _, path in voice.files}
    for table in (raw, args):
        for key in _FILES:
            if table.get(key):
                table[key] = _own_file(table[key], own_files, voice)
    characters = {**_object(raw.get("characters"), "characters", voice)}
    if any(isinstance(characters.get(name), str | list | dict) and len(characters[name]) > MOST_SYMBOLS for name in _ALPHABET):
        raise SidecarError("voice_broken", "characters", voice=voice.id, reason="its alphabet has more characters than a voice has")
    espeak_language = _espeak_language(raw, voice) if raw.get("use_phonemes") else None
    if not characters.get("characters_class"):
        characters["characters_class"] = _CHARACTERS + ("IPAPhonemes" if raw.get("use_phonemes") else "Graphemes")
    if characters["characters_class"] not in _CHARACTER_CLASSES:
        raise SidecarError("voice_unsupported", "characters_class", voice=voice.id, reason="its alphabet is of a kind that is not known")
    cleaner = raw.get("text_cleaner")
    if cleaner is not None and not (isinstance(cleaner, str) and cleaner.endswith("_cleaners")):
        raise SidecarError("voice_unsupported", "text_cleaner", voice=voice.id, reason="its text cleaner is not known")
    return {**raw, "characters": characters if raw.get("characters") else None, "use_phonemes": False, "phonemizer": None}, espeak_language


def _object(value: Any, name: str, voice: Voice) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SidecarError("voice_broken", name, voice=voice.id, reason=f"{name} of its description is no object")
    return value


def _check_rates(latents_hz: Any, rate_hz: Any, voice: Voice) -> None:
    """coqui builds a resampler between the two, whose size is without bounds where they share no divisor or are far apart."""
    if latents_hz and not (
        isinstance(latents_hz, int) and isinstance(rate_hz, int) and latents_hz > 0 and rate_hz % latents_hz == 0 and rate_hz <= _HIGHEST_RATE_HZ
    ):
        reason = f"its latents of {latents_hz} Hz do not go evenly into its sound's {rate_hz} Hz"
        raise SidecarError("voice_unsupported", "encoder_sample_rate", voice=voice.id, reason=reason)


def _check_layers(args: Mapping[str, Any], voice: Voice) -> None:
    """Counts of layers, and lists with an entry for each: building them takes time, whatever their size."""
    counts = [value for name, value in args.items() if name.startswith("num_layers") and isinstance(value, int | float)]
    lists = [value for value in args.values() if isinstance(value, list)]
    counts += [len(one) for many in lists for one in (many, *many[:MOST_LAYERS]) if isinstance(one, list)]
    if not all(count <= MOST_LAYERS for count in counts):
        raise SidecarError("voice_broken", "layers", voice=voice.id, reason="its description asks for more layers than a voice has")


def _own_file(value: Any, own_files: Mapping[str, str], voice: Voice) -> Any:
    """The voice's own file of the same name; configurations hold the path of the machine that trained the voice."""
    if isinstance(value, list):
        return [_own_file(one, own_files, voice) for one in value]
    name = str(value).replace("\\", "/").rsplit("/", 1)[-1]
    if name not in own_files:
        raise SidecarError("voice_broken", "file", voice=voice.id, reason=f"its description names {name}, which is not among its files")
    return own_files[name]


def _espeak_language(raw: Mapping[str, Any], voice: Voice) -> str:
    phonemizer, language = raw.get("phonemizer") or "espeak", str(raw.get("phoneme_language") or "").lower()
    if phonemizer != "espeak" or (not raw.get("phonemizer") and language in _NOT_ESPEAK):
        name = phonemizer if raw.get("phonemizer") else f"one for {language}"
        reason = f"it needs another phonemizer than espeak ({name}), which is not installed"
        raise SidecarError("voice_unsupported", "phonemizer", voice=voice.id, reason=reason)
    if not language:
        raise SidecarError("voice_unsupported", "phoneme_language", voice=voice.id, reason="its description does not say which language its phonemes are of")
    return espeak_name(language)


def _network(raw: Mapping[str, Any], voice: Voice) -> Any:
    """coqui's `Vits` with the checkpoint's weights, by coqui's own loader."""
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models import setup_model  # type: ignore[import-untyped]

    path: Path = voice.file("model")
    try:
        config = VitsConfig()
        with warnings.catch_warnings():  # else coqui takes its defaults for what it cannot read
            warnings.filterwarnings("error", message=r"(?s).*Failed to deserialize field: (model_args|audio|characters)")
            config.from_dict(dict(raw))
        config.audio = Sound(int(config.audio.sample_rate), config.audio.hop_length)
        _check_files(voice)
        with Bounded(voice.id):
            network = setup_model(config)
        drawn = torch.random.get_rng_state()
        network.load_checkpoint(config, str(path), eval=True)
    except LOADER_ERRORS as error:
        reason = f"coqui's loader refuses it ({type(error).__name__})"
        raise SidecarError("voice_broken", f"{type(error).__name__}: {error}"[:500], voice=voice.id, reason=reason) from None
    if not torch.equal(drawn, torch.random.get_rng_state()):  # coqui draws voices for speakers who have none: another one each time
        raise SidecarError("voice_broken", "emb_g", voice=voice.id, reason="it names more speakers than it has voices")
    return network


def _check_files(voice: Voice) -> None:
    """Before coqui opens any of them: it reads tables of speakers and languages while it builds the network."""
    for role, path in voice.files:
        if role != "model" and path.stat().st_size > _LARGEST_TABLE:
            raise SidecarError("voice_broken", role, voice=voice.id, reason=f"{path.name} is too large to be a part of a voice")
        check_stored(path, voice.id)


def _alphabet(characters: Any) -> Alphabet:
    """Of coqui's characters. A mark that the alphabet names but does not have is none."""
    ids = {str(symbol): int(characters.char_to_id(symbol)) for symbol in characters.vocab}
    return Alphabet(ids, ids.get(characters.blank or characters.pad), ids.get(characters.bos), ids.get(characters.eos))


def _speakers(network: Any) -> tuple[tuple[str, ...], torch.Tensor | None]:
    """Names and vectors of a voice's speakers; none where it isn't conditioned on them."""
    manager, args = network.speaker_manager, network.args
    names = list(manager.name_to_id) if manager is not None else []
    if not (args.use_speaker_embedding or args.use_d_vector_file) or not names:
        return (), None
    if args.use_speaker_embedding and not args.use_d_vector_file:
        return tuple(names), network.emb_g.weight.detach()[[int(manager.name_to_id[name]) for name in names]].clone()
    vectors = torch.stack([torch.as_tensor(manager.get_mean_embedding(name), dtype=torch.float32) for name in names])
    return tuple(names), F.normalize(vectors)


def _languages(network: Any) -> tuple[tuple[str, ...], torch.Tensor | None]:
    """Names of a voice's languages, and their vectors where it is conditioned on them."""
    numbers = {str(name): int(number) for name, number in network.language_manager.name_to_id.items()}
    if not network.args.use_language_embedding or not hasattr(network, "emb_l"):
        return tuple(numbers), None
    return tuple(numbers), network.emb_l.weight.detach()[list(numbers.values())].clone()


def _row(table: torch.Tensor | None, row: int | None) -> torch.Tensor | None:
    return None if table is None or row is None else table[row].reshape(1, -1, 1)
