import math

import numpy as np
import pytest

from somite import wbic
from somite.core.errors import InputError
from somite.sampling.convergence import mean_error
from unit.estimators.recorded import normal, recorded

N = 100
AT = N / math.log(N)


def test_it_is_n_times_the_mean_loss():
    draws = recorded(n=N, n_beta=AT)
    table = wbic(draws)
    loss = draws.loss.values[1]
    assert table.wbic.values[1] == pytest.approx(N * (0.5 + loss.mean()))
    assert table.wbic_mcse.values[1] == pytest.approx(N * mean_error(loss))
    assert table.llc.values[1] == pytest.approx((table.wbic.values[1] - N * 0.5) / math.log(N))
    assert table.mcse.values[1] == pytest.approx(AT * mean_error(loss))


def test_a_slow_probe_widens_the_error():
    probe = 10 * normal(2, 4, 50, seed=8)
    table = wbic(recorded(n=N, n_beta=AT, probe=probe))
    assert table.wbic_mcse.values[0] == pytest.approx(N * mean_error(probe[0]))


def test_a_negative_estimate_is_kept_and_explained():
    table = wbic(recorded({"loss": normal(2, 4, 50) - 3}, n=N, n_beta=AT))
    assert (table.llc < 0).all()
    assert "the center, which is no minimum" in str(table.remark.values[0])


def test_other_temperatures_are_refused():
    with pytest.raises(InputError, match=r"n of the draws must be given for WBIC.*Target"):
        wbic(recorded(n_beta=AT))
    with pytest.raises(InputError, match=r"n_beta of the draws must be n / log n = 21\.7147 for"):
        wbic(recorded(n=N, n_beta=1.02 * AT))
    assert np.isfinite(wbic(recorded(n=N, n_beta=1.005 * AT)).wbic).all()
