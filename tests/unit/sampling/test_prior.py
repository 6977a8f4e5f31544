"""Weight decay and the bounding box are part of the law: exact answers, sampled with MALA."""

import numpy as np
import pytest
from scipy.stats import norm

import somite as so
from unit.sampling.bowl import CENTER, CURVATURES, LOCALIZATION, N_BETA, sample_bowl, z_score

CHAINS = {"chains": 12, "burn_in": 20, "draws": 200, "batch_size": None}


def decayed_distance(decay: float) -> float:
    """E‖w − w*‖² = Σ 1/a + (decay·w*/a)², a = n_beta·h + localization + decay."""
    precision = N_BETA * np.array(CURVATURES) + LOCALIZATION + decay
    return float((1 / precision + (decay * np.array(CENTER) / precision) ** 2).sum())


def test_weight_decay_pulls_towards_zero():
    draws = sample_bowl(so.MALA(0.05), prior={"weight_decay": 20.0}, **CHAINS)
    by_chain = draws.distance[0].mean("draw").values
    assert abs(z_score(by_chain, decayed_distance(20.0))) <= 4
    assert abs(z_score(by_chain, decayed_distance(0.0))) > 6
    assert draws.attrs["weight_decay"] == 20.0


def box_distance(box: float) -> float:
    """E‖w − w*‖² of two weights of precision γ = 2, cut at ± box."""
    edge = box * np.sqrt(LOCALIZATION)
    cut = 2 * edge * norm.pdf(edge) / (2 * norm.cdf(edge) - 1)
    return float(2 / LOCALIZATION * (1 - cut))


def test_a_bounding_box_cuts_the_law():
    control = {"n_beta": 0.0, "bounding_box": 0.6}
    draws = sample_bowl(so.MALA(0.25), prior=control, **CHAINS)
    by_chain = draws.distance[0].mean("draw").values
    assert abs(z_score(by_chain, box_distance(0.6))) <= 4
    assert abs(z_score(by_chain, 2 / LOCALIZATION)) > 6
    assert float(draws.distance.max()) <= 2 * 0.6**2
    assert draws.attrs["bounding_box"] == 0.6


@pytest.mark.parametrize("kernel", [so.SGLD(0.5), so.BAOAB(0.5, 3.0), so.HMC(0.3)], ids=repr)
def test_no_kernel_leaves_the_box(kernel):
    prior = {"n_beta": 0.0, "bounding_box": 0.1}
    draws = sample_bowl(kernel, prior=prior, batch_size=None, draws=60)
    assert 0.005 < float(draws.distance.max()) <= 2 * 0.1**2


def test_a_box_that_is_never_reached_changes_nothing():
    plain, boxed = (sample_bowl(prior={"bounding_box": box}) for box in (None, 50.0))
    np.testing.assert_array_equal(plain.distance, boxed.distance)
    assert "bounding_box" not in plain.attrs


def test_a_chain_that_weight_decay_moves_has_not_drifted():
    pulled = sample_bowl(prior={"n_beta": 0.0, "weight_decay": 40.0}, chains=2, draws=60)
    assert (pulled.status == "converged").all()
    assert float(pulled.distance.mean()) > 0.8 * float(np.square(CENTER).sum())
