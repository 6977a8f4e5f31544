"""The reasons, in words."""

import math

from somite.calibration.reach import Reach
from somite.calibration.scale import MIXING, Bound
from somite.calibration.search import Search
from somite.calibration.words import explain
from unit.calibration.small import trial

REACH = Reach(4, {100.0: 0.9, 10000.0: 1.0}, 1.0, {"0": 1.0})


LIMITS = (Bound(5123.0, "mixing", MIXING),)


def words(reach=REACH, limits=LIMITS, **columns):
    best = trial(**columns)
    return explain(Search((best,), best, limits, "the basin is quadratic"), reach, 200, 0.05)


def test_every_setting_has_its_reason():
    found = words()
    starts = (
        "localization 100",
        "n_beta 100",
        "step_size 0.03 of BAOAB",
        "burn_in 20",
        "draws 200",
    )
    for text, start in zip(found, starts, strict=False):
        assert text.startswith(start)
        assert text.endswith(".")
    assert "0.90 there and tends to 1.00" in found[0]
    assert "the basin is quadratic" in found[0]
    assert "5120 by mixing" in found[1]
    assert "100% of the 20 cells tried are good." in found[-1]


def test_the_form_of_the_loss_is_told_either_way():
    assert "a quadratic basin" in words()[5]
    assert "flatter" in words(share=3.0)[5]
    assert "steeper" in words(share=1.0)[5]


def test_troubles_are_told():
    assert "commonest trouble: too warm." in words(reason="too warm", verdict="don't use")[-1]


def test_nothing_bounds_n_beta():
    assert "nothing bounds it" in words(limits=())[1]


def test_no_basin_and_saddles_are_told():
    found = words(Reach(2, {}, math.nan, {}, ("0", "7")))
    assert "no checkpoint has a basin" in found[0]
    assert "the guess 10 was kept; 100 was taken in the end" in found[0]
    assert "No basin at checkpoint 0, 7" in found[-1]


def test_the_floor_is_told():
    floor = Reach(4, {100.0: 1.0}, 1.0, {"0": 1.0}, floor=True)
    assert "further away than the weights are long" in words(floor)[0]
