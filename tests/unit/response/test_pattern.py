"""Weights of data for a wanted change: exact where A is, honest about noise where it is not."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import lsq_linear

import somite as so
from somite.core.errors import InputError

NAMES = ["a", "b", "c", "d"]
SHARES = dict(zip(NAMES, [0.4, 0.3, 0.2, 0.1], strict=True))
ROWS = np.array([[1.0, 0.5, -1.0, 0.0], [10.0, 0.0, 10.0, -30.0]])


def exact(rows: np.ndarray = ROWS) -> xr.DataArray:
    names = ["head", "text", "mlp"][: len(rows)]
    return xr.DataArray(rows, {"component": names, "domain": NAMES[: rows.shape[1]]})


def noisy(sd: float, chains: int = 6, seed: int = 0, rows: np.ndarray = ROWS) -> xr.DataArray:
    """A of chains with independent errors of a share of each row's length."""
    noise = np.random.default_rng(seed).normal(size=(chains, *rows.shape))
    sizes = sd * np.linalg.norm(rows, axis=1, keepdims=True)
    return exact(rows).expand_dims(chain=chains).copy(data=rows + sizes * noise)


def test_the_pseudo_inverse_makes_what_is_wanted_with_the_smallest_weights():
    found = so.pattern(exact(), {"head": 0.2, "text": -1.0}, "pseudo_inverse")
    np.testing.assert_allclose(found.predicted, [0.2, -1.0], atol=1e-12)
    np.testing.assert_allclose(found.weight, np.linalg.pinv(ROWS) @ [0.2, -1.0], atol=1e-12)
    assert found.attrs == {"method": "pseudo_inverse", "rank": 2, "scale": 1.0}
    assert set(found.data_vars) == {"weight", "wanted", "predicted"}  # nothing to take errors from


def test_components_that_are_not_named_are_free():
    found = so.pattern(exact(), {"head": 0.3}, "pseudo_inverse")
    np.testing.assert_allclose(found.weight, 0.3 * ROWS[0] / (ROWS[0] @ ROWS[0]), atol=1e-12)
    assert np.isnan(found.wanted.sel(component="text"))
    assert found.predicted.sel(component="text").item() == pytest.approx(
        ROWS[1] @ found.weight.values
    )


def test_ridge_is_the_solution_of_its_equations_and_does_not_depend_on_units():
    found = so.pattern(exact(), {"head": 0.2, "text": -1.0}, ridge=0.5)
    length = np.linalg.norm(ROWS, axis=1)
    rows, goal = ROWS / length[:, None], np.array([0.2, -1.0]) / length
    normal = rows.T @ rows + 0.5 * np.eye(4)
    np.testing.assert_allclose(found.weight, np.linalg.solve(normal, rows.T @ goal), atol=1e-12)
    other = so.pattern(exact(ROWS * [[1], [7]]), {"head": 0.2, "text": -7.0}, ridge=0.5)
    np.testing.assert_allclose(other.weight, found.weight, atol=1e-12)


def test_items_whose_response_is_uncertain_get_less_weight():
    responses = noisy(0.0).copy()
    responses[:, 0, 0] += np.array([3.0, -3.0, 3.0, -3.0, 3.0, -3.0])  # the mean stays
    steady = so.pattern(noisy(0.0), {"head": 0.2}, "pseudo_inverse").weight
    found = so.pattern(responses, {"head": 0.2}).weight
    assert abs(found.sel(domain="a")) < 0.1 * abs(steady.sel(domain="a"))
    assert found.sel(domain="b") > 0.1 * steady.sel(domain="b")


def test_a_budget_shortens_the_weights_and_keeps_their_direction():
    free = so.pattern(exact(), {"head": 2.0}, "pseudo_inverse")
    total = so.pattern(exact(), {"head": 2.0}, "pseudo_inverse", budget=0.5)
    norm = so.pattern(exact(), {"head": 2.0}, "pseudo_inverse", norm=0.1)
    assert float(abs(total.weight).sum()) == pytest.approx(0.5)
    assert float(np.linalg.norm(norm.weight)) == pytest.approx(0.1)
    for found in (total, norm):
        np.testing.assert_allclose(found.weight, found.attrs["scale"] * free.weight)
        np.testing.assert_allclose(
            found.predicted, found.attrs["scale"] * free.predicted, atol=1e-12
        )
    loose = so.pattern(exact(), {"head": 2.0}, "pseudo_inverse", budget=50.0)
    xr.testing.assert_equal(loose, free)


def test_weights_that_are_not_negative_are_the_best_of_such():
    found = so.pattern(exact(), {"head": -0.2, "text": 1.0}, "nonnegative", ridge=0.0)
    length = np.linalg.norm(ROWS, axis=1)
    rows, goal = ROWS / length[:, None], np.array([-0.2, 1.0]) / length
    best = lsq_linear(rows, goal, (0, np.inf), method="bvls").x
    np.testing.assert_allclose(found.weight, best, atol=1e-9)
    assert (best == 0).any()
    assert (so.pattern(exact(), {"head": -0.2, "text": 1.0}, ridge=0.0).weight < 0).any()


@pytest.mark.parametrize("method", ["ridge", "nonnegative"])
def test_with_shares_the_mixture_keeps_its_sum(method):
    found = so.pattern(exact(), {"head": 0.1}, method, ridge=0.01, shares=SHARES)
    assert float(found.weight.sum()) == pytest.approx(0, abs=1e-7)
    assert found.predicted.sel(component="head") > 0


def test_shares_may_become_zero_and_never_less():
    wanted = {"head": -50.0}
    free = so.pattern(exact(), wanted, ridge=1e-6, shares=SHARES)
    bound = so.pattern(exact(), wanted, "nonnegative", ridge=1e-6, shares=SHARES)
    base = np.array(list(SHARES.values()))
    assert (base + free.weight).min() < -0.1
    after = base + bound.weight
    assert after.min() >= -1e-9
    np.testing.assert_allclose(after, [0, 0, 1, 0], atol=1e-4)  # all on the one that lowers it most


def test_items_may_have_two_axes():
    rows = xr.DataArray(ROWS.reshape(2, 2, 2), {"component": ["head", "text"]},
                        ("component", "example", "token"))  # fmt: skip
    found = so.pattern(rows.transpose("token", "component", "example"), {"head": 0.2}, ridge=0.1)
    flat = so.pattern(exact(), {"head": 0.2}, ridge=0.1)
    assert set(found.weight.dims) == {"example", "token"}
    turned = found.weight.transpose("example", "token").values.ravel()
    np.testing.assert_allclose(turned, flat.weight)
    even = xr.full_like(rows[0], 0.25)
    kept = so.pattern(rows, {"head": 0.2}, ridge=0.1, shares=even)
    assert float(kept.weight.sum()) == pytest.approx(0, abs=1e-12)


def test_errors_are_those_between_chains_at_the_weights():
    responses = noisy(0.2)
    found = so.pattern(responses, {"head": 0.3})
    effects = responses.values @ found.weight.values
    np.testing.assert_allclose(found.predicted, effects.mean(0))
    np.testing.assert_allclose(found.predicted_error, effects.std(0, ddof=1) / np.sqrt(6))


def test_what_is_held_out_is_right_where_the_fit_is_too_good():
    """20 items, 6 chains of pure noise: the fit finds an effect, there is none."""
    z_of = {"predicted": [], "held_out": []}
    for seed in range(60):
        rows = np.zeros((1, 20))
        noise = np.random.default_rng(seed).normal(size=(6, 1, 20))
        responses = xr.DataArray(rows + noise, {"component": ["head"]},
                                 ("chain", "component", "example"))  # fmt: skip
        found = so.pattern(responses, {"head": 1.0}, ridge=0.1)
        for name, values in z_of.items():
            values.append((found[name] / found[f"{name}_error"]).item())
    assert np.mean(z_of["predicted"]) > 2  # a check that asks this of `predicted` fails
    assert abs(np.mean(z_of["held_out"])) < 1


@pytest.mark.parametrize("chains", [False, True])
def test_dependent_rows_are_refused_with_their_rank(chains):
    rows = np.vstack([ROWS, ROWS[0] - ROWS[1]])
    responses = noisy(0.02, rows=rows) if chains else exact(rows)
    wanted = {"head": 1.0, "text": 0.0, "mlp": 0.0}
    match = r"responses must have rank 3 .*, got 'rank 2'\. .*method=\"ridge\""
    with pytest.raises(InputError, match=match):
        so.pattern(responses, wanted, "pseudo_inverse")
    assert so.pattern(responses, wanted, ridge=0.1).attrs["rank"] == 2


def test_rows_within_their_errors_do_not_count():
    noise = np.random.default_rng(0).normal(size=(6, 1, 20))
    responses = xr.DataArray(noise, {"component": ["head"]}, ("chain", "component", "example"))
    with pytest.raises(InputError, match="got 'rank 0'"):
        so.pattern(responses, {"head": 1.0}, "pseudo_inverse")


BAD = [
    ({"wanted": {}}, "number of wanted components must be a whole number of at least 1, got 0"),
    ({"wanted": {"haed": 1.0}}, r"wanted must name components, got 'haed'\. Did you mean 'head'"),
    ({"wanted": {"head": np.nan}}, "wanted of head must be finite"),
    ({"method": "lasso"}, "method must be a known name, got 'lasso'"),
    ({"budget": 0.0}, "budget must be positive"),
    ({"norm": -1.0}, "norm must be positive"),
    ({"ridge": -1.0}, "ridge must be zero or more"),
    ({"ridge": None}, "ridge must be given where responses have no chains"),
    ({"shares": {"a": 1.0}}, "shares must name the items"),
    ({"shares": {**SHARES, "a": 0.5}}, "shares must be zero or more and sum to 1"),
    ({"shares": xr.DataArray([1.0], dims="domain")}, "shares must have the sizes"),
    ({"responses": exact() * np.nan}, "responses must be finite"),
    ({"responses": exact().isel(domain=0)}, "responses must have the dims component and items"),
    ({"responses": exact().expand_dims("chain")}, "number of chains must be .* at least 2, got 1"),
]


@pytest.mark.parametrize(("change", "match"), BAD)
def test_bad_input_is_refused(change, match):
    given = {"responses": exact(), "wanted": {"head": 1.0}, "method": "ridge", "ridge": 0.1}
    with pytest.raises(InputError, match=match):
        so.pattern(**(given | change))
