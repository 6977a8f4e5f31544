"""The response matrix: its modes, their errors, and what cannot have any."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.linear_response import AXES, as_draws
from somite.core.errors import InputError
from somite.response import matrix, source

NAMES, CHAINS, DRAWS, ITEMS = ("A", "B", "C", "D"), 4, 200, 12
GROUPS = np.array([0, 0, 1, 1])


def drawn(noise: float = 0.3, seed: int = 0) -> tuple[xr.Dataset, xr.DataArray]:
    """Two pairs of components; each pair answers to items of its own kind."""
    random = np.random.default_rng(seed)
    phi = random.normal(size=(4, CHAINS, DRAWS))
    kinds = np.arange(ITEMS) % 2
    strength = np.where(kinds == GROUPS[:, None], 1.0, 0.0) + 0.1 * random.normal(size=(4, ITEMS))
    values = phi[..., None] * (1 + strength[:, None, None])
    values = values + noise * random.normal(size=values.shape)
    coords = {"component": list(NAMES), "chain": np.arange(CHAINS)}
    losses = xr.DataArray(values, coords, (*AXES, "example"))
    return as_draws(dict(zip(NAMES, phi, strict=True))), losses


def test_the_modes_are_those_of_the_standardised_matrix():
    found = so.response_matrix(*drawn(), replicates=5)
    table = so.susceptibility(*drawn()).susceptibility.values
    standard = (table - table.mean(1, keepdims=True)) / table.std(1, keepdims=True)
    standard = standard - standard.mean(0)
    np.testing.assert_allclose(found.standardized, standard, atol=1e-9)
    left, values, _ = np.linalg.svd(standard, full_matrices=False)
    np.testing.assert_allclose(found.singular_value, values, atol=1e-6)
    np.testing.assert_allclose(abs(found.loading.values[0]), abs(left[:, 0]), rtol=1e-6)
    np.testing.assert_allclose(found.score.T @ found.loading, standard.T, atol=1e-6)
    assert found.explained.sum().item() == pytest.approx(1)


def test_two_groups_are_one_mode_that_replicates_agree_on():
    found = so.response_matrix(*drawn())
    first = found.isel(mode=0)
    assert first.explained > 0.8
    assert first.overlap > 0.95
    signs = np.sign(first.loading.values)
    assert signs[0] == signs[1] != signs[2] == signs[3]
    assert (abs(first.loading) > 4 * first.loading_error).all()
    assert found.isel(mode=2).overlap < first.overlap
    assert 1 < found.effective_rank < 3


def test_errors_are_those_of_repeats():
    """Standard deviations over replicates match those over runs, up to their own scatter."""
    runs = [so.response_matrix(*drawn(noise=3.0, seed=0), replicates=60)]
    base = drawn(noise=3.0)[1]
    random = np.random.default_rng(1)
    values = []
    for _ in range(40):
        chosen = random.integers(DRAWS, size=(CHAINS, DRAWS))
        rows = np.arange(CHAINS)[:, None]
        draws, _ = drawn(noise=3.0)
        draws["probe_loss"] = draws.probe_loss.copy(
            data=draws.probe_loss.values[:, :, rows, chosen]
        )
        again = base.copy(data=base.values[:, rows, chosen])
        values.append(so.response_matrix(draws, again, replicates=2).singular_value.values[0])
    ratio = runs[0].singular_value_error.values[0] / np.std(values, ddof=1)
    assert 0.6 < ratio < 1.7


def test_pieces_and_the_full_component_change_nothing(monkeypatch):
    whole = so.response_matrix(*drawn(), replicates=5)
    monkeypatch.setattr(source, "NUMBERS", 1)
    pieces = so.response_matrix(*drawn(), replicates=5)
    for name in ("singular_value", "loading_error", "effective_rank_error"):
        np.testing.assert_allclose(pieces[name], whole[name], atol=1e-7)
    draws, losses = drawn()
    named = [x.assign_coords(component=["A", "B", "C", "full"]) for x in (draws, losses)]
    assert so.response_matrix(*named, replicates=2).component.values.tolist() == ["A", "B", "C"]


def test_rows_need_not_be_centred():
    found = so.response_matrix(*drawn(), replicates=2, center_rows=False)
    np.testing.assert_allclose(found.standardized.mean("example"), 0, atol=1e-9)
    assert abs(found.standardized.mean("component")).max() > 0.01


def test_effective_rank_counts_equal_values():
    ranks = matrix.effective_rank(np.array([[1.0, 0, 0], [1, 1, 1]]))
    np.testing.assert_allclose(ranks, [1, 3])


def test_what_has_no_modes_is_refused():
    draws, losses = drawn()
    with pytest.raises(InputError, match=r"number of components must be .* 2, got 1"):
        so.response_matrix(draws.isel(component=[0]), losses.isel(component=[0]))
    with pytest.raises(InputError, match=r"number of items must be .* 2, got 1"):
        so.response_matrix(draws, losses.isel(example=[0]))
    with pytest.raises(InputError, match=r"replicates must be .* 2, got 1. Use 100"):
        so.response_matrix(draws, losses, replicates=1)
    same = losses.copy()
    same[1] = losses.values[1, ..., :1]
    words = "component B must answer differently to different items"
    with pytest.raises(InputError, match=words):
        so.response_matrix(draws, same)
    with pytest.raises(InputError, match=r"number of good chains must be .* 2, got 1"):
        so.response_matrix(draws.isel(chain=[0]), losses.isel(chain=[0]))


def test_shuffled_items_leave_nothing_in_common():
    found = so.response_matrix(*drawn(), replicates=2)
    values = matrix.shuffled_values(found, 30, seed=0)
    assert values.shape == (30, 4)
    whole = (found.singular_value**2).sum().item()
    assert (values[:, 0] ** 2).mean() / (values**2).sum(1).mean() < 0.6 < found.explained[0]
    assert (values**2).sum(1).mean() == pytest.approx(whole, rel=0.4)
    again = matrix.shuffled_values(found, 30, seed=0)
    np.testing.assert_array_equal(values, again)


def test_answers_of_another_chain_are_no_null_of_a_standardised_matrix():
    """As the docstring of `shuffled_values` says: the pattern over items is still there."""
    draws, losses = drawn(noise=0.0)
    null = so.susceptibility(draws, losses, null=True).susceptibility
    own = so.susceptibility(draws, losses).susceptibility
    correlation = [np.corrcoef(null[i], own[i])[0, 1] for i in range(4)]
    assert (np.abs(correlation) > 0.99).all()
    assert (abs(null).max("example") < 0.3 * abs(own).max("example")).all()
