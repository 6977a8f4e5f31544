"""A root of the Gauss-Newton matrix, block by block: interactions of any number of weights.

    H = SᵀS,   S (row, weight),   H_AB = S_AᵀS_B

S_A has a row for every output of every example. The coefficient of a set of weights needs the
eigenvalues of S_AᵀS_A or of S_A S_Aᵀ, whichever is smaller, so that few examples are enough for
many weights and the whole matrix is never made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from somite.components.mask import Mask
from somite.core.checks import finite_weights, one_of, positive
from somite.core.errors import InputError
from somite.curvature.gauss_newton import (
    KINDS,
    Outputs,
    OutputsModule,
    block_jacobian,
    placed,
    rooted,
)
from somite.theory.gaussian import gaussian_llc

ROOM = 2e7
"""About how many derivatives are held side by side before the blocks' own are kept."""


@dataclass(frozen=True, eq=False)
class BlockRoot:
    """A root of the curvature of a loss along the weights of some blocks.

    Args:
        rows: For every block S_C (row, weight), float64.
    """

    rows: Mapping[str, Tensor]

    @classmethod
    def of_matrix(cls, matrix: Tensor, places: Mapping[str, Tensor]) -> "BlockRoot":
        """The root of a curvature that is known; directions that curve down count as flat.

        Args:
            matrix: H (d, d), symmetric.
            places: For every block, which rows of H are its own.

        Example:
            >>> one, two = torch.tensor([0]), torch.tensor([1])
            >>> root = BlockRoot.of_matrix(torch.ones(2, 2).double(), {"A": one, "B": two})
            >>> round((root.rows["A"].T @ root.rows["B"]).item(), 9)
            1.0
        """
        values, vectors = torch.linalg.eigh(matrix.double())
        root = values.clamp(min=0).sqrt()[:, None] * vectors.T
        return cls({name: root[:, inside] for name, inside in places.items()})

    @property
    def highest(self) -> float:
        """Largest curvature of all blocks together."""
        whole = torch.cat(list(self.rows.values()), 1)
        return float(torch.linalg.matrix_norm(whole, 2) ** 2)

    def llc(self, n_beta: float, localization: float) -> float:
        """Coefficient λ of all blocks together as if the loss were quadratic.

        Args:
            n_beta: Inverse temperature times number of samples.
            localization: Precision γ of the Gaussian around the center, positive.
        """
        positive("n_beta", n_beta)
        positive("localization", localization)
        whole = torch.cat(list(self.rows.values()), 1)
        wide = whole.shape[1] > whole.shape[0]
        values = torch.linalg.eigvalsh(whole @ whole.T if wide else whole.T @ whole)
        return gaussian_llc(values.clamp(min=0).numpy(), n_beta, localization)

    def interaction(self, n_beta: float, localization: float) -> xr.DataArray:
        """I(A, B) = λ_A + λ_B − λ_AB of all pairs as if the loss were quadratic.

        Args:
            n_beta: Inverse temperature times number of samples.
            localization: Precision γ of the Gaussian around the center, positive.

        Returns:
            Dims (component, other), 0 on the diagonal.
        """
        positive("n_beta", n_beta)
        positive("localization", localization)

        def llc(matrix: Tensor) -> float:
            values = torch.linalg.eigvalsh(matrix).clamp(min=0)
            return gaussian_llc(values.numpy(), n_beta, localization)

        inner, outer = self._products()
        alone = {name: llc(matrix) for name, matrix in (inner | outer).items()}

        def of(a: str, b: str) -> float:
            if a in outer:
                return alone[a] + alone[b] - llc(outer[a] + outer[b])
            cross = self.rows[a].T @ self.rows[b]
            upper, lower = torch.cat([inner[a], cross], 1), torch.cat([cross.T, inner[b]], 1)
            return alone[a] + alone[b] - llc(torch.cat([upper, lower]))

        return self._pairs(of)

    def _products(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """S_CᵀS_C of all blocks, or S_C S_Cᵀ of all where that is smaller for a pair."""
        widths = [rows.shape[1] for rows in self.rows.values()]
        if 2 * sum(widths) > len(widths) * len(next(iter(self.rows.values()))):
            return {}, {name: rows @ rows.T for name, rows in self.rows.items()}
        return {name: rows.T @ rows for name, rows in self.rows.items()}, {}

    def alignment(self) -> xr.DataArray:
        """‖H_AB‖² / (‖H_AA‖ ‖H_BB‖), Frobenius norms: 0 without coupling, 1 for parallel blocks.

        The same as the alignment of the blocks' tangent kernels, weighed by the loss's curvature in
        the outputs. 0 for blocks without curvature.

        Returns:
            Dims (component, other), 0 on the diagonal.
        """
        inner, outer = self._products()
        own = {name: float(matrix.norm()) for name, matrix in (inner | outer).items()}

        def of(a: str, b: str) -> float:
            scale = own[a] * own[b]
            if a in outer:
                both = float((outer[a] * outer[b]).sum())
            else:
                both = float((self.rows[a].T @ self.rows[b]).square().sum())
            return both / scale if scale > 0 else 0.0

        return self._pairs(of)

    def _pairs(self, of: Any) -> xr.DataArray:
        names = list(self.rows)
        values = np.zeros((len(names),) * 2)
        for i, j in combinations(range(len(names)), 2):
            values[i, j] = values[j, i] = of(names[i], names[j])
        return xr.DataArray(values, {"component": names, "other": names}, ("component", "other"))


def gauss_newton_root(
    model: nn.Module,
    outputs: Outputs,
    data: Any,
    blocks: Mapping[str, Mask],
    kind: str = "squared",
    factor: float = 1.0,
) -> BlockRoot:
    """The root of the Gauss-Newton matrix of all blocks, from the Jacobian of the outputs.

    Args:
        model: Where the outputs are linearised; stays as it is. Examples must not see each other.
        outputs: Called as outputs(model, data); gives (example, …, output).
        data: Examples along the first axis.
        blocks: Disjoint masks by name.
        kind: As for `gauss_newton`.
        factor: In front of the loss.

    Returns:
        The root; its rows and weights are all in memory.

    Raises:
        InputError: If blocks overlap or do not fit, the kind is unknown, or an output is not
            finite.

    Source: as for `gauss_newton`.

    Example:
        >>> model, data = nn.Linear(2, 1, bias=False), torch.tensor([[1.0, 1.0]])
        >>> masks = {"A": Mask({"weight": torch.tensor([[True, False]])}),
        ...          "B": Mask({"weight": torch.tensor([[False, True]])})}
        >>> found = gauss_newton_root(model, lambda model, x: model(x), data, masks)
        >>> round(found.interaction(1000.0, 1.0).sel(component="A", other="B").item(), 3)
        0.5
    """
    one_of("kind", kind, KINDS)
    whole, places = placed(model, blocks)
    weights = dict(model.named_parameters())
    finite_weights("model", weights)
    values = {name: weights[name].detach() for name in whole.entries}
    module = OutputsModule(model, outputs)

    def of_one(replaced: dict[str, Tensor], example: Any) -> tuple[Tensor, Tensor]:
        named = {f"model.{name}": weight for name, weight in replaced.items()}
        batch = tree_map(lambda tensor: tensor[None], example)
        found: Tensor = functional_call(module, named, (batch,))[0]
        return found, found

    each = vmap(jacrev(of_one, has_aux=True), in_dims=(None, 0))
    with torch.no_grad():
        one = module(tree_map(lambda tensor: tensor[:1], data))
    # Derivatives in whole tensors, of which the blocks may be a small part, for few examples.
    held = one.numel() * sum(weight.numel() for weight in values.values())
    jacobians, outputs_of = [], []
    for examples in _chunks(data, max(1, int(ROOM / held))):
        with sdpa_kernel(SDPBackend.MATH):
            found, logits = each(values, examples)
        jacobians.append(block_jacobian(found, logits.ndim, whole))
        outputs_of.append(logits.detach().flatten(0, -2).double().cpu())
    jacobian, logits = torch.cat(jacobians), torch.cat(outputs_of)
    if not bool(torch.isfinite(logits).all()):
        remedy = "Check the weights and the data."
        raise InputError("outputs", "must give finite numbers", "NaN or infinite", remedy)
    scaled = rooted(jacobian, logits, kind).flatten(0, 1)
    scaled *= (positive("factor", factor) / len(jacobian)) ** 0.5
    return BlockRoot({name: scaled[:, inside] for name, inside in places.items()})


def _chunks(data: Any, size: int) -> Iterator[Any]:
    """Examples, so many at a time."""
    leaves, form = tree_flatten(data)
    for part in zip(*[leaf.split(size) for leaf in leaves], strict=True):
        yield tree_unflatten(list(part), form)
