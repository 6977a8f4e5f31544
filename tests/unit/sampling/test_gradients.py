"""Full gradients, accumulation, control variates, and what is said of the center's gradient."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.components.mask import Mask, whole
from somite.components.patch import Patch
from somite.core.random import stream
from somite.sampling.center import CENTER_BATCHES, CenterGradients, center_statistics
from somite.sampling.minibatch import Batch, differentiate
from somite.sampling.settings import ChainSettings
from somite.sampling.target import rows
from somite.sampling.views import whole_view
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import (
    CURVATURES,
    LOCALIZATION,
    N_BETA,
    Bowl,
    bowl_loss,
    sample_bowl,
    tilts,
    z_score,
)
from unit.sampling.runs import sample_tiny

MEAN = 0.7
TILTED = tilts(MEAN)


def test_a_chain_on_the_whole_data_is_its_recursion():
    draws = sample_bowl(data=TILTED, batch_size=None, chains=2, draws=15)
    curvature, step = torch.tensor(CURVATURES, dtype=torch.float64), 0.05
    for chain in range(2):
        noise = stream(0, 0, chain, "noise", "weight", None)
        away = torch.zeros(2, dtype=torch.float64)
        for draw in range(15):
            loss = (curvature * away.square()).sum() / 2 + MEAN * away.sum()
            assert float(draws.loss[0, chain, draw]) == pytest.approx(float(loss), abs=1e-12)
            drift = N_BETA * (curvature * away + MEAN) + LOCALIZATION * away
            fresh = torch.randn(2, generator=noise, dtype=torch.float64)
            away = away - step / 2 * drift + step**0.5 * fresh
    assert draws.attrs["batch_size"] == len(TILTED)


def test_the_whole_data_are_seen_once_each():
    draws = sample_bowl(data=TILTED, batch_size=None, chains=2, draws=5)
    assert np.ptp(draws.center_loss.values) == 0
    np.testing.assert_allclose(draws.center_loss, draws.attrs["center_loss"], atol=1e-14)


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_accumulation_changes_nothing_but_rounding(batch_size, parts):
    given = {"batch_size": batch_size, "probes": {"reference": tiny_rows(3)}}
    whole_batch, in_parts = (sample_tiny(**given, accumulate=k) for k in (1, parts))
    names = ["loss", "distance", "share", "drift_square", "probe_loss", "acceptance"]
    for name in [*names, "center_gradient", "gradient_noise"]:
        np.testing.assert_allclose(in_parts[name], whole_batch[name], rtol=1e-9, atol=1e-12)


def test_accumulation_cuts_every_pass_with_gradients():
    seen: list[int] = []

    def loss(model: Bowl, batch: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            seen.append(len(batch))
        return bowl_loss(model, batch)

    target = so.Target(loss, TILTED, N_BETA, LOCALIZATION)
    settings = {"components": "weight", "chains": 1, "burn_in": 0, "draws": 3}
    for batch_size in (12, None):
        seen.clear()
        so.sample(
            Bowl(), target, so.SGLD(0.01), batch_size=batch_size, accumulate=10,
            control_variates=True, **settings,
        )  # fmt: skip
        preflight, chain = {4, 32}, {2} if batch_size else {4}
        assert set(seen) <= preflight | chain


def test_control_variates_remove_all_noise_of_a_loss_with_linear_gradients():
    corrected = sample_bowl(data=TILTED, chains=3, control_variates=True)
    full = sample_bowl(data=TILTED, chains=3, batch_size=None)
    plain = sample_bowl(data=TILTED, chains=3)
    for name in ("loss", "distance", "drift_square", "share", "acceptance"):
        np.testing.assert_allclose(corrected[name], full[name], rtol=1e-9, atol=1e-12)
        assert not np.allclose(plain[name], full[name], rtol=0.01)


def test_control_variates_leave_the_exact_law_of_full_gradients():
    data = tilts(scale=6.0)
    precision = N_BETA * np.array(CURVATURES) + LOCALIZATION
    variance = 1 / (precision * (1 - 0.05 * precision / 4))
    exact = N_BETA * float((np.array(CURVATURES) * variance).sum()) / 2
    z = {}
    for corrected in (True, False):
        settings = {"chains": 12, "burn_in": 20, "draws": 150, "control_variates": corrected}
        draws = sample_bowl(data=data, **settings)
        z[corrected] = z_score(N_BETA * draws.loss[0].mean("draw").values, exact)
    assert abs(z[True]) <= 4
    assert abs(z[False]) > 6


class Line(nn.Module):
    """A regression: the curvature, too, differs between minibatches."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([1.0, -1.0], dtype=torch.float64))


def line_loss(model: Line, batch: tuple[Tensor, Tensor]) -> Tensor:
    inputs, wanted = batch
    return (inputs @ model.slope - wanted).square()


def scattered() -> tuple[Tensor, Tensor]:
    """60 points about the line."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(60, 2, generator=generator, dtype=torch.float64)
    wanted = inputs[:, 0] - inputs[:, 1] + 2 * torch.randn(60, generator=generator).double()
    return inputs, wanted


def test_tilted_losses_differ_in_second_order_and_average_to_the_loss_of_all_data():
    model, data = Line().requires_grad_(False), scattered()
    patch = Patch(Mask({"slope": whole(model.slope)}), dict(model.named_parameters()))
    walker = SimpleNamespace(patch=patch, view=whole_view(model, line_loss, patch))
    gradients = CenterGradients(model, line_loss, ["slope"])
    at_center = gradients.of(data, 60)["slope"]

    def losses(reach: float, size: int, corrected: bool) -> np.ndarray:
        found = []
        for start in range(0, 60, size):
            examples = rows(data, slice(start, start + size))
            tilt = {"slope": at_center - gradients.of(examples, 60)["slope"]} if corrected else {}
            batch = Batch(examples, line_loss(model, examples), tilt)
            weights = patch.center + reach * torch.tensor([0.3, -0.2])
            found.append(differentiate(walker, batch, weights, 1).loss)
        return np.array(found)

    (exact,) = losses(1.0, 60, corrected=False)
    assert losses(1.0, 1, corrected=True).mean() == pytest.approx(exact, rel=1e-12)
    spread = [losses(reach, 1, corrected=True).std() for reach in (1.0, 0.5)]
    assert spread[0] == pytest.approx(4 * spread[1], rel=1e-9)
    plain = [losses(reach, 1, corrected=False).std() for reach in (1.0, 0.5)]
    assert plain[0] < 2.5 * plain[1]


def test_control_variates_lower_the_noise_where_they_cannot_remove_it():
    target = so.Target(line_loss, scattered(), n_beta=30, localization=30)
    settings = {"components": "slope", "chains": 6, "burn_in": 5, "draws": 50, "batch_size": 4}
    plain, corrected = (
        so.sample(Line(), target, so.SGLD(1e-4), control_variates=on, **settings)
        for on in (False, True)
    )
    squares = plain.drift_square.mean(), corrected.drift_square.mean()
    assert squares[1] < 0.2 * squares[0]


def test_control_variates_of_a_transformer_start_from_the_gradient_of_all_data():
    draws = sample_tiny(control_variates=True, burn_in=0)
    exact = sample_tiny(batch_size=None, burn_in=0)
    expected = 30**2 * exact.center_gradient.values[:, None]
    np.testing.assert_allclose(draws.drift_square[..., 0], np.tile(expected, 2), rtol=1e-9)
    assert np.ptp(sample_tiny(burn_in=0).drift_square.values[0, :, 0]) > 0


def test_the_gradient_at_the_center_of_the_whole_data_is_exact():
    draws = sample_bowl(data=TILTED, batch_size=None)
    assert draws.center_gradient.item() == pytest.approx(2 * MEAN**2)
    assert draws.gradient_noise.item() == 0


def test_the_gradient_at_the_center_is_unbiased_on_minibatches():
    model = Bowl().requires_grad_(False)
    gradients = CenterGradients(model, bowl_loss, ["weight"])
    patch = Patch(Mask({"weight": whole(model.weight)}), dict(model.named_parameters()))
    found = np.array(
        [
            center_statistics(gradients, TILTED, {"w": patch}, ChainSettings(batch_size=5, seed=s))[
                "w"
            ]
            for s in range(300)
        ]
    )
    trace = float(TILTED.var(0, correction=0).sum()) / 5
    assert abs(z_score(found[:, 0], 2 * MEAN**2)) <= 4
    assert abs(z_score(found[:, 1], trace)) <= 4
    biased = found[:, 0] + found[:, 1] / CENTER_BATCHES
    assert abs(z_score(biased, 2 * MEAN**2)) > 4


def test_a_center_that_is_a_minimum_may_have_a_negative_squared_gradient():
    seeds = range(30)
    found = [sample_bowl(data=tilts(), draws=1, seed=s).center_gradient.item() for s in seeds]
    assert min(found) < 0 < max(found)


def test_center_gradients_are_those_of_each_component():
    model, rows = tiny_transformer(), tiny_rows()
    draws = sample_tiny(model, batch_size=None, components="heads", draws=1, burn_in=0)
    so.next_token_loss(model, rows).mean().backward()
    weights = dict(model.named_parameters())
    for name, mask in so.components(model, "heads").items():
        squares = [
            float(weights[n].grad[chosen].square().sum()) for n, chosen in mask.entries.items()
        ]
        assert float(draws.center_gradient.sel(component=name)) == pytest.approx(math.fsum(squares))
        assert int(draws["size"].sel(component=name)) == mask.size


def test_half_precision_gradients_are_added_in_single_precision():
    model = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    data = torch.ones(3000, 1, dtype=torch.bfloat16)
    gradients = CenterGradients(model, lambda m, x: m(x)[:, 0], ["weight"])
    found = gradients.of(data, 1)["weight"]  # a bfloat16 sum of ones stops at 256
    assert found.dtype == torch.float32
    assert found.item() == 1
