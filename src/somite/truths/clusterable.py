"""A dense network on digits, trained to keep its weights within contiguous groups of neurons."""

from functools import partial

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from somite.models import MLP, cross_entropy_loss
from somite.truths.fit import Plan, fit
from somite.truths.truth import GroundTruth

WIDTHS, GROUPS = (64, 24, 24, 10), 4
STEPS, LEARNING_RATE = 1500, 0.005


def clusterable(seed: int = 0, strength: float = 1.0, steps: int = STEPS) -> GroundTruth:
    """A ReLU network of two hidden layers; groups of neurons are contiguous.

    Args:
        seed: Of the weights.
        strength: λ, of the mean clusterability that is taken off the loss; 0 trains a plain one.
        steps: Of training.
    """
    bunch = load_digits()
    data = (torch.from_numpy(bunch.data).float() / 16, torch.from_numpy(bunch.target).long())
    model = MLP(WIDTHS, "relu", seed=seed)
    plan = Plan(steps, LEARNING_RATE, l2=1e-4, batch_size=256, seed=seed)
    penalty = partial(_penalty, strength) if strength else None
    fit(model, cross_entropy_loss, data, plan, penalty=penalty)
    components = model.components()["neurons"]
    return GroundTruth(
        name=f"clusterability-trained MLP, strength {strength:g}",
        model=model,
        loss=cross_entropy_loss,
        data=data,
        components=components,
        labels={name: str(_group(name)) for name in components},
        modular=strength > 0,
        notes="Labels are the groups that training was told of; inputs belong to none.",
    )


def mean_clusterability(model: MLP) -> Tensor:
    """Mean over the layers above the first of C = Σ_same group w² / Σ w².

    Source: Golechha et al. (2409.15747), with groups that are fixed and contiguous.
    """
    found = []
    for place in range(1, len(model.layers)):
        squares = model.weight(place).square()
        above, below = (_groups(size) for size in squares.shape)
        found.append(squares[above[:, None] == below].sum() / squares.sum())
    return torch.stack(found).mean()


def _penalty(strength: float, model: nn.Module) -> Tensor:
    assert isinstance(model, MLP)
    return -strength * mean_clusterability(model)


def _groups(width: int) -> Tensor:
    return torch.arange(width) * GROUPS // width


def _group(name: str) -> int:
    layer, index = map(int, name.split(":"))
    return int(_groups(WIDTHS[1 + layer])[index])
