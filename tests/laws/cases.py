"""One of every kernel, at a step whose bias is large enough to be seen."""

import pytest

from somite import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD

KERNELS = [
    SGLD(0.06),
    RMSpropSGLD(0.03, decay=0.9, offset=0.3),
    AdamSGLD(0.03, momentum=0.7, decay=0.9, offset=0.3),
    BAOAB(0.25, friction=4.0),
    SGNHT(0.1, friction=4.0),
    MALA(0.04),
    HMC(0.15, leapfrogs=3),
]
ON_MINIBATCHES = [kernel for kernel in KERNELS if not kernel.exact]


def named(kernels):
    return pytest.mark.parametrize("kernel", kernels, ids=lambda k: type(k).__name__)
