"""devinterp's chains as its users run them: `sample` with the mask of one head after the other."""

import contextlib
import io
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from somite.models import Transformer
from speed.chains import LOCALIZATION, N_BETA, STEP_SIZE, chosen
from speed.heads_model import batch_size, trained

TIMED_INIT_BATCHES = 2


def available() -> bool:
    """Whether devinterp is installed."""
    return find_spec("devinterp") is not None


@dataclass
class Watched:
    """devinterp's own loss, each call of it noted with its time and its mean.

    Args:
        begun: When each call began.
        means: Mean loss of each call.
    """

    begun: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)

    def __call__(self, model: nn.Module, tokens: Tensor) -> Tensor:
        """Loss of every token."""
        from devinterp.slt.lm_loss import compute_per_token_loss  # the extra `bench`

        self.begun.append(time.perf_counter())
        losses = compute_per_token_loss(model, tokens)
        self.means.append(losses.detach().mean().item())
        return losses


def peer_cost(names: Sequence[str], draws: int, tiny: bool) -> list[dict[str, Any]]:
    """Seconds per step, per batch of the loss at the center, and of the whole call, by head."""
    found = []
    for name in names:
        watched, begin = Watched(), time.perf_counter()
        peer_llc(name, watched, draws, TIMED_INIT_BATCHES, seed=100, tiny=tiny)
        whole, begun = time.perf_counter() - begin, watched.begun
        step = (begun[-1] - begun[TIMED_INIT_BATCHES]) / (draws - 1)
        init = (begun[TIMED_INIT_BATCHES - 1] - begun[0]) / (TIMED_INIT_BATCHES - 1)
        found.append({"head": name, "step": step, "init": init, "whole": whole})
    return found


def peer_llc(
    name: str, watched: Watched, draws: int, init_batches: int, *, seed: int, tiny: bool
) -> float:
    """Its estimate from one chain of one head."""
    from devinterp.slt.llc import llc  # the extra `bench`

    model, data, masks = _problem(tiny)
    quiet = contextlib.redirect_stderr(io.StringIO())
    with quiet, warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        with torch.random.fork_rng(devices=[]):
            estimate = llc(
                model, data, {}, lr=STEP_SIZE, n_beta=N_BETA, localization=LOCALIZATION,
                param_masks=masks[name], num_chains=1, num_draws=draws,
                batch_size=batch_size(tiny), num_init_loss_batches=init_batches, init_seed=seed,
                output_path=Path(folder, "samples.zarr"), loss_fn=watched, device="cpu",
            )  # fmt: skip
    return float(estimate.llc_mean)


def peer_estimates(
    name: str, seeds: Sequence[int], draws: int, init_batches: int, tiny: bool
) -> list[dict[str, Any]]:
    """Its estimate at so many init batches, and every loss it saw, once for each seed.

    Returns:
        For each seed `llc`, `init` (the mean loss of every batch at the center) and `loss` (that of
        every step): from these follow its estimates with fewer init batches.
    """
    found = []
    for seed in seeds:
        watched = Watched()
        estimate = peer_llc(name, watched, draws, init_batches, seed=seed, tiny=tiny)
        means = watched.means
        found.append({"llc": estimate, "init": means[:init_batches], "loss": means[init_batches:]})
    return found


@lru_cache(maxsize=1)
def _problem(tiny: bool) -> tuple[Transformer, Any, dict[str, dict[str, Tensor]]]:
    """The model, its text as devinterp takes it, and its masks."""
    from datasets import Dataset  # comes with devinterp

    model, rows = trained(tiny)
    data = Dataset.from_dict({"input_ids": rows.tolist()}).with_format("torch")
    return model, data, {head: dict(mask.entries) for head, mask in chosen(model, None).items()}
