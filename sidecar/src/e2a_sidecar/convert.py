"""The order of one conversion, and the only file of the sidecar that knows it whole.

    read the bundle -> look at the target -> pre-flight -> speak what the store lacks, encode along -> verify -> show

Every stage is another module's; here stands who comes after whom, what is checked before hours of work (design rule 7),
and what is undone when it stops: the hidden file beside the target is removed, clips stay.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from e2a_sidecar import report as reports
from e2a_sidecar.assembly import Assembled, Assembly, Ready
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.mastering.clips import ClipStore, clip_key
from e2a_sidecar.model import Book, Clip, Line, Speaker, Take, Warn
from e2a_sidecar.protocol import Convert
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.engine import Engine, Transfers
from e2a_sidecar.speaking.make import describe_voice
from e2a_sidecar.speaking.rounds import speak_checked
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice

log = logging.getLogger(__name__)
