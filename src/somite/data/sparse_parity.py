"""Multitask sparse parity: several independent skills, learned one after the other.

An example has one control bit for each task, of which one is on, and n random task bits. Task i
asks for the parity of its own k bits S_i; the other bits do not matter. Tasks come with chances
p_i ∝ i^−(α + 1), so that the first are learned first.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.checks import at_least, not_negative, one_of
from somite.core.errors import InputError


@dataclass(frozen=True)
class ParityTasks:
    """The tasks.

    Args:
        tasks: How many.
        size: k, bits that a task asks for.
        bits: n, task bits; as many as the tasks need if left out.
        overlap: Bits that S_i shares with S_{i+1}; 0 keeps the subsets apart.
        alpha: α, how much rarer later tasks are; −1 makes all as frequent.

    Raises:
        InputError: If a number is out of range, or the subsets do not fit into the bits.

    Source: Michaud et al. (2303.13506), multitask sparse parity; there bits are 0 and 1, here the
    task bits are −1 and 1.

    Example:
        >>> ParityTasks(tasks=2, size=3, overlap=1).subsets
        [[0, 1, 2], [2, 3, 4]]
    """

    tasks: int = 4
    size: int = 3
    bits: int | None = None
    overlap: int = 0
    alpha: float = 0.4

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: If one breaks its rule.
        """
        at_least("tasks", self.tasks, 1)
        at_least("size", self.size, 1)
        at_least("overlap", self.overlap, 0)
        not_negative("alpha + 1", self.alpha + 1)
        if self.overlap >= self.size:
            raise InputError("overlap", "must be below size", self.overlap, "Lower it.")
        if self.bits is not None and self.bits < self.needed:
            remedy = "Lower tasks or size, or raise overlap."
            raise InputError("bits", f"must be at least {self.needed}", self.bits, remedy)

    @property
    def needed(self) -> int:
        """Bits that some task asks for."""
        return self.tasks * (self.size - self.overlap) + self.overlap

    @property
    def width(self) -> int:
        """Inputs of an example: control bits, then task bits."""
        return self.tasks + (self.needed if self.bits is None else self.bits)

    @property
    def subsets(self) -> list[list[int]]:
        """S_i, places among the task bits."""
        starts = [i * (self.size - self.overlap) for i in range(self.tasks)]
        return [list(range(start, start + self.size)) for start in starts]

    @property
    def chances(self) -> Tensor:
        """p_i (tasks,), float64."""
        chances = torch.arange(1, self.tasks + 1, dtype=torch.float64) ** -(self.alpha + 1)
        return chances / chances.sum()

    def examples(
        self, count: int, generator: torch.Generator, task: int | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Random examples.

        Args:
            count: How many.
            generator: Where the numbers come from; on the CPU.
            task: The only task; all by their chances if left out.

        Returns:
            Inputs (count, width) float32, parities (count,) 0 or 1, tasks (count,).

        Raises:
            InputError: If there is to be none, or no such task.

        Example:
            >>> from somite.core.random import stream
            >>> x, parity, task = ParityTasks(2, 2).examples(3, stream("example"), task=1)
            >>> x[:, :2].tolist(), bool((parity == (x[:, 4:6].prod(1) < 0)).all())
            ([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], True)
        """
        at_least("count", count, 1)
        if task is not None:
            one_of("task", str(task), map(str, range(self.tasks)))
            tasks = torch.full((count,), task)
        else:
            tasks = torch.multinomial(self.chances, count, True, generator=generator)
        control = torch.eye(self.tasks)[tasks]
        free = (count, self.width - self.tasks)
        bits = 2.0 * torch.randint(2, free, generator=generator) - 1
        own = torch.tensor(self.subsets)[tasks]
        parity = (bits.gather(1, own).prod(1) < 0).long()
        return torch.cat([control, bits], 1), parity, tasks
