"""Parts that share nothing but a constant: planted redundancy of exactly one direction.

    y = f_1(x_1) + … + f_k(x_k) + b_1 + … + b_m,     f_i(x) = v_i · tanh(W_i x)

The f_i are odd. On inputs whose signs are balanced (`somite.data.mirrored_inputs`) no tangent of
one f_i correlates with that of another or with the constant, so b_1 and b_2 are all that parts 1
and 2 can exchange: I(1, 2) = ½ as the limit of learning coefficients, and 0 if one bias is dropped.
"""

import torch
from torch import Tensor, nn

from somite.components.mask import Mask, whole
from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.models.mlp import MLP


class SharedBias(nn.Module):
    """A sum of odd networks, the first of which have a bias of their own.

    Args:
        inputs: Inputs of each part.
        hidden: Hidden units of each part.
        parts: k.
        biases: m, at most k; part i has a bias if i < m.
        seed: Names the streams of the weights; the biases start at zero.

    Raises:
        InputError: If a number is below its least value, or there are more biases than parts.

    Example:
        >>> model = SharedBias(inputs=2, hidden=3)
        >>> {name: mask.size for name, mask in model.components()["parts"].items()}
        {'0': 10, '1': 10}
    """

    def __init__(
        self, inputs: int, hidden: int, parts: int = 2, biases: int = 2, seed: int = 0
    ) -> None:
        """Draw the weights.

        Raises:
            InputError: If a number breaks its rule.
        """
        super().__init__()
        at_least("parts", parts, 2)
        if at_least("biases", biases, 0) > parts:
            remedy = "A part has at most one."
            raise InputError("biases", f"must be at most {parts}", biases, remedy)
        self.inputs = inputs
        nets = (MLP([inputs, hidden, 1], bias=False, seed=parts * seed + i) for i in range(parts))
        self.nets = nn.ModuleList(nets)
        self.biases = nn.ParameterList(torch.zeros(1) for _ in range(biases))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (…, 1) of inputs x (…, parts · inputs)."""
        parts = x.split(self.inputs, -1)
        total: Tensor = sum(net(part) for net, part in zip(self.nets, parts, strict=True))
        for bias in self.biases:
            total = total + bias
        return total

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components: each part with its bias, named by its place from 0."""
        names = [(f"nets.{i}.", f"biases.{i}") for i in range(len(self.nets))]
        weights = dict(self.named_parameters())
        return {
            "parts": {
                str(i): Mask({n: whole(w) for n, w in weights.items() if n.startswith(own)})
                for i, own in enumerate(names)
            }
        }

    def units(self) -> frozenset[str]:
        """No tensor is cut into units."""
        return frozenset()
