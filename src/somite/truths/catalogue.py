"""All ground truths by name, each made from a seed alone: what a comparison runs over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from somite.truths.addition import modular_addition
from somite.truths.clusterable import clusterable
from somite.truths.gaussian import gaussian_blocks
from somite.truths.linear import block_linear
from somite.truths.parity import sparse_parity
from somite.truths.planted_mlp import (
    PlantedSettings,
    planted_mlp,
    random_mlp,
    trained_mlp,
    unequal,
)
from somite.truths.polynomials import POLYNOMIALS, polynomial
from somite.truths.redundancy import duplicates, shared_bias
from somite.truths.roles import planted_roles, trained_roles
from somite.truths.streams import two_streams
from somite.truths.transformed import transformed
from somite.truths.truth import GroundTruth
from somite.truths.two_answers import digits, sum_or_product, two_sums

Builder = Callable[[int], GroundTruth]
RELU = PlantedSettings(activation="relu")


@dataclass(frozen=True)
class After:
    """Builds a truth whose weights are transformed.

    Args:
        before: Builds it as it was.
        kind: Which transformation.
    """

    before: Builder
    kind: str

    def __call__(self, seed: int) -> GroundTruth:
        """The truth with other weights and the same function."""
        return transformed(self.before(seed), self.kind, seed)


def _polynomial(name: str, seed: int) -> GroundTruth:
    """The same for every seed."""
    return polynomial(name)


PLANTED: Mapping[str, Builder] = {
    **{f"planted MLP, {k} modules": partial(planted_mlp, settings=PlantedSettings(unequal(k)))
       for k in (2, 3, 4, 5)},
    "planted MLP, dense": partial(planted_mlp, kind="dense"),
    "planted MLP, active": partial(planted_mlp, kind="active"),
    "planted ReLU MLP": partial(planted_mlp, settings=RELU),
    "Gaussian blocks": partial(gaussian_blocks, coupling=0.05),
    "block linear networks": block_linear,
    "two streams": two_streams,
    "two streams, dense heads": partial(two_streams, dense=True),
    "two streams, one softmax": partial(two_streams, union=True),
    "planted head roles": planted_roles,
}  # fmt: skip
"""Modules by construction."""

TRAINED: Mapping[str, Builder] = {
    "trained tanh MLP": trained_mlp,
    "trained ReLU MLP": partial(trained_mlp, settings=RELU),
    "trained tanh MLP, correlated inputs": partial(
        trained_mlp, settings=PlantedSettings(correlation=0.5)
    ),
    "trained head roles": trained_roles,
    "sparse parity": sparse_parity,
    "clusterability-trained": clusterable,
    "modular addition": modular_addition,
    "pairs of digits": digits,
    "double addition": two_sums,
    "sum or product": sum_or_product,
}
"""Modules found by lesions or frequencies after training, or told to the training."""

CONTROLS: Mapping[str, Builder] = {
    "shared features": partial(trained_mlp, modular=False),
    "random MLP": random_mlp,
    "dense linear network": partial(block_linear, dense=True),
}
"""No modules: what comes out here is a false positive."""

REDUNDANT: Mapping[str, Builder] = {
    **{name: partial(_polynomial, name) for name in POLYNOMIALS},
    "two biases": shared_bias,
    "one bias": partial(shared_bias, biases=1),
    "duplicates, tanh": duplicates,
    "duplicates, linear": partial(duplicates, activation="linear"),
}
"""Two components whose interaction is known in sign and size."""

TRANSFORMED: Mapping[str, After] = {
    "ReLU MLP, rescaled": After(TRAINED["trained ReLU MLP"], "rescaled"),
    "ReLU MLP, balanced": After(TRAINED["trained ReLU MLP"], "balanced"),
    "ReLU MLP, permuted": After(TRAINED["trained ReLU MLP"], "permuted"),
    "planted head roles, turned": After(partial(planted_roles, dense=True), "turned heads"),
    "linear networks, rotated": After(CONTROLS["dense linear network"], "rotated"),
    "pairs of digits, null weight": After(TRAINED["pairs of digits"], "null weight"),
}
"""The same function at other weights."""

TRUTHS: Mapping[str, Builder] = {
    **PLANTED,
    **TRAINED,
    **CONTROLS,
    **REDUNDANT,
    **TRANSFORMED,
}
