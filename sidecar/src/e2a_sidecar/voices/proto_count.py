"""How many entries a protobuf message holds, counted before it is parsed: an empty one takes two bytes of a file and hundreds of memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def entries(data: bytes, message: Any, most: int) -> int:
    """Of a message and all within it, `most` + 1 at most. message: its descriptor. ValueError for what is none."""
    count, waiting = 0, [(0, len(data), _parts(message))]
    while waiting:
        at, end, parts = waiting.pop()
        while at < end:
            count += 1
            if count > most:
                return count
            tag, at = _varint(data, at)
            kind = tag & 7
            if kind == _VARINT:
                _, at = _varint(data, at)
            elif kind == _BYTES:
                size, at = _varint(data, at)
                if tag >> 3 in parts:
                    waiting.append((at, at + size, _parts(parts[tag >> 3])))
                at += size
            elif kind in (_EIGHT, _FOUR):
                at += 8 if kind == _EIGHT else 4
            else:
                raise ValueError("groups")
        if at > end:
            raise ValueError("an entry that reaches beyond its message")
    return count


@lru_cache(maxsize=100)
def _parts(message: Any) -> dict[int, Any]:
    """The fields that are messages themselves, by number."""
    return {field.number: field.message_type for field in message.fields if field.message_type is not None}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise ValueError("an entry that is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number without end")
