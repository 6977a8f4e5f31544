"""Interactions, couplings and energies of a coupled Gaussian have their exact values and errors."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

import somite as so
from laws.checks import CLEAR, LIMIT
from laws.gaussian import FLAT, Basin, coupled_curvature, tilted_loss, z_score
from laws.test_additivity import APART
from somite.estimators import moved
from somite.theory import (
    gaussian_energy_covariance,
    gaussian_information,
    gaussian_truth,
    plane_truth,
)
from somite.verify.landscapes import Copies, copies_loss, no_tilts

N_BETA, LOCALIZATION, CHAINS = 10.0, 2.0, 12
COUPLED = APART.clone()
COUPLED[0, 2] = COUPLED[2, 0] = 0.7
WEAKLY = APART.clone()
WEAKLY[0, 2] = WEAKLY[2, 0] = 0.2
PLACES = {"A": [0, 1], "B": [2, 3]}
MASKS = {
    "A": so.Mask({"first": torch.ones(2, dtype=torch.bool)}),
    "B": so.Mask({"second": torch.ones(2, dtype=torch.bool)}),
}
PARTS = so.modules(MASKS) | so.pairs(MASKS)
SINGLE = {
    f"{name}{i}": so.Mask({name: torch.arange(2) == i})
    for name in ("first", "second")
    for i in (0, 1)
}
COPIES = 32


def run(curvature=COUPLED, kernel=None, n_beta=N_BETA, **settings) -> xr.Dataset:
    plan = {"components": PARTS, "blocks": MASKS, "batch_size": None, "chains": CHAINS}
    return so.sample(
        Basin(curvature),
        so.Target(tilted_loss, FLAT, n_beta, LOCALIZATION),
        kernel or so.BAOAB(0.25, 6.0),
        **plan | {"burn_in": 30, "draws": 120, "probe_every": 1000} | settings,
    )


@pytest.fixture(scope="module")
def draws() -> xr.Dataset:
    return run()


def by_chain(table, draws: xr.Dataset, *keys) -> list[xr.Dataset]:
    """A table of every chain alone."""
    return [table(draws.isel(chain=[i]), *keys) for i in range(draws.sizes["chain"])]


def exact(curvature=COUPLED, places=PLACES, n_beta=N_BETA) -> xr.Dataset:
    return gaussian_truth(curvature.numpy(), places, n_beta, LOCALIZATION)


def test_coupling_has_its_exact_value(draws):
    found, truth = xr.concat(by_chain(so.coupling, draws), "chain", data_vars="all"), exact()
    assert float(truth.total_coupling) > 0.05
    for name in ("llc_full", "total_coupling"):
        assert abs(z_score(found[name].values, float(truth[name]))) < LIMIT, name
    for name in ("llc", "share"):
        for block in "AB":
            values = found[name].sel(component=block).values
            assert abs(z_score(values, float(truth[name].sel(component=block)))) < LIMIT, name
    table = so.coupling(draws)
    away = (table.coupling - truth.coupling) / table.coupling_mcse
    assert (abs(away) < LIMIT).all()
    # A sampler that believed in no coupling is refused.
    assert abs(z_score(found.total_coupling.values, 0.0)) > CLEAR


def test_interaction_has_its_exact_value_and_is_nothing_without_coupling(draws):
    found = [float(one.interaction[0]) for one in by_chain(so.interaction, draws)]
    assert abs(z_score(np.array(found), float(exact().total_coupling))) < LIMIT
    apart = so.interaction(run(APART, chains=2, draws=30))
    assert abs(float(apart.interaction[0])) < 1e-12
    assert float(apart.mcse[0]) < 1e-12


def test_errors_are_those_of_the_joint_series(draws):
    tables = by_chain(so.interaction, draws)
    spread = np.std([float(one.interaction[0]) for one in tables], ddof=1)
    joint = np.mean([float(one.mcse[0]) for one in tables])
    assert 0.6 < spread / joint < 1.6
    added = np.mean([float((so.llc(draws.isel(chain=[i])).mcse ** 2)[[0, 1, 3]].sum() ** 0.5)
                     for i in range(CHAINS)])  # fmt: skip
    assert not 0.6 < spread / added < 1.6


def test_noise_that_is_not_shared_makes_the_error_far_larger():
    names = ("A", "B", "A|B")
    few = {"blocks": None, "chains": 6}
    alone = [run(WEAKLY, components={n: PARTS[n]}, seed=i, **few) for i, n in enumerate(names)]
    unshared = xr.concat(alone, "component", data_vars="minimal", combine_attrs="override",
                         coords="minimal", compat="override", join="outer")  # fmt: skip
    together = so.interaction(run(WEAKLY, components=so.pairs(MASKS), **few))
    apart = so.interaction(unshared)
    assert float(apart.mcse[0]) > 2.5 * float(together.mcse[0])
    with pytest.raises(so.core.errors.InputError, match="seed of the runs must be the same"):
        so.interaction(alone)


@pytest.mark.parametrize(
    ("loss", "sign"),
    [
        (lambda w: (w[..., 0] + w[..., 1]) ** 2, 1),
        (lambda w: (w[..., 0] * w[..., 1]) ** 2, -1),
        (lambda w: (w[..., 0] ** 2 + w[..., 1]) ** 2, 1),
    ],
)
def test_polynomials_have_the_sign_and_value_of_quadrature(loss, sign):
    halves = torch.zeros(2, COPIES, 2, dtype=torch.bool)
    halves[0, :, 0] = halves[1, :, 1] = True
    masks = {name: so.Mask({"w": half}) for name, half in zip("AB", halves, strict=True)}
    draws = so.sample(
        Copies(loss, (0.0, 0.0), COPIES), so.Target(copies_loss, no_tilts(COPIES, 2), 30.0, 4.0),
        so.BAOAB(0.03, 4.0), components=so.modules(masks), blocks=masks, batch_size=None,
        chains=4, burn_in=80, draws=250, probe_every=1000,
    )  # fmt: skip
    table, truth = so.coupling(draws), plane_truth(loss, 30.0, 4.0)
    total, error = float(table.total_coupling) / COPIES, float(table.total_coupling_mcse) / COPIES
    assert abs(total - float(truth.total_coupling)) < LIMIT * error
    assert total * sign > LIMIT * error
    shares = (table.share / COPIES - truth.share) / (table.share_mcse / COPIES)
    assert (abs(shares) < LIMIT).all()


def test_the_ladder_integrates_to_the_mutual_information():
    places = [2.0 * 2**i for i in range(5)]
    kernel = so.BAOAB(0.9 / math.sqrt(3.5 * places[-1] + LOCALIZATION), 6.0)
    runs = [run(n_beta=n, kernel=kernel, chains=4, draws=150, components=so.pairs(MASKS))
            for n in places]  # fmt: skip
    table = so.interaction_ladder(runs)
    low, high = (
        gaussian_information(COUPLED.numpy(), PLACES, n, LOCALIZATION)
        for n in (places[0], places[-1])
    )
    away = float(table.pmi[0]) - (high - low)
    assert abs(away) < LIMIT * float(table.pmi_mcse[0])
    assert float(table.pmi[0]) > 3 * float(table.pmi_mcse[0])
    values = [float(exact(n_beta=n).total_coupling) for n in places]
    z = (table.interaction[0] - values) / table.mcse[0]
    assert (abs(z) < LIMIT).all()


def test_energies_covary_as_in_closed_form():
    draws = run(chains=6, components="full", block_energies=True, probes={"reference": FLAT},
                probe_every=1, draws=300)  # fmt: skip
    table = so.energy_correlation(draws)
    truth = gaussian_energy_covariance(COUPLED.numpy(), PLACES, N_BETA, LOCALIZATION)
    assert float(truth.sel(component="A", other="B")) > 0
    z = (table.covariance.values - truth.values) / table.covariance_mcse.values
    assert (abs(z) < LIMIT).all()
    norm = np.sqrt(np.diag(truth))
    rho = table.sel(block="A", other="B")
    exact_rho = truth.values[0, 1] / (norm[0] * norm[1])
    assert abs(rho.correlation - exact_rho) < LIMIT * rho.correlation_mcse
    assert abs(rho.correlation) > LIMIT * rho.correlation_mcse


def test_a_partition_that_follows_the_coupling_beats_the_others():
    curvature = APART + 0.05 * coupled_curvature()
    right = {"first": ["first0", "first1"], "second": ["second0", "second1"]}
    others = [
        {"one": ["first0", f"second{i}"], "two": ["first1", f"second{1 - i}"]} for i in (0, 1)
    ]
    draws = run(curvature, components=so.modules(SINGLE, [right, *others]), blocks=SINGLE,
                chains=6, draws=80)  # fmt: skip
    found = so.partition_score(draws, right, others)
    singles = {name: [i] for i, name in enumerate(SINGLE)}
    truth = gaussian_truth(curvature.numpy(), singles, N_BETA, LOCALIZATION)
    halves = gaussian_truth(curvature.numpy(), PLACES, N_BETA, LOCALIZATION)
    score = 1 - float(halves.total_coupling / truth.total_coupling)
    assert abs(float(found.score) - score) < LIMIT * float(found.score_mcse)
    assert (found.null_score < found.score).all()
    assert float(found.z) > 2


def test_a_step_that_is_too_long_is_found_out_by_half_of_it():
    few = {"components": so.pairs(MASKS), "blocks": None, "chains": 6, "draws": 200}
    long, half = (so.interaction(run(kernel=so.SGLD(step), seed=i, **few))
                  for i, step in enumerate((0.1, 0.05)))  # fmt: skip
    found = moved(long, half, ["interaction"])
    assert "moves with the settings" in found.interaction_remark.item()
