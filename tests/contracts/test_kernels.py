"""What every kernel must keep: it is its hyperparameters, and a step is a pure function."""

import dataclasses

import pytest
import torch

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.sampling import kernels
from somite.sampling.kernels import SGLD

KERNELS = [SGLD(step_size=1e-3)]
every = pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)


def test_every_kernel_is_under_contract():
    assert {type(kernel).__name__ for kernel in KERNELS} == set(kernels.__all__) - {"Kernel"}


@every
def test_it_is_a_frozen_value(kernel):
    twin = dataclasses.replace(kernel)
    assert twin == kernel
    assert hash(twin) == hash(kernel)
    assert eval(repr(kernel), {type(kernel).__name__: type(kernel)}) == kernel
    assert fingerprint(twin) == fingerprint(kernel)
    assert fingerprint(dataclasses.replace(kernel, step_size=2e-3)) != fingerprint(kernel)
    with pytest.raises(dataclasses.FrozenInstanceError):
        kernel.step_size = 1.0


@every
def test_a_step_leaves_its_inputs_alone(kernel):
    given = [torch.full((3,), float(i), dtype=torch.float64) for i in (1, 2, 3)]
    kept = [x.clone() for x in given]
    moved = kernel.step(*given)
    assert moved.dtype == torch.float64
    for x, before in zip(given, kept, strict=True):
        torch.testing.assert_close(x, before, rtol=0, atol=0)
    torch.testing.assert_close(kernel.step(*given), moved, rtol=0, atol=0)


@every
@pytest.mark.parametrize("step_size", [0, -1e-3, float("nan"), float("inf")])
def test_a_step_size_that_is_not_positive_is_refused(kernel, step_size):
    with pytest.raises(InputError, match="step_size must be positive, got"):
        dataclasses.replace(kernel, step_size=step_size)


def test_a_step_of_sgld_is_its_formula():
    weights, drift, noise = (torch.tensor([x], dtype=torch.float64) for x in (1.0, 10.0, 2.0))
    moved = SGLD(step_size=0.04).step(weights, drift, noise)
    assert float(moved) == pytest.approx(1 - 0.02 * 10 + 0.2 * 2)
