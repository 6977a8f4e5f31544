import numpy as np
import pytest

from somite.core.errors import InputError
from somite.modularity.nulls.relabeling import random_sets, relabelings, strata_of

STRATA = np.array([0, 0, 0, 1, 1, 1, 1])


def test_labels_stay_in_their_stratum() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2, 2])
    found, exact = relabelings(labels, STRATA, 0, 50)
    assert not exact
    assert len(found) == 50
    for stratum in (0, 1):
        place = stratum == STRATA
        assert all((np.sort(row[place]) == np.sort(labels[place])).all() for row in found)


def test_random_sets_take_as_many_from_each_stratum_and_each_member_as_often() -> None:
    members = np.array([True, False, False, True, True, False, False])
    found = random_sets(members, STRATA, 0, 4000)
    assert (found[:, :3].sum(1) == 1).all()
    assert (found[:, 3:].sum(1) == 2).all()
    assert found.mean(0) == pytest.approx([1 / 3] * 3 + [1 / 2] * 4, abs=0.035)


def test_bad_sets_and_strata_are_refused() -> None:
    with pytest.raises(InputError, match="members must hold a component, got 0"):
        random_sets(np.zeros(7, dtype=bool), STRATA, 0, 5)
    with pytest.raises(InputError, match="strata must have one entry for each component"):
        random_sets(np.ones(3, dtype=bool), STRATA, 0, 5)
    with pytest.raises(InputError, match="count must be a whole number of at least 1"):
        random_sets(np.ones(7, dtype=bool), STRATA, 0, 0)
    with pytest.raises(InputError, match=r"strata must name a stratum for each component.*3 for 4"):
        strata_of(["a", "b", "c"], 4)
    assert strata_of(None, 2).tolist() == [0, 0]
