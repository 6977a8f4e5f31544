"""Gauss-Newton matrix of blocks of weights: the quick look at interactions, without sampling.

    H = mean over examples of J_iᵀ B_i J_i,   J = ∂outputs/∂weights,   B = ∂²loss/∂outputs²

B = 2 for squared errors; diag(p) − ppᵀ for logits under cross-entropy, where H is the Fisher
matrix too. At a minimum that fits the data exactly H is the Hessian; then everything that holds in
a quadratic basin follows in closed form (`somite.theory.gaussian_truth`).

It is blind to what is flat to second order. Two copies y = f(u)/2 + f(v)/2 of one subnetwork have
I = d/2 by Gauss-Newton and d/4 in truth: what one copy undoes of the other is undone only to first
order. Where the anharmonicity of the draws is not 1, believe the draws.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import xarray as xr
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vjp
from torch.nn.attention import SDPBackend, sdpa_kernel

from somite.components.mask import Mask
from somite.components.select import components as select
from somite.components.unions import check_disjoint, union
from somite.core.checks import finite_weights, one_of, positive
from somite.core.errors import InputError
from somite.curvature.products import Product
from somite.theory.interaction import gaussian_truth

Outputs = Callable[[nn.Module, Any], Tensor]
KINDS = ("squared", "logits")
MOST = 5000
"""Most weights of an explicit matrix."""
CHUNK = 64
"""Examples of one Jacobian: each of their outputs takes a backward pass through all of them."""


@dataclass(frozen=True, eq=False)
class BlockCurvature:
    """Curvature of the loss along the weights of some blocks.

    Args:
        matrix: H (d, d), float64, in units of the loss over weights squared.
        places: For every block, which rows of H are its own.
    """

    matrix: Tensor
    places: Mapping[str, list[int]]

    def coupling(self, n_beta: float, localization: float) -> xr.Dataset:
        """Coefficients, shares, couplings and interactions as if the loss were quadratic.

        Args:
            n_beta: Inverse temperature times number of samples.
            localization: Precision γ of the Gaussian around the center, positive.

        Returns:
            As `somite.theory.gaussian_truth`; exact for this matrix, and only as good as it.
        """
        return gaussian_truth(self.matrix.numpy(), self.places, n_beta, localization)


@dataclass(frozen=True, eq=False)
class BlockProduct:
    """Products with the Gauss-Newton matrix, where it is too large to be written down.

    Args:
        product: v ↦ H v for vectors (d,), float64 in and out.
        size: d.
        places: For every block, which entries are its own.
    """

    product: Product
    size: int
    places: Mapping[str, list[int]]


def gauss_newton(
    model: nn.Module,
    outputs: Outputs,
    data: Any,
    blocks: Mapping[str, Mask],
    kind: str = "squared",
    factor: float = 1.0,
) -> BlockCurvature:
    """The Gauss-Newton matrix of all blocks, from the Jacobian of the outputs.

    Holds a Jacobian of outputs × weights of the tensors that the blocks touch; a tensor of data
    is taken in chunks, since the outputs of one example do not depend on the others.

    Args:
        model: Where the outputs are linearised; stays as it is.
        outputs: Called as outputs(model, data); gives (example, …, output).
        data: What it takes; one batch.
        blocks: Disjoint masks by name.
        kind: "squared" if the loss is factor·Σ(output − label)², "logits" if it is factor times
            the cross-entropy of the last axis; the mean is over all other axes.
        factor: In front of the loss, such as 1 / number of outputs where these are averaged.

    Returns:
        The matrix and where the blocks are.

    Raises:
        InputError: If blocks overlap, do not fit or hold more than 5000 weights together, the kind
            is unknown, or an output is not finite.

    Source: Schraudolph 2002, on the generalised Gauss-Newton matrix; Martens 2020 for Fisher.

    Example:
        >>> model, data = nn.Linear(2, 1, bias=False), torch.tensor([[1.0, 1.0]])
        >>> masks = {"A": Mask({"weight": torch.tensor([[True, False]])}),
        ...          "B": Mask({"weight": torch.tensor([[False, True]])})}
        >>> found = gauss_newton(model, lambda model, x: model(x), data, masks)
        >>> found.matrix.round(decimals=9).tolist()
        [[2.0, 2.0], [2.0, 2.0]]
        >>> round(found.coupling(1000.0, 1.0).total_coupling.item(), 3)
        0.5
    """
    whole, places = placed(model, blocks)
    if whole.size > MOST:
        remedy = "Take `gauss_newton_product` and `block_dimensions`."
        raise InputError("blocks", f"must hold at most {MOST} weights", whole.size, remedy)
    total, count = torch.zeros(whole.size, whole.size, dtype=torch.float64), 0
    for part in data.split(CHUNK) if isinstance(data, Tensor) else [data]:
        scaled = _scaled_jacobian(_function(model, outputs, part, whole, kind), whole, kind)
        flat = scaled.flatten(0, 1)
        total += flat.T @ flat
        count += len(scaled)
    return BlockCurvature(positive("factor", factor) / count * total, places)


def gauss_newton_product(
    model: nn.Module,
    outputs: Outputs,
    data: Any,
    blocks: Mapping[str, Mask],
    kind: str = "squared",
    factor: float = 1.0,
) -> BlockProduct:
    """Products with the Gauss-Newton matrix; each costs about two passes forward, one backward.

    Args:
        model: As `gauss_newton`; all of these.
        outputs: Gives (example, …, output).
        data: One batch.
        blocks: Disjoint masks by name.
        kind: "squared" or "logits".
        factor: In front of the loss.

    Returns:
        The products, for `somite.curvature.block_dimensions` or `lanczos`.

    Raises:
        InputError: If blocks overlap or do not fit, the kind is unknown, or an output is not
            finite.

    Source: Pearlmutter 1994; Schraudolph 2002.

    Example:
        >>> model, data = nn.Linear(2, 1, bias=False), torch.tensor([[1.0, 1.0]])
        >>> masks = {"all": Mask({"weight": torch.tensor([[True, True]])})}
        >>> found = gauss_newton_product(model, lambda model, x: model(x), data, masks)
        >>> found.product(torch.tensor([1.0, 0.0], dtype=torch.float64)).tolist()
        [2.0, 2.0]
    """
    whole, places = placed(model, blocks)
    values, function = _function(model, outputs, data, whole, kind)
    sizes = [int(entries.sum()) for entries in whole.entries.values()]
    with sdpa_kernel(SDPBackend.MATH):
        logits, pull, *_ = vjp(function, values)
        push = vjp(lambda change: pull(change)[0], torch.zeros_like(logits))[1]
    rows = _rows(logits)
    scale = positive("factor", factor) / len(rows)

    def product(vector: Tensor) -> Tensor:
        parts = zip(whole.entries.items(), vector.split(sizes), strict=True)
        moved = {name: _spread(values[name], entries, part) for (name, entries), part in parts}
        (change,) = push(moved)  # the transpose of the transpose: J v
        (back,) = pull(scale * _bent(_rows(change), rows, kind).view_as(logits))
        found = [back[name][chosen.to(logits.device)] for name, chosen in whole.entries.items()]
        return torch.cat(found).to(vector)

    return BlockProduct(product, whole.size, places)


def _scaled_jacobian(
    point: tuple[dict[str, Tensor], Callable[[dict[str, Tensor]], Tensor]], whole: Mask, kind: str
) -> Tensor:
    """Sᵀ J with B = S Sᵀ, (row, output, weight)."""
    values, function = point
    with sdpa_kernel(SDPBackend.MATH):
        logits = function(values).detach()
        found = jacrev(function)(values)
    jacobian = block_jacobian(found, logits.ndim, whole)
    return rooted(jacobian, _rows(logits).double().cpu(), kind)


def block_jacobian(found: Mapping[str, Tensor], axes: int, whole: Mask) -> Tensor:
    """Derivatives of the outputs in the entries of a mask (row, output, weight), float64.

    Args:
        found: In whole tensors, by name (example, …, output, *shape).
        axes: Of the outputs.
        whole: The entries.
    """
    columns = [
        found[name].flatten(axes).flatten(0, -3)[..., entries.flatten()]
        for name, entries in whole.entries.items()
    ]
    return torch.cat(columns, -1).detach().double().cpu()


class OutputsModule(nn.Module):
    """Model and its outputs as one module, so that its weights can be replaced."""

    def __init__(self, model: nn.Module, outputs: Outputs) -> None:
        """Keep both."""
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, data: Any) -> Tensor:
        """The outputs."""
        return self.outputs(self.model, data)


def placed(model: nn.Module, blocks: Mapping[str, Mask]) -> tuple[Mask, dict[str, list[int]]]:
    """Union of all blocks, and the places of each among its weights."""
    masks = select(model, blocks)
    check_disjoint(masks)
    whole = union(list(masks.values()))
    places = {}
    for name, mask in masks.items():
        inside = [
            mask.entries[tensor][entries] if tensor in mask.entries else entries[entries] & False
            for tensor, entries in whole.entries.items()
        ]
        places[name] = torch.cat(inside).nonzero().flatten().tolist()
    return whole, places


def _function(
    model: nn.Module, outputs: Outputs, data: Any, whole: Mask, kind: str
) -> tuple[dict[str, Tensor], Callable[[dict[str, Tensor]], Tensor]]:
    """The touched weights, and the outputs as a function of them.

    Raises:
        InputError: If the kind is unknown, or an output is not finite or has no axis of examples.
    """
    one_of("kind", kind, KINDS)
    weights = dict(model.named_parameters())
    finite_weights("model", weights)
    values = {name: weights[name].detach() for name in whole.entries}
    module = OutputsModule(model, outputs)

    def function(replaced: dict[str, Tensor]) -> Tensor:
        named = {f"model.{name}": weight for name, weight in replaced.items()}
        found: Tensor = functional_call(module, named, (data,))
        return found

    with torch.no_grad():
        found = function(values)
    if not isinstance(found, Tensor) or found.ndim < 2 or not bool(torch.isfinite(found).all()):
        rule = "must give finite numbers (example, …, output)"
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise InputError("outputs", rule, got, "Keep an axis of outputs, if only of one.")
    return values, function


def _rows(outputs: Tensor) -> Tensor:
    """(row, output): all axes but the last as one."""
    return outputs.flatten(0, -2)


def rooted(jacobian: Tensor, outputs: Tensor, kind: str) -> Tensor:
    """Sᵀ J with B = S Sᵀ, (row, output, weight)."""
    if kind == "squared":
        return jacobian * 2**0.5
    chances = outputs.softmax(-1)[..., None]
    mean = (chances * jacobian).sum(1, keepdim=True)
    return chances.sqrt() * (jacobian - mean)


def _bent(moved: Tensor, outputs: Tensor, kind: str) -> Tensor:
    """B times a change of the outputs (row, output)."""
    if kind == "squared":
        return 2 * moved
    chances = outputs.softmax(-1)
    return chances * (moved - (chances * moved).sum(-1, keepdim=True))


def _spread(like: Tensor, entries: Tensor, part: Tensor) -> Tensor:
    """A tensor of a weight's shape with the chosen entries given, the others 0."""
    spread = torch.zeros_like(like)
    spread[entries.to(like.device)] = part.to(like)
    return spread
