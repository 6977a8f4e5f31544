"""Learned masks: which weights of a frozen network a task needs.

Source: Csordás, van Steenkiste and Schmidhuber 2021, "Are Neural Nets Modular? Inspecting
Functional Modularity Through Differentiable Weight Masks" (ICLR), section 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import xarray as xr
from torch import Tensor, nn
from torch.func import functional_call

from somite.components import Mask
from somite.components.select import check_fit
from somite.core.checks import at_least, finite_weights, not_negative, positive
from somite.core.errors import InputError
from somite.core.random import stream
from somite.sampling.target import Data, Loss, check_data, n_examples, per_example, rows
from somite.sampling.views import LossModule


@dataclass(frozen=True)
class MaskTraining:
    """How a mask is learned; the defaults are the source's but for steps and batch size.

    Args:
        steps: Steps of Adam.
        batch_size: Examples per step, drawn with replacement.
        learning_rate: Of the logits.
        penalty: α, in front of the sum of all logits.
        start: Logits at the start: a weight is kept with probability sigmoid(start).
        temperature: τ of the relaxation.
    """

    steps: int = 1000
    batch_size: int = 128
    learning_rate: float = 1e-2
    penalty: float = 1e-4
    start: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings.

        Bad input: `InputError` if a number is out of range.
        """
        at_least("steps", self.steps, 1)
        at_least("batch_size", self.batch_size, 1)
        positive("learning_rate", self.learning_rate)
        not_negative("penalty", self.penalty)
        positive("temperature", self.temperature)


def learn_mask(model: nn.Module, loss: Loss, data: Data, training: MaskTraining, seed: int) -> Mask:
    """Weights that a task needs, the others being set to zero.

    One logit l per weight; in training m = 1[σ((l + ξ)/τ) > ½], ξ logistic noise, with the gradient
    of the sigmoid (straight through); minimises E[L(m · w)] + α Σ l. In the end m = 1[l ≥ 0].

    Args:
        model: The network; left as it was.
        loss: `loss(model, batch)`, losses of the task with the examples along the first axis.
        data: Examples of the task.
        training: How.
        seed: Seed of the stream (seed, "mask").

    Returns:
        The kept weights.

    Bad input:
        `InputError` if the data are no data, weights are not finite, or no weight is kept.

    Example:
        >>> model = nn.Linear(1, 1)
        >>> one = torch.ones(4, 1)
        >>> learn_mask(model, lambda m, x: m(x) ** 2, one, MaskTraining(steps=1), 0).size
        2
    """
    check_data("data", data)
    weights = {name: w.detach() for name, w in model.named_parameters()}
    finite_weights("model", weights)
    generator, module = stream(seed, "mask"), LossModule(model, loss)
    logits = {n: torch.full_like(w, training.start).requires_grad_() for n, w in weights.items()}
    optimizer = torch.optim.Adam(logits.values(), lr=training.learning_rate)
    with torch.enable_grad():
        for _ in range(training.steps):
            batch = torch.randint(n_examples(data), (training.batch_size,), generator=generator)
            moved = {
                f"model.{name}": w * _sampled(logits[name], training.temperature, generator)
                for name, w in weights.items()
            }
            mean = per_example(functional_call(module, moved, (rows(data, batch),))).mean()
            total = mean + training.penalty * sum(logit.sum() for logit in logits.values())
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
    return Mask({name: (logit.detach() >= 0).cpu() for name, logit in logits.items()})


def mask_overlap(masks: Mapping[str, Mask]) -> xr.Dataset:
    """How much two tasks' masks share: intersection over union, and over the smaller.

    iou = |A and B| / |A or B|,  iomin = |A and B| / min(|A|, |B|)

    Args:
        masks: Masks of one model by task, at least two.

    Returns:
        Dims (task, other): `iou`, `iomin`, symmetric, 1 on the diagonal; dims task: `size`, the
        number of kept weights.

    Raises:
        InputError: If there are fewer than two masks.

    Example:
        >>> one = Mask({"w": torch.tensor([True, True, False])})
        >>> two = Mask({"w": torch.tensor([False, True, True])})
        >>> found = mask_overlap({"a": one, "b": two})
        >>> found.iou[0, 1].item() == 1 / 3, found.iomin[0, 1].item()
        (True, 0.5)
    """
    if len(masks) < 2:
        raise InputError("masks", "must hold at least two tasks", list(masks), "Learn another.")
    every = list(masks.values())
    size = torch.tensor([mask.size for mask in every], dtype=torch.float64)
    shared = torch.tensor([[_shared(a, b) for b in every] for a in every], dtype=torch.float64)
    dims, tasks = ("task", "other"), list(masks)
    return xr.Dataset(
        {
            "iou": (dims, (shared / (size[:, None] + size - shared)).numpy()),
            "iomin": (dims, (shared / torch.minimum(size[:, None], size)).numpy()),
            "size": ("task", size.long().numpy()),
        },
        coords={"task": tasks, "other": tasks},
    )


def kept_share(
    model: nn.Module, masks: Mapping[str, Mask], parts: Mapping[str, Mask]
) -> xr.DataArray:
    """Share of each component's weights that each task keeps.

    Args:
        model: The network.
        masks: Masks by task.
        parts: Components by name.

    Returns:
        Dims (component, task), between 0 and 1: a profile of each component over tasks.

    Bad input:
        `InputError` if a mask does not fit the model.

    Example:
        >>> model = nn.Linear(2, 1, bias=False)
        >>> half = Mask({"weight": torch.tensor([[True, False]])})
        >>> both = Mask({"weight": torch.tensor([[True, True]])})
        >>> kept_share(model, {"task": half}, {"all": both}).values.tolist()
        [[0.5]]
    """
    for name, mask in [*masks.items(), *parts.items()]:
        check_fit(name, mask, model)
    share = [
        [_shared(part, mask) / part.size for mask in masks.values()] for part in parts.values()
    ]
    coords = {"component": list(parts), "task": list(masks)}
    return xr.DataArray(share, coords, ("component", "task"))


def _sampled(logit: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Zeros and ones, with the gradient of the noisy sigmoid."""
    uniform = torch.rand(logit.shape, generator=generator).clamp_(1e-6, 1 - 1e-6).to(logit)
    soft = ((logit + uniform.logit()) / temperature).sigmoid()
    return (soft > 0.5).to(logit) - soft.detach() + soft


def _shared(first: Mask, second: Mask) -> int:
    """Number of weights in both."""
    names = first.entries.keys() & second.entries.keys()
    return sum(int((first.entries[n] & second.entries[n]).sum()) for n in names)
