"""What a process loads before it speaks: no more than speech needs, or every start by torch takes seconds longer."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from e2a_sidecar.voices.voice import Voice

SPEAK = """
import pickle
import sys
from pathlib import Path
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
folder = Path(sys.argv[1])
for voice in pickle.loads((folder / "voices").read_bytes()):
    (take,) = next(make_engine(voice, "cpu-torch", "en", SpeechSettings(), folder).speak([Line(0, "A sentence.", "k")], lambda: False))
    print(voice.kind, len(take.samples) > 0, *(name for name in sys.argv[2:] if name in sys.modules))
"""
FOR_TRAINING = ("librosa.filters", "matplotlib", "numba", "pandas", "scipy.signal", "sklearn", "sympy", "tensorboard", "torch._dynamo", "transformers")
"""What coqui-tts and torch have at hand for spectrograms, a trainer and a compiler."""


def test_the_first_sentence_waits_for_nothing_that_only_training_needs(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    (tmp_path / "voices").write_bytes(pickle.dumps([voices("coqui, letters, no sdp"), voices("piper")]))
    done = subprocess.run([sys.executable, "-c", SPEAK, str(tmp_path), *FOR_TRAINING], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["coqui True", "piper True"], done.stdout + done.stderr
