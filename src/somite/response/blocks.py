"""Blocks of draws: means over them, and the errors that follow from how they differ.

A mean over draws that depend on each other has the error of a mean over blocks of them that hardly
do. Drawing blocks with replacement (the bootstrap of Künsch 1989, blocks that do not overlap) gives
a mean the variance Σ_b (n_b/N)² (s_b − s̄)² · B/(B − 1), which is used in place of the drawing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somite.core.checks import at_least
from somite.sampling.convergence import LEAST_DRAWS
from somite.sampling.recording import block_length

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Blocks:
    """Where draws are cut: blocks of equal length, the last one possibly shorter.

    Args:
        draws: Number of draws of a chain.
        length: Draws in a block.
    """

    draws: int
    length: int

    @classmethod
    def of(cls, draws: int) -> "Blocks":
        """Blocks of √draws draws."""
        return cls(draws, block_length(draws))

    @property
    def share(self) -> Array:
        """Share of a chain's draws in every block (block,)."""
        ends = np.append(np.arange(0, self.draws, self.length), self.draws)
        shares: Array = np.diff(ends) / self.draws
        return shares

    def means(self, values: Array) -> Array:
        """Means over blocks (chain, block, …) of values (chain, draw, …)."""
        starts = np.arange(0, self.draws, self.length)
        sums = np.add.reduceat(values, starts, axis=1)
        found: Array = sums / (self.share * self.draws).reshape(-1, *(1,) * (values.ndim - 2))
        return found


def total(means: Array, share: Array) -> Array:
    """Mean over all chains and draws (…) of block means (chain, block, …)."""
    found: Array = np.tensordot(share, means.mean(0), axes=(0, 0))
    return found


def standard_errors(means: Array, share: Array) -> tuple[Array, Array]:
    """Standard errors of the total mean of a series.

    Args:
        means: Of its blocks (chain, block, …).
        share: Of the draws in every block (block,).

    Returns:
        Between chains, sd of the chain means / √chains, and from resampled blocks (…).
    """
    chains, count = means.shape[0], means.shape[0] * means.shape[1]
    by_chain = np.tensordot(means, share, axes=(1, 0))  # (chain, …)
    between = by_chain.std(0, ddof=1) / np.sqrt(chains)
    off = (means - by_chain.mean(0)) ** 2
    along = np.tensordot((share / chains) ** 2, off.sum(0), axes=(0, 0))
    return between, np.sqrt(along * count / (count - 1))


def check_enough(chains: int, draws: int) -> None:
    """Require what an error needs: two chains, and draws for a few blocks.

    Raises:
        InputError: If there are fewer.
    """
    remedy = "Sample more chains, or pass errors=False."
    at_least("number of good chains", chains, 2, remedy)
    remedy = "Draw more or record probes more often, or pass errors=False."
    at_least("number of probe draws", draws, LEAST_DRAWS, remedy)
