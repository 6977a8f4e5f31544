"""Blocks below the moved weights are skipped in any model, and nothing but time changes."""

import warnings

import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.components.mask import whole
from somite.components.patch import Patch
from somite.sampling.blocks import find_blocks
from somite.sampling.sharing import Sharing
from somite.sampling.views import loss_and_gradient, whole_view
from unit.models.tiny import tiny_rows, tiny_transformer

EXACT = {"rtol": 1e-10, "atol": 1e-10}


class Layer(nn.Module):
    """A block as decoders have them: keywords, a tuple of outputs, parts within."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Linear(width, 2 * width), nn.Tanh(), nn.Linear(2 * width, width)
        )
        self.calls = 0

    def forward(self, hidden: Tensor, *, mask: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        return hidden + mask * self.mix(hidden), mask


class Decoder(nn.Module):
    """Embedding, a list of blocks, a last norm and a head that may be tied to the embedding."""

    def __init__(self, tied: bool = False, layers: int = 3) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(0)
            self.embed = nn.Embedding(7, 4)
            self.layers = nn.ModuleList(Layer(4) for _ in range(layers))
            self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 7, bias=False)
        if tied:
            self.head.weight = self.embed.weight
        self.double().eval().requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden, mask = self.embed(tokens), torch.ones(4, dtype=torch.float64)
        for layer in self.layers:
            hidden, mask = layer(hidden, mask=mask)
        return self.head(self.norm(hidden))


def patch_of(model: nn.Module, prefix: str) -> Patch:
    weights = dict(model.named_parameters())
    mask = so.Mask({name: whole(w) for name, w in weights.items() if name.startswith(prefix)})
    return Patch(mask, weights)


WAYS = [
    ("embed", 0),
    ("layers.0.", 0),
    ("layers.1.", 1),
    ("layers.2.mix.2", 2),
    ("norm", 3),
    ("head", 3),
]


@pytest.mark.parametrize(("prefix", "count"), WAYS)
def test_blocks_below_the_first_moved_weight_are_counted_and_skipped(prefix, count):
    model, rows = Decoder(), tiny_rows(4)
    patch = patch_of(model, prefix)
    expected = loss_and_gradient(
        whole_view(model, so.next_token_loss, patch), patch.center + 0.1, rows
    )
    blocks = find_blocks(model, so.next_token_loss, rows)
    assert [type(block.module) for block in blocks.blocks] == [Layer] * 3
    assert blocks.below(patch) == count
    view = Sharing(Decoder(), so.next_token_loss, rows).view(patch)
    torch.testing.assert_close(loss_and_gradient(view, patch.center + 0.1, rows), expected, **EXACT)


def test_a_block_below_is_called_once_per_batch():
    model, rows = Decoder(), tiny_rows(4)
    sharing = Sharing(model, so.next_token_loss, rows)
    views = [(p, sharing.view(p)) for p in (patch_of(model, "layers.2."), patch_of(model, "head"))]
    sharing.clear()
    before = [layer.calls for layer in model.layers]
    for patch, view in views:
        for _ in range(5):
            view(rows, patch.center)
    made = [layer.calls - b for layer, b in zip(model.layers, before, strict=True)]
    assert made == [1, 1, 6]
    sharing.clear()
    views[1][1](rows, views[1][0].center)
    assert model.layers[0].calls - before[0] == 2


def test_a_tied_weight_is_used_first_where_it_embeds():
    model = Decoder(tied=True)
    assert find_blocks(model, so.next_token_loss, tiny_rows(3)).below(patch_of(model, "embed")) == 0


def sequence() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        relu = nn.ReLU()
        model = nn.Sequential(nn.Linear(3, 8), relu, nn.Linear(8, 8), relu, nn.Linear(8, 1))
    return model.double()


def squares(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).square().sum(-1)


def test_draws_agree_with_and_without_sharing():
    data = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    masks = {name: so.Mask({name: whole(w)}) for name, w in sequence().named_parameters()}
    shared, plain = (
        so.sample(sequence(), so.Target(squares, data, 20.0, 5.0), so.SGLD(1e-3), components=masks,
                  batch_size=8, chains=2, burn_in=3, draws=12, sharing=sharing)
        for sharing in (True, False)
    )  # fmt: skip
    torch.testing.assert_close(
        torch.tensor(shared.loss.values), torch.tensor(plain.loss.values), **EXACT
    )


def test_layers_and_mlps_of_our_transformer_are_blocks_too():
    model = tiny_transformer(d_mlp=8, n_layers=3).eval().requires_grad_(False)
    blocks = find_blocks(model, so.next_token_loss, tiny_rows(3))
    assert blocks.below(patch_of(model, "blocks.2.mlp")) == 2
    assert blocks.below(patch_of(model, "unembed")) == 0  # no module of its own: read by the root


class Restless(Layer):
    """A block that remembers how often it was run."""

    def forward(self, hidden: Tensor, *, mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden, mask = super().forward(hidden, mask=mask)
        return hidden * (1 + 0.2 * (self.calls // 3 % 2)), mask


def test_a_model_whose_blocks_are_not_pure_runs_whole_and_says_so():
    model, rows = Decoder(), tiny_rows(4)
    restless = Restless(4).double().requires_grad_(False)
    restless.load_state_dict(model.layers[0].state_dict())
    model.layers[0] = restless
    sharing, patch = Sharing(model, so.next_token_loss, rows), patch_of(model, "layers.2.")
    with pytest.warns(UserWarning, match="blocks of Decoder do not give the same"):
        sharing.view(patch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view = sharing.view(patch_of(model, "head"))  # said once
    before = restless.calls
    view(rows, patch_of(model, "head").center)
    assert restless.calls == before + 1


FAMILIES = {
    "GPT2Config": {"n_embd": 16, "n_layer": 3, "n_head": 2, "n_positions": 12},
    "LlamaConfig": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
                    "num_attention_heads": 2, "num_key_value_heads": 1},
    "GPTNeoXConfig": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
                      "num_attention_heads": 2},
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_decoders_of_transformers(family):
    library = pytest.importorskip("transformers", reason="the extra hf is not installed")
    config = getattr(library, family)(vocab_size=11, use_cache=True, **FAMILIES[family])
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        model = library.AutoModelForCausalLM.from_config(config).double()
    model.eval().requires_grad_(False)
    rows = tiny_rows(4)
    middle = next(n for n, _ in model.named_parameters() if ".1." in n).partition(".1.")[0] + ".1."
    patch = patch_of(model, middle)
    sharing = Sharing(model, so.next_token_loss, rows)
    assert sharing._blocks.below(patch) == 1
    expected = loss_and_gradient(
        whole_view(model, so.next_token_loss, patch), patch.center + 0.01, rows
    )
    found = loss_and_gradient(sharing.view(patch), patch.center + 0.01, rows)
    torch.testing.assert_close(found, expected, **EXACT)
