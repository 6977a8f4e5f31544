"""The balance that plain SGLD keeps once it has settled.

    Δw' = Δw − (ε/2)G + √ε·noise,   E‖Δw'‖² = E‖Δw‖²   gives   E[Δw·G] = d + (ε/4)·E‖G‖²

Δw = w − w*, G the gradient of the potential on the minibatch of the step, d moved weights. This
holds exactly for every loss, step and minibatch size, also if the gradient is corrected by control
variates; a target without steps would have d alone.
"""

import numpy as np
import xarray as xr

from somite.core.errors import InputError

KERNEL = "SGLD"


def check_balance(draws: xr.Dataset) -> None:
    """Require draws that the balance holds for, and from which it can be computed.

    Raises:
        InputError: If the kernel is not SGLD, or there is weight decay or a bounding box.
    """
    kernel = draws.attrs["kernel"]
    if kernel != KERNEL:
        rule = "must be SGLD, whose step the balance is derived from"
        raise InputError("kernel of the draws", rule, kernel, "Sample with SGLD.")
    if decay := draws.attrs.get("weight_decay", 0.0):
        rule = "must be 0: its pull on the draws is not recorded"
        raise InputError("weight_decay of the draws", rule, decay, "Use localization alone.")
    if (box := draws.attrs.get("bounding_box")) is not None:
        rule = "must be None: walls break the balance"
        raise InputError("bounding_box of the draws", rule, box, "Sample without a box.")


def imbalance(draws: xr.Dataset) -> np.ndarray:
    """Z = Δw·G − (ε/4)‖G‖² − d of every draw, of mean 0.

    Args:
        draws: Of one component.

    Returns:
        (chain, draw); Δw·G = 2·n_beta·share + localization·distance of that draw.
    """
    attrs = draws.attrs
    pull = 2 * attrs["n_beta"] * draws.share + attrs["localization"] * draws.distance
    z = pull - attrs["step_size"] / 4 * draws.drift_square - draws["size"]
    values: np.ndarray = z.transpose("chain", "draw").values
    return values
