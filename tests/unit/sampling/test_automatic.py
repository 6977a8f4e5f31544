"""`draws="auto"`: as many draws as the error asks for, and the numbers of a fixed run."""

import numpy as np
import pytest
import torch
import xarray as xr

import somite as so
from somite.core.errors import InputError
from somite.sampling.automatic import FIRST_DRAWS
from somite.sampling.settings import ChainSettings
from unit.sampling.bowl import sample_bowl, tilts
from unit.sampling.runs import Wells, sample_wells

PROBES = {"reference": tilts(n=4)}


def sample_auto(**changes: object) -> xr.Dataset:
    settings = {"draws": "auto", "error": 0.15, "chains": 2, "burn_in": 5, "probes": PROBES}
    return sample_bowl(data=tilts(scale=0.2), **{**settings, **changes})


@pytest.fixture(scope="module")
def automatic() -> xr.Dataset:
    return sample_auto()


def test_it_reaches_the_error_that_is_asked_for(automatic):
    assert automatic.attrs["draws"] == automatic.sizes["draw"] > FIRST_DRAWS
    assert automatic.attrs["error_asked"] == 0.15
    assert 0 < automatic.attrs["error_reached"] <= 0.15
    table = so.llc(automatic)
    assert (table.mcse / table.llc).item() == pytest.approx(automatic.attrs["error_reached"])


def test_a_smaller_error_needs_more_draws(automatic):
    finer = sample_auto(error=0.1)
    assert finer.attrs["error_reached"] <= 0.1
    assert finer.sizes["draw"] > automatic.sizes["draw"]


@pytest.mark.parametrize(
    "kernel", [so.SGLD(0.05), so.RMSpropSGLD(0.05), so.BAOAB(0.2, 5.0), so.MALA(0.05)], ids=repr
)
def test_it_is_a_fixed_run_of_the_final_number_of_draws_bit_for_bit(kernel):
    batch_size = None if kernel.exact else 2
    given = {"kernel": kernel, "thin": 2, "probe_every": 3, "batch_size": batch_size}
    found = sample_auto(**given)
    fixed = sample_auto(**given, draws=found.attrs["draws"])
    xr.testing.assert_equal(found, fixed)
    assert "error_reached" not in fixed.attrs


def test_the_limit_stops_it_and_it_says_so():
    draws = sample_auto(error=1e-4, most_draws=70)
    assert draws.sizes["draw"] == draws.attrs["draws"] == 70
    assert draws.attrs["error_reached"] > draws.attrs["error_asked"] == 1e-4
    row = so.llc(draws)
    assert row.verdict.item() != "good"
    assert "0.01 % are asked" in row.reason.item()
    assert "raise most_draws" in row.reason.item()


def test_too_few_draws_to_judge_are_an_infinite_error():
    assert sample_auto(most_draws=5).attrs["error_reached"] == np.inf


def test_every_component_reaches_it():
    masks = {"first": [True, False], "second": [False, True]}
    chosen = {name: so.Mask({"weight": torch.tensor(entry)}) for name, entry in masks.items()}
    draws = sample_auto(components=chosen, chains=4)
    table = so.llc(draws)
    assert float((table.mcse / table.llc).max()) == pytest.approx(draws.attrs["error_reached"])


def test_failed_chains_do_not_block_it():
    lost = {"step_size": 0.15, "draws": "auto", "error": 0.5, "most_draws": 300}
    draws = sample_wells(**lost)
    assert (draws.failed_at.sel(component="steep") >= 0).all()
    assert (draws.failed_at.sel(component="gentle") < 0).all()
    assert draws.attrs["error_reached"] <= 0.5
    assert draws.sizes["draw"] < 300


def test_with_no_chain_left_it_ends_and_has_no_error():
    steep = so.components(Wells(), "steep")
    draws = sample_wells(0.15, components=steep, draws="auto", error=1e-4)
    assert draws.sizes["draw"] == FIRST_DRAWS
    assert np.isnan(draws.attrs["error_reached"])


def test_progress_grows_with_the_draws():
    seen = []
    draws = sample_auto(progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1] == (len(seen), len(seen)) == (2 * (5 + draws.sizes["draw"]),) * 2
    totals = [total for _, total in seen]
    assert totals == sorted(totals)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"error": 0.0}, r"error must be positive, got 0\.0. Give a relative error such as 0\.02"),
        ({"error": float("nan")}, "error must be positive, got nan"),
        ({"draws": "automatic"}, "draws must be a whole number .*got 'automatic'. Give \"auto\""),
        ({"most_draws": 0}, "most_draws must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_requests_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        ChainSettings(**{"draws": "auto", **changes})
