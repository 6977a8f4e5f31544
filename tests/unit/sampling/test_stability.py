"""The stiffest direction of a loss bounds the step, whichever term makes it stiff."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import somite as so
from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.sampling.stability import stiffest
from somite.sampling.views import whole_view
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import CURVATURES, LOCALIZATION, N_BETA, Bowl, bowl_loss, sample_bowl, tilts


def curvature_of(model: nn.Module, loss: object, rows: Tensor, name: str, reach: float) -> float:
    frozen = model.requires_grad_(False)
    mask = so.components(frozen, name)[name]
    patch = Patch(mask, dict(frozen.named_parameters()))
    return stiffest(whole_view(frozen, loss, patch), patch, rows, reach)


@pytest.mark.parametrize("reach", [1e-6, 1e-2, 10.0])
@pytest.mark.parametrize("curvatures", [(3.0, 3.0), (1.0, 30.0), (0.0, 2.0), (-9.0, 2.0)])
def test_it_is_the_largest_curvature_of_a_quadratic_loss(curvatures, reach):
    found = curvature_of(Bowl(curvatures), bowl_loss, tilts(0.4), "weight", reach)
    assert found == pytest.approx(max(curvatures), rel=1e-3)


@pytest.mark.parametrize("name", ["blocks.0.attn.W_V", "blocks.1.attn.W_O", "embed"])
def test_it_is_no_more_than_the_largest_curvature_of_a_transformer(name):
    model, rows = tiny_transformer(), tiny_rows()
    found = curvature_of(model, so.next_token_loss, rows, name, 1e-4)
    patch = Patch(so.components(model, name)[name], dict(model.named_parameters()))
    view = whole_view(model, so.next_token_loss, patch)
    with sdpa_kernel(SDPBackend.MATH):  # the others have no second derivative
        hessian = torch.autograd.functional.hessian(lambda w: view(rows, w).mean(), patch.center)
    largest = float(torch.linalg.eigvalsh(hessian)[-1])
    assert 0.6 * largest < found <= 1.001 * largest


@pytest.mark.parametrize(("limit", "passes"), [(0.0, 40), (5.0, 40), (1e3, 4)])
def test_few_products_are_made_where_the_limit_is_far(limit, passes):
    made = []

    def loss(model: Bowl, batch: Tensor) -> Tensor:
        made.append(1)
        return bowl_loss(model, batch)

    curvatures = tuple(float(c) for c in torch.linspace(2.8, 3, 20))
    frozen = Bowl(curvatures).requires_grad_(False)
    patch = Patch(so.components(frozen, "weight")["weight"], dict(frozen.named_parameters()))
    found = stiffest(whole_view(frozen, loss, patch), patch, tilts(d=20), 1e-3, limit)
    assert len(made) <= passes
    assert 2.8 < found <= 3.0001


class Corner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))


@pytest.mark.parametrize(
    "loss",
    [
        lambda m, x: m.w.sum() + 0 * x,  # flat
        lambda m, x: (2 * m.w.sum() - 6).abs().sqrt() / 0 + x,  # no number
        lambda m, x: 1e38 * (m.w.square().sum() * 1e3) + x,  # infinite
    ],
)
def test_it_is_nothing_where_there_is_no_curvature_to_be_had(loss):
    assert curvature_of(Corner(), loss, torch.zeros(2), "w", 1e-3) == 0


STEEP = N_BETA * CURVATURES[1] + LOCALIZATION


@pytest.mark.parametrize(
    ("kernel", "largest"),
    [
        (so.SGLD, 4 / STEEP),
        (lambda step: so.BAOAB(step, 5.0), 2 / math.sqrt(STEEP)),
        (lambda step: so.SGNHT(step, 5.0), 2 / math.sqrt(STEEP)),
        (lambda step: so.HMC(step, 3), 2 / math.sqrt(STEEP)),
    ],
    ids=["SGLD", "BAOAB", "SGNHT", "HMC"],
)
def test_a_step_is_refused_where_the_curvature_of_the_loss_makes_it_unstable(kernel, largest):
    words = (
        r"step_size must be below .*, where the curvature of component weight \(precision 3[12].*\)"
        rf" makes it unstable, got {1.01 * largest}\. .* {largest / 20:.2g}, is a good"
    )
    with pytest.raises(InputError, match=words) as refused:
        sample_bowl(kernel(1.01 * largest), batch_size=None)
    said = float(refused.value.rule.split()[3].rstrip(","))
    assert said == pytest.approx(largest, rel=0.01)
    assert sample_bowl(kernel(0.97 * largest), batch_size=None, draws=2).sizes["draw"] == 2


def test_mala_rejects_what_is_too_long_and_is_not_refused():
    draws = sample_bowl(so.MALA(1.0), batch_size=None)
    assert (draws.acceptance < 0.7).all()
    assert (draws.status == "converged").all()
