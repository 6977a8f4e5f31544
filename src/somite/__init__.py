"""somite measures how modules form inside neural networks, with error bars.

The names a user needs are re-exported here; each row of the house (see docs/design.md) is a
subpackage of its own.
"""

from somite.calibration import calibrate
from somite.components import Mask, components, modules, pairs
from somite.data import collect, token_rows
from somite.estimators import (
    control_check,
    coupling,
    diagnose,
    energy_correlation,
    interaction,
    interaction_ladder,
    llc,
    llc_ladder,
    partition_score,
    richardson,
    second_moment_shares,
    shares,
    stein_llc,
    waic,
    wbic,
)
from somite.models import load_model, masked_lm_loss, next_token_loss
from somite.response import (
    classical_influence,
    contrast,
    group_losses,
    influence,
    response_matrix,
    susceptibility,
    top_influences,
    weight_derivative,
)
from somite.sampling import (
    BAOAB,
    HMC,
    MALA,
    SGLD,
    SGNHT,
    AdamSGLD,
    Observable,
    Record,
    RMSpropSGLD,
    Target,
    recorded,
    recorded_draws,
    sample,
)
from somite.study.track import track
from somite.training.open_series import checkpoints

__version__ = "0.1.0"

__all__ = [
    "BAOAB",
    "HMC",
    "MALA",
    "SGLD",
    "SGNHT",
    "AdamSGLD",
    "Mask",
    "Observable",
    "RMSpropSGLD",
    "Record",
    "Target",
    "calibrate",
    "checkpoints",
    "classical_influence",
    "collect",
    "components",
    "contrast",
    "control_check",
    "coupling",
    "diagnose",
    "energy_correlation",
    "group_losses",
    "influence",
    "interaction",
    "interaction_ladder",
    "llc",
    "llc_ladder",
    "load_model",
    "masked_lm_loss",
    "modules",
    "next_token_loss",
    "pairs",
    "partition_score",
    "recorded",
    "recorded_draws",
    "response_matrix",
    "richardson",
    "sample",
    "second_moment_shares",
    "shares",
    "stein_llc",
    "susceptibility",
    "token_rows",
    "top_influences",
    "track",
    "waic",
    "wbic",
    "weight_derivative",
]
