"""One tensor of all queries, then all keys, then all values.

    (q₀ q₁ … | k₀ k₁ … | v₀ v₁ …), (heads + 2 · groups) · d_head rows

GPT-2 stores it transposed (`Conv1D`).
"""

from somite.components.families.family import Family, fused


def stacked(rows: int, heads: int, d_head: int) -> tuple[int, ...]:
    """Owner of each row.

    Example:
        >>> stacked(6, 2, 1), stacked(4, 2, 1)
        ((0, 1, 0, 1, 0, 1), (0, 1, 2, 2))
    """
    _, keys = fused(rows, heads, d_head)
    return tuple(owner for owner in [*range(heads), *keys, *keys] for _ in range(d_head))


GPT2 = Family(
    stacked,
    layers="transformer.h",
    attention="attn",
    projections=("c_attn",),
    output="c_proj",
    transposed=True,
    hidden=("mlp.c_fc",),
    written="mlp.c_proj",
    positions="transformer.wpe",
)
MPT = Family(
    stacked,
    layers="transformer.blocks",
    attention="attn",
    projections=("Wqkv",),
    output="out_proj",
    mlp=("ffn",),
    hidden=("ffn.up_proj",),
    written="ffn.down_proj",
)
PHI3 = Family(stacked, projections=("qkv_proj",), hidden=("mlp.gate_up_proj",), gated=True)
FAMILIES = {"gpt2": GPT2, "mpt": MPT, "phi3": PHI3}
