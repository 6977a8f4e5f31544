import math

import pytest

import somite as so
from somite.core.errors import InputError
from somite.sampling.kernels.registry import KERNELS, kernel_of

EXAMPLES = (
    so.SGLD(0.1),
    so.RMSpropSGLD(0.01, decay=0.9, adapt="always"),
    so.AdamSGLD(0.01, momentum=0.5),
    so.BAOAB(0.1, friction=math.inf),
    so.SGNHT(0.1, friction=2.0),
    so.MALA(0.1),
    so.HMC(0.1, leapfrogs=3),
)


@pytest.mark.parametrize("kernel", EXAMPLES, ids=lambda kernel: type(kernel).__name__)
def test_every_kernel_is_rebuilt_from_attributes(kernel):
    attrs = {"n_beta": 3.0, "kernel": type(kernel).__name__, **vars(kernel)}
    assert kernel_of(attrs) == kernel


def test_all_kernels_are_known():
    assert set(KERNELS) == {type(kernel).__name__ for kernel in EXAMPLES}


def test_unknown_kernels_are_refused():
    with pytest.raises(InputError, match=r"kernel must be one of ours, got 'SGDL'. Did you mean"):
        kernel_of({"kernel": "SGDL"})
    with pytest.raises(InputError, match=r"settings of BAOAB must be complete, got .*friction"):
        kernel_of({"kernel": "BAOAB", "step_size": 0.1})
