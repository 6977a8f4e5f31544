"""All kernels by name: draws say which one made them, and it can be rebuilt from that."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from somite.core.errors import InputError, nearest
from somite.sampling.kernels.adam_sgld import AdamSGLD
from somite.sampling.kernels.baoab import BAOAB
from somite.sampling.kernels.hmc import HMC
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.kernels.mala import MALA
from somite.sampling.kernels.rmsprop_sgld import RMSpropSGLD
from somite.sampling.kernels.sgld import SGLD
from somite.sampling.kernels.sgnht import SGNHT

KERNELS: Mapping[str, Any] = {
    kind.__name__: kind for kind in (SGLD, RMSpropSGLD, AdamSGLD, BAOAB, SGNHT, MALA, HMC)
}


def kernel_of(attrs: Mapping[str, Any]) -> Kernel:
    """The kernel that made some draws.

    Args:
        attrs: Attributes of the draws: the kernel's name and its settings.

    Returns:
        A kernel equal to it.

    Raises:
        InputError: If the name is none of ours, or a setting is missing.

    Example:
        >>> kernel_of({"kernel": "SGLD", "step_size": 0.001, "n_beta": 30})
        SGLD(step_size=0.001)
    """
    name = str(attrs.get("kernel", "none"))
    if name not in KERNELS:
        raise InputError("kernel", "must be one of ours", name, nearest(name, KERNELS))
    kind = KERNELS[name]
    wanted = [field.name for field in fields(kind)]
    if missing := [setting for setting in wanted if setting not in attrs]:
        remedy = "Keep the attributes that `sample` gives to its draws."
        raise InputError(f"settings of {name}", "must be complete", f"no {missing}", remedy)
    made: Kernel = kind(**{setting: attrs[setting] for setting in wanted})
    return made
