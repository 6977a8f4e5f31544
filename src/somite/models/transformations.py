"""Changes of the weights that leave the function as it is.

What a network computes decides which modules it has; these changes move its weights and not its
function. Each returns a changed copy.

    rescaled         ReLU:  incoming row and bias × c, outgoing column / c
    balanced         the c that makes the squared norms of both equal, the smallest in all
    permuted         hidden neurons in another order
    turned heads     W_Q → G W_Q, W_K → G⁻ᵀ W_K;  W_V → G W_V, W_O → G⁻ᵀ W_O
    rotated          linear layers:  W_l → Q_l W_l Q_{l−1}ᵀ with Q orthogonal, none at the ends
    with null weight first layer + a multiple of a direction that no input has
"""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor

from somite.core.checks import positive
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models.deep_linear import DeepLinear
from somite.models.mlp import MLP
from somite.models.transformer import Transformer

NULL = 1e-9
"""Singular value, over the largest, up to which inputs do not span a direction."""


@torch.no_grad()
def rescaled(model: MLP, spread: float = 10.0, seed: int = 0) -> MLP:
    """Every hidden ReLU neuron rescaled by a factor of its own.

    Args:
        model: With ReLU.
        spread: Factors are log-uniform between 1/spread and spread.
        seed: Names the stream of the factors.

    Returns:
        A copy.

    Raises:
        InputError: If the activation is not ReLU or the spread is not positive.

    Source: Neyshabur et al. (1506.02617), rescaling of neurons.

    Example:
        >>> model, x = MLP([2, 3, 1], "relu").double(), torch.ones(1, 2).double()
        >>> torch.allclose(rescaled(model)(x), model(x), atol=1e-12)
        True
    """
    generator, reach = stream("rescaled", seed), positive("spread", spread)
    factors = [
        reach ** (2 * torch.rand(width, generator=generator) - 1) for width in model.widths[1:-1]
    ]
    return _rescaled_by(model, factors)


@torch.no_grad()
def balanced(model: MLP, sweeps: int = 100) -> MLP:
    """The rescaling of a ReLU network with the smallest sum of squared weights.

    Each neuron's factor makes the squared norm of its incoming row and bias that of its outgoing
    column; sweeps over the layers repeat until the depth has settled. The result does not depend on
    any rescaling of the model. A neuron without incoming or outgoing weights stays as it is.

    Args:
        model: With ReLU.
        sweeps: Times over all hidden layers; one is enough for a single hidden layer.

    Returns:
        A copy.

    Raises:
        InputError: If the activation is not ReLU.

    Example:
        >>> model = MLP([2, 3, 1], "relu").double()
        >>> one, other = balanced(model), balanced(rescaled(model))
        >>> torch.allclose(one.weight(0), other.weight(0), atol=1e-12)
        True
    """
    changed = deepcopy(model)
    for _ in range(sweeps):
        for place in range(len(model.layers) - 1):
            into = changed.weight(place).square().sum(1)
            if changed.layer(place).bias is not None:
                into = into + changed.layer(place).bias.square()
            out = changed.weight(place + 1).square().sum(0)
            factor = torch.where((into > 0) & (out > 0), (out / into) ** 0.25, 1.0)
            ones = [torch.ones(width) for width in model.widths[1:-1]]
            ones[place] = factor
            changed = _rescaled_by(changed, ones)
    return changed


@torch.no_grad()
def permuted(model: MLP, seed: int = 0) -> tuple[MLP, dict[str, str]]:
    """Hidden neurons of every layer in a random order.

    Args:
        model: Any.
        seed: Names the stream of the orders.

    Returns:
        A copy, and for each neuron of the copy the name that it had in the model.

    Raises:
        InputError: If the model has connections that are cut: permuted ones would not fit them.

    Example:
        >>> _, names = permuted(MLP([2, 2, 1]), seed=1)
        >>> sorted(names) == sorted(names.values())
        True
    """
    _check_uncut(model)
    changed, names, generator = deepcopy(model), {}, stream("permuted", seed)
    for place, width in enumerate(model.widths[1:-1]):
        order = torch.randperm(width, generator=generator)
        layer, above = changed.layer(place), changed.layer(place + 1)
        layer.weight.data = layer.weight[order]
        if layer.bias is not None:
            layer.bias.data = layer.bias[order]
        above.weight.data = above.weight[:, order]
        names.update({f"{place}:{new}": f"{place}:{old}" for new, old in enumerate(order.tolist())})
    return changed, names


@torch.no_grad()
def turned_heads(model: Transformer, stretch: float = 2.0, seed: int = 0) -> Transformer:
    """Other coordinates inside every head: one change for queries and keys, one for values.

    Rotary positions turn coordinates themselves; there queries and keys stay as they are.

    Args:
        model: Any.
        stretch: The changes G stretch by factors between 1/stretch and stretch.
        seed: Names the stream of G.

    Returns:
        A copy.

    Raises:
        InputError: If the stretch is not positive.

    Example:
        >>> from somite.models import TransformerConfig
        >>> shape = TransformerConfig(3, 4, d_model=6, n_heads=2, d_head=2, norm="none")
        >>> model, tokens = Transformer(shape).double(), torch.zeros(1, 4, dtype=torch.long)
        >>> torch.allclose(turned_heads(model)(tokens), model(tokens), atol=1e-12)
        True
    """
    positive("stretch", stretch)
    changed, generator = deepcopy(model), stream("turned heads", seed)
    pairs = [("V", "O")] if model.config.positions == "rotary" else [("Q", "K"), ("V", "O")]
    for layer in range(model.config.n_layers):
        weights = changed.block(layer).attn.weights()
        for first, second in pairs:
            for head in range(model.config.n_heads):
                turn = _invertible(model.config.d_head, stretch, generator)
                for letter, change in ((first, turn), (second, torch.linalg.inv(turn).T)):
                    weight = weights[f"W_{letter}"]
                    weight[head] = change.to(weight.dtype) @ weight[head]
                    if (bias := weights.get(f"b_{letter}")) is not None:
                        bias[head] = change.to(bias.dtype) @ bias[head]
    return changed


@torch.no_grad()
def rotated(model: DeepLinear, seed: int = 0) -> DeepLinear:
    """Other orthonormal bases in the hidden layers of a linear network.

    Args:
        model: Any.
        seed: Names the stream of the rotations.

    Returns:
        A copy with the same product.

    Example:
        >>> model = DeepLinear([2, 3, 2]).double()
        >>> torch.allclose(rotated(model).product(), model.product(), atol=1e-12)
        True
    """
    changed, generator = deepcopy(model), stream("rotated", seed)
    layers = list(changed.weights)
    for below, above in pairwise(layers):
        turn = _invertible(len(below), 1.0, generator).to(below.dtype)
        below.copy_(turn @ below)
        above.copy_(above @ turn.T)
    return changed


@torch.no_grad()
def with_null_weight(model: MLP, inputs: Tensor, size: float = 1.0, seed: int = 0) -> MLP:
    """A large change of the first layer along directions that none of the inputs has.

    Args:
        model: Any.
        inputs: (examples, inputs); together they must leave a direction out.
        size: Frobenius norm of what is added, over that of the first layer's weights.
        seed: Names the stream of the directions.

    Returns:
        A copy that gives the same outputs on these inputs, and on all that they span.

    Raises:
        InputError: If the inputs span every direction, connections are cut, or the size is not
            positive.

    Example:
        >>> model, x = MLP([2, 3, 1]).double(), torch.tensor([[1.0, 1.0]]).double()
        >>> torch.allclose(with_null_weight(model, x)(x), model(x), atol=1e-12)
        True
    """
    _check_uncut(model)
    positive("size", size)
    rows = inputs.double()
    short = max(0, rows.shape[1] - len(rows))  # zero rows, so that every direction is returned
    padded = torch.cat([rows, rows.new_zeros(short, rows.shape[1])])
    _, values, directions = torch.linalg.svd(padded, full_matrices=False)
    missing = directions[int((values > NULL * values.max()).sum()) :]
    if not len(missing):
        remedy = "Add an input that is constant, or the sum of two others."
        raise InputError("inputs", "must leave a direction out", tuple(inputs.shape), remedy)
    changed, weight = deepcopy(model), model.weight(0)
    drawn = torch.randn(len(weight), len(missing), generator=stream("null weight", seed))
    added = drawn.double() @ missing
    added *= size * weight.norm() / added.norm()
    changed.layer(0).weight.data += added.to(weight.dtype)
    return changed


def _rescaled_by(model: MLP, factors: list[Tensor]) -> MLP:
    """A copy with one factor for each hidden neuron, layer by layer.

    Raises:
        InputError: If the activation is not ReLU.
    """
    if model.activation != "relu":
        remedy = "Only ReLU commutes with a positive factor."
        raise InputError("activation", "must be 'relu'", model.activation, remedy)
    changed = deepcopy(model)
    for place, factor in enumerate(factors):
        layer, above = changed.layer(place), changed.layer(place + 1)
        scale = factor.to(layer.weight.dtype)
        layer.weight.data *= scale[:, None]
        if layer.bias is not None:
            layer.bias.data *= scale
        above.weight.data /= scale
    return changed


def _invertible(width: int, stretch: float, generator: torch.Generator) -> Tensor:
    """Q D R with orthogonal Q and R and the diagonal D between 1/stretch and stretch, float64."""
    drawn = torch.randn(2, width, width, generator=generator, dtype=torch.float64)
    left, right = torch.linalg.qr(drawn).Q
    factors = stretch ** (2 * torch.rand(width, generator=generator, dtype=torch.float64) - 1)
    found: Tensor = left @ (factors[:, None] * right)
    return found


def _check_uncut(model: MLP) -> None:
    """Require that no connection is cut.

    Raises:
        InputError: If one is.
    """
    if list(model.buffers()):
        rule, remedy = "must have all connections", "Copy its weights into a dense MLP."
        raise InputError("model", rule, "some that are cut", remedy)
