"""The weakest localization at which the loss keeps its form."""

import math

import pytest
import torch

from somite.calibration.cells import look
from somite.calibration.reach import (
    HIGHEST,
    LOWEST,
    find_reach,
    half_decade,
    nearest_notch,
)
from somite.components import components
from somite.models import Transformer, TransformerConfig
from somite.models.losses import next_token_loss
from somite.sampling.settings import ChainSettings
from unit.calibration.small import Drawn, basin, power_loss, real_cell, saddle


def silent(text):
    """Progress that nobody watches."""


def test_the_grid_has_one_digit():
    assert [half_decade(notch) for notch in (-3, -2, 0, 1, 4, 5)] == [0.03, 0.1, 1, 3, 100, 300]
    assert [nearest_notch(half_decade(notch)) for notch in range(LOWEST, HIGHEST)] == list(
        range(LOWEST, HIGHEST)
    )


@pytest.mark.parametrize("guess", [1e-9, 1e-2, 1.0, 100.0, 1e6, 1e12])
def test_the_edge_of_a_basin_is_found_from_every_guess(guess):
    reach = find_reach([Drawn(basin(edge=30))], guess, silent)
    assert reach.localization == 30
    assert reach.limit == 1
    assert reach.ratios[30] == 1
    assert reach.ratios[10] == 0.5
    assert reach.rise == {"0": pytest.approx(1)}
    assert not reach.floor


def test_the_narrowest_of_several_basins_decides():
    cells = [Drawn(basin(30), "early"), Drawn(basin(300), "late")]
    reach = find_reach(cells, 100, silent)
    assert reach.localization == 300
    assert set(reach.rise) == {"early", "late"}


def test_a_quadratic_loss_is_followed_until_draws_are_as_far_as_the_weights():
    cell = real_cell([2.0, 2.0], lambda m, b: ((m.w - 2) ** 2).sum()[None])
    reach = find_reach([cell], 100, silent)
    assert reach.floor
    assert reach.localization == half_decade(nearest_notch(2 / 8))


def test_of_weights_that_are_zero_the_guess_is_the_scale():
    reach = find_reach([real_cell([0.0, 0.0], power_loss(4))], 30, silent)
    assert reach.localization == 30
    assert reach.limit == pytest.approx(0.5)


@pytest.mark.parametrize("guess", [1e-2, 100.0, 1e6])
def test_no_basin_anywhere_keeps_the_guess(guess):
    reach = find_reach([Drawn(saddle, "0"), Drawn(saddle, "1")], guess, silent)
    assert reach.localization == guess
    assert reach.ratios == {}
    assert reach.rise == {}
    assert math.isnan(reach.limit)
    assert reach.saddles == ("0", "1")


def test_a_saddle_has_no_say_beside_a_basin():
    reach = find_reach([Drawn(saddle, "0"), Drawn(basin(300), "1")], 100, silent)
    assert reach.localization == 300
    assert set(reach.rise) == {"1"}
    assert reach.saddles == ("0",)


def test_a_loss_without_curvature_ends():
    reach = find_reach([real_cell([1.0, 2.0], lambda m, b: 3 * m.w.sum()[None])], 10, silent)
    assert reach.localization == 10
    assert reach.saddles == ("0",)


def test_a_loss_that_is_infinite_far_out_has_lost_its_form():
    def form(localization):
        return (math.inf, math.nan) if localization < 1000 else basin(1)(localization)

    assert find_reach([Drawn(form)], 1e-2, silent).localization == 1000


def test_a_loss_that_is_infinite_everywhere_ends():
    reach = find_reach([Drawn(lambda localization: (math.inf, math.nan))], 100, silent)
    assert reach.localization == 100
    assert reach.saddles == ("0",)


def test_rounding_is_no_form():
    def form(localization):
        rise, pull = basin(30)(localization)
        return (rise, pull) if rise > 1e-6 else (-1e-6, pull)

    cell = Drawn(form, rounding=1e-6)
    for guess in (1e-2, 1e10):
        assert find_reach([cell], guess, silent).localization == 30


def test_single_precision_drowns_the_rise_and_the_answer_stays():
    def loss(m, b):
        return (5 + (m.w - 1).square().sum() / (1 + (m.w - 1).square().sum()))[None]

    weights = [1.0] * 10
    double = find_reach([real_cell(weights, loss)], 100, silent)
    single = find_reach([real_cell(weights, loss, dtype=torch.float32)], 1e8, silent)
    assert single.localization == double.localization == 100


def small_network():
    torch.random.manual_seed(0)
    config = TransformerConfig(vocab_size=12, context=8, n_layers=1, n_heads=2, d_model=8, d_head=4)
    model, tokens = Transformer(config), torch.arange(8).repeat(16, 1) % 12
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        next_token_loss(model, tokens).mean().backward()
        optimizer.step()
    return model.eval().requires_grad_(False), tokens


def test_bad_guesses_end_at_the_same_place_on_a_real_network():
    with torch.random.fork_rng():
        model, tokens = small_network()
    masks = components(model, "heads")
    cells = look("0", model, next_token_loss, tokens, masks, ChainSettings(batch_size=4))
    found = {find_reach(cells, guess, silent).notch for guess in (1e-2, 100.0, 1e6)}
    assert len(found) == 1
    assert LOWEST < found.pop() < HIGHEST
