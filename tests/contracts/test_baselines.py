"""What every method that gives a matrix must keep."""

import numpy as np
import pytest
import torch
import xarray as xr

from somite import baselines
from somite.baselines import METHODS, WEIGHT_METHODS, baseline_matrix
from somite.core.errors import InputError
from unit.baselines.small import PlainMLP, drawn
from unit.behavior.circuits import drawn_model

COMPONENTS, SAMPLES = 5, 60
SHAPES = {
    "activations": ("sample", "feature"),
    "input_jacobian": ("sample", "input"),
    "output_jacobian": ("sample", "output"),
    "loss_hessian": ("sample", "other"),
    "attributions": ("example",),
    "gradient_grams": ("example", "other_example"),
    "susceptibilities": ("example",),
}
NAMES = [f"c{i}" for i in range(COMPONENTS)]
ORDER = np.array([3, 0, 4, 1, 2])
SHIFTED = ("copula_information", "neighbor_information")
"""Their correction depends on the order of samples, within its own error."""

every = pytest.mark.parametrize("name", METHODS)
every_of_weights = pytest.mark.parametrize("name", WEIGHT_METHODS)


def recorded(kind: str, samples: int = SAMPLES) -> xr.DataArray:
    """An array of a kind, its components related to each other."""
    mix = np.eye(COMPONENTS) + 0.5 * drawn(COMPONENTS, COMPONENTS, seed=9)
    values = np.einsum("ij,jsf->isf", mix, drawn(COMPONENTS, samples, 3))
    if kind in ("attributions", "susceptibilities"):
        values = values[..., 0]
    elif kind == "gradient_grams":
        values = values @ values.transpose(0, 2, 1)
    elif kind == "loss_hessian":
        values = np.einsum("isf,jsf->isj", values, values)
    return xr.DataArray(values, {"component": NAMES}, ("component", *SHAPES[kind]))


def matrix(name: str, values: xr.DataArray) -> xr.DataArray:
    return baseline_matrix(name, xr.Dataset({METHODS[name].needs: values}))


def reordered(values: xr.DataArray, order: np.ndarray, dims: tuple[str, ...]) -> xr.DataArray:
    return values.isel({dim: order for dim in dims if dim in values.dims})


def test_every_kind_of_array_is_tested():
    assert {method.needs for method in METHODS.values()} == set(SHAPES)
    assert set(baselines.__all__) >= {"METHODS", "WEIGHT_METHODS", "baseline_matrix"}


@every
def test_it_is_a_finite_symmetric_matrix_with_names(name):
    found = matrix(name, recorded(METHODS[name].needs))
    assert found.dims == ("component", "other")
    assert list(found.component.values) == list(found.other.values) == NAMES
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, found.T)
    off = found.to_numpy()[np.triu_indices(COMPONENTS, 1)]
    assert np.ptp(off) > 1e-3


@every
def test_permuted_components_permute_the_matrix(name):
    values = recorded(METHODS[name].needs)
    moved = reordered(values, ORDER, ("component", "other"))
    expected = matrix(name, values).to_numpy()[np.ix_(ORDER, ORDER)]
    np.testing.assert_allclose(matrix(name, moved), expected, rtol=1e-9, atol=1e-9)


@every
def test_order_of_samples_does_not_matter(name):
    values = recorded(METHODS[name].needs)
    order = np.random.default_rng(0).permutation(SAMPLES)
    moved = reordered(values, order, ("sample", "example", "other_example"))
    tolerance = 0.1 if name in SHIFTED else 1e-9
    np.testing.assert_allclose(matrix(name, moved), matrix(name, values), atol=tolerance)


@every
def test_it_leaves_its_input_alone_and_repeats_itself(name):
    values = recorded(METHODS[name].needs)
    before = values.copy(deep=True)
    xr.testing.assert_identical(matrix(name, values), matrix(name, values))
    xr.testing.assert_identical(values, before)


@every
def test_a_dead_component_is_refused_by_name(name):
    values = recorded(METHODS[name].needs)
    values[2] = 0.0
    if "other" in values.dims:
        values[..., 2] = 0.0
    with pytest.raises(InputError, match=r"for every component|for any component") as refused:
        matrix(name, values)
    assert "c2" in str(refused.value)


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if m.needs == "activations"])
def test_constant_activations_are_refused_by_name(name):
    values = recorded("activations")
    values[1] = 1.5
    with pytest.raises(
        InputError, match=r"activations must vary over samples.*, got 'none for c1'"
    ):
        matrix(name, values)


@every
def test_too_few_samples_are_refused(name):
    method = METHODS[name]
    values = recorded(method.needs)
    samples = SHAPES[method.needs][0]
    kept = {dim: slice(method.least - 1) for dim in values.dims if dim.endswith(samples)}
    with pytest.raises(InputError, match=f"must hold at least {method.least} of {samples}"):
        matrix(name, values.isel(kept))
    kept = {dim: slice(method.least) for dim in kept}
    if name not in ("cka", "block_ntk"):  # may ask for more where these have too little variance
        assert np.isfinite(matrix(name, values.isel(kept))).all()


@every
def test_what_is_not_finite_is_refused(name):
    values = recorded(METHODS[name].needs)
    values[(0,) * values.ndim] = np.nan
    with pytest.raises(InputError, match="must be finite, got '1 NaN or infinite values'"):
        matrix(name, values)


@every
def test_what_was_not_recorded_is_named(name):
    needs = METHODS[name].needs
    with pytest.raises(InputError, match=f"recording must hold {needs} for {name}"):
        baseline_matrix(name, xr.Dataset())


def test_unknown_methods_are_named():
    with pytest.raises(InputError, match=r"method must be a known name, got 'ckaa'. Did you mean"):
        baseline_matrix("ckaa", xr.Dataset())


def network(name: str, order: list[int]):
    """A network of the kind that the method reads, parts of its second layer in some order."""
    if name in ("composition", "head_weights"):
        model = drawn_model(n_heads=3)
        for weight in model.block(1).attn.weights().values():
            weight.data = weight.data[order]
        return model
    model = PlainMLP([4, 3, 3, 2], "relu")
    rows, columns = model.layers[1], model.layers[2]
    rows.weight.data, columns.weight.data = rows.weight.data[order], columns.weight.data[:, order]
    return model


@every_of_weights
def test_weights_give_a_finite_symmetric_matrix(name):
    found = WEIGHT_METHODS[name](network(name, [0, 1, 2]))
    assert found.dims == ("component", "other")
    assert list(found.component.values) == list(found.other.values)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, found.T, atol=1e-15)


@every_of_weights
def test_permuted_parts_permute_the_matrix(name):
    before, after = (WEIGHT_METHODS[name](network(name, order)) for order in ([0, 1, 2], [2, 0, 1]))
    order = np.arange(len(before))
    order[3:6] = [5, 3, 4]
    np.testing.assert_allclose(after, before.to_numpy()[np.ix_(order, order)], atol=1e-12)


@every_of_weights
def test_weights_are_left_alone(name):
    model = network(name, [0, 1, 2])
    before = {key: w.clone() for key, w in model.state_dict().items()}
    WEIGHT_METHODS[name](model)
    assert all(torch.equal(w, before[key]) for key, w in model.state_dict().items())
