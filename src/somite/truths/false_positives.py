"""How often are networks without modules called modular? Controls, and nulls made of networks.

A verdict compares a matrix with matrices that have no modules. Those made from the matrix itself
are in `somite.modularity.nulls`. Here are networks to which the same method is applied:

    shuffled weights   the network itself, weights and biases in random order within each layer
    first weights      networks of its shape that were never trained
    random labels      networks of its shape trained as it was, labels dealt out anew
    shared features    networks of its shape trained as it was on other tasks in which all outputs
                       need all features

The last three do not depend on the weights that are judged: one pool serves all networks of a
shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
import xarray as xr

from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import MLP, squared_error_loss
from somite.modularity import is_modular
from somite.modularity.scoring import ROUNDING
from somite.modularity.series import Array
from somite.truths.crowd import fit_crowd
from somite.truths.fit import Plan
from somite.truths.methods import Method
from somite.truths.planted_mlp import L2, WIDER, PlantedSettings, random_mlp
from somite.truths.shuffled import shuffled_model
from somite.truths.truth import GroundTruth

SHOWN = ("interaction", "weight_paths", "cka", "attribution_correlation")
"""Methods of a report, or their counterparts for networks of neurons."""
MODULES, SHARED, NOISE = "modules", "shared features", "random labels"
TASKS = (MODULES, SHARED, NOISE)
LEARNING_RATE = 0.02


def random_control(seed: int = 0) -> GroundTruth:
    """`random_mlp` with labels dealt out anew: methods that read gradients need some.

    Args:
        seed: Of weights, inputs and the order of the labels.
    """
    return dealt(random_mlp(seed), seed)


def dealt(truth: GroundTruth, seed: int) -> GroundTruth:
    """The same network and inputs, each with the label of another.

    Args:
        truth: Its data are inputs and labels.
        seed: Of the order.
    """
    x, y = pairs_of(truth)
    order = torch.randperm(len(y), generator=stream("dealt labels", seed))
    return replace(truth, data=(x, y[order]))


def pairs_of(truth: GroundTruth) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and labels.

    Raises:
        InputError: If the data are not these two.
    """
    data = truth.data
    if not isinstance(data, tuple) or len(data) != 2:
        remedy = "Take a network with labelled examples."
        raise InputError("data", "must be inputs and labels", type(data).__name__, remedy)
    return data[0], data[1]


def trained_crowd(
    seeds: Sequence[int],
    task: str = SHARED,
    settings: PlantedSettings | None = None,
    wider: int = WIDER,
    steps: int | None = None,
) -> list[GroundTruth]:
    """Networks of `trained_mlp`, many at once, without labels of their neurons.

    Args:
        seeds: Of teacher, inputs and first weights of each.
        task: "modules", "shared features", or "random labels", which are those of the latter dealt
            out anew.
        settings: Difficulty and steps.
        wider: Hidden units for each of the teacher.
        steps: Of training, in place of those of the settings; 0 for first weights.

    Raises:
        InputError: If the task is unknown, or there is no seed.
    """
    one_of("task", task, TASKS)
    settings = settings or PlantedSettings()
    inputs, hidden, outputs = settings.widths
    truths, models = [], []
    for seed in seeds:
        x, teacher = settings.inputs(seed), settings.teacher(seed, task == MODULES)
        model = MLP([inputs, wider * hidden, outputs], settings.activation, seed=seed + 1).double()
        truth = GroundTruth(
            name=f"{task}, seed {seed}",
            model=model,
            loss=squared_error_loss,
            data=(x, teacher(x).detach()),
            components=model.components()["neurons"],
            labels={},
            modular=task == MODULES,
        )
        truths.append(dealt(truth, seed) if task == NOISE else truth)
        models.append(model)
    plan = Plan(settings.steps if steps is None else steps, LEARNING_RATE, l2=L2)
    fit_crowd(models, [pairs_of(truth) for truth in truths], plan)
    return truths


@torch.no_grad()
def shuffled_network(truth: GroundTruth, seed: int) -> GroundTruth:
    """The same network with every tensor of weights in random order.

    Args:
        truth: Any whose model has no cut connections.
        seed: Of the orders, each tensor having its own.

    Source: Filan et al. 2021, the null of clusterability.

    Example:
        >>> truth = random_mlp()
        >>> old, new = (t.model.weight(0).flatten() for t in (truth, shuffled_network(truth, 0)))
        >>> bool((old == new).all()), bool((old.sort().values == new.sort().values).all())
        (False, True)
    """
    return replace(truth, model=shuffled_model(truth.model, seed))


def null_matrices(networks: Iterable[GroundTruth], method: Method) -> xr.DataArray:
    """Matrices of networks without modules, for `is_modular(matrix, seed, null=...)`.

    Args:
        networks: Of the shape that is judged.
        method: The one that made the matrix which is judged.

    Returns:
        dims (null, component, other); components that a method leaves out, such as those that are
        always silent, have no weight to any other. Attribute refused: how many networks the method
        did not take.

    Raises:
        InputError: If it took none.
    """
    found, refused = [], 0
    for network in networks:
        try:
            found.append(whole_matrix(network, method))
        except InputError:
            refused += 1
    if not found:
        raise InputError("networks", "must hold one that the method takes", refused, "Draw others.")
    return xr.concat(found, "null").assign_attrs(refused=refused)


def whole_matrix(truth: GroundTruth, method: Method) -> xr.DataArray:
    """The matrix of a method over all components, without weight for those that it leaves out."""
    names, matrix = list(truth.components), method.matrix(truth).reset_coords(drop=True)
    whole = matrix.reindex(component=names, other=names, fill_value=0.0)
    return whole.transpose("component", "other").rename(None).drop_attrs()


def null_scores(matrices: xr.DataArray) -> Array:
    """Modularity of the best partition of each null matrix (null,), as `is_modular` searches it.

    The default search has no random start, so that the scores of a pool serve all networks.
    """
    found: Array = is_modular(matrices[0], 0, null=matrices).null_value.to_numpy()
    return found


def p_value(score: float, nulls: Array) -> float:
    """(r + 1)/(n + 1), r of n null scores being at least as large.

    Example:
        >>> import numpy as np
        >>> p_value(0.5, np.array([0.1, 0.5, 0.7]))
        0.75
    """
    reached = int((nulls >= score - ROUNDING).sum())
    return (reached + 1) / (len(nulls) + 1)
