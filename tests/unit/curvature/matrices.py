"""Symmetric matrices in float64 with known spectra, and Lanczos runs over them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from somite.core.random import stream
from somite.curvature import Spectrum, lanczos


def with_eigenvalues(values: Sequence[float], name: object = "turned") -> Tensor:
    """A dense matrix with these eigenvalues, in a random orthonormal basis."""
    size = len(values)
    normal = torch.randn(size, size, generator=stream(name), dtype=torch.float64)
    turn, _ = torch.linalg.qr(normal)
    return (turn * torch.tensor(values, dtype=torch.float64)) @ turn.T


def run(matrix: Tensor, steps: int, name: object = "start") -> Spectrum:
    return lanczos(matrix.mv, len(matrix), steps, stream(name), matrix.dtype)


def runs(matrix: Tensor, steps: int, count: int, name: object = "runs") -> list[Spectrum]:
    generator = stream(name)
    return [lanczos(matrix.mv, len(matrix), steps, generator, matrix.dtype) for _ in range(count)]
