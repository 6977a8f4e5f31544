"""Two handwritten digits side by side: two tasks on separate halves of a real image."""

import torch
from torch import Tensor

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError

QUESTIONS = ("digit", "parity")


def digit_pairs(
    count: int,
    generator: torch.Generator,
    correlation: float = 0.0,
    question: str = "digit",
) -> tuple[Tensor, Tensor]:
    """Random pairs of the 1797 digits of 8 × 8 pixels that come with scikit-learn.

    With probability ρ the second digit is drawn from those of the same class as the first, else
    from all: ρ is the difficulty of telling the two tasks apart.

    Args:
        count: How many pairs.
        generator: Where the numbers come from; on the CPU.
        correlation: ρ from 0 to 1.
        question: "digit" asks for both classes, "parity" whether each is odd.

    Returns:
        Inputs (count, 128) float32 from 0 to 1, left pixels first, and labels (count, 2).

    Raises:
        InputError: If a number is out of range or the question unknown.

    Source: after Béna and Goodman (2106.02626), who join handwritten digits.

    Example:
        >>> from somite.core.random import stream
        >>> x, labels = digit_pairs(4, stream("example"), correlation=1.0)
        >>> x.shape, bool((labels[:, 0] == labels[:, 1]).all())
        (torch.Size([4, 128]), True)
    """
    at_least("count", count, 1)
    one_of("question", question, QUESTIONS)
    if not 0 <= correlation <= 1:
        remedy = "0 is independence, 1 always the same class."
        raise InputError("correlation", "must be between 0 and 1", correlation, remedy)
    from sklearn.datasets import load_digits  # a third of a second, for this task alone

    bunch = load_digits()
    pixels = torch.from_numpy(bunch.data).float() / 16
    classes = torch.from_numpy(bunch.target).long()
    left = torch.randint(len(classes), (count,), generator=generator)
    right = torch.randint(len(classes), (count,), generator=generator)
    same = torch.rand(count, generator=generator) < correlation
    alike = (classes[left, None] == classes).double()
    twins = torch.multinomial(alike, 1, generator=generator)[:, 0]
    right = torch.where(same, twins, right)
    labels = torch.stack([classes[left], classes[right]], 1)
    return torch.cat(
        [pixels[left], pixels[right]], 1
    ), labels % 2 if question == "parity" else labels
