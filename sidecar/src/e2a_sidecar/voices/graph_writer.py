"""An ONNX graph that grows node by node, within bounds: what it is written from comes from strangers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from e2a_sidecar.voices.piper_graph import Unrecognised

_MOST_BYTES: Final = 1 << 29  # of what is stored; the largest published voice's decoder has 97 MB


class GraphWriter:
    """A model that grows: made of lists at the end, it would be copied twice."""

    def __init__(self) -> None:
        self.model = onnx.ModelProto()
        self.model.graph.name = "voice"
        self._bytes = 0

    def store(self, value: NDArray[Any] | list[int] | int) -> str:
        """A constant. Unrecognised where there is too much."""
        name, stored = f"e2a/w{len(self.model.graph.initializer)}", np.array(value, order="C")
        self._bytes += stored.nbytes
        if self._bytes > _MOST_BYTES:
            raise Unrecognised("weights that are too large")
        self.model.graph.initializer.append(numpy_helper.from_array(stored, name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"e2a/t{len(self.model.graph.node)}"
        self.model.graph.node.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name
