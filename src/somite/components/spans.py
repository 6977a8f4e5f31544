"""Spans of a flat vector: what is done entry by entry to a long one needs memory for a span only.

Noise of a tensor comes from one stream. PyTorch draws a stream of normal numbers in blocks of 16,
so that a span may begin at any multiple of 16 and draws what the whole would draw; a rest of fewer
than 16 belongs to the span before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LENGTH = 2**20
"""Entries of a span, a multiple of 16. A component of no more entries is one span."""
BLOCK = 16


@dataclass(frozen=True)
class Span:
    """Consecutive entries of a flat vector that is made of pieces.

    Args:
        entries: Which of the vector.
        parts: (number of a piece, which of its entries), for every piece it touches.
    """

    entries: slice
    parts: Sequence[tuple[int, slice]]

    @property
    def sizes(self) -> list[int]:
        """Number of entries of every part."""
        return [part.stop - part.start for _, part in self.parts]


def spans(pieces: Iterable[tuple[int, bool]], length: int | None = None) -> list[Span]:
    """Cut a flat vector into spans.

    Args:
        pieces: (size, whether it may be cut) of every piece; the others stay whole.
        length: Most entries of a span, unless a piece that stays whole has more; None for `LENGTH`.

    Example:
        >>> [span.entries for span in spans([(5, True), (4, True), (40, True)], 16)]
        [slice(0, 9, None), slice(9, 25, None), slice(25, 49, None)]
    """
    length = length or LENGTH
    found: list[Span] = []
    parts: list[tuple[int, slice]] = []
    start = stop = 0
    for number, (size, divisible) in enumerate(pieces):
        for part in _cuts(size, length if divisible else size):
            if parts and stop + part.stop - part.start > start + length:
                found.append(Span(slice(start, stop), parts))
                start, parts = stop, []
            parts.append((number, part))
            stop += part.stop - part.start
    return [*found, Span(slice(start, stop), parts)]


def _cuts(size: int, length: int) -> Iterator[slice]:
    starts = range(0, max(size - BLOCK + 1, 1), length)
    for start in starts:
        yield slice(start, size if start == starts[-1] else start + length)
