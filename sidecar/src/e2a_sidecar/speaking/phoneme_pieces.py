"""A line in pieces that a voice can speak at once. What its front end cannot take is that line's fault alone: no book ends because of it."""

from __future__ import annotations

import logging

from e2a_sidecar.errors import SidecarError, trace_of
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.voices.loaded import FrontEnd

_log = logging.getLogger(__name__)


class UnsaidError(Exception):
    """A front end failed at a line."""


def pieces_of(front_end: FrontEnd, line: Line, longest: int) -> tuple[Encoded, ...]:
    """Pieces of at most `longest` ids; none where there is nothing to pronounce.

    UnsaidError where the front end fails; SidecarError where it says itself that it cannot go on.
    """
    try:
        encoded = front_end.encode(line.text)
        return () if encoded.empty else front_end.pieces(encoded, longest)
    except SidecarError:
        raise
    except Exception as error:  # noqa: BLE001 - front ends run the code of several packages on any text
        _log.warning("line %d could not be made phonemes: %s", line.index, trace_of(error))
        raise UnsaidError from None
