"""Mean losses of groups: read in pieces, and their χ is the mean χ of their tokens."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.linear_response import AXES, as_draws
from somite.core.errors import InputError
from somite.response import grouped

GROUPS = ["wiki", "code", "wiki", "wiki", "code"]


def drawn() -> tuple[xr.Dataset, xr.DataArray]:
    random = np.random.default_rng(0)
    phi = random.normal(size=(2, 3, 40))
    values = phi[..., None, None] * random.normal(size=(5, 4)) + random.normal(
        size=(2, 3, 40, 5, 4)
    )
    coords = {"component": ["A", "B"], "chain": np.arange(3)}
    losses = xr.DataArray(values, coords, (*AXES, "example", "token"))
    return as_draws({"A": phi[0], "B": phi[1]}), losses


def test_the_answer_of_a_group_is_the_mean_answer_of_its_tokens() -> None:
    draws, losses = drawn()
    found = so.susceptibility(draws, so.group_losses(losses, GROUPS))
    tokens = so.susceptibility(draws, losses).susceptibility
    assert found.group.values.tolist() == ["wiki", "code"]
    for name in ("wiki", "code"):
        inside = [i for i, group in enumerate(GROUPS) if group == name]
        mean = tokens.isel(example=inside).mean(("example", "token"))
        np.testing.assert_allclose(found.susceptibility.sel(group=name), mean, rtol=1e-12)


def test_pieces_make_the_same_numbers(monkeypatch) -> None:
    _, losses = drawn()
    whole = so.group_losses(losses, GROUPS)
    monkeypatch.setattr(grouped, "NUMBERS", 2 * 3 * 40 * 4)
    np.testing.assert_allclose(so.group_losses(losses, GROUPS), whole, rtol=1e-12)
    examples = losses.mean("token")
    np.testing.assert_allclose(so.group_losses(examples, GROUPS), whole, rtol=1e-12)


def test_every_example_has_a_group() -> None:
    _, losses = drawn()
    with pytest.raises(InputError, match=r"losses must have the dims .* and 4 examples, got"):
        so.group_losses(losses, GROUPS[:-1])
    with pytest.raises(InputError, match="losses must have the dims component, chain"):
        so.group_losses(losses.transpose(), GROUPS)
