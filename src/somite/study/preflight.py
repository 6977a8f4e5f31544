"""What is checked before hours of work: that the settings fit the model and the text."""

from somite.components import components
from somite.core.errors import InputError
from somite.data.config import MIXTURE
from somite.models.transformer import head_names
from somite.study.context import Context, initial_model
from somite.study.recipe import Recipe

FEWEST = 3
"""Fewest components that can be grouped."""

LEAST_VALIDATION = 2
"""Fewest rows from which a standard error can be had."""


def check_components(recipe: Recipe) -> None:
    """Require that the recipe's components are there, and enough to be grouped.

    Raises:
        InputError: If they are not.
    """
    setting, which = "sampling.components", recipe.sampling.components
    try:
        chosen = components(initial_model(recipe), which)
    except InputError as error:
        raise InputError(setting, error.rule, error.value, error.remedy) from error
    if unknown := sorted(set(chosen) - set(head_names(initial_model(recipe).config))):
        rule = "must select whole heads, whose behaviour a study measures"
        remedy = "Give heads; so.sample samples any other component."
        raise InputError(setting, rule, unknown[0], remedy)
    if len(chosen) < FEWEST:
        rule = f"must select at least {FEWEST} components"
        remedy = "Give heads, and a model that has so many."
        raise InputError(setting, rule, f"{len(chosen)} by {which}", remedy)


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
