"""Displacements: exact without noise, unbiased with it, errors from the joint replicates."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.planted_tokens import cloud
from somite.core.errors import InputError

STEPS = xr.Variable("checkpoint", [0, 10])
NOISE, REPLICATES = 0.5, 20


def still() -> xr.DataArray:
    return xr.concat([cloud("round"), cloud("round")], STEPS)


def noisy(table: xr.DataArray, seed: int, shared: float = 0.0) -> tuple[xr.DataArray, xr.DataArray]:
    """An estimate, and replicates of it, with noise that tokens may have in common."""
    random = np.random.default_rng(seed)

    def draw(count: int) -> np.ndarray:
        own = random.normal(size=(count, *table.shape))
        return NOISE * own + shared * random.normal(size=(count, *table.shape[:-1], 1))

    estimate = table + draw(1)[0]
    dims = ("replicate", *table.dims)
    return estimate, estimate + xr.DataArray(draw(REPLICATES), dims=dims)


def categories() -> xr.DataArray:
    """The first half of the tokens, the rest, and none."""
    first = np.arange(400) < 200
    flags = np.stack([first, ~first, np.zeros(400, bool)])
    return xr.DataArray(flags, {"category": ["a", "b", "none"]}, ("category", "token"))


def test_without_noise_it_is_the_displacement():
    table = still()
    table[1, 2, :200] += 3.0
    found = so.token_motion(table, table.expand_dims(replicate=3), categories())
    spread = table.std(("checkpoint", "token"))
    step = np.zeros(8)
    step[2] = 3.0 / spread.values[2]
    step -= step.mean()
    np.testing.assert_allclose(found.square[0, :200], (step**2).sum())
    np.testing.assert_allclose(found.square[0, 200:], 0, atol=1e-12)
    shift = found.category_shift.isel(checkpoint=0)
    np.testing.assert_allclose(shift.sel(category="a"), step, atol=1e-12)
    np.testing.assert_allclose(shift.sel(category="b"), 0, atol=1e-12)
    assert found.category_square.sel(category="none").isnull().all()
    assert found.checkpoint.values.tolist() == [10]
    assert (found.square_error < 1e-12).all()


def test_noise_alone_does_not_move():
    """Means of squares over runs vanish; those without the correction do not."""
    squares, naive, z = [], [], []
    for seed in range(16):
        estimate, replicates = noisy(still(), seed)
        found = so.token_motion(estimate, replicates, categories(), center_rows=False)
        squares.append(found.category_square.sel(category="a").item())
        spread = estimate.std(("checkpoint", "token"))
        step = estimate.diff("checkpoint") / spread
        naive.append(float((step**2).sum("component")[..., :200].mean()))
        z.append(found.z.sel(category="a").item())
    error = np.std(squares, ddof=1) / np.sqrt(16)
    assert abs(np.mean(squares)) < 4 * error
    assert np.mean(naive) > 20 * error
    assert np.max(np.abs(z)) < 4


def test_noise_that_tokens_share_enters_the_errors():
    """Errors of the mean shift are those of repeats; as if tokens were independent they are not."""
    shifts, errors = [], []
    for seed in range(30):
        estimate, replicates = noisy(still(), seed, shared=0.5)
        found = so.token_motion(estimate, replicates, categories(), center_rows=False)
        one = {"category": "a", "component": "0:3"}
        shifts.append(found.category_shift.sel(one).item())
        errors.append(found.category_shift_error.sel(one).item())
    ratio = np.mean(errors) / np.std(shifts, ddof=1)
    assert 0.7 < ratio < 1.4
    alone = NOISE * np.sqrt(2 / 200)
    assert np.mean(errors) > 3 * alone


def test_tokens_that_move_stand_out():
    table = still()
    table[1, 2, :200] += 3.0
    estimate, replicates = noisy(table, seed=0)
    found = so.token_motion(estimate, replicates, categories()).isel(checkpoint=0)
    assert found.p_value.sel(category="a") < 1e-6
    assert found.p_value.sel(category="b") > 0.001
    exact = so.token_motion(table, table.expand_dims(replicate=2)).square[0, :200].mean()
    assert found.category_square.sel(category="a") == pytest.approx(exact.item(), rel=0.2)


def test_what_does_not_fit():
    table = still()
    replicates = table.expand_dims(replicate=2)
    with pytest.raises(InputError, match="table must hold at least 2 checkpoints"):
        so.token_motion(table[:1], replicates[:, :1])
    with pytest.raises(InputError, match="replicates must have the dim replicate"):
        so.token_motion(table, replicates[:, :, :, :5])
    words = r"categories must have the dim category and be of the items \{'token': 400\}"
    with pytest.raises(InputError, match=words):
        so.token_motion(table, replicates, categories()[:, :5])
    with pytest.raises(InputError, match="categories must have the dim category"):
        so.token_motion(table, replicates, categories()[0])
