"""One tensor, group after group: the queries of its heads, then its key and its value.

(q₀ k₀ v₀ | q₁ k₁ v₁ | …) with a key for every head: GPT-NeoX, BLOOM
(q₀ q₁ … k v) with one for all, (q₀ q₁ k₀ v₀ | q₂ q₃ k₁ v₁ | …) with one for several: Falcon
"""

from somite.components.families.family import Family, fused


def interleaved(rows: int, heads: int, d_head: int) -> tuple[int, ...]:
    """Owner of each row.

    Example:
        >>> interleaved(6, 2, 1), interleaved(4, 2, 1)
        ((0, 0, 0, 1, 1, 1), (0, 1, 2, 2))
    """
    share, keys = fused(rows, heads, d_head)
    owners = [
        owner
        for group, key in enumerate(keys)
        for owner in [*range(group * share, (group + 1) * share), key, key]
    ]
    return tuple(owner for owner in owners for _ in range(d_head))


FALCON = Family(
    interleaved,
    layers="transformer.h",
    attention="self_attention",
    projections=("query_key_value",),
    output="dense",
    hidden=("mlp.dense_h_to_4h",),
    written="mlp.dense_4h_to_h",
)
GPT_NEOX = Family(
    interleaved,
    layers="gpt_neox.layers",
    attention="attention",
    projections=("query_key_value",),
    output="dense",
    hidden=("mlp.dense_h_to_4h",),
    written="mlp.dense_4h_to_h",
)
BIGCODE = Family(
    interleaved,
    layers="transformer.h",
    attention="attn",
    projections=("c_attn",),
    output="c_proj",
    hidden=("mlp.c_fc",),
    written="mlp.c_proj",
    positions="transformer.wpe",
)
FAMILIES = {
    "falcon": FALCON,
    "bloom": FALCON,
    "gpt_neox": GPT_NEOX,
    "gpt_bigcode": BIGCODE,
}
