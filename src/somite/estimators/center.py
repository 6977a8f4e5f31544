"""Whether the center is a minimum: its gradient, and draws that lie below it."""

import math

import xarray as xr

from somite.estimators.trace import NO_CHAIN, relative
from somite.estimators.value import Value
from somite.sampling.draws import REFERENCE

NO_PROBE = f"no probe named {REFERENCE}"
GRADIENT = ("gradient_norm", "gradient_to_noise", "gradient_pull", "gradient_effect")


def center_gradient(draws: xr.Dataset, estimate: float) -> dict[str, Value]:
    """The slope of the loss at the center, in units of what matters.

    Along a slope g the chain moves by up to n_beta·g/γ, which is n_beta·g/√γ in units of the
    spread 1/√γ that localization allows; there it finds the loss n_beta·g²/γ lower. So the estimate
    loses up to n_beta²·g²/γ = pull² (curvature along the slope makes it less).

    Args:
        draws: Of one component.
        estimate: λ̂.

    Returns:
        `gradient_norm` ‖∇L(w*)‖, from the unbiased ‖∇L‖² where that is positive, else 0;
        `gradient_to_noise`, over the spread of one minibatch gradient (infinite without noise);
        `gradient_pull` n_beta·‖∇L‖/√γ; `gradient_effect` pull²/|λ̂|.
    """
    if "center_gradient" not in draws or "gradient_noise" not in draws:
        return dict.fromkeys(GRADIENT, "the draws hold no center_gradient")
    norm = math.sqrt(max(float(draws["center_gradient"]), 0.0))
    found: dict[str, Value] = {
        "gradient_norm": norm,
        "gradient_to_noise": relative(norm, math.sqrt(float(draws["gradient_noise"]))),
    }
    held = draws.attrs.get("localization", 0.0)
    if not held:
        why = "localization is 0, nothing holds against the slope"
        return found | {"gradient_pull": why, "gradient_effect": why}
    pull = draws.attrs["n_beta"] * norm / math.sqrt(held)
    effect = NO_CHAIN if math.isnan(estimate) else relative(pull**2, estimate)
    return found | {"gradient_pull": pull, "gradient_effect": effect}


def below_center(draws: xr.Dataset) -> Value:
    """Share of the draws whose loss on the reference probe is below that of the center."""
    if REFERENCE not in draws["probe"].values:
        return NO_PROBE
    values = draws["probe_loss"].sel(probe=REFERENCE).values
    return float((values < 0).mean()) if values.size else NO_CHAIN
