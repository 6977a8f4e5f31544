"""Linear networks in NumPy, and their Jacobians the long way."""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise, product

import numpy as np


def chain_product(chain: Sequence[np.ndarray]) -> np.ndarray:
    return reduce(lambda done, matrix: matrix @ done, chain)


def random_chain(widths, ranks, rng) -> list[np.ndarray]:
    """Layers of given ranks in general position."""
    return [
        rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))
        for (columns, rows), rank in zip(pairwise(widths), ranks, strict=True)
    ]


def all_ranks(widths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(min(pair) + 1) for pair in pairwise(widths)))


def dense_jacobian(chain: Sequence[np.ndarray]) -> np.ndarray:
    """Jacobian of the product (outputs × inputs, weights), one column for each weight."""
    columns = []
    for place, matrix in enumerate(chain):
        for index in np.ndindex(matrix.shape):
            moved = np.zeros_like(matrix)
            moved[index] = 1.0
            # The product is linear in each layer.
            columns.append(chain_product([*chain[:place], moved, *chain[place + 1 :]]).ravel())
    return np.stack(columns, axis=1)


def distance_to_set(chain: Sequence[np.ndarray], step: float, rng) -> float:
    """How far a step inside the kernel of the Jacobian leads away from the set of equal product.

    In units of the step: of the order of the step where the set is smooth and the kernel is its
    tangent space, of order 1 where it is not.
    """
    truth = chain_product(chain)
    _, sizes, rows = np.linalg.svd(dense_jacobian(chain))
    kernel = rows[int((sizes > 1e-9).sum()) :]
    direction = rng.standard_normal(len(kernel)) @ kernel
    start = _flat(chain) + step * direction / np.linalg.norm(direction)
    now = start
    for _ in range(200):
        here = _cut(now, chain)
        error = (chain_product(here) - truth).ravel()
        if np.abs(error).max() < 1e-15:
            break
        now = now - np.linalg.lstsq(dense_jacobian(here), error, rcond=1e-12)[0]
    return float(np.linalg.norm(now - start)) / step


def _flat(chain):
    return np.concatenate([matrix.ravel() for matrix in chain])


def _cut(flat, like):
    ends = np.cumsum([matrix.size for matrix in like])[:-1]
    return [part.reshape(m.shape) for part, m in zip(np.split(flat, ends), like, strict=True)]
