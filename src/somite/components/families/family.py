"""What a family of decoders says of itself: where its attention is, and how its tensors are cut."""

from collections.abc import Callable
from dataclasses import dataclass

from somite.core.errors import InputError

REMEDY = 'Take "layers", "attentions" or "mlps".'
Storage = Callable[[int, int, int], tuple[int, ...]]
"""Owner of each row of a projection of (rows, heads, d_head): head h is h, and the keys and values
of group g, where several heads share them, are heads + g."""


@dataclass(frozen=True)
class Family:
    """How decoders of one family store their weights. Names are as in the model.

    Args:
        storage: Which rows of the projections belong to which head.
        layers: The list of layers.
        attention: The attention within a layer.
        projections: What queries, keys and values are made with, within the attention.
        output: What the heads write with, within the attention.
        transposed: Whether projections are stored as (in, out) instead of (out, in).
        mlp: Parts of the MLP within a layer.
        hidden: Maps into the hidden neurons of the MLP, within a layer.
        written: The map out of them.
        gated: Whether the first of `hidden` holds two rows for each neuron, gates before values.
        positions: The table of learned positions; None without one.
        experts: The experts within a layer, where there are any.
        mixed: Why heads have no weights of their own; None where they have.
    """

    storage: Storage
    layers: str = "model.layers"
    attention: str = "self_attn"
    projections: tuple[str, ...] = ("q_proj", "k_proj", "v_proj")
    output: str = "o_proj"
    transposed: bool = False
    mlp: tuple[str, ...] = ("mlp",)
    hidden: tuple[str, ...] = ("mlp.gate_proj", "mlp.up_proj")
    written: str = "mlp.down_proj"
    gated: bool = False
    positions: str | None = None
    experts: str = "mlp.experts"
    mixed: str | None = None


def vectors(rows: int, d_head: int) -> int:
    """How many queries, keys or values the rows of a projection make.

    Raises:
        InputError: If the last of them would be cut off.
    """
    if rows % d_head or not rows:
        rule = f"must have rows for whole heads of width {d_head}"
        raise InputError("projection", rule, rows, REMEDY)
    return rows // d_head


def check_groups(groups: float, heads: int) -> int:
    """Require a number of keys that equal parts of the heads share.

    Raises:
        InputError: If it is none.
    """
    if groups < 1 or heads % groups:
        rule = f"must be shared by equal parts of the {heads} heads"
        raise InputError("keys and values", rule, groups, REMEDY)
    return int(groups)


def fused(rows: int, heads: int, d_head: int) -> tuple[int, list[int]]:
    """What a tensor holds that has queries, keys and values of all heads.

    Returns:
        Heads of a group, and the owner of the keys and values of each: the head itself where none
        shares them.
    """
    groups = check_groups((vectors(rows, d_head) - heads) / 2, heads)
    first = 0 if groups == heads else heads
    return heads // groups, [first + group for group in range(groups)]
