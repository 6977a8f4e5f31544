"""What is checked before hours of work: that the settings fit the model and the text."""

from somite.components import components
from somite.components.unions import check_disjoint
from somite.core.errors import InputError
from somite.data.config import MIXTURE
from somite.study.context import Context, initial_model
from somite.study.recipe import Recipe

FEWEST = 3
"""Fewest components that can be grouped."""

MORE = "Give several kinds with commas, such as heads,mlps, or neuron_groups:4."
LEAST_VALIDATION = 2
"""Fewest rows from which a standard error can be had."""


def check_components(recipe: Recipe) -> None:
    """Require that the recipe's components are there, and enough of them for groups and modules.

    Raises:
        InputError: If they are not.
    """
    setting, which = "sampling.components", recipe.sampling.components
    try:
        chosen = components(initial_model(recipe), which)
    except InputError as error:
        raise InputError(setting, error.rule, error.value, error.remedy) from error
    if len(chosen) < FEWEST:
        rule = f"must select at least {FEWEST} components"
        raise InputError(setting, rule, f"{len(chosen)} by {which}", MORE)
    if recipe.modules.components:
        check_modules(recipe)


def check_modules(recipe: Recipe) -> None:
    """Require that the components whose interactions are asked for can make modules.

    Raises:
        InputError: If they are not there, share weights, or are too few.
    """
    own, other = recipe.modules.components, recipe.sampling.components
    setting = "modules.components" if own else "sampling.components"
    try:
        chosen = components(initial_model(recipe), own or other)
        check_disjoint(chosen)
    except InputError as error:
        words = "" if error.argument == "components" else f" ({error.argument})"
        raise InputError(f"{setting}{words}", error.rule, error.value, error.remedy) from error
    if len(chosen) < FEWEST:
        rule = f"must select at least {FEWEST} components"
        raise InputError(setting, rule, f"{len(chosen)} by {own or other}", MORE)


def check_rows(context: Context) -> None:
    """Require that the text has the rows that are to be sampled.

    Raises:
        InputError: If it has fewer.
    """
    settings = context.recipe.sampling
    try:
        context.rows(MIXTURE, settings.rows, "train", settings.seed)
    except InputError as error:
        raise InputError("sampling.rows", error.rule, error.value, error.remedy) from error
    for domain, parts in context.corpus.tokens.items():
        if (found := len(parts["validation"])) < LEAST_VALIDATION:
            rule = f"must have at least {LEAST_VALIDATION} validation rows"
            remedy = "Add text, or raise data.max_characters or data.validation_share."
            raise InputError(f"domain {domain}", rule, found, remedy)
