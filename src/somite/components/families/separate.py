"""Queries, keys and values in three tensors, head after head in each.

    q_proj (heads · d_head, d_model)     k_proj, v_proj (groups · d_head, d_model)

With as many groups as heads, keys and values belong to the heads. With fewer, head h reads the keys
and values of group h · groups / heads. The width of a head is that of its slice of `o_proj`: it
need not be d_model / heads.
"""

from dataclasses import replace

from somite.components.families.family import Family, check_groups, vectors


def separate(rows: int, heads: int, d_head: int) -> tuple[int, ...]:
    """Owner of each row of one tensor of queries, keys or values.

    Example:
        >>> separate(4, 2, 2), separate(2, 2, 2)
        ((0, 0, 1, 1), (2, 2))
    """
    groups = check_groups(vectors(rows, d_head), heads)
    first = 0 if groups == heads else heads
    return tuple(first + row // d_head for row in range(rows))


LLAMA = Family(separate)
GPT = replace(
    LLAMA,
    layers="transformer.h",
    attention="attn",
    output="out_proj",
    hidden=("mlp.fc_in",),
    written="mlp.fc_out",
)
GPT_NEO = replace(
    GPT,
    attention="attn.attention",
    hidden=("mlp.c_fc",),
    written="mlp.c_proj",
    positions="transformer.wpe",
)
PHI = replace(LLAMA, output="dense", hidden=("mlp.fc1",), written="mlp.fc2")
OPT = Family(
    separate,
    layers="model.decoder.layers",
    output="out_proj",
    mlp=("fc1", "fc2"),
    hidden=("fc1",),
    written="fc2",
    positions="model.decoder.embed_positions",
)
STARCODER = replace(LLAMA, hidden=("mlp.c_fc",), written="mlp.c_proj")
OVER_ALL_HEADS = replace(
    LLAMA, mixed="its queries and keys are normalised over all heads of a layer at once"
)
FAMILIES = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "smollm3", "olmo"), LLAMA),
    **dict.fromkeys(("gemma", "gemma2", "gemma3_text", "granite", "cohere"), LLAMA),
    **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe"), LLAMA),
    **dict.fromkeys(("olmo2", "olmoe"), OVER_ALL_HEADS),
    "gptj": GPT,
    "gpt_neo": GPT_NEO,
    "phi": PHI,
    "opt": OPT,
    "starcoder2": STARCODER,
}
