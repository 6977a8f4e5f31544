"""What to change, with the number to change it to where the settings are known."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]
"""Diagnostics of one cell by name."""
Settings = Mapping[str, Any]
"""Attributes of the draws."""


def percent(share: float) -> str:
    """A share in per cent.

    Example:
        >>> percent(0.0312), percent(0.5), percent(4.8)
        ('3.1 %', '50 %', '480 %')
    """
    return f"{100 * share:.2g} %" if abs(share) < 1 else f"{100 * share:.0f} %"


def merged(remedies: Iterable[str]) -> list[str]:
    """Each remedy once; of several numbers for one setting the one that goes furthest.

    Example:
        >>> merged(["raise draws to 90", "lower step_size to 0.01", "raise draws to 400"])
        ['raise draws to 400', 'lower step_size to 0.01']
    """
    furthest: dict[str, str] = {}
    for remedy in remedies:
        action, _, number = remedy.rpartition(" to ")
        simple = bool(action) and "," not in remedy
        other = furthest.get(action, "") if simple else ""
        if not other or _further(remedy, number, other):
            furthest[action if simple else remedy] = remedy
    return list(furthest.values())


def _further(remedy: str, number: str, other: str) -> bool:
    raised = remedy.startswith("raise")
    return (float(number) > float(other.rpartition(" to ")[2])) == raised


def more_draws(settings: Settings, factor: float, name: str = "draws") -> str:
    """Longer chains by a factor; `name` is the setting that bounds them.

    Example:
        >>> more_draws({"draws": 200}, 2.5)
        'raise draws to 500'
    """
    draws = settings.get("draws")
    return f"raise {name} to {math.ceil(draws * factor)}" if draws else f"raise {name}"


def longer_burn_in(settings: Settings) -> str:
    """The draws so far as burn-in.

    Example:
        >>> longer_burn_in({"burn_in": 50, "draws": 200, "thin": 2})
        'raise burn_in to 450'
    """
    if not {"burn_in", "draws"} <= set(settings):
        return "raise burn_in"
    steps = settings["burn_in"] + settings["draws"] * settings.get("thin", 1)
    return f"raise burn_in to {steps}"


def smaller_step(settings: Settings, factor: float) -> str:
    """A step shorter by a factor.

    Example:
        >>> smaller_step({"step_size": 0.001}, 0.25)
        'lower step_size to 0.00025'
    """
    if "step_size" not in settings:
        return "lower step_size"
    return f"lower step_size to {settings['step_size'] * factor:.2g}"


def cooler(row: Row, settings: Settings, factor: float) -> str:
    """What lessens heat by a factor: larger minibatches where these make most of it, or less step.

    Example:
        >>> cooler({"noise_ratio": 0.5, "temperature": 1.6}, {"batch_size": 8}, 0.25)
        'raise batch_size to 32, or lower step_size'
    """
    step = smaller_step(settings, factor)
    if not row["noise_ratio"] > (row["temperature"] - 1) / 2 or "batch_size" not in settings:
        return step
    return f"raise batch_size to {math.ceil(settings['batch_size'] / factor)}, or {step}"
