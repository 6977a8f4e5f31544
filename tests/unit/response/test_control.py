"""What differs from the run without loss, and which runs cannot be compared."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.linear_response import Case
from somite.core.errors import InputError


def tables() -> tuple[xr.Dataset, xr.Dataset]:
    """Susceptibilities of one case, and of an independent one."""
    found, control = (
        so.susceptibility(case.dataset(), case.recorded)
        for case in (Case(0, draws=100), Case(1, draws=100))
    )
    return found, control.assign_attrs(n_beta=0.0, seed=1)


def test_errors_of_independent_runs_add():
    found, control = tables()
    contrast = so.contrast(found, control)
    np.testing.assert_allclose(contrast.mcse, np.hypot(found.mcse, control.mcse))
    np.testing.assert_allclose(contrast.z * contrast.mcse, contrast.difference)
    assert (contrast.p_adjusted >= contrast.p_value).all()


CHANGES = {
    "n_beta of the control must be 0, got 10.0": {"n_beta": 10.0},
    "seed of the control must differ from that of the draws, got 0": {"seed": 0},
    "localization of the control must be the same": {"localization": 9.0},
    "estimator of the control must be the same": {"estimator": "full"},
}


@pytest.mark.parametrize("words", CHANGES)
def test_runs_that_cannot_be_compared(words):
    found, control = tables()
    with pytest.raises(InputError, match=words):
        so.contrast(found, control.assign_attrs(CHANGES[words]))


def test_tables_with_other_rows_or_without_errors():
    found, control = tables()
    with pytest.raises(InputError, match="tables must have the same rows"):
        so.contrast(found, control.isel(example=[0]))
    for name, pair in (("found", (found.drop_vars("mcse"), control)),
                       ("control", (found, control.drop_vars("mcse")))):  # fmt: skip
        with pytest.raises(InputError, match=f"{name} must have errors"):
            so.contrast(*pair)
