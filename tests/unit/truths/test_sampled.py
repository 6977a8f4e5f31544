"""Interactions of linear networks and streams: closed forms, chains that share nothing, errors."""

import math

import numpy as np
import pytest
import torch

from somite.core.errors import InputError
from somite.sampling import interaction_energy
from somite.theory import gaussian_llc, hessian_spectrum
from somite.truths.linear import block_linear
from somite.truths.planted_mlp import planted_mlp
from somite.truths.sampled import additivity, curvature, sampled_interactions
from somite.truths.streams import two_streams

SCALE = (1e4, 100.0)


@pytest.mark.parametrize("dense", [False, True])
def test_curvature_is_the_hessian_of_the_population_loss(dense):
    truth = block_linear(1, dense=dense, degenerate=False)
    nets = [truth.model] if dense else [truth.model.net(b) for b in range(2)]
    outputs = sum(len(net.truth) for net in nets)
    exact = sum(
        gaussian_llc(hessian_spectrum(net.matrices(), net.input_variance / outputs), *SCALE)
        for net in nets
    )
    found = curvature(truth).coupling(*SCALE)
    assert float(found.llc_full) == pytest.approx(exact, rel=1e-9)


def test_blocks_do_not_interact():
    truth = block_linear(0)
    found = curvature(truth, truth.model.components()["blocks"]).coupling(*SCALE)
    assert abs(float(found.total_coupling)) < 1e-9
    assert float(found.llc_full) > 3


def test_coefficients_of_blocks_add_in_chains_of_their_own():
    truth = block_linear(0)
    blocks = truth.model.components()["blocks"]
    found = additivity(truth, blocks, SCALE, seed=1, chains=4, draws=150, burn_in=50)
    assert 0 < found["gap_mcse"] < 0.15
    assert abs(found["gap"]) < 4 * found["gap_mcse"]
    expected = math.hypot(
        found["sum_mcse"] / found["whole"], found["whole_mcse"] * found["sum"] / found["whole"] ** 2
    )
    assert found["gap_mcse"] == pytest.approx(expected)
    coupled = dict(list(truth.components.items())[:2])  # two layers of one block
    wrong = additivity(truth, coupled, SCALE, seed=1, chains=4, draws=150, burn_in=50)
    assert wrong["gap"] > 4 * wrong["gap_mcse"]


def test_sampled_interactions_of_blocks_vanish_draw_by_draw():
    truth = block_linear(0)
    masks = {name: truth.components[name] for name in ("0:0", "0:1", "1:1")}
    found = sampled_interactions(truth, SCALE, 0, masks, chains=2, draws=40, burn_in=20)
    values = dict(zip(found.pair.values.tolist(), found.interaction.values, strict=True))
    assert abs(values["0:0|1:1"]) < 1e-9 < values["0:0|0:1"]


def test_streams_are_apart_and_one_softmax_couples_them():
    energies, quadratic = {}, {}
    for union in (False, True):
        truth = two_streams(0, union=union, steps=10)
        few = truth.data[:8]
        found = interaction_energy(truth.model, truth.loss, few, truth.components, 0.1, repeats=8)
        across = np.array([[a != b for b in truth.labels.values()] for a in truth.labels.values()])
        energies[union] = float(np.sqrt(found.square.values[across]).max())
        matrix = curvature(truth).matrix
        places = curvature(truth).places
        quadratic[union] = float(matrix[places["0:0"]][:, places["0:2"]].abs().max())
    assert energies[False] < 1e-12 < 1e-9 < energies[True]
    assert quadratic[False] < 1e-15 < 1e-9 < quadratic[True]


def test_other_truths_are_refused():
    with pytest.raises(InputError, match="truth must be of linear networks or streams"):
        curvature(planted_mlp())
    assert torch.is_tensor(curvature(block_linear()).matrix)
