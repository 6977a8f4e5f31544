"""A study: configuration, the cells it needs, the store that keeps them."""

from somite.study.recipe import Recipe, load_recipe
from somite.study.results import Results, load_estimates, load_results
from somite.study.run import run_study

__all__ = ["Recipe", "Results", "load_estimates", "load_recipe", "load_results", "run_study"]
