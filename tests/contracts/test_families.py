"""What every declared family of Hugging Face decoders must keep, on tiny models of its class."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import somite as so
from contracts.decoders import FAMILIES, MIXED, tiny_decoder, tiny_tokens
from contracts.unfused import FUSED, head_output
from somite.components.families.decoder import Decoder, decoder
from somite.components.families.family import Family
from somite.components.families.registry import DECLARED
from somite.components.families.stacked import stacked
from somite.components.families.zeroing import falls_silent
from somite.core.errors import InputError
from somite.core.random import stream

families = pytest.mark.parametrize("family", FAMILIES)
QUIET = 1e-6
"""Part of the largest gradient below which an entry says nothing: a constant added to all keys
cancels in the softmax, so that their biases have no gradient beyond rounding."""


STEADY = {
    "opt": {"activation_function": "gelu"},
    **{name: {"num_experts_per_tok": 4} for name in ("mixtral", "qwen2_moe", "qwen3_moe")},
}
"""No neuron and no expert may fall silent because a head changed what it reads."""


def gradients(
    model: nn.Module, silent: Tensor | None = None, output: str = ""
) -> dict[str, Tensor]:
    """Gradients of a random score, with some inputs of an output projection set to zero."""

    def cover(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (given[0].masked_fill(silent, 0.0),)

    hooks = [] if silent is None else [
        model.get_submodule(output).register_forward_pre_hook(cover)
    ]  # fmt: skip
    logits = model(tiny_tokens()).logits
    for hook in hooks:
        hook.remove()
    readout = torch.randn(logits.shape, generator=stream("readout"), dtype=torch.float64)
    names, weights = zip(*model.named_parameters(), strict=True)
    score = (logits.tanh() * readout).sum()
    return dict(
        zip(names, torch.autograd.grad(score, weights, materialize_grads=True), strict=True)
    )


def claims(found: Decoder) -> dict[str, tuple[str, list[int], int]]:
    """Per head and group its output projection, the heads to silence, the number of heads."""
    made = {}
    for layer, one in enumerate(found.attention_layers):
        for head in range(one.heads):
            made[f"{layer}:{head}"] = one.output, [head], one.heads
        for group in range(one.groups):
            made[f"{layer}:group{group}"] = one.output, list(one.members(group)), one.heads
    return made


@families
def test_zeroing_a_head_leaves_exactly_its_mask_without_gradient(family):
    model = tiny_decoder(family, **STEADY.get(family, {}))
    found = decoder(model)
    masks = found.heads() | found.head_groups()
    speaking = gradients(model)
    loud = QUIET * max(float(g.abs().max()) for g in speaking.values())
    asked = claims(found)
    assert list(asked)
    assert set(asked) == set(masks)
    for name, (output, heads, count) in asked.items():
        columns = model.get_submodule(output).weight.shape
        width = columns[0] if found.family.transposed else columns[1]
        silent = torch.isin(torch.arange(width) // (width // count), torch.tensor(heads))
        after = gradients(model, silent, output)
        heard = 0
        for weight, gradient in after.items():
            chosen = masks[name].entries.get(weight, torch.zeros(gradient.shape, dtype=torch.bool))
            assert (gradient[chosen] == 0).all(), f"{name}: {weight} speaks"
            says = speaking[weight].abs() > loud
            if len(heads) < count:  # with all heads silent so is what they have in common
                lost = says & ~chosen & (gradient == 0)
                assert not lost.any(), f"{name}: {weight} fell silent too"
            heard += int((says & chosen).sum())
        assert heard > 0.8 * masks[name].size


@families
def test_parts_hold_every_weight_once(family):
    model = tiny_decoder(family)
    counts = {name: torch.zeros(w.shape, dtype=torch.int64) for name, w in model.named_parameters()}
    for mask in so.components(model, "parts").values():
        for name, chosen in mask.entries.items():
            counts[name] += chosen
    assert all((count == 1).all() for count in counts.values())
    kinds = decoder(model).kinds()
    small = [
        "heads", "keys_values", "common", "experts", "routers", "embed", "positions", "rest",
    ]  # fmt: skip
    for kind in small:
        assert kinds[kind]().keys() <= so.components(model, "parts").keys()


@families
def test_layers_and_ends_hold_every_weight_once(family):
    model = tiny_decoder(family)
    kinds = decoder(model).kinds()
    ends = {**kinds["embed"](), **kinds["positions"](), **kinds["unembed"]()}
    outside = {n: m for n, m in kinds["rest"]().items() if ":" not in n}
    masks = [*kinds["layers"]().values(), *ends.values(), *outside.values()]
    names = [name for mask in dict.fromkeys(masks) for name in mask.entries]
    tied = len(set(ends["embed"].entries) & set(ends["unembed"].entries))
    assert sorted(set(names)) == sorted(dict(model.named_parameters()))
    assert len(names) == len(set(names)) + tied


SLOPED = ["bloom", "mpt", "falcon, ALiBi"]
"""Each head has a slope of its own there: heads do not change places."""


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in SLOPED])
def test_heads_change_places_without_changing_the_function(family):
    model = tiny_decoder(family)
    before = model(tiny_tokens()).logits
    found = decoder(model)
    swap(model, found.heads()["0:0"], found.heads()["0:1"])
    torch.testing.assert_close(model(tiny_tokens()).logits, before, rtol=1e-6, atol=1e-6)
    if found.attention_layers[0].groups > 1:
        swap(model, found.head_groups()["0:group0"], found.head_groups()["0:group1"])
        torch.testing.assert_close(model(tiny_tokens()).logits, before, rtol=1e-6, atol=1e-6)


def swap(model: nn.Module, first: so.Mask, second: so.Mask) -> None:
    """Let the entries of two masks change places."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in first.entries:
                one, other = first.entries[name], second.entries[name]
                weight[one], weight[other] = weight[other].clone(), weight[one].clone()


@pytest.mark.parametrize("family", FUSED)
def test_masks_of_fused_tensors_are_the_heads_of_unfused_ones(family):
    model, fused = tiny_decoder(family), FUSED[family]
    masks = {name: [mask] for name, mask in so.components(model, "heads").items()}
    if groups := decoder(model).attention_layers[1].groups:
        shared = [f"1:kv{g}" for g in range(groups) for _ in range(count_heads(model) // groups)]
        keys = so.components(model, "keys_values")
        masks = {f"1:{h}": [*masks[f"1:{h}"], keys[kv]] for h, kv in enumerate(shared)}
    for moved in range(2):
        if moved:  # a head's own entries change that head alone
            with torch.no_grad():
                for name, chosen in masks["1:2"][0].entries.items():
                    dict(model.named_parameters())[name][chosen] *= -1.5
        read, written = read_and_written(model, fused)
        heads = [fused.head(model, masks[f"1:{h}"]) for h in range(count_heads(model))]
        expected = sum(head_output(read, h, i, fused.scores) for i, h in enumerate(heads))
        torch.testing.assert_close(written, expected, rtol=1e-5, atol=1e-6)


def count_heads(model: nn.Module) -> int:
    return model.config.num_attention_heads


def read_and_written(model: nn.Module, fused: object) -> tuple[Tensor, Tensor]:
    """What an attention reads, and what its heads write, without the bias."""
    seen = {}
    projection, output = (fused.module(model, n) for n in (fused.projection, fused.output))
    hooks = [
        projection.register_forward_pre_hook(lambda _, given: seen.update(read=given[0])),
        output.register_forward_hook(lambda _, __, out: seen.update(written=out)),
    ]
    with torch.no_grad():
        model(tiny_tokens())
    for hook in hooks:
        hook.remove()
    bias = getattr(output, "bias", None)
    return seen["read"], seen["written"] - (0 if bias is None else bias.detach())


WRONG = {
    "gpt_neox": {"storage": stacked},
    "bloom": {"storage": stacked},
    "phi3": {"storage": DECLARED["falcon"].storage},
    "gpt2": {"storage": DECLARED["gpt_neox"].storage},
    "llama": {"projections": ("q_proj", "k_proj")},
}


@pytest.mark.parametrize("family", WRONG)
def test_wrong_declarations_fail_the_zeroing_test(family):
    model, right = tiny_decoder(family), DECLARED[family]
    wrong = replace(right, **WRONG[family])
    assert all(falls_silent(model, one) for one in Decoder(model, [right]).attention_layers)
    assert not falls_silent(model, Decoder(model, [wrong]).attention_layers[0])


def test_heads_of_the_wrong_width_fail_the_zeroing_test():
    def narrow(rows: int, heads: int, d_head: int) -> tuple[int, ...]:
        width = 12 // heads  # d_model / heads, as if it were the width of a head
        return tuple(min(row // width, heads - 1) + (rows < 16) * heads for row in range(rows))

    model = tiny_decoder("qwen3")
    wrong = replace(DECLARED["qwen3"], storage=narrow)
    assert not falls_silent(model, Decoder(model, [wrong]).attention_layers[0])


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma3_text"])
def test_a_head_has_its_whole_width_where_that_is_not_d_model_over_heads(family):
    model = tiny_decoder(family, attention_bias=False)
    assert {m.size for m in so.components(model, "heads").values()} == {4 * 12 + 12 * 4}
    assert {m.size for m in so.components(model, "keys_values").values()} == {2 * 4 * 12}


@pytest.mark.parametrize("family", MIXED)
def test_heads_that_share_a_norm_are_refused_and_the_rest_works(family):
    model = tiny_decoder(family)
    words = f"cannot be heads of a model of type {family}: its queries and keys are normalised"
    with pytest.raises(InputError, match=words):
        so.components(model, "heads")
    assert list(so.components(model, "mlps")) == ["0:mlp", "1:mlp"]
    assert list(so.components(model, "0:attention")) == ["0:attention"]
    counts = sum(mask.size for mask in so.components(model, "parts").values())
    assert counts == sum(weight.numel() for weight in model.parameters())


def test_tied_embeddings_are_one_component_with_two_names():
    model = tiny_decoder("gpt2")
    first, second = (so.components(model, end)[end].entries for end in ("embed", "unembed"))
    assert list(first) == list(second) == ["transformer.wte.weight"]
    assert "unembed" not in so.components(model, "parts")
    free = tiny_decoder("gpt_neox")
    assert list(so.components(free, "unembed")["unembed"].entries) == ["lm_head.weight"]


def test_experts_and_their_router():
    model = tiny_decoder("qwen2_moe")
    experts = so.components(model, "experts")
    assert list(experts) == [f"{layer}:expert{e}" for layer in range(2) for e in range(4)]
    assert {mask.size for mask in experts.values()} == {3 * 8 * 16}
    router = so.components(model, "0:router")["0:router"]
    assert {name.split(".")[4] for name in router.entries} == {
        "gate", "shared_expert", "shared_expert_gate",
    }  # fmt: skip
    with pytest.raises(InputError, match="must select at least one weight, got 'experts'"):
        so.components(tiny_decoder("llama"), "experts")


@pytest.mark.parametrize("family", ["gpt2", "llama", "phi3", "opt", "mpt", "phi"])
def test_neurons_hold_their_mlp_but_the_bias_of_its_output(family):
    model = tiny_decoder(family)
    neurons = so.components(model, "neurons:1")
    counts: dict[str, Tensor] = {}
    for mask in neurons.values():
        for name, chosen in mask.entries.items():
            counts[name] = counts.get(name, 0) + chosen.long()
    assert all((count == 1).all() for count in counts.values())
    left = set(so.components(model, "1:mlp")["1:mlp"].entries) - set(counts)
    assert all(name.endswith("bias") for name in left)
    assert len(left) <= 1


def test_a_silent_neuron_is_its_mask():
    model = tiny_decoder("phi3")
    mask = so.components(model, "neurons:0")["0:neuron3"]
    silent = torch.arange(20) == 3
    after = gradients(model, silent, "model.layers.0.mlp.down_proj")
    for name in (f"model.layers.0.mlp.{part}.weight" for part in ("gate_up_proj", "down_proj")):
        assert torch.equal(after[name] == 0, mask.entries[name])


@pytest.mark.parametrize(
    "family", ["gpt2", "gpt_neox", "llama", "falcon", "phi3", "opt", "gpt_neo"]
)
def test_heads_of_an_undeclared_family_are_derived(family, monkeypatch):
    model = tiny_decoder(family)
    declared = so.components(model, "heads") | so.components(model, "0:attention")
    monkeypatch.delitem(DECLARED, model.config.model_type)
    derived = so.components(model, "heads") | so.components(model, "0:attention")
    assert list(derived) == list(declared)
    for name, mask in derived.items():
        assert mask.entries.keys() == declared[name].entries.keys()
        assert all(torch.equal(c, declared[name].entries[n]) for n, c in mask.entries.items())


@pytest.mark.parametrize("family", ["biogpt", "openai-gpt"])
def test_families_that_nobody_declared_have_heads(family):
    assert list(so.components(tiny_decoder(family), "heads")) == [
        f"{layer}:{head}" for layer in range(2) for head in range(3)
    ]


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("codegen", "stored in no way that passes the zeroing test"),
        ("deepseek_v3", "stored in no way that passes the zeroing test"),
        ("mamba", "have no attention"),
    ],
)
def test_where_no_heads_are_found_the_error_says_so_and_layers_work(family, words):
    model = tiny_decoder(family)
    with pytest.raises(InputError, match=f"cannot be heads of a model of type {family}.*{words}"):
        so.components(model, "heads")
    assert list(so.components(model, "layers")) == ["0", "1"]
    assert sum(mask.size for mask in so.components(model, "parts").values()) == sum(
        weight.numel() for weight in model.parameters()
    )
    if family != "mamba":
        assert list(so.components(model, "mlps")) == ["0:mlp", "1:mlp"]


def test_the_zeroing_test_leaves_the_model_as_it_is(monkeypatch):
    monkeypatch.delitem(DECLARED, "llama")
    model = tiny_decoder("llama").train()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    so.components(model, "heads")
    assert model.training
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_every_family_has_a_declaration_of_its_own():
    tested = {name.partition(",")[0] for name in (*FAMILIES, *MIXED)}
    assert tested == set(DECLARED)
    assert all(isinstance(family, Family) for family in DECLARED.values())


@pytest.mark.parametrize("family", ["gpt2", "llama", "phi3"])
def test_groups_of_neurons_hold_what_their_neurons_hold(family):
    model = tiny_decoder(family)
    neurons, groups = (so.components(model, which) for which in ("neurons:1", "neuron_groups:2"))
    assert list(groups) == ["0:neurons0", "0:neurons1", "1:neurons0", "1:neurons1"]
    half = [neurons[f"1:neuron{i}"] for i in range(len(neurons) // 2)]
    for name, chosen in groups["1:neurons0"].entries.items():
        together = torch.stack([mask.entries[name] for mask in half]).any(0)
        assert torch.equal(chosen, together)
