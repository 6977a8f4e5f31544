"""Independent blocks add: λ(AB) = λ(A) + λ(B); with shared noise draw by draw."""

import numpy as np
import pytest
import torch

from laws.gaussian import (
    BLOCKS,
    FLAT,
    Basin,
    Setting,
    random_tilts,
    run,
    tilted_loss,
    z_score,
)
from laws.stationary import exact_llc
from somite import SGLD, Target, sample

APART = torch.zeros(4, 4, dtype=torch.float64)
APART[:2, :2] = torch.tensor([[1.0, 0.4], [0.4, 0.5]])
APART[2:, 2:] = torch.tensor([[2.0, -0.7], [-0.7, 0.6]])

COUPLED = APART.clone()
COUPLED[0, 2] = COUPLED[2, 0] = 1.2


def interaction_by_chain(setting: Setting) -> np.ndarray:
    """λ_A + λ_B − λ_AB of every chain, from one run of all three."""
    draws = sample(
        Basin(setting.curvature),
        Target(tilted_loss, setting.tilts, setting.n_beta, setting.localization),
        SGLD(setting.step_size),
        components=BLOCKS,
        chains=setting.chains,
        burn_in=setting.burn_in,
        draws=setting.draws,
        batch_size=setting.batch_size,
    )
    mean = setting.n_beta * draws.loss.mean("draw")
    parts = [mean.sel(component=name).values for name in ("A", "B", "AB")]
    return parts[0] + parts[1] - parts[2]


@pytest.mark.parametrize("tilts", [FLAT, random_tilts()], ids=["full", "minibatch"])
def test_independent_blocks_add_draw_by_draw(tilts):
    setting = Setting(curvature=APART, tilts=tilts, chains=4, burn_in=30, draws=60)
    assert exact_llc(setting, "AB") == pytest.approx(
        exact_llc(setting, "A") + exact_llc(setting, "B"), rel=1e-12
    )
    assert np.abs(interaction_by_chain(setting)).max() < 1e-12


def test_unshared_noise_hides_what_shared_noise_shows():
    setting = Setting(curvature=APART, chains=4, burn_in=30, draws=60)
    apart = [run(setting.but(seed=seed), block) for seed, block in enumerate(("A", "B", "AB"))]
    mean = [setting.n_beta * draws.loss[0].mean("draw").values for draws in apart]
    unshared = mean[0] + mean[1] - mean[2]
    assert unshared.std(ddof=1) > 1e6 * interaction_by_chain(setting).std(ddof=1)


@pytest.mark.parametrize("tilts", [FLAT, random_tilts()], ids=["full", "minibatch"])
def test_coupled_blocks_have_their_exact_interaction(tilts):
    setting = Setting(curvature=COUPLED, tilts=tilts)
    exact = exact_llc(setting, "A") + exact_llc(setting, "B") - exact_llc(setting, "AB")
    assert abs(exact) > 0.05
    assert abs(z_score(interaction_by_chain(setting), exact)) < 4.0
