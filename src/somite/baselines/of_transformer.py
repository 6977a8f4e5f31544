"""What the methods read of a transformer: the outputs of heads, their gradients, lesions."""

import copy
from collections.abc import Callable, Collection, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.baselines.arrays import Array
from somite.baselines.attribution import attributions
from somite.behavior.ablation import mean_outputs
from somite.behavior.losses import losses_from_logits
from somite.behavior.rows import checked_rows, chunks
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.models.losses import next_token_loss
from somite.models.transformer import Transformer, head_names
from somite.sampling.target import Loss, per_example

STAND_INS = ("mean", "zero")


def of_transformer(model: Transformer, rows: Tensor, loss: Loss = next_token_loss) -> xr.Dataset:
    """Outputs of all heads and the gradients of the loss in them, for each token.

    The loss of a row is the mean over its tokens of the loss of the next one. Gradients are total:
    through the heads above as well.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position).
        loss: `loss(model, rows)`, losses (row, …); it must call the model once, and nothing else
            of it.

    Returns:
        Over component (heads "layer:head"), sample (tokens, row by row) and feature (d_model):
        `activations`, `gradients`; `attributions` over (component, example), an example being a
        row. Samples have the coordinates row and position. All is in memory at once: heads ·
        tokens · d_model numbers, twice.

    Bad input:
        `InputError` if the rows do not fit the model.

    Example:
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=4, d_model=6, n_heads=2))
        >>> dict(of_transformer(model, torch.zeros(3, 4, dtype=torch.long)).activations.sizes)
        {'component': 4, 'sample': 12, 'feature': 6}
    """
    rows = checked_rows(model, rows, least=1)
    passes = [_outputs_and_gradients(model, tokens, loss) for tokens in chunks(model.config, rows)]
    outputs, gradients = (
        torch.cat([part[i] for part in passes], dim=1).flatten(1, 2).double().cpu().numpy()
        for i in (0, 1)
    )
    dims, (number, length) = ("component", "sample", "feature"), rows.shape
    found = xr.Dataset(
        {"activations": (dims, outputs), "gradients": (dims, gradients)},
        coords={
            "component": list(head_names(model.config)),
            "row": ("sample", np.repeat(np.arange(number), length)),
            "position": ("sample", np.tile(np.arange(length), number)),
        },
    )
    return found.assign(attributions=attributions(found.activations, found.gradients))


def transformer_lesions(
    model: Transformer, rows_by_domain: Mapping[str, Tensor], stand_in: str = "mean"
) -> Callable[[Collection[str]], dict[str, Array]]:
    """Losses of a transformer with some heads withheld, for `lesions`.

    Args:
        model: The model; left as it was.
        rows_by_domain: Token ids (row, position) of each domain.
        stand_in: What a head puts out instead: its "mean" over the rows of the domain, position by
            position, in the whole model, or "zero".

    Returns:
        Function of names of heads that gives, for each domain, the mean loss of each row [nats per
        token].

    Raises:
        InputError: If there is no domain, the rows do not fit the model, or later a head is
            unknown.

    Example:
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=4, n_heads=2))
        >>> losses = transformer_lesions(model, {"text": torch.zeros(3, 4, dtype=torch.long)})
        >>> losses(["0:1", "1:0"])["text"].shape
        (3,)
    """
    one_of("stand_in", stand_in, STAND_INS)
    if not rows_by_domain:
        raise InputError("rows_by_domain", "must name at least one domain", {}, "Add one.")
    rows = {domain: checked_rows(model, table, least=1) for domain, table in rows_by_domain.items()}
    instead = {domain: _stand_ins(model, table, stand_in) for domain, table in rows.items()}

    @torch.no_grad()
    def evaluate(withheld: Collection[str]) -> dict[str, Array]:
        return {
            domain: _row_losses(
                model, table, {n: instead[domain][n] for n in _known(model, withheld)}
            )
            for domain, table in rows.items()
        }

    return evaluate


def _outputs_and_gradients(model: Transformer, tokens: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """Outputs of heads and gradients in them, each (head, row, position, d_model)."""
    copied = copy.deepcopy(model).requires_grad_(True)  # a frozen model has no graph
    with torch.enable_grad():
        trace = copied.trace(tokens)
        losses = per_example(loss(lambda _: copied.finish(trace.residual[-1]), tokens))
        slopes = torch.autograd.grad(losses.sum(), trace.head_output)
    outputs, gradients = (
        torch.cat([x.detach().transpose(0, 1) for x in layers])
        for layers in (trace.head_output, slopes)
    )
    return outputs, gradients


def _stand_ins(model: Transformer, rows: Tensor, stand_in: str) -> dict[str, Tensor]:
    """What each head puts out when it is withheld (position, d_model)."""
    means = torch.cat(mean_outputs(model, rows))
    return dict(zip(head_names(model.config), means * (stand_in == "mean"), strict=True))


def _known(model: Transformer, names: Collection[str]) -> list[str]:
    return [one_of("components", name, head_names(model.config)) for name in names]


def _row_losses(model: Transformer, rows: Tensor, replace: Mapping[str, Tensor]) -> Array:
    """Mean loss of each row with some heads replaced (row,)."""
    parts = [
        losses_from_logits(model(tokens, replace=replace), tokens).mean(1)
        for tokens in chunks(model.config, rows)
    ]
    found: Array = torch.cat(parts).double().cpu().numpy()
    return found
