"""Classical influence of examples on each other, damped; exact, for small models.

    −g_iᵀ (n_beta H + localization)⁻¹ g_j

with the gradients g of losses and the Hessian H of the mean loss, both at the center and over the
weights of a component: the influence function with the damping that the local posterior has.
Bayesian influence equals it to first order in the spread of the posterior. Needs the model.
"""

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.components.select import components as select
from somite.components.select import units
from somite.core.errors import InputError
from somite.curvature import hessian_product
from somite.sampling.sample import frozen
from somite.sampling.target import Data, Target, check_data, n_examples, per_example, rows
from somite.sampling.views import View, whole_view

MOST_WEIGHTS = 4096
"""Of a component: its Hessian is written out."""


def classical_influence(
    model: nn.Module,
    target: Target,
    examples: Data,
    queries: Data | None = None,
    component: str | Mask = "full",
) -> xr.DataArray:
    """Influence of examples on queries by the second-order expansion of the loss at the center.

    Args:
        model: The center; it stays as it is.
        target: Loss, data and scale; the Hessian is that of the mean loss over its data.
        examples: What influences.
        queries: What is influenced; the examples themselves if left out.
        component: Name or mask of the weights that may answer, at most 4096.

    Returns:
        (query, example), in the unit of `influence`.

    Raises:
        InputError: If the component is too large or not one, or n_beta H + localization is not
            positive definite.

    Source: Koh and Liang 2017, equation 2, with n_beta and localization for the sample and damping.

    Example:
        >>> data = torch.tensor([[1.0], [2.0]])
        >>> target = Target(lambda model, x: model(x).flatten() ** 2 / 2, data, 2.0, 1.0)
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(1.0)
        >>> classical_influence(model, target, data).values.round(4)  # H = 2.5, g = 1 and 4
        array([[-0.1667, -0.6667],
               [-0.6667, -2.6667]])
    """
    check_data("examples", examples)
    check_data("queries", examples if queries is None else queries)
    center = frozen(model)
    patch = _patch(center, component)
    view = whole_view(center, target.loss, patch)
    hessian = _hessian(view, target.data, patch.center)
    precision = target.n_beta * hessian + target.prior_precision * np.eye(patch.size)
    least = float(np.linalg.eigvalsh(precision)[0])
    if not least > 0:
        rule, remedy = "must make n_beta·H + localization positive definite", "Raise localization."
        raise InputError("localization", rule, f"a smallest eigenvalue of {least}", remedy)
    mine = _gradients(view, examples, patch.center)
    asked = mine if queries is None else _gradients(view, queries, patch.center)
    return xr.DataArray(-asked @ np.linalg.solve(precision, mine.T), dims=("query", "example"))


def _patch(center: nn.Module, component: str | Mask) -> Patch:
    chosen = {"component": component} if isinstance(component, Mask) else component
    masks = select(center, chosen)
    if len(masks) != 1:
        raise InputError("component", "must be one component", list(masks), "Give one name.")
    (mask,) = masks.values()
    if mask.size > MOST_WEIGHTS:
        rule, remedy = f"must have at most {MOST_WEIGHTS} weights", "Give a smaller component."
        raise InputError("component", rule, mask.size, remedy)
    return Patch(mask, dict(center.named_parameters()), units(center))


def _hessian(view: View, data: Data, at: Tensor) -> np.ndarray:
    product = hessian_product(lambda weights: per_example(view(data, weights)).mean(), at)
    found = torch.stack([product(axis) for axis in torch.eye(len(at), dtype=at.dtype)])
    hessian: np.ndarray = (found + found.T).double().cpu().numpy() / 2
    return hessian


@torch.enable_grad()
def _gradients(view: View, data: Data, at: Tensor) -> np.ndarray:
    """Gradient of the loss of every example (example, d)."""
    found = []
    for i in range(n_examples(data)):
        leaf = at.detach().requires_grad_()
        loss = per_example(view(rows(data, slice(i, i + 1)), leaf)).sum()
        found.append(torch.autograd.grad(loss, leaf)[0])
    gradients: np.ndarray = torch.stack(found).double().cpu().numpy()
    return gradients
