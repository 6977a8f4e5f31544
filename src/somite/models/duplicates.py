"""The same neuron several times, averaged: redundancy that Gauss–Newton gets wrong.

    y = (f(u_1·x) + … + f(u_k·x)) / k,     all u_i = u* at the center

Along δu_i that add up to zero the first-order change cancels. If f is linear nothing is left, and
two copies of d weights have λ_A = λ_B = λ_AB = d/2, I = d/2. If f is tanh the second-order change
(f''/2) Σ(δu_i·x)²/k is left, the loss is of fourth order there, λ_AB = d/2 + d/4 and I = d/4;
Gauss–Newton, which knows first orders only, still says d/2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from somite.components.mask import Mask, whole
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError


class Duplicates(nn.Module):
    """Copies of one neuron.

    Args:
        center: u* (d,).
        activation: "tanh" or "linear".
        copies: k.

    Raises:
        InputError: If the center is no vector, the activation is unknown, or copies are below 1.

    Example:
        >>> model = Duplicates([1.0, 2.0])
        >>> model(torch.eye(2).double()).shape, list(model.components()["copies"])
        (torch.Size([2, 1]), ['0', '1'])
    """

    def __init__(self, center: Sequence[float], activation: str = "tanh", copies: int = 2) -> None:
        """Place every copy at the center.

        Raises:
            InputError: If an argument breaks its rule.
        """
        super().__init__()
        start = torch.as_tensor(center, dtype=torch.float64)
        if start.ndim != 1 or not len(start):
            remedy = "Give one number for each input."
            raise InputError("center", "must be a vector", tuple(start.shape), remedy)
        self.activation = one_of("activation", activation, ("tanh", "linear"))
        at_least("copies", copies, 1)
        self.copies = nn.ParameterList(start.clone() for _ in range(copies))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (…, 1) of inputs x (…, d)."""
        reached = x @ torch.stack(list(self.copies), -1)
        if self.activation == "tanh":
            reached = reached.tanh()
        return reached.mean(-1, keepdim=True)

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components: each copy, named by its place from 0."""
        masks = {str(i): Mask({f"copies.{i}": whole(w)}) for i, w in enumerate(self.copies)}
        return {"copies": masks}

    def units(self) -> frozenset[str]:
        """No tensor is cut into units."""
        return frozenset()
