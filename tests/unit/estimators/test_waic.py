import numpy as np
import pytest

from somite import waic
from somite.core.errors import InputError
from somite.estimators.waic import jackknife
from unit.estimators.recorded import normal, recorded

N = 6


def pointwise(losses: np.ndarray, **settings: object):
    _, chains, draws, _ = losses.shape
    settings = {"n": N, "n_beta": float(N)} | settings
    draws = recorded(chains=chains, draws=draws, **settings)
    draws["example_loss"] = (("component", "chain", "probe_draw", "example"), losses)
    return draws


def test_it_is_its_definition_with_the_jackknife():
    losses = 0.3 * normal(2, 5, 20, N)
    table = waic(pointwise(losses))
    flat = losses[0]  # (chain, draw, example)

    def plain(chains: np.ndarray) -> np.ndarray:
        every = chains.reshape(-1, N)
        training = 0.5 - np.log(np.exp(-every).mean(0)).mean()
        variance = every.var(0).sum()
        return np.array([training, variance, training + variance / N, variance / 2])

    values, errors = jackknife(plain, flat)
    names = ("training_loss", "functional_variance", "waic", "singular_fluctuation")
    for i, name in enumerate(names):
        assert table[name].values[0] == pytest.approx(values[i])
        assert table[f"{name}_mcse"].values[0] == pytest.approx(errors[i])


def test_the_jackknife_makes_a_variance_unbiased():
    sample = normal(7)
    values, _ = jackknife(lambda x: np.array([x.var()]), sample)
    assert values[0] == pytest.approx(sample.var(ddof=1))


def test_samples_that_vary_too_much_are_counted():
    losses = 0.1 * normal(2, 4, 50, N)
    losses[0, :, :, :2] *= 20
    remarks = waic(pointwise(losses)).remark.values.tolist()
    assert remarks == ["not to be trusted: the losses of 2 samples vary by more than 0.4", ""]


def test_draws_made_for_something_else_are_refused():
    losses = normal(2, 4, 20, N)
    with pytest.raises(InputError, match="n of the draws must be given for WAIC"):
        waic(recorded())
    with pytest.raises(InputError, match=r"n_beta of the draws must be n = 6 for WAIC, got 3\.0"):
        waic(pointwise(losses, n_beta=3.0))
    with pytest.raises(InputError, match=r"draws must hold the loss of every example.*pointwise"):
        waic(recorded(n=N, n_beta=float(N)))
    with pytest.raises(InputError, match="reference probe of the draws must hold all n = 6"):
        waic(pointwise(losses[..., :4]))
    with pytest.raises(InputError, match=r"number of chains must be .* at least 2"):
        waic(pointwise(losses[:, :1]))
