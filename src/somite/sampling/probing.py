"""Probes: fixed data sets whose losses are recorded, evaluated piece by piece for all components.

A piece is passed by every component before the next one is touched: what the components share is
kept for one piece alone, so that memory does not grow with the probe.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.components.patch import at_least_single
from somite.core.errors import InputError
from somite.sampling.preflight import check_baseline
from somite.sampling.target import Data, n_examples, per_example, rows
from somite.sampling.walker import Walker

PIECE = 128
"""Fewest examples per pass, which has no backward pass and keeps little."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A fixed data set and its losses at the center.

    Args:
        examples: The data.
        at_center: L(w*) in the form that the loss gives (example, …).
        piece: Examples per pass.
    """

    examples: Data
    at_center: Tensor
    piece: int

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
def make_probe(name: str, data: Data, evaluate: Callable[[Data], Tensor], chunk: int) -> Probe:
    """A probe, evaluated at the center.

    Args:
        name: Of the probe.
        data: Its examples.
        evaluate: Losses of a batch at the center.
        chunk: Examples per pass with a backward pass.

    Returns:
        The probe.

    Raises:
        InputError: If the model cannot take it, as with tokens beyond its vocabulary, or a loss is
            not finite.
    """
    piece = max(chunk, PIECE)
    starts = range(0, n_examples(data), piece)
    try:
        found = [at_least_single(evaluate(rows(data, slice(i, i + piece)))) for i in starts]
    except IndexError as error:
        rule, remedy = "must fit the model", "Give it the vocabulary of the target's data."
        raise InputError(f"probe {name}", rule, str(error), remedy) from error
    probe = Probe(data, torch.cat(found), piece)
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
            found = at_least_single(walker.view(examples, walker.weights))
            parts[name].append(found - center)
        forget()
    return {name: torch.cat(found) for name, found in parts.items()}
