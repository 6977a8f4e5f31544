"""The toy model of superposition: more features than dimensions, squeezed through a plane."""

import torch
from torch import Tensor, nn

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream
from somite.theory.superposition import population_loss


class Superposition(nn.Module):
    """f(x) = ReLU(Wᵀ W x + b), W (2, c), b (c,).

    Args:
        columns: c, the number of features.
        seed: Names the stream of the first weights, normal with variance 1/2; biases are zero.

    Raises:
        InputError: If there is no column.

    Source: Chen et al. (2310.06301), after Elhage et al. (2209.10652).

    Example:
        >>> Superposition(6)(torch.eye(6)).shape
        torch.Size([6, 6])
    """

    def __init__(self, columns: int, seed: int = 0) -> None:
        """Draw the weights.

        Raises:
            InputError: If there is no column.
        """
        super().__init__()
        at_least("columns", columns, 1)
        generator = stream("superposition", seed)
        self.W = nn.Parameter(torch.randn(2, columns, generator=generator) * 0.5**0.5)
        self.b = nn.Parameter(torch.zeros(columns))

    @classmethod
    def from_weights(cls, weights: Tensor, bias: Tensor) -> "Superposition":
        """Model at given weights, such as those of `somite.theory.kgon`.

        Args:
            weights: W (2, c).
            bias: b (c,), of the same dtype.

        Returns:
            A model with copies of them, in their dtype.

        Raises:
            InputError: If the shapes do not fit.

        Example:
            >>> from somite.theory import kgon
            >>> Superposition.from_weights(*kgon(5, columns=6)).W.dtype
            torch.float64
        """
        if weights.ndim != 2 or len(weights) != 2 or bias.shape != weights.shape[1:]:
            shapes = (tuple(weights.shape), tuple(bias.shape))
            rule, remedy = "must have shapes (2, c) and (c,)", "Give one bias for each column."
            raise InputError("weights and bias", rule, shapes, remedy)
        model = cls(len(bias))
        model.W = nn.Parameter(weights.detach().clone())
        model.b = nn.Parameter(bias.detach().clone())
        return model

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction (…, c) of features x (…, c)."""
        return (x @ self.W.T @ self.W + self.b).relu()


def superposition_population_loss(model: Superposition, batch: Tensor) -> Tensor:
    """Exact population loss of a `Superposition`, the same for every row of the batch.

    The rows stand for nothing: they only fix how many losses are returned, so that the loss fits
    where a loss per example is asked for. One row is enough.

    Args:
        model: The model, at any weights.
        batch: (rows, …), not read.

    Returns:
        (rows,).

    Example:
        >>> from somite.theory import kgon
        >>> model = Superposition.from_weights(*kgon(4, columns=6))
        >>> superposition_population_loss(model, torch.zeros(1)).detach()
        tensor([0.1111], dtype=torch.float64)
    """
    return population_loss(model.W, model.b).expand(len(batch))
