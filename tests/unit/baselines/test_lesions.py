import numpy as np
import pytest

from somite.baselines import lesion_matrix, lesion_synergy
from somite.core.errors import InputError

CLEAN = np.array([1.0, 2.0, 4.0])
COST = {"a": np.array([1.0, 0.0, 2.0]), "b": np.array([0.5, 0.5, 0.5]), "c": np.zeros(3)}


def additive(withheld):
    return {"x": CLEAN + sum(COST[name] for name in withheld), "y": 2 * CLEAN}


def backup(withheld):
    """b stands in for a: only both together cost anything."""
    return {"x": CLEAN + 3 * ({"a", "b"} <= set(withheld))}


def chain(withheld):
    """a and b are links of one chain."""
    return {"x": CLEAN + 3 * bool({"a", "b"} & set(withheld))}


def test_changes_and_their_paired_errors():
    found = lesion_matrix(additive, ["a", "b", "c"])
    assert found.loss_change.sel(domain="x").values.tolist() == [1.0, 0.5, 0.0]
    assert not found.loss_change.sel(domain="y").any()
    errors = found.standard_error.sel(domain="x").values
    assert errors[0] == pytest.approx(COST["a"].std(ddof=1) / 3**0.5)
    assert errors[1] == 0


@pytest.mark.parametrize(("evaluate", "synergy"), [(additive, 0.0), (backup, 3.0), (chain, -3.0)])
def test_synergy_has_the_sign_of_the_circuit(evaluate, synergy):
    found = lesion_synergy(evaluate, ["a", "b", "c"]).sel(domain="x")
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = synergy
    np.testing.assert_allclose(found.synergy, expected)
    np.testing.assert_allclose(found.standard_error, 0, atol=1e-12)


def test_one_example_has_no_error():
    found = lesion_matrix(lambda out: {"x": np.array([1.0 * len(out)])}, ["a"])
    assert found.loss_change.item() == 1
    assert np.isnan(found.standard_error.item())


@pytest.mark.parametrize(
    ("evaluate", "names", "message"),
    [
        (additive, ["a", "a"], "names must name at least 2 components, each once"),
        (additive, ["a"], "names must name at least 2 components, each once"),
        (lambda out: {}, ["a", "b"], "losses must be given for at least one domain"),
        (lambda out: {"x": np.ones((2, 2))}, ["a", "b"], "losses must be a finite vector for x"),
        (lambda out: {"x": np.array([np.nan])}, ["a", "b"], "losses must be a finite vector"),
    ],
)
def test_bad_input_is_named(evaluate, names, message):
    with pytest.raises(InputError, match=message):
        lesion_synergy(evaluate, names)
