"""Components of models that name their weights as TransformerLens does.

`blocks.0.attn.W_Q` (head, d_model, d_head) and `b_Q` (head, d_head), likewise K, V and O: head h is
slice h along the first axis. With fewer keys than queries the tensors are called `_W_K`, and keys
and values are components of their own.
"""

import re
from collections.abc import Mapping

from torch import Tensor, nn

from somite.components.cuts import SLICES
from somite.components.mask import Mask, whole

HEADS = re.compile(r"(blocks\.(\d+)\.attn\.)(_?)(W|b)_([QKVO])")
Kinds = dict[str, dict[str, Mask]]


def lens_kinds(model: nn.Module) -> Kinds | None:
    """Declared kinds of such a model: heads, keys_values, mlps, layers, embed, unembed.

    Args:
        model: Any module.

    Returns:
        None if it names its weights otherwise.
    """
    weights = dict(model.named_parameters())
    if not sliced(weights):
        return None
    heads: dict[str, dict[str, Tensor]] = {}
    shared: dict[str, dict[str, Tensor]] = {}
    for name in sliced(weights):
        match = HEADS.fullmatch(name)
        assert match is not None
        into, word = (shared, "kv") if match[3] else (heads, "")
        for i in range(len(weights[name])):
            entries = into.setdefault(f"{match[2]}:{word}{i}", {})
            entries[name] = SLICES.mask(weights[name].shape, i)
    layers = dict.fromkeys(name.split(".")[1] for name in weights if name.startswith("blocks."))
    kinds: dict[str, dict[str, Mask | None]] = {
        "heads": {name: Mask(entries) for name, entries in heads.items()},
        "keys_values": {name: Mask(entries) for name, entries in shared.items()},
        "mlps": {f"{i}:mlp": _under(weights, f"blocks.{i}.mlp.") for i in layers},
        "layers": {i: _under(weights, f"blocks.{i}.") for i in layers},
        "embed": {"embed": _under(weights, "embed.", "pos_embed.")},
        "unembed": {"unembed": _under(weights, "unembed.")},
    }
    found = {k: {n: m for n, m in group.items() if m is not None} for k, group in kinds.items()}
    return {kind: group for kind, group in found.items() if group}


def sliced(weights: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors whose slices along the first axis are heads, or their shared keys.

    Example:
        >>> import torch
        >>> sliced({"blocks.0.attn.W_Q": torch.zeros(2, 3, 4), "norm": torch.zeros(3)})
        ['blocks.0.attn.W_Q']
    """
    matches = {name: HEADS.fullmatch(name) for name in weights}
    return [n for n, m in matches.items() if m and weights[n].ndim == {"W": 3, "b": 2}[m[4]]]


def _under(weights: Mapping[str, Tensor], *prefixes: str) -> Mask | None:
    entries = {n: whole(w) for n, w in weights.items() if n.startswith(prefixes)}
    return Mask(entries) if entries else None
