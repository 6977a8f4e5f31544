"""A chain's numbers are its own: alone or among many, whatever else is sampled."""

import numpy as np
import pytest
import torch
import xarray as xr

from somite import SGLD, Mask, Target, components, next_token_loss, sample
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import HEADS, sample_tiny

SERIES = ("loss", "center_loss", "distance", "probe_loss", "status", "failed_at")
PROBES = {"few": tiny_rows(3, seed=9), "same as the batch": tiny_rows(4, seed=8)}


def assert_identical(some: xr.Dataset, all_of_it: xr.Dataset) -> None:
    chosen = all_of_it.sel(component=some.component, chain=some.chain)
    for name in SERIES:
        np.testing.assert_array_equal(some[name], chosen[name], strict=True)


@pytest.mark.parametrize("sharing", [True, False])
def test_a_chain_alone_is_the_chain_among_many(sharing):
    one = sample_tiny(chains=1, sharing=sharing, probes=PROBES)
    four = sample_tiny(chains=4, sharing=sharing, probes=PROBES)
    assert_identical(one, four)
    assert len(np.unique(four.loss.values[0].round(12), axis=0)) == 4


@pytest.mark.parametrize("sharing", [True, False])
@pytest.mark.parametrize("name", HEADS)
def test_a_component_alone_is_the_component_among_all(name, sharing):
    alone = sample_tiny(components=name, sharing=sharing, probes=PROBES)
    assert_identical(alone, sample_tiny(sharing=sharing, probes=PROBES))


def test_the_order_of_components_does_not_matter():
    masks = components(tiny_transformer(), "heads")
    turned = dict(reversed(masks.items()))
    assert_identical(sample_tiny(components=turned), sample_tiny(components=masks))


def test_probes_do_not_disturb_the_chain():
    np.testing.assert_array_equal(sample_tiny().loss, sample_tiny(probes=PROBES).loss)


def test_a_run_repeats_and_its_seed_and_checkpoint_count():
    first, again = sample_tiny(), sample_tiny()
    xr.testing.assert_identical(first, again)
    for change in ({"seed": 1}, {"checkpoint": 100}):
        assert not np.allclose(first.loss, sample_tiny(**change).loss)


def test_components_walk_over_the_same_minibatches_and_chains_over_different_ones():
    center = sample_tiny(chains=3, draws=6).center_loss
    assert (center == center[0]).all()
    assert len(np.unique(center[0, :, -1])) == 3


def test_the_name_of_a_component_does_not_matter():
    mask = components(tiny_transformer(), "0:1")["0:1"]
    renamed = sample_tiny(components={"mine": mask})
    np.testing.assert_array_equal(renamed.loss, sample_tiny(components="0:1").loss)


def test_a_unit_cut_by_a_mask_keeps_its_part_of_the_noise():
    # With no loss the walk is noise and localization alone, entry by entry.
    model = tiny_transformer()
    whole = components(model, "1:1")["1:1"]
    generator = torch.Generator().manual_seed(0)
    cut = {n: torch.rand(m.shape, generator=generator) < 0.5 for n, m in whole.entries.items()}
    part = Mask({n: m & cut[n] for n, m in whole.entries.items()})
    rest = Mask({n: m & ~cut[n] for n, m in whole.entries.items()})
    target = Target(next_token_loss, tiny_rows(), n_beta=0, localization=20)
    masks = {"whole": whole, "part": part, "rest": rest}
    draws = sample(
        model, target, SGLD(5e-3), components=masks, chains=2, burn_in=0, draws=6, batch_size=2
    )
    distance = {name: draws.distance.sel(component=name).values for name in masks}
    np.testing.assert_allclose(distance["whole"], distance["part"] + distance["rest"], rtol=1e-10)
    assert (distance["part"][:, -1] > 0).all()
