"""What is planted in the posterior alone stands off from the control; what both have does not."""

import numpy as np
import pytest

import somite as so
from somite.core.errors import InputError
from somite.study.recorded_cells import Losses
from somite.study.response_tables import response_tables
from unit.report.synthetic_response import DOMAINS, KNOWN, domains, losses, response

HEADS = list(KNOWN)


def test_a_domain_is_the_mean_of_its_tokens() -> None:
    found = response()
    for name in DOMAINS:
        inside = (found.domain == name).values
        mean = found.token_susceptibility.isel(example=inside).mean(("example", "token"))
        answer = found.domain_susceptibility.sel(group=name)
        np.testing.assert_allclose(answer, mean, rtol=1e-4, atol=1e-5)


def test_numbers_are_those_of_the_library() -> None:
    own = losses(0, 30.0)
    table = so.susceptibility(own.draws, own.loss)
    found = response()
    np.testing.assert_allclose(found.token_susceptibility, table.susceptibility, rtol=1e-5)
    np.testing.assert_allclose(found.token_mcse, table.mcse, rtol=1e-5)
    modes = so.response_matrix(own.draws, own.loss, replicates=10, seed=0)
    np.testing.assert_allclose(found.loading.sel(run="posterior"), modes.loading)


def test_only_what_is_planted_differs_from_the_control() -> None:
    differs = response().domain_control_q < 0.01
    assert differs.sel(component=HEADS, group="repeats").all()
    others = differs.drop_sel(component=HEADS)
    assert others.mean() < 0.05
    assert (response().domain_q.drop_sel(component=HEADS) < 0.01).any()  # there, and in the control


def test_a_control_that_spreads_further_is_scaled() -> None:
    found = response(planted=0)
    np.testing.assert_allclose(found.control_scale, 0.25, atol=0.12)
    assert (found.control_correlation > 0.95).all()
    assert (found.token_control_q < 0.05).mean() < 0.01
    raw = abs(found.token_susceptibility - found.token_control)
    error = np.hypot(found.token_mcse, found.token_control_mcse)
    assert (raw > 3 * error).mean() > 0.3  # without the factor nearly everything would differ


def test_the_first_direction_of_the_posterior_is_more_than_chance() -> None:
    found = response()
    first = found.isel(mode=0)
    assert first.singular_value_q < 0.01
    value, chance = (first.singular_value.sel(run=run) for run in ("posterior", "shuffled"))
    assert value > 1.5 * chance
    assert np.isnan(first.loading.sel(run="shuffled")).all()
    loading = abs(first.loading.sel(run="posterior"))
    assert loading.sel(component=HEADS).min() > loading.drop_sel(component=HEADS).max()
    assert found.domain_null_found.mean() < 0.05
    assert found.token_null_share.mean() < 0.08
    assert (abs(found.control_z) < 4).all()


def test_a_failed_chain_is_left_out_and_counted() -> None:
    own, control = losses(0, 30.0), losses(1, 0.0)
    status = own.draws.status.values.copy()
    status[2, 1] = "diverged at step 7"
    bad = Losses(own.draws.assign(status=(own.draws.status.dims, status)), own.loss)
    found = response_tables(bad, control, domains(4), replicates=2, seed=0)
    assert found.chains_failed.values.tolist() == [1, 0, 1]
    keep = [0, 2, 3]
    few = Losses(own.draws.isel(chain=keep), own.loss.isel(chain=keep))
    same = response_tables(few, control, domains(4), replicates=2, seed=0)
    np.testing.assert_allclose(found.token_susceptibility, same.token_susceptibility)


def test_a_control_with_the_noise_of_the_posterior_is_refused() -> None:
    own = losses(0, 30.0)
    with pytest.raises(InputError, match="seed of the control must differ"):
        response_tables(own, losses(0, 0.0), domains(4), replicates=2, seed=0)


def test_all_weights_are_no_component_of_the_matrix() -> None:
    names = ["full", *losses(0, 30.0).draws.component.values[1:]]
    own, control = (
        Losses(one.draws.assign_coords(component=names), one.loss.assign_coords(component=names))
        for one in (losses(0, 30.0), losses(1, 0.0))
    )
    found = response_tables(own, control, domains(4), replicates=2, seed=0)
    assert found.component.values.tolist() == names[1:]
