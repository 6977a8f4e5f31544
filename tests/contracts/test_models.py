"""What every model that declares its components must keep."""

import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.components.select import DeclaresComponents, check_fit
from unit.models.tiny import SHAPES, tiny_rows, tiny_transformer

models = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def entries(model: nn.Module, *kinds: str) -> list[tuple[str, dict[str, Tensor]]]:
    declared = model.components()
    return [(n, dict(m.entries)) for kind in kinds for n, m in declared.get(kind, {}).items()]


def times_chosen(model: nn.Module, *kinds: str) -> dict[str, Tensor]:
    """For each weight entry, by how many components it is claimed."""
    counts = {name: torch.zeros(p.shape, dtype=torch.int64) for name, p in model.named_parameters()}
    for _, chosen in entries(model, *kinds):
        for name, mask in chosen.items():
            counts[name] += mask
    return counts


@models
def test_masks_and_units_fit_the_model(shape):
    model = tiny_transformer(**shape)
    assert isinstance(model, DeclaresComponents)
    assert model.units() <= set(dict(model.named_parameters()))
    for kind, group in model.components().items():
        assert list(so.components(model, kind)) == list(group)
        for name, mask in group.items():
            check_fit(name, mask, model)


@models
def test_heads_mlps_and_embeddings_cover_all_but_norms_and_the_common_bias(shape):
    counts = times_chosen(tiny_transformer(**shape), "heads", "mlps", "embed", "unembed")
    left = {name for name, count in counts.items() if (count == 0).any()}
    assert all((count <= 1).all() for count in counts.values())
    assert all((counts[name] == 0).all() for name in left)
    assert {name for name in counts if "norm" in name or name.endswith("b_O")} == left


@models
def test_layers_and_embeddings_cover_all_but_the_last_norm(shape):
    counts = times_chosen(tiny_transformer(**shape), "layers", "embed", "unembed")
    left = {name for name, count in counts.items() if (count == 0).any()}
    assert all((count <= 1).all() for count in counts.values())
    assert left == {name for name in counts if name.startswith("norm.")}


@models
def test_zeroing_a_head_leaves_exactly_its_mask_without_gradient(shape):
    model, rows = tiny_transformer(**shape), tiny_rows()
    generator = torch.Generator().manual_seed(5)
    readout = torch.randn(7, generator=generator, dtype=torch.float64)
    nothing = torch.zeros(8, dtype=torch.float64)
    # A constant added to all keys cancels in the softmax: b_K has no gradient in any head, up to
    # rounding, unless keys are turned by their position.
    keyless = "b_K" if model.config.positions != "rotary" else "-"
    names = [n for n, _ in model.named_parameters() if not n.endswith(keyless)]
    weights = [dict(model.named_parameters())[n] for n in names]
    for head, mask in model.components()["heads"].items():
        score = (model(rows, replace={head: nothing}).tanh() @ readout).sum()
        for name, gradient in zip(names, torch.autograd.grad(score, weights), strict=True):
            chosen = mask.entries.get(name, torch.zeros(gradient.shape, dtype=torch.bool))
            torch.testing.assert_close(gradient == 0, chosen, msg=f"{head} {name}")


@models
def test_every_component_can_be_sampled(shape):
    model = tiny_transformer(**shape)
    target = so.Target(so.next_token_loss, tiny_rows(), n_beta=10, localization=50)
    for kind in model.components():
        draws = so.sample(
            model, target, so.SGLD(1e-3), components=kind, chains=1, burn_in=0, draws=2
        )
        assert (draws.distance[..., 1] > 0).all()
