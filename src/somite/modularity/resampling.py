"""Bootstrap of curves: chains, then blocks of draws, the same for all components."""

from collections.abc import Iterator
from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray

from somite.modularity.series import Array


def block_length(draws: int) -> int:
    """Draws in a block: the square root of their number, rounded up.

    Example:
        >>> block_length(150)
        13
    """
    root = isqrt(draws)
    return root + (root * root < draws)


class CurveBootstrap:
    r"""Resamples curves so that noise which the components share stays shared.

    At each checkpoint, independently of the others, chains are drawn with replacement and, in each
    chain drawn, circular moving blocks of draws (Politis and Romano 1992, so that every draw is as
    likely). The same chains and draws serve all components: they ran over the same minibatches with
    the same noise, and a difference of two components must not be blurred by what cancels in it.

    A resampled value is $\bar x + a(\bar x_{c} - \bar x) + (\bar x_{c}^{block} - \bar x_{c})$,
    averaged over the chains drawn: the deviation of the chains, and that of their blocks. With
    $a = 1$, the textbook form, the spread of draws counts twice, once inside the chains and once
    between their means (variance 1.75 times too large for four chains that mix). Therefore

    $a^2 = \frac{C}{C-1}\, \max(0,\, 1 - \sum W / \sum S^2)$,

    $S^2$ the variance between the chain means, $W$ that of a block-resampled chain mean, both
    summed over all cells: one number, so that shared noise keeps cancelling, and the variance of
    the resampled curves is on average $S^2/C$ (Davison and Hinkley 1997, section 3.8, on adjusting
    two-stage resampling).

    Args:
        values: Series (step, component, chain, draw); failed chains are wholly NaN.

    Example:
        >>> values = np.random.default_rng(0).normal(size=(3, 2, 4, 100))
        >>> boot = list(CurveBootstrap(values).resample(5, np.random.default_rng(1)))
        >>> len(boot), boot[0].shape
        (5, (3, 2))
    """

    def __init__(self, values: Array) -> None:
        """Precompute chain means and the running sums that block means are read from."""
        # (step, component, chain)
        self.good: NDArray[np.bool_] = np.all(np.isfinite(values), axis=-1)
        filled = np.where(self.good[..., None], values, 0.0)
        draws = values.shape[-1]
        self.length = block_length(draws)
        self.chain_mean = filled.mean(-1)
        weights = self.good / self.good.sum(-1, keepdims=True)
        self.mean = (self.chain_mean * weights).sum(-1)
        wrapped = np.concatenate([filled, filled[..., : self.length]], -1)
        sums = np.concatenate([np.zeros_like(wrapped[..., :1]), wrapped.cumsum(-1)], -1)
        self.sums = np.moveaxis(sums, 1, -1)  # (step, chain, draw, component)
        self.chain_scale = self._chain_scale(draws)

    def resample(self, count: int, generator: np.random.Generator) -> Iterator[Array]:
        """Yield `count` sets of resampled curves (step, component)."""
        for _ in range(count):
            yield self._one(generator)

    def _one(self, generator: np.random.Generator) -> Array:
        chains = self._draw_chains(generator)
        rows = np.arange(len(chains))[:, None]
        good = np.moveaxis(self.good, 1, -1)[rows, chains]  # (step, pick, component)
        own_mean = np.moveaxis(self.chain_mean, 1, -1)[rows, chains]
        between = self.chain_scale * (own_mean - self.mean[:, None])
        within = self._block_means(chains, generator) - own_mean
        deviation = ((between + within) * good).sum(1) / good.sum(1)
        curves: Array = self.mean + deviation
        return curves

    def _draw_chains(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Chains with replacement (step, pick); at least one of them good for every component.

        Where a hundred attempts find no such choice, every chain is taken once.
        """
        n_steps, _, n_chains = self.good.shape
        chains = np.tile(np.arange(n_chains), (n_steps, 1))
        todo = np.arange(n_steps)
        for _ in range(100):
            proposed = generator.integers(n_chains, size=(len(todo), n_chains))
            good = np.moveaxis(self.good[todo], 1, -1)[np.arange(len(todo))[:, None], proposed]
            usable = good.any(1).all(-1)
            chains[todo[usable]] = proposed[usable]
            todo = todo[~usable]
            if todo.size == 0:
                break
        return chains

    def _block_means(self, chains: NDArray[np.int64], generator: np.random.Generator) -> Array:
        """Means of block-resampled chains (step, pick, component)."""
        draws = self.sums.shape[2] - 1 - self.length
        n_blocks = ceil(draws / self.length)
        lengths = np.full(n_blocks, self.length)
        lengths[-1] = draws - (n_blocks - 1) * self.length
        starts = generator.integers(draws, size=(*chains.shape, n_blocks))
        rows = np.arange(len(chains))[:, None, None]
        ends = self.sums[rows, chains[..., None], starts + lengths]
        mean: Array = (ends - self.sums[rows, chains[..., None], starts]).sum(2) / draws
        return mean

    def _chain_scale(self, draws: int) -> float:
        """The factor a of the class, from sums over the cells."""
        count = self.good.sum(-1)
        several = count > 1
        if not several.any():
            return 0.0
        deviation = np.where(self.good, self.chain_mean - self.mean[..., None], 0.0)
        between = (deviation**2).sum(-1)[several] / (count[several] - 1)
        within = self._block_variance(draws)[several]
        if between.sum() == 0:
            return 0.0
        share = max(0.0, 1.0 - float(within.sum() / between.sum()))
        inflation = float(np.mean(count[several] / (count[several] - 1)))
        return float(np.sqrt(inflation * share))

    def _block_variance(self, draws: int) -> Array:
        """Variance of a block-resampled chain mean, averaged over good chains (step, component)."""
        block = (self.sums[:, :, self.length :] - self.sums[:, :, : -self.length])[:, :, :draws]
        spread = (block / self.length).var(2) * self.length / draws  # (step, chain, component)
        good = np.moveaxis(self.good, 1, -1)
        mean: Array = (spread * good).sum(1) / good.sum(1)
        return mean
