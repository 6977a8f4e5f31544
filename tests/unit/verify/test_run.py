"""What a case asks for, and that every kind of failure is seen."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.sampling import kernels
from somite.sampling.kernels import SGLD
from somite.verify import CASES, SHORT, select_cases, verify
from somite.verify.run import Outcome, judge, outcome
from unit.verify.broken import LoudNoise

BY_NAME = {case.name: case for case in CASES}
QUICK = replace(BY_NAME["gaussian-sgld"], settings={"chains": 2, "burn_in": 40, "draws": 400})


def test_there_are_enough_cases_over_all_kernels_and_subjects():
    assert len(CASES) >= 30
    assert len(BY_NAME) == len(CASES)
    assert {type(case.kernel).__name__ for case in CASES} == set(kernels.__all__) - {"Kernel"}
    assert {type(BY_NAME[name].kernel) for name in SHORT} == {type(case.kernel) for case in CASES}
    assert len({case.subject for case in CASES}) == 4
    assert all(case.source for case in CASES)


@pytest.mark.parametrize("name", sorted(SHORT))
def test_the_short_set_agrees(name):
    assert outcome(BY_NAME[name]).verdict == "agrees"


@pytest.mark.parametrize("name", ["gaussian-sgld", "quartic-sgld"])
def test_loud_noise_is_found_out(name):
    wrong = LoudNoise(BY_NAME[name].kernel.step_size)
    found = outcome(replace(BY_NAME[name], kernel=wrong))
    assert found.verdict != "agrees"
    assert not found.passed


def test_the_table_is_complete():
    heard = []
    table = verify([QUICK, replace(QUICK, name="again")], lambda *now: heard.append(now))
    assert heard == [(0, 2, "gaussian-sgld"), (1, 2, "again"), (2, 2, "")]
    words = ("subject", "kernel", "source", "verdict")
    numbers = {field.name for field in fields(Outcome)} - {"verdict"} | {"z", "rejected_z"}
    assert set(table.data_vars) == {*words, *numbers, "passed"}
    assert all(np.isfinite(table[name]).all() for name in numbers)
    assert table.kernel.values.tolist() == ["SGLD", "SGLD"]
    assert table.case.values.tolist() == ["gaussian-sgld", "again"]


def test_the_seed_is_that_of_the_name():
    same, other = outcome(QUICK), outcome(replace(QUICK, name="another"))
    assert same.estimate == outcome(QUICK).estimate != other.estimate


def test_chains_that_fail_are_told():
    def without_truth(kernel):
        return QUICK.prepare(SGLD(0.01))

    case = replace(QUICK, kernel=SGLD(10.0), prepare=without_truth)
    found = outcome(case)
    assert "makes it unstable" in found.verdict
    assert math.isnan(found.estimate)
    assert math.isnan(found.z)
    assert not found.passed


def test_verdicts():
    problem = replace(QUICK.prepare(QUICK.kernel), truth=10.0, rejected=12.0)
    assert judge(problem, 10.1, 0.1) == "agrees"
    assert judge(problem, 10.5, 0.1) == "more than 4 errors from the truth"
    assert judge(problem, 10.0, 0.6) == "error above 5% of the truth"
    assert judge(problem, 10.0, math.nan) == "error above 5% of the truth"
    assert judge(problem, 10.5, 0.45) == "cannot reject 12"
    assert judge(replace(problem, rejected=None), 10.5, 0.45) == "agrees"


def test_the_error_of_a_sampled_truth_counts():
    def sampled(kernel):
        return replace(QUICK.prepare(kernel), truth_error=0.3)

    plain, wider = outcome(QUICK), outcome(replace(QUICK, prepare=sampled))
    assert wider.error == pytest.approx(math.hypot(plain.error, 0.3))


def test_cases_are_chosen():
    assert select_cases() == CASES
    assert {case.name for case in select_cases(short=True)} == SHORT
    with pytest.raises(InputError, match="only must be the name of a case, got 'quartic-hcm'"):
        select_cases(only=["quartic-hcm"])
    with pytest.raises(InputError, match="only must be a case of the short set"):
        select_cases(short=True, only=["point-hmc"])
