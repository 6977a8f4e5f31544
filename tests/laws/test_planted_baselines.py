"""The other methods on networks whose modules are planted: what must be zero is zero."""

import numpy as np
import pytest
import torch

from somite.baselines import (
    METHODS,
    WEIGHT_METHODS,
    baseline_matrix,
    block_ntk,
    gradient_grams,
    lesion_synergy,
    mlp_lesions,
    of_mlp,
)
from somite.baselines.of_mlp import hidden_names
from somite.components import Mask
from unit.baselines.small import PlainMLP, drawn_data, square_loss

SAMPLES = 300
SIDE = np.array([0, 0, 0, 1, 1, 1])
ACROSS = SIDE[:, None] != SIDE
WITHIN = ~ACROSS & ~np.eye(6, dtype=bool)
EXACT = ("forward_jacobian", "backward_jacobian", "backward_hessian")
SAMPLED = tuple(name for name in METHODS if name not in (*EXACT, "response"))
"""`response` reads what sampling has recorded, not one pass of the network."""


def network(shared: bool):
    """Two modules of 2 inputs, 3 hidden units and 2 outputs; or the same widths, all joined.

    Targets are those of the network with a little noise, so that residuals of the two halves are
    independent.
    """
    model = PlainMLP([4, 6, 4], "tanh")
    if not shared:
        for layer, (out, into) in zip(model.layers, ((3, 2), (2, 3)), strict=True):
            layer.weight.data *= torch.block_diag(torch.ones(out, into), torch.ones(out, into))
    x, noise = drawn_data(SAMPLES, 4, 4)
    return model, (x, model(x).detach() + 0.1 * noise)


def kernels(model, data, zeros: bool):
    """Tangent kernels of units: weights that are not zero, and perhaps those that are."""
    units = {}
    for i, name in enumerate(hidden_names(model)):
        chosen = [(layer.weight != 0) | zeros for layer in model.layers]
        chosen[0][torch.arange(6) != i], chosen[1][:, torch.arange(6) != i] = False, False
        units[name] = Mask({f"layers.{place}.weight": c for place, c in enumerate(chosen)})
    return gradient_grams(model, square_loss, data, units)


def recording(model, data):
    grams = kernels(model, data, zeros=False)
    return of_mlp(model, square_loss, data).assign(gradient_grams=grams)


@pytest.fixture(scope="module")
def planted():
    return recording(*network(shared=False))


@pytest.fixture(scope="module")
def joined():
    return recording(*network(shared=True))


@pytest.mark.parametrize("name", EXACT)
def test_derivatives_between_modules_are_zero(name, planted, joined):
    found = baseline_matrix(name, planted).to_numpy()
    assert np.abs(found[ACROSS]).max() <= 1e-12
    assert found[WITHIN].min() > 1e-3
    assert np.abs(baseline_matrix(name, joined).to_numpy()[ACROSS]).max() > 0.1


@pytest.mark.parametrize("name", SAMPLED)
def test_units_of_one_module_are_more_alike(name, planted):
    """Independent inputs: between modules only what 300 samples leave of zero."""
    found = baseline_matrix(name, planted).to_numpy()
    assert np.abs(found[ACROSS]).mean() < 0.5 * np.abs(found[WITHIN]).mean()


def test_free_zero_weights_join_the_tangent_kernels():
    """The known weakness: a zero weight to the other module's output has a gradient."""
    active, all_weights = (
        block_ntk(kernels(*network(shared=False), zeros)).to_numpy()[ACROSS].mean()
        for zeros in (False, True)
    )
    assert abs(active) < 0.02
    assert all_weights > 0.05


@pytest.mark.parametrize("name", ["weight_paths", "neuron_weights"])
def test_weights_between_modules_share_nothing(name):
    found = WEIGHT_METHODS[name](network(shared=False)[0]).to_numpy()
    assert np.abs(found[ACROSS]).max() <= 1e-12
    assert np.abs(WEIGHT_METHODS[name](network(shared=True)[0]).to_numpy()[ACROSS]).max() > 0.1


def test_lesions_of_two_modules_add_up():
    """The square loss of separate outputs is a sum over modules."""
    model, data = network(shared=False)
    evaluate = mlp_lesions(model, square_loss, {"all": data})
    synergy = lesion_synergy(evaluate, hidden_names(model)).synergy.to_numpy()[..., 0]
    assert np.abs(synergy[ACROSS]).max() <= 1e-12
    assert np.abs(synergy[WITHIN]).min() > 1e-4
