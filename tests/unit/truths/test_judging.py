"""Scores of matrices that are right, wrong and empty."""

import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.truths.gaussian import gaussian_blocks
from somite.truths.judging import expected_sign, judged, same_partition, shift
from somite.truths.planted_mlp import PlantedSettings, planted_mlp
from somite.truths.polynomials import polynomial
from somite.truths.redundancy import duplicates, shared_bias

TRUTH = planted_mlp(0, settings=PlantedSettings(modules=((2, 4, 2), (2, 4, 2))))


def matrix(names, close):
    values = [[float(close(a, b)) for b in names] for a in names]
    return xr.DataArray(values, {"component": names, "other": names}, ("component", "other"))


def test_a_perfect_matrix_has_perfect_scores():
    names = list(TRUTH.components)
    found = judged(
        matrix(names, lambda a, b: TRUTH.labels[a] == TRUTH.labels[b]), TRUTH, "pairs", 0
    )
    row = found.row
    assert (row["auc"], row["ari"], row["components"]) == (1.0, 1.0, 8)
    assert row["ami"] == pytest.approx(1.0)
    # 2 of the 70 ways of choosing 4 of 8 are the true one.
    assert row["ari_p"] == pytest.approx(2 / 70, abs=0.02)
    assert row["ami_p"] == row["ari_p"]
    assert row["auc_p"] < 0.06
    assert row["p"] < 0.06
    assert len(set(found.modules.values())) == 2


def test_a_matrix_of_another_partition_has_scores_of_chance():
    names = list(TRUTH.components)
    row = judged(matrix(names, lambda a, b: int(a[2]) % 2 == int(b[2]) % 2), TRUTH, "pairs", 0).row
    assert row["ari"] < 0.1
    assert row["auc"] < 0.5
    assert row["ari_p"] > 0.3


def test_components_without_a_label_are_not_judged():
    names = list(TRUTH.components)
    fewer = TRUTH.__class__(
        **{**vars(TRUTH), "labels": {n: TRUTH.labels[n] for n in names if n not in ("0:0", "0:7")}}
    )
    odd = matrix(names, lambda a, b: TRUTH.labels[a] == TRUTH.labels[b])
    odd.loc["0:0", "0:7"] = odd.loc["0:7", "0:0"] = 0.9
    assert judged(odd, fewer, "pairs", 0).row["auc"] == 1.0


def test_a_matrix_without_an_edge_is_refused():
    names = list(TRUTH.components)
    with pytest.raises(InputError, match="matrix must have an edge"):
        judged(matrix(names, lambda a, b: 0), TRUTH, "pairs", 0)


@pytest.mark.parametrize(
    ("truth", "sign"),
    [
        (polynomial("u²v²"), -1),
        (polynomial("(u+v)²"), 1),
        (polynomial("u²+v²"), 0),
        (shared_bias(0), 1),
        (shared_bias(0, biases=1), 0),
        (duplicates(0), 1),
    ],
)
def test_signs_of_two_components_are_known(truth, sign):
    assert expected_sign(truth) == sign
    names = list(truth.components)
    right = judged(matrix(names, lambda a, b: 0.3 * sign), truth, "pairs", 0).row
    wrong = judged(matrix(names, lambda a, b: -0.3 * sign or 0.3), truth, "pairs", 0).row
    assert (right["sign_right"], wrong["sign_right"]) == (True, False)
    assert right["weight"] == pytest.approx(0.3 * sign)


def test_what_is_not_known_is_not_judged():
    truth = gaussian_blocks(0, modules=((2,), (2,)))
    assert expected_sign(truth) is None
    row = judged(matrix(["0", "1"], lambda a, b: 1.0), truth, "pairs", 0).row
    assert row == {"weight": 1.0, "components": 2}


def test_shifts_are_relative_and_over_common_pairs():
    names = ["a", "b", "c"]
    one = matrix(names, lambda a, b: 2.0)
    two = one + 1.0
    assert shift(one, two) == pytest.approx(0.5)
    assert shift(one, two.sel(component=["a", "b"], other=["a", "b"])) == pytest.approx(0.5)
    assert np.isnan(shift(0 * one, two))
    assert same_partition({"a": 0, "b": 0, "c": 1}, {"a": 5, "b": 5, "c": 2, "d": 2}) == 1.0
