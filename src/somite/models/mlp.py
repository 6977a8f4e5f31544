"""A multilayer perceptron whose connections may be cut, so that its modules are known.

    h_0 = x,   h_{L+1} = φ(W_L h_L + b_L),   y = W_D h_D + b_D

W_L is `layers[L].weight` (outputs, inputs), φ is tanh or ReLU, and no φ follows the last layer. A
weight that is cut is zero, takes no part in the map and belongs to no component.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from somite.components.mask import Mask, whole
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.core.random import stream
from somite.theory.widths import check_widths

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}
GAINS = {"tanh": 1.0, "relu": 2.0}
"""Variance of the first weights times the number of inputs, so that signals keep their size."""


class MLP(nn.Module):
    """Fully connected layers with tanh or ReLU between them.

    Neuron "L:i", the i-th output of hidden layer L (from 0), owns its incoming row and its bias.
    Its outgoing column belongs to the rows of the neurons above; only where the outputs are above,
    which are no components, does the neuron own its outgoing column too. So no two neurons share a
    weight. The biases of the outputs belong to no neuron.

    Args:
        widths: Inputs, hidden layers if any, outputs.
        activation: "tanh" or "relu".
        bias: Whether layers have biases; zero at the start.
        seed: Names the stream of the first weights, normal with variance 1 / fan-in (ReLU: 2).
        connections: For each layer which weights there are, boolean (outputs, inputs); all if left
            out.

    Raises:
        InputError: If a width is below 1, the activation is unknown, or connections do not fit.

    Example:
        >>> model = MLP([4, 6, 2])
        >>> model(torch.zeros(3, 4)).shape, model.components()["neurons"]["0:5"].size
        (torch.Size([3, 2]), 7)
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str = "tanh",
        bias: bool = True,
        seed: int = 0,
        connections: Sequence[Tensor] | None = None,
    ) -> None:
        """Draw the weights.

        Raises:
            InputError: If a width, the activation or the connections break their rule.
        """
        super().__init__()
        check_widths(widths)
        self.activation = one_of("activation", activation, ACTIVATIONS)
        generator = stream("mlp", seed)
        self.layers = nn.ModuleList()
        for inputs, outputs in pairwise(widths):
            layer = nn.utils.skip_init(nn.Linear, inputs, outputs, bias=bias)
            drawn = torch.randn(outputs, inputs, generator=generator)
            layer.weight.data = drawn * (GAINS[activation] / inputs) ** 0.5
            if bias:
                layer.bias.data = torch.zeros(outputs)
            self.layers.append(layer)
        for place, present in enumerate(self._fitting(connections)):
            self.register_buffer(f"present_{place}", present.clone())
            self.layer(place).weight.data *= present

    @property
    def widths(self) -> list[int]:
        """Inputs, hidden layers, outputs."""
        rows = [len(self.layer(place).weight) for place in range(len(self.layers))]
        return [self.layer(0).weight.shape[1], *rows]

    def layer(self, place: int) -> nn.Linear:
        """The layer at a place from 0."""
        layer = self.layers[place]
        assert isinstance(layer, nn.Linear)
        return layer

    def weight(self, place: int) -> Tensor:
        """Weights of a layer (outputs, inputs), zero where they are cut."""
        weight: Tensor = self.layer(place).weight
        present = getattr(self, f"present_{place}", None)
        return weight if present is None else weight * present

    def hidden(self, x: Tensor) -> list[Tensor]:
        """Activations of every hidden layer for inputs x (…, inputs), each (…, width)."""
        found = []
        for place in range(len(self.layers) - 1):
            x = ACTIVATIONS[self.activation](self._mapped(place, x))
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (…, outputs) of inputs x (…, inputs)."""
        return self._mapped(len(self.layers) - 1, [x, *self.hidden(x)][-1])

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components: neurons, neurons:L for each hidden layer, layers."""
        names = [
            f"{place}:{i}" for place, width in enumerate(self.widths[1:-1]) for i in range(width)
        ]
        kinds = {"neurons": {name: self._neuron(*map(int, name.split(":"))) for name in names}}
        for place in range(len(self.layers) - 1):
            own = {n: m for n, m in kinds["neurons"].items() if n.startswith(f"{place}:")}
            kinds[f"neurons:{place}"] = own
        places = range(len(self.layers))
        return kinds | {"layers": {str(place): Mask(self._every(place)) for place in places}}

    def units(self) -> frozenset[str]:
        """Tensors whose rows are units: the weights of the hidden layers."""
        return frozenset(f"layers.{place}.weight" for place in range(len(self.layers) - 1))

    def _mapped(self, place: int, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(place), self.layer(place).bias)

    def _present(self, place: int) -> Tensor:
        present: Tensor | None = getattr(self, f"present_{place}", None)
        return whole(self.layer(place).weight) if present is None else present.cpu()

    def _every(self, place: int) -> dict[str, Tensor]:
        """All weights of a layer that there are."""
        entries = {f"layers.{place}.weight": self._present(place)}
        if self.layer(place).bias is not None:
            entries[f"layers.{place}.bias"] = whole(self.layer(place).bias)
        return entries

    def _neuron(self, place: int, index: int) -> Mask:
        entries = {}
        for name, there in self._every(place).items():
            entries[name] = torch.zeros_like(there)
            entries[name][index] = there[index]
        if place == len(self.layers) - 2:
            above = self._present(place + 1)
            entries[f"layers.{place + 1}.weight"] = torch.zeros_like(above)
            entries[f"layers.{place + 1}.weight"][:, index] = above[:, index]
        return Mask(entries)

    def _fitting(self, connections: Sequence[Tensor] | None) -> Sequence[Tensor]:
        """Connections, checked.

        Raises:
            InputError: If they are not boolean or do not have the shapes of the layers.
        """
        if connections is None:
            return ()
        shapes = [tuple(self.layer(place).weight.shape) for place in range(len(self.layers))]
        found = [tuple(present.shape) for present in connections]
        if found != shapes:
            remedy = "Give (outputs, inputs) for each layer."
            raise InputError("connections", f"must have the shapes {shapes}", found, remedy)
        for present in connections:
            if present.dtype != torch.bool:
                remedy = "Compare with a threshold or call .bool()."
                raise InputError("connections", "must be boolean", str(present.dtype), remedy)
        return connections


def block_connections(widths: Sequence[Sequence[int]]) -> list[Tensor]:
    """Connections of networks side by side, none of which reads another.

    Args:
        widths: For each network its widths; all of the same depth.

    Returns:
        For each layer, boolean (sum of outputs, sum of inputs), one block for each network.

    Raises:
        InputError: If there is no network, or their depths differ.

    Example:
        >>> [connection.int().tolist() for connection in block_connections([[1, 1], [1, 2]])]
        [[[1, 0], [0, 1], [0, 1]]]
    """
    depths = {len(one) for one in widths}
    if len(depths) != 1:
        rule, remedy = "must be of one depth", "Give every network as many layers."
        raise InputError("widths", rule, [list(one) for one in widths], remedy)
    for one in widths:
        check_widths(one)
    layers = zip(*[list(pairwise(one)) for one in widths], strict=True)
    ones = [[torch.ones(o, i, dtype=torch.bool) for i, o in layer] for layer in layers]
    return [torch.block_diag(*blocks).bool() for blocks in ones]
