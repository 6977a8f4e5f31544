"""Attention patterns on pieces of text, for looking at."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.behavior.rows import checked_rows, chunks
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.models.transformer import Transformer, head_names


@torch.no_grad()
def attention_examples(
    model: Transformer,
    rows: Tensor,
    domains: Sequence[str],
    token_text: Callable[[int], str],
    components: Sequence[str],
) -> xr.Dataset:
    """Attention of chosen heads on chosen rows, with the text of the tokens.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position), one row an example.
        domains: Where each row comes from.
        token_text: Text to show for a token id.
        components: Heads, "layer:head".

    Returns:
        Dataset with `pattern` (example, component, query, key), float16, zero above the diagonal;
        `token` (example, position), text; `domain` (example,).

    Raises:
        InputError: If the rows do not fit the model, there is not one domain for each row, or a
            component is unknown, given twice, or none is given.
    """
    rows = checked_rows(model, rows, least=1)
    if len(domains) != len(rows):
        rule = f"must name one domain for each of the {len(rows)} rows"
        raise InputError("domains", rule, list(domains), "Repeat a name where rows share it.")
    chosen = _places(model, components)
    patterns = [
        torch.cat(model.trace(tokens).pattern, dim=1)[:, chosen].half().cpu()
        for tokens in chunks(model.config, rows)
    ]
    texts = [[token_text(token) for token in row] for row in rows.tolist()]
    return xr.Dataset(
        {
            "pattern": (("example", "component", "query", "key"), torch.cat(patterns).numpy()),
            "token": (("example", "position"), np.array(texts, dtype=str)),
            "domain": ("example", np.array(domains, dtype=str)),
        },
        coords={"component": list(components)},
    )


def _places(model: Transformer, components: Sequence[str]) -> list[int]:
    names = list(head_names(model.config))
    for component in components:
        one_of("components", component, names)
    if not components or len(set(components)) < len(components):
        rule = "must name at least one head, each once"
        raise InputError("components", rule, list(components), "Name heads as '1:3'.")
    return [names.index(component) for component in components]
