"""Susceptibilities: formulas, probabilities that add up, records that hold means, bad input."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.linear_response import AXES, Case, as_draws
from somite.core.errors import InputError
from somite.response import source
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import HEADS, sample_tiny

COMPONENTS, CHAINS, DRAWS, EXAMPLES, TOKENS = ("A", "B", "full"), 3, 30, 4, 5


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape) + 0.5


def draws(**settings: object) -> xr.Dataset:
    values = normal(3, CHAINS, DRAWS)
    return as_draws(dict(zip(COMPONENTS, values, strict=True)), **settings)


def tokens(seed: int = 1) -> xr.DataArray:
    """Losses of tokens that depend on the reference."""
    values = normal(3, CHAINS, DRAWS, EXAMPLES, TOKENS, seed=seed)
    values = values + draws().probe_loss.values[0][..., None, None]
    coords = {"component": list(COMPONENTS), "chain": np.arange(CHAINS)}
    return xr.DataArray(values, coords, (*AXES, "example", "token"))


def test_it_is_the_covariance_of_the_formula():
    found = so.susceptibility(draws(), tokens())
    assert found.susceptibility.dims == ("component", "example", "token")
    phi = draws().probe_loss.values[0].reshape(3, -1)
    change = tokens().values.reshape(3, CHAINS * DRAWS, -1) - phi[..., None]
    for i, j in ((0, 0), (2, 7)):
        expected = -np.cov(phi[i], change[i, :, j])[0, 1]
        value = found.susceptibility.values.reshape(3, -1)[i, j]
        assert value == pytest.approx(expected, rel=1e-10)


def test_the_full_estimator_takes_the_mean_of_the_full_chain():
    found = so.susceptibility(draws(), tokens(), estimator="full")
    phi = draws().probe_loss.values[0]
    change = tokens().values - phi[..., None, None]
    expected = -((phi[..., None, None] * change).mean((1, 2)))
    expected += phi.mean((1, 2))[:, None, None] * change[2].mean((0, 1))
    np.testing.assert_allclose(found.susceptibility, expected, rtol=1e-10)
    assert found.attrs["estimator"] == "full"


def test_the_mean_over_tokens_is_that_of_the_domain():
    """Bar: for the same draws, weighted by the probability of each token, to float tolerance."""
    weights = xr.DataArray(normal(EXAMPLES, TOKENS, seed=5) ** 2, dims=("example", "token"))
    domain = tokens().weighted(weights).mean(("example", "token")).expand_dims("probe", -1)
    for estimator in ("restricted", "full"):
        whole = so.susceptibility(draws(), domain, estimator=estimator).susceptibility
        each = so.susceptibility(draws(), tokens(), estimator=estimator).susceptibility
        mean = each.weighted(weights).mean(("example", "token"))
        np.testing.assert_allclose(whole.isel(probe=0), mean, rtol=1e-10)


def test_pieces_change_nothing(monkeypatch):
    whole = so.susceptibility(draws(), tokens(), estimator="full")
    monkeypatch.setattr(source, "NUMBERS", 1)
    pieces = so.susceptibility(draws(), tokens(), estimator="full")
    xr.testing.assert_allclose(pieces, whole, rtol=1e-10)


def test_errors_are_those_of_the_joint_series():
    """The full chain is that of the component: its own ΔL takes the noise of E_full out."""
    same = np.repeat(normal(1, CHAINS, DRAWS), 3, axis=0)
    given = as_draws(dict(zip(COMPONENTS, same, strict=True)))
    losses = tokens().copy(data=np.repeat(tokens().values[:1], 3, axis=0))
    one = so.susceptibility(given, losses, estimator="full").isel(component=0)
    two = so.susceptibility(given, losses).isel(component=0)
    count = CHAINS * DRAWS
    np.testing.assert_allclose(one.mcse, two.mcse, rtol=1e-9)
    np.testing.assert_allclose(one.susceptibility * count / (count - 1), two.susceptibility)


def test_an_observable_of_ones_own():
    own = draws().probe_loss.isel(probe=0, drop=True) * 3
    found = so.susceptibility(draws(), tokens(), observable=own)
    plain = so.susceptibility(draws(), tokens())
    np.testing.assert_allclose(found.susceptibility, 3 * plain.susceptibility, rtol=1e-10)


def test_a_chain_that_failed_is_left_out_of_all_components():
    broken = draws()
    broken.status[1, 2] = "diverged at step 3"
    broken.probe_loss[0, 1, 2, 5:] = np.nan
    losses = tokens().copy()
    losses[1, 2, 5:] = np.nan
    with pytest.raises(InputError, match="component B must have chains that all ended well"):
        so.susceptibility(broken, losses)
    found = so.susceptibility(broken, losses, on_failure="leave out")
    kept = so.susceptibility(draws().isel(chain=[0, 1]), tokens().isel(chain=[0, 1]))
    np.testing.assert_allclose(found.susceptibility, kept.susceptibility)
    assert found.chains_failed.item() == 1


def test_what_does_not_depend_on_the_component_has_no_response_and_no_error():
    losses = tokens().copy()
    losses[:, :, :, 0, 0] = draws().probe_loss.isel(probe=0, drop=True)
    found = so.susceptibility(draws(), losses).isel(example=0, token=0)
    assert (abs(found.susceptibility) < 1e-12).all()
    assert (found.mcse < 1e-12).all()


def test_false_discoveries_are_counted_over_the_table():
    found = so.susceptibility(draws(), tokens())
    assert (found.p_adjusted >= found.p_value - 1e-15).all()
    assert found.p_adjusted.max() <= 1


PROBES = {"reference": tiny_rows(5, seed=5), "code": tiny_rows(3, seed=4)}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Draws with losses of tokens, and the same draws with block means."""
    folder = tmp_path_factory.mktemp("records")
    found = {}
    for keep in ("draws", "covariances"):
        record = so.Record(folder / keep, {"code": "token", "reference": "example"}, keep)
        found[keep] = (
            folder / keep,
            sample_tiny(probes=PROBES, record=record, draws=20, probe_every=1),
        )
    return found


def test_records_of_draws_and_of_means_give_the_same(stored):
    (path, taken), (means, again) = stored.values()
    one = so.susceptibility(taken, so.recorded(path, "code"))
    two = so.susceptibility(again, so.recorded(means, "code"))
    xr.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-10)
    probes = so.susceptibility(taken).sel(probe="code").susceptibility
    np.testing.assert_allclose(one.susceptibility.mean(("example", "token")), probes, rtol=1e-4)
    assert one.component.values.tolist() == list(HEADS)


def test_means_serve_no_null_and_no_other_observable(stored):
    path, taken = stored["covariances"]
    words = "losses must hold draws for a null or another observable"
    for how in ({"null": True}, {"observable": taken.probe_loss.isel(probe=0, drop=True)}):
        with pytest.raises(InputError, match=words):
            so.susceptibility(taken, so.recorded(path, "code"), **how)


def test_the_control_without_loss_is_sampled_and_compared(tmp_path):
    target = {"draws": 20, "probe_every": 1, "probes": PROBES, "chains": 2}
    found = so.susceptibility(sample_tiny(**target))
    without = so.Target(so.next_token_loss, tiny_rows(), n_beta=0, localization=20)
    control = so.susceptibility(
        so.sample(tiny_transformer(), without, so.SGLD(5e-3), seed=1, burn_in=2, **target)
    )
    difference = so.contrast(found, control).difference
    np.testing.assert_allclose(difference, found.susceptibility - control.susceptibility)


def test_errors_need_chains_and_draws():
    one = draws().isel(chain=[0]), tokens().isel(chain=[0])
    with pytest.raises(InputError, match=r"number of good chains must be .* at least 2, got 1"):
        so.susceptibility(*one)
    assert set(so.susceptibility(*one, errors=False)) == {"susceptibility", "chains_failed"}
    few = draws().isel(probe_draw=slice(7)), tokens().isel(probe_draw=slice(7))
    with pytest.raises(InputError, match=r"number of probe draws must be .* at least 8, got 7"):
        so.susceptibility(*few)
    single = [part.isel(probe_draw=[0]) for part in one]
    words = "number of probe draws of all chains must be .* at least 2, got 1"
    with pytest.raises(InputError, match=words):
        so.susceptibility(*single, errors=False)
    with pytest.raises(InputError, match=r"number of good chains .*2, got 1. A null needs another"):
        so.susceptibility(*one, errors=False, null=True)


def test_a_constant_observable_is_refused():
    still = draws()
    still.probe_loss[0, 1] = 2.0
    words = r"observable of component B must vary between draws, got 2\.0"
    with pytest.raises(InputError, match=words):
        so.susceptibility(still, tokens())
    empty = draws().probe_loss.isel(probe=0, drop=True) * np.nan
    with pytest.raises(InputError, match="observable of component A must be finite, got 'NaN'"):
        so.susceptibility(draws(), tokens(), observable=empty)


def test_losses_that_do_not_fit_are_refused():
    words = "losses must have the 30 values of probe_draw of the draws"
    with pytest.raises(InputError, match=words):
        so.susceptibility(draws(), tokens().isel(probe_draw=slice(9)))
    with pytest.raises(InputError, match="losses must be of the components of the draws"):
        so.susceptibility(draws(), tokens().assign_coords(component=["B", "A", "full"]))
    with pytest.raises(InputError, match="losses must have the dims component, chain, probe_draw"):
        so.susceptibility(draws(), tokens().isel(example=0, token=0))
    words = "observable must have the 30 values of probe_draw"
    with pytest.raises(InputError, match=words):
        so.susceptibility(draws(), tokens(), observable=tokens()[..., 0, 0].isel(probe_draw=[1]))
    infinite = tokens().copy()
    infinite[0, 0, 0, 0, 0] = np.inf
    with pytest.raises(InputError, match="losses must be finite in every chain that did not fail"):
        so.susceptibility(draws(), infinite)


def test_what_is_needed_is_named():
    with pytest.raises(InputError, match="draws must hold a probe beside the reference"):
        so.susceptibility(draws())
    with pytest.raises(InputError, match=r"draws must hold the probe named reference, got \[\]"):
        so.susceptibility(draws().isel(probe=[]), tokens())
    part = draws().isel(component=[0]), tokens().isel(component=[0])
    with pytest.raises(InputError, match="component full must be among the components"):
        so.susceptibility(*part, estimator="full")
    with pytest.raises(InputError, match="estimator must be \"restricted\" for a null, got 'full'"):
        so.susceptibility(draws(), tokens(), estimator="full", null=True)
    with pytest.raises(InputError, match="estimator must be a known name, got 'ful'"):
        so.susceptibility(draws(), tokens(), estimator="ful")
    with pytest.raises(InputError, match="on_failure must be a known name"):
        so.susceptibility(draws(), tokens(), on_failure="skip")


def test_minibatch_losses_do_not_enter():
    case = Case(3)
    noisy = case.dataset()
    noisy["loss"] = noisy.loss + normal(*noisy.loss.shape)
    plain = so.susceptibility(case.dataset(), case.recorded)
    xr.testing.assert_identical(so.susceptibility(noisy, case.recorded), plain)
