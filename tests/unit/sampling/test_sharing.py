"""The shared way gives the same losses and gradients as running the whole model again."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

import somite as so
from somite import Mask, components, next_token_loss
from somite.components.mask import whole
from somite.components.patch import Patch
from somite.models import Transformer
from somite.models.sharing import moved_heads, shared_pass
from somite.sampling import sharing as sharing_module
from somite.sampling.sharing import Passes, Sharing
from somite.sampling.views import whole_view
from unit.models.tiny import SHAPES, tiny_rows, tiny_transformer
from unit.sampling.runs import HEADS, sample_tiny

shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def frozen(**shape: object) -> Transformer:
    return tiny_transformer(**shape).eval().requires_grad_(False)


def sharing(model: Transformer) -> Sharing:
    return Sharing(model, next_token_loss, tiny_rows(3))


def patch_of(model: Transformer, *heads: str) -> Patch:
    masks = components(model, "heads")
    union = masks[heads[0]]
    for head in heads[1:]:
        union = union | masks[head]
    return Patch(union, dict(model.named_parameters()), model.units())


def loss_and_gradient(view: object, rows: Tensor, flat: Tensor) -> tuple[Tensor, Tensor]:
    leaf = flat.detach().requires_grad_()
    losses = view(rows, leaf)
    return losses.detach(), torch.autograd.grad(losses.mean(), leaf)[0]


@shapes
@pytest.mark.parametrize("heads", [("0:1",), ("1:2",), ("0:0", "0:2"), ("1:0", "1:1", "1:2")])
def test_losses_and_gradients_agree(shape, heads):
    model, rows = frozen(**shape), tiny_rows()
    patch = patch_of(model, *heads)
    shared = sharing(model).view(patch)
    generator = torch.Generator().manual_seed(3)
    away = torch.randn(patch.size, generator=generator, dtype=torch.float64)
    for flat in (patch.center, patch.center + 0.3 * away):
        expected = loss_and_gradient(whole_view(model, next_token_loss, patch), rows, flat)
        found = loss_and_gradient(shared, rows, flat)
        torch.testing.assert_close(found, expected, **EXACT)


@shapes
@pytest.mark.parametrize("heads", [("0:1",), ("1:0", "1:2")])
def test_losses_and_gradients_agree_in_single_precision(shape, heads):
    model, rows = frozen(**shape).float(), tiny_rows()
    patch = patch_of(model, *heads)
    expected = loss_and_gradient(whole_view(model, next_token_loss, patch), rows, patch.center)
    found = loss_and_gradient(sharing(model).view(patch), rows, patch.center)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@shapes
def test_draws_agree(shape):
    shared, plain = (
        sample_tiny(tiny_transformer(**shape), sharing=s, probes={"few": tiny_rows(3)})
        for s in (True, False)
    )
    for name in ("loss", "center_loss", "distance", "probe_loss"):
        np.testing.assert_allclose(shared[name], plain[name], rtol=1e-6, atol=1e-8)


def parts_that_fall_back(model: Transformer) -> dict[str, Mask]:
    heads = components(model, "heads")
    first = heads["0:0"].entries
    cut = {n: m & (torch.arange(m.shape[-1]) > 0) for n, m in first.items()}
    return {
        "heads of two layers": heads["0:0"] | heads["1:0"],
        "a cut head": Mask(cut),
        "one tensor of a head": Mask({"blocks.0.attn.W_Q": first["blocks.0.attn.W_Q"]}),
        "a head and a norm": heads["0:0"] | components(model, "norm.weight")["norm.weight"],
        "uneven heads": heads["0:0"] | Mask(dict(list(heads["0:1"].entries.items())[:2])),
        "a layer": components(model, "layers")["0"],
        "the embedding": Mask({"embed": whole(model.embed)}),
    }


@pytest.mark.parametrize("name", parts_that_fall_back(frozen()))
def test_anything_but_whole_heads_of_one_layer_runs_the_whole_model(name):
    model = frozen()
    patch = Patch(parts_that_fall_back(model)[name], dict(model.named_parameters()), model.units())
    assert moved_heads(model, patch) is None


def test_the_center_is_run_once_per_minibatch_for_all_components(monkeypatch):
    made = []
    original = sharing_module.shared_pass
    monkeypatch.setattr(
        sharing_module, "shared_pass", lambda m, t: made.append(t) or original(m, t)
    )
    sample_tiny(chains=1, burn_in=0, draws=5)
    _few, _second, _third, *batches = made  # the 12 rows on which stiff directions are sought
    assert len(batches) == 5 + 6  # with two more at each of the 3 probe draws
    assert len(HEADS) > 1
    assert all(tokens.shape == (4, 6) for tokens in made)


def test_a_batch_is_known_by_its_tokens_not_by_its_place_in_memory():
    model = frozen()
    cache = Passes(partial(shared_pass, model))
    for token in range(7):  # Each batch is freed, and its place taken by the next.
        rows = torch.full((4, 6), token)
        found = cache.get(rows).below[-1]
        torch.testing.assert_close(found, model.trace(rows).residual[-1])
        del rows
    assert len(cache.kept) == 7
    same = torch.full((4, 6), 3)
    assert cache.get(same) is cache.get(same.clone())
    held = cache.get(same)
    same.fill_(5)
    assert cache.get(same) is not held


def test_a_loss_that_makes_its_own_batches_is_shared_rightly():
    def score(model: object, rows: Tensor) -> Tensor:
        return model(rows).logsumexp(-1).square()

    def difference(model: object, rows: Tensor) -> Tensor:
        return score(model, rows.clone()) - score(model, rows.flip(1))

    target = so.Target(difference, tiny_rows(), n_beta=30, localization=20)
    settings = {"chains": 1, "burn_in": 2, "draws": 4, "batch_size": 4}
    shared, plain = (
        so.sample(tiny_transformer(), target, so.SGLD(5e-3), sharing=s, **settings)
        for s in (True, False)
    )
    np.testing.assert_allclose(shared.loss, plain.loss, rtol=1e-6, atol=1e-8)


def test_weights_in_half_precision_are_shared_too():
    model = tiny_transformer(d_mlp=5).bfloat16()
    for kind in ("heads", "mlps"):
        draws = so.sample(
            model, so.Target(next_token_loss, tiny_rows(), 5.0, 50.0), so.SGLD(1e-3),
            components=kind, batch_size=4, chains=1, burn_in=0, draws=4,
        )  # fmt: skip
        assert (draws.status == "converged").all()
