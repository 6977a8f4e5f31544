"""Tiny decoders of the classes of transformers, with random weights in double precision."""

import torch
import transformers
from torch import nn

VOCABULARY = 11
LAYERS = {"num_hidden_layers": 2}
WIDE = {"hidden_size": 12, **LAYERS, "num_attention_heads": 3}
GROUPED = {"hidden_size": 16, **LAYERS, "num_attention_heads": 4, "num_key_value_heads": 2,
           "intermediate_size": 20}  # fmt: skip
NARROW = {**GROUPED, "hidden_size": 12, "head_dim": 4}  # 4 · 4 is not 12
GPT = {"n_embd": 12, "n_layer": 2, "n_head": 3, "n_positions": 16}
EXPERTS = {"num_experts_per_tok": 2}
PADDED = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

SHAPES: dict[str, dict[str, object]] = {
    "gpt2": GPT,
    "gpt_neo": {"hidden_size": 12, "num_layers": 2, "num_heads": 3, "max_position_embeddings": 16,
                "attention_types": [[["global", "local"], 1]]},
    "gptj": {**GPT, "rotary_dim": 2},
    "gpt_bigcode": GPT,
    "gpt_neox": {**WIDE, "intermediate_size": 20, "rotary_pct": 0.5},
    "llama": {**NARROW, "attention_bias": True, "mlp_bias": True},
    "mistral": NARROW,
    "qwen2": GROUPED,
    "qwen3": NARROW,
    "smollm3": GROUPED,
    "gemma": {**NARROW, "num_key_value_heads": 1},
    "gemma2": NARROW,
    "gemma3_text": NARROW,
    "opt": {**WIDE, "ffn_dim": 20, "word_embed_proj_dim": 12, "max_position_embeddings": 16},
    "phi": {**WIDE, "intermediate_size": 20},
    "phi3": GROUPED,
    "olmo": GROUPED,
    "falcon": {**WIDE, "multi_query": True},
    "falcon, several keys": {"hidden_size": 16, **LAYERS, "num_attention_heads": 4, "bias": True,
                             "num_kv_heads": 2, "new_decoder_architecture": True},
    "falcon, ALiBi": {**WIDE, "multi_query": False, "bias": True, "alibi": True},
    "mpt": {"d_model": 12, "n_heads": 3, "n_layers": 2, "max_seq_len": 16},
    "bloom": {"hidden_size": 12, "n_layer": 2, "n_head": 3},
    "starcoder2": GROUPED,
    "cohere": GROUPED,
    "granite": GROUPED,
    "mixtral": {**GROUPED, **EXPERTS, "num_local_experts": 4},
    "qwen2_moe": {**GROUPED, **EXPERTS, "num_experts": 4, "moe_intermediate_size": 8,
                  "shared_expert_intermediate_size": 12},
    "qwen3_moe": {**NARROW, **EXPERTS, "num_experts": 4, "moe_intermediate_size": 8},
    "olmo2": GROUPED,
    "olmoe": {**GROUPED, **EXPERTS, "num_experts": 4},
    "biogpt": {**WIDE, "intermediate_size": 20, "max_position_embeddings": 16},
    "codegen": {"n_embd": 16, "n_layer": 2, "n_head": 8, "rotary_dim": 2},
    "openai-gpt": GPT,
    "deepseek_v3": {**GROUPED, **EXPERTS, "num_key_value_heads": 4, "q_lora_rank": 8,
                    "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4,
                    "v_head_dim": 4, "n_routed_experts": 4, "n_group": 1, "topk_group": 1,
                    "moe_intermediate_size": 8, "first_k_dense_replace": 1},
    "mamba": {"hidden_size": 12, **LAYERS, "state_size": 4},
}  # fmt: skip
MIXED = ["olmo2", "olmoe"]
UNDECLARED = ["biogpt", "codegen", "deepseek_v3", "openai-gpt", "mamba"]
FAMILIES = [name for name in SHAPES if name not in (*MIXED, *UNDECLARED)]


def tiny_decoder(name: str, **changes: object) -> nn.Module:
    """A decoder of a family with weights large enough that heads attend unevenly."""
    settings = {"vocab_size": VOCABULARY, **PADDED, **SHAPES[name], **changes}
    config = transformers.AutoConfig.for_model(name.partition(",")[0], **settings)
    # The fused kernels for experts know no double precision.
    how = {"experts_implementation": "eager"} if "num_experts_per_tok" in settings else {}
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config, **how).double().eval()
        for weight in model.parameters():
            nn.init.normal_(weight, std=0.4)
    return model


def tiny_tokens(rows: int = 6, length: int = 12) -> torch.Tensor:
    """Random tokens (row, position)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(VOCABULARY, (rows, length), generator=generator)
