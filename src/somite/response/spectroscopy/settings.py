"""Settings of the clustering by conductance."""

from dataclasses import dataclass

from somite.core.checks import at_least
from somite.core.errors import InputError


@dataclass(frozen=True)
class Conductance:
    """How items are grouped; numbers are those of Spectroscopy, where it names them.

    Args:
        neighbors: Nearest neighbours of an item in the graph.
        teleport: Chance that the walk goes back to its seed at a step.
        tolerance: Largest error of the PageRank of an item over its degree.
        smallest: Fewest items of a cluster.
        main_body: An item is of the main body, of no cluster, unless conductance rises beyond the
            cut: the conductance of the cut over the highest within `window` must not exceed this.
        window: A cut is one if no set of up to `window` times its size conducts less.
        new_coverage: Seeds are tried until a round of them covers a smaller share of new items.
        round_size: Seeds of a round.

    Raises:
        InputError: If a number makes no sense.

    Source: Spectroscopy (arXiv 2601.12703), table 4: 45 neighbours, 0.001, 1e-7, 20, 0.99, 0.1 %.
    What its main-body threshold is applied to, the window and the rounds are choices made here.

    Example:
        >>> Conductance().neighbors
        45
    """

    neighbors: int = 45
    teleport: float = 0.001
    tolerance: float = 1e-7
    smallest: int = 20
    main_body: float = 0.99
    window: float = 1.5
    new_coverage: float = 0.001
    round_size: int = 32

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: If one makes no sense.
        """
        for name in ("neighbors", "smallest", "round_size"):
            at_least(name, getattr(self, name), 1 if name == "round_size" else 2)
        for name in ("teleport", "tolerance", "main_body", "new_coverage"):
            if not 0 < getattr(self, name) < 1:
                remedy = f"Use {getattr(Conductance, name)}."
                raise InputError(name, "must lie between 0 and 1", getattr(self, name), remedy)
        if not self.window > 1:
            raise InputError("window", "must be above 1", self.window, "Use 1.5.")
