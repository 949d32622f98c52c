"""Half precision in the decoder, let through only where it stays near float32: measured on each voice and device, before it speaks.

Measured on one sentence, the same latents decoded in both. float16, summed in float32 as tensor cores do it, lies 58 dB
below joe's speech and 54 dB below that of a voice of stock shape; bfloat16 39 and 40 dB (emulated on a CPU). So half is
float16, and a processor's bfloat16 is not offered.
"""

from __future__ import annotations

from typing import Any, Final

from e2a_sidecar.model import Line
from e2a_sidecar.speaking.flights import Piece, heard
from e2a_sidecar.speaking.noise import draw_noise, take_noise
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.speed import NUMBERS
from e2a_sidecar.speaking.vits_network import VitsNetwork
from e2a_sidecar.voices.loaded import LoadedVits

LEAST_DB: Final = 45.0
_KEY: Final = "ha1f"
_ROW: Final = 1024


def half_db(network: VitsNetwork, voice: LoadedVits) -> float:
    """How far below a sentence's speech the error of half precision lies, in dB; NaN where something is no number. The network decodes in half
    afterwards. RuntimeError as torch has it."""
    network.in_half()
    piece = Piece(Line(0, NUMBERS.long, _KEY), 0, _sentence(voice))
    ids = piece.encoded.ids
    encoded = network.begin_encode([ids], [take_noise(_KEY, 0, "duration", (2, len(ids)))])
    frames, _ = heard(encoded.durations(), [piece], network.hop_length)
    material = network.material(frames, encoded, _ROW)
    draw_noise(_KEY, 0, "latent", material.noise[0])
    return network.exactness_db(encoded.prior, material)


def _sentence(voice: LoadedVits) -> Encoded:
    """Numbers; of a voice that can pronounce none, its symbols."""
    encoded = voice.front_end.encode(NUMBERS.long)
    symbols: Any = voice.network.text_encoder.emb.num_embeddings
    return Encoded(tuple(range(symbols)), ()) if encoded.empty else encoded
