"""One set of sampler settings for a whole series of checkpoints and all components.

1. Curvature, slope and minibatch noise of every component are measured at the center (`cells`).
2. The localization is the weakest at which the loss keeps its form (`reach`).
3. n_beta is the highest that mixing, slope, noise and number of samples allow (`scale`).
4. The step follows from the stiffest direction, the burn-in from the softest (`steps`).
5. Short chains test the setting; what their verdict finds wrong is changed (`search`).
6. The number of draws follows from their error; a map around the choice shows what it rests on.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xarray as xr
from torch import nn

from somite.calibration.cells import look
from somite.calibration.outcome import Calibration, ratio_table, trials_table
from somite.calibration.plan import CalibrationPlan, calibration_plan
from somite.calibration.reach import Reach, find_reach
from somite.calibration.search import Search, Searcher, search
from somite.calibration.surroundings import surroundings
from somite.calibration.trial import Problem, Trial
from somite.calibration.words import explain
from somite.components.mask import Mask
from somite.components.select import components as select
from somite.core.checks import finite_weights, movable_weights
from somite.core.errors import InputError
from somite.sampling.settings import ChainSettings
from somite.sampling.target import Data, Loss, check_data

LEAST_DRAWS, MOST_DRAWS = 100, 4000
MARGIN = 1.25
"""Factor on the draws of a trial whose verdicts were good: cells not tried may be worse."""


def calibrate(
    models: nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module],
    loss: Loss,
    data: Data,
    *,
    components: str | Mapping[str, Mask] = "heads",
    say: Callable[[str], None] | None = None,
    **settings: Any,
) -> Calibration:
    """Find one set of sampler settings for a series of checkpoints and all components.

    Args:
        models: Checkpoints, in their order; two or three that span the training are enough. They
            are copied.
        loss: As in `Target`.
        data: As in `Target`.
        components: What `somite.components` takes.
        say: Called with what is being done.
        **settings: Fields of `CalibrationPlan`: kernel, batch_size, chains, error, n, guess, map,
            seed.

    Returns:
        The settings with their evidence.

    Raises:
        InputError: If anything does not fit together; before any chain runs.

    Example:
        >>> import torch
        >>> from somite.models import DeepLinear, deep_linear_population_loss
        >>> model = DeepLinear.from_weights([torch.eye(2), torch.eye(2)])
        >>> found = calibrate(model, deep_linear_population_loss, torch.zeros(1),
        ...                   components="full", batch_size=None, map=False)
        >>> found.kernel.highest_precision > found.localization
        True
    """
    plan, say = calibration_plan(settings), say or _silent
    check_data("data", data)
    centers = {name: _copy(name, model) for name, model in _named(models).items()}
    _check_alike(centers)
    masks = select(next(iter(centers.values())), components)
    problem = Problem(centers, loss, data, masks, plan.batch_size, plan.n, plan.seed)
    say("curvature and gradients at the center")
    chain = ChainSettings(batch_size=plan.batch_size, seed=plan.seed)
    cells = [
        cell
        for name, center in centers.items()
        for cell in look(name, center, loss, data, masks, chain)
    ]
    reach = find_reach(cells, plan.guess, say)
    searcher = Searcher(problem, cells, reach, plan.kernel)
    found = search(searcher, say)
    return _outcome(found, reach, plan, surroundings(searcher, found, plan.map, say))


def _outcome(found: Search, reach: Reach, plan: CalibrationPlan, around: xr.Dataset) -> Calibration:
    """The settings and all evidence."""
    best, setting = found.best, found.best.setting
    draws = draws_for(best, plan.error, plan.chains)
    return Calibration(
        n_beta=setting.n_beta,
        localization=setting.localization,
        kernel=setting.kernel,
        batch_size=plan.batch_size,
        chains=plan.chains,
        burn_in=setting.burn_in,
        draws=draws,
        good=best.good,
        seconds=best.seconds,
        map=around,
        trials=trials_table(found),
        ratio=ratio_table(reach),
        words=explain(found, reach, draws, plan.error),
    )


def draws_for(trial: Trial, error: float, chains: int) -> int:
    """Draws per chain at which the median cell reaches an error that a trial missed or beat.

    Args:
        trial: At the chosen setting.
        error: Relative error asked for.
        chains: Chains per component.

    Returns:
        Its draws, scaled by the square of the errors and by the number of chains, and no fewer
        than 1.25 times those on which its verdicts rest; in tens, and from 100 to 4000.
    """
    needed = trial.draws * trial.chains / chains * (trial.relative_error / error) ** 2
    if not math.isfinite(needed):
        return MOST_DRAWS
    in_tens = 10 * math.ceil(max(needed, MARGIN * trial.draws) / 10)
    return min(max(in_tens, LEAST_DRAWS), MOST_DRAWS)


def _check_alike(models: Mapping[str, nn.Module]) -> None:
    """Require that all models are checkpoints of one.

    Raises:
        InputError: If their weights differ in name or shape.
    """
    first, *others = models
    shapes = {name: _shapes(model) for name, model in models.items()}
    for name in others:
        differing = dict(shapes[name].items() ^ shapes[first].items())
        if differing:
            rule, remedy = f"must have the weights of model {first}", "Give checkpoints of one run."
            raise InputError(f"model {name}", rule, sorted(differing), remedy)


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in model.named_parameters()}


def _named(
    models: nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module],
) -> dict[str, nn.Module]:
    """Models by name of the checkpoint.

    Raises:
        InputError: If there is none, or something else.
    """
    if isinstance(models, nn.Module):
        return {"0": models}
    if not isinstance(models, Mapping | Sequence):
        remedy = "Give a module, or checkpoints in their order."
        raise InputError("models", "must be a module or several", type(models).__name__, remedy)
    pairs = models.items() if isinstance(models, Mapping) else enumerate(models)
    named = {str(name): model for name, model in pairs}
    if not named:
        raise InputError("models", "must hold at least one model", 0, "Give a checkpoint.")
    return named


def _copy(name: str, model: object) -> nn.Module:
    """An unchanging copy in evaluation mode.

    Raises:
        InputError: If it is no module, or a weight is not finite.
    """
    if not isinstance(model, nn.Module):
        remedy = "Load the checkpoint into its model first."
        raise InputError(f"model {name}", "must be a module", type(model).__name__, remedy)
    movable_weights(f"model {name}", dict(model.named_parameters()))
    finite_weights(f"model {name}", dict(model.named_parameters()))
    return copy.deepcopy(model).eval().requires_grad_(False)


def _silent(text: str) -> None:
    """Progress that nobody watches."""
