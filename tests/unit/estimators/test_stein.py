import numpy as np
import pytest

from somite import stein_llc
from somite.core.errors import InputError
from somite.estimators.stein import coefficients
from unit.estimators.recorded import SIZE, normal, recorded


def with_variate(variate: np.ndarray, loss: np.ndarray):
    """Draws whose Z is given (component, chain, draw), through the share alone."""
    zero = np.zeros_like(variate)
    series = {"share": (variate + SIZE) / 20, "distance": zero, "drift_square": zero, "loss": loss}
    return recorded(series, components=len(variate), draws=variate.shape[-1])


def test_what_follows_the_variate_is_taken_out():
    variate = normal(1, 4, 100)
    variate -= variate.mean()
    noise = 0.1 * normal(1, 4, 100, seed=3)
    table = stein_llc(with_variate(variate, 2 + variate + noise))
    assert table.llc.item() == pytest.approx(20, abs=5 * table.mcse.item())
    assert table.variance_ratio.item() > 20
    assert abs(table.z.item()) < 1e-6
    assert table.remark.item() == ""


def test_a_variate_that_says_nothing_takes_nothing_away():
    table = stein_llc(with_variate(np.zeros((1, 4, 50)), 2 + normal(1, 4, 50)))
    assert table.variance_ratio.item() == pytest.approx(1)
    assert table.z.item() == 0


def test_slow_wandering_under_fast_noise_enters_the_error():
    levels = np.repeat(normal(1, 4, 4), 25, axis=-1)  # each chain stays a quarter on a level
    loss = levels + 5 * normal(1, 4, 100, seed=5)
    table = stein_llc(with_variate(np.zeros((1, 4, 100)), loss))
    quarters = 10 * loss.reshape(16, 25).mean(1)
    assert table.mcse.item() >= quarters.std(ddof=1) / 4 - 1e-9


def test_a_coefficient_never_sees_its_own_chain():
    values, variate = normal(4, 100), normal(4, 100, seed=1)
    before = coefficients(values, variate)
    values[2] += 100 * variate[2]
    after = coefficients(values, variate)
    assert after[2] == before[2]
    assert (abs(after - before)[[0, 1, 3]] > 1).all()


def test_an_unsettled_chain_and_a_negative_estimate_are_named():
    table = stein_llc(with_variate(1 + 0.1 * normal(1, 4, 50), -1 + 0.1 * normal(1, 4, 50, seed=1)))
    assert table.remark.item().startswith("Z is far from its mean of 0: not settled")
    assert "negative by more than 2 errors" in table.remark.item()
    assert table.llc.item() < 0


@pytest.mark.parametrize("setting", [{"kernel": "BAOAB"}, {"weight_decay": 1.0}])
def test_other_dynamics_are_refused(setting):
    with pytest.raises(InputError, match="of the draws must be"):
        stein_llc(recorded(**setting))


def test_one_chain_has_nothing_to_fit_on():
    with pytest.raises(InputError, match=r"number of chains must be .* at least 2"):
        stein_llc(recorded(chains=1))
