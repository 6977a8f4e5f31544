import numpy as np
import pytest
import torch
import xarray as xr

import somite as so
from somite.core.errors import InputError
from somite.estimators.control import control_check


def control(n_beta: float = 0.0, held: float = 4.0, **changes: object) -> xr.Dataset:
    model, data = torch.nn.Linear(4, 4, bias=False), torch.zeros(6)
    kernel = changes.pop("kernel", so.SGLD(0.2))
    prior = {
        name: changes.pop(name) for name in ("weight_decay", "bounding_box") if name in changes
    }
    target = so.Target(
        lambda m, rows: m.weight.square().sum() + 0 * rows, data, n_beta, held, **prior
    )
    settings = {"components": "full", "burn_in": 20, "draws": 60} | changes
    return so.sample(model, target, kernel, **settings)


def test_a_preconditioned_kernel_lies_between_no_step_and_its_largest():
    kernel = so.RMSpropSGLD(0.04)
    found = control_check(control(kernel=kernel))
    assert found.expected_least.item() == 16 / 4
    assert found.expected_most.item() == pytest.approx(16 * kernel.variance(4.0))
    assert abs(found.z.item()) < 4
    inside = control(kernel=kernel)
    inside["distance"][:] = 4.2 + 0.1 * np.sin(np.arange(60))
    assert control_check(inside).z.item() == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_beta": 1.0}, "n_beta of the draws must be 0 for the control, got 1.0"),
        ({"weight_decay": 1.0}, "weight_decay of the draws must be absent from the control"),
        ({"bounding_box": 9.0}, "bounding_box of the draws must be absent from the control"),
        ({"held": 0.0, "weight_decay": 1.0}, "localization of the draws must be positive"),
        ({"draws": 5}, "draws must be at least 8 per chain, got 5"),
    ],
)
def test_what_is_no_control_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        control_check(control(**changes))


def test_no_chain_left_is_refused():
    draws = control()
    draws["status"][:] = "diverged"
    with pytest.raises(InputError, match="must have a chain that ended well, got 'diverged'"):
        control_check(draws)
