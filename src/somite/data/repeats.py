"""Rows made of a random string of tokens that repeats itself until the row is full.

Nothing in such a row can be predicted except by looking up what followed last time, which is what
an induction head does (Olsson et al. 2022).
"""

import torch
from torch import Tensor

from somite.core.random import stream
from somite.data.config import DataConfig


def repeated_rows(config: DataConfig, n: int, *names: object) -> Tensor:
    """Rows of the domain "repeats".

        row[j] = s[j mod p],  s ~ uniform tokens,  p ~ uniform on min_period … max_period

    with a period p and a string s for each row.

    Args:
        config: Settings: vocabulary, context and periods.
        n: Number of rows.
        names: Names of the random stream.

    Returns:
        (row, context), int64.

    Example:
        >>> config = DataConfig(context=6, repeats_min_period=2, repeats_max_period=2)
        >>> row = repeated_rows(config, 1, 0, "example")[0]
        >>> bool((row[2:] == row[:-2]).all())
        True
    """
    generator = stream(*names)
    shortest, longest = config.repeats_min_period, config.repeats_max_period
    period = torch.randint(shortest, longest + 1, (n, 1), generator=generator)
    string = torch.randint(config.vocab_size, (n, longest), generator=generator)
    return string.gather(1, torch.arange(config.context) % period)
