import numpy as np
import pytest

from somite import second_moment_shares, shares
from somite.core.errors import InputError
from somite.sampling.convergence import mean_error
from unit.estimators.recorded import SIZE, normal, recorded, spoiled


def with_ratio(ratio: float, spread: float = 0.1):
    """Draws whose loss is the share times a ratio, up to noise."""
    share = 1 + 0.3 * normal(1, 4, 50)
    series = {"share": share, "loss": ratio * share + spread * normal(1, 4, 50, seed=9)}
    return recorded(series, components=1)


def test_it_is_n_beta_times_the_mean_pull():
    draws = recorded()
    table = shares(draws)
    np.testing.assert_allclose(table.share, 10 * draws.share.mean(("chain", "draw")))
    assert float(table.share_mcse[1]) == pytest.approx(10 * mean_error(draws.share.values[1]))


def test_the_error_of_the_ratio_is_that_of_its_first_order_change():
    draws = with_ratio(0.7)
    table, loss, share = shares(draws), draws.loss.values[0], draws.share.values[0]
    ratio = loss.mean() / share.mean()
    assert table.anharmonicity.item() == pytest.approx(ratio)
    # The ratio moves by this much when a draw enters a little more than the others.
    moved = (loss.mean() + 1e-6 * loss) / (share.mean() + 1e-6 * share) - ratio
    assert table.anharmonicity_mcse.item() == pytest.approx(mean_error(moved) / 1e-6, rel=1e-3)


@pytest.mark.parametrize(
    ("ratio", "spread", "words"),
    [
        (0.5, 0.1, "below 1: degenerate"),
        (1.5, 0.1, "above 1: flat away from the center, or the chains have not mixed"),
        (1.04, 0.01, ""),
        (0.7, 5.0, ""),
    ],
)
def test_either_sign_is_said_in_words_beyond_the_tolerance_and_two_errors(ratio, spread, words):
    remark = str(shares(with_ratio(ratio, spread)).remark.item())
    assert words in remark if words else remark == ""


def test_a_share_near_zero_makes_no_ratio():
    series = {"share": normal(1, 4, 50), "loss": normal(1, 4, 50, seed=2)}
    remark = str(shares(recorded(series, components=1)).remark.item())
    assert remark.startswith("the share is not above 0 by 2 errors")


def test_blocks_have_shares_of_their_own():
    draws = recorded()
    blocks = normal(2, 4, 50, 2, seed=7)
    blocks[0, :, :, 1] = np.nan  # not moved by the first component
    draws["block_share"] = (("component", "chain", "draw", "block"), blocks)
    table = shares(draws.assign_coords(block=["q", "k"]))
    np.testing.assert_allclose(table.block_share, 10 * blocks.mean((1, 2)))
    assert table.block_share_mcse.sel(component="1:3", block="k").item() == pytest.approx(
        10 * mean_error(blocks[1, :, :, 1])
    )
    assert np.isnan(table.block_share_mcse.sel(component="0:0", block="k").item())


def test_blocks_survive_a_component_without_chains():
    draws = recorded(chains=1)
    draws["block_share"] = (("component", "chain", "draw", "block"), normal(2, 1, 50, 1))
    table = shares(spoiled(draws, chain=0).assign_coords(block=["q"]), "leave out")
    assert np.isnan(table.block_share.values[0]).all()
    assert np.isfinite(table.block_share.values[1]).all()


def test_the_second_moment_is_its_formula():
    draws = recorded({"share": 1 + 0.01 * normal(2, 4, 50)})
    table, one = second_moment_shares(draws), draws.isel(component=0)
    expected = (SIZE + 0.1 / 4 * one.drift_square.mean() - 2.0 * one.distance.mean()) / 2
    assert table.second_moment.values[0] == pytest.approx(float(expected))
    gap = (SIZE + 0.1 / 4 * one.drift_square - 2.0 * one.distance) / 2 - 10 * one.share
    z = float(gap.mean()) / mean_error(gap.values)
    assert table.z.values[0] == pytest.approx(z)
    assert table.remark.values[0] == "the two forms disagree: not settled, raise burn_in"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"kernel": "MALA"}, r"kernel of the draws must be SGLD.*'MALA'"),
        ({"weight_decay": 0.1}, r"weight_decay of the draws must be 0.*got 0\.1"),
        ({"bounding_box": 1.0}, r"bounding_box of the draws must be None: walls.*got 1\.0"),
        ({"localization": 0.0}, r"localization of the draws must be positive"),
    ],
)
def test_the_second_moment_refuses_draws_it_does_not_hold_for(setting, words):
    with pytest.raises(InputError, match=words):
        second_moment_shares(recorded(**setting))
    assert np.isfinite(shares(recorded(**setting)).share).all()
