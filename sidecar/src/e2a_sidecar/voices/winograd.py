"""Convolutions with fewer multiplications: Winograd's minimal filtering (Toom-Cook), in onnxruntime's own operators.

Four neighbouring outputs of a convolution with k taps take 4k products of its matrices with a sample each. Taken as products of
polynomials, which are fixed by their values at k + 3 points, they take k + 3: the samples' values there are sums of samples, and
the outputs are sums of the products. So five taps need 8 products instead of 20. onnxruntime has no such kernel for one dimension.

Signals are rows here, (length, channels): what is gathered is whole rows, and the products are matrix products that need no
other order. An output is computed in the same way wherever it lies within a signal, to the last bit, as long as it has the same
place in its tile of `step * dilation` outputs and its tile sees the same rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.voices.graph_constants import Floats
from e2a_sidecar.voices.graph_writer import GraphWriter

FEWEST_CHANNELS: Final = 64
"""Of a convolution's input: with 32, what is saved goes into the sums."""
_AT_ONCE: Final = 7
"""Taps; more are taken in groups, for each point costs accuracy."""
_IN_GROUPS: Final = 6
_POINTS: Final = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
_MORE_POINTS: Final = (0.0, 0.4, -0.4, 0.8, -0.8, 1.25, -1.25, 2.5, -2.5)
"""Beside the one at infinity, by how exact single precision is with them (tried: 1e-6 and 2e-6 of the output)."""
_LARGE: Final = 192 * 256
"""Of a matrix: kept packed by onnxruntime it is worth that its product stands alone."""


def transforms(step: int, taps: int) -> tuple[Floats, Floats, Floats]:
    """What gives values at points of samples, of weights, and outputs of their products: (points, points), (points, taps), (step, points).

    The values of a product of polynomials are those of its factors multiplied, and by the inverse its coefficients are found.
    A convolution is here a correlation, which is that read backwards.
    """
    count = step + taps - 1
    points = (_POINTS if count <= len(_POINTS) + 1 else _MORE_POINTS)[: count - 1]

    def values(length: int) -> NDArray[np.float64]:
        return np.vstack([np.vander(np.array(points), length, increasing=True), np.eye(length)[-1]])  # at infinity: the highest coefficient

    samples = np.linalg.inv(values(count)).T
    return samples.astype(np.float32), values(taps).astype(np.float32), values(step).T.astype(np.float32)


class Rows:
    """Convolutions of signals that are all as long as one of them, `step` outputs at a time."""

    def __init__(self, writer: GraphWriter, like: str, step: int) -> None:
        self._writer, self._step = writer, step
        self._length = writer.node("Gather", writer.node("Shape", like), writer.store([0]))
        self._known: dict[tuple[int, ...], tuple[str, str]] = {}

    def convolution(self, rows: str, weight: Floats, bias: Floats | None, pads: tuple[int, int], dilation: int = 1) -> str:
        """weight: (out, in, taps); pads: zeros at the ends. Gives (length + pads - (taps - 1) * dilation, out)."""
        node, store, (out, channels, taps) = self._writer.node, self._writer.store, weight.shape
        groups = 1 if taps <= _AT_ONCE else -(-taps // _IN_GROUPS)
        each = -(-taps // groups)
        longer = sum(pads) - (taps - 1) * dilation
        of_samples, of_weights, of_products = transforms(self._step, each)
        points = len(of_samples)
        taken, padded = self._places(points, groups, each, dilation, pads[0], longer)
        samples = node("Gather", node("Pad", rows, padded), taken, axis=0)
        values = node("MatMul", store(of_samples), node("Reshape", samples, store([points, -1])))
        filled = np.zeros((out, channels, groups * each), dtype=np.float64)
        filled[:, :, :taps] = weight
        matrices = np.einsum("pk,ocgk->pgco", of_weights, filled.reshape(out, channels, groups, each)).reshape(points, groups * channels, out)
        products = self._products(values, matrices.astype(np.float32))
        outputs = node("MatMul", store(of_products), node("Reshape", products, store([points, -1])))
        found = node("Gather", node("Reshape", outputs, store([-1, out])), self._order(dilation, longer), axis=0)
        return found if bias is None else node("Add", found, store(bias))

    def _products(self, values: str, matrices: Floats) -> str:
        node, store, (points, channels, out) = self._writer.node, self._writer.store, matrices.shape
        if channels * out < _LARGE:
            return node("MatMul", node("Reshape", values, store([points, -1, channels])), store(matrices))
        alone = (node("Gather", values, store([point]), axis=0) for point in range(points))
        return node("Concat", *(node("MatMul", node("Reshape", one, store([-1, channels])), store(m)) for one, m in zip(alone, matrices, strict=True)), axis=0)

    def _tiles(self, dilation: int, longer: int) -> tuple[str, str]:
        """How many tiles there are, and their numbers."""
        if (dilation, longer) not in self._known:
            node, store, tile = self._writer.node, self._writer.store, self._step * dilation
            count = node("Div", node("Add", self._length, store([longer + tile - 1])), store([tile]))
            self._known[dilation, longer] = count, node("Range", store(0), node("Squeeze", count), store(1))
        return self._known[dilation, longer]

    def _places(self, points: int, groups: int, each: int, dilation: int, before: int, longer: int) -> tuple[str, str]:
        """Numbers of the rows that each point's sums take, (points, tiles, dilation * groups), and what is padded for them."""
        key = (points, groups, each, dilation, before, longer)
        if key not in self._known:
            node, store, tile = self._writer.node, self._writer.store, self._step * dilation
            count, numbers = self._tiles(dilation, longer)
            first = np.arange(points)[:, None, None, None] * dilation + np.arange(dilation)[:, None] + np.arange(groups) * each * dilation
            taken = node("Add", store(first.reshape(points, 1, -1)), node("Reshape", node("Mul", numbers, store([tile])), store([1, -1, 1])))
            needed = node("Add", node("Mul", count, store([tile])), store([dilation * (groups * each - 1) - before]))
            self._known[key] = taken, node("Concat", store([before, 0]), node("Sub", needed, self._length), store([0]), axis=0)
        return self._known[key]

    def _order(self, dilation: int, longer: int) -> str:
        """Numbers of the rows of outputs, (step, tiles, dilation), as they follow one another."""
        key = (dilation, longer, -1)
        if key not in self._known:
            node, store = self._writer.node, self._writer.store
            count, numbers = self._tiles(dilation, longer)
            of_tiles = node("Mul", node("Reshape", numbers, store([-1, 1, 1])), store([dilation]))
            of_steps = node("Mul", store(np.arange(self._step)[:, None]), node("Mul", count, store([dilation])))
            all_of_them = node("Add", node("Add", of_tiles, of_steps), store(np.arange(dilation)))
            length = node("Add", self._length, store([longer]))
            self._known[key] = node("Slice", node("Reshape", all_of_them, store([-1])), store([0]), length, store([0])), ""
        return self._known[key][0]
