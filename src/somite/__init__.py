"""somite measures how modules form inside neural networks, with error bars.

The names a user needs are re-exported here; each row of the house (see docs/design.md) is a
subpackage of its own.
"""

from somite.components import Mask, components
from somite.estimators import llc
from somite.models import next_token_loss
from somite.sampling import SGLD, Target, sample

__version__ = "0.1.0"

__all__ = ["SGLD", "Mask", "Target", "components", "llc", "next_token_loss", "sample"]
