import math

import numpy as np
import pytest

from somite.estimators.joint import total
from unit.estimators.recorded import normal, recorded, spoiled


def draws(first, second):
    stacked = np.stack([first, second])
    return recorded({"loss": stacked, "share": stacked}, components=2, draws=stacked.shape[-1])


def test_the_error_of_a_sum_knows_that_components_share_noise():
    noise = normal(4, 200, seed=0)
    opposite, same = (draws(2 + noise, 3 + sign * noise) for sign in (-1, 1))
    value, error = total(opposite)
    assert value == pytest.approx(float(opposite.attrs["n_beta"]) * 5)
    assert error < 1e-9
    assert total(same)[1] > 0


def test_without_a_good_chain_there_is_no_number():
    failed = draws(normal(4, 60, seed=1), normal(4, 60, seed=2))
    for chain in range(4):
        failed = spoiled(failed, chain % 2, chain)
    assert all(math.isnan(number) for number in total(failed))
