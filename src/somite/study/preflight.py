"""What is checked before hours of work: that the settings fit the model and the text."""

from somite.components import components
from somite.core.errors import InputError
from somite.study.context import MIXTURE, Context, initial_model
from somite.study.recipe import Recipe

FEWEST = 3
"""Fewest components that can be grouped."""


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
    for name, split in (("rows", "train"), ("probe_rows", "validation")):
        try:
            context.rows(MIXTURE, getattr(settings, name), split, settings.seed)
        except InputError as error:
            argument = f"sampling.{name}"
            raise InputError(argument, error.rule, error.value, error.remedy) from error
