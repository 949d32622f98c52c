"""FreeVC24 over the layers of coqui's `FreeVC` (TTS/vc/models/freevc.py, 0.28.0): what is said, by WavLM's features, in another's voice, at 24 kHz.

    source -> WavLM's last layer -> prior (our noise on it) -> the flow backwards -> decoder     all on the device, nothing read

coqui's own path draws its noise itself and leaves out what lies behind the last whole frame, up to 25 ms of each sentence;
here the source is continued by silence, so that a sentence is as long as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.converter import Reference, at_rate, mask_of
from e2a_sidecar.speaking.clone.decoding import Decoding
from e2a_sidecar.speaking.clone.resample import Resampler
from e2a_sidecar.speaking.clone.wavlm import RATE_HZ, Features
from e2a_sidecar.speaking.flow import reverse_flow, wavenet
from e2a_sidecar.speaking.host import to_host

_TRIM_DB: Final = 20.0
_TRIM_WINDOW, _TRIM_HOP = 2048, 512

Hear = Callable[[torch.Tensor], torch.Tensor]
"""A recording (1, samples) at `source_hz` -> its speaker's vector (1, channels)."""


def by_spectrogram(encoder: Any, mel: Callable[[torch.Tensor], torch.Tensor]) -> Hear:
    """By FreeVC's own encoder. mel: waves (1, samples) -> (1, mels, frames)."""
    return lambda wave: encoder.embed_utterance(mel(wave).transpose(1, 2))


def by_waves(encoder: Any) -> Hear:
    """By the encoder with a file of its own, which coqui gives the recording as NumPy."""
    return lambda wave: encoder.embed_utterance(to_host(wave))[None]


class FreeVC:
    """See converter.Converter."""

    name = "freevc24"
    source_hz = RATE_HZ

    def __init__(self, network: Any, wavlm: Any, hear: Hear, rate_hz: int, clone: str = "") -> None:
        """network: coqui's `FreeVC`, stripped, of which `enc_p`, `flow` and `dec` are used; wavlm: coqui's; hear: see Hear; all on one device.

        clone: its id, for errors. SidecarError `voice_unsupported` where the decoder's frames are not WavLM's.
        """
        self.rate_hz = rate_hz
        self._clone = clone
        self._features = Features(wavlm)
        self._prior = network.enc_p
        self._flow = network.flow
        self._hear = hear
        self._decoding = Decoding(network.dec, clone)
        hop = self._decoding.hop_length
        if hop * self.source_hz != self._features.hop * rate_hz:
            raise SidecarError("voice_unsupported", f"hop {hop}", voice=clone, reason="its decoder's steps are not those of the network that listens")

    def refer(self, sample: torch.Tensor, rate_hz: int) -> Reference:
        """The speaker's vector (1, channels, 1), as coqui's `_extract_target_se` computes it."""
        heard = trimmed(Resampler(rate_hz, self.source_hz, sample.device)(sample[None], [len(sample)])[0])
        if heard.shape[1] < self._features.field:
            raise SidecarError("voice_broken", "silence", voice=self._clone, reason="there is nothing to be heard in its recording")
        return {"speaker": self._hear(heard).unsqueeze(-1)}

    def noise(self, samples: int) -> tuple[int, ...]:
        return self._prior.out_channels, self._frames(samples)

    def samples(self, source_samples: int) -> int:
        return at_rate(source_samples, self.source_hz, self.rate_hz)

    def convert(
        self, source: torch.Tensor, lengths: Sequence[int], reference: Reference, noise: Sequence[torch.Tensor], poll: Callable[[], None]
    ) -> torch.Tensor:
        frames = [self._frames(length) for length in lengths]
        features = self._features
        heard = features(F.pad(source, (0, features.samples(max(frames)) - source.shape[1])), [features.samples(count) for count in frames], poll)
        mask = mask_of(frames, max(frames), heard)[:, None]
        speaker = reference["speaker"].expand(len(frames), -1, -1)
        mean, log_scale = self._spread(heard.transpose(1, 2), mask)
        poll()
        drawn = pad_sequence([one.T for one in noise], batch_first=True).transpose(1, 2)
        z = reverse_flow(self._flow, (mean + drawn * torch.exp(log_scale)) * mask, mask, speaker)
        return self._decoding(z, frames, [self.samples(length) for length in lengths], reference["speaker"], poll)

    def _frames(self, samples: int) -> int:
        """Of a sentence: as many as cover it."""
        return max(1, -(-samples // self._features.hop))

    def _spread(self, heard: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log scale of the prior, (batch, channels, frames) each."""
        prior = self._prior
        hidden = wavenet(prior.enc, prior.pre(heard) * mask, mask, None)
        mean, log_scale = torch.split(prior.proj(hidden) * mask, prior.out_channels, dim=1)
        return mean, log_scale


def trimmed(wave: torch.Tensor) -> torch.Tensor:
    """A wave (1, samples) without what is 20 dB below its loudest at both ends, as `librosa.effects.trim` cuts it. Reads once."""
    padded = F.pad(wave, (_TRIM_WINDOW // 2, _TRIM_WINDOW // 2))
    power = to_host(padded.unfold(1, _TRIM_WINDOW, _TRIM_HOP).pow(2).mean(-1))
    loud = (power > power.max(initial=0.0) * 10 ** (-_TRIM_DB / 10)).nonzero()[0]
    if not len(loud):
        return wave[:, :0]
    return wave[:, int(loud[0]) * _TRIM_HOP : min(wave.shape[1], (int(loud[-1]) + 1) * _TRIM_HOP)]
