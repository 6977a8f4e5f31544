"""Interactions of ground truths are those that are known in closed form."""

import numpy as np
import pytest
import torch

from somite.core.errors import InputError
from somite.theory.interaction import gaussian_truth, plane_truth
from somite.truths import interactions
from somite.truths.catalogue import TRUTHS
from somite.truths.gaussian import gaussian_blocks, hessian, places
from somite.truths.interactions import (
    LOCALIZATION,
    N_BETA,
    curvature_alignment,
    curvature_root,
    interaction_matrix,
    one_copy,
    sampled_interaction,
)
from somite.truths.kinds import active, kind_of, masks_of, spread
from somite.truths.linear import block_linear
from somite.truths.planted_mlp import PlantedSettings, planted_mlp
from somite.truths.polynomials import POLYNOMIALS, polynomial
from somite.truths.redundancy import duplicates, shared_bias
from somite.truths.refined import refined_profiles, refined_similarity
from somite.truths.roles import planted_roles
from somite.truths.streams import two_streams
from somite.truths.transformed import transformed


def test_gaussian_blocks_have_the_interactions_of_their_matrix():
    truth = gaussian_blocks(0, coupling=0.3)
    inside = {name: place.tolist() for name, place in places(truth).items()}
    exact = gaussian_truth(hessian(truth.data).numpy(), inside, N_BETA, LOCALIZATION)
    assert abs(interaction_matrix(truth) - exact.interaction).max() < 1e-8


def test_polynomials_by_hessian_and_by_sampling():
    truth = polynomial("(u+v)²", copies=16)
    known = POLYNOMIALS["(u+v)²"]
    exact = plane_truth(known.height, N_BETA, LOCALIZATION, known.center).total_coupling.item()
    curved = interaction_matrix(truth).sel(component="u", other="v").item()
    sampled = sampled_interaction(truth).sel(component="u", other="v").item()
    assert curved == pytest.approx(exact, abs=1e-3)
    assert sampled == pytest.approx(exact, abs=0.05)


def test_curvature_is_blind_where_sampling_sees():
    truth = polynomial("u²v²", copies=16)
    assert interaction_matrix(truth).max() == 0
    assert sampled_interaction(truth).sel(component="u", other="v") < -0.05


def test_one_copy_of_many():
    few = one_copy(polynomial("(u+v)²", copies=8))
    assert few.model.w.shape == (1, 2)
    assert {name: mask.size for name, mask in few.components.items()} == {"u": 1, "v": 1}
    assert one_copy(shared := shared_bias(0)) is shared


def test_two_biases_share_a_direction_that_is_not_active():
    truth = shared_bias(0)
    assert kind_of(truth) == "pair"
    found = interaction_matrix(truth).sel(component="0", other="1").item()
    bound = 0.5 * N_BETA / (N_BETA + LOCALIZATION)
    assert 0.8 * bound < found < 0.5
    assert interaction_matrix(shared_bias(0, biases=1)).max() < 1e-6
    assert 0.2 < interaction_matrix(duplicates(0, activation="linear")).max() < 0.5


def test_layers_interact_inside_their_blocks_only():
    found = interaction_matrix(block_linear(0))
    owners = [name.split(":")[0] for name in found.component.values]
    same = np.array([[a == b for b in owners] for a in owners]) & ~np.eye(len(owners), dtype=bool)
    assert found.values[same].min() > 0.1
    assert abs(found.values[~same]).max() < 1e-9


def test_streams_do_not_interact_and_their_heads_do():
    truth = two_streams(0, steps=5)
    found = interaction_matrix(truth)
    owners = [truth.labels[name] for name in found.component.values]
    same = np.array([[a == b for b in owners] for a in owners]) & ~np.eye(len(owners), dtype=bool)
    assert abs(found.values[~same]).max() < 1e-9
    assert found.values[same].max() > 1e-3


def test_directions_at_random_keep_the_curvature_on_average(monkeypatch):
    truth = planted_roles(0, steps=0)
    monkeypatch.setattr(interactions, "ROWS", 6)
    rough = curvature_root.__wrapped__(truth)
    monkeypatch.setattr(interactions, "PROBES", 10**6)
    exact = curvature_root.__wrapped__(truth)
    sizes = [
        {name: float(part.square().sum()) for name, part in root.rows.items()}
        for root in (exact, rough)
    ]
    assert len(rough.rows["0:1"]) < len(exact.rows["0:1"])
    assert sizes[1]["0:1"] == pytest.approx(sizes[0]["0:1"], rel=0.3)


def test_active_weights_leave_out_the_idle_ones():
    truth = planted_mlp(0, "dense")
    every, kept = masks_of(truth, only_active=False), masks_of(truth)
    assert all(kept[name].size < every[name].size for name in kept)
    zero = gaussian_blocks(0)
    mask = zero.components["0"]
    assert active(zero.model, mask) is mask


def test_examples_are_spread_over_all_kinds_of_rows():
    truth = planted_roles(0, steps=0)
    rows = spread(truth, 3)
    assert torch.equal(rows[[0, -1]], truth.data[[0, -1]])
    assert len(spread(truth, 10**6)) == len(truth.data)


@pytest.mark.parametrize("name", ["Gaussian blocks", "two biases", "(u+v)²"])
def test_alignment_is_between_zero_and_one(name):
    values = curvature_alignment(TRUTHS[name](0)).values
    assert 0 <= values.min()
    assert 0.05 < values.max() <= 1 + 1e-9


def test_profiles_tell_which_outputs_a_neuron_serves():
    truth = planted_mlp(0, settings=PlantedSettings(activation="relu"))
    profiles = refined_profiles(truth)
    for name, module in truth.labels.items():
        own = slice(0, 2) if module == "0" else slice(2, 4)
        others = slice(2, 4) if module == "0" else slice(0, 2)
        row = profiles.sel(component=name).values
        assert row[own].min() > 0
        assert row[others].max() == 0
    similar = refined_similarity(truth)
    same = np.array(
        [[truth.labels[a] == truth.labels[b] for b in truth.labels] for a in truth.labels]
    )
    assert similar.values[same].min() > 0.3 > 0 > similar.values[~same].max()


def test_profiles_do_not_move_when_relu_neurons_are_rescaled():
    truth = planted_mlp(0, "dense", PlantedSettings(activation="relu"))
    moved = refined_profiles(transformed(truth, "rescaled", seed=1))
    assert abs(moved - refined_profiles(truth)).max() < 1e-6
    plain = [interaction_matrix(t) for t in (truth, transformed(truth, "rescaled", seed=1))]
    assert abs(plain[0] - plain[1]).max() > 1e-3


def test_profiles_are_of_neurons():
    with pytest.raises(InputError, match="truth must be an MLP, got 'GaussianBlocks'"):
        refined_profiles(gaussian_blocks(0))
