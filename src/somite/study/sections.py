"""The sections of a recipe that belong to no other row."""

import math
from dataclasses import dataclass, fields

from somite.core.checks import at_least, not_negative, one_of, positive
from somite.models.transformer import TransformerConfig
from somite.sampling.kernels import Kernel
from somite.sampling.kernels.registry import KERNELS


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the transformer; vocabulary and context come from the data.

    The fields are those of `TransformerConfig`.
    """

    n_layers: int = 2
    d_model: int = 64
    n_heads: int = 8
    d_head: int = 32
    d_mlp: int = 0
    positions: str = "shortformer"
    norm: str = "layer"
    bias: bool = False
    position_scale: float = 1.0

    def __post_init__(self) -> None:
        """Check the shape before any data are fetched."""
        self.transformer(vocab_size=256, context=64)

    def transformer(self, vocab_size: int, context: int) -> TransformerConfig:
        """The whole shape."""
        return TransformerConfig(vocab_size, context, **vars(self))


@dataclass(frozen=True)
class CheckpointConfig:
    """Which steps of training are kept: the union of log-spaced and even ones.

    Args:
        n_log: Log-spaced steps.
        n_linear: Even steps.
    """

    n_log: int = 14
    n_linear: int = 12

    def __post_init__(self) -> None:
        """Check before any work starts."""
        at_least("n_log", self.n_log, 0)
        at_least("n_linear", self.n_linear, 1)


@dataclass(frozen=True)
class SamplingConfig:
    """Sampler settings of all checkpoints and components.

    Args:
        components: Which components, see `somite.components`.
        n_beta: Inverse temperature times number of samples.
        localization: Precision of the Gaussian around the center.
        kernel: Name of the sampler; one that works on minibatches.
        step_size: Of the kernel: ε of SGLD and its like, h of BAOAB and SGNHT.
        friction: Of BAOAB and SGNHT; 0 for the critical 2·√localization.
        rows: Rows of the data set whose loss is sampled.
        probe_rows: How many of these rows are the fixed reference probe.
        batch_size: Rows per minibatch.
        chains: Chains per component.
        burn_in: Steps before the first kept draw.
        draws: Kept draws per chain.
        probe_every: Kept draws per record of the probe.
        seed: Root of the random streams.
    """

    components: str = "heads"
    n_beta: float = 30.0
    localization: float = 200.0
    kernel: str = "SGLD"
    step_size: float = 2.5e-3
    friction: float = 0.0
    rows: int = 2048
    probe_rows: int = 32
    batch_size: int = 8
    chains: int = 4
    burn_in: int = 30
    draws: int = 150
    probe_every: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        remedy = "An rLLC needs a positive n_beta; n_beta = 0 is a control run of so.sample."
        positive("n_beta", self.n_beta, remedy)
        not_negative("localization", self.localization)
        positive("step_size", self.step_size, "Give a step such as 1e-3.")
        not_negative("friction", self.friction)
        one_of("kernel", self.kernel, [n for n, kind in KERNELS.items() if not kind.exact])
        for name in ("rows", "probe_rows", "batch_size", "chains", "probe_every"):
            at_least(name, getattr(self, name), 1)
        at_least("burn_in", self.burn_in, 0)
        at_least("draws", self.draws, 8, "Below 8 draws no error can be estimated.")
        self.sampler()

    def sampler(self) -> Kernel:
        """The kernel; settings that a recipe does not name have their defaults."""
        kind = KERNELS[self.kernel]
        known = {field.name for field in fields(kind)}
        given = {"step_size": self.step_size}
        if "friction" in known:
            given["friction"] = self.friction or 2 * math.sqrt(self.localization)
        made: Kernel = kind(**given)
        return made


@dataclass(frozen=True)
class RefinedConfig:
    """Chains on single domains, at the last checkpoint and at the stage boundaries.

    Args:
        rows: Rows of each domain's data set.
        burn_in: Steps before the first kept draw.
        draws: Kept draws per chain.
        most_steps: Most checkpoints; the last one and the best supported boundaries come first.
    """

    rows: int = 512
    burn_in: int = 20
    draws: int = 60
    most_steps: int = 4

    def __post_init__(self) -> None:
        """Check before any work starts."""
        for name in ("rows", "most_steps"):
            at_least(name, getattr(self, name), 1)
        at_least("burn_in", self.burn_in, 0)
        at_least("draws", self.draws, 8, "Below 8 draws no error can be estimated.")


@dataclass(frozen=True)
class ModulesConfig:
    """Chains for interactions, of `somite modules`; all else is as in `SamplingConfig`.

    The error of an interaction falls with the square root of the draws. In `language-small` 320
    draws gave a Monte Carlo error of at most 0.065 among all 120 pairs of heads (median 0.016), so
    that 180 give at most 0.1 with some room, in little more than half of the time.

    Args:
        draws: Kept draws per chain.
        components: Which components, see `somite.components`; those of `SamplingConfig` if left
            out.
    """

    draws: int = 180
    components: str = ""

    def __post_init__(self) -> None:
        """Check before any work starts."""
        at_least("draws", self.draws, 8, "Below 8 draws no error can be estimated.")


@dataclass(frozen=True)
class ResponseConfig:
    """Chains whose losses of tokens are recorded, of `somite respond`; else `SamplingConfig`.

    Args:
        rows: Validation rows of each domain whose tokens are recorded.
        reference_rows: Rows of the mixture whose mean loss is the observable.
        draws: Kept draws per chain; losses are recorded at every `sampling.probe_every`-th.
        replicates: Bootstrap replicates for the errors of singular values and loadings.
    """

    rows: int = 32
    reference_rows: int = 64
    draws: int = 320
    replicates: int = 100

    def __post_init__(self) -> None:
        """Check before any work starts."""
        at_least("rows", self.rows, 1)
        at_least("reference_rows", self.reference_rows, 1)
        at_least("draws", self.draws, 8, "Below 8 draws no error can be estimated.")
        at_least("replicates", self.replicates, 2, "Use 100.")


@dataclass(frozen=True)
class BehaviorConfig:
    """How much text the behaviour of heads is measured on.

    Args:
        rows: Rows for attention and n-gram scores.
        validation_rows: Rows of each domain for losses.
        ablation_rows: Rows of each domain for ablations.
        examples: Rows of each domain whose attention patterns are kept for the report.
        seed: Of the choice of rows.
    """

    rows: int = 128
    validation_rows: int = 256
    ablation_rows: int = 128
    examples: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        for name in ("rows", "validation_rows", "ablation_rows", "examples"):
            at_least(name, getattr(self, name), 1 if name == "examples" else 2)


@dataclass(frozen=True)
class StagesConfig:
    """Search for stage boundaries.

    Args:
        max_boundaries: Most boundaries considered.
        bootstraps: Resamplings for their uncertainty.
        seed: Of the resampling.
    """

    max_boundaries: int = 5
    bootstraps: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        at_least("max_boundaries", self.max_boundaries, 0)
        at_least("bootstraps", self.bootstraps, 20)


@dataclass(frozen=True)
class GroupsConfig:
    """Search for groups of heads.

    Args:
        max_groups: Most groups considered.
        bootstraps: Resamplings for their stability.
        seed: Of the resampling.
    """

    max_groups: int = 6
    bootstraps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        at_least("max_groups", self.max_groups, 2)
        at_least("bootstraps", self.bootstraps, 2)
