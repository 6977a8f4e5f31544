"""What a law asks of a run: z against the exact value, from independent chains."""

from laws.gaussian import Setting, run, z_score
from laws.stationary import exact_llc
from somite.sampling.kernels import Kernel

LIMIT = 4.0
"""|z| that a right sampler stays below."""
CLEAR = 6.0
"""|z| that a wrong one must exceed."""


def llc_z(setting: Setting, block: str = "AB", kernel: Kernel | None = None) -> float:
    """z of λ̂ against its exact value."""
    draws = run(setting, block, kernel)
    found = setting.n_beta * draws.loss[0].mean("draw").values
    return z_score(found, exact_llc(setting, block, kernel))


def beyond(found: dict[str, float], limit: float = LIMIT) -> dict[str, float]:
    """What deviates by more than the limit; nothing, if the law holds."""
    return {name: z for name, z in found.items() if not abs(z) <= limit}
