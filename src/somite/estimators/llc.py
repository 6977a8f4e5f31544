"""The local learning coefficient, refined to a component and to a data set.

    λ̂ = n_beta · E[L(w) − L(w*)],   the mean over the kept draws of all good chains

(Lau et al. 2023, eq. 5; refined: Wang et al. 2024.) Draws around one head's weights give its
weight-refined coefficient, a target on other data the data-refined one, both together both.
"""

import xarray as xr

from somite.core.checks import one_of, positive
from somite.core.errors import InputError
from somite.estimators.diagnostics import diagnose
from somite.estimators.verdict import center_verdict, verdict
from somite.sampling.status import failed

VERDICTS = ("verdict", "reason", "center_verdict", "center_reason")
COLUMNS = [
    *("llc", "mcse", "r_hat", "ess", "r_hat_probe", "ess_probe", "chains_failed"),
    *VERDICTS,
]


def llc(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """Estimate λ̂ of every component with its Monte Carlo error and a verdict.

    The error is the larger of two: of the minibatch losses, and of the losses on the probe named
    "reference", which should hold examples of the target's own data: a slow wandering of the
    chain that minibatch noise hides shows there. R-hat and ESS are given for both.

    Args:
        draws: From `somite.sample`.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them; a
            component with no chain left then has NaN for an estimate, and a reason that says why.

    Returns:
        Over component: `llc`, `mcse` (both dimensionless), `r_hat`, `ess` of the minibatch losses,
        `r_hat_probe`, `ess_probe` of the reference probe (NaN without), `chains_failed`;
        `verdict` ("good", "usable with care", "don't use") on the chains, and its `reason`, which
        says what to change; `center_verdict` and `center_reason` on the center. What they rest on
        is in `diagnose`. The attributes are those of the draws.

    Raises:
        InputError: If n_beta is 0, or a chain failed.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.bias**2).expand(len(batch))
        >>> draws = so.sample(torch.nn.Linear(1, 1), so.Target(loss, torch.zeros(4), 10, 1),
        ...                   so.SGLD(0.01), components="bias", chains=2, draws=4)
        >>> llc(draws).reason.item()
        'too few draws to judge: take at least 8 per chain'
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    remedy = "Sample with a positive n_beta; n_beta = 0 is the control run without any loss."
    positive("n_beta of the draws", draws.attrs["n_beta"], remedy)
    if on_failure == "raise":
        _refuse_failures(draws)
    return judged(diagnose(draws))[COLUMNS]


def judged(diagnostics: xr.Dataset) -> xr.Dataset:
    """Diagnostics with the verdicts that follow from them.

    Args:
        diagnostics: From `diagnose`.

    Returns:
        The same with `verdict`, `reason`, `center_verdict` and `center_reason`.
    """
    columns = {str(name): values.values.tolist() for name, values in diagnostics.items()}
    found = []
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        chains, center = (judge(row, diagnostics.attrs) for judge in (verdict, center_verdict))
        found.append((chains.grade, chains.text, center.grade, center.text))
    words = zip(*found, strict=True)
    return diagnostics.assign(
        {name: ("component", list(w)) for name, w in zip(VERDICTS, words, strict=True)}
    )


def _refuse_failures(draws: xr.Dataset) -> None:
    for name in draws.component.values:
        for status in draws.status.sel(component=name).values:
            if failed(str(status)):
                rule = "must have chains that all ended well"
                remedy = 'Mend the sampler settings, or pass on_failure="leave out".'
                raise InputError(f"component {name}", rule, str(status), remedy)
