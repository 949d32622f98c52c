"""OpenVoice, over the layers of coqui's class (TTS/vc/models/openvoice.py, 0.28.0): the tone colour of speech taken off, the sample's put on.

    spectrogram -> posterior (mean, scale, our noise) -> flow with the sentence's own colour -> flow back with the sample's -> decoder

coqui takes the source's colour of each sentence anew, and so does this: then a sentence needs nothing but itself, whichever
base voice speaks it. (OpenVoice's authors give one of the base voice's, made before; that would have to be spoken first.)

coqui's own path waits for the device twice a spectrogram (its least and greatest value, for a log), draws its noise itself,
reads counts of channels out of tensors, drops what is behind the last whole frame, and hands on NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from e2a_sidecar.speaking.clone.converter import Reference, mask_of
from e2a_sidecar.speaking.clone.decoding import Decoding
from e2a_sidecar.speaking.clone.resample import resampled
from e2a_sidecar.speaking.flow import forward_flow, reverse_flow, wavenet

_STRIDE: Final = 64
"""Frames of the spectrogram for one that the reference encoder's recurrent layer hears: six halvings."""
_PIECE: Final = 64 * _STRIDE
"""Frames of the spectrogram that its convolutions are given at once; they see less than `_STRIDE` to each side."""


class OpenVoice:
    """See converter.Converter. network: coqui's `OpenVoice`, stripped, on its device."""

    name = "openvoice_v2"

    def __init__(self, network: Any, rate_hz: int, fft: int, window: int, clone: str = "") -> None:
        """rate_hz: of speech in and out. fft, window: samples of the spectrogram's. clone: its id, for SidecarError `voice_unsupported`."""
        self.source_hz = self.rate_hz = rate_hz
        self._network = network
        self._decoding = Decoding(network.dec, clone)
        network.dec = None  # its weights are kept once, in the order that suits the device
        self._hop, self._fft = self._decoding.hop_length, fft
        device = next(network.parameters()).device
        self._window = torch.hann_window(window, device=device)
        self._no_colour = torch.zeros(1, network.gin_channels, 1, device=device)
        self._least = -(-((fft - self._hop) // 2 + 1) // self._hop)
        """Frames of what can be mirrored at its ends."""

    def refer(self, sample: torch.Tensor, rate_hz: int) -> Reference:
        """The sample's `colour` (1, channels, 1)."""
        return {"colour": self._colour(self._spectrogram(resampled(sample, rate_hz, self.source_hz)))}

    def noise(self, samples: int) -> tuple[int, ...]:
        return self._network.inter_channels, self._frames(samples)

    def samples(self, source_samples: int) -> int:
        return source_samples

    def convert(
        self, source: torch.Tensor, lengths: Sequence[int], reference: Reference, noise: Sequence[torch.Tensor], poll: Callable[[], None]
    ) -> torch.Tensor:
        network, frames, colour = self._network, [self._frames(length) for length in lengths], reference["colour"]
        spectra = [self._spectrogram(source[row, :length]) for row, length in enumerate(lengths)]
        poll()
        own = torch.cat([self._colour(spectrum) for spectrum in spectra])
        poll()
        mask = mask_of(frames, max(frames), source)[:, None]
        z = self._posterior(_padded(spectra), mask, self._no_colour.expand_as(own) if network.zero_g else own, _padded(noise))
        poll()
        z = forward_flow(network.flow, z, mask, own)
        poll()
        z = reverse_flow(network.flow, z, mask, colour.expand_as(own))
        return self._decoding(z, frames, lengths, self._no_colour if network.zero_g else colour, poll)

    def _frames(self, samples: int) -> int:
        """Of a sentence: as many as cover it."""
        return max(self._least, -(-samples // self._hop))

    def _spectrogram(self, wave: torch.Tensor) -> torch.Tensor:
        """Magnitudes (bins, frames) of a wave continued by silence to whole frames, as coqui's `wav_to_spec` makes them: mirrored at its ends."""
        wave = F.pad(wave, (0, self._frames(len(wave)) * self._hop - len(wave)))
        mirrored = F.pad(wave[None, None], ((self._fft - self._hop) // 2,) * 2, mode="reflect")[0, 0]
        spectrum = torch.stft(mirrored, self._fft, self._hop, len(self._window), self._window, center=False, return_complex=True)
        return torch.sqrt(torch.view_as_real(spectrum).pow(2).sum(-1) + 1e-6)

    def _posterior(self, spectra: torch.Tensor, mask: torch.Tensor, colour: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        encoder = self._network.enc_q
        hidden = wavenet(encoder.enc, encoder.pre(spectra) * mask, mask, colour)
        mean, log_scale = torch.split(encoder.proj(hidden) * mask, encoder.out_channels, dim=1)
        z: torch.Tensor = (mean + noise * self._network.tau * torch.exp(log_scale)) * mask
        return z

    def _colour(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Tone colour (1, channels, 1) of one spectrogram, whatever its length in bounded memory."""
        encoder, frames = self._network.ref_enc, spectrum.transpose(0, 1)
        heard = torch.cat([self._heard(frames, start) for start in range(0, len(frames), _PIECE)], dim=1)
        _, last = encoder.gru(heard)
        colour: torch.Tensor = encoder.proj(last[0])[..., None]
        return colour

    def _heard(self, frames: torch.Tensor, start: int) -> torch.Tensor:
        """What the convolutions of the reference encoder make of a piece, (1, steps, numbers), its neighbours beside it while they do."""
        before = min(_STRIDE, start)
        x = self._network.ref_enc.layernorm(frames[start - before : start + _PIECE + _STRIDE][None, None])
        for convolution in self._network.ref_enc.convs:
            x = F.relu(convolution(x))
        steps: torch.Tensor = x.transpose(1, 2).flatten(2)
        first = before // _STRIDE
        return steps[:, first : first + _PIECE // _STRIDE] if start + _PIECE < len(frames) else steps[:, first:]


def _padded(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """(channels, frames) of each sentence -> (batch, channels, longest)."""
    return pad_sequence([part.T for part in parts], batch_first=True).transpose(1, 2)
