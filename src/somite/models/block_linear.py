"""Deep linear networks side by side: learning coefficients that add, exactly.

    y = (y_1, …, y_B),   y_b = W_{b,L} … W_{b,1} x_b

Each block has inputs and outputs of its own, so K = Σ K_b and λ = Σ λ_b. The same weights placed
into one dense network, zeros between the blocks, make the negative control: those zeros are free to
move there, and the coefficient is that of one network of the summed widths and ranks, in which the
blocks are a choice of basis and nothing more.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from somite.components.mask import Mask, whole
from somite.core.errors import InputError
from somite.models.deep_linear import DeepLinear


class BlockLinear(nn.Module):
    """Independent deep linear networks of one depth.

    Args:
        nets: The networks, each with its own truth; all with the same input variance.

    Raises:
        InputError: If there is none, or depths or input variances differ.

    Source: learning coefficients of independent factors add (Watanabe 2009, section 7.5).

    Example:
        >>> model = BlockLinear([DeepLinear([3, 2, 3]), DeepLinear([2, 2, 2])])
        >>> model(torch.zeros(4, 5)).shape, list(model.components()["layers"])
        (torch.Size([4, 5]), ['0:0', '0:1', '1:0', '1:1'])
    """

    def __init__(self, nets: Sequence[DeepLinear]) -> None:
        """Keep the networks.

        Raises:
            InputError: If they do not fit together.
        """
        super().__init__()
        kinds = {(len(net.weights), net.input_variance) for net in nets}
        if len(kinds) != 1:
            rule = "must be networks of one depth and input variance"
            raise InputError("nets", rule, sorted(kinds), "Give at least one, all alike in these.")
        self.nets = nn.ModuleList(nets)

    def net(self, block: int) -> DeepLinear:
        """The network of a block."""
        net = self.nets[block]
        assert isinstance(net, DeepLinear)
        return net

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (…, sum of outputs) of inputs x (…, sum of inputs)."""
        nets = [self.net(block) for block in range(len(self.nets))]
        parts = x.split([net.truth.shape[1] for net in nets], -1)
        return torch.cat([net(part) for net, part in zip(nets, parts, strict=True)], -1)

    def dense(self) -> DeepLinear:
        """The same map as one dense network, zeros between the blocks, which is its own truth."""
        nets = [self.net(block) for block in range(len(self.nets))]
        layers = zip(*[list(net.weights) for net in nets], strict=True)
        weights = [torch.block_diag(*[weight.detach() for weight in layer]) for layer in layers]
        return DeepLinear.from_weights(weights, nets[0].input_variance)

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components: "blocks", and "layers" ("block:layer")."""
        layers, blocks = {}, {}
        for block in range(len(self.nets)):
            weights = self.net(block).weights
            own = {f"nets.{block}.weights.{i}": whole(w) for i, w in enumerate(weights)}
            blocks[str(block)] = Mask(own)
            for i, (name, chosen) in enumerate(own.items()):
                layers[f"{block}:{i}"] = Mask({name: chosen})
        return {"blocks": blocks, "layers": layers}

    def dense_components(self) -> dict[str, dict[str, Mask]]:
        """Masks for `dense()` of the names of `components`: whole rows, zeros included.

        Row i of a layer belongs to the block to which its output belongs. The masks cover every
        weight once.
        """
        layers: dict[str, Mask] = {}
        blocks: dict[str, Mask] = {}
        for place, dense in enumerate(self.dense().weights):
            heights = [len(self.net(block).weights[place]) for block in range(len(self.nets))]
            owners = torch.arange(len(heights)).repeat_interleave(torch.tensor(heights))
            for block in range(len(heights)):
                rows = (owners == block)[:, None].expand(dense.shape).clone()
                mask = Mask({f"weights.{place}": rows})
                layers[f"{block}:{place}"] = mask
                blocks[str(block)] = blocks[str(block)] | mask if place else mask
        return {
            "blocks": blocks,
            "layers": {name: layers[name] for name in sorted(layers, key=_place)},
        }

    def units(self) -> frozenset[str]:
        """No tensor is cut into units."""
        return frozenset()


def _place(name: str) -> list[int]:
    return [int(number) for number in name.split(":")]


def block_linear_population_loss(model: BlockLinear, batch: Tensor) -> Tensor:
    """(s²/H_L) Σ_b ‖P_b − T_b‖_F² with H_L outputs in all: the population loss of `dense()`.

    Args:
        model: The networks, each of which holds its truth.
        batch: (rows, …), not read; its length is that of the result.

    Returns:
        (rows,).

    Example:
        >>> nets = [DeepLinear.from_weights([torch.eye(2)]) for _ in range(2)]
        >>> block_linear_population_loss(BlockLinear(nets), torch.zeros(1)).item()
        0.0
    """
    nets = [model.net(block) for block in range(len(model.nets))]
    outputs = sum(len(net.truth) for net in nets)
    errors = sum((net.product() - net.truth).square().sum() for net in nets)
    assert isinstance(errors, Tensor)
    return (errors * (nets[0].input_variance / outputs)).expand(len(batch))
