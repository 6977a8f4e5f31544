"""What is recorded at a draw besides the loss: shares of blocks, and losses of examples."""

import numpy as np
import pytest
import torch

import somite as so
from somite.core.errors import InputError
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import CURVATURES, LOCALIZATION, N_BETA, sample_bowl
from unit.sampling.runs import sample_tiny

PARTS = ("W_Q", "W_K", "W_V", "W_O")


def parts_of(head: str) -> dict[str, so.Mask]:
    layer = head[0]
    entries = so.components(tiny_transformer(), head)[head].entries
    return {
        part: so.Mask({n: entries[n] for n in entries if n.endswith(part)}) for part in PARTS
    } | {"layer": so.Mask({n: c for n, c in entries.items() if f"blocks.{layer}." in n})}


@pytest.mark.parametrize("kernel", [so.SGLD(5e-3), so.BAOAB(0.05, 9.0)], ids=["SGLD", "BAOAB"])
def test_shares_of_disjoint_blocks_add_up(kernel):
    target = so.Target(so.next_token_loss, tiny_rows(), n_beta=30, localization=20)
    settings = {"chains": 2, "burn_in": 2, "draws": 5, "batch_size": 4, "accumulate": 2}
    draws = so.sample(tiny_transformer(), target, kernel, blocks=parts_of("1:1"), **settings)
    assert draws.block_share.dims == ("component", "chain", "draw", "block")
    head = draws.sel(component="1:1")
    summed = head.block_share.sel(block=list(PARTS)).sum("block")
    np.testing.assert_allclose(summed, head.share, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(head.block_share.sel(block="layer"), head.share, rtol=1e-9)
    assert (head.block_share != 0).all()
    assert draws.block_share.drop_sel(component="1:1").isnull().all()


def test_shares_of_a_quadratic_loss_are_its_curvatures_shares():
    blocks = {f"{i}": so.Mask({"weight": torch.arange(2) == i}) for i in range(2)}
    draws = sample_bowl(blocks=blocks, chains=2)
    np.testing.assert_allclose(draws.share, draws.loss, rtol=1e-12)  # R = 1 in a quadratic basin
    stiff = CURVATURES[1] * draws.distance - draws.loss * 2  # (h₁ − h₀)·Δ₀², exactly
    soft = stiff.values / (CURVATURES[1] - CURVATURES[0]) * CURVATURES[0] / 2
    np.testing.assert_allclose(draws.block_share.sel(block="0"), soft, rtol=1e-9, atol=1e-14)


def test_a_block_that_is_moved_in_part_has_no_share():
    blocks = {"both": so.Mask({"weight": torch.tensor([True, True])})}
    half = {"half": so.Mask({"weight": torch.tensor([True, False])})}
    draws = sample_bowl(blocks=blocks, components=half, chains=1)
    assert draws.block_share.isnull().all()
    assert draws.share.notnull().all()


def test_blocks_leave_the_chain_alone():
    with_blocks = sample_tiny(blocks=parts_of("0:0"))
    np.testing.assert_array_equal(with_blocks.loss, sample_tiny().loss)
    assert "block_share" not in sample_tiny()


def test_blocks_of_another_model_are_refused():
    blocks = {"mine": so.Mask({"wieght": torch.tensor([True])})}
    with pytest.raises(InputError, match=r"component mine must name weights .*'wieght'. Did you"):
        sample_bowl(blocks=blocks)


def test_drift_is_the_gradient_of_the_potential():
    draws = sample_bowl(chains=1, components={"one": so.Mask({"weight": torch.arange(2) == 1})})
    precision = N_BETA * CURVATURES[1] + LOCALIZATION
    np.testing.assert_allclose(draws.drift_square, precision**2 * draws.distance, rtol=1e-12)


@pytest.mark.parametrize("sharing", [True, False])
def test_losses_of_examples_average_to_the_probe(sharing):
    probes = {"other": tiny_rows(3, seed=4), "reference": tiny_rows(5, seed=5)}
    draws = sample_tiny(probes=probes, pointwise=True, burn_in=0, draws=5, sharing=sharing)
    assert draws.example_loss.dims == ("component", "chain", "probe_draw", "example")
    assert draws.sizes["example"] == 5
    expected = draws.probe_loss.sel(probe="reference")
    np.testing.assert_allclose(draws.example_loss.mean("example"), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(draws.example_loss.isel(probe_draw=0), 0, atol=1e-12)
    assert (abs(draws.example_loss.isel(probe_draw=1)) > 1e-9).all()
    assert "example_loss" not in sample_tiny(probes=probes)


@pytest.mark.parametrize("probes", [None, {"mine": tiny_rows(3)}])
def test_losses_of_examples_need_the_reference_probe(probes):
    words = r"pointwise needs the probe named reference, got .* Pass probes=\{\"reference\": data\}"
    with pytest.raises(InputError, match=words):
        sample_tiny(probes=probes, pointwise=True)


def energies(sharing: bool = True, **settings):
    """Block energies of the parts of a head, on a probe that is the tiny transformer's."""
    probes = {"reference": tiny_rows(5, seed=5)}
    return sample_tiny(
        probes=probes, blocks=parts_of("1:1"), block_energies=True, sharing=sharing, **settings
    )


def test_the_energy_of_a_block_that_is_the_component_is_its_probe_loss():
    draws = energies(draws=5)
    assert draws.block_energy.dims == ("component", "chain", "probe_draw", "block")
    whole = draws.block_energy.sel(component="1:1", block="layer")
    probe = draws.probe_loss.sel(component="1:1", probe="reference")
    np.testing.assert_allclose(whole, probe, rtol=1e-9, atol=1e-12)
    assert draws.block_energy.drop_sel(component="1:1").isnull().all()


def test_energies_are_alike_on_every_path_and_leave_the_chain_alone():
    shared, plain = energies(), energies(sharing=False)
    np.testing.assert_allclose(shared.block_energy, plain.block_energy, atol=1e-9)
    np.testing.assert_array_equal(shared.loss, sample_tiny().loss)
    assert "block_energy" not in sample_tiny(blocks=parts_of("1:1"))


def test_energies_of_a_quadratic_loss_are_its_own():
    blocks = {f"{i}": so.Mask({"weight": torch.arange(2) == i}) for i in range(2)}
    probes = {"reference": torch.zeros(1, 2, dtype=torch.float64)}
    draws = sample_bowl(blocks=blocks, block_energies=True, probes=probes, probe_every=1)
    whole = draws.block_energy.sum("block").rename(probe_draw="draw")
    np.testing.assert_allclose(whole, draws.loss, rtol=1e-9, atol=1e-14)  # a diagonal Hessian
    shares = draws.block_share.values
    np.testing.assert_allclose(draws.block_energy, shares, rtol=1e-9, atol=1e-14)


def test_energies_need_blocks_and_the_reference_probe():
    words = r"block_energies needs the probe named reference"
    with pytest.raises(InputError, match=words):
        sample_tiny(blocks=parts_of("1:1"), block_energies=True)
    with pytest.raises(InputError, match="block_energies needs blocks, got None"):
        sample_tiny(probes={"reference": tiny_rows(3)}, block_energies=True)


def test_energies_refuse_stacked_chains():
    with pytest.raises(InputError, match="stacked must be False with block_energies, got True"):
        energies(stacked=True)
