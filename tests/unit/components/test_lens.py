"""A model with the names and shapes of TransformerLens, written here."""

import torch
from torch import nn

import somite as so
from somite.components.select import units


class Attention(nn.Module):
    """Weights of 4 heads of width 3, with 2 keys if grouped."""

    def __init__(self, grouped: bool) -> None:
        super().__init__()
        for letter, shape in (
            ("Q", (4, 8, 3)),
            ("K", (4, 8, 3)),
            ("V", (4, 8, 3)),
            ("O", (4, 3, 8)),
        ):
            few = grouped and letter in "KV"
            count, mark = (2, "_") if few else (4, "")
            self.register_parameter(
                f"{mark}W_{letter}", nn.Parameter(torch.zeros(count, *shape[1:]))
            )
            bias = torch.zeros(8) if letter == "O" else torch.zeros(count, 3)
            self.register_parameter(
                f"{mark if letter != 'O' else ''}b_{letter}", nn.Parameter(bias)
            )


class Hooked(nn.Module):
    """Embedding, two blocks, unembedding."""

    def __init__(self, grouped: bool = False) -> None:
        super().__init__()
        self.embed, self.unembed = nn.Embedding(5, 8), nn.Linear(8, 5)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"attn": Attention(grouped), "mlp": nn.Linear(8, 8)}) for _ in range(2)
        )


def test_heads_are_slices_along_the_first_axis():
    model = Hooked()
    heads = so.components(model, "heads")
    assert list(heads) == [f"{layer}:{head}" for layer in range(2) for head in range(4)]
    assert {mask.size for mask in heads.values()} == {4 * 24 + 3 * 3}
    assert torch.equal(heads["1:2"].entries["blocks.1.attn.W_O"].any((1, 2)), torch.arange(4) == 2)
    assert list(so.components(model, "mlps")) == ["0:mlp", "1:mlp"]
    assert so.components(model, "0:3")["0:3"].size == 105
    assert "blocks.0.attn.b_O" not in units(model)
    assert len(units(model)) == 2 * 7


def test_shared_keys_are_components_of_their_own():
    model = Hooked(grouped=True)
    assert {mask.size for mask in so.components(model, "heads").values()} == {2 * 24 + 3}
    shared = so.components(model, "keys_values")
    assert list(shared) == ["0:kv0", "0:kv1", "1:kv0", "1:kv1"]
    assert {mask.size for mask in shared.values()} == {2 * 24 + 2 * 3}
    so.pairs(so.components(model, "heads") | shared)  # disjoint
