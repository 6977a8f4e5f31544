"""What one head's output is worth: the loss when something else stands in its place.

Only what lies above the head is run again, from the residuals of a clean pass.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from somite.behavior.losses import losses_from_logits
from somite.models.transformer import Transformer


@torch.no_grad()
def loss_changes(model: Transformer, tokens: Tensor, stand_ins: Sequence[Tensor]) -> Tensor:
    """Loss of each token with one head's output replaced, minus its loss with none replaced.

    Both losses come from the same arithmetic, so a stand-in that equals the head's own output
    changes nothing, to the last bit.

    Args:
        model: The model; left as it was.
        tokens: Token ids (row, position) of one chunk, as `checked_rows` returns them.
        stand_ins: For each layer the outputs to put in the place of its heads', one head at a
            time; anything that broadcasts to (row, head, position, d_model).

    Returns:
        Changes [nats] (component, row, position - 1), heads in the order of `head_names`.
    """
    trace = model.trace(tokens)
    changes = []
    for layer, (own, other) in enumerate(zip(trace.head_output, stand_ins, strict=True)):
        attended = trace.residual[layer] + own.sum(1)
        clean = _losses_above(model, layer, attended, tokens)
        for difference in (other - own).unbind(1):
            changes.append(_losses_above(model, layer, attended + difference, tokens) - clean)
    return torch.stack(changes)


def _losses_above(model: Transformer, layer: int, attended: Tensor, tokens: Tensor) -> Tensor:
    """Losses when `attended` is the residual stream just after the heads of a layer."""
    residual = model.block(layer).close(attended)
    for above in range(layer + 1, model.config.n_layers):
        residual = model.run_block(above, residual)
    return losses_from_logits(model.finish(residual), tokens)
