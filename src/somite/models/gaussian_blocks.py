"""Linear regression without noise: a quadratic loss whose Hessian, and so whose modules, is chosen.

    l(w, x) = ½ (x·w)²,     L(w) = ½ wᵀ H w,     H = mean of x xᵀ

The true weights are zero. The inputs are the rows of a matrix J, so that H = JᵀJ / rows, and a
minibatch of rows has the gradient noise of any other regression. Every answer is that of a
Gaussian: see `somite.theory.gaussian_llc`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from somite.components.mask import Mask, whole
from somite.core.checks import at_least, not_negative
from somite.core.errors import InputError


class GaussianBlocks(nn.Module):
    """Weights in named blocks, zero at the start.

    Args:
        sizes: Number of weights of each block.

    Raises:
        InputError: If there is no block, or one is empty.

    Example:
        >>> model = GaussianBlocks([2, 3])
        >>> list(model.components()["blocks"]), model(torch.ones(4, 5).double()).shape
        (['0', '1'], torch.Size([4]))
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        """Make the weights.

        Raises:
            InputError: If a size breaks its rule.
        """
        super().__init__()
        _check_sizes(sizes)
        zeros = (torch.zeros(size, dtype=torch.float64) for size in sizes)
        self.blocks = nn.ParameterList(zeros)

    def forward(self, x: Tensor) -> Tensor:
        """x·w of inputs x (…, weights)."""
        return x @ torch.cat(list(self.blocks))

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components: each block, named by its place from 0."""
        masks = {str(i): Mask({f"blocks.{i}": whole(w)}) for i, w in enumerate(self.blocks)}
        return {"blocks": masks}

    def units(self) -> frozenset[str]:
        """No tensor is cut into units."""
        return frozenset()


def gaussian_blocks_loss(model: GaussianBlocks, x: Tensor) -> Tensor:
    """½ (x·w)² for each row of x (batch, weights), (batch,).

    Example:
        >>> gaussian_blocks_loss(GaussianBlocks([1]), torch.ones(2, 1).double()).tolist()
        [0.0, 0.0]
    """
    outputs: Tensor = model(x)
    return outputs.square() / 2


def block_inputs(
    modules: Sequence[Sequence[int]],
    coupling: float,
    generator: torch.Generator,
    rows: int | None = None,
) -> Tensor:
    """Rows J whose Hessian JᵀJ / rows has a block for each module, and a coupling ε between them.

        J = [J_1, 0, …; 0, J_2, …; …] + ε R

    J_M and R are normal. J_M has two thirds as many rows as weights, so that the blocks of a module
    depend on each other, and is scaled so that a weight's curvature is 1 on average if ε = 0.

    Args:
        modules: For each module the sizes of its blocks, in the order of the weights.
        coupling: ε; 0 gives exact zeros between modules.
        generator: Where the numbers come from; on the CPU.
        rows: Rows of each module; two thirds of its weights, rounded up, if left out.

    Returns:
        (rows of all modules, weights), float64.

    Raises:
        InputError: If a size or the number of rows is below 1, or the coupling is negative.

    Example:
        >>> from somite.core.random import stream
        >>> J = block_inputs([[1, 1], [1]], 0.0, stream("example"))
        >>> J.shape, J[0, 2].item()
        (torch.Size([3, 3]), 0.0)
    """
    not_negative("coupling", coupling)
    widths = []
    for sizes in modules:
        _check_sizes(sizes)
        widths.append(sum(sizes))
    counts = [-(-2 * width // 3) if rows is None else at_least("rows", rows, 1) for width in widths]
    total = sum(counts)
    blocks = [
        torch.randn(count, width, generator=generator, dtype=torch.float64) * (total / count) ** 0.5
        for count, width in zip(counts, widths, strict=True)
    ]
    crossing = torch.randn(total, sum(widths), generator=generator, dtype=torch.float64)
    separate: Tensor = torch.block_diag(*blocks)
    return separate + coupling * crossing


def _check_sizes(sizes: Sequence[int]) -> None:
    """Require at least one block, each of at least one weight.

    Raises:
        InputError: If there is none, or one is empty.
    """
    if not sizes:
        raise InputError("sizes", "must hold at least one size", list(sizes), "Name a block.")
    for size in sizes:
        at_least("sizes", size, 1, "Every block needs a weight.")
