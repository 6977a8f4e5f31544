"""Influence: covariance and correlation with errors, dense or the largest alone, and classical."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import somite as so
from laws.linear_response import AXES, Case
from somite.core.errors import InputError
from somite.response import classical, top
from somite.response.blocks import Blocks, standard_errors
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import level, sample_bowl

CHAINS, DRAWS = 3, 40


def losses(*items: int, components: int = 2, seed: int = 0) -> xr.DataArray:
    random = np.random.default_rng(seed)
    values = random.normal(size=(components, CHAINS, DRAWS, *items)) + 1.0
    values += random.normal(size=(components, CHAINS, DRAWS, *(1,) * len(items)))
    names = [f"{i}" for i in range(components)]
    coords = {"component": names, "chain": np.arange(CHAINS)}
    return xr.DataArray(values, coords, (*AXES, "example", "token")[: 3 + len(items)])


def flat(values: xr.DataArray, component: int = 0) -> np.ndarray:
    return values.values[component].reshape(CHAINS * DRAWS, -1).T


def test_it_is_the_covariance_and_the_correlation():
    found = so.influence(losses(4))
    assert found.influence.dims == ("component", "query", "example")
    for i in range(2):
        np.testing.assert_allclose(found.influence[i], -np.cov(flat(losses(4), i)), rtol=1e-10)
        expected = np.corrcoef(flat(losses(4), i))
        np.testing.assert_allclose(found.correlation[i], expected, rtol=1e-10)
        assert (abs(np.diag(found.correlation_mcse[i])) < 1e-10).all()


def test_queries_of_their_own():
    other = losses(2, seed=7)
    found = so.influence(losses(4), other)
    assert found.influence.shape == (2, 2, 4)
    both = np.cov(flat(other), flat(losses(4)))
    np.testing.assert_allclose(found.influence[0], -both[:2, 2:], rtol=1e-10)


def test_all_pairs_of_tokens_only_on_request():
    words = "dense must be True for all pairs of tokens, got False. Or take somite.top_influences"
    with pytest.raises(InputError, match=words):
        so.influence(losses(3, 2))
    found = so.influence(losses(3, 2), dense=True)
    dims = ("component", "query", "query_token", "example", "token")
    assert found.influence.dims == dims
    expected = -np.cov(flat(losses(3, 2))).reshape(3, 2, 3, 2)
    np.testing.assert_allclose(found.influence[0], expected, rtol=1e-10)
    mean = found.influence.mean(("query_token", "token"))
    whole = so.influence(losses(3, 2).mean("token")).influence
    np.testing.assert_allclose(mean, whole, rtol=1e-10)


def test_errors_are_those_of_the_series_of_a_pair():
    found = so.influence(losses(4)).isel(component=0, query=1, example=3)
    values = losses(4).values[0] - losses(4).values[0].mean((0, 1))
    x, y = values[..., 1], values[..., 3]
    z, v = (part / part.std() for part in (x, y))
    rho = (z * v).mean()
    blocks = Blocks.of(DRAWS)
    series = {"influence": x * y, "correlation": z * v - rho * (z**2 + v**2) / 2}
    for name, one in series.items():
        error = max(standard_errors(blocks.means(one), blocks.share))
        assert found[f"{name}_mcse"].item() == pytest.approx(error, rel=1e-10)


def test_blocks_of_unequal_length_have_the_mean_of_all_draws():
    values = np.arange(22.0).reshape(2, 11)
    blocks = Blocks.of(11)
    means = blocks.means(values)
    assert means.shape == (2, 3)
    np.testing.assert_allclose(means @ blocks.share, values.mean(1))
    between, along = standard_errors(means, blocks.share)
    assert between == pytest.approx(values.mean(1).std(ddof=1) / np.sqrt(2))
    weights = blocks.share / 2
    off = ((means - values.mean()) ** 2).sum(0)
    assert along == pytest.approx(np.sqrt((weights**2 * off).sum() * 6 / 5))


@pytest.mark.parametrize("by", ["correlation", "influence"])
@pytest.mark.parametrize("items", [(6,), (3, 2)])
def test_the_largest_are_those_of_the_table(by, items, monkeypatch):
    monkeypatch.setattr(top, "PAIRS", 13)
    given = losses(*items)
    found = so.top_influences(given, count=3, by=by)
    table = so.influence(given, dense=True)
    values = abs(table[by].values.reshape(2, 6, 6)) - 99 * np.eye(6)
    order = np.argsort(-values, -1)[..., :3]
    places = found.example.values
    if len(items) == 2:
        assert found.example.dims == ("component", "query", "query_token", "rank")
        places = places * 2 + found.token.values
    np.testing.assert_array_equal(places.reshape(2, 6, 3), order)
    for name in ("influence", "influence_mcse", "correlation", "correlation_mcse"):
        dense = np.take_along_axis(table[name].values.reshape(2, 6, 6), order, -1)
        np.testing.assert_allclose(found[name].values.reshape(2, 6, 3), dense, rtol=1e-9)


def test_queries_of_their_own_may_find_any_example():
    found = so.top_influences(losses(4), losses(4)[..., :1], count=9)
    assert found.example.shape == (2, 1, 4)
    assert (found.example.isel(rank=0) == 0).all()
    np.testing.assert_allclose(found.correlation.isel(rank=0), 1)


def test_a_loss_that_does_not_vary_has_no_correlation():
    still = losses(3).copy()
    still[..., 1] = 2.0
    found = so.influence(still).isel(component=0)
    assert (found.influence.sel(query=1) == 0).all()
    assert found.correlation.isel(query=1).isnull().all()
    assert found.correlation_mcse.isel(query=1).isnull().all()
    assert found.correlation.isel(query=0, example=2).notnull()
    assert (so.top_influences(still, count=1).example.isel(query=[0, 2]) != 1).all()


def test_chains_that_failed_are_left_out_on_request():
    broken = losses(3).copy()
    broken[1, 2, 9:] = np.nan
    with pytest.raises(InputError, match=r"losses must be finite, got '1 chains that are not'"):
        so.influence(broken)
    found = so.influence(broken, on_failure="leave out")
    kept = so.influence(losses(3).isel(chain=[0, 1]))
    np.testing.assert_allclose(found.correlation_mcse, kept.correlation_mcse, atol=1e-12)
    assert found.chains_failed.item() == 1


def test_losses_that_do_not_fit_are_refused():
    words = "queries must have the components, chains and draws of the losses"
    for other in (losses(3).isel(probe_draw=slice(9)), losses(3).assign_coords(component=[1, 2])):
        with pytest.raises(InputError, match=words):
            so.influence(losses(3), other)
    with pytest.raises(InputError, match="losses must have the dims component, chain, probe_draw"):
        so.influence(losses(3).isel(example=0))
    with pytest.raises(InputError, match=r"number of good chains must be .* 2, got 1"):
        so.influence(losses(3).isel(chain=[0]))
    assert "influence_mcse" not in so.influence(losses(3).isel(chain=[0]), errors=False)
    with pytest.raises(InputError, match=r"number of draws of all chains must be .* 2, got 1"):
        so.influence(losses(3).isel(chain=[0], probe_draw=[0]), errors=False)
    with pytest.raises(InputError, match=r"number of probe draws must be .* 8, got 7"):
        so.top_influences(losses(3).isel(probe_draw=slice(7)))
    with pytest.raises(InputError, match=r"number of examples must be .* 1, got 0"):
        so.top_influences(losses(1))
    with pytest.raises(InputError, match=r"count must be a whole number of at least 1, got 0"):
        so.top_influences(losses(3), count=0)
    with pytest.raises(InputError, match="by must be a known name, got 'size'"):
        so.top_influences(losses(3), by="size")


def test_classical_influence_is_what_a_narrow_posterior_has():
    """Two linear outputs of two weights: −g_iᵀ (n_beta H + γ)⁻¹ g_j by hand."""
    inputs = torch.tensor([[1.0, 0.5], [0.2, 2.0], [1.0, -1.0]], dtype=torch.float64)
    answers = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64)
    model = nn.Linear(2, 1, bias=False).double()
    before = model.weight.detach().clone()
    target = so.Target(
        lambda model, batch: (model(batch[0]).flatten() - batch[1]) ** 2 / 2,
        (inputs, answers), 30.0, 2.0,
    )  # fmt: skip
    found = so.classical_influence(model, target, (inputs, answers))
    x, w = inputs.numpy(), before.numpy()[0]
    slopes = x * (x @ w - answers.numpy())[:, None]
    precision = 30 * x.T @ x / 3 + 2 * np.eye(2)
    expected = -slopes @ np.linalg.inv(precision) @ slopes.T
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    one = so.classical_influence(model, target, (inputs, answers), (inputs[:1], answers[:1]))
    np.testing.assert_allclose(one, expected[:1], rtol=1e-9)
    assert torch.equal(model.weight, before)
    assert model.weight.requires_grad


def test_bayesian_influence_comes_near_the_classical_one():
    """A steep, hardly curved loss: what is left is the linear term."""
    case = Case(2, items=2, draws=4000, correlation=0.0)
    linear = case.weights @ case.slopes.T
    exact = -case.slopes @ case.sigma @ case.slopes.T
    values = xr.DataArray(linear[None], {"component": ["A"]}, (*AXES, "example"))
    found = so.influence(values)
    assert (abs(found.influence[0] - exact) <= 4 * found.influence_mcse[0] + 1e-12).all()


def test_classical_influence_needs_a_small_component_and_a_basin(monkeypatch):
    model = nn.Linear(2, 1, bias=False)
    target = so.Target(lambda model, x: -(model(x).flatten() ** 2), torch.ones(2, 2), 5.0, 1.0)
    with pytest.raises(InputError, match=r"localization must make n_beta.*Raise localization"):
        so.classical_influence(model, target, torch.ones(1, 2))
    monkeypatch.setattr(classical, "MOST_WEIGHTS", 1)
    with pytest.raises(InputError, match="component must have at most 1 weights, got 2"):
        so.classical_influence(model, target, torch.ones(1, 2))
    many, rows = tiny_transformer(), tiny_rows(2)
    with pytest.raises(InputError, match="component must be one component"):
        so.classical_influence(
            many, so.Target(so.next_token_loss, rows, 5.0, 1.0), rows, component="heads"
        )


def test_recorded_losses_are_what_it_takes(tmp_path):
    record = so.Record(tmp_path / "store", {"reference": "example"})
    sample_bowl(draws=20, probe_every=1, probes={"reference": level()}, record=record)
    found = so.influence(so.recorded(tmp_path / "store", "reference").loss)
    np.testing.assert_allclose(found.correlation, 1, rtol=1e-6)  # all tilts are the same
