"""Every truth is covered; each method gives a symmetric matrix of the truth's components."""

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.truths.catalogue import REDUNDANT, TRUTHS
from somite.truths.gaussian import gaussian_blocks
from somite.truths.kinds import BLOCKS, HEADS, LAYERS, NEURONS, PAIR, kind_of
from somite.truths.layers import composed, layer_outputs
from somite.truths.linear import block_linear
from somite.truths.methods import COMPARED, PRIMARY
from somite.truths.planted_mlp import planted_mlp
from somite.truths.polynomials import polynomial
from somite.truths.roles import planted_roles
from somite.truths.streams import two_streams

EXAMPLES = {
    NEURONS: lambda: planted_mlp(0),
    HEADS: lambda: two_streams(0, steps=3),
    LAYERS: lambda: block_linear(0),
    BLOCKS: lambda: gaussian_blocks(0, coupling=0.1),
    PAIR: lambda: polynomial("(u+v)²", copies=4),
}
SLOW = ("sampled interaction", "response")


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_kind_has_the_primary_method_and_three_others(kind):
    truth = EXAMPLES[kind]()
    assert kind_of(truth) == kind
    fitting = [name for name, method in COMPARED.items() if method.fits(truth)]
    assert fitting[0] == PRIMARY
    assert len(set(fitting) - {PRIMARY, "interaction, all weights"}) >= 3


@pytest.mark.parametrize("kind", EXAMPLES)
def test_matrices_are_symmetric_and_finite(kind):
    truth = EXAMPLES[kind]()
    names = set(truth.components)
    for name, method in COMPARED.items():
        if name in SLOW or not method.fits(truth):
            continue
        try:
            matrix = method.matrix(truth)
        except InputError:  # a loss at its minimum has no gradients
            assert method.family == "gradients", name
            continue
        values = matrix.transpose("component", "other").values
        off = ~np.eye(len(values), dtype=bool)
        assert set(matrix.component.values.tolist()) <= names, name
        np.testing.assert_allclose(values[off], values.T[off], atol=1e-9, err_msg=name)
        assert np.isfinite(values[off]).all(), name


def test_streams_are_read_under_their_own_loss():
    truth = two_streams(0, steps=3)
    values = COMPARED["attribution_correlation"].matrix(truth)
    assert abs(values.sel(component="0:0", other="1:0")) <= 1
    energy = COMPARED["interaction_energy"].matrix(truth).sel(component="0:0", other="1:2")
    assert energy.item() < 1e-12


def test_costly_methods_are_kept_to_few_components():
    many = planted_mlp(0)
    assert COMPARED["sampled interaction"].fits(many)
    assert not COMPARED["sampled interaction"].fits(two_streams(0, steps=1))
    limit = COMPARED["sampled interaction"].most[NEURONS]
    assert len(many.components) <= limit < 12


def test_layers_compose_inside_their_blocks():
    found = composed(block_linear(0))
    assert found.sel(component="0:0", other="0:1") > 0.3
    assert found.sel(component="0:0", other="1:1") == 0
    assert found.sel(component="0:0", other="0:2") == 0
    dense = composed(block_linear(0, dense=True))
    assert abs(found - dense).max() < 1e-12


def test_outputs_of_layers_are_those_of_the_network():
    truth = block_linear(0)
    found = layer_outputs(truth, 5)
    last = found.sel(component=["0:2", "1:2"]).sum("component").values
    assert last.shape == (5, 6)
    assert (np.abs(found.sel(component="0:2").values[:, 3:]) == 0).all()
    with pytest.raises(InputError, match="truth must be a linear network, got 'Transformer'"):
        layer_outputs(planted_roles(0, steps=0), 5)


def test_every_truth_of_two_components_has_a_builder_of_a_known_kind():
    for name in ("u²v²", "two biases", "duplicates, tanh"):
        assert name in REDUNDANT
        assert kind_of(TRUTHS[name](0)) == PAIR
