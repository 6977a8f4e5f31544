"""Why these settings, in sentences."""

from somite.calibration.reach import TOLERANCE, Reach
from somite.calibration.search import HARMONIC, Search
from somite.calibration.trial import ENOUGH
from somite.sampling.kernels import BAOAB


def explain(found: Search, reach: Reach, draws: int, error: float) -> tuple[str, ...]:
    """One sentence for each choice.

    Args:
        found: The search.
        reach: What fixed the localization.
        draws: Kept draws per chain.
        error: Relative error asked for.

    Returns:
        Sentences for people.
    """
    best, setting = found.best, found.best.setting
    return (
        _localization(found, reach),
        _n_beta(found),
        f"step_size {setting.kernel.step_size:g} of {type(setting.kernel).__name__}: "
        + _step(found),
        _burn_in(found),
        f"draws {draws}: for a relative error of {error:.0%} in the median component, and 1.25 "
        f"times what the trial's verdicts rest on (with {best.draws} draws its error was "
        f"{best.relative_error:.1%}).",
        _form(found),
        _verdicts(found),
        *_saddles(reach),
    )


def _localization(found: Search, reach: Reach) -> str:
    chosen = found.best.setting.localization
    if not reach.ratios:
        text = f"localization {chosen:g}: no checkpoint has a basin, the loss does not rise around "
        text += f"any of them; the guess {reach.localization:g} was kept"
    else:
        start = reach.localization
        text = (
            f"localization {start:g} is the weakest at which the loss keeps its form: the ratio of "
            f"its rise to its pull is {reach.ratios[start]:.2f} there and tends to "
            f"{reach.limit:.2f} (allowed: a change of {TOLERANCE:.0%})"
        )
        if reach.floor:
            text += "; at a weaker one, draws would be further away than the weights are long"
    if chosen != reach.localization:
        text += f"; {chosen:g} was taken in the end"
    return f"{text}. Trials ended: {found.ended}."


def _n_beta(found: Search) -> str:
    chosen = found.best.setting.n_beta
    if not found.limits:
        return f"n_beta {chosen:g}: nothing bounds it, so it is that of localization."
    reasons = "; ".join(f"{_plain(bound.n_beta)} by {bound.reason}" for bound in found.limits)
    return f"n_beta {chosen:.6g}, within its bounds: {reasons}."


def _plain(value: float) -> str:
    """Three digits without an exponent, where the number is not very large or small."""
    return f"{float(f'{value:.3g}'):.10g}"


def _step(found: Search) -> str:
    setting = found.best.setting
    if isinstance(setting.kernel, BAOAB):
        text = "half of the largest stable one along the stiffest direction of a minibatch"
    else:
        text = "a bias of 5 % along the stiffest direction of a minibatch"
    if setting.shrink == 1:
        return f"{text}."
    return f"{text}, then made smaller ({setting.shrink:.2g} times ε) since trials ran too hot."


def _burn_in(found: Search) -> str:
    setting = found.best.setting
    text = f"burn_in {setting.burn_in}: until no direction is short of its variance"
    if setting.patience == 1:
        return f"{text}."
    return f"{text}, times {setting.patience:g} since trials had not settled."


def _form(found: Search) -> str:
    """How far the estimate is that of a quadratic basin."""
    ratio = found.best.anharmonicity
    if abs(ratio - 1) <= HARMONIC:
        meaning = "a quadratic basin, as far as the draws reach"
    elif ratio < 1:
        meaning = "the loss is flatter near the center than a quadratic one, or levels off"
    else:
        meaning = "the loss is steeper near the center than further out"
    return f"Anharmonicity {ratio:.2f}: {meaning}."


def _verdicts(found: Search) -> str:
    best = found.best
    text = f"Verdicts: {best.good:.0%} of the {best.table.llc.size} cells tried are good"
    return (
        f"{text}." if best.good >= ENOUGH else f"{text}; commonest trouble: {best.worst_reason()}."
    )


def _saddles(reach: Reach) -> tuple[str, ...]:
    """A warning where the loss does not rise around a checkpoint."""
    if not reach.saddles:
        return ()
    names = ", ".join(reach.saddles)
    text = f"No basin at checkpoint {names}: the loss there does not rise on the whole, or by no "
    return (f"{text}more than rounding, so that it had no say in the localization.",)
