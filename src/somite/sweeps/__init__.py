"""Sweeps: many models that differ in chosen settings, one tidy table, effects with intervals."""

from somite.sweeps.design import SweepDesign, design_names, load_design
from somite.sweeps.effects import effects
from somite.sweeps.matched import at_equal_loss
from somite.sweeps.run import sweep
from somite.sweeps.table import load_table

__all__ = [
    "SweepDesign",
    "at_equal_loss",
    "design_names",
    "effects",
    "load_design",
    "load_table",
    "sweep",
]
