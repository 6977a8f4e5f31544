"""Probes: fixed data sets whose losses are recorded, evaluated piece by piece for all components.

A piece is passed by every component before the next one is touched: what the components share is
kept for one piece alone, so that memory does not grow with the probe.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from somite.components.patch import at_least_single
from somite.core.errors import InputError
from somite.sampling.draws import REFERENCE
from somite.sampling.preflight import check_baseline
from somite.sampling.target import Data, Loss, check_data, n_examples, per_example, rows
from somite.sampling.views import center_losses, whole_view
from somite.sampling.vocabulary import check_vocabulary
from somite.sampling.walker import Walker

PIECE = 128
"""Fewest examples per pass, which has no backward pass and keeps little."""


@dataclass(frozen=True, eq=False)
class Observable:
    """A function of the weights that is recorded as a probe is: the mean of a loss of its own.

    Args:
        loss: `loss(model, batch)` gives numbers with the examples along the first axis, such as the
            difference of two logits, or a norm of weights for every row of a dummy batch.
        data: The examples.

    Example:
        >>> norm = Observable(lambda model, batch: model.weight.norm().expand(1), torch.zeros(1))
        >>> norm.loss(nn.Linear(1, 1), norm.data).shape
        torch.Size([1])
    """

    loss: Loss
    data: Data


@dataclass(frozen=True, eq=False)
class Probe:
    """A fixed data set and its losses at the center.

    Args:
        examples: The data.
        at_center: L(w*) in the form that the loss gives (example, …).
        piece: Examples per pass.
        own: The center and a loss that is not the target's; None for the target's.
    """

    examples: Data
    at_center: Tensor
    piece: int
    own: tuple[nn.Module, Loss] | None = None

    def losses(self, walker: Walker, examples: Data) -> Tensor:
        """L(w) of some examples where a chain is, in the form that the loss gives."""
        view = walker.view if self.own is None else whole_view(*self.own, walker.patch)
        return at_least_single(view(examples, walker.weights))

    @property
    def center_loss(self) -> Tensor:
        """L(w*) of every example (example,)."""
        return per_example(self.at_center)

    def pieces(self) -> Iterator[tuple[Data, Tensor]]:
        """Examples of every pass, and their losses at the center."""
        for start in range(0, n_examples(self.examples), self.piece):
            part = slice(start, start + self.piece)
            yield rows(self.examples, part), self.at_center[part]


@torch.no_grad()
def make_probe(
    name: str, given: Data | Observable, center: nn.Module, loss: Loss, chunk: int
) -> Probe:
    """A probe, evaluated at the center.

    Args:
        name: Of the probe.
        given: Its examples, with a loss of their own or without.
        center: The model at w*.
        loss: That of the target.
        chunk: Examples per pass with a backward pass.

    Returns:
        The probe.

    Raises:
        InputError: If a token is beyond the model's vocabulary, or a loss is not finite.
    """
    asked = given if isinstance(given, Observable) else Observable(loss, given)
    evaluate, piece, data = center_losses(center, asked.loss), max(chunk, PIECE), asked.data
    starts = range(0, n_examples(data), piece)
    check_vocabulary(f"probe {name}", evaluate, data)
    found = [at_least_single(evaluate(rows(data, slice(i, i + piece)))) for i in starts]
    probe = Probe(data, torch.cat(found), piece, (center, asked.loss) if asked is given else None)
    check_baseline(f"probe {name}", probe.center_loss)
    return probe


@torch.no_grad()
def probe_losses(
    probe: Probe, walkers: Mapping[str, Walker], forget: Callable[[], None]
) -> dict[str, Tensor]:
    """L(w) − L(w*) of a probe where the chains are.

    Args:
        probe: The data.
        walkers: One chain of every component.
        forget: Called after every piece: what the components shared is no longer needed.

    Returns:
        By component (example, …), in the form that the loss gives.
    """
    parts: dict[str, list[Tensor]] = {name: [] for name in walkers}
    for examples, center in probe.pieces():
        for name, walker in walkers.items():
            parts[name].append(probe.losses(walker, examples) - center)
        forget()
    return {name: torch.cat(found) for name, found in parts.items()}


def observables(probes: Mapping[str, Data | Observable]) -> list[str]:
    """Names of the probes that have a loss of their own; all data are checked.

    Raises:
        InputError: If the reference is one of them.
    """
    for name, given in probes.items():
        check_data(f"probe {name}", given.data if isinstance(given, Observable) else given)
    names = [name for name, given in probes.items() if isinstance(given, Observable)]
    if REFERENCE in names:
        rule, remedy = "must have the loss of the target", "Give its data alone."
        raise InputError(f"probe {REFERENCE}", rule, "an observable", remedy)
    return names
