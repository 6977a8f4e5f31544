"""Declared families, by the name that a model's configuration gives them (`model_type`)."""

from somite.components.families import interleaved, separate, stacked
from somite.components.families.family import Family

DECLARED: dict[str, Family] = {**separate.FAMILIES, **stacked.FAMILIES, **interleaved.FAMILIES}
